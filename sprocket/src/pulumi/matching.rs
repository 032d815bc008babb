//! Matching: which object of a checkpoint is which resource of the program. Pure, and cautious: where two answers are
//! possible, there is none.
//!
//! The strongest word counts: what a person says; then a name that the program pins, if it is the object's; then the
//! program's own name, if it is what somebody called the resource in Pulumi's program, or the object's name, with or
//! without the digits that Pulumi made up. Only objects of the same kind are looked at, and each is one resource.

use std::collections::BTreeSet;

use sprocket_core::kind::Address;
use sprocket_core::program::Declared;

use super::sort::Candidate;

/// A resource that is declared and not recorded.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) address: Address,
    /// Its name at its service, as the program has it.
    pub(crate) name: String,
    /// The program says exactly this name.
    pub(crate) is_named: bool,
    pub(crate) is_protected: bool,
    pub(crate) is_kept: bool,
}

impl From<&Declared<'_>> for Wanted {
    fn from(declared: &Declared<'_>) -> Self {
        Self {
            address: declared.address.clone(),
            name: declared.name.to_string(),
            is_named: declared.is_named,
            is_protected: declared.is_protected,
            is_kept: declared.is_kept,
        }
    }
}

/// The places of what belongs together, and of what can't be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Matching {
    /// A resource, and its object.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// A resource, and the objects that could each be its own, or that another resource could have as well.
    pub(crate) unclear: Vec<(usize, Vec<usize>)>,
}

/// Matches them. `said` are the pairs that a person has named.
pub(crate) fn matching(wanted: &[Wanted], candidates: &[Candidate<'_>], said: &[(usize, usize)]) -> Matching {
    let mut found = Matching { pairs: said.to_vec(), ..Matching::default() };
    let mut taken: BTreeSet<usize> = said.iter().map(|(_, candidate)| *candidate).collect();
    let mut done: BTreeSet<usize> = said.iter().map(|(resource, _)| *resource).collect();
    for is_it in [is_named_so as fn(&Wanted, &Candidate<'_>) -> bool, is_called_so] {
        let possible = |resource: usize, candidate: usize| {
            let (wanted, candidate) = (&wanted[resource], &candidates[candidate]);
            !candidate.is_external && wanted.address.kind() == candidate.row.kind && is_it(wanted, candidate)
        };
        let open: Vec<usize> = (0..wanted.len()).filter(|resource| !done.contains(resource)).collect();
        let free: Vec<usize> = (0..candidates.len()).filter(|candidate| !taken.contains(candidate)).collect();
        for &resource in &open {
            let own: Vec<usize> = free.iter().copied().filter(|&candidate| possible(resource, candidate)).collect();
            let is_only = |candidate: usize| open.iter().all(|&other| other == resource || !possible(other, candidate));
            match own[..] {
                [] => continue,
                [candidate] if is_only(candidate) => found.pairs.push((resource, candidate)),
                _ => found.unclear.push((resource, own.clone())),
            }
            done.insert(resource);
            taken.extend(own);
        }
    }
    found.pairs.sort_unstable();
    found.unclear.sort_unstable();
    found
}

fn is_named_so(wanted: &Wanted, candidate: &Candidate<'_>) -> bool {
    wanted.is_named && wanted.name == candidate.name
}

fn is_called_so(wanted: &Wanted, candidate: &Candidate<'_>) -> bool {
    let name = wanted.name.as_str();
    let is_logical = || candidate.logical().any(|logical| logical == name);
    !wanted.is_named && (candidate.name == name || candidate.stem() == Some(name) || is_logical())
}
