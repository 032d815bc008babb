//! Entry points for fuzzing: what is read from files. Each takes any bytes, and panics only if a law is broken.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, process, thread};

use crate::base::PhysicalName;
use crate::engine::{Engine, SavedPlan};
use crate::kind::Kind;
use crate::session::Settings;
use crate::stack::Stack;
use crate::state::{FileStore, Holder, KeySource, MemoryStore, Signer, Snapshot, StateStore, generate_identity};
use crate::value::StackKey;

/// A folder for the files of this thread.
fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = parent.join(format!("sprocket-fuzzing-{}-{:?}", process::id(), thread::current().id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn wait<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(what)
}

/// The key is none of what is fuzzed: a store has none.
fn signer() -> Signer {
    Signer::of(&StackKey::from_bytes([7; 64]))
}

/// Loads what is in a folder, and writes and loads it again: it is the same, or it is refused.
fn load_and_write(folder: &std::path::Path) {
    let store = FileStore::new(folder);
    wait(async {
        let Ok(Some(loaded)) = store.load().await else { return };
        let holder = Holder {
            id: "1".into(),
            who: "fuzzing".into(),
            command: "apply".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        let lock = store.lock(&holder).await.expect("nobody else has the lock");
        let held = lock.load().await.expect("it was loaded before").expect("there is a state");
        assert_eq!(held.snapshot, loaded.snapshot);
        lock.compact(&held.snapshot, &signer()).await.expect("what was loaded can be written");
        lock.release().await.expect("the lock can be given back");
        let again = store.load().await.expect("what was written can be read").expect("there is a state");
        assert_eq!(again.snapshot, loaded.snapshot);
    });
}

/// A state file.
pub fn state(bytes: &[u8]) {
    let folder = folder();
    fs::write(folder.join("state.json"), bytes).expect("a file can be written");
    load_and_write(&folder);
    let _ = fs::remove_dir_all(&folder);
}

/// A journal, beside a state that has just begun.
pub fn journal(bytes: &[u8]) {
    let folder = folder();
    wait(async {
        let store = FileStore::new(&folder);
        let holder = Holder {
            id: "1".into(),
            who: "fuzzing".into(),
            command: "apply".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        let lock = store.lock(&holder).await.expect("nobody else has the lock");
        lock.compact(&Snapshot::new("ours".into()), &signer()).await.expect("a state can begin");
        lock.release().await.expect("the lock can be given back");
    });
    fs::write(folder.join("journal"), bytes).expect("a file can be written");
    load_and_write(&folder);
    let _ = fs::remove_dir_all(&folder);
}

/// A saved plan: what nobody has saved is never planned.
pub fn saved_plan(bytes: &[u8]) {
    let Ok(saved) = serde_json::from_slice::<SavedPlan>(bytes) else { return };
    let settings = Settings::new(KeySource::identity(generate_identity(), "fuzzing"));
    let engine = Engine::new(Arc::new(MemoryStore::new()), settings);
    wait(async {
        let planned = engine.plan_saved(&Stack::new(), &saved, "fuzzing").await;
        assert!(planned.is_err(), "a plan that was made up is taken for a saved one");
    });
}

/// The settings of a kind, as a state may have them.
pub fn spec<R: Kind>(bytes: &[u8]) {
    use crate::kind::Spec;
    fn read<S: Spec>(bytes: &[u8]) -> Option<S> {
        serde_json::from_slice(bytes).ok()
    }
    let Some(spec) = read::<R::Spec>(bytes) else { return };
    let name = PhysicalName::from("fuzzing");
    drop((
        R::validate(&spec),
        R::validate_name(&name, Some(&spec)),
        R::CLAIMS.map(|claims| claims(&name, Some(&spec))),
    ));
    let written = serde_json::to_vec(&spec).expect("settings have a JSON form");
    let again = read::<R::Spec>(&written).expect("what was written can be read");
    let rewritten = serde_json::to_vec(&again).expect("settings have a JSON form");
    assert_eq!(String::from_utf8_lossy(&rewritten), String::from_utf8_lossy(&written));
}
