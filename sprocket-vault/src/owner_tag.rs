//! Ownership marks: two entries, `sprocket.lineage` and `sprocket.record`, wherever an object has room for them.
//!
//! A mount has them among its options, which its engine ignores; a secret in its custom metadata; a policy in its first
//! line, which is a comment. They never show in a spec.
//!
//! **Invariant:** entries that begin with `sprocket.` are this crate's; settings that have one are refused when planned.

use std::collections::BTreeMap;

use sprocket_core::kind::{Diagnostics, OwnerTag};

/// Refuses entries that only this crate may set.
pub(crate) fn validate(entries: &BTreeMap<String, String>, findings: &mut Diagnostics) {
    for key in OwnerTag::reserved(entries) {
        let message = format!("`{key}`: names that begin with `{}` are Sprocket's own", OwnerTag::PREFIX);
        findings.errors.push(message.into());
    }
}

const COMMENT: &str = "# sprocket ";

/// A policy's text with its mark as the first line.
pub(crate) fn comment(text: &str, owner: &OwnerTag) -> String {
    format!("{COMMENT}{} {}\n{text}", owner.lineage, owner.record)
}

/// A policy's text and mark.
pub(crate) fn uncomment(text: &str) -> (String, Option<OwnerTag>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let words = first.strip_prefix(COMMENT).map(|words| words.split(' ').collect::<Vec<_>>());
    match words.as_deref() {
        Some([lineage, record]) => {
            let owner = OwnerTag { lineage: (*lineage).into(), record: (*record).into() };
            (rest.to_owned(), Some(owner))
        }
        _ => (text.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_marked_is_read_back() {
        let owner = OwnerTag { lineage: "l1".into(), record: "r1".into() };
        for text in ["", "path \"a\" {}\n", "# a comment\n\npath \"a\" {}"] {
            assert_eq!(uncomment(&comment(text, &owner)), (text.to_owned(), Some(owner.clone())));
            assert_eq!(uncomment(text), (text.to_owned(), None));
        }
    }

    #[test]
    fn half_a_mark_is_none() {
        assert_eq!(uncomment("# sprocket l1\n").1, None);
    }
}
