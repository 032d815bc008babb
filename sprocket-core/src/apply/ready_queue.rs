//! The steps that could start, by provider, longest remaining path first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::plan::StepId;

/// How far a step is from the end, and its number.
type Rank = (u32, Reverse<StepId>);

/// Steps that could start.
pub(super) struct ReadyQueue {
    remaining: Vec<u32>,
    // A provider without room must not be in the way of the others, nor be looked through each time.
    heaps: Vec<BinaryHeap<Rank>>,
}

impl ReadyQueue {
    /// An empty queue for these steps, of so many providers. `order` is one in which each step comes after all that it waits
    /// for.
    pub(super) fn new(dependents: &[Vec<StepId>], order: &[StepId], providers: usize) -> Self {
        let mut remaining = vec![0; dependents.len()];
        for &step in order.iter().rev() {
            let longest = dependents[step.index()].iter().map(|&next| remaining[next.index()] + 1).max();
            remaining[step.index()] = longest.unwrap_or(0);
        }
        Self { remaining, heaps: vec![BinaryHeap::new(); providers] }
    }

    pub(super) fn push(&mut self, step: StepId, provider: usize) {
        let rank = (self.remaining[step.index()], Reverse(step));
        self.heaps[provider].push(rank);
    }

    /// The step with the longest path of those whose provider has room.
    pub(super) fn pop(&mut self, has_room: impl Fn(usize) -> bool) -> Option<StepId> {
        let open = self.heaps.iter_mut().enumerate().filter(|(provider, _)| has_room(*provider));
        let (_, heap) = open.filter(|(_, heap)| !heap.is_empty()).max_by_key(|(_, heap)| heap.peek().copied())?;
        heap.pop().map(|(_, Reverse(step))| step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_remaining_path_goes_first_and_ties_follow_the_plan() {
        // 0 → 2 → 3, and 1 and 4 on their own.
        let dependents =
            [vec![2], vec![], vec![3], vec![], vec![]].map(|all| all.into_iter().map(StepId::of).collect());
        let (a, b, none) = (0, 1, 2);
        let mut queue = ReadyQueue::new(&dependents, &[0, 1, 4, 2, 3].map(StepId::of), 2);
        for (step, provider) in [(4, a), (1, b), (0, b)] {
            queue.push(StepId::of(step), provider);
        }
        let mut pop = |full: usize| queue.pop(|provider| provider != full).map(StepId::index);
        assert_eq!([pop(b), pop(b), pop(none), pop(none), pop(none)], [Some(4), None, Some(0), Some(1), None]);
    }
}
