//! Crashes: a store that kills the run at a boundary of its journal, or holds it there while something else happens.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::watch;

use super::lock;
use crate::base::Address;
use crate::state::{
    Earlier, Entry, Holder, JournalEvent, Loaded, Lock, MemoryStore, Signer, Snapshot, StateStore, StoreError,
};

/// On which side of a write the run dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The entries are lost: the run dies before they are durable.
    Before,
    /// The entries are durable, and the run dies before it learns so.
    After,
}

/// A memory store whose holder can be made to die.
#[derive(Clone, Debug)]
pub(super) struct CrashingStore {
    inner: MemoryStore,
    plan: Arc<Mutex<Option<(usize, Crash)>>>,
    writes: Arc<Mutex<usize>>,
    dead: Arc<watch::Sender<bool>>,
    /// The resource before whose next call the run is held.
    hold_before: Arc<Mutex<Option<Address>>>,
    held: Arc<watch::Sender<bool>>,
}

impl CrashingStore {
    pub(super) fn new(inner: MemoryStore) -> Self {
        let (dead, held) = (Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(false)));
        Self { inner, plan: Arc::default(), writes: Arc::default(), dead, hold_before: Arc::default(), held }
    }

    pub(super) fn crash_at(&self, boundary: usize, crash: Crash) {
        *lock(&self.plan) = Some((boundary, crash));
        *lock(&self.writes) = 0;
    }

    /// Ends when the run has died.
    pub(super) async fn crashed(&self) {
        let _ = self.dead.subscribe().wait_for(|dead| *dead).await;
    }

    /// Another run can begin.
    pub(super) fn revive(&self) {
        *lock(&self.plan) = None;
        self.dead.send_replace(false);
    }

    /// Holds the run between what it says that it is about to do to this resource, and its doing it.
    pub(super) fn hold_before(&self, address: Address) {
        *lock(&self.hold_before) = Some(address);
    }

    /// Ends when the run is held.
    pub(super) async fn holds(&self) {
        let _ = self.held.subscribe().wait_for(|held| *held).await;
    }

    /// Lets the run go on.
    pub(super) fn go_on(&self) {
        *lock(&self.hold_before) = None;
        self.held.send_replace(false);
    }

    async fn hold(&self, entries: &[Entry]) {
        let is_begun = |address: &mut Address| {
            entries.iter().any(|entry| entry.address == *address && matches!(entry.event, JournalEvent::Begin { .. }))
        };
        if lock(&self.hold_before).take_if(is_begun).is_some() {
            self.held.send_replace(true);
            let _ = self.held.subscribe().wait_for(|held| !*held).await;
        }
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let number = {
            let mut writes = lock(&self.writes);
            *writes += 1;
            *writes - 1
        };
        let crash = lock(&self.plan).filter(|(boundary, _)| *boundary == number).map(|(_, crash)| crash);
        match crash {
            None => write.await,
            Some(crash) => {
                if crash == Crash::After {
                    write.await?;
                }
                self.dead.send_replace(true);
                std::future::pending().await
            }
        }
    }
}

#[async_trait]
impl StateStore for CrashingStore {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.inner.load().await
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        let inner = self.inner.lock(holder).await?;
        Ok(Box::new(CrashingLock { inner, store: self.clone() }))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        self.inner.unlock(id).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        self.inner.holder().await
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        self.inner.history().await
    }

    fn place(&self) -> String {
        self.inner.place()
    }
}

#[derive(Debug)]
struct CrashingLock {
    inner: Box<dyn Lock>,
    store: CrashingStore,
}

#[async_trait]
impl Lock for CrashingLock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.inner.load().await
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        self.store.write(self.inner.append(entries, signer)).await?;
        self.store.hold(entries).await;
        Ok(())
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        self.store.write(self.inner.compact(snapshot, signer)).await
    }

    fn is_held(&self) -> bool {
        self.inner.is_held()
    }

    /// A run that may be killed writes one, so that it may be killed there.
    fn wants_snapshot(&self) -> bool {
        lock(&self.store.plan).is_some() || self.inner.wants_snapshot()
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.inner.release().await
    }
}
