//! A store in memory that counts what another would have to write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sprocket_core::state::format::{Batch, write_snapshot};
use sprocket_core::state::{
    Earlier, Entry, Holder, Loaded, Lock, Mac, MemoryStore, Signer, Snapshot, StateStore, StoreError,
};

/// How much was written, in the form that files have.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    journal: AtomicU64,
    snapshots: AtomicU64,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// Of lines in the journal.
    pub journal: u64,
    /// Of snapshots.
    pub snapshots: u64,
}

impl Written {
    /// What was written since this was last asked.
    pub fn take(&self) -> Bytes {
        let Counts { journal, snapshots } = &*self.0;
        Bytes { journal: journal.swap(0, Ordering::Relaxed), snapshots: snapshots.swap(0, Ordering::Relaxed) }
    }
}

/// The store.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) store: MemoryStore,
    pub(crate) written: Written,
}

#[async_trait]
impl StateStore for Counted {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.store.load().await
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        let lock = self.store.lock(holder).await?;
        Ok(Box::new(CountedLock { lock, written: self.written.clone() }))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        self.store.unlock(id).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        self.store.holder().await
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        self.store.history().await
    }

    fn place(&self) -> String {
        self.store.place()
    }
}

#[derive(Debug)]
struct CountedLock {
    lock: Box<dyn Lock>,
    written: Written,
}

#[async_trait]
impl Lock for CountedLock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.lock.load().await
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        let line = Batch::new("00000000000000000000000000000000".into(), 1, entries).line(signer, Mac::default()).0;
        self.written.0.journal.fetch_add(line.len() as u64, Ordering::Relaxed);
        self.lock.append(entries, signer).await
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        write_snapshot(snapshot, signer, &mut bytes).expect("memory takes what is written to it");
        self.written.0.snapshots.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.lock.compact(snapshot, signer).await
    }

    fn is_held(&self) -> bool {
        self.lock.is_held()
    }

    fn wants_snapshot(&self) -> bool {
        self.lock.wants_snapshot()
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.lock.release().await
    }
}
