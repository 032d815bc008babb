//! Moments at which this crate's own tests kill the process: before and after each durable write and each request.
//!
//! Elsewhere, [`point`] is nothing.

#[cfg(test)]
pub(crate) use self::tests::point;

#[cfg(not(test))]
pub(crate) fn point(_: &str) {}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Which moment of this process is its last; the first is 1, and 0 is none.
    pub(crate) static LAST: AtomicUsize = AtomicUsize::new(0);
    static PASSED: AtomicUsize = AtomicUsize::new(0);

    /// How many there were so far.
    pub(crate) fn passed() -> usize {
        PASSED.load(Ordering::SeqCst)
    }

    pub(crate) fn point(what: &str) {
        if PASSED.fetch_add(1, Ordering::SeqCst) + 1 == LAST.load(Ordering::SeqCst) {
            println!("killed {what}");
            std::process::abort();
        }
    }
}
