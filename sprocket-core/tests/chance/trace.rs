//! What a run did, note by note: entries that became durable, and calls. The laws of a run are read from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::shed::{Call, Thing, slot};

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
}

impl Trace {
    pub(crate) fn note(&self, note: Note) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    pub(crate) fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The laws of a run: a call has a durable beginning of its own sort; of one resource there is one call at a time; what
/// something is made from has ended before it begins.
pub(crate) fn laws(
    notes: &[Note],
    left: &BTreeSet<String>,
    declared: &BTreeSet<u8>,
    used: &BTreeSet<u8>,
) -> Result<(), String> {
    // By address, what is open; by record, its address; and what is being called.
    let mut open: BTreeMap<&str, Call> = BTreeMap::new();
    let mut begun: BTreeMap<&str, Call> = BTreeMap::new();
    let mut called: BTreeSet<&str> = BTreeSet::new();
    for note in notes {
        match note {
            Note::Run => {
                open.clear();
                begun.clear();
                called.clear();
            }
            Note::Begun { address, record, what, deps } => {
                if let Some(other) = open.get(address.as_str()) {
                    return Err(format!("{what:?} of {address} begins while its {other:?} has not ended"));
                }
                if let Some(dep) =
                    deps.iter().find(|dep| open.get(dep.as_str()).is_some_and(|what| *what != Call::Delete))
                {
                    return Err(format!(
                        "{what:?} of {address} begins while {dep}, which it is made from, has not ended"
                    ));
                }
                open.insert(address, *what);
                begun.insert(record, *what);
            }
            Note::Ended { address } => drop(open.remove(address.as_str())),
            Note::Called { call, name, record } => {
                if begun.get(record.as_str()) != Some(call) {
                    return Err(format!("{call:?} of {name} is called without a durable beginning"));
                }
                if !called.insert(record) {
                    return Err(format!("{call:?} of {name} is called beside another call of its resource"));
                }
            }
            Note::Answered { record } => drop(called.remove(record.as_str())),
            Note::Deleted { id, things } => {
                let goes_for_good = |thing: &Thing| !slot(&thing.name).is_some_and(|slot| declared.contains(&slot));
                let Some(gone) = things.iter().find(|thing| thing.id == *id) else { continue };
                // What makes room for its successor has an order of its own among what stays, and among what waits for
                // that to move away, which the oracle knows.
                let is_early =
                    |thing: &Thing| goes_for_good(thing) && !slot(&thing.name).is_some_and(|slot| used.contains(&slot));
                let stands_on_it = |thing: &&Thing| {
                    thing.set.on.as_ref() == Some(id)
                        && thing.set.inside.is_none()
                        && !left.contains(&thing.name)
                        && (goes_for_good(gone) || is_early(thing))
                };
                if let Some(user) = things.iter().find(stands_on_it) {
                    return Err(format!("{} is deleted, and {} stands on it", gone.name, user.name));
                }
            }
        }
    }
    Ok(())
}
