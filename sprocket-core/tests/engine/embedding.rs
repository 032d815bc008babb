//! The engine inside of somebody's own program: tasks, threads, several engines, runs that are cut off.

use std::sync::{Arc, Barrier, Mutex};

use sprocket_core::engine::{
    Engine, Event, Events, Goal, Observation, Plan, Refused, Report, Settings, StepOutcome, Stop, Survey, VerifyReport,
};
use sprocket_core::kind::{Address, Effect};
use sprocket_core::program::Stack;
use sprocket_core::state::{Snapshot, StoreError};
use sprocket_core::testing::{Fail, World};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::simulated_service::{App, Net};
use super::story::Story;

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
fn embedded(
    story: &mut Story,
    program: impl Fn(&mut Stack),
    tell: impl Fn(Event) + Send + Sync + 'static,
) -> (Engine, Stack) {
    story.world.settings.events = Events::to(tell);
    (story.world.engine(), story.stack(program))
}

fn runtime() -> Runtime {
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
fn chain(stack: &mut Stack) {
    let a = stack.add(Net::new("a"));
    stack.add(Net::new("b").parent(&a.id));
}

#[test]
fn another_task_stops_a_run() {
    let mut story = Story::new();
    // The first call goes unanswered for a while, so that the run is asked to stop in the middle of it.
    story.world.fail("create", "a", Fail::Hang);
    let (started, mut starts) = mpsc::unbounded_channel();
    let (engine, stack) = embedded(&mut story, chain, move |event| {
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
    assert_eq!(story.apply(chain), ["create lab:net/a", "create lab:net/b"], "both by the next run");
}

#[test]
fn of_two_runs_on_one_store_one_is_refused() {
    let mut story = Story::new();
    story.world.fail("create", "a", Fail::Hang);
    let (started, mut starts) = mpsc::unbounded_channel();
    let (engine, stack) = embedded(&mut story, chain, move |event| {
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
    assert_eq!(story.apply(chain), ["create lab:net/a", "create lab:net/b"], "the calls of the one run");
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
    cut_off("create", "a", |event| matches!(event, Event::StepStarted { .. }), chain);
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
fn a_plan_has_one_digest_and_another_plan_another() {
    let mut story = Story::new();
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image));
        }
    };
    // Both propose a lineage and a key: the state of whichever is applied.
    assert_ne!(story.plan_of(app("app:1")).digest(), story.plan_of(app("app:1")).digest());
    story.apply(app("app:1"));
    let digest = |story: &mut Story, image| story.plan_of(app(image)).digest();
    let shown = digest(&mut story, "app:2");
    assert_eq!(digest(&mut story, "app:2"), shown);
    assert_ne!(digest(&mut story, "app:3"), shown);
    assert!(shown.len() == 32 && shown.chars().all(|c| c.is_ascii_hexdigit()), "{shown}");
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    assert_ne!(digest(&mut story, "app:2"), shown, "the world has moved");
}

#[test]
fn a_secret_that_changes_is_another_plan_and_looks_the_same() {
    let mut story = Story::new();
    let app = |token: &'static str| {
        move |stack: &mut Stack| {
            let token = sprocket_core::program::Output::known(token.to_owned()).secret();
            stack.add(App::new("web", "app:1").env("TOKEN", &token));
        }
    };
    story.apply(app("hunter2-one"));
    let [two, three] = ["hunter2-two", "hunter2-three"].map(|token| story.plan_of(app(token)));
    assert_ne!(two.digest(), three.digest());
    let document = |plan: &Plan| {
        let mut document = serde_json::to_value(plan).unwrap();
        document["digest"].take();
        document
    };
    assert_eq!(document(&two), document(&three));
    let change = &document(&two)["steps"][0]["changes"][0];
    let secret = serde_json::json!({ "$secret": true });
    assert_eq!((&change["before"], &change["after"]), (&secret, &secret));
    let text = document(&two).to_string();
    assert!(!text.contains("hunter2") && !text.contains("$sealed"), "{text}");
}
