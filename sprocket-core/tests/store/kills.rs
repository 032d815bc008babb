//! Processes that are killed while they hold the lock and write.
//!
//! The test runs its own program again as the process that is killed; what it does is [`child`].

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use sprocket_core::state::{FileStore, StateStore, StoreError};

use crate::world::{World, holder, note, signer};

const FOLDER: &str = "SPROCKET_TEST_FOLDER";

/// Not a test: holds the lock and appends until it is killed, and tells each entry that is durable.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = FileStore::new(folder);
    let lock = store.lock(&holder("child")).await.unwrap();
    let mut state = store.load().await.unwrap().unwrap().snapshot;
    println!("locked");
    loop {
        let entry = note(&format!("key-{}", state.serial + 1));
        lock.append(std::slice::from_ref(&entry), &signer()).await.unwrap();
        state.take(entry);
        println!("durable {}", state.serial);
        if state.serial % 10 == 0 {
            lock.compact(&state, &signer()).await.unwrap();
        }
    }
}

fn start(folder: &Path) -> (Child, std::io::Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[tokio::test]
async fn a_kill_frees_the_lock_and_loses_nothing_that_was_durable() {
    let world = World::begun().await;
    for kill in 0..8 {
        let (mut child, mut lines) = start(world.folder.path());
        assert!(lines.any(|line| line.unwrap().ends_with("locked")));
        let refused = world.store().lock(&holder("ann")).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Locked { holder: by } if **by == holder("child")), "{refused:?}");

        // It may have gone on, so that it is killed at any point of a write.
        let told: u64 = lines.nth(7 + kill).unwrap().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        assert_eq!(world.store().holder().await.unwrap(), None, "its word in the file is not believed any more");
        let loaded = world.store().load().await.unwrap().unwrap().snapshot;
        assert!(loaded.serial >= told, "entry {told} was durable, and {} is the last", loaded.serial);
        assert_eq!(loaded.outputs["note"].value(), format!("key-{}", loaded.serial));
        drop(world.lock().await);
    }
}

#[tokio::test]
async fn the_lock_of_a_dead_process_can_also_be_broken_by_its_id() {
    let world = World::begun().await;
    let (mut child, mut lines) = start(world.folder.path());
    assert!(lines.any(|line| line.unwrap().ends_with("locked")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(world.store().unlock("lock-ann").await, Err(StoreError::NoSuchLock { .. })));
    world.store().unlock("lock-child").await.unwrap();
    assert!(matches!(world.store().unlock("lock-child").await, Err(StoreError::NoSuchLock { .. })));
    drop(world.lock().await);
}
