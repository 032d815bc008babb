//! The engine inside of somebody's own program: tasks, threads, several engines, runs that are cut off.

use std::sync::{Arc, Barrier, Mutex};

use sprocket_core::engine::{
    Engine, Event, Events, Goal, Observation, Plan, Refused, Report, Settings, Stop, Survey, VerifyReport,
};
use sprocket_core::kind::Address;
use sprocket_core::program::Stack;
use sprocket_core::state::{Snapshot, StoreError};
use sprocket_core::testing::{Fail, World};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot};

/// What a tool keeps, and hands from one thread to another.
#[test]
fn everything_can_be_sent_and_shared() {
    fn both<T: Send + Sync>() {}
    fn sent<T: Send>(_: T) {}
    both::<(Engine, Settings, Events, Event, Stack, Stop)>();
    both::<(Plan, Report, VerifyReport, Refused, StoreError, Snapshot, Observation<'_>, Survey)>();
    // Never run: that it compiles is the test.
    let _ = |engine: &Engine, stack: &Stack, plan: &Plan, survey: &Survey, stop: &Stop| {
        sent(engine.import_all(stack, survey));
        sent(engine.plan(stack, Goal::Declared));
        sent(engine.observe(stack));
        sent(engine.apply(stack, plan, stop));
        sent(engine.verify(stack));
        sent(engine.reach(stack));
        sent(engine.import(stack, "", ""));
        sent(engine.survey(stack, Vec::new()));
        sent(engine.forget(""));
        sent(engine.outputs(true));
        sent(engine.snapshot());
    };
}

/// An engine that tells its events to a function, and a stack for it.
pub(crate) fn embedded(
    story: &mut Story,
    program: impl Fn(&mut Stack),
    tell: impl Fn(Event) + Send + Sync + 'static,
) -> (Engine, Stack) {
    story.world.settings.events = Events::to(tell);
    (story.world.engine(), story.stack(program))
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn address(event: &Event) -> Option<&Address> {
    match event {
        Event::StepStarted { address, .. }
        | Event::StepWaiting { address, .. }
        | Event::StepRetried { address, .. }
        | Event::StepEnded { address, .. } => Some(address),
        _ => None,
    }
}

#[test]
fn two_engines_run_side_by_side_and_see_nothing_of_each_other() {
    let runtime = runtime();
    // Each run waits in its first step until the other is there too: they are under way at the same time.
    let meeting = Arc::new(Barrier::new(2));
    let start = |name: &'static str, seed| {
        let mut story = Story::of(World::seeded(seed));
        let program = move |stack: &mut Stack| {
            let net = stack.add(Net::new(name));
            stack.add(App::new("web", format!("{name}:1")).net(&net.id));
        };
        let (told, meeting) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(&meeting));
        let sink = Arc::clone(&told);
        let (engine, stack) = embedded(&mut story, program, move |event| {
            if matches!(event, Event::StepStarted { step, .. } if step.index() == 0) {
                meeting.wait();
            }
            sink.lock().unwrap().push(event);
        });
        let run = runtime.spawn(async move {
            let plan = engine.plan(&stack, Goal::Declared).await?;
            let report = engine.apply(&stack, &plan, &Stop::default()).await?;
            Ok::<_, Refused>((report, engine.snapshot().await?))
        });
        (name, story, program, told, run)
    };
    let runs = [start("north", 1), start("south", 2)];
    let mut lineages = Vec::new();
    for (name, mut story, program, told, run) in runs {
        let (report, snapshot) = runtime.block_on(run).unwrap().unwrap();
        assert!(report.succeeded(), "{report:#?}");
        let snapshot = snapshot.unwrap();
        lineages.push(snapshot.lineage);
        let net = format!("lab:net/{name}");
        assert_eq!(snapshot.records.keys().map(Address::as_str).collect::<Vec<_>>(), ["lab:app/web", net.as_str()]);
        assert_eq!(story.world.objects(), ["lab:app/web", net.as_str()]);
        let told = told.lock().unwrap();
        let of_net = told.iter().filter(|event| address(event).is_some_and(|address| address.as_str() == net)).count();
        assert_eq!(of_net, 2, "its own start and end: {told:?}");
        let steps = told.iter().filter(|event| matches!(event, Event::StepEnded { .. })).count();
        let runs = told.iter().filter(|event| matches!(event, Event::ApplyStarted { .. })).count();
        assert_eq!((steps, runs), (2, 1), "{told:?}");
        drop(told);
        assert_eq!(story.apply(program).len(), 2, "the calls of the run, and none of the second");
    }
    assert_ne!(lineages[0], lineages[1]);
}

/// `a` → `b`
pub(crate) fn pair(stack: &mut Stack) {
    let a = stack.add(Net::new("a"));
    stack.add(Net::new("b").parent(&a.id));
}

/// Aborts the task of a run at its first event of this sort, and applies again.
fn cut_off(call: &'static str, name: &str, at: fn(&Event) -> bool, program: fn(&mut Stack)) {
    let mut story = Story::new();
    story.world.fail(call, name, Fail::Hang);
    let (seen, mut sight) = mpsc::unbounded_channel();
    let (engine, stack) = embedded(&mut story, program, move |event| {
        if at(&event) {
            seen.send(()).unwrap();
        }
    });
    let (engine, stack) = (Arc::new(engine), Arc::new(stack));
    let result = runtime().block_on(async {
        let run = tokio::spawn({
            let (engine, stack) = (Arc::clone(&engine), Arc::clone(&stack));
            async move {
                let plan = engine.plan(&stack, Goal::Declared).await?;
                engine.apply(&stack, &plan, &Stop::default()).await
            }
        });
        sight.recv().await.unwrap();
        run.abort();
        run.await
    });
    assert!(result.unwrap_err().is_cancelled());
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1, "what was cut off is in the journal");
    // The same engine, on the same store: the lock has gone with the future.
    let report = runtime().block_on(async {
        let plan = engine.plan(&stack, Goal::Declared).await?;
        engine.apply(&stack, &plan, &Stop::default()).await
    });
    assert!(report.as_ref().is_ok_and(Report::succeeded), "{report:#?}");
    let creates = story.world.calls();
    assert_eq!(creates.len(), stack.resources().count(), "nothing is made twice: {creates:?}");
    assert!(story.plan(program).starts_with("Nothing to do"));
}

#[test]
fn a_run_whose_future_is_dropped_is_a_crash_and_the_next_one_converges() {
    cut_off("create", "a", |event| matches!(event, Event::StepStarted { .. }), pair);
    // The object is there, and was never seen to work.
    cut_off(
        "ready",
        "web",
        |event| matches!(event, Event::StepWaiting { .. }),
        |stack| {
            stack.add(App::new("web", "app:1"));
        },
    );
}

#[test]
fn settings_without_a_single_call_are_refused() {
    let mut story = Story::new();
    let net = |stack: &mut Stack| drop(stack.add(Net::new("a")));
    story.apply(net);
    story.world.settings.parallel = 0;
    let (engine, stack) = (story.world.engine(), story.stack(net));
    let refused = story.world.block_on(engine.verify(&stack)).unwrap_err();
    assert_snapshot!(refused, @"the engine's settings can't work: `parallel` is 0: no call could ever be made");
    assert_eq!(story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap_err().reason(), "settings");
}
