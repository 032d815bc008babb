//! What every state store must do, as one suite that every implementation runs.
//!
//! It is part of the library, and not behind a feature: stores in other crates run it in their tests, and a program that
//! does not call it does not contain it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use sprocket_core::state::{FileStore, conformance};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let open = |name: &str| Arc::new(FileStore::new(folder.path().join(name))) as Arc<_>;
//! conformance::suite(&open, Duration::ZERO).await;
//! # });
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::journal::{Action, Entry, Intent, JournalEvent};
use super::key::ProtectedKey;
use super::mac::Signer;
use super::record::{Ending, LeftObject, Object, Record, SeenSpec};
use super::snapshot::{RecordedProvider, Snapshot};
use super::store::{Holder, Loaded, Lock, StateStore, StoreError};
use crate::base::{Address, Effect, Json, Lineage, Revision};
use crate::value::{Path, PathPart, StackKey};

/// Opens the store of this name: the same name gives handles on the same storage, as two processes would have them, and
/// storage of another name is another, and empty at first.
pub type Open<'a> = &'a (dyn Fn(&str) -> Arc<dyn StateStore> + Sync);

/// Runs every case. A lock that is dropped without being released may take so long to be free: a service has to be told.
///
/// # Panics
/// If the store does not conform, with what it did.
pub async fn suite(open: Open<'_>, frees: Duration) {
    it_begins_empty(open).await;
    entries_are_kept_in_order(open).await;
    every_event_comes_back_as_it_was(open).await;
    a_batch_counts_once_however_it_is_cut(open).await;
    a_snapshot_takes_the_journals_place(open).await;
    earlier_snapshots_are_kept(open).await;
    a_snapshot_is_wanted_now_and_then(open).await;
    a_snapshot_that_lacks_entries_is_refused(open).await;
    there_is_one_lock(open, frees).await;
    of_several_that_lock_at_once_one_has_it(open).await;
    a_lock_is_broken_by_its_id_only(open).await;
    a_lost_lock_writes_nothing(open).await;
    a_lock_loads_what_it_writes_on(open).await;
    loading_needs_no_lock(open).await;
    large_states_are_kept(open).await;
}

async fn it_begins_empty(open: Open<'_>) {
    let store = open("empty");
    assert_eq!(store.load().await.expect("loads"), None, "there is no state before the first");
    assert_eq!(store.holder().await.expect("answers"), None, "nobody holds the lock");
    assert!(!store.place().is_empty(), "a store says where it is");
    let lock = lock(&store, "ann").await;
    assert_eq!(store.load().await.expect("loads"), None, "the lock alone is no state");
    assert_eq!(lock.load().await.expect("loads"), None, "nor for its holder");
    let refused = lock.append(&entries(), &signer()).await.expect_err("a state begins with a snapshot");
    assert!(matches!(refused, StoreError::NoSnapshot { .. }), "{refused:?}");
    assert_eq!(store.load().await.expect("loads"), None, "what was refused is not kept");
}

async fn entries_are_kept_in_order(open: Open<'_>) {
    let (store, mut expected) = begun(open, "order").await;
    let held = lock(&store, "ann").await;
    for number in 0..20 {
        append(&*held, &mut expected, &[note(&format!("key-{number}")), note(&format!("last-{number}"))]).await;
        assert_eq!(load(&store).await, expected, "after append {number}");
    }
    held.append(&[], &signer()).await.expect("nothing can be appended");
    held.release().await.expect("is released");
    assert_eq!(load(&open("order")).await, expected, "by another handle");
    // The next holder goes on where this one ended.
    let held = lock(&open("order"), "bob").await;
    append(&*held, &mut expected, &entries()).await;
    assert_eq!(load(&store).await, expected, "by another holder");
}

async fn every_event_comes_back_as_it_was(open: Open<'_>) {
    let (store, mut expected) = begun(open, "events").await;
    let lock = lock(&store, "ann").await;
    for entry in entries() {
        append(&*lock, &mut expected, std::slice::from_ref(&entry)).await;
        assert_eq!(load(&store).await, expected, "after {entry:?}");
        // Each time: at the end, little of it would be left to be written.
        lock.compact(&expected, &signer()).await.expect("is written");
        assert_eq!(load(&store).await, expected, "as a snapshot, after {entry:?}");
    }
}

async fn a_batch_counts_once_however_it_is_cut(open: Open<'_>) {
    let (at_once, mut expected) = begun(open, "at-once").await;
    append(&*lock(&at_once, "ann").await, &mut expected, &entries()).await;
    let (one_by_one, _) = begun(open, "one-by-one").await;
    let lock = lock(&one_by_one, "ann").await;
    for entry in entries() {
        lock.append(&[entry], &signer()).await.expect("is appended");
    }
    assert_eq!(load(&at_once).await, load(&one_by_one).await, "batches have no meaning of their own");
}

async fn a_snapshot_takes_the_journals_place(open: Open<'_>) {
    let (store, mut expected) = begun(open, "compact").await;
    let lock = lock(&store, "ann").await;
    for round in 0..8 {
        append(&*lock, &mut expected, &entries()).await;
        lock.compact(&expected, &signer()).await.expect("is written");
        assert_eq!(load(&store).await, expected, "after compaction {round}");
        append(&*lock, &mut expected, &[note(&format!("round-{round}"))]).await;
        assert_eq!(load(&store).await, expected, "after an append that follows it");
    }
    // What a snapshot has beyond the journal counts: it was true when it was written.
    expected.take(note("taken in, not appended"));
    lock.compact(&expected, &signer()).await.expect("is written");
    lock.compact(&expected, &signer()).await.expect("is written twice");
    assert_eq!(load(&store).await, expected, "what a snapshot has beyond the journal counts");
    let other = Snapshot::new("another".into());
    lock.compact(&other, &signer()).await.expect("another state can take its place");
    assert_eq!(load(&store).await, other, "another state has taken its place");
}

/// What a store may choose freely is when; but it can't be never, nor lose anything in between.
async fn earlier_snapshots_are_kept(open: Open<'_>) {
    let (store, mut state) = begun(open, "history").await;
    assert_eq!(store.history().await.expect("answers").len(), 0, "a first snapshot has none before it");
    let lock = lock(&store, "ann").await;
    let mut written = vec![state.clone()];
    for round in 0..9 {
        append(&*lock, &mut state, &[note(&format!("round-{round}"))]).await;
        lock.compact(&state, &signer()).await.expect("is written");
        written.push(state.clone());
    }
    written.pop();
    let history = store.history().await.expect("answers");
    let kept: Vec<_> = history.into_iter().map(|earlier| earlier.snapshot.expect("can be read")).collect();
    assert!(!kept.is_empty() && written.ends_with(&kept), "the last ones, the oldest first: {kept:?}");
}

async fn a_snapshot_is_wanted_now_and_then(open: Open<'_>) {
    let (store, _) = begun(open, "wanted").await;
    let mut expected = large(30);
    let first = lock(&store, "ann").await;
    first.compact(&expected, &signer()).await.expect("is written");
    first.release().await.expect("is released");
    let mut snapshots = 0;
    for run in 0..40 {
        let lock = lock(&store, "ann").await;
        append(&*lock, &mut expected, &[done(run), note(&format!("key-{run}"))]).await;
        if lock.wants_snapshot() {
            snapshots += 1;
            lock.compact(&expected, &signer()).await.expect("is written");
        }
        lock.release().await.expect("is released");
        assert_eq!(load(&store).await, expected, "after run {run}");
    }
    assert!(snapshots > 0, "a journal does not grow for ever");
}

async fn a_snapshot_that_lacks_entries_is_refused(open: Open<'_>) {
    let (store, old) = begun(open, "behind").await;
    let lock = lock(&store, "ann").await;
    let mut expected = old.clone();
    append(&*lock, &mut expected, &entries()).await;
    let refused = lock.compact(&old, &signer()).await.expect_err("entries would be lost");
    assert!(
        matches!(refused, StoreError::Behind { stored, given, .. } if (stored, given) == (expected.serial, old.serial)),
        "{refused:?}"
    );
    assert_eq!(load(&store).await, expected, "nothing was lost");
    append(&*lock, &mut expected, &[note("later")]).await;
    assert_eq!(load(&store).await, expected, "the lock is as good as before");
}

async fn there_is_one_lock(open: Open<'_>, frees: Duration) {
    let (store, _) = begun(open, "lock").await;
    let first = lock(&store, "ann").await;
    let other = open("lock");
    let refused = other.lock(&holder("bob")).await.expect_err("it is held");
    assert!(matches!(&refused, StoreError::Locked { holder: by } if **by == holder("ann")), "{refused:?}");
    assert!(refused.to_string().contains("ann@host"), "the message says who: {refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("lock-ann")), "the hint says the id");
    assert_eq!(other.holder().await.expect("answers"), Some(holder("ann")), "who holds it is said as it was given");
    drop(first);
    let free = tokio::time::Instant::now() + frees;
    while store.holder().await.expect("answers").is_some() && tokio::time::Instant::now() < free {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.holder().await.expect("answers"), None, "a dropped lock is free");
    let second = lock(&other, "bob").await;
    assert_eq!(store.holder().await.expect("answers"), Some(holder("bob")));
    second.release().await.expect("is released");
    lock(&store, "ann").await.release().await.expect("is released");
}

async fn of_several_that_lock_at_once_one_has_it(open: Open<'_>) {
    let (store, mut expected) = begun(open, "race").await;
    let names = ["ann", "bob", "cat", "dan", "eve", "fay"];
    let locking = names.map(|name| async move { open("race").lock(&holder(name)).await });
    let (held, refused): (Vec<_>, Vec<_>) = join_all(locking).await.into_iter().partition(Result::is_ok);
    assert_eq!(held.len(), 1, "of several that lock at once, one has it: {held:?}");
    for refused in refused {
        assert!(matches!(refused, Err(StoreError::Locked { .. })), "the others are told who: {refused:?}");
    }
    for held in held.into_iter().flatten() {
        append(&*held, &mut expected, &entries()).await;
        held.release().await.expect("is released");
    }
    assert_eq!(load(&store).await, expected, "what it wrote counts");
}

async fn a_lock_is_broken_by_its_id_only(open: Open<'_>) {
    let (store, _) = begun(open, "unlock").await;
    let nobody = store.unlock("lock-ann").await.expect_err("there is none");
    assert!(matches!(&nobody, StoreError::NoSuchLock { id } if id == "lock-ann"), "{nobody:?}");
    let held = lock(&store, "ann").await;
    let wrong = open("unlock").unlock("lock-bob").await.expect_err("it has another id");
    assert!(matches!(&wrong, StoreError::NoSuchLock { id } if id == "lock-bob"), "{wrong:?}");
    held.append(&entries(), &signer()).await.expect("it is still held");
    open("unlock").unlock("lock-ann").await.expect("it is broken");
    assert_eq!(store.holder().await.expect("answers"), None, "a broken lock is free");
    let next = lock(&open("unlock"), "bob").await;
    drop(held);
    assert_eq!(store.holder().await.expect("answers"), Some(holder("bob")), "the old lock does not free the new one");
    next.append(&entries(), &signer()).await.expect("it is held");
}

async fn a_lost_lock_writes_nothing(open: Open<'_>) {
    let (store, mut expected) = begun(open, "lost").await;
    let old = lock(&store, "ann").await;
    append(&*old, &mut expected, &entries()).await;
    assert!(old.is_held(), "a lock that was just written with is held");
    open("lost").unlock("lock-ann").await.expect("it is broken");
    let lost = |result: Result<(), StoreError>| {
        let error = result.expect_err("the lock was lost");
        assert!(matches!(error, StoreError::LockLost), "{error:?}");
    };
    lost(old.append(&[note("stale")], &signer()).await);
    assert!(!old.is_held(), "a lock is known to be lost after a write was refused");
    let new = lock(&open("lost"), "bob").await;
    assert!(new.is_held() && !old.is_held(), "a lock that was lost is not held again with that of another");
    lost(old.append(&[note("stale")], &signer()).await);
    append(&*new, &mut expected, &[note("fresh")]).await;
    lost(old.append(&[note("stale")], &signer()).await);
    lost(old.compact(&expected, &signer()).await);
    lost(old.release().await);
    assert_eq!(load(&store).await, expected, "only the new holder has written");
    append(&*new, &mut expected, &[note("fresher")]).await;
    assert_eq!(load(&store).await, expected, "the lock of the new holder is as good as before");
}

async fn a_lock_loads_what_it_writes_on(open: Open<'_>) {
    let (_, mut expected) = begun(open, "from-the-lock").await;
    for name in ["ann", "bob"] {
        let lock = lock(&open("from-the-lock"), name).await;
        let loaded = async || proven(lock.load().await);
        assert_eq!(loaded().await, expected, "{name}'s lock loads what is there");
        append(&*lock, &mut expected, &entries()).await;
        assert_eq!(loaded().await, expected, "{name}'s lock loads what was written with it");
        append(&*lock, &mut expected, &[note("later")]).await;
        lock.compact(&expected, &signer()).await.expect("is written");
        assert_eq!(loaded().await, expected, "{name}'s lock loads a snapshot");
        append(&*lock, &mut expected, &[note("last")]).await;
        lock.release().await.expect("is released");
        assert_eq!(load(&open("from-the-lock")).await, expected, "what was written after a load follows on it");
    }
}

async fn loading_needs_no_lock(open: Open<'_>) {
    let (store, mut expected) = begun(open, "reading").await;
    let lock = lock(&store, "ann").await;
    append(&*lock, &mut expected, &entries()).await;
    let reader = open("reading");
    let loaded = reader.load().await.expect("loads").expect("there is a state");
    assert_eq!(loaded.snapshot, expected);
    assert_eq!(loaded.notes, Vec::<String>::new(), "nothing is wrong with it");
    append(&*lock, &mut expected, &entries()).await;
    assert_eq!(load(&reader).await, expected, "each load reads again");
    assert_eq!(reader.holder().await.expect("answers"), Some(holder("ann")), "and takes no lock away");
}

async fn large_states_are_kept(open: Open<'_>) {
    let (store, _) = begun(open, "large").await;
    let lock = lock(&store, "ann").await;
    let mut large = large(10_000);
    lock.compact(&large, &signer()).await.expect("is written");
    for number in 0..100 {
        append(&*lock, &mut large, &[done(number), note(&format!("key-{number}"))]).await;
    }
    let loaded = load(&store).await;
    assert_eq!(loaded.records.len(), large.records.len(), "all records are kept");
    // Not shown where they differ: that would be a hundred megabytes.
    assert!(loaded == large, "each record is kept as it was");
}

/// A state of this many records, each of about one and a half kilobytes.
pub fn large(records: usize) -> Snapshot {
    let mut snapshot = Snapshot::new(lineage());
    for number in 0..records {
        snapshot.take(done(number));
    }
    snapshot
}

fn done(number: usize) -> Entry {
    let address = Address::from(format!("test:thing/large/thing-{number:05}"));
    let spec = Json::from(&json!({
        "name": format!("thing-{number:05}"),
        "image": "registry.example.org/estate/thing:2.11@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "labels": { "sprocket.lineage": "5f0c", "sprocket.record": format!("{number:026x}"), "tier": "backend" },
        "environment": { "PORT": "8080", "LOG_LEVEL": "info", "REGION": "eu-central-1" },
        "replicas": 3, "memory": 268_435_456, "cpus": 0.5, "networks": ["edge", "internal"],
        "password": { "$sealed": "AgMB4w6Q3Zk0nq1p0nYV2Zz8cZkqCw0yRZ3m9Zk0nq1p0nYV2Zz8cZkqCw0yRZ3m" },
    }));
    let object = Object {
        name: format!("thing-{number:05}").into(),
        id: format!("id-{number:022x}").into(),
        applied: spec,
        seen: Some(SeenSpec::AsApplied),
        deps: vec!["docker:network/edge".into(), "docker:network/internal".into(), "vault:secret/thing".into()],
        ..object(1)
    };
    let record = Record { id: format!("{number:026x}").into(), object: Some(object), ..record() };
    Entry { address, event: JournalEvent::Done { record: Some(Box::new(record)) } }
}

/// One of every event, with everything in them that can be.
fn entries() -> Vec<Entry> {
    let edge = || Address::from("docker:network/edge");
    let begin = |action| Entry { address: edge(), event: JournalEvent::Begin { action } };
    let event = |event| Entry { address: edge(), event };
    let full = Record {
        old: vec![object(1), Object { ready: false, seen: None, ..object(2) }],
        left: vec![LeftObject { name: "web-0".into(), id: "id-0".into() }],
        protect: true,
        keep_on_delete: true,
        dies_with: Some("docker:network/other".into()),
        retain_with: vec!["docker:volume/data".into()],
        ..record()
    };
    let config = RecordedProvider { config: Json::from(&json!({"host": "tcp://a"})), identity: "swarm-1".into() };
    let entries = vec![
        event(JournalEvent::Provider { name: "docker/second".into(), recorded: config }),
        begin(Action::Create { intent: Box::new(intention()) }),
        event(JournalEvent::Failed { record: None, effect: Effect::Unknown, settled: false }),
        event(JournalEvent::Failed { record: Some(Box::new(record())), effect: Effect::Done, settled: true }),
        begin(Action::Update { intent: Box::new(Intent { deps: Vec::new(), ..intention() }) }),
        event(JournalEvent::Done { record: Some(Box::new(full)) }),
        begin(Action::Ready),
        event(JournalEvent::Done { record: Some(Box::new(record())) }),
        event(JournalEvent::Recorded { record: Some(Box::new(record())) }),
        event(JournalEvent::Moved {
            moves: [
                ("docker:network/edge".into(), "docker:network/moved \"quoted\" \u{1F980}\u{2028}".into()),
                ("docker:network/rim".into(), "docker:network/edge".into()),
            ]
            .into(),
        }),
        begin(Action::Delete { object: object(1).which() }),
        event(JournalEvent::Failed { record: None, effect: Effect::None, settled: true }),
        event(JournalEvent::Outputs { outputs: [("url".to_owned(), Json::from(&json!("https://a/\n")))].into() }),
        event(JournalEvent::Recorded { record: None }),
        event(JournalEvent::Done { record: None }),
        begin(Action::Create { intent: Box::new(intention()) }),
    ];
    for entry in &entries {
        // A new event belongs into this list.
        match entry.event {
            JournalEvent::Begin { .. }
            | JournalEvent::Done { .. }
            | JournalEvent::Failed { .. }
            | JournalEvent::Recorded { .. }
            | JournalEvent::Moved { .. }
            | JournalEvent::Provider { .. }
            | JournalEvent::Outputs { .. } => {}
        }
    }
    entries
}

/// An entry that says this, in the place of what another one said.
fn note(text: &str) -> Entry {
    Entry {
        address: "outputs".into(),
        event: JournalEvent::Outputs { outputs: [("note".into(), Json::from(&json!(text)))].into() },
    }
}

fn intention() -> Intent {
    Intent {
        record: "3f9a".into(),
        provider: "docker".into(),
        generation: 2,
        name: "edge-2".into(),
        version: 1,
        spec: Json::from(&json!({"driver": "overlay", "labels": {}, "none": null})),
        secrets: vec![Path(vec![PathPart::Key("env".into()), PathPart::Index(3)])],
        deps: vec!["docker:network/other".into()],
        triggers: vec![json!({"$sealed": "x"}), json!(null)],
        ending: Ending {
            protect: true,
            keep_on_delete: true,
            dies_with: Some("docker:network/other".into()),
            retain_with: vec!["docker:volume/data".into()],
        },
        moved_from: Some("docker:network/old".into()),
    }
}

fn record() -> Record {
    let moved_from = Some("docker:network/old".into());
    Record { object: Some(object(3)), moved_from, ..Record::new("3f9a".into(), "docker".into()) }
}

fn object(generation: u32) -> Object {
    Object {
        generation,
        name: "edge".into(),
        id: "id-1".into(),
        version: 1,
        applied: Json::from(&json!({"driver": "overlay", "subnet": "10.20.0.0/24"})),
        seen: Some(SeenSpec::Otherwise(Json::from(
            &json!({"driver": "overlay", "subnet": "10.20.0.0/24", "mtu": 1450}),
        ))),
        state: Json::from(&json!({"id": "id-1", "created": 1.5e3, "big": u64::MAX, "text": "a\tb"})),
        secrets: vec![Path(vec![PathPart::Key("env".into()), PathPart::Key("TOKEN".into())])],
        deps: vec!["docker:network/other".into()],
        revision: Some(Revision::of(&"id-1".into(), &"overlay")),
        marked: true,
        foreign: false,
        ready: true,
        wait_failed: true,
        updates: 3,
        triggers: vec![json!(1)],
    }
}

/// The signer of every state that the suite writes.
fn signer() -> Signer {
    Signer::of(&StackKey::from_bytes([7; 64]))
}

fn lineage() -> Lineage {
    "5f0c9d3a1b5e72846c9f0d3a1b".into()
}

fn holder(name: &str) -> Holder {
    let since = "2026-04-01T12:00:00Z".parse().expect("BUG: a time");
    Holder { id: format!("lock-{name}"), who: format!("{name}@host, process 1"), command: "apply".into(), since }
}

async fn lock(store: &Arc<dyn StateStore>, name: &str) -> Box<dyn Lock> {
    store.lock(&holder(name)).await.expect("the lock is free")
}

/// A store in which a state has begun.
async fn begun(open: Open<'_>, name: &str) -> (Arc<dyn StateStore>, Snapshot) {
    let store = open(name);
    let mut snapshot = Snapshot::new(lineage());
    let age = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n".into();
    snapshot.key = Some(ProtectedKey::Identities { age, tags: vec!["5f0c9d3a1b5e7284".into()] });
    let lock = lock(&store, "nobody").await;
    lock.compact(&snapshot, &signer()).await.expect("the first snapshot is written");
    lock.release().await.expect("is released");
    (store, snapshot)
}

async fn append(lock: &dyn Lock, expected: &mut Snapshot, entries: &[Entry]) {
    lock.append(entries, &signer()).await.expect("is appended");
    for entry in entries {
        expected.take(entry.clone());
    }
}

/// The state, which is proven to be what was written.
async fn load(store: &Arc<dyn StateStore>) -> Snapshot {
    proven(store.load().await)
}

fn proven(loaded: Result<Option<Loaded>, StoreError>) -> Snapshot {
    let loaded = loaded.expect("loads").expect("there is a state");
    loaded.verify(&signer()).expect("what is loaded has the MACs of what was written");
    loaded.snapshot
}
