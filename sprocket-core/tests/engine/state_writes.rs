//! What is written of a run, and when; and what becomes of a run whose state can't be written.

use std::sync::Arc;

use sprocket_core::engine::{Engine, Event, Goal, Refused, Stop};
use sprocket_core::program::Stack;
use sprocket_core::state::{FileStore, MemoryStore, StateStore as _, StoreFault};
use sprocket_core::testing::Crash;

use super::fake_kinds::Stone;
use super::recovery::estate;
use super::simulated_service::{Disk, Net};
use super::story::{Story, assert_snapshot, told};

/// Forty networks, of which the first has these labels, and a disk that is kept.
fn forty_nets(label: usize) -> impl Fn(&mut Stack) + Copy {
    move |stack| {
        for number in 0..40 {
            let net = Net::new(&format!("net-{number}"));
            let net = if number == 0 { net.label("run", label.to_string()) } else { net };
            stack.add(net);
        }
        stack.add(Disk::new("data"));
    }
}

#[test]
fn a_run_of_one_step_writes_no_snapshot() {
    let story = Story::new();
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("state"));
    let engine = Engine::new(Arc::new(store.clone()), story.world.settings.clone());
    let apply = |label| {
        let stack = story.stack(forty_nets(label));
        story.world.block_on(async {
            let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
            assert!(engine.apply(&stack, &plan, &Stop::default()).await.unwrap().succeeded());
            let again = engine.plan(&stack, Goal::Declared).await.unwrap();
            assert!(again.is_empty(), "{again}");
            plan.steps.len()
        })
    };
    let file = |name: &str| std::fs::read(folder.path().join("state").join(name)).unwrap_or_default();
    assert_eq!(apply(0), 41);
    let first = file("state.json");
    assert!(file("journal").is_empty(), "what was made is in the snapshot");

    assert_eq!(apply(1), 1);
    assert_eq!(file("state.json"), first);
    let journal = file("journal").len();
    assert!(journal * 10 < first.len(), "{journal} of {}", first.len());

    // What the journal has counts for every command.
    let recorded = || story.world.block_on(engine.snapshot()).unwrap().unwrap();
    let address = "lab:net/net-0".into();
    assert!(recorded().records[&address].object.as_ref().unwrap().applied.text().contains(r#""run":"1""#));
    assert_eq!(story.world.block_on(engine.forget("lab:disk/data")).unwrap(), ["data"]);
    assert_eq!(recorded().records.len(), 40);
    assert_eq!(file("state.json"), first);

    // After some more runs it is worth a new one, and the one before is kept.
    let mut runs = 1;
    while file("state.json") == first {
        runs += 1;
        story.world.block_on(engine.import(&story.stack(forty_nets(runs)), "lab:disk/data", "data")).ok();
        apply(runs);
        assert!(runs < 100, "the journal grows for ever");
    }
    assert!(runs > 3, "{runs}");
    assert_eq!(std::fs::read_dir(folder.path().join("state/history")).unwrap().count(), 2);
    assert!(file("journal").is_empty());
    assert_eq!(recorded(), story.world.block_on(store.load()).unwrap().unwrap().snapshot);
}

#[test]
fn a_run_of_one_step_writes_no_snapshot_in_memory_either() {
    let story = Story::new();
    let store = MemoryStore::new();
    let engine = Engine::new(Arc::new(store.clone()), story.world.settings.clone());
    for label in 0..2 {
        let stack = story.stack(forty_nets(label));
        story.world.block_on(async {
            let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
            assert!(engine.apply(&stack, &plan, &Stop::default()).await.unwrap().succeeded());
        });
    }
    assert_eq!(store.journal().len(), 2, "its call has begun and is done");
    assert_eq!(store.place(), "memory");
}

#[test]
fn an_end_is_told_once_it_is_durable() {
    let net = |stack: &mut Stack| drop(stack.add(Net::new("a")));
    for (crash, ends) in [(Crash::Before, 0), (Crash::After, 0)] {
        let mut story = Story::new();
        story.world.crash_at(2, crash);
        assert!(story.try_run(net, Goal::Declared).unwrap().is_none());
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
fn a_state_that_can_not_be_written_stops_the_run_and_loses_nothing() {
    let program = estate(true);
    let mut expected = Story::new();
    expected.apply(&program);
    for fault in
        [StoreFault::Before, StoreFault::After, StoreFault::Full, StoreFault::LostBefore, StoreFault::LostAfter]
    {
        for write in 1.. {
            let (story, store) = (Story::new(), MemoryStore::new());
            store.fail(write, fault);
            let first = story.run_on(&store, &program);
            if store.writes() < write {
                assert!(first.unwrap().succeeded() && write > 5);
                break;
            }
            match &first {
                Ok(report) => assert!(report.state_failure.is_some() && !report.succeeded(), "{report:#?}"),
                Err(refused) => assert!(matches!(refused, Refused::Store(_)), "{refused:?}"),
            }
            store.make_room();
            let again = story.run_on(&store, &program).unwrap();
            assert!(again.succeeded(), "{fault:?} at write {write}:\n{}", told(&again));
            assert_eq!(story.objects(), expected.objects(), "{fault:?} at write {write}");
            let last = story.run_on(&store, &program).unwrap();
            assert!(last.steps.is_empty(), "{fault:?} at write {write}:\n{}", told(&last));
        }
    }
}

#[test]
fn a_run_whose_snapshot_can_not_be_written_has_recorded_what_it_did() {
    let program = estate(true);
    let (story, store) = (Story::new(), MemoryStore::new());
    assert!(story.run_on(&store, &program).unwrap().succeeded());
    let last = store.writes();
    // The same again, but for the last write: it is the snapshot.
    let (story, store) = (Story::new(), MemoryStore::new());
    store.fail(last, StoreFault::Before);
    let report = story.run_on(&store, &program).unwrap();
    assert!(report.state_failure.is_some());
    let state = store.state().unwrap();
    assert!(state.pending.is_empty(), "{:?}", state.pending.keys());
    assert_eq!(state.records.len(), report.steps.len());
}

#[test]
fn what_keeps_the_state_from_being_written_is_told() {
    let (mut story, store) = (Story::new(), MemoryStore::new());
    story.world.settings.parallel = 1;
    store.fail(3, StoreFault::Full);
    let report = story.run_on(&store, &estate(false)).unwrap();
    assert_snapshot!(report.state_failure.as_ref().unwrap(), @"could not append to the journal in memory: no storage space");
    assert_snapshot!(told(&report), @"
    create lab:net/edge Abandoned
    create lab:net/rim NotStarted
    create lab:conf/motd NotStarted
    create lab:app/web NotStarted
    create lab:app/api NotStarted
    create lab:net/hub NotStarted
    create lab:conf/old NotStarted
    create lab:app/old NotStarted
    ");
    store.make_room();
    store.fail(2, StoreFault::LostBefore);
    let report = story.run_on(&store, &estate(false)).unwrap();
    assert_snapshot!(report.state_failure.unwrap(), @"the lock on the state was lost");
    assert!(story.run_on(&store, &estate(false)).unwrap().succeeded());
}

#[test]
fn ends_that_could_not_be_written_are_tried_once_more() {
    let program = |stack: &mut Stack| {
        stack.add(Stone::new("mile"));
        stack.add(Stone::new("yard"));
    };
    for fault in [StoreFault::Before, StoreFault::After] {
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
