//! The journal: what a run did, entry by entry, durable before and after each call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{Ending, Record, Which};
use super::snapshot::RecordedProvider;
use crate::base::{Address, Effect, Json, PhysicalName, ProviderName, RecordId};
use crate::value::Path;

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Which resource.
    pub address: Address,
    /// What happened.
    pub event: JournalEvent,
}

impl Entry {
    /// Resources have other addresses; `None` if there are none.
    pub(crate) fn moved(moves: BTreeMap<Address, Address>) -> Option<Self> {
        let address = moves.keys().next()?.clone();
        Some(Self { address, event: JournalEvent::Moved { moves } })
    }

    /// Which provider the call of a `Begin` is made with.
    pub(crate) fn provider(&self) -> Option<&ProviderName> {
        match &self.event {
            JournalEvent::Begin { action: Action::Create { intent } | Action::Update { intent } } => {
                Some(&intent.provider)
            }
            _ => None,
        }
    }
}

/// What happened to a resource, or to the stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalEvent {
    /// A call is about to be made.
    Begin {
        /// Which.
        action: Action,
    },
    /// It was made, and this is the record now; none if the resource has gone.
    Done {
        /// The record.
        record: Option<Box<Record>>,
    },
    /// It failed.
    Failed {
        /// The record, if the failure changed it.
        record: Option<Box<Record>>,
        /// Whether it had an effect.
        effect: Effect,
        /// Nothing is left to find out: the next run need not settle it.
        settled: bool,
    },
    /// The record was changed without a call: taken over, refreshed, forgotten.
    Recorded {
        /// The record.
        record: Option<Box<Record>>,
    },
    /// Resources have other addresses, all of them at once: two may have changed places.
    Moved {
        /// The new address of each, by the one that it had.
        moves: BTreeMap<Address, Address>,
    },
    /// A provider was connected.
    Provider {
        /// Its name.
        name: ProviderName,
        /// Its address and identity.
        recorded: RecordedProvider,
    },
    /// The outputs have these values.
    Outputs {
        /// By name; secrets are sealed.
        outputs: BTreeMap<String, Json>,
    },
}

/// A call, with all that is needed to find out later what it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An object is made.
    Create {
        /// What it is to become.
        intent: Box<Intent>,
    },
    /// The object is changed.
    Update {
        /// What it is to become.
        intent: Box<Intent>,
    },
    /// Its readiness is waited for.
    Ready,
    /// An object is deleted.
    Delete {
        /// Which.
        object: Which,
    },
}

/// What an object is to become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The record's id, minted here.
    pub record: RecordId,
    /// Which provider makes it.
    pub provider: ProviderName,
    /// How often it was replaced before: 1 for the first.
    pub generation: u32,
    /// Its name at the service.
    pub name: PhysicalName,
    /// The version of the kind that wrote the spec.
    pub version: u32,
    /// The spec that is sent.
    pub spec: Json,
    /// Where in the spec plain values are secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Path>,
    /// The resources that it is made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<Address>,
    /// What `.replace_on` said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Value>,
    /// What its record is to say of its end, as the program does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ending: Ending,
    /// An earlier address that it does not come from, if its record is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_journal_entry_leaves_out_what_its_intention_does_not_say() {
        let mut intent = Intent {
            record: "3f9a".into(),
            provider: "docker".into(),
            generation: 1,
            name: "edge".into(),
            version: 1,
            spec: Json::from(&json!({"driver": "overlay"})),
            secrets: Vec::new(),
            deps: Vec::new(),
            triggers: Vec::new(),
            ending: Ending::default(),
            moved_from: None,
        };
        let mut written = json!({
            "record": "3f9a", "provider": "docker", "generation": 1, "name": "edge", "version": 1,
            "spec": {"driver": "overlay"},
        });
        assert_eq!(serde_json::to_value(&intent).unwrap(), written);
        intent.ending.protect = true;
        written["ending"] = json!({"protect": true});
        assert_eq!(serde_json::to_value(&intent).unwrap(), written);
        assert_eq!(serde_json::from_value::<Intent>(written).unwrap(), intent);
    }
}
