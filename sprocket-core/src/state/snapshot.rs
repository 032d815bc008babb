//! Snapshots: what is recorded of a whole stack, and how journal entries change it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::journal::{Action, Entry, Event};
use super::record::Record;
use crate::ids::{Address, Identity, Lineage, ProviderName};
use crate::json::Json;

/// The version of the format that this engine writes. Older ones are upgraded on load, newer ones refused.
pub const FORMAT: u32 = 1;

/// What is recorded of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version of its format.
    pub format: u32,
    /// The id that this state was born with.
    pub lineage: Lineage,
    /// How many journal entries have gone into it.
    pub serial: u64,
    /// The stack's key, encrypted to its owner.
    pub key: Option<String>,
    /// The providers that made what is recorded.
    pub providers: BTreeMap<ProviderName, RecordedProvider>,
    /// The records.
    pub records: BTreeMap<Address, Record>,
    /// The stack's outputs as they were last computed; secrets are sealed.
    pub outputs: BTreeMap<String, Json>,
    /// What was begun and has not ended.
    pub pending: BTreeMap<Address, Entry>,
}

/// A provider as it was last used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedProvider {
    /// Its address and options; secrets are sealed.
    pub config: Json,
    /// Which server answered.
    pub identity: Identity,
}

impl Snapshot {
    /// The empty state of a new stack.
    pub fn new(lineage: Lineage) -> Self {
        Self {
            format: FORMAT,
            lineage,
            serial: 0,
            key: None,
            providers: BTreeMap::new(),
            records: BTreeMap::new(),
            outputs: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Takes in a journal entry. This is the one transition table: every entry has one meaning in every state.
    pub fn take(&mut self, entry: Entry) {
        self.serial += 1;
        match entry.event {
            Event::Begin { .. } => {
                self.pending.insert(entry.address.clone(), entry);
            }
            Event::Done { record, .. } => {
                self.pending.remove(&entry.address);
                self.put(entry.address, record);
            }
            Event::Failed { record, settled, .. } => {
                if settled {
                    self.pending.remove(&entry.address);
                }
                if let Some(record) = record {
                    self.put(entry.address, Some(record));
                }
            }
            Event::Recorded { record } => self.put(entry.address, record),
            Event::Moved { to } => {
                if let Some(record) = self.records.remove(&entry.address) {
                    self.records.insert(to.clone(), record);
                }
                if let Some(pending) = self.pending.remove(&entry.address) {
                    self.pending.insert(to.clone(), Entry { address: to.clone(), ..pending });
                }
                // An object that was made from it is still deleted before it.
                for record in self.records.values_mut() {
                    for object in record.object.iter_mut().chain(&mut record.old) {
                        for dep in object.deps.iter_mut().filter(|dep| **dep == entry.address) {
                            *dep = to.clone();
                        }
                    }
                    if record.dies_with.as_ref() == Some(&entry.address) {
                        record.dies_with = Some(to.clone());
                    }
                }
            }
            Event::Provider { name, recorded } => {
                match recorded {
                    Some(recorded) => self.providers.insert(name, recorded),
                    None => self.providers.remove(&name),
                };
            }
            Event::Key { sealed } => self.key = Some(sealed),
            Event::Outputs { outputs } => self.outputs = outputs,
        }
    }

    fn put(&mut self, address: Address, record: Option<Box<Record>>) {
        match record {
            Some(record) if record.object.is_some() || !record.old.is_empty() => {
                self.records.insert(address, *record);
            }
            _ => {
                self.records.remove(&address);
            }
        }
    }

    /// What was begun at this address and has not ended.
    pub fn pending(&self, address: &Address) -> Option<&Action> {
        match &self.pending.get(address)?.event {
            Event::Begin { action } => Some(action),
            _ => None,
        }
    }
}
