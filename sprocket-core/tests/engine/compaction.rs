//! How much a run writes: what its steps need, and now and then a new snapshot.

use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal, Stop};
use sprocket_core::program::Stack;
use sprocket_core::state::{FileStore, MemoryStore, StateStore};

use super::simulated_service::{Disk, Net};
use super::story::Story;

/// Forty networks, of which the first has these labels, and a disk that is kept.
fn estate(label: usize) -> impl Fn(&mut Stack) + Copy {
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
        let stack = story.stack(estate(label));
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
        story.world.block_on(engine.import(&story.stack(estate(runs)), "lab:disk/data", "data")).ok();
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
        let stack = story.stack(estate(label));
        story.world.block_on(async {
            let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
            assert!(engine.apply(&stack, &plan, &Stop::default()).await.unwrap().succeeded());
        });
    }
    assert_eq!(store.journal().len(), 2, "its call has begun and is done");
    assert_eq!(store.place(), "memory");
}
