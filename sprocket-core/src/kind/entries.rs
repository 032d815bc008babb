//! Owner tags in maps: two entries, `sprocket.lineage` and `sprocket.record`, among the labels, tags or metadata that a service
//! keeps with an object.
//!
//! **Invariant:** entries that begin with `sprocket.` are Sprocket's; a kind refuses settings that have one, and never shows
//! them in a spec.

use std::collections::BTreeMap;

use crate::base::OwnerTag;

const LINEAGE: &str = "sprocket.lineage";
const RECORD: &str = "sprocket.record";

impl OwnerTag {
    /// What the keys begin with that are not free for settings.
    pub const PREFIX: &'static str = "sprocket.";

    /// The entries that an object is sent with: those of its spec, and this tag's.
    pub fn beside<C: FromIterator<(String, String)>>(&self, own: &BTreeMap<String, String>) -> C {
        let tag = [(LINEAGE.to_owned(), self.lineage.to_string()), (RECORD.to_owned(), self.record.to_string())];
        own.iter().map(|(key, value)| (key.clone(), value.clone())).chain(tag).collect()
    }

    /// Those keys of a spec's entries that only Sprocket may set.
    pub fn reserved(own: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
        own.keys().map(String::as_str).filter(|key| key.starts_with(Self::PREFIX))
    }
}

/// The entries of an object, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Those of its spec.
    pub own: BTreeMap<String, String>,
    /// What its kind noted on it, apart from the owner tag.
    pub notes: BTreeMap<String, String>,
    /// Whose it is. Half a tag is none.
    pub owner: Option<OwnerTag>,
}

impl Entries {
    /// Takes the entries of an object apart.
    pub fn of(entries: impl IntoIterator<Item = (String, String)>) -> Self {
        let (mut notes, own): (BTreeMap<_, _>, BTreeMap<_, _>) =
            entries.into_iter().partition(|(key, _)| key.starts_with(OwnerTag::PREFIX));
        let owner = match (notes.remove(LINEAGE), notes.remove(RECORD)) {
            (Some(lineage), Some(record)) => Some(OwnerTag { lineage: lineage.into(), record: record.into() }),
            _ => None,
        };
        Self { own, notes, owner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_written_beside_the_entries_and_never_shows_among_them() {
        let own = BTreeMap::from([("team".to_owned(), "platform".to_owned())]);
        let owner = OwnerTag { lineage: "l1".into(), record: "r1".into() };
        let mut sent: Vec<_> = owner.beside(&own);
        assert_eq!(sent.len(), 3);
        let note = ("sprocket.speaks.80.tcp".to_owned(), "redis".to_owned());
        sent.push(note.clone());
        let expect = Entries { own: own.clone(), notes: BTreeMap::from([note]), owner: Some(owner.clone()) };
        assert_eq!(Entries::of(sent.clone()), expect);
        assert_eq!(OwnerTag::reserved(&own).count(), 0);
        assert_eq!(OwnerTag::reserved(&sent.into_iter().collect()).count(), 3);
    }

    #[test]
    fn half_a_mark_is_none() {
        for half in [LINEAGE, RECORD] {
            assert_eq!(Entries::of([(half.to_owned(), "l1".to_owned())]).owner, None);
        }
    }
}
