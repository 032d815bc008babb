//! The steps that could start, by provider, longest remaining path first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::ids::ProviderName;

/// How far a step is from the end, and its number.
type Rank = (u32, Reverse<u32>);

/// Steps that could start.
pub(super) struct ReadyQueue {
    remaining: Vec<u32>,
    // A provider without room must not be in the way of the others, nor be looked through each time.
    heaps: BTreeMap<ProviderName, BinaryHeap<Rank>>,
}

impl ReadyQueue {
    /// An empty queue for these steps. `order` is one in which each comes after all that it waits for.
    pub(super) fn new(dependents: &[Vec<u32>], order: &[u32]) -> Self {
        let mut remaining = vec![0; dependents.len()];
        for &step in order.iter().rev() {
            let longest = dependents[step as usize].iter().map(|&next| remaining[next as usize] + 1).max();
            remaining[step as usize] = longest.unwrap_or(0);
        }
        Self { remaining, heaps: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, step: u32, provider: ProviderName) {
        let rank = (self.remaining[step as usize], Reverse(step));
        self.heaps.entry(provider).or_default().push(rank);
    }

    /// The step with the longest path of those whose provider has room.
    pub(super) fn pop(&mut self, has_room: impl Fn(&ProviderName) -> bool) -> Option<(u32, ProviderName)> {
        let open = self.heaps.iter_mut().filter(|(provider, _)| has_room(provider));
        let (provider, heap) = open.max_by_key(|(_, heap)| heap.peek().copied())?;
        let (_, Reverse(step)) = heap.pop()?;
        Some((step, provider.clone()))
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
        for (step, provider) in [(4, "a"), (1, "b"), (0, "b")] {
            queue.push(step, provider.into());
        }
        let mut pop = |full: &str| queue.pop(|provider| provider.as_str() != full).map(|(step, _)| step);
        assert_eq!([pop("b"), pop("b"), pop(""), pop(""), pop("")], [Some(4), None, Some(0), Some(1), None]);
    }
}
