//! Runs that are asked to stop: what runs is finished, and nothing more starts.

use std::time::{Duration, Instant};

use sprocket_core::engine::{Event, Goal, StepOutcome, Stop};
use sprocket_core::kind::{Effect, ErrorKind};
use sprocket_core::program::Stack;
use sprocket_core::state::MemoryStore;
use sprocket_core::testing::Fail;
use tokio::sync::mpsc;

use super::embedding::{embedded, pair, runtime};
use super::failures::chain;
use super::fake_kinds::Post;
use super::fake_service::Trouble;
use super::run_loop::lab_behind_a_post;
use super::simulated_service::Net;
use super::story::{Story, assert_snapshot, told, until_the_call_hangs};

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

#[test]
fn a_run_is_stopped_while_the_plan_is_made_again() {
    let mut story = Story::in_yard();
    let post = |stack: &mut Stack| drop(stack.add(Post::new("a")));
    let program = story.connected(&post);
    let plan = story.world.plan(&program);
    story.yard.trouble("read", "a", Trouble::Hang);
    let (engine, stack, stop) = (story.world.engine(), story.world.stack(&program), Stop::default());
    let report = story.world.block_on(async {
        let stopping = async {
            until_the_call_hangs().await;
            stop.request();
        };
        futures::join!(engine.apply(&stack, &plan, &stop), stopping).0
    });
    let report = report.unwrap();
    assert!(report.interrupted);
    assert_eq!(report.steps[0].outcome, StepOutcome::NotStarted);
    assert_eq!(story.calls(), [""; 0]);
}

#[test]
fn a_run_is_stopped_at_once_during_an_opening() {
    let mut story = Story::new();
    story.world.settings.call_limit = Duration::from_secs(30);
    story.world.fail("connect", "lab", Fail::Hang);
    let program = lab_behind_a_post(&story);
    let begun = Instant::now();
    let report = story.run_beside(&MemoryStore::new(), program, async |stop| {
        until_the_call_hangs().await;
        stop.request();
        stop.request();
    });
    assert!(report.interrupted, "{report:#?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}", begun.elapsed());
}

#[test]
fn a_stopped_run_does_not_wait_for_an_opening() {
    let mut story = Story::new();
    story.world.settings.call_limit = Duration::from_secs(30);
    story.world.fail("connect", "lab", Fail::Hang);
    let program = lab_behind_a_post(&story);
    let begun = Instant::now();
    let report = story.run_beside(&MemoryStore::new(), program, async |stop| {
        until_the_call_hangs().await;
        stop.request();
    });
    assert!(report.interrupted, "{report:#?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}", begun.elapsed());
}

#[test]
fn another_task_stops_a_run() {
    let mut story = Story::new();
    // The first call goes unanswered for a while, so that the run is asked to stop in the middle of it.
    story.world.fail("create", "a", Fail::Hang);
    let (started, mut starts) = mpsc::unbounded_channel();
    let (engine, stack) = embedded(&mut story, pair, move |event| {
        if matches!(event, Event::StepStarted { .. }) {
            started.send(()).unwrap();
        }
    });
    let report = runtime().block_on(async {
        let stop = Stop::default();
        let run = tokio::spawn({
            let stop = stop.clone();
            async move {
                let plan = engine.plan(&stack, Goal::Declared).await?;
                engine.apply(&stack, &plan, &stop).await
            }
        });
        starts.recv().await.unwrap();
        stop.request();
        run.await.unwrap().unwrap()
    });
    assert!(report.interrupted);
    let outcomes: Vec<&StepOutcome> = report.steps.iter().map(|step| &step.outcome).collect();
    let [StepOutcome::Failed(failure), StepOutcome::NotStarted] = outcomes[..] else {
        panic!("what runs is waited for and not tried again, nothing more starts: {report:#?}")
    };
    assert_eq!(failure.effect, Effect::Unknown);
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1, "and it is recorded");
    assert_eq!(story.apply(pair), ["create lab:net/a", "create lab:net/b"], "both by the next run");
}
