//! What others change: what is shown, what is put back or accepted, and what is no difference at all.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::kind::{Address, ErrorKind};
use sprocket_core::program::{Secret, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Post};
use super::fake_service::Trouble;
use super::simulated_service::{App, AppSpec, Conf, Net, NetSpec};
use super::story::{Story, assert_snapshot};

#[test]
fn drift_is_shown_and_put_back() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge"));
        stack.add(Conf::new("motd", "hello"));
        stack.add(App::new("web", "app:1").env("A", "1"));
    };
    story.apply(program);
    story.world.remove("lab:net", "edge");
    story.world.change::<App>("web", |spec| {
        spec.replicas = 3;
        spec.env.insert("B".into(), "2".into());
    });
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge  (it has gone)
    ~ lab:app/web  (changed by somebody else)
        env.B:    2 → (none)
        replicas: 3 → 1
    1 to create, 1 to update, 1 unchanged.
    ");
    assert_snapshot!(story.apply(program).join("\n"), @"
    create lab:net/edge
    update lab:app/web
    ");
}

#[test]
fn what_others_changed_is_told_from_what_the_program_changed() {
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image).env("A", "1"));
            stack.add(Net::new("edge"));
        }
    };
    let mut story = Story::new();
    story.apply(app("app:1"));
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    story.world.change::<Net>("edge", |spec| spec.subnet = "10.7.0.0/24".into());
    assert_snapshot!(story.plan(app("app:1")), @"
    ~ lab:app/web  (changed by somebody else)
        replicas: 3 → 1
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.7.0.0/24 → 10.0.0.0/24  (changed by somebody else, needs a new one)
    - lab:net/edge  (replaced)
    1 to update, 1 to replace.
    ");
    assert_snapshot!(story.plan(app("app:2")), @"
    ~ lab:app/web
        image:    app:1 → app:2
        replicas: 3 → 1  (changed by somebody else)
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.7.0.0/24 → 10.0.0.0/24  (changed by somebody else, needs a new one)
    - lab:net/edge  (replaced)
    1 to update, 1 to replace.
    ");
    story.apply(app("app:2"));
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 1);
}

#[test]
fn what_others_changed_to_what_the_program_now_says_is_taken_as_it_is() {
    let app = |replicas: u64| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", "app:1").replicas(replicas));
        }
    };
    let mut story = Story::new();
    story.apply(app(1));
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    story.apply(app(3));
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 3);
    story.world.change::<App>("web", |spec| spec.replicas = 4);
    assert_eq!(story.apply(app(3)), ["update lab:app/web"], "and later changes show again");
}

#[test]
fn what_could_not_be_read_after_its_change_is_held_against_the_program() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1"));
        stack.add(Net::new("edge"));
    };
    for name in ["web", "edge"] {
        story.world.fail("read", name, Fail::Before(ErrorKind::Denied));
    }
    assert!(story.run(program).unwrap().succeeded());
    assert!(story.plan(program).starts_with("Nothing to do"));
    story.calls();
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    // Who could say whether its service has only written it down so?
    story.world.change::<Net>("edge", |spec| spec.subnet = "10.0.0.0/16".into());
    assert_snapshot!(story.plan(program), @"
    ~ lab:app/web  (changed by somebody else)
        replicas: 3 → 1
    1 to update, 1 unchanged.
    ");
    assert_eq!(story.apply(program), ["update lab:app/web"]);
}

#[test]
fn what_has_gone_is_made_again_and_who_mentions_it_is_updated() {
    let program = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        stack.add(App::new("web", "app:1").net(&edge.id));
    };
    let mut story = Story::new();
    story.apply(program);
    story.world.remove("lab:net", "edge");
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge  (it has gone)
    ~ lab:app/web
        nets[0]: net#1 → (known after lab:net/edge)
    1 to create, 1 to update.
    ");
    assert_eq!(story.apply(program), ["create lab:net/edge", "update lab:app/web"]);
}

#[test]
fn what_has_gone_and_is_not_declared_any_more_is_only_no_longer_recorded() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Net::new("edge"));
    });
    story.world.remove("lab:net", "edge");
    assert_snapshot!(story.plan(|_| ()), @"
    - lab:net/edge  (it has gone)
    1 to forget.
    ");
    assert_eq!(story.apply(|_| ()), [""; 0]);
    assert!(story.world.snapshot().unwrap().records.is_empty());
}

fn green(stack: &mut Stack) {
    stack.add(Post::new("gate").colour("green").base(Base::default().layer("sand")));
}

#[test]
fn what_the_service_writes_otherwise_is_no_difference() {
    let mut story = Story::in_yard();
    story.apply(green);
    assert_eq!(story.yard.spec::<Post>("gate").colour.0, "GREEN");
    story.yard.change::<Post>("gate", |spec, _| spec.colour.0 = "gREen".into());
    assert_eq!(story.apply(green), [""; 0], "nor does it matter how others write it");
    let capitals = |stack: &mut Stack| {
        stack.add(Post::new("gate").colour("Green").base(Base::default().layer("sand")));
    };
    assert_eq!(story.apply(capitals), [""; 0], "nor how the program does");
    story.yard.change::<Post>("gate", |spec, _| spec.colour.0 = "RED".into());
    assert_snapshot!(story.plan(green), @"
    ~ yard:post/gate  (changed by somebody else)
        colour: RED → green
    1 to update.
    ");
    story.apply(green);
}

#[test]
fn what_is_only_written_otherwise_is_no_difference_beside_one_either() {
    let gate = |colour: &'static str, text: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("gate").colour(colour).text(text));
        }
    };
    let mut story = Story::in_yard();
    story.apply(gate("green", "open"));
    assert_snapshot!(story.plan(gate("Green", "shut")), @"
    ~ yard:post/gate
        text: open → shut
    1 to update.
    ");
    story.apply(gate("Green", "shut"));
    story.yard.change::<Post>("gate", |spec, _| (spec.colour.0, spec.text) = ("gREEN".into(), "ajar".into()));
    assert_snapshot!(story.plan(gate("green", "shut")), @"
    ~ yard:post/gate  (changed by somebody else)
        text: ajar → shut
    1 to update.
    ");
    story.apply(gate("green", "shut"));
}

#[test]
fn what_no_setting_can_say_is_no_drift() {
    let mut story = Story::in_yard();
    story.apply(green);
    story.yard.change::<Post>("gate", |_, state| state.weather = "wet".into());
    assert_eq!(story.apply(green), [""; 0]);
}

#[test]
fn what_a_service_reports_anew_reaches_who_was_made_from_it() {
    let program = |stack: &mut Stack| {
        let gate = stack.add(Post::new("gate"));
        stack.add(Post::new("bell").text(gate.version.map(|version| format!("of version {version}"))));
    };
    let mut story = Story::in_yard();
    story.apply(program);
    story.yard.change::<Post>("gate", |_, state| state.version = 7);
    assert_snapshot!(story.plan(program), @"
    ~ yard:post/bell
        text: of version 1 → of version 7
    1 to update, 1 unchanged.
    ");
    assert_eq!(story.apply(program), ["update yard:post/bell"]);
}

#[test]
fn what_could_not_be_read_after_its_change_is_put_right_beside_what_the_program_changes() {
    let mut story = Story::new();
    let program = |image: &'static str| move |stack: &mut Stack| drop(stack.add(App::new("web", image)));
    story.world.fail("read", "web", Fail::Before(ErrorKind::Denied));
    assert!(story.run(program("app:1")).unwrap().succeeded());
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    let plan = story.plan(program("app:2"));
    assert!(plan.contains("app:1 → app:2") && plan.contains("replicas: 3 → 1"), "{plan}");
    story.apply(program("app:2"));
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 1);
}

#[test]
fn setting_in_which_a_service_writes_a_known_secret_is_no_drift() {
    // The post on which it is written has no secret of its own.
    let program = |stack: &mut Stack| {
        stack.add(Post::new("gate").note(Secret::new("HUNTER2-GREEN".to_owned())));
        stack.add(Post::new("wall").colour("hunter2-green"));
    };
    let mut story = Story::in_yard();
    story.apply(program);
    let seen = serde_json::to_string(&story.world.snapshot().unwrap().records[&"yard:post/wall".into()]).unwrap();
    assert!(!seen.contains("HUNTER2-GREEN"), "{seen}");
    assert_eq!(story.apply_alone(program), [""; 0]);
}

#[test]
fn state_that_an_update_answers_is_read_again_for_who_is_made_from_it() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let gate = stack.add(Post::new("gate").text(text));
            stack.add(Post::new("bell").text(gate.version.map(|version| format!("of version {version}"))));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.yard.trouble("update", "gate", Trouble::Early);
    story.apply(program("two"));
    assert_eq!(story.yard.spec::<Post>("bell").text, "of version 2");
}

#[test]
fn what_the_program_changes_of_an_object_that_could_not_be_read_is_told_once() {
    let program = |tier: &'static str| move |stack: &mut Stack| drop(stack.add(Net::new("edge").label("tier", tier)));
    let mut story = Story::new();
    story.world.fail("read", "edge", Fail::Before(ErrorKind::Denied));
    assert!(story.run(program("one")).unwrap().succeeded());
    story.world.change::<Net>("edge", |spec| spec.parent = Some("by hand".into()));
    assert_snapshot!(story.plan(program("two")), @"
    ~ lab:net/edge
        labels.tier: one → two
        parent:      by hand → (none)  (changed by somebody else)
    1 to update.
    ");
    story.calls();
    assert_eq!(story.apply(program("two")), ["update lab:net/edge"]);
}

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
