//! Sorting: which entries of a checkpoint are objects that can be recorded, and what is to be told of the others.

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::{Checkpoint, Entry};
use super::table::{self, Name, Row};
use super::urn::Urn;

/// An object that a checkpoint knows, and that we have a kind for.
pub(crate) struct Candidate<'c> {
    /// What Pulumi wrote of it, once or more often: after a class was renamed, one object may be there under two URNs.
    pub(crate) entries: Vec<&'c Entry>,
    pub(crate) row: Row,
    /// What it is called at its service, as far as the checkpoint says so.
    pub(crate) name: String,
    /// Pulumi made up the end of the name.
    is_made_up: bool,
    /// It can be meant only by its URN: it is not Pulumi's own.
    pub(crate) is_external: bool,
}

/// The entries of a checkpoint, sorted.
#[derive(Default)]
pub(crate) struct Sorted<'c> {
    pub(crate) candidates: Vec<Candidate<'c>>,
    /// Objects that are recorded already.
    pub(crate) recorded: Vec<Candidate<'c>>,
    /// Pulumi's own, by what it is: how many.
    pub(crate) own: BTreeMap<&'static str, usize>,
    /// Of no kind of ours, by type: what they are called.
    pub(crate) strange: BTreeMap<&'c str, Vec<&'c str>>,
    /// Pulumi still wanted to delete them.
    pub(crate) deleted: Vec<&'c Entry>,
    /// More than one entry has this URN, and none is to be deleted: it does not say which is meant.
    pub(crate) twice: Vec<&'c Urn>,
    pub(crate) dangling: Dangling<'c>,
    /// They were made, and something was wrong with them.
    pub(crate) unwell: Vec<&'c Entry>,
}

/// References to entries that are gone.
#[derive(Default)]
pub(crate) struct Dangling<'c> {
    pub(crate) parents: usize,
    pub(crate) dependencies: usize,
    /// What is referred to, each once.
    pub(crate) gone: BTreeSet<&'c str>,
}

/// What Pulumi puts between a name and the digits that it makes up.
const DIGITS: usize = 7;

impl<'c> Candidate<'c> {
    fn of(entry: &'c Entry, row: Row) -> Self {
        let name = match row.name {
            Name::Setting(setting) => entry.text(setting).map(str::to_owned),
            Name::Id => Some(entry.id.clone()),
            Name::Path(mount, name) => entry
                .text(mount)
                .zip(entry.text(name))
                .map(|(mount, name)| format!("{}/{name}", mount.trim_matches('/'))),
            Name::Logical => None,
        };
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| entry.urn.name().to_owned());
        let is_made_up = !["name", "bucket", "path"].iter().any(|setting| entry.is_authored(setting));
        Self { entries: vec![entry], row, name, is_made_up, is_external: entry.external }
    }

    /// What somebody wrote for it.
    pub(crate) fn logical(&self) -> impl Iterator<Item = &'c str> + use<'c, '_> {
        self.entries.iter().map(|entry| entry.urn.name())
    }

    /// Its name without the digits that Pulumi made up, if it did.
    pub(crate) fn stem(&self) -> Option<&str> {
        let (stem, end) = self.name.rsplit_once('-').filter(|_| self.is_made_up)?;
        let is_digits = end.len() == DIGITS && end.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_digits.then_some(stem)
    }

    /// What to ask its service for.
    pub(crate) fn id(&self) -> &str {
        match self.row.name {
            Name::Setting("path") | Name::Path(..) => &self.name,
            _ => self.entries.first().map(|entry| &*entry.id).filter(|id| !id.is_empty()).unwrap_or(&self.name),
        }
    }

    pub(crate) fn has(&self, urn: &str) -> bool {
        self.entries.iter().any(|entry| entry.urn.as_str() == urn)
    }
}

impl Sorted<'_> {
    /// Whether another entry has its URN.
    pub(crate) fn is_twice(&self, entry: &Entry) -> bool {
        self.twice.contains(&&entry.urn)
    }
}

/// Sorts a checkpoint. `recorded` are the kinds, and the ids and names, of what is recorded already.
pub(crate) fn sort<'c>(checkpoint: &'c Checkpoint, recorded: &BTreeSet<(String, String)>) -> Sorted<'c> {
    let mut sorted = Sorted { dangling: dangling(checkpoint), ..Sorted::default() };
    let mut living: BTreeMap<&Urn, usize> = BTreeMap::new();
    for entry in checkpoint.entries.iter().filter(|entry| !entry.delete) {
        *living.entry(&entry.urn).or_default() += 1;
    }
    sorted.twice = living.iter().filter(|(_, count)| **count > 1).map(|(urn, _)| *urn).collect();
    // By kind and id, so that one object of two URNs is one.
    let mut places: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for entry in &checkpoint.entries {
        if entry.delete {
            sorted.deleted.push(entry);
            continue;
        }
        if entry.init_errors > 0 {
            sorted.unwell.push(entry);
        }
        if let Some(own) = table::own(&entry.token, entry.custom) {
            *sorted.own.entry(own).or_default() += 1;
            continue;
        }
        let Some(row) = table::of(&entry.token) else {
            sorted.strange.entry(&entry.token).or_default().push(entry.urn.name());
            continue;
        };
        let candidate = Candidate::of(entry, row);
        // What no service has is told apart by its URN alone.
        let object = if row.name == Name::Logical { entry.urn.as_str() } else { candidate.id() };
        match places.get(&(row.kind, object.to_owned())) {
            Some(&place) => {
                let known: &mut Candidate<'_> = &mut sorted.candidates[place];
                known.is_external &= entry.external;
                known.entries.push(entry);
            }
            None => {
                places.insert((row.kind, object.to_owned()), sorted.candidates.len());
                sorted.candidates.push(candidate);
            }
        }
    }
    let is_recorded = |candidate: &Candidate<'_>| {
        // What no service has is known by its name alone.
        let known = if candidate.row.name == Name::Logical { &candidate.name } else { candidate.id() };
        recorded.contains(&(candidate.row.kind.to_owned(), known.to_owned()))
    };
    (sorted.recorded, sorted.candidates) = sorted.candidates.into_iter().partition(is_recorded);
    sorted
}

fn dangling(checkpoint: &Checkpoint) -> Dangling<'_> {
    let there: BTreeSet<&str> = checkpoint.entries.iter().map(|entry| entry.urn.as_str()).collect();
    let mut dangling = Dangling::default();
    for entry in &checkpoint.entries {
        let parent = entry.parent.iter().filter(|urn| !there.contains(urn.as_str()));
        let dependencies = entry.dependencies.iter().filter(|urn| !there.contains(urn.as_str()));
        dangling.gone.extend(parent.clone().chain(dependencies.clone()).map(String::as_str));
        dangling.parents += parent.count();
        dangling.dependencies += dependencies.count();
    }
    dangling
}
