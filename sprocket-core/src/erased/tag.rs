//! Owner tags: whose an object says that it is, and whether that is so.
//!
//! Everybody who may look at an object sees its tag, and who may change its labels can write one. So beside the record a tag
//! has a proof, which takes the stack's key: a hash of stack, kind and record. A tag without it says nothing.

use crate::base::{Lineage, OwnerTag, RecordId};
use crate::value::StackKey;

/// Whose an object is by its owner tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// What it says.
    pub(crate) owner: OwnerTag,
    /// The record that it is proven to be of. The proof is by the key that it was read with.
    pub(crate) record: Option<RecordId>,
}

/// The tag of a record's objects, as kinds write it.
pub(crate) fn owner_tag(key: &StackKey, lineage: &Lineage, kind: &str, record: &RecordId) -> OwnerTag {
    let record = format!("{record}.{}", proof(key, lineage, kind, record.as_str()));
    OwnerTag { lineage: lineage.clone(), record: record.into() }
}

/// What a tag that was read says. The one that was expected is proven already.
pub(super) fn tag(key: &StackKey, kind: &str, owner: &OwnerTag, expected: Option<&OwnerTag>) -> Tag {
    let is_proven =
        |record: &str, said: &str| expected == Some(owner) || said == proof(key, &owner.lineage, kind, record);
    let proven = owner.record.as_str().rsplit_once('.').filter(|(record, said)| is_proven(record, said));
    Tag { owner: owner.clone(), record: proven.map(|(record, _)| record.into()) }
}

fn proof(key: &StackKey, lineage: &Lineage, kind: &str, record: &str) -> String {
    let mut proof = key.hash(&["owner tag ", lineage.as_str(), " ", kind, " ", record]);
    proof.truncate(16);
    proof
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_believed_with_its_proof_only() {
        let (key, other) = (StackKey::from_bytes([1; 64]), StackKey::from_bytes([2; 64]));
        let owner = owner_tag(&key, &"ours".into(), "lab:net", &"r1".into());
        let proven = |key, kind, owner: &OwnerTag| tag(key, kind, owner, None).record;
        assert_eq!(proven(&key, "lab:net", &owner), Some("r1".into()));
        assert_eq!(proven(&other, "lab:net", &owner), None);
        assert_eq!(proven(&key, "lab:disk", &owner), None);
        assert_eq!(proven(&key, "lab:net", &OwnerTag { lineage: "theirs".into(), ..owner.clone() }), None);
        let said = owner.record.as_str();
        let changed =
            ["r1".to_owned(), said.replacen("r1", "r2", 1), format!("{said}0"), said[..said.len() - 1].to_owned()];
        for record in changed {
            assert_eq!(proven(&key, "lab:net", &OwnerTag { record: record.into(), ..owner.clone() }), None);
        }
    }
}
