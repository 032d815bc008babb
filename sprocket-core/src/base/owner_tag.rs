//! Owner tags: whose an object at a service is.

use serde::{Deserialize, Serialize};

use crate::base::{Lineage, RecordId};

/// Whose an object is. Each kind's documentation says where it is kept. It has no address in it: a move costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnerTag {
    /// The stack's state.
    pub lineage: Lineage,
    /// The record in it, and a proof that who wrote this has the stack's key. For a kind it is one text.
    pub record: RecordId,
}

/// What begins the first line of a text that has a tag.
const COMMENT: &str = "# sprocket ";

impl OwnerTag {
    /// A text with this tag as its first line, `# sprocket LINEAGE RECORD`: for objects that are texts in which `#` begins a
    /// comment.
    pub fn in_comment(&self, text: &str) -> String {
        format!("{COMMENT}{} {}\n{text}", self.lineage, self.record)
    }

    /// A text without the tag in its first line, and the tag.
    pub fn from_comment(text: &str) -> (&str, Option<Self>) {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        match first.strip_prefix(COMMENT).and_then(|words| words.split_once(' ')) {
            Some((lineage, record)) if !record.contains(' ') => {
                (rest, Some(Self { lineage: lineage.into(), record: record.into() }))
            }
            _ => (text, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_in_a_comment_is_read_back() {
        let owner = OwnerTag { lineage: "l1".into(), record: "r1".into() };
        for text in ["", "path \"a\" {}\n", "# a comment\n\npath \"a\" {}"] {
            assert_eq!(OwnerTag::from_comment(&owner.in_comment(text)), (text, Some(owner.clone())));
            assert_eq!(OwnerTag::from_comment(text), (text, None));
        }
    }

    #[test]
    fn half_a_tag_in_a_comment_is_none() {
        for text in ["# sprocket l1\n", "# sprocket l1 r1 x\n", "#sprocket l1 r1\n"] {
            assert_eq!(OwnerTag::from_comment(text), (text, None));
        }
    }
}
