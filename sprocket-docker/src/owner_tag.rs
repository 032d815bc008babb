//! Ownership marks: two labels, `sprocket.lineage` and `sprocket.record`, on every object.
//!
//! They never show in a spec's labels. The labels of services, configs and secrets can be changed, so those can be marked
//! after the fact; those of networks and volumes can't: an adopted network or volume is owned by state alone.
//!
//! **Invariant:** labels that begin with `sprocket.` are this crate's; settings that have one are refused when planned.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
pub(crate) use sprocket_core::kind::Entries as Labels;
use sprocket_core::kind::{Diagnostics, OwnerTag};

pub(crate) const PREFIX: &str = OwnerTag::PREFIX;

/// The labels that an object is sent with: those of its spec, its mark, and what else this crate notes on it.
pub(crate) fn labels(
    own: &BTreeMap<String, String>,
    owner: &OwnerTag,
    notes: impl IntoIterator<Item = (String, String)>,
) -> HashMap<String, String> {
    let mut labels: HashMap<_, _> = owner.beside(own);
    labels.extend(notes);
    labels
}

/// The labels of a JSON object, or of nothing.
pub(crate) fn of_json(labels: &Value) -> Labels {
    Labels::of(labels.as_object().into_iter().flat_map(Map::iter).map(|(key, value)| {
        let value = value.as_str().unwrap_or_default();
        (key.clone(), value.to_owned())
    }))
}

/// Refuses labels that only this crate may set.
pub(crate) fn validate(labels: &BTreeMap<String, String>, findings: &mut Diagnostics) {
    for key in OwnerTag::reserved(labels) {
        findings.errors.push(format!("the label `{key}` is not free: `{PREFIX}…` says whose an object is").into());
    }
}
