//! State stores: where a stack's state is kept.

use std::fmt::Debug;
use std::io;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::journal::Entry;
use super::mac::{Proof, Signer, Unproven};
use super::snapshot::Snapshot;
use crate::base::visible::{shell_word, visible};

/// Where a stack's state is kept. Each implementation passes the suite in [`conformance`](super::conformance).
///
/// Only the holder of the lock writes. What was loaded before the lock was taken may be old by then: who is going to
/// write loads from the lock.
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

    /// The snapshots from before that are kept, the oldest first. The state as it is now is not among them.
    async fn history(&self) -> Result<Vec<Earlier>, StoreError>;

    /// Tries out what it relies on, and says what it found; nothing that is written for it stays. For `doctor`.
    async fn try_out(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Where it is, for people.
    fn place(&self) -> String;
}

/// The right to write, held until it is dropped or [released](Self::release).
///
/// A write that has begun when its future or the lock is dropped may still be made.
#[async_trait]
pub trait Lock: Send + Sync + Debug {
    /// The state, which nobody else changes now. Writes nothing; what is written later follows on it, so that a store need
    /// not read it again.
    async fn load(&self) -> Result<Option<Loaded>, StoreError>;

    /// Makes entries durable, in this order, all or none. When it returns, a crash can't lose them. After an error they
    /// may be durable or not.
    ///
    /// A state begins with a snapshot: the first write of a new stack is [`compact`](Self::compact). What is written is
    /// signed on what was written before it, and loading gives a [`Proof`] of that.
    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError>;

    /// Replaces the snapshot and empties the journal. The last snapshots are kept.
    ///
    /// A snapshot that lacks stored entries of its lineage is refused. After an error the state is the old one or the
    /// new one, with nothing lost.
    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError>;

    /// Whether the lock is still held, as far as can be told without waiting: a flag in memory, a small file, the clock of a
    /// lease. A run asks before each call that it sends, and sends nothing more after a `false`. Once a write was refused
    /// with [`StoreError::LockLost`], the answer is `false` for good.
    fn is_held(&self) -> bool;

    /// Whether the journal has grown so long that a new snapshot is worth its writing. It is asked at the end of a run; a
    /// store that does not say gets one after each.
    fn wants_snapshot(&self) -> bool {
        true
    }

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
    /// Who wrote it. A store has no key, and does not check it.
    pub proof: Proof,
}

impl Loaded {
    /// Whether all of it was written with this signer.
    ///
    /// # Errors
    /// The first part that was not.
    pub fn verify(&self, signer: &Signer) -> Result<(), Unproven> {
        self.proof.verify(signer, self.snapshot.serial)
    }
}

/// A snapshot from before.
#[derive(Debug)]
pub struct Earlier {
    /// Where it is, for people who want to go back to it.
    pub place: String,
    /// When it was written, if the storage tells.
    pub written: Option<std::time::SystemTime>,
    /// It; or why it can't be read.
    pub snapshot: Result<Snapshot, StoreError>,
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

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} since {} (`{}`)", visible(&self.who), self.since, visible(&self.command))
    }
}

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else holds the lock.
    #[error("the state is locked by {holder}")]
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
    /// Entries were appended where no state has begun.
    #[error("no state has begun in {place}")]
    NoSnapshot {
        /// Where.
        place: String,
    },
    /// The snapshot lacks entries that are stored.
    #[error("the state in {place} has {stored} entries, and is not replaced by a snapshot of {given}")]
    Behind {
        /// Where.
        place: String,
        /// The serial that is stored.
        stored: u64,
        /// The serial of the snapshot.
        given: u64,
    },
    /// What is stored can't be read as a state.
    #[error("the state in {place} is damaged: {what}")]
    Damaged {
        /// Where.
        place: String,
        /// What is wrong with it.
        what: String,
        /// What can be done about it.
        fix: String,
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
    /// The storage does not keep two writers apart.
    #[error("the server of {place} does not keep two runs apart: {what}")]
    NotExclusive {
        /// Where.
        place: String,
        /// What it does.
        what: String,
    },
    /// The storage is a service, and a request to it failed.
    #[error("could not {attempt} {place}")]
    Remote {
        /// What was attempted: `write the snapshot in`.
        attempt: &'static str,
        /// Where.
        place: String,
        /// Why it failed.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What can be done about it.
        hint: Option<String>,
    },
    /// The storage failed.
    #[error("could not {attempt} {place}")]
    Io {
        /// What was attempted: `write`.
        attempt: &'static str,
        /// Where.
        place: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl StoreError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Locked { holder } => Some(format!(
                "wait until it has ended; if {} is gone for good, break its lock: `state unlock {}`",
                visible(&holder.who),
                shell_word(&holder.id)
            )),
            Self::LockLost => {
                Some("what was recorded is kept; make sure that nobody else is at work, and run again".into())
            }
            Self::NoSuchLock { .. } => Some("the error of the command that found the state locked says the id".into()),
            Self::NoSnapshot { .. } => Some("who makes a store's first entries writes a snapshot first".into()),
            Self::Behind { .. } => Some("nothing is lost: the stored entries count; load the state again".into()),
            Self::Damaged { fix, .. } => Some(fix.clone()),
            Self::TooNew { .. } => {
                Some("build the program against the Sprocket that wrote the state, or a newer one".into())
            }
            Self::NotExclusive { .. } => Some(
                "keep the state in a folder, or with a server that honours `If-None-Match` and `If-Match`; nothing was \
                 written to this one"
                    .into(),
            ),
            Self::Remote { hint, .. } => hint.clone(),
            Self::Io { attempt, source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("make room and run again: what was recorded is kept".into())
                }
                io::ErrorKind::TimedOut if *attempt == "lock" => Some(
                    "another process was stopped while it took or broke the lock: continue or end it, and run again"
                        .into(),
                ),
                io::ErrorKind::PermissionDenied => Some("the state belongs to the user who made it".into()),
                io::ErrorKind::ReadOnlyFilesystem => {
                    Some("the state lies on a file system that can't be written".into())
                }
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MemoryStore;

    #[test]
    fn an_error_of_the_storage_says_what_can_be_done_about_it() {
        let hint = |attempt, kind: io::ErrorKind| {
            StoreError::Io { attempt, place: "memory".into(), source: kind.into() }.hint().unwrap_or_default()
        };
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
            assert_eq!(hint("write", kind), "make room and run again: what was recorded is kept");
        }
        let read_only = hint("write", io::ErrorKind::ReadOnlyFilesystem);
        assert_eq!(read_only, "the state lies on a file system that can't be written");
        assert_eq!(hint("write", io::ErrorKind::PermissionDenied), "the state belongs to the user who made it");
        let stopped = hint("lock", io::ErrorKind::TimedOut);
        assert!(stopped.starts_with("another process was stopped while it took or broke the lock"), "{stopped}");
        assert_eq!(hint("write", io::ErrorKind::TimedOut), "", "it was not the lock that was waited for");
    }

    #[tokio::test]
    async fn a_store_that_has_nothing_to_try_out_says_nothing() {
        assert_eq!(MemoryStore::new().try_out().await.unwrap(), None);
    }

    /// A lock that says no more than it must.
    #[derive(Debug)]
    struct Terse;

    #[async_trait]
    impl Lock for Terse {
        async fn load(&self) -> Result<Option<Loaded>, StoreError> {
            Ok(None)
        }
        async fn append(&self, _: &[Entry], _: &Signer) -> Result<(), StoreError> {
            Ok(())
        }
        async fn compact(&self, _: &Snapshot, _: &Signer) -> Result<(), StoreError> {
            Ok(())
        }
        fn is_held(&self) -> bool {
            true
        }
        async fn release(self: Box<Self>) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_store_that_does_not_say_gets_a_snapshot_after_each_run() {
        assert!(Terse.wants_snapshot());
    }
}
