//! How an object is replaced: by a new one, an earlier one that is used again, or one that is taken over; and in which order.

use super::Builder;
use super::desired::Desired;
use super::hosts::{HostGoes, KEPT, Replaced};
use super::naming::next_generation;
use crate::base::PhysicalName;
use crate::erased::ErasedLive;
use crate::kind::Naming;
use crate::plan::{Change, Problem, Reason, Step, StepAction};
use crate::planner::compare::{self};
use crate::planner::has_holes;
use crate::stack::Node;
use crate::state::{Object, Record};
use crate::value::Facts;

impl<'a> Builder<'a> {
    #[expect(clippy::too_many_arguments, reason = "all that was found out about the resource so far")]
    pub(super) fn replace(
        &mut self,
        index: usize,
        node: &Node,
        record: Option<&Record>,
        object: &Object,
        live: &ErasedLive,
        desired: &Desired,
        changes: Vec<Change>,
        is_requested: bool,
    ) {
        let facts = node.kind.facts();
        let settings = changes.iter().filter(|change| change.replaces).map(|change| format!("`{}`", change.path));
        let settings = settings.collect::<Vec<_>>().join(", ");
        let host = self.replaced_host(record);
        let (reason, because, undo) = match (settings.as_str(), host) {
            ("", Some((host, _))) => {
                (Reason::HostReplaced, format!("it goes with `{host}`, which would be replaced"), "leave that as it is")
            }
            ("", None) => (Reason::Requested, "a new one was asked for".to_owned(), "do not ask for it"),
            (_, Some((host, _))) => (
                Reason::HostReplaced,
                format!("a change of {settings} would replace it, and it goes with `{host}`, which would be replaced"),
                "undo both changes",
            ),
            (_, None) => (Reason::Replaced, format!("a change of {settings} would replace it"), "undo the change"),
        };
        if node.options.protect || record.is_some_and(|record| record.protect) {
            let hint = format!("take `.protect()` away and apply that first, or {undo}");
            let problem = Self::problem(node, format!("is protected, and {because}"));
            return self.problems.push(Problem { hint: Some(hint), ..problem });
        }
        if facts.stateful {
            let hint = format!("{undo}, or declare a new one under another name and move the data");
            let message = format!("holds data that would be lost: {because}");
            return self.problems.push(Problem { hint: Some(hint), ..Self::problem(node, message) });
        }
        // What is replaced for a reason of its own need not know what becomes of a host that it leaves.
        let is_certain = changes.iter().any(|change| change.replaces && !has_holes(&change.after));
        let host_step = host.filter(|_| !is_certain);
        let host_step = host_step.and_then(|(host, _)| self.last[self.basis.stack.index[host] as usize]);
        // An earlier object that may be in the host that goes is not used again.
        let goes_along_too = |left: &Object| {
            let goes = |host: Replaced| !host.is_restored && !matches!(host.goes, HostGoes::Before { .. });
            host.is_some_and(|(address, host)| goes(host) && left.deps.contains(address))
        };
        let host_goes = host.map(|(_, host)| host.goes);
        let claims_the_same = self.claims_the_same(index, node, object);
        let is_retained = Self::is_retained(node, record);
        let stays_without_host = host_goes.is_some_and(|goes| !goes.stays());
        if is_retained && (facts.naming == Naming::Fixed || stays_without_host) {
            return self.problems.push(Self::retained(node, &because, undo));
        }
        let generation = record.map_or(object.generation + 1, next_generation);
        let name = self.name(node, generation, desired);
        let goes_first = host_goes == Some(HostGoes::First);
        if facts.naming == Naming::Content && name.as_ref() == Some(&object.name) && !goes_first {
            let problem =
                Self::problem(node, format!("is named by its content, and {because}: it would have the same name"));
            return self.problems.push(Problem { hint: Some("change its content".into()), ..problem });
        }
        self.review(node, desired, name.as_ref());
        let delete = |first| StepAction::Delete { object: object.which(), replaced: true, first };
        let witness = Some(live.witness.clone());
        // An object whose update was interrupted may not be in its host: a call of its own deletes it before the host.
        let goes_along = object.ready && matches!(host_goes, Some(HostGoes::First | HostGoes::Later));
        let old = |builder: &mut Self| {
            let old = builder.step(index, node, delete(false), Reason::Superseded, Some(object.name.clone()));
            if is_retained {
                let retained = builder.retain(&node.address, object, KEPT);
                Step { at: old.at, node: old.node, ..retained }
            } else if goes_along {
                let drop = StepAction::Drop { object: object.which() };
                Step { action: drop, reason: Reason::HostReplaced, witness: witness.clone(), ..old }
            } else {
                Step { witness: witness.clone(), ..old }
            }
        };
        // Nor is one that would need what the current object has until the end.
        let needs_its_claim = claims_the_same && facts.naming == Naming::Generation;
        let may_be_used = !is_requested && !needs_its_claim;
        let left = may_be_used.then(|| self.left_from_before(node, record, name.as_ref(), desired)).flatten();
        if let Some((left, there)) = left.filter(|(left, _)| !goes_along_too(left)) {
            let replaced = old(self);
            return self.use_again(index, node, left, there, desired, changes, Some(replaced));
        }
        let is_found = facts.naming != Naming::Fixed && self.can_be_adopted(node, record, name.as_ref());
        if let (true, Some(stray)) = (is_found, self.strays(node, name.as_ref()).first()) {
            let replaced = old(self);
            return self.adopt_instead(index, node, generation, stray, desired, replaced);
        }
        if let Some(name) = name.as_ref().filter(|name| self.is_taken_already(node, name)) {
            let message = format!("is to be replaced by `{name}`, and an object of that name exists already");
            let hint = match node.options.adopt {
                true => "remove it, or give this one another name with `.named(…)`",
                false => "remove it, take it over with `.adopt()`, or give this one another name with `.named(…)`",
            };
            return self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
        }
        let create = StepAction::Create { generation, replaces: true };
        let spec = Some(desired.spec.json());
        let mut new = Step { spec, changes, ..self.step(index, node, create, reason.clone(), name.clone()) };
        new.after.extend(host_step);
        // As long as something that is left out uses it, it stays.
        let in_use = self.selected.is_in_use(&node.address);
        let must_go_first = facts.naming == Naming::Fixed || goes_first || claims_the_same;
        if must_go_first && in_use {
            if let Some(problem) = self.stood_on(node) {
                return self.problems.push(problem);
            }
            if self.selected.is_needed_by_deferred(&node.address) {
                self.left_out(index, node, Some(object));
                return self.delayed.push(node.address.clone());
            }
        }
        let makes_room = must_go_first || !in_use && self.stands_on_what_makes_room(node, object, &new.changes);
        if makes_room && is_retained {
            return self.problems.push(Self::retained(node, &because, undo));
        }
        if makes_room {
            let old = match goes_first && goes_along {
                true => old(self),
                false => Step { witness, ..self.step(index, node, delete(true), reason, Some(object.name.clone())) },
            };
            self.steps.push(Step { after: Vec::new(), ..old });
            new.after.push(self.count() - 1);
            self.push(index, new);
        } else {
            let created = self.push(index, new);
            if !in_use {
                let old = old(self);
                self.steps.push(Step { after: vec![created], ..old });
            }
        }
        let goes = Self::goes(node, record, makes_room, in_use);
        self.replaced.insert(index, Replaced { goes, is_restored: false });
        self.known.nodes[index] = Facts { name, reported: None, changing: true };
    }

    /// An object that was replaced and is still there, and can be what is wanted now: of contents the one of this name; of
    /// generations the latest that needs no new object.
    pub(super) fn left_from_before<'r>(
        &self,
        node: &Node,
        record: Option<&'r Record>,
        name: Option<&PhysicalName>,
        desired: &Desired,
    ) -> Option<(&'r Object, &'a ErasedLive)> {
        let seen = self.basis.observed.objects.get(&node.address)?;
        let old = record?.old.iter().zip(&seen.old);
        let mut there = old.filter_map(|(old, live)| Some((old, live.as_ref()?)));
        match node.kind.facts().naming {
            Naming::Content => there.find(|(old, _)| Some(&old.name) == name),
            Naming::Generation => {
                let fits = |(old, live): &(&Object, &ErasedLive)| {
                    let has_mark = live.is_own(&self.basis.lineage);
                    has_mark && !self.differences(node, old, live, desired).iter().any(|change| change.replaces)
                };
                there.filter(fits).max_by_key(|(old, _)| old.generation)
            }
            Naming::Fixed | Naming::None => None,
        }
    }

    /// Whether an object that exists may take the place of the one that is recorded.
    pub(super) fn can_be_adopted(&self, node: &Node, record: Option<&Record>, name: Option<&PhysicalName>) -> bool {
        match self.strays(node, name) {
            [stray] => {
                // What was left in place when it was replaced is the resource's own.
                let was_left = |record: &Record| record.left.iter().any(|left| left.id == stray.id);
                let may = node.options.adopt || record.is_some_and(was_left);
                may && !stray.is_theirs(&self.basis.lineage)
            }
            _ => false,
        }
    }

    /// An object that exists takes the place of the one that is recorded, which goes.
    pub(super) fn adopt_instead(
        &mut self,
        index: usize,
        node: &Node,
        generation: u32,
        stray: &ErasedLive,
        desired: &Desired,
        replaced: Step,
    ) {
        self.adopt(index, node, generation, stray, desired);
        let Some(adopted) = self.last[index] else { return };
        let in_use = self.selected.is_in_use(&node.address);
        let record = self.basis.snapshot.records.get(&node.address);
        let goes = Self::goes(node, record, false, in_use);
        self.replaced.insert(index, Replaced { goes, is_restored: false });
        if !in_use {
            self.steps.push(Step { after: vec![adopted], ..replaced });
        }
    }

    /// The earlier object takes its place again, and is updated if other settings have changed since.
    #[expect(clippy::too_many_arguments, reason = "all that was found out about the resource so far")]
    pub(super) fn use_again(
        &mut self,
        index: usize,
        node: &Node,
        left: &Object,
        there: &ErasedLive,
        desired: &Desired,
        mut changes: Vec<Change>,
        replaced: Option<Step>,
    ) {
        let later = self.differences(node, left, there, desired);
        let name = Some(left.name.clone());
        if let Some(change) = later.iter().find(|change| change.replaces) {
            let message =
                format!("is to be `{}` again, and somebody else has changed `{}` of that", left.name, change.path);
            let hint = "remove that object, or change the content";
            return self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
        }
        self.steps.retain(|step| {
            !(step.address == node.address
                && matches!(&step.action, StepAction::Delete { object, .. } | StepAction::Drop { object } if left.is(object)))
        });
        changes.retain(|change| change.replaces);
        let action = StepAction::Restore { object: left.which() };
        let step = Step { changes, ..self.step(index, node, action, Reason::Replaced, name.clone()) };
        let restored = self.push(index, step);
        let in_use = self.selected.is_in_use(&node.address);
        let record = self.basis.snapshot.records.get(&node.address);
        let goes = Self::goes(node, record, false, in_use);
        self.replaced.insert(index, Replaced { goes, is_restored: true });
        let reported = Some(self.reported(&node.kind, &there.state));
        let next = match (later.is_empty(), left.ready, node.kind.facts().converges) {
            (true, true, _) => None,
            (true, false, true) => Some(StepAction::Await),
            _ => Some(StepAction::Update),
        };
        self.known.nodes[index] = Facts { name: name.clone(), reported, changing: next.is_some() };
        let whole = next.map_or(restored, |action| {
            let mut step = self.step(index, node, action, Reason::Changed, name);
            step.after.push(restored);
            self.push(index, Step { changes: later, witness: Some(there.witness.clone()), ..step })
        });
        // What is in its place until now goes once that is whole.
        if let Some(replaced) = replaced.filter(|_| !in_use) {
            self.steps.push(Step { after: vec![whole], ..replaced });
        }
    }

    /// Whether an unrecorded object has the name that the next object wants. The recorded object that is deleted first does
    /// not count.
    pub(super) fn is_taken_already(&self, node: &Node, name: &PhysicalName) -> bool {
        !self.strays(node, Some(name)).is_empty()
    }

    /// Whether it must be replaced with something that is deleted before its own successor is made: then it goes before that.
    pub(super) fn stands_on_what_makes_room(&self, node: &Node, object: &Object, changes: &[Change]) -> bool {
        let makes_room = |dep: u32| self.replaced.get(&(dep as usize)).is_some_and(|dep| dep.goes == HostGoes::First);
        let stood = |change: &Change| change.replaces && !change.before.is_null();
        node.deps.iter().any(|&dep| {
            let address = &self.basis.stack.nodes[dep as usize].address;
            makes_room(dep)
                && object.deps.contains(address)
                && changes.iter().any(|change| stood(change) && compare::waits_for(&change.after, address.as_str()))
        })
    }
}
