//! Group commit: entries of the journal that are ready together share a write, and what waits for them follows.
//!
//! **Invariant:** what was given to [`GroupCommit::after`] comes back once all entries that were pushed before it are durable.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::state::{Entry, Lock, Signer, Snapshot, StoreError};

/// The writes of a run. `T` is what follows a write.
pub(super) struct GroupCommit<'a, T> {
    lock: &'a dyn Lock,
    signer: Signer,
    /// Entries that are not being written yet, and what follows them.
    entries: Vec<Entry>,
    then: Vec<T>,
    /// The write that is under way, with its entries and what follows it.
    writing: Option<BoxFuture<'a, Result<(), StoreError>>>,
    batch: Arc<Vec<Entry>>,
    after_batch: Vec<T>,
    failure: Option<StoreError>,
}

impl<'a, T> GroupCommit<'a, T> {
    pub(super) fn new(lock: &'a dyn Lock, signer: Signer) -> Self {
        Self {
            lock,
            signer,
            entries: Vec::new(),
            then: Vec::new(),
            writing: None,
            batch: Arc::default(),
            after_batch: Vec::new(),
            failure: None,
        }
    }

    /// An entry for the next write.
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// What follows once every entry so far is durable.
    pub(super) fn after(&mut self, then: T) {
        self.then.push(then);
    }

    /// Whether nothing is being written, and nothing that follows a write is left.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_none() && self.then.is_empty()
    }

    /// Why nothing is written any more.
    pub(super) fn failure(&self) -> Option<&StoreError> {
        self.failure.as_ref()
    }

    /// What was to follow, and has not.
    pub(super) fn rest(&mut self) -> Vec<T> {
        let mut rest = std::mem::take(&mut self.after_batch);
        rest.append(&mut self.then);
        rest
    }

    /// Begins the next write, unless one is under way.
    pub(super) fn flush(&mut self) {
        if self.writing.is_some() || self.entries.is_empty() || self.failure.is_some() {
            return;
        }
        self.batch = Arc::new(std::mem::take(&mut self.entries));
        self.after_batch.append(&mut self.then);
        let (lock, batch, signer) = (self.lock, Arc::clone(&self.batch), self.signer.clone());
        self.writing = Some(Box::pin(async move { lock.append(&batch, &signer).await }));
    }

    /// Ends with the write that is under way, and answers what follows it; or, if it failed, what never will. Can be
    /// dropped and called again.
    pub(super) async fn written(&mut self) -> Result<Vec<T>, Vec<T>> {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let result = writing.await;
        self.writing = None;
        match result {
            Ok(()) => Ok(std::mem::take(&mut self.after_batch)),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Nothing is written any more. Answers what never follows now.
    pub(super) fn fail(&mut self, error: StoreError) -> Vec<T> {
        self.writing = None;
        self.failure.get_or_insert(error);
        self.rest()
    }

    /// Writes what is left at the end of a run, of which this is the snapshot; answers whether all of it is durable. After a
    /// failure it is tried once more: what was done is known to nobody else.
    pub(super) async fn finish(&mut self, snapshot: &Snapshot) -> bool {
        let written = match &self.failure {
            None => self.save(snapshot).await,
            Some(StoreError::LockLost) => return false,
            Some(_) => return self.catch_up(snapshot.serial).await.is_ok(),
        };
        match written {
            Ok(()) => true,
            Err(error) => {
                self.failure = Some(error);
                // There may be room for them where there is none for all. The failure is told all the same.
                self.catch_up(snapshot.serial).await.is_ok()
            }
        }
    }

    async fn save(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        if self.lock.wants_snapshot() {
            self.lock.compact(snapshot, &self.signer).await
        } else if self.entries.is_empty() {
            Ok(())
        } else {
            self.lock.append(&self.entries, &self.signer).await
        }
    }

    /// Appends the entries that the store lacks, which may have some of a write that failed.
    async fn catch_up(&mut self, serial: u64) -> Result<(), StoreError> {
        let stored = self.lock.load().await?.map_or(0, |loaded| loaded.snapshot.serial);
        let known: Vec<&Entry> = self.batch.iter().chain(&self.entries).collect();
        let missing = usize::try_from(serial.saturating_sub(stored)).unwrap_or(usize::MAX);
        let Some(first) = known.len().checked_sub(missing) else { return Err(StoreError::LockLost) };
        let missing: Vec<Entry> = known[first..].iter().map(|entry| (*entry).clone()).collect();
        if missing.is_empty() { Ok(()) } else { self.lock.append(&missing, &self.signer).await }
    }
}
