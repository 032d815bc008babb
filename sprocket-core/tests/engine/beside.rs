//! Planning beside a run of somebody else, verifying what can't be asked, and settings that can't work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sprocket_core::engine::{Engine, Events, Goal, StepOutcome, Stop};
use sprocket_core::program::{DraftExt as _, Output, Stack};
use sprocket_core::state::{Holder, KeySource, MemoryStore, Signer, StateStore as _};
use sprocket_core::testing::{Crash, Fail};

use super::fake_service::{Post, Stone, Trouble};
use super::simulated_service::{App, Disk, Lab, Net};
use super::story::{Story, assert_snapshot, told};

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
fn a_check_that_panics_or_hangs_is_a_failed_check() {
    let mut story = Story::in_yard();
    story.world.settings.call_limit = Duration::from_millis(80);
    let posts = |stack: &mut Stack| {
        for name in ["a", "b", "c"] {
            stack.add(Post::new(name));
        }
    };
    story.apply(posts);
    story.yard.trouble("verify", "a", Trouble::Panic);
    story.yard.trouble("verify", "b", Trouble::Hang);
    let (engine, stack) = (story.world.engine(), story.stack(posts));
    let verdict = story.world.block_on(engine.verify(&stack)).unwrap();
    let line = |(address, check): &(sprocket_core::kind::Address, sprocket_core::kind::CheckResult)| {
        format!("{address} {}: {}", check.what, check.failure.as_deref().unwrap_or("passed"))
    };
    let lines: Vec<String> = verdict.checks.iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @"
    yard:post/a can be checked: the provider panicked; this is a bug of the provider
    yard:post/b can be checked: there was no answer within 0.08 s
    yard:post/c stands: passed
    ");
    assert!(!verdict.passed());
}

#[test]
fn a_resource_that_can_not_be_checked_is_told() {
    let story = Story::new();
    let yard = story.yard.clone();
    let program = move |address: Option<&'static str>| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            stack.connect(yard.gate("ann"));
            let post = stack.add(Post::new("gate").text("x"));
            match address {
                Some(address) => drop(stack.connect(Lab::at(address))),
                None => drop(stack.connect(Lab::at(post.version.map(|version| version.to_string())))),
            }
            stack.add(Net::new("a"));
        }
    };
    let mut world = story.world;
    world.apply(program(Some("here")));
    let engine = world.engine();
    // The post has gone, and with it what the lab's address is made of.
    world.block_on(engine.forget("yard:post/gate")).unwrap();
    let stack = world.stack(program(None));
    let verdict = world.block_on(engine.verify(&stack)).unwrap();
    let unchecked: Vec<String> =
        verdict.unchecked.iter().map(|unchecked| format!("{}: {}", unchecked.address, unchecked.reason)).collect();
    assert_snapshot!(unchecked.join("\n"), @"lab:net/a: `lab` is not open yet: its settings wait for other resources");
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
fn back_off_differs_between_resources() {
    let nets = |stack: &mut Stack| (0..6).for_each(|number| drop(stack.add(Net::new(&format!("n{number}")))));
    let mut story = Story::new();
    let waits = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&waits);
    story.world.settings.retry_wait = Duration::from_millis(40);
    story.world.settings.events = Events::to(move |event| {
        if let sprocket_core::engine::Event::StepRetried { wait, .. } = event {
            sink.lock().unwrap().push(wait);
        }
    });
    (0..6).for_each(|number| story.world.fail("create", &format!("n{number}"), Fail::NoAnswer));
    story.apply(nets);
    let waits = waits.lock().unwrap();
    assert_eq!(waits.len(), 6);
    assert!(
        waits.iter().all(|wait| (Duration::from_millis(20)..=Duration::from_millis(40)).contains(wait)),
        "{waits:?}"
    );
    let distinct: std::collections::BTreeSet<_> = waits.iter().collect();
    assert!(distinct.len() > 3, "{waits:?}");
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
            tokio::time::sleep(Duration::from_millis(50)).await;
            stop.request();
        };
        futures::join!(engine.apply(&stack, &plan, &stop), stopping).0
    });
    let report = report.unwrap();
    assert!(report.interrupted);
    assert_eq!(report.steps[0].outcome, StepOutcome::NotStarted);
    assert_eq!(story.calls(), [""; 0]);
}

fn outputs(story: &Story) -> Vec<String> {
    story.world.snapshot().unwrap().outputs.keys().cloned().collect()
}

#[test]
fn a_destroy_that_fails_or_keeps_something_keeps_the_outputs() {
    let program = |stack: &mut Stack| {
        let net = stack.add(Net::new("a"));
        stack.output("net", &net.id);
    };
    let mut story = Story::new();
    story.apply(program);
    story.world.fail("delete", "a", Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    let connected = story.connected(&program);
    let destroyed = Goal::Destroyed { include_kept: false };
    assert!(!story.world.run(&connected, destroyed).unwrap().unwrap().succeeded());
    assert_eq!(outputs(&story), ["net"], "other stacks still read it");
    story.destroy(program);
    assert_eq!(outputs(&story), [""; 0]);

    let program = |stack: &mut Stack| {
        let disk = stack.add(Disk::new("data"));
        stack.output("disk", &disk.name);
    };
    let mut story = Story::new();
    story.apply(program);
    story.destroy(program);
    assert_eq!(outputs(&story), ["disk"], "the disk is kept");
}

#[test]
fn a_failed_run_drops_no_output_that_is_not_declared_any_more() {
    let program = |name: &'static str, width: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("gate").text(width));
            stack.output(name, &Output::known(1));
        }
    };
    let mut story = Story::new();
    story.apply(program("port", "1"));
    story.world.fail("update", "gate", Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    assert!(!story.run(program("gate", "2")).unwrap().succeeded());
    assert_eq!(outputs(&story), ["gate", "port"]);
    story.apply(program("gate", "2"));
    assert_eq!(outputs(&story), ["gate"]);
}
