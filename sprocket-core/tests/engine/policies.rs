//! Policies and budgets: what a program says about its own plans.

use std::cell::Cell;

use sprocket_core::engine::{Goal, Request};
use sprocket_core::program::{Budget, DraftExt as _, Output, Stack};

use super::fake_kinds::{Base, Pipe, Post};
use super::story::{Story, assert_snapshot};

/// Pipes of these names, all of this width, in a program that lets one go at a time.
fn pipes(names: &'static [&'static str], width: u64) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.budget(Budget::default().deletes(1).replaces(0));
        for name in names {
            stack.add(Pipe::new(name).base(Base::default().width(width)));
        }
    }
}

#[test]
fn more_than_a_program_lets_go_must_be_named() {
    let mut story = Story::in_yard();
    story.apply(pipes(&["a", "b", "c"], 1));
    assert_eq!(story.apply(pipes(&["a", "b"], 1)), ["delete yard:pipe/c"]);
    assert_snapshot!(story.plan(pipes(&[], 1)), @"
    - yard:pipe/a  (not declared any more)
    - yard:pipe/b  (not declared any more)
    problem: `yard:pipe/a`: would be deleted, one of 2; this program allows 1 in a plan
      hint: if it is meant, name it: `--allow yard:pipe/a`
    problem: `yard:pipe/b`: would be deleted, one of 2; this program allows 1 in a plan
      hint: if it is meant, name it: `--allow yard:pipe/b`
    2 problems: nothing can be applied until they are solved.
    ");
    assert!(story.run(pipes(&[], 1)).is_err());
    let named = story.try_plan(pipes(&[], 1), Request::from(Goal::Declared).allow(["yard:pipe/a"])).unwrap();
    assert_eq!(named.problems, []);
    let none = pipes(&[], 1);
    let program = story.connected(&none);
    assert!(story.world.apply_plan(program, &named).unwrap().is_some_and(|report| report.succeeded()));
    assert_eq!(story.objects(), [""; 0]);
}

#[test]
fn more_than_a_program_lets_be_replaced_must_be_named() {
    let mut story = Story::in_yard();
    story.apply(pipes(&["a", "b"], 1));
    assert_snapshot!(story.plan(pipes(&["a", "b"], 2)), @"
    ± yard:pipe/a `a-2`  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:pipe/a  (replaced)
    ± yard:pipe/b `b-2`  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:pipe/b  (replaced)
    problem: `yard:pipe/a`: would be replaced, one of 2; this program allows 0 in a plan  (FILE:LINE)
      hint: if it is meant, name it: `--allow yard:pipe/a`
    problem: `yard:pipe/b`: would be replaced, one of 2; this program allows 0 in a plan  (FILE:LINE)
      hint: if it is meant, name it: `--allow yard:pipe/b`
    2 problems: nothing can be applied until they are solved.
    ");
    let named = story.try_plan(pipes(&["a", "b"], 2), Request::from(Goal::Declared).allow(["yard:pipe/*"])).unwrap();
    assert_eq!(named.problems, []);
}

#[test]
fn to_destroy_is_asked_for_and_needs_no_budget() {
    let mut story = Story::in_yard();
    story.apply(pipes(&["a", "b", "c"], 1));
    assert_eq!(story.destroy(pipes(&["a", "b", "c"], 1)).len(), 3);
}

#[test]
fn what_a_policy_refuses_is_not_applied_and_names_the_line_of_the_resource() {
    let line = Cell::new(0);
    let program = |colour: &'static str| {
        let line = &line;
        move |stack: &mut Stack| {
            stack.policy("no red posts", |plan, objections| {
                for step in &plan.steps {
                    match step.setting("colour").as_ref().and_then(|colour| colour.as_str()) {
                        Some("red") => objections.refuse(&step.address, "would be red"),
                        Some("pink") => objections.warn(&step.address, "would be nearly red"),
                        _ => {}
                    }
                }
            });
            line.set(line!() + 1);
            stack.add(Post::new("gate").colour(colour));
        }
    };
    let mut story = Story::in_yard();
    assert!(story.plan(program("red")).contains(&format!("  ({}:{})\n", file!(), line.get())));
    assert_snapshot!(story.plan(program("red")), @"
    + yard:post/gate
        colour: red
    problem: `yard:post/gate`: would be red (policy `no red posts`)  (FILE:LINE)
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(program("red")).is_err());
    assert_eq!(story.calls(), [""; 0]);
    story.apply(program("pink"));
    // A change of what is there is judged too.
    assert!(story.plan(program("red")).contains("problem: `yard:post/gate`: would be red"));
}

#[test]
fn a_policy_sees_neither_secrets_nor_what_is_not_known_yet() {
    let program = |stack: &mut Stack| {
        stack.policy("curious", |plan, objections| {
            for step in &plan.steps {
                let seen = (step.setting("note"), step.setting("neighbours"));
                objections.warn(&step.address, format!("{:?}", serde_json::json!(seen).to_string()));
            }
        });
        let post =
            stack.add(Post::new("a").note(Output::known(sprocket_core::program::Secret::from("hunter2".to_owned()))));
        stack.add(Post::new("b").beside(&post.id));
    };
    let plan = Story::in_yard().plan_of(program);
    let said: Vec<_> = plan.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_snapshot!(said.join("\n"), @r#"
    "[{\"$secret\":true},[]]" (policy `curious`)
    "[null,[{\"$after\":[\"yard:post/a\"]}]]" (policy `curious`)
    "#);
}

#[test]
fn a_policy_that_panics_lets_nothing_through() {
    let program = |stack: &mut Stack| {
        stack.policy("careless", |plan, _| assert!(plan.steps.is_empty(), "hunter2"));
        stack.add(Post::new("a"));
    };
    assert_snapshot!(Story::in_yard().plan(program), @"
    + yard:post/a
    problem: `policy/careless`: the policy panicked  (FILE:LINE)
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn a_layer_is_waited_for_as_a_whole() {
    let program = |stack: &mut Stack| {
        let (_, ground) = stack.layer(|stack| {
            let a = stack.add(Post::new("a"));
            stack.add(Post::new("b").on(&a.id));
            stack.scope("far", |stack| stack.add(Post::new("c")));
        });
        stack.add(Pipe::new("d").after(&ground));
    };
    let mut story = Story::in_yard();
    story.world.settings.parallel = 1;
    let calls = story.apply(program);
    assert_eq!(calls.last().unwrap(), "create yard:pipe/d");
    // It waits for the last ones; they wait for the rest.
    let record = &story.world.snapshot().unwrap().records[&"yard:pipe/d".into()];
    let deps: Vec<_> = record.object.as_ref().unwrap().deps.iter().map(ToString::to_string).collect();
    assert_eq!(deps, ["yard:post/b", "yard:post/far/c"]);
    assert_eq!(story.destroy(program)[0], "delete yard:pipe/d");
}
