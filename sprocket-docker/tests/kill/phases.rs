//! Which step and phase a kill hit: what the journal has begun and not ended, and what the engine shows of it.

use std::path::Path;

use sprocket_core::kind::Address;
use sprocket_core::state::{Action, Entry, FileStore, JournalEvent, Snapshot, StateStore as _};

use crate::engine::Inventory;

/// Where in a step a kill fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The step is begun in the journal, and the engine shows nothing of it.
    BeforeTheEffect,
    /// The engine shows it, and the journal does not.
    AfterTheEffect,
    /// The object is there and recorded, and was being waited for.
    InTheWait,
    /// An update: the engine does not tell whether it had arrived.
    InAnUpdate,
}

/// The steps that were under way, each with its phase; none between steps.
pub(crate) fn phases(folder: &Path, now: &Inventory) -> Vec<(Address, Phase)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let loaded = runtime.block_on(FileStore::new(folder).load()).unwrap();
    let Some(snapshot) = loaded.map(|loaded| loaded.snapshot) else { return Vec::new() };
    snapshot.pending.iter().map(|(address, entry)| (address.clone(), phase(&snapshot, address, entry, now))).collect()
}

fn phase(snapshot: &Snapshot, address: &Address, entry: &Entry, now: &Inventory) -> Phase {
    let kind = address.kind().rsplit(':').next().unwrap();
    let JournalEvent::Begin { action } = &entry.event else { panic!("{address} is pending without a beginning") };
    match action {
        Action::Ready => Phase::InTheWait,
        Action::Update { .. } => Phase::InAnUpdate,
        // A generated secret is made in the program itself, and so never before its entry.
        Action::Create { intent } if now.has(kind, intent.name.as_str(), intent.record.as_str()) => {
            Phase::AfterTheEffect
        }
        Action::Create { .. } => Phase::BeforeTheEffect,
        Action::Delete { object } => {
            let record = &snapshot.records[address];
            let object = record.objects().find(|other| other.is(object)).unwrap();
            match now.has(kind, object.name.as_str(), record.id.as_str()) {
                true => Phase::BeforeTheEffect,
                false => Phase::AfterTheEffect,
            }
        }
    }
}
