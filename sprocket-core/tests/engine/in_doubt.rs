//! Calls in doubt: a read that fails, an attempt without an answer, an answer that can't be read.

use std::time::Duration;

use sprocket_core::engine::{Event, Events, Goal, Report};
use sprocket_core::kind::{Effect, ErrorKind};
use sprocket_core::program::Stack;
use sprocket_core::testing::{Crash, Fail};

use super::failures::chain;
use super::fake_kinds::{Post, Tent};
use super::fake_service::{Trouble, Yard};
use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, told};

#[test]
fn a_lost_answer_is_settled_before_anything_is_tried_again() {
    for fail in [Fail::AfterEffect, Fail::NoAnswer, Fail::Hang] {
        let mut story = Story::new();
        story.world.settings.call_limit = std::time::Duration::from_millis(30);
        story.world.fail("create", "b", fail);
        let calls = story.apply(chain);
        assert_eq!(calls.iter().filter(|call| *call == "create lab:net/b").count(), 1, "{fail:?}: {calls:?}");
        assert_eq!(story.world.objects().len(), 4, "{fail:?}");
    }
}

#[test]
fn a_lost_answer_that_can_not_be_settled_is_settled_by_the_next_run() {
    let mut story = Story::new();
    story.world.fail("create", "b", Fail::AfterEffect);
    story.world.fail("read", "b", Fail::Before(ErrorKind::Denied));
    let report = story.run(chain).unwrap();
    assert_eq!(report.failures().count(), 1, "{}", told(&report));
    assert_snapshot!(story.plan(chain), @"
    ! lab:net/b was made by an interrupted run
    + lab:net/c
        parent: net#3
    1 to create, 3 unchanged.
    ");
    story.apply(chain);
    assert_eq!(story.world.objects().len(), 4);
}

type Program<'p> = &'p dyn Fn(&mut Stack);

pub(crate) fn post(text: &'static str) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.add(Post::new("gate").text(text));
    }
}

/// A yard with a post, in whose next run this happens at each event.
pub(crate) fn story_in_which(happens: impl Fn(&Yard, &Event) + Send + Sync + 'static) -> Story {
    let mut story = Story::in_yard();
    story.world.settings.call_limit = Duration::from_millis(50);
    story.apply(post("first"));
    let yard = story.yard.clone();
    story.world.settings.events = Events::to(move |event| happens(&yard, &event));
    story
}

fn failure(report: &Report) -> (String, Option<String>, Effect) {
    let (_, failure) = report.failures().next().expect("a step failed");
    (failure.message.clone(), failure.hint.clone(), failure.effect)
}

/// A read that goes unanswered, while somebody else changes the object.
fn unread_and_changed(yard: &Yard, event: &Event) {
    if matches!(event, Event::StepStarted { .. }) {
        yard.trouble("read", "gate", Trouble::Hang);
        yard.change::<Post>("gate", |spec, _| spec.text = "theirs".into());
    }
}

#[test]
fn a_failed_read_leaves_the_revision_check_on_for_a_delete() {
    let mut story = story_in_which(unread_and_changed);
    let report = story.run(|_| ()).unwrap();
    assert_snapshot!(told(&report), @"delete yard:post/gate failed: it is not as it was when the plan was made");
    assert_eq!(failure(&report).2, Effect::None);
    assert_eq!(story.yard.spec::<Post>("gate").text, "theirs");
    assert!(story.world.snapshot().unwrap().pending.is_empty());
}

#[test]
fn a_failed_read_leaves_the_revision_check_on_for_an_update() {
    let mut story = story_in_which(unread_and_changed);
    let report = story.run(post("second")).unwrap();
    assert_snapshot!(told(&report), @"update yard:post/gate failed: it is not as it was when the plan was made");
    assert_eq!(failure(&report).2, Effect::None);
    assert_eq!(story.yard.spec::<Post>("gate").text, "theirs");
}

#[test]
fn a_read_that_fails_before_a_call_has_no_effect() {
    let second = post("second");
    let programs: [Program<'_>; 2] = [&second, &|_: &mut Stack| ()];
    for program in programs {
        let mut story = story_in_which(|yard, event| {
            if matches!(event, Event::StepStarted { .. }) {
                yard.trouble("read", "gate", Trouble::Hang);
            }
        });
        story.world.settings.retries = 0;
        let report = story.run(program).unwrap();
        let (message, _, effect) = failure(&report);
        assert_eq!((message.as_str(), effect), ("there was no answer within 0.05 s", Effect::None));
        assert!(story.world.snapshot().unwrap().pending.is_empty(), "nothing is left to find out");
        assert!(story.plan(post("first")).starts_with("Nothing to do"), "it is as it was recorded");
    }
}

#[test]
fn a_refusal_after_an_attempt_in_doubt_is_in_doubt() {
    let mut story = story_in_which(|yard, event| match event {
        Event::StepStarted { .. } => yard.trouble("update", "gate", Trouble::Hang),
        Event::StepRetried { .. } => yard.remove::<Post>("gate"),
        _ => {}
    });
    let report = story.run(post("second")).unwrap();
    assert_snapshot!(told(&report), @"update yard:post/gate failed: it has gone");
    let (_, hint, effect) = failure(&report);
    assert_eq!(effect, Effect::Unknown);
    assert_snapshot!(hint.unwrap(), @"an earlier attempt of it may have had its effect; run the same command again, which finds out");
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1, "the next run finds out");
    story.world.settings.events = Events::default();
    assert_eq!(story.apply(post("second")), ["create yard:post/gate"]);
}

#[test]
fn a_refused_delete_after_an_attempt_in_doubt_is_in_doubt() {
    let mut story = story_in_which(|yard, event| {
        if matches!(event, Event::StepStarted { .. }) {
            yard.trouble("delete", "gate", Trouble::Hang);
            yard.trouble("delete", "gate", Trouble::Hang);
        }
    });
    story.world.settings.ready_limit = Duration::from_millis(50);
    story.world.settings.retries = 1;
    let report = story.run(|_| ()).unwrap();
    assert_eq!(failure(&report).2, Effect::Unknown);
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1, "the next run finds out");
    story.world.settings.events = Events::default();
    assert_eq!(story.apply(|_| ()), ["delete yard:post/gate"]);
}

#[test]
fn a_create_whose_answer_is_unreadable_is_recorded_by_the_next_run() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "gate", Trouble::Unreadable);
    let report = story.run(post("first")).unwrap();
    assert_eq!(failure(&report).2, Effect::Done);
    assert_eq!(story.calls(), ["create yard:post/gate"]);
    assert!(story.apply(post("first")).is_empty(), "it is found, and recorded");
    assert_eq!(story.destroy(post("first")), ["delete yard:post/gate"]);
}

/// An app that is moved from one network to another.
fn moves(on_c: bool) -> impl Fn(&mut Stack) {
    move |stack| {
        let a = stack.add(Net::new("a"));
        let d1 = stack.add(Net::new("d1"));
        let d2 = stack.add(Net::new("d2").parent(&d1.id));
        let d3 = stack.add(Net::new("d3").parent(&d2.id));
        let c = stack.add(Net::new("c").parent(&d3.id));
        stack.add(App::new("z", "1").net(if on_c { &c.id } else { &a.id }));
    }
}

#[test]
fn dependencies_of_an_interrupted_update_are_old_and_intended() {
    let on_c = moves(true);
    let nothing = |_: &mut Stack| ();
    let goals: [(Program<'_>, Goal); 2] =
        [(&on_c, Goal::Destroyed { include_kept: false }), (&nothing, Goal::Declared)];
    for (program, goal) in goals {
        for interrupt in [true, false] {
            let mut story = Story::new();
            story.world.settings.parallel = 1;
            story.apply(moves(false));
            if interrupt {
                story.world.crash_at(1, Crash::Before);
            } else {
                story.world.settings.retries = 0;
                story.world.fail("update", "z", Fail::AfterEffect);
            }
            let report = story.try_run(&on_c, Goal::Declared).unwrap();
            assert_eq!(report.is_none(), interrupt, "{report:?}");
            let program = story.connected(program);
            let report = story.world.run(program, goal).unwrap().unwrap();
            assert!(report.succeeded(), "{}", told(&report));
            assert_eq!(story.objects(), [""; 0]);
        }
    }
}

#[test]
fn a_failed_wait_sends_the_settings_again() {
    let app = |stack: &mut Stack| drop(stack.add(App::new("web", "app:1")));
    let mut story = Story::new();
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unready));
    story.run(app).unwrap();
    assert_eq!(story.calls(), ["create lab:app/web"]);
    assert_snapshot!(story.plan(app), @"
    ~ lab:app/web  (made or changed by half)
    1 to update.
    ");
    assert_eq!(story.apply(app), ["update lab:app/web"]);
    // An interrupted wait says nothing about the object.
    let mut story = Story::new();
    story.world.crash_at(3, Crash::Before);
    assert!(story.try_run(app, Goal::Declared).unwrap().is_none());
    assert_eq!(story.calls(), ["create lab:app/web"]);
    assert_snapshot!(story.plan(app), @"
    ! lab:app/web was being changed by an interrupted run
    ~ lab:app/web  (not seen to work yet)
    1 to wait for.
    ");
    assert_eq!(story.apply(app), [""; 0]);
}

#[test]
fn an_unfinished_object_is_not_said_to_be_changed_by_others() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "gate", Trouble::Half);
    story.run(post("open")).unwrap();
    story.yard.change::<Post>("gate", |spec, _| spec.text = "else".into());
    assert!(story.plan(post("open")).contains("made or changed by half"), "{}", story.plan(post("open")));
    let app = |stack: &mut Stack| drop(stack.add(App::new("web", "app:1")));
    let mut story = Story::new();
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unready));
    story.run(app).unwrap();
    story.world.change::<App>("web", |spec| spec.image = "app:2".into());
    assert_snapshot!(story.plan(app), @"
    ~ lab:app/web  (made or changed by half)
        image: app:2 → app:1  (changed by somebody else)
    1 to update.
    ");
}

#[test]
fn a_create_whose_name_somebody_else_takes_meanwhile_made_nothing() {
    let mut story = story_in_which(|yard, event| {
        if matches!(event, Event::StepStarted { .. }) {
            yard.copy::<Post>("gate", "bell");
        }
    });
    let both = |stack: &mut Stack| {
        post("first")(stack);
        stack.add(Post::new("bell"));
    };
    story.world.fail("create", "bell", Fail::NoAnswer);
    let report = story.run(both).unwrap();
    assert_snapshot!(told(&report), @"create yard:post/bell failed: `bell` stands already");
    story.world.settings.events = Events::default();
    let plan = story.plan(both);
    assert!(plan.contains("an object named `bell` exists already, and this stack does not own it"), "{plan}");
}

#[test]
fn a_refused_wait_means_that_the_object_was_made() {
    let mut story = Story::new();
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unready));
    let report = story.run(|stack| drop(stack.add(App::new("web", "app:1")))).unwrap();
    assert_eq!(failure(&report).2, Effect::Done);
}

/// A tent, in the wait for which this happens.
fn tent_in_whose_wait(happens: impl Fn(&Yard) + Send + Sync + 'static) -> (Story, impl Fn(&mut Stack)) {
    let mut story = Story::in_yard();
    story.world.settings.call_limit = Duration::from_millis(50);
    let yard = story.yard.clone();
    story.world.settings.events = Events::to(move |event| {
        if matches!(event, Event::StepWaiting { .. }) {
            happens(&yard);
        }
    });
    let tent = |stack: &mut Stack| {
        let camp = stack.add(Tent::new("camp").text("ours"));
        stack.output("version", &camp.version);
    };
    let report = story.run(tent).unwrap();
    assert!(report.succeeded(), "{}", told(&report));
    story.world.settings.events = Events::default();
    (story, tent)
}

#[test]
fn state_that_a_wait_reports_is_recorded_though_the_object_can_not_be_read_after_it() {
    let (story, _) = tent_in_whose_wait(|yard| yard.trouble("read", "camp", Trouble::Hang));
    let outputs = story.world.block_on(story.world.engine().outputs(false)).unwrap();
    assert_eq!(outputs["version"], 2, "the create reported 1");
}

#[test]
fn change_by_others_during_a_wait_is_drift() {
    let (mut story, tent) =
        tent_in_whose_wait(|yard| yard.change::<Tent>("camp", |spec, _| spec.text = "theirs".into()));
    assert_snapshot!(story.plan(&tent), @"
    ~ yard:tent/camp  (changed by somebody else)
        text: theirs → ours
    output version: 2 → (known after yard:tent/camp)
    1 to update.
    ");
    story.calls();
    assert_eq!(story.apply(tent), ["update yard:tent/camp"]);
}

#[test]
fn object_whose_update_went_unanswered_is_recorded_as_unfinished() {
    let mut story = Story::in_yard();
    story.apply(post("first"));
    story.world.settings.retries = 0;
    story.world.fail("update", "gate", Fail::NoAnswer);
    assert_eq!(failure(&story.run(post("second")).unwrap()).2, Effect::Unknown);
    let object = story.world.snapshot().unwrap().records[&"yard:post/gate".into()].object.clone().unwrap();
    assert!(!object.ready, "{object:?}");
}

#[test]
fn what_a_service_writes_in_its_own_way_may_change_in_a_wait() {
    // It is sent in small letters.
    let (mut story, tent) =
        tent_in_whose_wait(|yard| yard.change::<Tent>("camp", |spec, _| spec.colour.0 = "GREY".into()));
    assert!(story.plan(tent).starts_with("Nothing to do"));
}

#[test]
fn only_the_recorded_object_of_several_is_changed() {
    let mut story = story_in_which(|yard, event| {
        if matches!(event, Event::StepStarted { .. }) {
            yard.trouble("read", "gate", Trouble::Beside);
        }
    });
    assert_eq!(story.apply(post("second")), ["update yard:post/gate"]);
}
