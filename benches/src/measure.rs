//! Measuring: wall and CPU time, peak memory, and how time grows with size.

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How long something took: the shortest and the median of several runs. CPU time is that of all threads.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// The shortest wall time.
    pub wall: Duration,
    /// The median wall time.
    pub median: Duration,
    /// The least CPU time.
    pub cpu: Duration,
}

impl Took {
    /// Runs it that many times. What `prepare` makes is neither measured while it is made nor while it is dropped.
    pub fn of<T, R>(times: usize, mut prepare: impl FnMut() -> T, mut work: impl FnMut(&mut T) -> R) -> Self {
        let mut runs: Vec<(Duration, Duration)> = Vec::with_capacity(times);
        for _ in 0..times.max(1) {
            let mut prepared = prepare();
            let (wall, cpu) = (Instant::now(), cpu_time());
            let result = measured(&mut prepared, &mut work);
            runs.push((wall.elapsed(), cpu_time() - cpu));
            drop(result);
        }
        let cpu = runs.iter().map(|(_, cpu)| *cpu).min().unwrap_or_default();
        let mut walls: Vec<Duration> = runs.into_iter().map(|(wall, _)| wall).collect();
        walls.sort_unstable();
        Self { wall: walls[0], median: walls[walls.len() / 2], cpu }
    }
}

/// What is measured, under a name that a profiler can be told to begin and end at.
#[inline(never)]
fn measured<T, R>(prepared: &mut T, work: &mut impl FnMut(&mut T) -> R) -> R {
    work(prepared)
}

impl Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall, median, cpu } = self;
        write!(f, "{:>9} min {:>9} median {:>9} CPU", millis(*wall), millis(*median), millis(*cpu))
    }
}

/// In milliseconds.
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The CPU time of this process so far.
pub fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// How a cost grows with size: the slope of its logarithm over that of the size, by least squares. 1 is linear.
pub fn exponent(points: &[(usize, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(size, cost)| ((*size as f64).ln(), cost.ln())).collect();
    let count = logs.len() as f64;
    let (x, y) = (logs.iter().map(|(x, _)| x).sum::<f64>() / count, logs.iter().map(|(_, y)| y).sum::<f64>() / count);
    let above: f64 = logs.iter().map(|(a, b)| (a - x) * (b - y)).sum();
    let below: f64 = logs.iter().map(|(a, _)| (a - x).powi(2)).sum();
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_square_is_two() {
        let points: Vec<(usize, f64)> = [10, 100, 1000].iter().map(|&n| (n, (n * n) as f64 / 7.0)).collect();
        assert!((exponent(&points) - 2.0).abs() < 1e-9);
    }
}
