//! A store in memory: for tests, and for programs that keep their state elsewhere.
//!
//! It is as strict as the others: it has one lock, refuses writes without it, and passes the same suite. Clones are
//! handles on one state. [`fail`](MemoryStore::fail) lets a later write go wrong.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use super::journal::Entry;
use super::mac::{Proof, Signer};
use super::snapshot::Snapshot;
use super::store::{Earlier, Holder, Loaded, Lock, StateStore, StoreError};
use crate::base::Lineage;

/// A state in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    snapshot: Option<Snapshot>,
    journal: Vec<Entry>,
    /// Of both: their order, serials and lineage.
    proof: Option<Proof>,
    /// The snapshot before that one.
    earlier: Option<Snapshot>,
    held: Option<Held>,
    /// How often the lock was taken: tells a lock from a later one.
    locks: u64,
    writes: u64,
    faults: BTreeMap<u64, StoreFault>,
    full: bool,
}

#[derive(Debug)]
struct Held {
    number: u64,
    holder: Holder,
}

/// What goes wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// It fails, and nothing of it is kept.
    Before,
    /// It is kept, and fails all the same: the answer is lost.
    After,
    /// It fails, and so does each one until there is [room](MemoryStore::make_room) again.
    Full,
    /// The lock is lost before it: nothing is written by its holder any more, as after a kill.
    LostBefore,
    /// The lock is lost after it: this write is kept, and it fails. It is the last one of its holder, as before a kill.
    LostAfter,
}

/// A journal with fewer entries is never worth a new snapshot.
const SHORT: usize = 8;

const PLACE: &str = "memory";

impl MemoryStore {
    /// A store in which no state has begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store with a state, as a holder of its key writes it.
    pub fn of(snapshot: Snapshot, signer: &Signer) -> Self {
        let store = Self::new();
        store.inner().proof = Some(Inner::proof(&snapshot, signer));
        store.inner().snapshot = Some(snapshot);
        store
    }

    /// Lets a write go wrong: the next one is 1. Appends and compactions both count.
    pub fn fail(&self, nth: u64, fault: StoreFault) {
        let mut inner = self.inner();
        let write = inner.writes + nth;
        inner.faults.insert(write, fault);
    }

    /// Ends [`StoreFault::Full`].
    pub fn make_room(&self) {
        self.inner().full = false;
    }

    /// How many writes were tried.
    pub fn writes(&self) -> u64 {
        self.inner().writes
    }

    /// The entries since the last snapshot.
    pub fn journal(&self) -> Vec<Entry> {
        self.inner().journal.clone()
    }

    /// The state, as it would be loaded.
    pub fn state(&self) -> Option<Snapshot> {
        self.inner().state()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands for bytes in a proof: nobody can change what is in memory, and no byte is written.
fn digest(lineage: &Lineage, serial: u64) -> Sha256 {
    Sha256::new().chain_update(lineage.as_str()).chain_update(serial.to_le_bytes())
}

impl Inner {
    fn proof(snapshot: &Snapshot, signer: &Signer) -> Proof {
        Proof::of(signer.snapshot(snapshot.serial, digest(&snapshot.lineage, snapshot.serial)))
    }

    fn state(&self) -> Option<Snapshot> {
        let mut snapshot = self.snapshot.clone()?;
        snapshot.take_all(self.journal.iter().cloned());
        Some(snapshot)
    }

    fn serial(&self) -> Option<u64> {
        Some(self.snapshot.as_ref()?.serial + self.journal.len() as u64)
    }

    fn holds(&self, number: u64) -> Result<(), StoreError> {
        match &self.held {
            Some(held) if held.number == number => Ok(()),
            _ => Err(StoreError::LockLost),
        }
    }

    /// Makes a change with the fault that is due.
    fn write(&mut self, number: u64, attempt: &'static str, change: impl FnOnce(&mut Self)) -> Result<(), StoreError> {
        let io = |kind: io::ErrorKind| StoreError::Io { attempt, place: PLACE.into(), source: kind.into() };
        self.writes += 1;
        let fault = self.faults.remove(&self.writes);
        match fault {
            Some(StoreFault::LostBefore) => self.held = None,
            Some(StoreFault::Full) => self.full = true,
            _ => {}
        }
        self.holds(number)?;
        if self.full {
            return Err(io(io::ErrorKind::StorageFull));
        }
        match fault {
            Some(StoreFault::Before) => Err(io(io::ErrorKind::TimedOut)),
            Some(StoreFault::After) => {
                change(self);
                Err(io(io::ErrorKind::TimedOut))
            }
            Some(StoreFault::LostAfter) => {
                change(self);
                self.held = None;
                Err(StoreError::LockLost)
            }
            _ => {
                change(self);
                Ok(())
            }
        }
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let inner = self.inner();
        let state = inner.state().zip(inner.proof.clone());
        Ok(state.map(|(snapshot, proof)| Loaded { snapshot, notes: Vec::new(), proof }))
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        let mut inner = self.inner();
        if let Some(held) = &inner.held {
            return Err(StoreError::Locked { holder: Box::new(held.holder.clone()) });
        }
        inner.locks += 1;
        let number = inner.locks;
        inner.held = Some(Held { number, holder: holder.clone() });
        Ok(Box::new(MemoryLock { store: self.clone(), number }))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        match self.inner().held.take_if(|held| held.holder.id == id) {
            Some(_) => Ok(()),
            None => Err(StoreError::NoSuchLock { id: id.into() }),
        }
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        Ok(self.inner().held.as_ref().map(|held| held.holder.clone()))
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        let earlier = self.inner().earlier.clone();
        let earlier = earlier.map(|snapshot| Earlier { place: PLACE.into(), written: None, snapshot: Ok(snapshot) });
        Ok(earlier.into_iter().collect())
    }

    fn place(&self) -> String {
        PLACE.into()
    }
}

#[derive(Debug)]
struct MemoryLock {
    store: MemoryStore,
    number: u64,
}

#[async_trait]
impl Lock for MemoryLock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.store.inner().holds(self.number)?;
        self.store.load().await
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        let mut inner = self.store.inner();
        inner.holds(self.number)?;
        let Some(serial) = inner.serial() else {
            return Err(StoreError::NoSnapshot { place: PLACE.into() });
        };
        inner.write(self.number, "append to the journal in", |inner| {
            if let (Some(snapshot), Some(proof), false) = (&inner.snapshot, &mut inner.proof, entries.is_empty()) {
                let last = serial + entries.len() as u64;
                let digest = digest(&snapshot.lineage, last).finalize().into();
                proof.push(signer.batch(proof.head(), serial + 1, last, digest));
                inner.journal.extend_from_slice(entries);
            }
        })
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        let mut inner = self.store.inner();
        inner.holds(self.number)?;
        let same = inner.snapshot.as_ref().is_some_and(|stored| stored.lineage == snapshot.lineage);
        match inner.serial() {
            Some(stored) if same && stored > snapshot.serial => {
                return Err(StoreError::Behind { place: PLACE.into(), stored, given: snapshot.serial });
            }
            _ => {}
        }
        inner.write(self.number, "write the snapshot in", |inner| {
            inner.proof = Some(Inner::proof(snapshot, signer));
            inner.earlier = inner.snapshot.replace(snapshot.clone());
            inner.journal.clear();
        })
    }

    fn is_held(&self) -> bool {
        self.store.inner().holds(self.number).is_ok()
    }

    /// By their numbers, as nothing here is written as bytes: an entry is as long as a record.
    fn wants_snapshot(&self) -> bool {
        let inner = self.store.inner();
        let records = inner.snapshot.as_ref().map_or(0, |snapshot| snapshot.records.len());
        inner.journal.len() >= SHORT.max(records / 4)
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.store.inner().holds(self.number)
    }
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.store.inner().held.take_if(|held| held.number == self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::conformance;

    #[test]
    fn a_snapshot_is_due_when_the_journal_has_a_quarter_of_its_records() {
        let lock = MemoryLock { store: MemoryStore::new(), number: 0 };
        let event = || crate::state::JournalEvent::Recorded { record: None };
        for (records, entries, is_due) in [(1, SHORT - 1, false), (1, SHORT, true), (400, 99, false), (400, 100, true)]
        {
            let mut inner = lock.store.inner();
            inner.snapshot = Some(conformance::large(records));
            inner.journal = (0..entries).map(|_| Entry { address: "lab:net/edge".into(), event: event() }).collect();
            drop(inner);
            assert_eq!(lock.wants_snapshot(), is_due, "{entries} entries after {records} records");
        }
    }
}
