//! Cases of wider worlds that once broke a law. Each was a fault of the engine.

use super::case::KindName::*;
use super::case::Opt::*;
use super::case::Other::*;
use super::case::Use::*;
use super::case::{Act, Case, Slot};
use super::features::Feature::{self, *};
use super::holds;
use super::ledger::Death::*;
use super::shed::Call::*;
use super::shed::Fault;
use super::shed::How::*;

/// A thing of this kind.
fn thing(slot: u8, kind: super::case::KindName) -> Slot {
    Slot { slot, kind, text: 0, base: 0, uses: vec![], options: vec![] }
}

/// A program that nothing happens to.
fn act(program: Vec<Slot>) -> Act {
    Act { others: vec![], program, faults: vec![], death: None, given_up: false }
}

/// One call after the other.
fn life(world: Vec<Feature>, acts: Vec<Act>) {
    holds(&Case { parallel: 1, continue_on_error: false, world, turns: vec![], acts });
}

/// It was dropped without a call, and leaked.
#[test]
fn objects_that_a_list_lacks_are_read_before_they_count_as_gone() {
    life(vec![ListsLag], vec![Act { given_up: true, ..act(vec![thing(0, Lamp)]) }, act(vec![])]);
    let half = || Fault { call: List, slot: 3, how: Half };
    life(vec![ListsLeaveOut], vec![act(vec![thing(0, Lamp)]), Act { faults: vec![half(), half()], ..act(vec![]) }]);
}

/// The secret was in the plan, in clear.
#[test]
fn secrets_that_are_mapped_are_not_shown() {
    life(vec![Secrets], vec![act(vec![Slot { options: vec![Secret], ..thing(0, Post) }])]);
    let looked = Slot { uses: vec![Looked(0)], options: vec![Secret], ..thing(1, Post) };
    life(vec![Secrets, LookUps], vec![act(vec![thing(0, Post), looked])]);
}

/// Its record was dropped by the next run, and it leaked.
#[test]
fn objects_that_are_made_again_under_their_id_are_recorded_once() {
    for feature in [NamesAreIds, IdsComeBack] {
        for write in 1..5 {
            let again = Act { others: vec![Remove(1)], death: Some(Before(write)), ..act(vec![thing(1, Post)]) };
            life(vec![feature], vec![act(vec![thing(1, Post)]), again]);
        }
    }
}

/// It was deleted, though somebody else had changed it.
#[test]
fn objects_are_compared_again_after_a_read_that_failed() {
    let changed = || vec![Fault { call: Read, slot: 2, how: Changed }];
    life(vec![Meddling], vec![act(vec![thing(2, Pipe)]), Act { faults: changed(), ..act(vec![]) }]);
    let text = Slot { text: 1, ..thing(2, Pipe) };
    life(vec![Meddling], vec![act(vec![thing(2, Pipe)]), Act { faults: changed(), ..act(vec![text]) }]);
}

/// One was made anew, and the other deleted.
#[test]
fn moves_in_a_circle_keep_their_objects() {
    let moved = |slot, name| Slot { options: vec![Called(name), Was(slot)], ..thing(slot, Post) };
    life(vec![Moves], vec![act(vec![thing(0, Post), thing(3, Post)]), act(vec![moved(0, 3), moved(3, 0)])]);
}

/// It was deleted without the lock.
#[test]
fn calls_are_not_sent_after_the_lock_was_lost() {
    holds(&Case {
        parallel: 2,
        continue_on_error: false,
        world: vec![LostLocks],
        turns: vec![2, 2, 5, 2],
        acts: vec![
            act(vec![thing(1, Pipe), thing(5, Pipe)]),
            Act { given_up: true, ..act(vec![thing(4, Post), thing(5, Pipe)]) },
            Act { death: Some(UnlockedAfter(3)), ..act(vec![thing(2, Post), Slot { base: 1, ..thing(5, Pipe) }]) },
        ],
    });
}
