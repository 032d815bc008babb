//! Cases of wider worlds that once broke a law. Each was a fault of the engine.

use super::case::Kind::*;
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
fn thing(slot: u8, kind: super::case::Kind) -> Slot {
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
