//! How things end: what was replaced, what is not declared any more, and the destruction of everything.
//!
//! What is kept stays, and with it what it needs.

use std::collections::BTreeMap;

use super::decide::{Case, Findings};
use super::hosts::{KEPT, retain};
use super::{Builder, PlannerInput, Selected};
use crate::base::Address;
use crate::erased::ErasedLive;
use crate::plan::{Kept, Problem, Reason, Step, StepAction};
use crate::state::{Object, Record};

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
        revision: live.map(|live| live.revision.clone()),
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

    /// Everything goes but what is kept, and what that needs: what its objects were made from, and what is retained with it.
    pub(super) fn destroy(&mut self, include_kept: bool) {
        let kept = if include_kept { BTreeMap::new() } else { self.kept_from_destruction() };
        let records = &self.input.snapshot.records;
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
    }

    /// What stays when everything else goes, and why.
    fn kept_from_destruction(&self) -> BTreeMap<&'a Address, String> {
        let records = &self.input.snapshot.records;
        let mut retained_with: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
        let mut kept: BTreeMap<&Address, String> = BTreeMap::new();
        for (address, record) in records {
            record.retain_with.iter().for_each(|data| retained_with.entry(data).or_default().push(address));
            if record.protect {
                kept.insert(address, "it is protected".into());
            } else if let Some(reason) = self.stays(address, record) {
                kept.insert(address, reason.into());
            }
        }
        let left_out = self.known.selected.left_out().filter(|address| retained_with.contains_key(address));
        let mut work: Vec<&Address> = kept.keys().copied().chain(left_out).collect();
        while let Some(address) = work.pop() {
            let objects = records.get(address).into_iter().flat_map(Record::objects);
            let needs = objects.flat_map(|object| &object.deps).map(|dep| (dep, "needs it"));
            let retained = retained_with.get(address).into_iter().flatten().copied();
            for (other, why) in needs.chain(retained.map(|other| (other, "this is retained with it"))) {
                let Some((other, _)) = records.get_key_value(other) else { continue };
                if !kept.contains_key(other) {
                    kept.insert(other, format!("`{address}` stays, and {why}"));
                    work.push(other);
                }
            }
        }
        kept
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
