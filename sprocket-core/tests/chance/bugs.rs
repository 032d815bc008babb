//! Bugs on purpose: each is found by chance, made small, and printed as a test that can be pasted and compiles.

use proptest::strategy::ValueTree as _;

use super::case::KindName::*;
use super::case::{Act, Case, Slot};
use super::chances::{as_test, case_with, smallest};
use super::play::play;
use super::quietly;
use super::shed::Bug::{self, *};

/// The first case that a bug breaks, made small, as a test.
fn found(bug: Bug) -> String {
    quietly();
    for number in 0..10_000 {
        let tree = case_with(number, Vec::new());
        if let Err(broken) = play(&tree.current(), Some(bug)) {
            let (small, broken) = smallest(tree, broken, |case| play(case, Some(bug)).err());
            return as_test(&small, &broken);
        }
    }
    panic!("{bug:?} is not found");
}

/// What a printed test calls, in the shed with the bug.
#[track_caller]
fn breaks(bug: Bug, case: &Case) {
    assert!(play(case, Some(bug)).is_err() && play(case, None).is_ok());
}

/// Checks what is printed, against a test that was pasted here: so that what is printed compiles, and breaks the same law.
macro_rules! check {
    ($bug:ident, $says:literal, holds($case:expr);) => {
        let printed = found($bug);
        let (says, test) = printed.split_once('\n').unwrap();
        assert_eq!(says, $says);
        let words = |text: &str| text.replace([' ', '\n'], "").replace(",]", "]").replace(",}", "}");
        let body = words(test);
        assert_eq!(
            body,
            words(&format!("#[test] fn a_life_that_breaks_a_law() {{ holds({},); }}", stringify!($case)))
                .replace(",)", ")")
        );
        breaks($bug, $case);
    };
}

#[test]
fn a_service_whose_deletes_do_nothing_is_found_and_printed_as_a_test() {
    check! {
        DeletesNothing, "/// the end: s0 is still there",
        holds(&Case {
            parallel: 1,
            continue_on_error: false,
            world: vec![],
            turns: vec![],
            acts: vec![Act {
                others: vec![],
                program: vec![Slot { slot: 0, kind: Post, text: 0, base: 0, uses: vec![], options: vec![] }],
                faults: vec![],
                death: None,
                given_up: false,
            }],
        });
    }
}

#[test]
fn a_service_that_forgets_marks_is_found_and_printed_as_a_test() {
    check! {
        ForgetsMarks, "/// act 1: shed:post/s0 bears the mark None",
        holds(&Case {
            parallel: 1,
            continue_on_error: false,
            world: vec![],
            turns: vec![],
            acts: vec![Act {
                others: vec![],
                program: vec![Slot { slot: 0, kind: Post, text: 0, base: 0, uses: vec![], options: vec![] }],
                faults: vec![],
                death: None,
                given_up: false,
            }],
        });
    }
}

#[test]
fn a_service_whose_updates_forget_something_is_found_and_printed_as_a_test() {
    check! {
        ForgetsTexts,
        "/// act 2: shed:post/s0 is Settings { text: \"text 2\", uses: [], base: 0, on: None, inside: None }, and not Settings \
         { text: \"text 0\", uses: [], base: 0, on: None, inside: None }",
        holds(&Case {
            parallel: 1,
            continue_on_error: false,
            world: vec![],
            turns: vec![],
            acts: vec![
                Act {
                    others: vec![],
                    program: vec![Slot { slot: 0, kind: Post, text: 2, base: 0, uses: vec![], options: vec![] }],
                    faults: vec![],
                    death: None,
                    given_up: false,
                },
                Act {
                    others: vec![],
                    program: vec![Slot { slot: 0, kind: Post, text: 0, base: 0, uses: vec![], options: vec![] }],
                    faults: vec![],
                    death: None,
                    given_up: false,
                },
            ],
        });
    }
}
