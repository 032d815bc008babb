//! What a run did, note by note: entries that became durable, and calls. The laws read it.

use std::sync::{Arc, Mutex, PoisonError};

use super::shed::{Call, Thing};

/// The notes of a run. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<Note>>>);

#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// A run begins; nothing is under way.
    Run,
    /// A `Begin` is durable. The record's id, and what it is made from.
    Begun { address: String, record: String, what: Call, deps: Vec<String> },
    /// Its end is durable.
    Ended { address: String },
    /// A call starts,
    Called { call: Call, name: String, record: String },
    /// and is over, whatever came of it.
    Answered { record: String },
    /// A thing is deleted; what was there right before.
    Deleted { id: String, things: Vec<Thing> },
    /// The plan is made: what was read for it is not compared again by it.
    Planned,
    /// Somebody else changes a thing.
    Meddled { name: String },
    /// The lock is lost, and the run was told.
    LockLost,
}

impl Trace {
    pub(crate) fn note(&self, note: Note) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    pub(crate) fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
