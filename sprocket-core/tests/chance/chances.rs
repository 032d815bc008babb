//! Chances: cases by their numbers, made smaller, and printed as tests.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::case::{Case, cases};
use super::features::Feature;

/// The case of a number. It is the same wherever it is made.
pub(crate) fn case(number: u64) -> impl ValueTree<Value = Case> {
    case_with(number, Feature::wanted())
}

/// The case of a number, with none but these features.
pub(crate) fn case_with(number: u64, features: Vec<Feature>) -> impl ValueTree<Value = Case> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    cases(features).new_tree(&mut runner).expect("every case can be made")
}

/// The smallest case that can be found from here which still breaks a law, and how it does.
pub(crate) fn smallest(
    mut tree: impl ValueTree<Value = Case>,
    mut broken: String,
    breaks: impl Fn(&Case) -> Option<String>,
) -> (Case, String) {
    let mut smallest = tree.current();
    // Each try is one case; what takes longer is small enough.
    let mut tries = 3_000;
    let mut simpler = tree.simplify();
    while simpler && tries > 0 {
        tries -= 1;
        if let Some(how) = breaks(&tree.current()) {
            (smallest, broken) = (tree.current(), how);
            simpler = tree.simplify();
        } else {
            simpler = tree.complicate();
        }
    }
    // What is simplest is no part of what is drawn.
    let calm = Case { parallel: 1, continue_on_error: false, turns: Vec::new(), ..smallest.clone() };
    match breaks(&calm) {
        Some(broken) => (calm, broken),
        None => (smallest, broken),
    }
}

/// A case as a test for `regressions.rs`, with what it breaks. Its Debug text is Rust but for the lists.
pub(crate) fn as_test(case: &Case, broken: &str) -> String {
    let Case { parallel, continue_on_error, world, turns, acts } = case;
    let broken: Vec<String> = broken.lines().map(|line| format!("/// {line}").trim_end().to_owned()).collect();
    let acts: Vec<String> = acts.iter().map(|act| format!("            {act:?},\n").replace('[', "vec![")).collect();
    let (turns, world) = (format!("{turns:?}").replace('[', "vec!["), format!("{world:?}").replace('[', "vec!["));
    format!(
        "{}\n#[test]\nfn a_life_that_breaks_a_law() {{\n    holds(&Case {{\n        parallel: {parallel},\n        \
         continue_on_error: {continue_on_error},\n        world: {world},\n        turns: {turns},\n        acts: vec![\n{}        ],\n    }});\n}}\n",
        broken.join("\n"),
        acts.concat(),
    )
}
