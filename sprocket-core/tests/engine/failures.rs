//! Failures: what is left, what is said, and that the same command then finishes.

use sprocket_core::engine::{Event, Goal, Stop};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::Stack;
use sprocket_core::testing::Fail;

use super::simulated_service::{App, Conf, Net};
use super::story::{Story, assert_snapshot, told};

/// `a` → `b` → `c`, and `d` on its own.
fn chain(stack: &mut Stack) {
    let a = stack.add(Net::new("a"));
    let b = stack.add(Net::new("b").parent(&a.id));
    stack.add(Net::new("c").parent(&b.id));
    stack.add(Net::new("d"));
}

#[test]
fn after_a_failure_nothing_new_starts() {
    let mut story = Story::new();
    story.world.settings.parallel = 1;
    story.world.fail("create", "b", Fail::Before(ErrorKind::Invalid));
    let report = story.run(chain).unwrap();
    assert_snapshot!(told(&report), @"
    create lab:net/a Done
    create lab:net/b failed: the test refused `create` of `b`
    create lab:net/c NotStarted
    create lab:net/d NotStarted
    ");
    story.apply(chain);
    assert_eq!(story.world.objects().len(), 4);
}

#[test]
fn independent_steps_go_on_if_that_is_asked_for() {
    let mut story = Story::new();
    story.world.settings.parallel = 1;
    story.world.settings.continue_on_error = true;
    story.world.fail("create", "b", Fail::Before(ErrorKind::Denied));
    let report = story.run(chain).unwrap();
    assert_snapshot!(told(&report), @"
    create lab:net/a Done
    create lab:net/b failed: the test refused `create` of `b`
    create lab:net/c NotStarted
    create lab:net/d Done
    ");
    story.apply(chain);
}

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

#[test]
fn a_failed_update_keeps_what_was_recorded() {
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image));
        }
    };
    let mut story = Story::new();
    story.apply(app("app:1"));
    story.world.fail("update", "web", Fail::Before(ErrorKind::Invalid));
    story.run(app("app:2")).unwrap();
    assert!(story.plan(app("app:1")).starts_with("Nothing to do"));
    assert_snapshot!(story.plan(app("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    1 to update.
    ");
    story.apply(app("app:2"));
}

#[test]
fn what_never_gets_ready_fails_and_is_waited_for_again() {
    let app = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1"));
    };
    let mut story = Story::new();
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unready));
    let report = story.run(app).unwrap();
    assert_snapshot!(told(&report), @"create lab:app/web failed: the test refused `ready` of `web`");
    assert_snapshot!(story.plan(app), @"
    ~ lab:app/web  (made or changed by half)
    1 to update.
    ");
    assert_eq!(story.world.calls(), ["create lab:app/web"]);
    assert_eq!(story.apply(app), ["update lab:app/web"], "a rollout that its service has paused goes on");
}

#[test]
fn an_unreachable_service_drops_nothing_from_state() {
    let mut story = Story::new();
    story.apply(chain);
    let before = story.world.snapshot();
    story.world.unreachable("lab", true);
    let refused = story.try_plan(chain, Goal::Declared).unwrap_err();
    assert_snapshot!(format!("{refused}\nhint: {}", refused.hint().unwrap()), @"
    could not reach `lab`: the test refused `connect` of `lab`
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert!(story.try_plan(|_| (), Goal::Declared).is_err(), "nor is it taken for gone");
    assert_eq!(story.world.snapshot(), before);
    story.world.unreachable("lab", false);
    assert!(story.plan(chain).starts_with("Nothing to do"));
}

#[test]
fn a_list_that_fails_is_not_an_empty_one() {
    let mut story = Story::new();
    story.apply(chain);
    story.world.fail("list", "lab:net", Fail::Before(ErrorKind::Denied));
    let refused = story.try_plan(chain, Goal::Declared).unwrap_err();
    assert_snapshot!(refused, @"could not read lab:net from `lab`: the test refused `list` of `lab:net`");
}

#[test]
fn a_delete_that_fails_stops_the_deletes_that_wait_for_it() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(chain);
    story.world.fail("delete", "b", Fail::Before(ErrorKind::Conflict));
    let report = story.try_run(|_| (), Goal::Declared).unwrap().unwrap();
    assert_snapshot!(told(&report), @"
    delete lab:net/a NotStarted
    delete lab:net/b failed: the test refused `delete` of `b`
    delete lab:net/c Done
    delete lab:net/d Done
    ");
    assert_eq!(story.world.objects(), ["lab:net/a", "lab:net/b"]);
    story.apply(|_| ());
    assert_eq!(story.world.objects(), Vec::<String>::new());
}

#[test]
fn an_old_object_that_can_not_be_deleted_is_deleted_by_the_next_run() {
    let motd = |text: &'static str| {
        move |stack: &mut Stack| {
            let motd = stack.add(Conf::new("motd", text));
            stack.add(App::new("web", "app:1").uses(&motd.id));
        }
    };
    let mut story = Story::new();
    story.apply(motd("one"));
    let old = story.world.objects().into_iter().find(|name| name.contains("motd")).unwrap();
    story.world.fail("delete", old.rsplit('/').next().unwrap(), Fail::Before(ErrorKind::Denied));
    story.run(motd("two")).unwrap();
    assert_eq!(story.world.objects().len(), 3, "the new one is used, the old one is still there");
    assert_snapshot!(story.plan(motd("two")), @"
    - lab:conf/motd `motd-eba6d8217c557433`  (replaced)
    2 unchanged.
    ");
    assert_snapshot!(story.plan(motd("one")), @"
    ± lab:conf/motd `motd-eba6d8217c557433`  (the earlier one is used again)
        data: two → one  (needs a new one)
    - lab:conf/motd `motd-e6ec49da6c13a5a5`  (replaced)
    ~ lab:app/web
        used[0]: conf#3 → conf#1
    1 to update, 1 to restore.
    ");
    story.apply(motd("one"));
    assert_eq!(story.world.objects().len(), 2);
    assert!(story.world.objects().contains(&old), "the first content has its first name again");
}

#[test]
fn a_stopped_run_finishes_what_runs_and_starts_nothing() {
    let mut story = Story::new();
    story.world.settings.parallel = 1;
    let stop = Stop::default();
    let request = stop.clone();
    story.world.settings.events = sprocket_core::engine::Events::to(move |event| {
        if matches!(event, Event::StepStarted { step, .. } if step.index() == 0) {
            request.request();
        }
    });
    let plan = story.plan_of(chain);
    let (engine, stack) = (story.world.engine(), story.stack(chain));
    let report = story.world.block_on(engine.apply(&stack, &plan, &stop)).unwrap();
    assert!(report.interrupted);
    assert_snapshot!(told(&report), @"
    create lab:net/a Done
    create lab:net/b NotStarted
    create lab:net/c NotStarted
    create lab:net/d NotStarted
    ");
    assert_eq!(story.world.objects().len(), 1);
    story.apply(chain);
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
fn a_wait_whose_time_is_over_is_not_tried_again() {
    let app = |stack: &mut Stack| drop(stack.add(App::new("web", "app:1")));
    let mut story = Story::new();
    story.world.settings.ready_limit = std::time::Duration::ZERO;
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unavailable));
    assert_eq!(story.run(app).unwrap().failures().count(), 1);
    story.apply(app);
}

#[test]
fn only_a_stopped_run_that_left_something_undone_was_interrupted() {
    let mut story = Story::new();
    story.world.fail("create", "a", Fail::Before(ErrorKind::Invalid));
    let report = story.run(chain).unwrap();
    assert!(!report.succeeded() && !report.interrupted, "{report:#?}");
    let stop = Stop::default();
    let request = stop.clone();
    story.world.settings.events = sprocket_core::engine::Events::to(move |event| {
        if matches!(event, Event::StepEnded { .. }) {
            request.request();
        }
    });
    let last = |stack: &mut Stack| drop(stack.add(Net::new("a")));
    let plan = story.plan_of(last);
    let (engine, stack) = (story.world.engine(), story.stack(last));
    let report = story.world.block_on(engine.apply(&stack, &plan, &stop)).unwrap();
    assert!(report.succeeded() && !report.interrupted, "{report:#?}");
}
