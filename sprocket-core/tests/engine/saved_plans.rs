//! Plans that are saved, and applied later exactly so, or refused.

use proptest::prelude::*;
use sprocket_core::engine::{Goal, Request, SavedPlan};
use sprocket_core::program::{Password, Stack};

use super::simulated_service::{Net, Note};
use super::story::{Story, assert_snapshot};

fn estate(stack: &mut Stack) {
    estate_on(stack, "10.0.0.0/24");
}

fn estate_on(stack: &mut Stack, subnet: &str) {
    let password = stack.add(Password::new("redis"));
    stack.add(Note::new("login", &password.value));
    stack.add(Net::new("edge").subnet(subnet));
}

#[test]
fn a_saved_plan_is_applied_once_and_exactly_so() {
    let mut story = Story::new();
    let file = story.save(estate, Goal::Declared);
    assert_snapshot!(story.apply_saved(estate, &file), @"
    create lab:note/login
    create lab:net/edge
    ");
    assert_snapshot!(story.apply_saved(estate, &file), @"the plan is stale: the state has changed since it was made");
    let next = |stack: &mut Stack| estate_on(stack, "10.0.1.0/24");
    let file = story.save(next, Goal::Declared);
    assert_snapshot!(story.apply_saved(next, &file), @"
    create lab:net/edge-2
    delete lab:net/edge
    ");
    assert_snapshot!(story.plan(next), @"Nothing to do: 3 resources are as declared.");
}

#[test]
fn a_request_is_saved_with_its_plan() {
    let mut story = Story::new();
    let only = Request::from(Goal::Declared).only(["lab:net/edge"]);
    let file = story.save(estate, only);
    assert_snapshot!(story.apply_saved(estate, &file), @"create lab:net/edge");
    let file = story.save(estate, Goal::Destroyed { include_kept: true });
    assert_snapshot!(story.apply_saved(estate, &file), @"delete lab:net/edge");
}

#[test]
fn a_plan_of_another_program_state_or_world_is_refused() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_on(stack, "10.0.1.0/24");
    let file = story.save(next, Goal::Declared);
    assert_snapshot!(story.apply_saved(|stack| estate_on(stack, "10.0.2.0/24"), &file), @"the plan is stale: `lab:net/edge` is planned otherwise by now");
    assert_snapshot!(story.apply_saved(estate, &file), @"the plan is stale: `lab:net/edge` is planned otherwise by now");
    // Somebody changes what the plan said nothing of.
    story.world.remove("lab:note", "login");
    assert_snapshot!(story.apply_saved(next, &file), @"the plan is stale: `lab:note/login` is planned otherwise by now");
    // Another run comes first.
    story.apply(estate);
    assert_snapshot!(story.apply_saved(next, &file), @"the plan is stale: the state has changed since it was made");
    // Another stack.
    assert_snapshot!(Story::new().apply_saved(next, &file), @"the plan is stale: the state that it was made for is gone");
    let mut other = Story::new();
    other.world.settings.entropy = sprocket_core::kind::Entropy::seeded(7);
    other.apply(estate);
    assert_snapshot!(other.apply_saved(next, &file), @"the saved plan can't be applied: it was made for another state");
}

#[test]
fn a_file_that_was_changed_or_is_for_something_else_is_refused() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_on(stack, "10.0.1.0/24");
    let file = story.save(next, Goal::Declared);
    let (before, content) = file.split_once("\"content\":\"").unwrap();
    let (first, rest) = content.split_at(1);
    let changed = format!("{before}\"content\":\"{}{rest}", if first == "A" { "B" } else { "A" });
    assert_snapshot!(story.apply_saved(next, &changed), @"the saved plan can't be applied: it was changed since it was saved");
    assert_snapshot!(story.apply_saved(next, &file.replace("\"format\":1", "\"format\":2")), @"the saved plan can't be applied: it has format 2, and this program reads 1");
    let saved: SavedPlan = serde_json::from_str(&file).unwrap();
    let (engine, stack) = (story.world.engine(), story.stack(next));
    let refused = story.world.block_on(engine.plan_saved(&stack, &saved, "shop/staging")).unwrap_err();
    assert_snapshot!(refused, @"the saved plan can't be applied: it was made for shop/production, and this is shop/staging");
}

#[test]
fn no_secret_and_no_name_is_in_a_saved_plan() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Password::new("redis"));
    });
    let file = story.save(estate, Goal::Declared);
    for word in ["redis", "login", "edge", "10.0.0", "shop"] {
        assert!(!file.contains(word), "{word}: {file}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_that_was_changed_anyhow_is_the_same_plan_or_refused(
        at in any::<usize>(), with in 1..=255_u8, cut in prop::option::of(any::<usize>()), insert in prop::option::of(any::<u8>()),
    ) {
        let mut story = Story::new();
        let file = story.save(estate, Goal::Declared).into_bytes();
        let mut changed = file.clone();
        let at = at % file.len();
        match (cut, insert) {
            (Some(to), _) => drop(changed.drain(at.min(to % file.len())..at.max(to % file.len()))),
            (None, Some(byte)) => changed.insert(at, byte),
            (None, None) => changed[at] ^= with,
        }
        let stack = story.stack(estate);
        let engine = story.world.engine();
        if let Ok(saved) = serde_json::from_slice::<SavedPlan>(&changed) {
            let plan = story.world.block_on(engine.plan_saved(&stack, &saved, "shop/production"));
            let same: SavedPlan = serde_json::from_slice(&file).unwrap();
            let expected = story.world.block_on(engine.plan_saved(&stack, &same, "shop/production")).unwrap();
            prop_assert!(plan.is_err() || plan.is_ok_and(|plan| plan == expected));
        }
        prop_assert_eq!(story.world.calls(), Vec::<String>::new());
    }

    #[test]
    fn any_bytes_are_no_plan(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(serde_json::from_slice::<SavedPlan>(&bytes).is_err());
    }
}
