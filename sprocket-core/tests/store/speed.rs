//! How long it takes: `cargo test --release -p sprocket-core --test store speed -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use sprocket_core::program::Secret;
use sprocket_core::state::StackKey;
use sprocket_core::state::{FileStore, KeySource, StateStore, conformance};

use crate::world::{holder, note, signer};

/// The middle of several.
async fn median(times: usize, mut work: impl AsyncFnMut()) -> Duration {
    let mut took = Vec::new();
    for _ in 0..times {
        let start = Instant::now();
        work().await;
        took.push(start.elapsed());
    }
    took.sort();
    took[times / 2]
}

#[tokio::test]
#[ignore = "measures, and needs a release build"]
async fn ten_thousand_records() {
    let folder = tempfile::tempdir_in(std::env::var("SPROCKET_TEST_DISK").unwrap_or("/tmp".into())).unwrap();
    let store = FileStore::new(folder.path());
    let lock = store.lock(&holder("ann")).await.unwrap();
    let mut state = conformance::large(10_000);
    println!("compact, 10,000 records: {:?}", median(5, async || lock.compact(&state, &signer()).await.unwrap()).await);
    let bytes = std::fs::metadata(folder.path().join("state.json")).unwrap().len();
    println!("                         {bytes} bytes");
    println!("load, 10,000 records:    {:?}", median(9, async || drop(store.load().await.unwrap())).await);

    let start = Instant::now();
    lock.append(&[note("first")], &signer()).await.unwrap();
    state.take(note("first"));
    println!("first append:            {:?}", start.elapsed());
    let record = state.records.values().next().unwrap();
    let entry = sprocket_core::state::Entry {
        address: "test:thing/new".into(),
        event: sprocket_core::state::JournalEvent::Done { record: Some(Box::new(record.clone())) },
    };
    let start = Instant::now();
    for _ in 0..10_000 {
        lock.append(std::slice::from_ref(&entry), &signer()).await.unwrap();
    }
    println!("append, mean of 10,000:  {:?}", start.elapsed() / 10_000);
    println!("load, with these:        {:?}", median(9, async || drop(store.load().await.unwrap())).await);
}

#[tokio::test]
#[ignore = "measures, and needs a release build"]
async fn a_passphrase() {
    let source = || KeySource::passphrase(Secret::new("correct horse".into()), "the test");
    let key = StackKey::from_bytes([7; 64]);
    let protect = async || drop(source().protect(&key, &"ours".into()).unwrap());
    println!("a passphrase stretched:  {:?}", median(3, protect).await);
}
