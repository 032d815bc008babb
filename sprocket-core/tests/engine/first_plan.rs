//! A plan checks all that is known, also of resources whose other settings are known only once others have been made.

use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::Stack;
use sprocket_core::state::{KeySource, MemoryStore, Signer};
use sprocket_core::testing::Fail;

use super::fake_service::{Pipe, Stall};
use super::simulated_service::{App, Net};
use super::story::Story;

/// Two stalls that can't be, beside pipes that may have to be made first.
fn faulty(stack: &mut Stack) {
    let pipe = stack.add(Pipe::new("pipe"));
    let other = stack.add(Pipe::new("other"));
    for name in ["a", "b"] {
        let stall = Stall::new(name).tag("plot 0", "").tag("plot 80", "").beside(&pipe.id).beside(&other.id);
        stack.add(stall.tag("where", &pipe.id));
    }
}

fn said(story: &mut Story, program: fn(&mut Stack)) -> Vec<String> {
    let program = story.connected(&program);
    let plan = story.world.try_plan(&program, Goal::Declared).unwrap();
    let all = plan.problems.iter().chain(&plan.warnings);
    all.map(|problem| format!("{}: {}", problem.address, problem.message)).collect()
}

#[test]
fn problems_of_a_first_plan_are_those_of_a_second() {
    let mut story = Story::in_yard();
    let first = said(&mut story, faulty);
    story.apply(|stack| {
        stack.add(Pipe::new("pipe"));
        stack.add(Pipe::new("other"));
    });
    let second = said(&mut story, faulty);
    assert_eq!(first, second);
    let expected = [
        "yard:stall/a: 0 is no plot",
        "yard:stall/b: 0 is no plot",
        "yard:stall/b: needs plot 0, as `yard:stall/a` does: one stall stands on a plot",
        "yard:stall/b: needs plot 80, as `yard:stall/a` does: one stall stands on a plot",
        "yard:stall/a: it sells nothing",
        "yard:stall/b: it sells nothing",
    ];
    assert_eq!(first, expected);
}

#[test]
fn made_up_values_cause_no_problems() {
    let mut story = Story::in_yard();
    let program = |stack: &mut Stack| {
        let pipe = stack.add(Pipe::new("pipe"));
        let other = stack.add(Pipe::new("other"));
        let plot = pipe.id.map(|id| format!("plot {id}"));
        let stall = Stall::new("a").text(&plot).beside(&pipe.id).beside(&other.id).beside(&plot);
        stack.add(stall.tag("plot 80", &pipe.id).note(pipe.id.map(sprocket_core::program::Secret::new)));
    };
    assert_eq!(said(&mut story, program), Vec::<String>::new());
}

#[test]
fn what_is_only_waited_for_is_checked_too() {
    let mut story = Story::new();
    let app = |stack: &mut Stack| {
        let net = stack.add(Net::new("net"));
        // That these are one shows once it is there.
        stack.add(App::new("web", "web:1").net(&net.id).net(net.id.map(|id| id)));
    };
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unready));
    story.run(app).unwrap();
    let plan = story.plan(app);
    assert!(plan.contains("is on a net twice"), "{plan}");
}

#[test]
fn checks_that_panic_are_bugs_of_their_kind() {
    let mut story = Story::in_yard();
    let said = said(&mut story, |stack| {
        stack.add(Stall::new("a").text("review panics"));
        stack.add(Stall::new("b").text("claims panic"));
        stack.add(Stall::new("name-panics").text("c"));
    });
    assert_eq!(
        said,
        [
            "yard:stall/a: `review` of its kind panicked: this is a bug of the kind",
            "yard:stall/b: `claims` of its kind panicked: this is a bug of the kind",
            "yard:stall/name-panics: `review_name` of its kind panicked: this is a bug of the kind",
        ]
    );
    // Also where a gap of the settings is made up.
    let plan = story.plan(|stack: &mut Stack| {
        let pipe = stack.add(Pipe::new("pipe"));
        stack.add(Stall::new("a").text("review panics").beside(&pipe.id));
    });
    assert!(plan.ends_with("2 to create."), "{plan}");
}

#[test]
fn an_upgrade_that_panics_is_a_bug_of_its_kind() {
    let mut story = Story::in_yard();
    let stall = |stack: &mut Stack| drop(stack.add(Stall::new("a").text("b")));
    story.apply(stall);
    let mut snapshot = story.world.snapshot().unwrap();
    snapshot.records.values_mut().for_each(|record| record.object.as_mut().unwrap().version = 1);
    let KeySource::Given(key) = &story.world.settings.key else { panic!("tests are given theirs") };
    let store = MemoryStore::of(snapshot, &Signer::of(key));
    let engine = Engine::new(Arc::new(store), story.world.settings.clone());
    let stack = story.stack(stall);
    let refused = super::story::said(&story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap_err());
    assert!(refused.contains("`upgrade` of its kind panicked: this is a bug of the kind"), "{refused}");
}
