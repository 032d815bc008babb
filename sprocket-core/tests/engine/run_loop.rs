//! The loop of a run: openings, look-ups, writes and calls go on beside each other, and each can be cut off.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use sprocket_core::engine::{Event, Events, Goal, Stop};
use sprocket_core::program::Stack;
use sprocket_core::state::{Fault, MemoryStore, StateStore as _};
use sprocket_core::testing::{Crash, Fail};

use super::fake_service::{Post, Sign, Stone, Trouble};
use super::simulated_service::{App, Lab, Net};
use super::story::{Story, assert_snapshot, told};

/// A lab whose address comes from a post, and what is in it.
fn lab_behind_a_post(story: &Story) -> impl Fn(&mut Stack) + use<> {
    let yard = story.yard.clone();
    move |stack| {
        stack.connect(yard.gate("ann"));
        let post = stack.add(Post::new("gate"));
        stack.connect(Lab::at(&post.id));
        stack.add(Net::new("a"));
        stack.add(Net::new("b"));
        let next = stack.add(Post::new("next").on(&post.id));
        stack.add(Post::new("last").on(&next.id));
    }
}

#[test]
fn an_opening_that_hangs_holds_up_no_other_call() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.world.settings.call_limit = Duration::from_millis(300);
    story.world.fail("connect", "lab", Fail::Hang);
    let begun = Instant::now();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&ended);
    story.world.settings.events = Events::to(move |event| {
        if let Event::StepEnded { address, .. } = event {
            sink.lock().unwrap().push((address.to_string(), begun.elapsed()));
        }
    });
    let program = lab_behind_a_post(&story);
    let report = story.run_beside(&MemoryStore::new(), program, async |_| ());
    assert_snapshot!(told(&report), @"
    create yard:post/gate Done
    create lab:net/a failed: could not reach `lab`: there was no answer within 0.3 s
    create lab:net/b failed: could not reach `lab`: there was no answer within 0.3 s
    create yard:post/next Done
    create yard:post/last Done
    ");
    let order: Vec<String> = ended.lock().unwrap().iter().map(|(address, _)| address.clone()).collect();
    assert_eq!(order[..3], ["yard:post/gate", "yard:post/next", "yard:post/last"], "they do not wait for the lab");
}

#[test]
fn a_run_is_stopped_at_once_during_an_opening() {
    let mut story = Story::new();
    story.world.settings.call_limit = Duration::from_secs(30);
    story.world.fail("connect", "lab", Fail::Hang);
    let program = lab_behind_a_post(&story);
    let begun = Instant::now();
    let report = story.run_beside(&MemoryStore::new(), program, async |stop| {
        tokio::time::sleep(Duration::from_millis(100)).await;
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
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.request();
    });
    assert!(report.interrupted, "{report:#?}");
    assert!(begun.elapsed() < Duration::from_secs(10), "after {:?}", begun.elapsed());
}

#[test]
fn a_failed_look_up_fails_only_the_steps_that_need_it() {
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.world.settings.call_limit = Duration::from_millis(50);
    story.yard.trouble("look", "id-1", Trouble::Hang);
    let program = |stack: &mut Stack| {
        let a = stack.add(Post::new("a"));
        let sign = stack.look(a.id.map(|id| Sign { id }));
        stack.add(Post::new("b").text(&sign));
        let c = stack.add(Post::new("c").on(&a.id));
        stack.add(Post::new("d").on(&c.id));
    };
    let report = story.run(program).unwrap();
    assert_snapshot!(told(&report), @"
    create yard:post/a Done
    create yard:post/b failed: could not read sign from `yard`: there was no answer within 0.05 s
    create yard:post/c Done
    create yard:post/d Done
    ");
    story.calls();
    assert_eq!(story.apply(program), ["create yard:post/b"]);
}

#[test]
fn an_output_whose_look_up_fails_fails_the_run_and_no_step() {
    let program = |stack: &mut Stack| {
        let a = stack.add(Post::new("a"));
        let sign = stack.look(a.id.map(|id| Sign { id }));
        stack.output("sign", &sign);
    };
    let mut story = Story::in_yard();
    story.world.settings.call_limit = Duration::from_millis(50);
    story.yard.trouble("look", "id-1", Trouble::Hang);
    let report = story.run(program).unwrap();
    assert_snapshot!(told(&report), @"create yard:post/a Done");
    assert!(!report.succeeded());
    assert_snapshot!(report.output_problems[0].message, @"could not read sign from `yard`: there was no answer within 0.05 s");
    story.calls();
    assert_eq!(story.apply(program), [""; 0]);
    assert_eq!(story.world.snapshot().unwrap().outputs.len(), 1);
    // Nothing but the output needs it, and it is asked in the run that makes what it is about.
    let mut story = Story::in_yard();
    assert_eq!(story.apply(program), ["create yard:post/a"]);
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
            tokio::time::sleep(Duration::from_millis(200)).await;
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
fn ends_that_could_not_be_written_are_tried_once_more() {
    let program = |stack: &mut Stack| {
        stack.add(Stone::new("mile"));
        stack.add(Stone::new("yard"));
    };
    for fault in [Fault::Before, Fault::After] {
        for number in 2..5 {
            let mut story = Story::in_yard();
            story.world.settings.parallel = 1;
            let store = MemoryStore::new();
            store.fail(number, fault);
            let report = story.run_beside(&store, story.connected(&program), async |_| ());
            assert!(report.state_failure.is_some(), "{fault:?} {number}");
            let (state, made) = (store.state().unwrap(), story.calls().len());
            assert!(state.pending.is_empty(), "{fault:?} {number}: {:?}", state.pending);
            assert_eq!(state.records.len(), made, "{fault:?} {number}: what was made is recorded");
            let report = story.run_beside(&store, story.connected(&program), async |_| ());
            assert!(report.succeeded(), "{fault:?} {number}: {}", told(&report));
            assert_eq!(story.objects().len(), 2);
        }
    }
}

#[test]
fn an_end_is_told_once_it_is_durable() {
    let net = |stack: &mut Stack| drop(stack.add(Net::new("a")));
    for (crash, ends) in [(Crash::Before, 0), (Crash::After, 0)] {
        let mut story = Story::new();
        story.world.crash_at(2, crash);
        let program = story.connected(&net);
        assert!(story.world.run(program, Goal::Declared).unwrap().is_none());
        let told = story.world.events().iter().filter(|event| matches!(event, Event::StepEnded { .. })).count();
        assert_eq!(told, ends, "{crash:?}");
    }
    let mut story = Story::new();
    story.apply(net);
    let events = story.world.events();
    let place = |is: fn(&Event) -> bool| events.iter().position(is).unwrap();
    let end = place(|event| matches!(event, Event::StepEnded { .. }));
    let all = place(|event| matches!(event, Event::ApplyEnded { saved: true }));
    assert!(place(|event| matches!(event, Event::StepStarted { .. })) < end && end < all, "{events:?}");
}

#[test]
fn failed_run_looks_nothing_up_for_outputs() {
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.world.fail("create", "bell", Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    let program = |stack: &mut Stack| {
        let gate = stack.add(Post::new("gate"));
        stack.add(Post::new("bell"));
        let sign = stack.look(gate.id.map(|id| Sign { id }));
        stack.output("sign", &sign);
    };
    assert!(!story.run(program).unwrap().succeeded());
    assert!(story.world.snapshot().unwrap().outputs.is_empty());
    story.apply(program);
    assert_eq!(story.world.snapshot().unwrap().outputs.len(), 1);
}

#[test]
fn one_call_and_one_wait_are_told_with_the_name_of_their_object() {
    let mut story = Story::in_yard();
    story.apply(|stack| drop(stack.add(super::fake_service::Tent::new("camp"))));
    let events = story.world.events();
    let started = events.iter().filter_map(|event| match event {
        Event::StepStarted { name, .. } => Some(name.as_ref().map(ToString::to_string)),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), [Some("camp".to_owned())]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::StepWaiting { .. })).count(), 1);
}
