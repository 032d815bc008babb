//! Two at once: what a plan says beside a run of somebody else, and what a run does that has lost its lock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use sprocket_core::engine::{Engine, Event, Events, Goal, StepOutcome, Stop};
use sprocket_core::kind::{Address, Effect};
use sprocket_core::program::Stack;
use sprocket_core::state::{Holder, KeySource, MemoryStore, Signer, StateStore as _};
use sprocket_core::testing::{Crash, Fail};
use tokio::sync::mpsc;

use super::embedding::{embedded, pair, runtime};
use super::fake_kinds::Stone;
use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, edge, said, until_the_call_hangs};

fn holder() -> Holder {
    Holder {
        id: "lock-ann".into(),
        who: "ann".into(),
        command: "apply".into(),
        since: "2026-04-01T12:00:00Z".parse().unwrap(),
    }
}

#[test]
fn a_plan_beside_a_run_says_what_is_in_progress() {
    // A run is killed in the middle of a create; its state is then that of a run which goes on.
    let mut story = Story::in_yard();
    let stone = |stack: &mut Stack| drop(stack.add(Stone::new("mile").text("12")));
    story.world.crash_at(2, Crash::Before);
    let program = story.connected(&stone);
    assert!(story.world.run(&program, Goal::Declared).unwrap().is_none());
    story.yard.change::<Stone>("mile", |spec, _| spec.text = "13".into());
    let undecided = story.world.try_plan(&program, Goal::Declared).unwrap_err();
    assert_eq!(undecided.reason(), "undecided", "after a kill, it can't be told whose it is");

    let KeySource::Given(key) = &story.world.settings.key else { panic!("the world has a key of its own") };
    let store = MemoryStore::of(story.world.snapshot().unwrap(), &Signer::of(key));
    let engine = Engine::new(Arc::new(store.clone()), story.world.settings.clone());
    let stack = story.world.stack(&program);
    story.world.block_on(async {
        let lock = store.lock(&holder()).await.unwrap();
        let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
        let text = plan.to_string();
        let lines: Vec<&str> = text.lines().take(2).collect();
        assert_snapshot!(lines.join("\n"), @"
        ! the state is locked by ann since 2026-04-01T12:00:00Z (`apply`): this plan may change until that has ended
        ! yard:stone/mile is in progress
        ");
        assert_eq!(plan.beside.as_deref(), Some("ann since 2026-04-01T12:00:00Z (`apply`)"));
        engine.verify(&stack).await.expect("it is not refused either");
        drop(lock);
        assert_eq!(engine.plan(&stack, Goal::Declared).await.unwrap_err().reason(), "undecided");
    });
}

#[test]
fn a_plan_made_beside_a_run_is_applied_if_nothing_came_of_that() {
    let (story, store) = (Story::new(), MemoryStore::new());
    let net = |stack: &mut Stack| drop(stack.add(Net::new("a")));
    let engine = Engine::new(Arc::new(store.clone()), story.world.settings.clone());
    let stack = story.stack(net);
    story.world.block_on(async {
        let lock = store.lock(&holder()).await.unwrap();
        let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
        assert!(plan.beside.is_some());
        assert_eq!(engine.apply(&stack, &plan, &Stop::default()).await.unwrap_err().reason(), "locked");
        drop(lock);
        assert!(engine.apply(&stack, &plan, &Stop::default()).await.unwrap().succeeded());
    });
}

#[test]
fn of_two_runs_at_once_one_does_it_and_the_other_nothing() {
    let mut story = Story::new();
    let plan = story.plan_of(edge);
    let (one, other) = (story.world.engine(), story.world.engine());
    let (first, second) = (story.stack(edge), story.stack(edge));
    let stop = Stop::default();
    let (done, refused) = story
        .world
        .block_on(async { tokio::join!(one.apply(&first, &plan, &stop), other.apply(&second, &plan, &stop)) });
    assert!(done.unwrap().succeeded());
    let refused = refused.unwrap_err();
    assert!(refused.is_locked(), "{refused}");
    assert_eq!(story.calls(), ["create lab:net/edge"]);
    // And when it has its turn, its plan is stale.
    let refused = story.world.apply_plan(story.connected(&edge), &plan).unwrap_err();
    assert_snapshot!(said(&refused), @"
    the plan is stale: the state has changed since it was made
    hint: nothing was changed; plan again
    ");
    assert!(story.try_plan(edge, Goal::Declared).unwrap().is_empty());
}

#[test]
fn of_two_runs_on_one_store_one_is_refused() {
    let mut story = Story::new();
    story.world.fail("create", "a", Fail::Hang);
    let (started, mut starts) = mpsc::unbounded_channel();
    let (engine, stack) = embedded(&mut story, pair, move |event| {
        if matches!(event, Event::StepStarted { .. }) {
            started.send(()).unwrap();
        }
    });
    let (first, second) = runtime().block_on(async {
        let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
        let stop = Stop::default();
        let second = async {
            starts.recv().await.unwrap();
            engine.apply(&stack, &plan, &stop).await
        };
        tokio::join!(engine.apply(&stack, &plan, &stop), second)
    });
    assert!(first.unwrap().succeeded());
    let refused = second.unwrap_err();
    assert_eq!((refused.is_locked(), refused.reason()), (true, "locked"));
    assert_eq!(story.apply(pair), ["create lab:net/a", "create lab:net/b"], "the calls of the one run");
}

/// Breaks the lock of the run that holds it.
fn break_lock(store: &MemoryStore) {
    let holder = store.holder().now_or_never().unwrap().unwrap().expect("the run holds the lock");
    store.unlock(&holder.id).now_or_never().unwrap().unwrap();
}

#[test]
fn a_lost_lock_ends_waits() {
    let (mut story, store) = (Story::new(), MemoryStore::new());
    story.world.settings.call_limit = Duration::from_secs(30);
    story.world.settings.ready_limit = Duration::from_secs(30);
    story.world.fail("ready", "web", Fail::Hang);
    let broken = store.clone();
    let begun = Instant::now();
    let report = story.run_beside(&store, story.connected(&|stack| drop(stack.add(App::new("web", "app:1")))), {
        async move |_: &Stop| {
            until_the_call_hangs().await;
            break_lock(&broken);
        }
    });
    assert_eq!(report.state_failure.as_deref(), Some("the lock on the state was lost"));
    assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}", begun.elapsed());
}

#[test]
fn a_lost_lock_starts_nothing_more() {
    let (mut story, store) = (Story::new(), MemoryStore::new());
    story.world.settings.parallel = 1;
    let broken = store.clone();
    story.world.settings.events = Events::to(move |event| {
        if matches!(event, Event::StepStarted { step, .. } if step.index() == 0) {
            break_lock(&broken);
        }
    });
    let program = |stack: &mut Stack| {
        stack.add(Net::new("a"));
        stack.add(Net::new("b"));
    };
    let report = story.run_beside(&store, story.connected(&program), async |_| ());
    assert_eq!(story.calls(), [""; 0], "the first call had not been sent yet");
    assert_eq!(report.state_failure.as_deref(), Some("the lock on the state was lost"));
}

#[test]
fn a_lost_lock_stops_further_attempts() {
    let mut story = Story::new();
    let store = MemoryStore::new();
    let broken = store.clone();
    story.world.settings.events = Events::to(move |event| {
        if matches!(event, Event::StepRetried { .. }) {
            let holder = broken.holder().now_or_never().unwrap().unwrap().expect("the run holds the lock");
            broken.unlock(&holder.id).now_or_never().unwrap().unwrap();
        }
    });
    let net = |stack: &mut Stack| drop(stack.add(Net::new("a")));
    story.world.fail("create", "a", Fail::NoAnswer);
    let stack = story.stack(net);
    let engine = Engine::new(std::sync::Arc::new(store), story.world.settings.clone());
    let report = story.world.block_on(async {
        let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
        engine.apply(&stack, &plan, &Stop::default()).await.unwrap()
    });
    assert_eq!(story.calls(), [""; 0], "the second attempt is not sent");
    assert_eq!(report.state_failure.as_deref(), Some("the lock on the state was lost"));
    let step = &report.steps[0];
    assert_eq!(step.address, Address::from("lab:net/a"));
    assert!(matches!(&step.outcome, StepOutcome::Failed(failure) if failure.effect == Effect::Unknown), "{report:#?}");
}
