//! Ownership marks: two entries, `sprocket.lineage` and `sprocket.record`, wherever an object has room for them.
//!
//! A mount has them among its options, which its engine ignores; a secret in its custom metadata; a policy in its first
//! line, which is a comment. They never show in a spec.
//!
//! **Invariant:** entries that begin with `sprocket.` are this crate's; settings that have one are refused when planned.

use std::collections::{BTreeMap, HashMap};

use sprocket_core::kind::{Findings, Mark};

const PREFIX: &str = "sprocket.";
const LINEAGE: &str = "sprocket.lineage";
const RECORD: &str = "sprocket.record";

/// The entries that an object is sent with: its own, and its mark.
pub(crate) fn entries(own: &BTreeMap<String, String>, mark: &Mark) -> HashMap<String, String> {
    let mark = [(LINEAGE.to_owned(), mark.lineage.to_string()), (RECORD.to_owned(), mark.record.to_string())];
    own.iter().map(|(key, value)| (key.clone(), value.clone())).chain(mark).collect()
}

/// The entries of an object, taken apart: its own, and its mark.
pub(crate) fn split(entries: Option<HashMap<String, String>>) -> (BTreeMap<String, String>, Option<Mark>) {
    let (mut ours, own): (BTreeMap<_, _>, BTreeMap<_, _>) =
        entries.unwrap_or_default().into_iter().partition(|(key, _)| key.starts_with(PREFIX));
    let mark = match (ours.remove(LINEAGE), ours.remove(RECORD)) {
        (Some(lineage), Some(record)) => Some(Mark { lineage: lineage.into(), record: record.into() }),
        _ => None,
    };
    (own, mark)
}

/// Refuses entries that only this crate may set.
pub(crate) fn review(entries: &BTreeMap<String, String>, findings: &mut Findings) {
    for key in entries.keys().filter(|key| key.starts_with(PREFIX)) {
        findings.errors.push(format!("`{key}`: names that begin with `{PREFIX}` are Sprocket's own").into());
    }
}

const COMMENT: &str = "# sprocket ";

/// A policy's text with its mark as the first line.
pub(crate) fn comment(text: &str, mark: &Mark) -> String {
    format!("{COMMENT}{} {}\n{text}", mark.lineage, mark.record)
}

/// A policy's text and mark.
pub(crate) fn uncomment(text: &str) -> (String, Option<Mark>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let words = first.strip_prefix(COMMENT).map(|words| words.split(' ').collect::<Vec<_>>());
    match words.as_deref() {
        Some([lineage, record]) => {
            let mark = Mark { lineage: (*lineage).into(), record: (*record).into() };
            (rest.to_owned(), Some(mark))
        }
        _ => (text.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_marked_is_read_back() {
        let mark = Mark { lineage: "l1".into(), record: "r1".into() };
        let own = BTreeMap::from([("version".to_owned(), "2".to_owned())]);
        assert_eq!(split(Some(entries(&own, &mark))), (own, Some(mark.clone())));
        for text in ["", "path \"a\" {}\n", "# a comment\n\npath \"a\" {}"] {
            assert_eq!(uncomment(&comment(text, &mark)), (text.to_owned(), Some(mark.clone())));
            assert_eq!(uncomment(text), (text.to_owned(), None));
        }
    }

    #[test]
    fn half_a_mark_is_none() {
        let half = HashMap::from([(LINEAGE.to_owned(), "l1".to_owned())]);
        assert_eq!(split(Some(half)).1, None);
        assert_eq!(uncomment("# sprocket l1\n").1, None);
    }
}
