//! A state in a folder, and what is expected to be in it.

use std::fs;
use std::path::{Path, PathBuf};

use sprocket_core::kind::Json;
use sprocket_core::state::StackKey;
use sprocket_core::state::{
    Entry, FileStore, Holder, JournalEvent, Loaded, Lock, Signer, Snapshot, StateStore, StoreError,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    /// What has been written so far.
    pub(crate) expected: Snapshot,
}

impl World {
    /// A folder in which a state has begun.
    pub(crate) async fn begun() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), expected: Snapshot::new("ours".into()) };
        world.lock().await.compact(&world.expected, &signer()).await.unwrap();
        world
    }

    /// One with some entries in its journal, each in a line of its own.
    pub(crate) async fn with_journal(entries: u32) -> Self {
        let mut world = Self::begun().await;
        let lock = world.lock().await;
        for number in 0..entries {
            world.append(&*lock, &[note(&format!("key-{number}"))]).await.unwrap();
        }
        world
    }

    /// Another one with the same files, except for this one.
    pub(crate) fn with(&self, file: &str, content: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["state.json", "journal"] {
            if self.file(name).exists() {
                fs::copy(self.file(name), folder.path().join(name)).unwrap();
            }
        }
        fs::write(folder.path().join(file), content).unwrap();
        Self { folder, expected: self.expected.clone() }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    pub(crate) fn store(&self) -> FileStore {
        FileStore::new(self.folder.path())
    }

    pub(crate) async fn lock(&self) -> Box<dyn Lock> {
        self.store().lock(&holder("ann")).await.unwrap()
    }

    pub(crate) async fn append(&mut self, lock: &dyn Lock, entries: &[Entry]) -> Result<(), StoreError> {
        lock.append(entries, &signer()).await?;
        for entry in entries {
            self.expected.take(entry.clone());
        }
        Ok(())
    }

    pub(crate) async fn load(&self) -> Loaded {
        self.store().load().await.unwrap().unwrap()
    }

    /// Loads what is expected, without a note; and what is then written is there too.
    pub(crate) async fn is_well(&mut self) {
        let loaded = self.load().await;
        assert_eq!((loaded.snapshot, loaded.notes), (self.expected.clone(), Vec::new()));
        self.goes_on().await;
    }

    /// What is written is there.
    pub(crate) async fn goes_on(&mut self) {
        let lock = self.lock().await;
        self.append(&*lock, &[note("after")]).await.unwrap();
        self.append(&*lock, &[note("after"), note("that")]).await.unwrap();
        drop(lock);
        let loaded = self.load().await;
        assert_eq!((loaded.snapshot, loaded.notes), (self.expected.clone(), Vec::new()));
    }

    /// What loading is refused with, without the folder, which has another name each time.
    pub(crate) async fn refusal(&self) -> String {
        let error = self.store().load().await.unwrap_err();
        let locked = self.lock().await.append(&[note("refused")], &signer()).await.unwrap_err();
        assert_eq!(locked.to_string(), error.to_string(), "who writes is refused as who reads is");
        self.tell(&error)
    }

    pub(crate) fn tell(&self, error: &StoreError) -> String {
        let hint = error.hint().unwrap_or_default();
        self.relative(&format!("{error}\nhint: {hint}"))
    }

    pub(crate) fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
            .replace(&self.folder.path().display().to_string(), "FOLDER")
    }
}

pub(crate) fn signer() -> Signer {
    Signer::of(&StackKey::from_bytes([7; 64]))
}

/// An entry that says this, in the place of what another one said.
pub(crate) fn note(text: &str) -> Entry {
    let outputs = [("note".to_owned(), Json::from(&text.into()))].into();
    Entry { address: "outputs".into(), event: JournalEvent::Outputs { outputs } }
}

pub(crate) fn holder(name: &str) -> Holder {
    Holder {
        id: format!("lock-{name}"),
        who: format!("{name}@host, process 1"),
        command: "apply".into(),
        since: "2026-04-01T12:00:00Z".parse().unwrap(),
    }
}

/// All files in a folder, with what is in them.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}
