//! Hosts and guests: what goes with another resource also goes when that is replaced, and is made again after it.
//!
//! Whatever stays in spite of a deletion stays in spite of a replacement, or forbids it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::decide::{Case, problem};
use super::deletes::Ended;
use super::{Builder, Knowledge, PlannerInput};
use crate::base::{Address, Place};
use crate::plan::{Kept, Problem, Reason, Step, StepAction, StepId};
use crate::stack::Node;
use crate::state::{Object, Record};

/// Why something is left in place.
pub(super) const KEPT: &str = "`keep_on_delete` is set";

/// How a declared resource is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Replaced {
    pub(super) goes: HostGoes,
    /// An object that was replaced before takes its place again.
    pub(super) is_restored: bool,
}

/// How the object of a host that is replaced goes, and takes its guests along.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HostGoes {
    /// Before its successor is made,
    First,
    /// or after that,
    Later,
    /// or not with this plan: something that is left out was made from it.
    Not,
    /// It stays, and is no longer recorded: its guests go by themselves.
    Stays,
    /// An earlier run has replaced it, and the guest is still in the object from before, which goes now, or stays.
    Before { stays: bool },
}

impl HostGoes {
    /// Whether the object that the guest is in stays where it is.
    pub(super) fn stays(self) -> bool {
        matches!(self, Self::Stays | Self::Before { stays: true })
    }
}

impl<'a> Knowledge<'a> {
    /// The host that a resource is in, if this plan replaces that, or deletes the object of it that the resource is in.
    pub(super) fn replaced_host(
        &self,
        input: &PlannerInput<'a>,
        record: Option<&Record>,
    ) -> Option<(&'a Address, Replaced)> {
        let stack = input.stack;
        let record = record?;
        let &index = stack.index.get(record.dies_with.as_ref()?)?;
        let address = &stack.nodes[index as usize].address;
        let is_its = |replaced: &Replaced| !(replaced.is_restored && self.is_in_restored(input, record, address));
        let replaced = self.replaced.get(&(index as usize)).copied().filter(is_its);
        let left_behind = |stays| Replaced { goes: HostGoes::Before { stays }, is_restored: false };
        let replaced = replaced.or_else(|| self.left_behind(input, record, address).map(left_behind))?;
        Some((address, replaced))
    }

    /// Whether a guest is in the earlier object of its host that this plan uses again, and so stays where it is.
    fn is_in_restored(&self, input: &PlannerInput<'_>, record: &Record, host: &Address) -> bool {
        let (Some(object), Some(host)) = (&record.object, input.snapshot.records.get(host)) else { return false };
        let is_restored = |old: &&Object| {
            let restores = |step: &Step| matches!(&step.action, StepAction::Restore { object } if old.is(object));
            self.steps.iter().any(|step| Some(&step.address) == record.dies_with.as_ref() && restores(step))
        };
        let applied = object.applied.value();
        let is_in = |host: &Object| mentions(&applied, host.id.as_str()) || mentions(&applied, host.name.as_str());
        host.old.iter().find(is_restored).is_some_and(is_in) && !host.object.as_ref().is_some_and(is_in)
    }

    /// Whether a guest was made in an object of its host that an earlier run has replaced, and this plan deletes or leaves:
    /// its settings say so. If it was, whether that object stays.
    fn left_behind(&self, input: &PlannerInput<'_>, record: &Record, host: &Address) -> Option<bool> {
        let (object, host) = (record.object.as_ref()?, input.snapshot.records.get(host)?);
        if host.old.is_empty() {
            return None;
        }
        let applied = object.applied.value();
        let is_in = |old: &&Object| mentions(&applied, old.id.as_str()) || mentions(&applied, old.name.as_str());
        let end = |old: &Object| {
            let ends = |step: &&Step| {
                let (StepAction::Delete { object, .. } | StepAction::Drop { object }) = &step.action else {
                    return false;
                };
                Some(&step.address) == record.dies_with.as_ref() && old.is(object) && step.reason != Reason::Gone
            };
            self.steps.iter().find(ends).map(|step| step.reason == Reason::Retained)
        };
        host.old.iter().filter(is_in).find_map(end)
    }

    /// Why a resource can't be deleted to be made anew, if something that is left out was made from it.
    pub(super) fn stood_on(&self, input: &PlannerInput<'_>, node: &Node) -> Option<Problem> {
        let records = &input.snapshot.records;
        let uses = |user: &&Address| {
            let objects = records.get(*user).into_iter().flat_map(Record::objects);
            objects.flat_map(|object| &object.deps).any(|dep| *dep == node.address)
        };
        let user = self.selected.left_out().filter(uses).min()?;
        let message =
            format!("would be deleted to be made anew, and `{user}`, which this plan leaves out, was made from it");
        let hint = format!("plan `{user}` too, or leave `{}` out", node.address);
        Some(Problem { hint: Some(hint), ..problem(node, message) })
    }
}

impl Case<'_, '_> {
    /// Why a resource that is left in place when it is deleted can't be replaced.
    pub(super) fn cannot_stay(&self, because: &str, undo: &str) -> Problem {
        let message =
            format!("is left in place when it is deleted (`keep_on_delete`), and {because}: the old one can't stay");
        let hint = format!("take `.keep_on_delete()` away and apply that first, or {undo}");
        Problem { hint: Some(hint), ..self.problem(message) }
    }

    /// Whether a resource is left in place when it is deleted, by what the program says or said.
    pub(super) fn is_retained(&self) -> bool {
        self.node.options.keep_on_delete || self.record.is_some_and(|record| record.keep_on_delete)
    }

    /// How the object of a resource goes that is replaced.
    pub(super) fn goes(&self, makes_room: bool) -> HostGoes {
        match (makes_room, self.known.selected.is_in_use(&self.node.address)) {
            (true, _) => HostGoes::First,
            _ if self.is_retained() => HostGoes::Stays,
            (false, false) => HostGoes::Later,
            (false, true) => HostGoes::Not,
        }
    }
}

/// How an object is forgotten that was replaced, and stays where it is.
pub(super) fn retain(address: &Address, object: &Object, reason: &str) -> Ended {
    let name = object.name.clone();
    let reason = format!("{reason}; no longer recorded");
    let kept = Some(Kept { address: address.clone(), name: name.clone(), reason });
    let drop = StepAction::Drop { object: object.which() };
    Ended { step: Step { name: Some(name), ..Step::new(address, drop, Reason::Retained) }, kept }
}

impl<'a> Builder<'a> {
    /// What stays of what is not declared any more, and why: what is to be left in place, and what that was made from. What is
    /// declared and would be deleted as it was replaced stays for the same reason, or can't be replaced.
    ///
    /// Also which of them must be forgotten only after which: what still needs something is known until that is settled.
    pub(super) fn what_is_left(&mut self, gone: &BTreeMap<&'a Address, &'a Record>) -> Left<'a> {
        let mut left = Left::default();
        let mut work: Vec<(&'a Address, &'a Object)> = Vec::new();
        let records = &self.input.snapshot.records;
        for (&address, &record) in gone.iter().filter(|(address, _)| !self.known.selected.leaves_out(address)) {
            if let Some(reason) = self.stays(address, record) {
                left.resources.insert(address, reason.to_owned());
                work.extend(record.objects().map(|object| (address, object)));
            }
        }
        for step in self.known.steps.iter().filter(|step| step.reason == Reason::Retained) {
            let Some((address, record)) = records.get_key_value(&step.address) else { continue };
            let is_it =
                |object: &&Object| matches!(&step.action, StepAction::Drop { object: which } if object.is(which));
            work.extend(record.objects().find(is_it).map(|object| (address, object)));
        }
        if work.is_empty() {
            return left;
        }
        let mut deletes: HashMap<Address, Vec<usize>> = HashMap::new();
        for (at, step) in self.known.steps.iter().enumerate().filter(|(_, step)| step.action.deletes()) {
            deletes.entry(step.address.clone()).or_default().push(at);
        }
        while let Some((user, object)) = work.pop() {
            for dep in &object.deps {
                let Some((dep, record)) = records.get_key_value(dep) else { continue };
                let because = || format!("`{user}` stays, and needs it");
                if gone.contains_key(dep) && !self.known.selected.leaves_out(dep) {
                    left.after.push((user, dep));
                    if !left.resources.contains_key(dep) {
                        left.resources.insert(dep, because());
                        work.extend(record.objects().map(|object| (dep, object)));
                    }
                    continue;
                }
                for &at in deletes.get(dep).into_iter().flatten() {
                    left.after.push((user, dep));
                    let (StepAction::Delete { object: which, .. } | StepAction::Drop { object: which }) =
                        &self.known.steps[at].action
                    else {
                        continue;
                    };
                    let Some(needed) = record.objects().find(|object| object.is(which)) else { continue };
                    match (&self.known.steps[at].action, &self.known.steps[at].reason) {
                        (StepAction::Delete { first: false, .. }, _) => {
                            let (at_line, node) = (self.known.steps[at].at.clone(), self.known.steps[at].node);
                            let after = self.known.steps[at].after.clone();
                            let Ended { step, kept } = retain(dep, needed, &because());
                            self.kept.extend(kept);
                            self.known.steps[at] = Step { at: at_line, node, after, ..step };
                            self.goes_alone(dep);
                            work.push((dep, needed));
                        }
                        // That its host can't be replaced is said of the guest.
                        _ if records[user].dies_with.as_ref() == Some(dep) => {}
                        (StepAction::Delete { .. }, _) | (_, Reason::HostReplaced) => {
                            let message = format!(
                                "would be deleted to be made anew, and `{user}`, which is left in place, was made from it"
                            );
                            let hint = Some(format!("leave it as it is as long as `{user}` needs it"));
                            let at = self.known.steps[at].at.clone();
                            self.problems.push(Problem { address: dep.clone(), message, hint, at });
                        }
                        _ => {}
                    }
                }
            }
        }
        left
    }

    /// What would go with a host goes by calls of its own, as the host stays.
    fn goes_alone(&mut self, host: &Address) {
        let records = &self.input.snapshot.records;
        for step in self.known.steps.iter_mut().filter(|step| step.reason == Reason::HostReplaced) {
            let is_guest = records.get(&step.address).and_then(|record| record.dies_with.as_ref()) == Some(host);
            if let (true, StepAction::Drop { object }) = (is_guest, &step.action) {
                step.action = StepAction::Delete { object: object.clone(), replaced: true, first: false };
                step.reason = Reason::Superseded;
            }
        }
    }

    /// Lets what is left be forgotten in the order of their needs.
    pub(super) fn forget_in_order(&mut self, left: &Left<'a>) {
        if left.after.is_empty() {
            return;
        }
        let mut forgets: HashMap<Address, Vec<StepId>> = HashMap::new();
        for (step, at) in self.known.steps.iter().zip(StepId::all()) {
            if step.action == StepAction::Leave || step.reason == Reason::Retained {
                forgets.entry(step.address.clone()).or_default().push(at);
            }
        }
        for (user, needed) in &left.after {
            let (Some(of_user), Some(of_needed)) = (forgets.get(*user), forgets.get(*needed)) else { continue };
            of_user.iter().for_each(|&at| self.known.steps[at.index()].after.extend(of_needed));
        }
    }

    /// Why a resource that is to be left in place can't be, if it goes with a host that is replaced.
    pub(super) fn left_with_host(&self, address: &Address, record: &Record) -> Option<Problem> {
        let (host, _) = self.known.replaced_host(&self.input, Some(record)).filter(|(_, host)| !host.goes.stays())?;
        let at = self.input.stack.index.get(host).map(|&index| Place::of(self.input.stack.nodes[index as usize].at));
        Some(Problem {
            address: address.clone(),
            message: format!("would be left in place, and goes with `{host}`, which would be replaced"),
            hint: Some(format!("leave `{host}` as it is, or declare this again")),
            at,
        })
    }
}

/// What is left in place.
#[derive(Default)]
pub(super) struct Left<'a> {
    /// Of what is not declared any more, and why.
    pub(super) resources: BTreeMap<&'a Address, String>,
    /// Which is forgotten only after which.
    after: Vec<(&'a Address, &'a Address)>,
}

/// Whether a text in settings has a name in it, as a word of its own.
fn mentions(settings: &Value, name: &str) -> bool {
    let is_part = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
    match settings {
        Value::String(text) => text.match_indices(name).any(|(at, _)| {
            !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part) && !name.is_empty()
        }),
        Value::Array(all) => all.iter().any(|value| mentions(value, name)),
        Value::Object(all) => all.values().any(|value| mentions(value, name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::mentions;

    #[test]
    fn a_name_is_found_as_a_word_in_any_setting() {
        for settings in [json!("host"), json!("at host:80"), json!(["a", ["host"]]), json!({"in": {"x": ["host"]}})] {
            assert!(mentions(&settings, "host"), "{settings}");
        }
        for settings in [json!("host-2"), json!("my.host"), json!("ghost"), json!({"host": 1}), json!(null)] {
            assert!(!mentions(&settings, "host"), "{settings}");
        }
        assert!(!mentions(&json!("anything"), ""));
    }
}
