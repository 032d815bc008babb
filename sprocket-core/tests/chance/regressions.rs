//! Cases that once broke a law, as they printed themselves. Each was a fault of the engine.

use super::case::Kind::*;
use super::case::Opt::*;
use super::case::Other::*;
use super::case::Use::*;
use super::case::{Act, Case, Slot};
use super::holds;
use super::ledger::Death::*;
use super::shed::Call::*;
use super::shed::Fault;
use super::shed::How::*;

/// A thing of this kind.
fn thing(slot: u8, kind: super::case::Kind) -> Slot {
    Slot { slot, kind, text: 0, base: 0, uses: vec![], options: vec![] }
}

/// Programs that follow one another, in peace.
fn in_peace(programs: Vec<Vec<Slot>>) {
    let act = |program| Act { others: vec![], program, faults: vec![], death: None, given_up: false };
    let acts = programs.into_iter().map(act).collect();
    holds(&Case { parallel: 1, continue_on_error: false, turns: vec![], acts });
}

/// It never ended.
#[test]
fn a_call_that_was_to_begin_when_the_lock_was_lost_is_not_waited_for() {
    holds(&Case {
        parallel: 2,
        continue_on_error: false,
        turns: vec![1, 3, 1, 0, 0, 0, 0, 0, 0],
        acts: vec![
            Act { others: vec![], program: vec![], faults: vec![], death: None, given_up: false },
            Act {
                others: vec![],
                program: vec![thing(1, Pipe)],
                faults: vec![],
                death: Some(Unlocked(4)),
                given_up: false,
            },
            Act {
                others: vec![],
                program: vec![thing(0, Lamp), thing(3, Post), Slot { uses: vec![Name(3)], ..thing(4, Post) }],
                faults: vec![],
                death: Some(Unlocked(2)),
                given_up: false,
            },
        ],
    });
    holds(&Case {
        parallel: 64,
        continue_on_error: false,
        turns: vec![1, 0, 0, 0, 0],
        acts: vec![
            Act {
                others: vec![],
                program: vec![thing(0, Vat), thing(2, Lamp)],
                faults: vec![],
                death: None,
                given_up: false,
            },
            Act {
                others: vec![],
                program: vec![thing(0, Lamp), thing(2, Post)],
                faults: vec![],
                death: Some(Unlocked(3)),
                given_up: false,
            },
        ],
    });
}

/// The oracle missed a delete: it was dropped without a call, and leaked.
#[test]
fn what_is_to_die_with_a_host_that_stays_is_deleted() {
    let guest = || Slot { uses: vec![Inside(0)], ..thing(1, Post) };
    in_peace(vec![vec![Slot { options: vec![Keep], ..thing(0, Post) }, guest()], vec![]]);
    in_peace(vec![vec![thing(0, Vat), guest()], vec![]]);
}

/// The oracle wanted the delete of 3 before that of 2, which it was made from.
#[test]
fn what_goes_for_good_goes_before_what_it_was_made_from_also_if_its_user_is_left() {
    let of_2 = || Slot { uses: vec![Name(2)], ..thing(3, Post) };
    let left = || Slot { uses: vec![Name(3)], ..thing(4, Vat) };
    in_peace(vec![vec![thing(2, Post), of_2(), left()], vec![Slot { base: 1, ..thing(2, Post) }]]);
    in_peace(vec![vec![thing(2, Post), of_2(), left()], vec![Slot { text: 1, ..thing(2, Post) }]]);
}

/// The oracle wanted the old 5, which stood on it, to be gone before 0.
#[test]
fn who_moves_away_from_what_makes_room_is_gone_before_it() {
    let on_0 = Slot { uses: vec![On(0)], ..thing(5, Pipe) };
    in_peace(vec![vec![thing(0, Post), on_0], vec![Slot { base: 1, ..thing(0, Post) }, thing(5, Pipe)]]);
    let of_1 = Slot { base: 1, uses: vec![Name(1)], ..thing(4, Lamp) };
    in_peace(vec![vec![Slot { base: 1, ..thing(1, Post) }, of_1], vec![thing(1, Post), thing(4, Lamp)]]);
}

/// The plan deleted it.
#[test]
fn what_was_made_never_seen_and_is_marked_by_another_stack_now_is_left_alone() {
    let unread = || Fault { call: Read, slot: 3, how: Refused };
    holds(&Case {
        parallel: 1,
        continue_on_error: false,
        turns: vec![],
        acts: vec![
            Act {
                others: vec![],
                program: vec![thing(3, Lamp)],
                faults: vec![unread(), unread()],
                death: None,
                given_up: false,
            },
            Act { others: vec![Steal(3)], program: vec![], faults: vec![], death: None, given_up: false },
        ],
    });
}

/// It was deleted after what it stood on.
#[test]
fn who_must_be_replaced_with_what_makes_room_goes_before_it_whatever_its_names() {
    let on_3 = || Slot { uses: vec![On(3)], ..thing(5, Lamp) };
    in_peace(vec![vec![thing(3, Post), on_3()], vec![Slot { base: 1, ..thing(3, Post) }, on_3()]]);
}

/// It was deleted after what it stood on, since its own user was made again.
#[test]
fn what_goes_for_good_goes_before_what_it_stood_on_makes_room() {
    let on_1 = Slot { uses: vec![On(1)], ..thing(3, Lamp) };
    let of_3 = Slot { uses: vec![Name(3)], ..thing(4, Post) };
    let of_nothing = Slot { base: 1, ..thing(4, Post) };
    in_peace(vec![vec![thing(1, Post), on_1, of_3], vec![Slot { base: 1, ..thing(1, Post) }, of_nothing]]);
}

/// A setting that is left to others counts until an object was made whole.
#[test]
fn what_a_create_left_unfinished_gets_what_is_later_left_to_others() {
    let slot = |options| Slot { slot: 2, kind: Pipe, text: 1, base: 0, uses: vec![], options };
    holds(&Case {
        parallel: 1,
        continue_on_error: false,
        turns: vec![],
        acts: vec![
            Act {
                others: vec![],
                program: vec![slot(vec![IgnoreText])],
                faults: vec![Fault { call: Create, slot: 2, how: Half }],
                death: None,
                given_up: false,
            },
            Act { others: vec![], program: vec![slot(vec![])], faults: vec![], death: None, given_up: false },
        ],
    });
}

/// What is not declared to be inside of another any more was dropped with it.
#[test]
fn what_an_interrupted_run_made_has_the_options_that_it_was_made_with() {
    let life = |inside: Vec<_>, uses: Vec<_>, write| {
        let host = thing(0, Post);
        let guest = |uses| Slot { uses, ..thing(5, Pipe) };
        let act = |guest, death: Option<_>| Act {
            others: vec![],
            program: vec![host.clone(), guest],
            faults: vec![],
            given_up: death.is_some(),
            death,
        };
        holds(&Case {
            parallel: 1,
            continue_on_error: false,
            turns: vec![],
            acts: vec![act(guest(inside), None), act(guest(uses), Some(Before(write)))],
        });
    };
    for write in 1..5 {
        life(vec![Inside(0)], vec![Name(0)], write);
        life(vec![Name(0)], vec![Inside(0)], write);
    }
}
