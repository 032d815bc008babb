//! The engine's proof: lives of stacks by chance, with everything that can go wrong, on the real engine. Each plan is held
//! against an oracle's, each run and each end against the laws that `ARCHITECTURE.md` states.
//!
//! A case is plain data, and all that happens in it follows from that: whom a call is overtaken by is in it, the clock is
//! the test's, and nothing is random. One that breaks a law is made as small as it gets, and prints itself as a test for
//! `regressions.rs`. `SPROCKET_CHANCES` says how many are tried, and `SPROCKET_CHANCES_FROM` with which number they begin.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod bugs;
mod case;
mod chances;
mod features;
mod laws;
mod ledger;
mod oracle;
mod play;
mod regressions;
mod shed;
mod suite;
mod trace;
mod widened;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use proptest::strategy::ValueTree as _;

use self::case::Case;
use self::chances::{as_test, case, smallest};
use self::features::Feature;
use self::play::play;

fn set(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|count| count.parse().ok()).unwrap_or(otherwise)
}

/// What falls over on purpose says nothing.
fn quietly() {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let on_purpose = panic.payload().downcast_ref::<String>().is_some_and(|text| text == shed::FALLS_OVER)
                || panic.payload().downcast_ref::<&str>().is_some_and(|text| *text == shed::FALLS_OVER);
            if !on_purpose {
                loud(panic);
            }
        }));
    });
}

/// A case that must hold, whatever happens in it.
#[track_caller]
fn holds(case: &Case) {
    quietly();
    if let Err(broken) = play(case, None) {
        panic!("{}", as_test(case, &broken));
    }
}

#[test]
fn whatever_happens_the_laws_hold() {
    quietly();
    let (from, count) = (set("SPROCKET_CHANCES_FROM", 0), set("SPROCKET_CHANCES", 30));
    let (next, broken) = (AtomicU64::new(from), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            // A fault of the engine's breaks many cases: a few of them are enough to find it.
            if number >= from + count || broken.lock().unwrap().len() >= 50 {
                return;
            }
            let tree = case(number);
            if let Err(how) = play(&tree.current(), None) {
                let (small, how) = smallest(tree, how, |case| play(case, None).err());
                eprintln!("case {number}, as a test:\n\n{}", as_test(&small, &how));
                broken.lock().unwrap().push(number);
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{} cases break a law; they are printed above: {broken:?}", broken.len());
}

/// The case with its state in memory.
fn in_memory(case: &mut Case) {
    case.world.retain(|feature| *feature != Feature::EditedStates);
    for act in &mut case.acts {
        act.death = act.death.filter(|death| !matches!(death, ledger::Death::Torn(..)));
        act.others.retain(|other| !matches!(other, case::Other::Edit(_)));
    }
}

#[test]
fn a_case_is_a_function_of_its_data() {
    quietly();
    for number in 0..set("SPROCKET_CHANCES", 30).min(500) {
        let mut case = case(number).current();
        // Files are written by threads, and so are in no order.
        in_memory(&mut case);
        let (once, again) = (play(&case, None), std::thread::scope(|scope| scope.spawn(|| play(&case, None)).join()));
        assert_eq!(once, again.unwrap(), "case {number}: {case:?}");
    }
}

#[test]
fn the_order_of_completion_does_not_show_in_what_comes_of_a_case() {
    quietly();
    for number in 0..set("SPROCKET_CHANCES", 30).min(2_000) {
        // What goes wrong hits whoever comes first: only what goes well has one result.
        let mut case = case(number).current();
        // Which object gets an id that has come back depends on which was deleted last.
        case.world.retain(|feature| *feature != Feature::IdsComeBack);
        // Files are written by threads, and so are in no order.
        in_memory(&mut case);
        // What a list does not show yet may be in the way: that fails, and stops what comes after it.
        if case.has(Feature::ListsLag) {
            continue;
        }
        for act in &mut case.acts {
            (act.faults, act.death) = (Vec::new(), None);
        }
        let meaning = |parallel: usize, turns: Vec<u8>| {
            let case = Case { parallel, turns, ..case.clone() };
            play(&case, None)
                .map(|played| played.meaning)
                .unwrap_or_else(|broken| panic!("{}", as_test(&case, &broken)))
        };
        let in_turn = meaning(1, Vec::new());
        let shuffled = (0..100_u64).map(|call| u8::try_from((call * 7919 + number) % 7).unwrap()).collect();
        assert_eq!(meaning(64, case.turns.clone()), in_turn, "case {number}: {case:?}");
        assert_eq!(meaning(3, shuffled), in_turn, "case {number}: {case:?}");
    }
}
