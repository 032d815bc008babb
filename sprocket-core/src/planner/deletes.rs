//! How things end: what was replaced, what is not declared any more, and the destruction of everything.
//!
//! What is kept stays, and with it what it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{Case, Findings};
use super::hosts::{KEPT, retain};
use super::{Builder, PlannerInput, Selected};
use crate::base::Address;
use crate::erased::{ErasedLive, KindFacts};
use crate::kind::Naming;
use crate::plan::{Kept, Problem, Reason, Step, StepAction};
use crate::state::{Object, Record};

/// How likely it is that a user's data needs a secret: the smaller, the more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// It has nothing that runs.
    rests: bool,
    /// How many objects are between it and the secret.
    distance: usize,
}

/// The end of an object, as a step without its number.
pub(super) struct Ended {
    pub(super) step: Step,
    /// What is told if it stays where it is.
    pub(super) kept: Option<Kept>,
}

impl From<Step> for Ended {
    fn from(step: Step) -> Self {
        Self { step, kept: None }
    }
}

impl Case<'_, '_> {
    /// What was replaced by earlier runs and is still there is deleted.
    pub(super) fn superseded(&self, findings: &mut Findings) -> Vec<Ended> {
        let address = &self.node.address;
        let Some(record) = self.record.filter(|_| !self.known.selected.is_in_use(address)) else { return Vec::new() };
        let mut ended = Vec::new();
        for (place, object) in record.old.iter().enumerate() {
            let seen = self.input.observed.objects.get(address).and_then(|seen| seen.old.get(place)?.as_ref());
            if seen.is_some() && self.is_retained() {
                ended.push(retain(address, object, KEPT));
                continue;
            }
            match ending(self.input, address, object, seen, Reason::Superseded, true) {
                Ok(step) => ended.push(Ended::from(step)),
                Err(problem) => findings.problems.push(problem),
            }
        }
        ended
    }
}

/// The end of an object: by a call if it is there.
fn ending(
    input: &PlannerInput<'_>,
    address: &Address,
    object: &Object,
    live: Option<&ErasedLive>,
    reason: Reason,
    replaced: bool,
) -> Result<Step, Problem> {
    if let Some(problem) = live.and_then(|live| input.taken(address, None, object, live)) {
        return Err(problem);
    }
    let which = object.which();
    let action = match live {
        Some(_) => StepAction::Delete { object: which, replaced, first: false },
        None => StepAction::Drop { object: which },
    };
    let reason = if live.is_none() { Reason::Gone } else { reason };
    Ok(Step {
        name: Some(object.name.clone()),
        witness: live.map(|live| live.witness.clone()),
        ..Step::new(address, action, reason)
    })
}

impl<'a> Builder<'a> {
    fn ending(&mut self, address: &Address, object: &Object, live: Option<&ErasedLive>, reason: Reason) {
        match ending(&self.input, address, object, live, reason, false) {
            Ok(step) => self.known.steps.push(step),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// What is recorded and not declared any more goes, or is left.
    pub(super) fn undeclared(&mut self, gone: &BTreeMap<&'a Address, &'a Record>) {
        let left = self.what_is_left(gone);
        for (&address, &record) in gone {
            if self.known.selected.leaves_out(address) {
                continue;
            }
            if record.protect {
                self.problems.push(Problem {
                    address: address.clone(),
                    message: "is not declared any more, and is protected".into(),
                    hint: Some(format!(
                        "`state unprotect {address}`; or declare it again without `.protect()`, and apply that"
                    )),
                    at: None,
                });
            } else if let Some(reason) = left.resources.get(address) {
                if let Some(problem) = self.left_with_host(address, record) {
                    self.problems.push(problem);
                    continue;
                }
                for object in record.objects() {
                    let (name, reason) = (object.name.clone(), format!("{reason}; no longer recorded"));
                    self.kept.push(Kept { address: address.clone(), name, reason });
                }
                let name = record.objects().next().map(|object| object.name.clone());
                self.known.steps.push(Step { name, ..Step::new(address, StepAction::Leave, Reason::Undeclared) });
            } else {
                // A host that stays takes nothing along.
                let goes = |host: &Address, record: &Record| {
                    gone.contains_key(host)
                        && !record.protect
                        && !left.resources.contains_key(host)
                        && !self.known.selected.leaves_out(host)
                };
                let host = self.host_of(record).is_some_and(|(host, record)| goes(host, record));
                if host || !self.record_is_put_off(address, record) {
                    self.end(address, record, Reason::Undeclared, host);
                }
            }
        }
        self.forget_in_order(&left);
    }

    /// What it goes with, if that is recorded, and its end is not put off.
    fn host_of(&self, record: &Record) -> Option<(&'a Address, &'a Record)> {
        let host = self.input.snapshot.records.get_key_value(record.dies_with.as_ref()?)?;
        Some(host).filter(|(address, host)| {
            !self.input.observed.is_unread(&host.provider) && !self.known.selected.is_needed_by_deferred(address)
        })
    }

    pub(super) fn stays(&self, address: &Address, record: &Record) -> Option<&'static str> {
        stays(&self.input, address, record)
    }

    fn end(&mut self, address: &Address, record: &Record, reason: Reason, with_host: bool) {
        let seen = self.input.observed.objects.get(address);
        if let Some(object) = &record.object {
            // An object whose update was interrupted may not be in its host: a call of its own deletes it before the host.
            if with_host && object.ready {
                let (name, drop) = (Some(object.name.clone()), StepAction::Drop { object: object.which() });
                self.known.steps.push(Step { name, ..Step::new(address, drop, Reason::HostDeleted) });
            } else {
                let live = seen.and_then(|seen| seen.current.as_ref());
                self.ending(address, object, live, reason.clone());
            }
        }
        for (place, object) in record.old.iter().enumerate() {
            let live = seen.and_then(|seen| seen.old.get(place)?.as_ref());
            self.ending(address, object, live, reason.clone());
        }
    }

    /// Everything goes but what is kept, and what that needs: the objects it was made from, and the generated secrets that
    /// were given to whoever uses kept data.
    pub(super) fn destroy(&mut self, include_kept: bool) {
        let kept = if include_kept { BTreeMap::new() } else { self.kept_from_destruction() };
        let records = &self.input.snapshot.records;
        let keeps = self.count();
        for (address, reason) in kept.iter().filter(|(address, _)| !self.known.selected.leaves_out(address)) {
            for object in records[*address].objects() {
                let (name, reason) = (object.name.clone(), reason.clone());
                self.kept.push(Kept { address: (*address).clone(), name, reason });
            }
        }
        let stays =
            |selected: &Selected<'_>, address: &Address| kept.contains_key(address) || selected.leaves_out(address);
        for (address, record) in records {
            if stays(&self.known.selected, address) {
                continue;
            }
            let host = self.host_of(record).is_some_and(|(host, _)| !stays(&self.known.selected, host));
            if host || !self.record_is_put_off(address, record) {
                self.end(address, record, Reason::Destroyed, host);
            }
        }
        // What keeps is a chain, and the rest waits for its end: an edge from each to each would be their product.
        for (at, step) in (0..).zip(&mut self.known.steps) {
            step.after.extend(keeps.min(at).checked_sub(1));
        }
    }

    /// What stays when everything else goes, and why. A step for each that only its record can tell of later.
    fn kept_from_destruction(&mut self) -> BTreeMap<&'a Address, String> {
        let records = &self.input.snapshot.records;
        let mut kept: BTreeMap<&Address, String> = BTreeMap::new();
        let mut data: BTreeSet<&Address> = BTreeSet::new();
        for (address, record) in records {
            if record.protect {
                kept.insert(address, "it is protected".into());
            } else if let Some(reason) = self.stays(address, record) {
                kept.insert(address, reason.into());
                data.insert(address);
            }
        }
        let mut work: Vec<&Address> = kept.keys().copied().collect();
        while let Some(address) = work.pop() {
            for (dep, _) in self.needs(&records[address]) {
                if !kept.contains_key(dep) {
                    kept.insert(dep, format!("`{address}` stays, and needs it"));
                    work.push(dep);
                }
            }
        }
        for (address, record) in records {
            if let Some(data) = record.needed_by.as_ref().filter(|needed_by| data.contains(needed_by)) {
                kept.entry(address).or_insert_with(|| may_need(data));
            }
        }
        for (secret, (_, data)) in self.given_to_users(&data) {
            if !kept.contains_key(secret) {
                kept.insert(secret, may_need(data));
                // Who was given it will be gone, and this must still be known.
                let keep = StepAction::Keep { needed_by: data.clone() };
                self.known.steps.push(Step::new(secret, keep, Reason::Destroyed));
            }
        }
        kept
    }

    /// The recorded resources that the objects of this one were made from.
    fn needs(&self, record: &'a Record) -> impl Iterator<Item = (&'a Address, &'a Record)> + use<'a> {
        let records = &self.input.snapshot.records;
        let deps = record.objects().flat_map(|object| &object.deps);
        deps.filter_map(|dep| records.get_key_value(dep))
    }

    /// The generated secrets that users of data were given, each with the data that most likely needs it: that of the
    /// nearest user that runs; of the nearest at all if none does.
    fn given_to_users(&self, data: &BTreeSet<&'a Address>) -> BTreeMap<&'a Address, (Rank, &'a Address)> {
        let is = |(address, record): (&Address, &Record), what: fn(&KindFacts) -> bool| {
            (self.input.kind)(record, address).is_some_and(|kind| what(&kind.facts()))
        };
        let mut given = BTreeMap::new();
        // Most programs hold no data, and then nobody is given it.
        let users = self.input.snapshot.records.iter().filter(|_| !data.is_empty());
        for user in users {
            let mut near: Vec<(&Address, &Record)> = self.needs(user.1).collect();
            let Some(used) = near.iter().map(|(dep, _)| *dep).find(|dep| data.contains(dep)) else { continue };
            let mut seen: BTreeSet<&Address> = near.iter().map(|(dep, _)| *dep).collect();
            let mut rank = Rank { rests: !is(user, |kind| kind.converges), distance: 0 };
            while !near.is_empty() {
                for &(secret, _) in near.iter().filter(|dep| is(**dep, |kind| kind.naming == Naming::None)) {
                    let first = given.entry(secret).or_insert((rank, used));
                    *first = (*first).min((rank, used));
                }
                near = near
                    .iter()
                    .flat_map(|(_, record)| self.needs(record))
                    .filter(|(dep, _)| seen.insert(dep))
                    .collect();
                rank.distance += 1;
            }
        }
        given
    }
}

/// Why what is not declared any more stays where it is.
pub(super) fn stays(input: &PlannerInput<'_>, address: &Address, record: &Record) -> Option<&'static str> {
    if record.keep_on_delete {
        return Some(KEPT);
    }
    let stateful = (input.kind)(record, address).is_some_and(|kind| kind.facts().stateful);
    stateful.then_some("it holds data")
}

fn may_need(data: &Address) -> String {
    format!("`{data}` stays, and its data may need it")
}
