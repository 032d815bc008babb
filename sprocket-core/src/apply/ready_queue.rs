//! The steps that could start, longest remaining path first.

use std::collections::BinaryHeap;

/// Steps that could start.
pub(super) struct ReadyQueue {
    remaining: Vec<u32>,
    heap: BinaryHeap<(u32, std::cmp::Reverse<u32>)>,
}

impl ReadyQueue {
    /// An empty queue for these steps. `order` is one in which each comes after all that it waits for.
    pub(super) fn new(dependents: &[Vec<u32>], order: &[u32]) -> Self {
        let mut remaining = vec![0; dependents.len()];
        for &step in order.iter().rev() {
            let longest = dependents[step as usize].iter().map(|&next| remaining[next as usize] + 1).max();
            remaining[step as usize] = longest.unwrap_or(0);
        }
        Self { remaining, heap: BinaryHeap::new() }
    }

    pub(super) fn push(&mut self, step: u32) {
        self.heap.push((self.remaining[step as usize], std::cmp::Reverse(step)));
    }

    pub(super) fn pop(&mut self) -> Option<u32> {
        self.heap.pop().map(|(_, std::cmp::Reverse(step))| step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_remaining_path_goes_first_and_ties_follow_the_plan() {
        // 0 → 2 → 3, and 1 and 4 on their own.
        let dependents = [vec![2], vec![], vec![3], vec![], vec![]];
        let mut queue = ReadyQueue::new(&dependents, &[0, 1, 4, 2, 3]);
        [4, 1, 0].into_iter().for_each(|step| queue.push(step));
        assert_eq!(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(), [0, 1, 4]);
    }
}
