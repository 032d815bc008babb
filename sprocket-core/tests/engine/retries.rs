//! What is tried again, after which wait, and how long an answer is waited for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sprocket_core::engine::Event;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::Fail;

use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, told};

#[test]
fn a_call_that_gets_no_answer_is_tried_again_so_often_and_one_that_is_refused_is_not() {
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge"));
    };
    let tries = |fail: Fail| {
        let mut story = Story::new();
        story.world.settings.retries = 3;
        for _ in 0..6 {
            story.world.fail("create", "edge", fail);
        }
        let report = story.run(program).unwrap();
        let retried = |event: &Event| matches!(event, Event::StepRetried { .. });
        let retries = story.world.events().into_iter().filter(retried).count();
        assert!(story.world.snapshot().unwrap().records.is_empty(), "what was not made is not recorded");
        format!("{}, tried again {retries} times", told(&report))
    };
    assert_snapshot!(tries(Fail::NoAnswer), @"create lab:net/edge failed: the answer to `create` was lost, tried again 3 times");
    assert_snapshot!(tries(Fail::Before(ErrorKind::Unavailable)), @"create lab:net/edge failed: the test refused `create` of `edge`, tried again 3 times");
    assert_snapshot!(tries(Fail::Before(ErrorKind::Invalid)), @"create lab:net/edge failed: the test refused `create` of `edge`, tried again 0 times");
    assert_snapshot!(tries(Fail::Before(ErrorKind::Conflict)), @"create lab:net/edge failed: the test refused `create` of `edge`, tried again 0 times");
}

#[test]
fn retries_of_calls_that_failed_together_are_spread_out() {
    let mut story = Story::new();
    story.world.settings.retry_wait = Duration::from_millis(20);
    let names: Vec<String> = (0..8).map(|number| format!("net-{number}")).collect();
    names.iter().for_each(|name| story.world.fail("create", name, Fail::NoAnswer));
    story.apply(|stack| names.iter().for_each(|name| drop(stack.add(Net::new(name)))));
    let waits = story.world.events().into_iter().filter_map(|event| match event {
        Event::StepRetried { wait, .. } => Some(wait),
        _ => None,
    });
    let waits: Vec<Duration> = waits.collect();
    let (first, last) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
    assert_eq!(waits.len(), 8);
    assert!(first >= Duration::from_millis(10) && last <= Duration::from_millis(20), "{waits:?}");
    assert!(last - first > Duration::from_millis(3), "{waits:?}");
    assert!(waits.iter().collect::<BTreeSet<_>>().len() > 3, "{waits:?}");
}

#[test]
fn a_resource_may_have_a_time_limit_of_its_own() {
    let program = |limit: Option<u64>| {
        move |stack: &mut Stack| {
            let app = App::new("web", "app:1");
            let limit = limit.map(Duration::from_millis);
            stack.add(if let Some(limit) = limit { app.time_limit(limit) } else { app });
        }
    };
    let causes = |general: u64, own: Option<u64>| {
        let mut story = Story::new();
        story.world.settings.call_limit = Duration::from_millis(general);
        story.world.fail("create", "web", Fail::Hang);
        story.apply(program(own));
        let events = story.world.events().into_iter();
        let causes = events.filter_map(|event| match event {
            Event::StepRetried { cause, .. } => Some(cause),
            _ => None,
        });
        causes.collect::<Vec<_>>()
    };
    // The engine's limit is for who has none; else it would be waited for an hour.
    assert_snapshot!(causes(20, None).join("\n"), @"there was no answer within 0.02 s");
    assert_snapshot!(causes(3_600_000, Some(20)).join("\n"), @"there was no answer within 0.02 s");
}

#[test]
fn an_object_that_is_replaced_is_deleted_within_its_own_time_limit() {
    let app = |global: bool| {
        move |stack: &mut Stack| {
            let app = App::new("web", "app:1").time_limit(Duration::from_millis(20));
            stack.add(if global { app.global() } else { app });
        }
    };
    let mut story = Story::new();
    story.apply(app(false));
    let hour = Duration::from_secs(3600);
    (story.world.settings.call_limit, story.world.settings.ready_limit) = (hour, hour);
    story.world.fail("delete", "web", Fail::Hang);
    assert_eq!(story.apply(app(true)), ["delete lab:app/web", "create lab:app/web"]);
}

#[test]
fn a_limit_without_end_is_no_panic() {
    let app = |stack: &mut Stack| drop(stack.add(App::new("web", "1").time_limit(Duration::MAX)));
    let mut story = Story::new();
    story.world.settings.call_limit = Duration::MAX;
    story.world.settings.retry_wait = Duration::from_millis(1);
    story.world.fail("ready", "web", Fail::NoAnswer);
    story.apply(app);
    let (engine, stack) = (story.world.engine(), story.stack(app));
    assert!(story.world.block_on(engine.verify(&stack)).unwrap().passed());
}

#[test]
fn a_wait_has_one_deadline_over_all_attempts() {
    let app = |stack: &mut Stack| drop(stack.add(App::new("web", "1")));
    let mut story = Story::new();
    story.world.settings.call_limit = Duration::from_millis(100);
    story.world.settings.ready_limit = Duration::from_millis(200);
    (0..5).for_each(|_| story.world.fail("ready", "web", Fail::Hang));
    let begun = Instant::now();
    let report = story.run(app).unwrap();
    assert_snapshot!(told(&report), @"create lab:app/web failed: there was no answer within 0.3 s");
    assert!(begun.elapsed() < Duration::from_millis(1200), "after {:?}", begun.elapsed());
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
