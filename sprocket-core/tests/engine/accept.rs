//! Drift that is accepted: recorded as it is, without a call.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::kind::Address;
use sprocket_core::program::Stack;

use super::simulated_service::{App, AppSpec, Net, NetSpec};
use super::story::{Story, assert_snapshot};

fn estate(stack: &mut Stack) {
    estate_of(stack, "app:1");
}

fn estate_of(stack: &mut Stack, image: &str) {
    let edge = stack.add(Net::new("edge"));
    stack.add(App::new("web", image).net(&edge.id));
    stack.add(App::new("log", "log:1"));
}

impl Story {
    fn drifted() -> Self {
        let mut story = Self::new();
        story.apply(estate);
        story.world.change::<App>("web", |spec: &mut AppSpec| spec.image = "app:2".into());
        story.world.change::<Net>("edge", |spec: &mut NetSpec| drop(spec.labels.insert("by".into(), "hand".into())));
        story.world.remove("lab:app", "log");
        story
    }
}

#[test]
fn what_was_accepted_is_no_drift_and_where_the_program_says_otherwise_a_change() {
    let mut story = Story::drifted();
    let plan = story.plan_of(estate);
    assert_snapshot!(plan, @"
    ~ lab:net/edge  (changed by somebody else)
        labels.by: hand → (none)
    ~ lab:app/web  (changed by somebody else)
        image: app:2 → app:1
    + lab:app/log  (it has gone)
        image: log:1
    1 to create, 2 to update.
    ");
    story.accept(estate, &plan).unwrap();
    assert_snapshot!(story.plan(estate), @"
    ~ lab:net/edge
        labels.by: hand → (none)
    ~ lab:app/web
        image: app:2 → app:1
    + lab:app/log
        image: log:1
    1 to create, 2 to update.
    ");
    // A program that says what is there has nothing to change about it.
    assert_snapshot!(story.plan(|stack| {
        let edge = stack.add(Net::new("edge").label("by", "hand"));
        stack.add(App::new("web", "app:2").net(&edge.id));
    }), @"Nothing to do: 2 resources are as declared.");
    assert_snapshot!(story.apply(estate).join("\n"), @"
    create lab:app/log
    update lab:net/edge
    update lab:app/web
    ");
}

#[test]
fn only_what_was_shown_is_accepted() {
    let mut story = Story::drifted();
    let request = Request::from(Goal::Declared).only(["lab:net/edge"]);
    let plan = story.try_plan(estate, request).unwrap();
    assert_eq!(story.accept(estate, &plan).unwrap(), [Address::from("lab:net/edge")]);
    assert_snapshot!(story.plan(estate), @"
    ~ lab:net/edge
        labels.by: hand → (none)
    ~ lab:app/web  (changed by somebody else)
        image: app:2 → app:1
    + lab:app/log  (it has gone)
        image: log:1
    1 to create, 2 to update.
    ");
    // The world moves on after the look.
    let plan = story.plan_of(estate);
    story.world.change::<App>("web", |spec: &mut AppSpec| spec.image = "app:3".into());
    assert_snapshot!(story.accept(estate, &plan).unwrap_err(), @"the plan is stale: `lab:app/web` is not as it was when the plan was made");
}

#[test]
fn changes_of_the_program_are_not_accepted_with_the_drift() {
    let mut story = Story::drifted();
    let next = |stack: &mut Stack| estate_of(stack, "app:9");
    let plan = story.plan_of(next);
    story.accept(next, &plan).unwrap();
    assert_snapshot!(story.plan(next), @"
    ~ lab:net/edge
        labels.by: hand → (none)
    ~ lab:app/web
        image: app:2 → app:9
    + lab:app/log
        image: log:1
    1 to create, 2 to update.
    ");
}
