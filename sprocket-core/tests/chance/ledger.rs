//! A store that can die: it kills its run at a write, tears what is written last, fails, is full or loses its lock; and it
//! notes what became durable.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sprocket_core::state::{
    Action, Earlier, Entry, FileStore, Holder, JournalEvent, Loaded, Lock, MemoryStore, Signer, Snapshot, StateStore,
    StoreError, StoreFault,
};
use tokio::sync::watch;

use super::shed::Call;
use super::trace::{Note, Trace};

/// How the state goes wrong in a run. The writes of a run are numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The run is killed before this write is durable,
    Before(u8),
    /// or right after.
    After(u8),
    /// The run is killed while it writes: that much of the line's end is missing.
    Torn(u8, u8),
    /// The write fails, and nothing of it is kept;
    Fails(u8),
    /// it is kept all the same;
    FailsAfter(u8),
    /// the disk is full from then on;
    Full(u8),
    /// the lock is lost before it,
    Unlocked(u8),
    /// or after.
    UnlockedAfter(u8),
    /// Another run is at work at the same time.
    Twice,
}

/// What a file said before it was edited.
#[derive(Debug)]
pub(crate) struct Undo {
    path: PathBuf,
    whole: Vec<u8>,
}

impl Undo {
    pub(crate) fn undo(self) {
        fs::write(self.path, self.whole).expect("a file can be written");
    }
}

/// Clones are one store.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Kept,
    trace: Trace,
    fate: Mutex<Fate>,
    dead: watch::Sender<bool>,
}

#[derive(Debug)]
enum Kept {
    Memory(MemoryStore),
    Files(tempfile::TempDir),
}

#[derive(Debug, Default)]
struct Fate {
    writes: u8,
    death: Option<Death>,
    /// What is durable.
    state: Option<Snapshot>,
}

impl Ledger {
    /// What is torn is torn in a file.
    pub(crate) fn new(trace: Trace, in_files: bool) -> Self {
        let kept = match in_files {
            // In memory too, where there is a folder for that: a disk that is waited for takes longer than all the rest.
            true => Kept::Files(
                tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder can be made"),
            ),
            false => Kept::Memory(MemoryStore::new()),
        };
        Self(Arc::new(Inner { kept, trace, fate: Mutex::default(), dead: watch::Sender::new(false) }))
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.0.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> Arc<dyn StateStore> {
        match &self.0.kept {
            Kept::Memory(memory) => Arc::new(memory.clone()),
            Kept::Files(folder) => Arc::new(FileStore::new(folder.path())),
        }
    }

    /// Somebody writes into the stored snapshot, and gives back what it said; `None` if there is none in a file.
    pub(crate) fn edited(&self, place: u8) -> Option<Undo> {
        let Kept::Files(folder) = &self.0.kept else { return None };
        let path = folder.path().join("state.json");
        let whole = fs::read(&path).ok()?;
        let letters: Vec<usize> = (0..whole.len()).filter(|&at| whole[at].is_ascii_alphanumeric()).collect();
        let at = *letters.get(usize::from(place) * letters.len() / 256)?;
        let mut edited = whole.clone();
        // It stays what it was: a digit, or a letter.
        edited[at] = match whole[at] {
            b'9' => b'0',
            b'z' => b'a',
            b'Z' => b'A',
            byte => byte + 1,
        };
        fs::write(&path, edited).expect("a file can be written");
        Some(Undo { path, whole })
    }

    /// Another run begins, with this fate.
    pub(crate) fn begin(&self, death: Option<Death>) {
        self.0.dead.send_replace(false);
        *self.fate() = Fate { writes: 0, death, state: None };
        if let Kept::Memory(memory) = &self.0.kept {
            memory.make_room();
        }
    }

    /// Lets the next write go wrong, if that is its fate.
    fn spoil(&self, number: u8, death: Option<Death>) {
        let (write, fault) = match death {
            Some(Death::Fails(write)) => (write, StoreFault::Before),
            Some(Death::FailsAfter(write)) => (write, StoreFault::After),
            Some(Death::Full(write)) => (write, StoreFault::Full),
            Some(Death::Unlocked(write)) => (write, StoreFault::LostBefore),
            Some(Death::UnlockedAfter(write)) => (write, StoreFault::LostAfter),
            _ => return,
        };
        if let (true, Kept::Memory(memory)) = (write == number, &self.0.kept) {
            memory.fail(1, fault);
        }
    }

    /// Ends when the run has died.
    pub(crate) async fn died(&self) {
        let _ = self.0.dead.subscribe().wait_for(|dead| *dead).await;
    }

    pub(crate) async fn state(&self) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.load().await?.map(|loaded| loaded.snapshot))
    }

    /// Dies here, if that is its fate; else answers how to go on.
    async fn write<T>(&self, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let (number, death) = {
            let mut fate = self.fate();
            fate.writes += 1;
            (fate.writes, fate.death)
        };
        self.spoil(number, death);
        match death {
            Some(Death::Before(at)) if at == number => self.die().await,
            Some(Death::After(at)) if at == number => {
                write.await?;
                self.die().await
            }
            Some(Death::Torn(at, missing)) if at == number => {
                let Kept::Files(folder) = &self.0.kept else { return self.die().await };
                let journal = folder.path().join("journal");
                let before = fs::read(&journal).unwrap_or_default().len();
                write.await?;
                let mut torn = fs::read(&journal).unwrap_or_default();
                if torn.len() > before {
                    let line = torn.len() - before;
                    torn.truncate(torn.len() - (usize::from(missing) % line + 1).min(line));
                    fs::write(&journal, torn).expect("the journal can be torn");
                }
                self.die().await
            }
            _ => write.await,
        }
    }

    /// Notes that the run knows of it, if its lock is lost.
    fn told(&self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        if matches!(written, Err(StoreError::LockLost)) {
            self.0.trace.note(Note::LockLost);
        }
        written
    }

    async fn die<T>(&self) -> T {
        self.0.dead.send_replace(true);
        std::future::pending().await
    }

    /// Notes what became durable.
    fn durable(&self, entries: &[Entry]) {
        let mut fate = self.fate();
        let Some(state) = &mut fate.state else { return };
        for entry in entries {
            let address = entry.address.to_string();
            let record = state.records.get(&entry.address).map(|record| record.id.to_string());
            match &entry.event {
                JournalEvent::Begin { action } => {
                    let (what, deps, record) = match action {
                        Action::Create { intent } => {
                            (Call::Create, intent.deps.clone(), Some(intent.record.to_string()))
                        }
                        Action::Update { intent } => {
                            (Call::Update, intent.deps.clone(), Some(intent.record.to_string()))
                        }
                        Action::Ready => (Call::Ready, Vec::new(), record),
                        Action::Delete { .. } => (Call::Delete, Vec::new(), record),
                    };
                    let deps = deps.iter().map(ToString::to_string).collect();
                    self.0.trace.note(Note::Begun { address, record: record.unwrap_or_default(), what, deps });
                }
                JournalEvent::Done { .. } | JournalEvent::Failed { .. } => self.0.trace.note(Note::Ended { address }),
                _ => {}
            }
            state.take(entry.clone());
        }
    }
}

#[async_trait]
impl StateStore for Ledger {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.store().load().await
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        let inner = self.store().lock(holder).await?;
        self.fate().state = None;
        let state = self.state().await?;
        self.fate().state = state;
        self.0.trace.note(Note::Run);
        Ok(Box::new(Held { inner, ledger: self.clone() }))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        self.store().unlock(id).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        self.store().holder().await
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        self.store().history().await
    }

    fn place(&self) -> String {
        "the ledger".into()
    }
}

#[derive(Debug)]
struct Held {
    inner: Box<dyn Lock>,
    ledger: Ledger,
}

#[async_trait]
impl Lock for Held {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.inner.load().await
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        self.ledger.told(self.ledger.write(self.inner.append(entries, signer)).await)?;
        self.ledger.durable(entries);
        Ok(())
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        self.ledger.told(self.ledger.write(self.inner.compact(snapshot, signer)).await)?;
        self.ledger.fate().state = Some(snapshot.clone());
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.inner.is_held()
    }

    /// A run that may die writes one, so that it may die there.
    fn wants_snapshot(&self) -> bool {
        self.ledger.fate().death.is_some() || self.inner.wants_snapshot()
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.inner.release().await
    }
}
