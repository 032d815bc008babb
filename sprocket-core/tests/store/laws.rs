//! Laws of the stores, under random input.
//!
//! 1. What goes through a store, with compactions and new holders in between, is what was taken in directly.
//! 2. Whatever happens to the files: loading gives a state that there was, or an error, and never panics.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use sprocket_core::kind::{Address, Effect, Json, ObjectId, Revision};
use sprocket_core::state::{
    Action, Ending, Entry, Intent, JournalEvent, MemoryStore, Object, Record, RecordedProvider, SeenSpec, Snapshot,
    StateStore, format,
};

use crate::world::{World, holder, note, signer};

fn addresses() -> impl Strategy<Value = Address> {
    (0..4_u8).prop_map(|number| Address::from(format!("docker:network/edge-{number}")))
}

/// Values as serialisers write them, with all that text can have in it.
fn values() -> impl Strategy<Value = Json> {
    (any::<String>(), any::<i64>(), any::<f64>(), vec(any::<Option<bool>>(), 0..3)).prop_map(
        |(text, integer, number, list)| Json::from(&json!({"text": text, "n": [integer, number], "list": list})),
    )
}

prop_compose! {
    fn objects()(
        generation in 1..4_u32, name in ".{0,8}", applied in values(), seen in prop::option::of(prop_oneof![values().prop_map(SeenSpec::Otherwise), Just(SeenSpec::AsApplied)]),
        state in values(), deps in vec(addresses(), 0..3), ready in any::<bool>(), updates in 0..3_u64,
    ) -> Object {
        let (name, id) = (name.as_str().into(), ObjectId::from(format!("id-{generation}")));
        let revision = seen.as_ref().map(|seen: &SeenSpec| Revision::of(&id, seen));
        let marked = revision.is_some();
        let (version, secrets, triggers) = (1, Vec::new(), vec![updates.into()]);
        Object {
            generation, name, id, version, applied, seen, revision, marked, foreign: false, state, secrets, deps, ready,
            wait_failed: !ready, updates, triggers,
        }
    }
}

prop_compose! {
    fn records()(
        object in prop::option::of(objects()), mut old in vec(objects(), 0..3), protect in any::<bool>(),
        keep_on_delete in any::<bool>(), dies_with in prop::option::of(addresses()),
    ) -> Box<Record> {
        // No two objects of a record are one.
        for (number, object) in (4..).zip(&mut old) {
            object.generation = number;
        }
        Box::new(Record { id: "3f9a".into(), provider: "docker".into(), object, old, left: Vec::new(), protect, keep_on_delete, moved_from: None, dies_with, retain_with: Vec::new() })
    }
}

prop_compose! {
    fn intentions()(spec in values(), deps in vec(addresses(), 0..3)) -> Box<Intent> {
        let (record, provider, name) = ("3f9a".into(), "docker".into(), "edge".into());
        Box::new(Intent {
            record, provider, generation: 1, name, version: 1, spec, secrets: Vec::new(), deps, triggers: Vec::new(),
            ending: Ending::default(), moved_from: None,
        })
    }
}

fn events() -> impl Strategy<Value = JournalEvent> {
    let action = prop_oneof![
        intentions().prop_map(|intent| Action::Create { intent }),
        intentions().prop_map(|intent| Action::Update { intent }),
        Just(Action::Ready),
        objects().prop_map(|object| Action::Delete { object: object.which() }),
    ];
    let effect = prop_oneof![Just(Effect::None), Just(Effect::Unknown), Just(Effect::Done)];
    let record = || prop::option::of(records());
    let provider = values().prop_map(|config| RecordedProvider { config, identity: "swarm-1".into() });
    prop_oneof![
        4 => action.prop_map(|action| JournalEvent::Begin { action }),
        4 => record().prop_map(|record| JournalEvent::Done { record }),
        2 => (record(), effect, any::<bool>())
            .prop_map(|(record, effect, settled)| JournalEvent::Failed { record, effect, settled }),
        2 => record().prop_map(|record| JournalEvent::Recorded { record }),
        2 => prop::collection::btree_map(addresses(), addresses(), 0..4).prop_map(|moves| JournalEvent::Moved { moves }),
        1 => (".{0,3}", provider)
            .prop_map(|(name, recorded)| JournalEvent::Provider { name: name.as_str().into(), recorded }),
        1 => prop::collection::btree_map(any::<String>(), values(), 0..3).prop_map(|outputs| JournalEvent::Outputs { outputs }),
    ]
}

fn entries() -> impl Strategy<Value = Entry> {
    (addresses(), events()).prop_map(|(address, event)| Entry { address, event })
}

#[derive(Clone, Debug)]
enum Act {
    Append(Vec<Entry>),
    Compact,
    /// The holder ends, and another begins.
    Next,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act =
        prop_oneof![5 => vec(entries(), 0..4).prop_map(Act::Append), 1 => Just(Act::Compact), 1 => Just(Act::Next)];
    vec(act, 1..16)
}

/// Does it all, and checks that what is loaded is what was taken in.
async fn run(store: &dyn StateStore, acts: Vec<Act>) -> Snapshot {
    let mut expected = Snapshot::new("ours".into());
    let mut lock = store.lock(&holder("ann")).await.unwrap();
    lock.compact(&expected, &signer()).await.unwrap();
    for act in acts {
        match act {
            Act::Append(entries) => {
                lock.append(&entries, &signer()).await.unwrap();
                entries.into_iter().for_each(|entry| expected.take(entry));
            }
            Act::Compact => lock.compact(&expected, &signer()).await.unwrap(),
            Act::Next => {
                lock.release().await.unwrap();
                lock = store.lock(&holder("ann")).await.unwrap();
                assert_eq!(store.load().await.unwrap().unwrap().snapshot, expected);
            }
        }
    }
    assert_eq!(store.load().await.unwrap().unwrap().snapshot, expected);
    expected
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[derive(Clone, Debug)]
enum Mischief {
    Flip(usize, u8),
    Cut(usize, usize),
    Double(usize, usize),
    Insert(usize, Vec<u8>),
    End(usize),
    DoubleLine(usize),
    SwapLines(usize, usize),
}

fn mischief() -> impl Strategy<Value = Mischief> {
    let (at, to) = (any::<usize>(), any::<usize>());
    prop_oneof![
        (at, 1..=255_u8).prop_map(|(at, with)| Mischief::Flip(at, with)),
        (at, to).prop_map(|(at, to)| Mischief::Cut(at, to)),
        (at, to).prop_map(|(at, to)| Mischief::Double(at, to)),
        (at, vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Mischief::Insert(at, bytes)),
        at.prop_map(Mischief::End),
        any::<usize>().prop_map(Mischief::DoubleLine),
        (any::<usize>(), any::<usize>()).prop_map(|(one, other)| Mischief::SwapLines(one, other)),
    ]
}

impl Mischief {
    fn on(self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let place = |at: usize| at % (length + 1);
        let range = |a, b| place(a).min(place(b))..place(a).max(place(b));
        match self {
            Self::Flip(at, with) => {
                if let Some(byte) = bytes.get_mut(place(at)) {
                    *byte ^= with;
                }
            }
            Self::Cut(from, to) => drop(bytes.drain(range(from, to))),
            Self::Double(from, to) => {
                let range = range(from, to);
                let (end, copy) = (range.end, bytes[range].to_vec());
                bytes.splice(end..end, copy);
            }
            Self::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new);
            }
            Self::End(at) => bytes.truncate(place(at)),
            Self::DoubleLine(at) => {
                let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
                if let Some(&line) = lines.get(at % lines.len().max(1)) {
                    lines.insert(at % lines.len(), line);
                }
                *bytes = lines.concat();
            }
            Self::SwapLines(one, other) => {
                let mut lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
                if !lines.is_empty() {
                    let (one, other) = (one % lines.len(), other % lines.len());
                    lines.swap(one, other);
                }
                *bytes = lines.concat();
            }
        }
    }
}

/// Each case waits for the disk a dozen times, so that there are few; a long run has more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32).min(1000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn what_goes_through_a_store_is_what_was_taken_in(acts in acts()) {
        let folder = tempfile::tempdir().unwrap();
        let files = sprocket_core::state::FileStore::new(folder.path());
        let by_files = block_on(run(&files, acts.clone()));
        let by_memory = block_on(run(&MemoryStore::new(), acts));
        prop_assert_eq!(by_files, by_memory);
    }

    #[test]
    fn a_changed_journal_gives_a_state_that_there_was(entries in vec(entries(), 1..8), mischief in mischief()) {
        block_on(async {
            let mut world = World::begun().await;
            let lock = world.lock().await;
            let mut states = vec![world.expected.clone()];
            for entry in entries {
                world.append(&*lock, &[entry]).await.unwrap();
                states.push(world.expected.clone());
            }
            drop(lock);
            let mut journal = world.read("journal");
            mischief.on(&mut journal);
            fs::write(world.file("journal"), &journal).unwrap();
            match world.store().load().await {
                Ok(loaded) => {
                    let snapshot = loaded.unwrap().snapshot;
                    assert!(states.contains(&snapshot), "a state that there never was: {snapshot:?}");
                    // And whoever writes now goes on from there.
                    world.expected = snapshot;
                    world.goes_on().await;
                }
                Err(error) => {
                    assert!(error.hint().is_some(), "{error:?}");
                    // Nobody makes it worse: neither who reads nor who wanted to write.
                    let appended = world.lock().await.append(&[note("refused")], &signer()).await;
                    assert!(appended.is_err() && world.read("journal") == journal, "what can't be read stays as it is");
                }
            }
        });
    }

    #[test]
    fn a_changed_snapshot_is_loaded_or_refused(entries in vec(entries(), 1..8), mischief in mischief()) {
        let mut snapshot = Snapshot::new("ours".into());
        entries.into_iter().for_each(|entry| snapshot.take(entry));
        let mut bytes = Vec::new();
        let link = format::write_snapshot(&snapshot, &signer(), &mut bytes).unwrap();
        prop_assert_eq!(format::read_snapshot(&bytes).unwrap(), (snapshot, link));
        mischief.on(&mut bytes);
        block_on(async {
            let world = World::begun().await;
            let world = world.with("state.json", &bytes);
            if world.store().load().await.is_err() {
                let appended = world.lock().await.append(&[note("refused")], &signer()).await;
                assert!(appended.is_err() && world.read("state.json") == bytes, "what can't be read stays as it is");
            }
        });
        if let Ok((loaded, link)) = format::read_snapshot(&bytes) {
            let batch = format::Batch::new(loaded.lineage.clone(), loaded.serial + 1, &[]);
            format::Batch::read(batch.line(&signer(), link.mac()).0.trim_ascii_end()).unwrap();
        }
    }

    #[test]
    fn any_bytes_are_loaded_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        let _ = format::read_snapshot(&bytes);
        let _ = format::Batch::read(&bytes);
        block_on(async {
            let world = World::begun().await;
            let _ = world.with("journal", &bytes).store().load().await;
            let _ = world.with("state.json", &bytes).store().load().await;
        });
    }
}
