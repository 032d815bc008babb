//! What is wrong in a program, and what a kind says against its settings: told before anything is called, all at once.

use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::state::{KeySource, MemoryStore, Signer};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Pipe, Post, Stall};
use super::simulated_service::{App, Disk, Lab, Net};
use super::story::{Story, assert_snapshot, edge};

#[test]
fn all_mistakes_of_a_program_are_reported_at_once() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        stack.add(Net::new("edge"));
        stack.add(Net::new("two words"));
        stack.add(App::new("web", "app:1").ignore("imgae").net(&edge.id));
        let mut other = Stack::new();
        other.connect(Lab::local());
        let foreign = other.add(Net::new("foreign"));
        stack.add(App::new("api", "app:1").net(&foreign.id));
        stack.add(App::new("twice", "app:1").env("A", "1").env("A", "2"));
    };
    let refused = story.try_plan(program, Goal::Declared).unwrap_err();
    assert_snapshot!(refused, @"
    `lab:net/edge`: is declared already at FILE:LINE1; one of them needs another name  (FILE:LINE2)
    `lab:net/two words`: needs a name without spaces  (FILE:LINE3)
    `lab:app/web`: has no setting `imgae` to ignore  (FILE:LINE4)
    `lab:app/api`: mentions a resource of another stack  (FILE:LINE5)
    `lab:app/twice`: `A` is set already  (FILE:LINE6)
    ");
}

#[test]
fn a_resource_needs_its_provider() {
    let mut story = Story::new();
    let refused = story.world.try_plan(edge, Goal::Declared).unwrap_err();
    assert_snapshot!(refused, @"`lab:net/edge`: needs a `lab`, and the stack is connected to none; connect it first: `stack.connect(…)`  (FILE:LINE)");
    let two = |stack: &mut Stack| {
        stack.connect(Lab::local());
        stack.connect(Lab::at("elsewhere").named("second"));
        edge(stack);
    };
    assert_snapshot!(story.world.try_plan(two, Goal::Declared).unwrap_err(), @"`lab:net/edge`: could be on several `lab`; say which: `stack.on(&lab).…`  (FILE:LINE)");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let mut story = Story::new();
    story.apply(edge);
    let program = |stack: &mut Stack| {
        stack.add(Net::new("one").named("rim"));
        stack.add(Net::new("two").named("rim"));
        stack.add(Net::new("three").moved_from("edge"));
        stack.add(Net::new("four").moved_from("edge"));
    };
    assert_snapshot!(story.plan(program), @"
    > lab:net/three was lab:net/edge
    + lab:net/one `rim`
    problem: `lab:net/two`: has the name `rim` at its service, as `lab:net/one` has  (FILE:LINE2)
      hint: give one of them another name with `.named(…)`; `lab:net/one` is at FILE:LINE1
    problem: `lab:net/four`: was `lab:net/edge`, it says, and `lab:net/three` says so too  (FILE:LINE4)
      hint: `lab:net/three` is at FILE:LINE3
    2 problems: nothing can be applied until they are solved.
    ");
}

#[test]
fn who_uses_what_has_a_problem_has_none_of_its_own() {
    let mut story = Story::new();
    let program = |subnet: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge").subnet(subnet).protect());
            stack.add(Disk::new("data").driver(&edge.id));
            stack.add(App::new("web", "app:1").net(&edge.id));
        }
    };
    story.apply(program("10.0.0.0/24"));
    assert_snapshot!(story.plan(program("10.0.1.0/24")), @"
    problem: `lab:net/edge`: is protected, and a change of `subnet` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn a_closure_that_panics_is_a_mistake_of_its_line() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let net = stack.add(Net::new("a"));
        let bad = net.name.map(|name: String| -> String { panic!("no {name}") });
        stack.add(App::new("web", bad));
    };
    let plan = story.try_plan(program, Goal::Declared).unwrap();
    assert_snapshot!(plan, @"
    + lab:net/a
    problem: `lab:app/web`: the closure panicked  (FILE:LINE)
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn what_a_kind_says_against_settings_keeps_the_plan_from_being_applied() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        edge(stack);
        stack.add(Password::new("redis").length(5));
    };
    let plan = story.plan_of(program).to_string();
    assert_snapshot!(plan, @"
    + lab:net/edge
    + random:password/redis
        length: 5
    problem: `random:password/redis`: a password has 16 to 256 characters, not 5  (FILE:LINE)
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(program).is_err());
    assert_eq!(story.calls(), [""; 0]);
}

#[test]
fn plan_with_a_problem_shows_who_is_changed_all_the_same() {
    let program = |text: &'static str, is_twice: bool| {
        move |stack: &mut Stack| {
            let stall = Stall::new("web").text(text).beside("a");
            let stall = stack.add(if is_twice { stall.beside("a") } else { stall });
            stack.add(Post::new("user").text(stall.version.map(|version| version.to_string())));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one", false));
    let plan = story.plan(program("two", true));
    assert!(plan.contains("`yard:stall/web`: it has a neighbour twice"), "{plan}");
    assert!(plan.contains("text: 1 → (known after yard:stall/web)"), "{plan}");
}

/// Two stalls that can't be, beside pipes that may have to be made first.
fn faulty(stack: &mut Stack) {
    let pipe = stack.add(Pipe::new("pipe"));
    let other = stack.add(Pipe::new("other"));
    for name in ["a", "b"] {
        let stall = Stall::new(name).tag("plot 0", "").tag("plot 80", "").beside(&pipe.id).beside(&other.id);
        stack.add(stall.tag("where", &pipe.id));
    }
}

fn complaints(story: &mut Story, program: fn(&mut Stack)) -> Vec<String> {
    let plan = story.try_plan(program, Goal::Declared).unwrap();
    let all = plan.problems.iter().chain(&plan.warnings);
    all.map(|problem| format!("{}: {}", problem.address, problem.message)).collect()
}

#[test]
fn problems_of_a_first_plan_are_those_of_a_second() {
    let mut story = Story::in_yard();
    let first = complaints(&mut story, faulty);
    story.apply(|stack| {
        stack.add(Pipe::new("pipe"));
        stack.add(Pipe::new("other"));
    });
    let second = complaints(&mut story, faulty);
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
    assert_eq!(complaints(&mut story, program), Vec::<String>::new());
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
    let complaints = complaints(&mut story, |stack| {
        stack.add(Stall::new("a").text("review panics"));
        stack.add(Stall::new("b").text("claims panic"));
        stack.add(Stall::new("name-panics").text("c"));
    });
    assert_eq!(
        complaints,
        [
            "yard:stall/a: `validate` of its kind panicked: this is a bug of the kind",
            "yard:stall/b: `claims` of its kind panicked: this is a bug of the kind",
            "yard:stall/name-panics: `validate_name` of its kind panicked: this is a bug of the kind",
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
