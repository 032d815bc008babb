//! Ownership marks: two labels, `sprocket.lineage` and `sprocket.record`, on every object.
//!
//! They never show in a spec's labels. The labels of services, configs and secrets can be changed, so those can be marked
//! after the fact; those of networks and volumes can't: an adopted network or volume is owned by state alone.
//!
//! **Invariant:** labels that begin with `sprocket.` are this crate's; settings that have one are refused when planned.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use sprocket_core::kind::{Findings, Mark};

pub(crate) const PREFIX: &str = "sprocket.";
const LINEAGE: &str = "sprocket.lineage";
const RECORD: &str = "sprocket.record";

/// The labels that an object is sent with: those of its spec, its mark, and what else this crate notes on it.
pub(crate) fn labels(
    own: &BTreeMap<String, String>,
    mark: &Mark,
    notes: impl IntoIterator<Item = (String, String)>,
) -> HashMap<String, String> {
    let mark = [(LINEAGE.to_owned(), mark.lineage.to_string()), (RECORD.to_owned(), mark.record.to_string())];
    own.iter().map(|(key, value)| (key.clone(), value.clone())).chain(notes).chain(mark).collect()
}

/// The labels of an object, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// Those of its spec.
    pub(crate) own: BTreeMap<String, String>,
    /// What this crate noted on it, apart from the mark.
    pub(crate) notes: BTreeMap<String, String>,
    /// Whose it is.
    pub(crate) mark: Option<Mark>,
}

impl Labels {
    pub(crate) fn of(labels: impl IntoIterator<Item = (String, String)>) -> Self {
        let (mut notes, own): (BTreeMap<_, _>, BTreeMap<_, _>) =
            labels.into_iter().partition(|(key, _)| key.starts_with(PREFIX));
        let mark = match (notes.remove(LINEAGE), notes.remove(RECORD)) {
            (Some(lineage), Some(record)) => Some(Mark { lineage: lineage.into(), record: record.into() }),
            _ => None,
        };
        Self { own, notes, mark }
    }

    /// Of a JSON object, or nothing.
    pub(crate) fn of_json(labels: &Value) -> Self {
        Self::of(labels.as_object().into_iter().flat_map(Map::iter).map(|(key, value)| {
            let value = value.as_str().unwrap_or_default();
            (key.clone(), value.to_owned())
        }))
    }
}

/// Refuses labels that only this crate may set.
pub(crate) fn review(labels: &BTreeMap<String, String>, findings: &mut Findings) {
    for key in labels.keys().filter(|key| key.starts_with(PREFIX)) {
        findings.errors.push(format!("the label `{key}` is not free: `{PREFIX}…` says whose an object is").into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_written_beside_the_labels_and_never_shows_among_them() {
        let own = BTreeMap::from([("team".to_owned(), "platform".to_owned())]);
        let mark = Mark { lineage: "l1".into(), record: "r1".into() };
        let sent = labels(&own, &mark, [("sprocket.speaks.80.tcp".to_owned(), "redis".to_owned())]);
        assert_eq!(sent.len(), 4);
        let read = Labels::of(sent);
        assert_eq!((read.own, read.mark, read.notes.len()), (own, Some(mark), 1));
    }

    #[test]
    fn half_a_mark_is_none() {
        assert_eq!(Labels::of([(LINEAGE.to_owned(), "l1".to_owned())]).mark, None);
    }
}
