//! State stores: where a stack's state is kept.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::journal::Entry;
use super::snapshot::Snapshot;

/// Where a stack's state is kept. Each implementation passes the suite in [`conformance`](super::conformance).
///
/// Only the holder of the lock writes.
#[async_trait]
pub trait StateStore: Send + Sync + Debug {
    /// The state: the last snapshot with the journal since, or `None` if there has never been one. Writes nothing.
    async fn load(&self) -> Result<Option<Loaded>, StoreError>;

    /// Takes the lock, or says who holds it.
    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError>;

    /// Breaks the lock that has this id, after a person has made sure that its holder is gone.
    async fn unlock(&self, id: &str) -> Result<(), StoreError>;

    /// Who holds the lock, if anybody does.
    async fn holder(&self) -> Result<Option<Holder>, StoreError>;

    /// Where it is, for people.
    fn place(&self) -> String;
}

/// The right to write, held until it is dropped or [released](Self::release).
#[async_trait]
pub trait Lock: Send + Sync + Debug {
    /// Makes entries durable, in this order, all or none. When it returns, a crash can't lose them.
    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError>;

    /// Replaces the snapshot and empties the journal. The last snapshots are kept.
    async fn compact(&self, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// Gives the lock back.
    async fn release(self: Box<Self>) -> Result<(), StoreError>;
}

/// A state as it was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The snapshot, with the journal taken in.
    pub snapshot: Snapshot,
    /// What was noticed on the way and repaired, for people: `the last journal entry was torn, and is ignored`.
    pub notes: Vec<String>,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The lock's id, which `state unlock` asks for.
    pub id: String,
    /// Which user on which host, in which process.
    pub who: String,
    /// What for: `apply`.
    pub command: String,
    /// Since when.
    pub since: jiff::Timestamp,
}

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else holds the lock.
    #[error("the state is locked by {} since {} (`{}`)", holder.who, holder.since, holder.command)]
    Locked {
        /// Who.
        holder: Box<Holder>,
    },
    /// The lock was lost: somebody else may be writing.
    #[error("the lock on the state was lost")]
    LockLost,
    /// There is no lock of this id.
    #[error("no lock has the id `{id}`")]
    NoSuchLock {
        /// The id.
        id: String,
    },
    /// What is stored can't be read as a state.
    #[error("the state in {place} is damaged: {what}")]
    Damaged {
        /// Where.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// What is stored was written by a newer engine.
    #[error("the state in {place} has format {found}, and this program reads up to {known}")]
    TooNew {
        /// Where.
        place: String,
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The storage failed.
    #[error("could not {attempt} {place}")]
    Io {
        /// What was attempted: `write`.
        attempt: &'static str,
        /// Where.
        place: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}
