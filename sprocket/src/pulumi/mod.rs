//! Adoption of what Pulumi made: a checkpoint, matched with what the program declares.
//!
//! ```text
//! bytes ──▶ Checkpoint   the form, nothing decided                    (checkpoint.rs)
//!       ──▶ Sorted       what are objects of ours, what is odd        (sort.rs, with table.rs)
//!       ──▶ Adoption     which resource is which, and what is hidden  (matching.rs, hidden.rs)
//!       ──▶ Survey       what is there, and the plan that follows     (the engine's)
//!       ──▶ Report       what a person reads                          (report.rs)
//! ```
//!
//! All of it but the survey is pure. A checkpoint says where to look, and what no service shows; what an object is like is
//! read from its service.

pub(crate) mod checkpoint;
mod hidden;
mod matching;
mod report;
mod sort;
mod table;
#[cfg(test)]
mod tests;
mod urn;

use std::collections::BTreeSet;

use sprocket_core::engine::{Hidden, Import};
use sprocket_core::kind::Address;
use sprocket_core::state::{Object, Record, Snapshot};

pub(crate) use self::checkpoint::Checkpoint;
pub(crate) use self::hidden::Word;
use self::hidden::{Missing, Told};
use self::matching::Matching;
pub(crate) use self::matching::Wanted;
pub(crate) use self::report::Report;
use self::sort::{Candidate, Sorted};

/// What is to become of a checkpoint.
pub(crate) struct Adoption<'c> {
    sorted: Sorted<'c>,
    wanted: Vec<Wanted>,
    matching: Matching,
    /// What is to be recorded.
    pub(crate) imports: Vec<Import>,
    /// For each pair that nobody has said all of, what the next plan does about that.
    missing: Vec<(Address, Missing)>,
}

/// What a person says of a checkpoint.
#[derive(Default)]
pub(crate) struct Wishes {
    /// This resource is the object of this URN.
    pub(crate) pairs: Vec<(Address, String)>,
    /// What services do not show.
    pub(crate) word: Word,
}

/// What is recorded before.
#[derive(Default)]
pub(crate) struct Recorded {
    addresses: BTreeSet<Address>,
    /// By kind, the ids and names of objects.
    objects: BTreeSet<(String, String)>,
}

impl From<&Snapshot> for Recorded {
    fn from(snapshot: &Snapshot) -> Self {
        let records = snapshot.records.iter();
        let has_object = |(address, record): (&Address, &Record)| record.object.is_some().then(|| address.clone());
        let objects = records.clone().flat_map(|(address, record)| {
            let named = |object: &Object| [object.id.to_string(), object.name.to_string()];
            record.objects().flat_map(named).map(|name| (address.kind().to_owned(), name)).collect::<Vec<_>>()
        });
        Self { objects: objects.collect(), addresses: records.filter_map(has_object).collect() }
    }
}

impl Recorded {
    /// Whether this resource has an object.
    pub(crate) fn has(&self, address: &Address) -> bool {
        self.addresses.contains(address)
    }
}

impl<'c> Adoption<'c> {
    /// Matches a checkpoint with what is declared and not recorded.
    ///
    /// # Errors
    /// What a person says and can't be meant, all of it.
    pub(crate) fn of(
        checkpoint: &'c Checkpoint,
        wanted: Vec<Wanted>,
        recorded: &Recorded,
        wishes: &Wishes,
    ) -> Result<Self, Vec<String>> {
        let sorted = sort::sort(checkpoint, &recorded.objects);
        let mut wrong = Vec::new();
        let mut said: Vec<(usize, usize)> = Vec::new();
        // Whoever says the same again means it no less: what is recorded already is done.
        let is_done = |address: &Address| recorded.has(address);
        for (address, urn) in wishes.pairs.iter().filter(|(address, _)| !is_done(address)) {
            match pair(&sorted, checkpoint, &wanted, (address, urn)) {
                Ok((resource, _)) if said.iter().any(|(other, _)| *other == resource) => {
                    wrong.push(format!("--as {address}: it is said to be two objects"));
                }
                Ok((_, candidate)) if said.iter().any(|(_, other)| *other == candidate) => {
                    wrong.push(format!("--as {address}: another resource is said to be this object"));
                }
                Ok(pair) => said.push(pair),
                Err(message) => wrong.push(format!("--as {address}: {message}")),
            }
        }
        let matching = matching::matching(&wanted, &sorted.candidates, &said);
        let (mut imports, mut missing) = (Vec::new(), Vec::new());
        for &(resource, candidate) in &matching.pairs {
            let (address, candidate) = (&wanted[resource].address, &sorted.candidates[candidate]);
            let hidden = match hidden::told(address, candidate, &wishes.word) {
                Told::All(hidden) => hidden,
                Told::Nothing(what) => {
                    missing.push((address.clone(), what));
                    Hidden::Unknown
                }
                Told::Wrong(message) => {
                    wrong.push(format!("`{address}`: {message}"));
                    continue;
                }
            };
            // There is nothing but the value that could be recorded.
            if missing.last() != Some(&(address.clone(), Missing::Itself)) {
                let import = Import::new(address.clone(), candidate.id()).hiding(hidden);
                imports.push(import.with_secrets(hidden::concealed(candidate)));
            }
        }
        let spoken = wishes.word.secrets.keys().map(|address| ("--secret", address));
        for (option, address) in spoken.chain(wishes.word.same.iter().map(|address| ("--same", address))) {
            if !is_done(address) && !matching.pairs.iter().any(|&(resource, _)| wanted[resource].address == *address) {
                wrong.push(format!("{option} {address}: no object of the checkpoint is to be recorded as it"));
            }
        }
        if wrong.is_empty() { Ok(Self { sorted, wanted, matching, imports, missing }) } else { Err(wrong) }
    }
}

/// The places of a resource and an object that a person has named.
fn pair(
    sorted: &Sorted<'_>,
    checkpoint: &Checkpoint,
    wanted: &[Wanted],
    (address, urn): (&Address, &str),
) -> Result<(usize, usize), String> {
    let Some(resource) = wanted.iter().position(|wanted| wanted.address == *address) else {
        return Err("it is not declared".into());
    };
    let places: Vec<usize> = (0..sorted.candidates.len()).filter(|&place| sorted.candidates[place].has(urn)).collect();
    let [place] = places[..] else {
        let of_urn = checkpoint.entries.iter().filter(|entry| entry.urn.as_str() == urn);
        return Err(match of_urn.clone().next() {
            Some(_) if !places.is_empty() => {
                format!("the URN is there more than once; `import {address} ID` says which")
            }
            None => "the checkpoint has no such URN".into(),
            Some(_) if sorted.recorded.iter().any(|candidate| candidate.has(urn)) => {
                "that object is recorded already, as another resource".into()
            }
            Some(_) if of_urn.clone().all(|entry| entry.delete) => "Pulumi still wanted to delete that object".into(),
            Some(entry) => format!("there is no kind for a {}", entry.token),
        });
    };
    let kind = sorted.candidates[place].row.kind;
    if kind == address.kind() { Ok((resource, place)) } else { Err(format!("that object is a {kind}")) }
}
