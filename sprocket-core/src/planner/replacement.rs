//! How an object is replaced: by a new one, an earlier one that is used again, or one that is taken over; and in which order.

use super::compare::{self, has_holes};
use super::decide::{Case, Choice, Decision, Findings, Refusal, Replace, Restore};
use super::deletes::Ended;
use super::desired::Desired;
use super::hosts::{HostGoes, KEPT, Replaced, retain};
use super::naming::next_generation;
use crate::base::{Address, PhysicalName};
use crate::erased::ErasedLive;
use crate::kind::Naming;
use crate::plan::{Change, Reason, Step, StepAction};
use crate::state::Object;
use crate::value::Facts;

/// Why a resource is replaced.
struct Cause {
    reason: Reason,
    /// The same in words.
    because: String,
    /// How not to replace it.
    undo: &'static str,
}

impl<'a> Case<'_, 'a> {
    pub(super) fn replace(
        &self,
        object: &Object,
        live: &ErasedLive,
        desired: &Desired,
        changes: Vec<Change>,
        findings: &mut Findings,
    ) -> Choice {
        let (node, facts) = (self.node, self.node.kind.facts());
        let host = self.known.replaced_host(self.input, self.record);
        let cause = cause(&changes, host);
        self.may_be_replaced(&cause)?;
        let host_goes = host.map(|(_, host)| host.goes);
        let claims_the_same = self.claims_the_same(object);
        let is_retained = self.is_retained();
        let stays_without_host = host_goes.is_some_and(|goes| !goes.stays());
        if is_retained && (facts.naming == Naming::Fixed || stays_without_host) {
            return Err(vec![self.cannot_stay(&cause.because, cause.undo)]);
        }
        let generation = self.record.map_or(object.generation + 1, next_generation);
        let name = self.name(generation, desired);
        let goes_first = host_goes == Some(HostGoes::First);
        if facts.naming == Naming::Content && name.as_ref() == Some(&object.name) && !goes_first {
            let because = &cause.because;
            let message = format!("is named by its content, and {because}: it would have the same name");
            return self.refuse(message, "change its content");
        }
        desired.validate(self, name.as_ref(), findings);
        // An object whose update was interrupted may not be in its host: a call of its own deletes it before the host.
        let goes_along = object.ready && matches!(host_goes, Some(HostGoes::First | HostGoes::Later));
        let old = self.end_of_replaced(object, live, is_retained, goes_along);
        // An earlier object that may be in the host that goes is not used again; nor is one that would need what the current
        // object has until the end.
        let goes_along_too = |left: &Object| {
            let goes = |host: Replaced| !host.is_restored && !matches!(host.goes, HostGoes::Before { .. });
            host.is_some_and(|(address, host)| goes(host) && left.deps.contains(address))
        };
        let needs_its_claim = claims_the_same && facts.naming == Naming::Generation;
        let may_be_used = !self.is_requested() && !needs_its_claim;
        let left = may_be_used.then(|| self.left_from_before(name.as_ref(), desired)).flatten();
        if let Some((left, there)) = left.filter(|(left, _)| !goes_along_too(left)) {
            return self.use_again(left, there, desired, changes, Some(old));
        }
        if facts.naming != Naming::Fixed
            && let Some(stray) = self.adoptable(name.as_ref())
        {
            let (Decision::Adopt(new), facts) = self.adopt(generation, stray, desired, findings)? else {
                unreachable!("BUG: what is taken over is adopted")
            };
            return Ok((self.replaced_by(new, old, false), facts));
        }
        // The recorded object that is deleted first does not count.
        if let Some(name) = name.as_ref().filter(|name| !self.strays(Some(name)).is_empty()) {
            let message = format!("is to be replaced by `{name}`, and an object of that name exists already");
            let hint = match node.options.adopt {
                true => "remove it, or give this one another name with `.named(…)`",
                false => "remove it, take it over with `.adopt()`, or give this one another name with `.named(…)`",
            };
            return self.refuse(message, hint);
        }
        let in_use = self.is_in_use();
        let must_go_first = facts.naming == Naming::Fixed || goes_first || claims_the_same;
        if must_go_first && in_use {
            if let Some(problem) = self.known.stood_on(self.input, node) {
                return Err(vec![problem]);
            }
            if self.known.selected.is_needed_by_deferred(&node.address) {
                return Ok((Decision::Delay, self.as_it_was()));
            }
        }
        let makes_room = must_go_first || !in_use && self.stands_on_what_makes_room(object, &changes);
        if makes_room && is_retained {
            return Err(vec![self.cannot_stay(&cause.because, cause.undo)]);
        }
        let old = match makes_room && !(goes_first && goes_along) {
            true => {
                let delete = StepAction::Delete { object: object.which(), replaced: true, first: true };
                let delete = self.step(delete, cause.reason.clone());
                Ended::from(Step { name: Some(object.name.clone()), revision: Some(live.revision.clone()), ..delete })
            }
            false => old,
        };
        // What is replaced for a reason of its own need not know what becomes of a host that it leaves.
        let is_certain = changes.iter().any(|change| change.replaces && !has_holes(&change.after));
        let host = host.filter(|_| !is_certain).map(|(host, _)| self.input.stack.index[host] as usize);
        let after = host.and_then(|host| self.known.last[host]).into_iter().collect();
        let create = self.step(StepAction::Create { generation, replaces: true }, cause.reason);
        let new = Step { name: name.clone(), spec: Some(desired.spec.json()), changes, after, ..create };
        let facts = Facts { name, reported: None, changing: true };
        Ok((self.replaced_by(new, old, makes_room), Some(facts)))
    }

    /// What is protected, or holds data, is not replaced.
    fn may_be_replaced(&self, Cause { because, undo, .. }: &Cause) -> Result<(), Refusal> {
        if self.node.options.protect || self.record.is_some_and(|record| record.protect) {
            let hint = format!("take `.protect()` away and apply that first, or {undo}");
            return self.refuse(format!("is protected, and {because}"), hint);
        }
        if self.node.kind.facts().stateful {
            let hint = format!("{undo}, or declare a new one under another name and move the data");
            return self.refuse(format!("holds data that would be lost: {because}"), hint);
        }
        Ok(())
    }

    /// How the object ends that another one takes the place of, once that is there.
    fn end_of_replaced(&self, object: &Object, live: &ErasedLive, is_retained: bool, goes_along: bool) -> Ended {
        let named =
            |step: Step| Step { name: Some(object.name.clone()), revision: Some(live.revision.clone()), ..step };
        if is_retained {
            let Ended { step, kept } = retain(&self.node.address, object, KEPT);
            let Step { at, node, .. } = self.step(step.action.clone(), Reason::Retained);
            Ended { step: Step { at, node, ..step }, kept }
        } else if goes_along {
            let drop = StepAction::Drop { object: object.which() };
            Ended::from(named(self.step(drop, Reason::HostReplaced)))
        } else {
            let delete = StepAction::Delete { object: object.which(), replaced: true, first: false };
            Ended::from(named(self.step(delete, Reason::Superseded)))
        }
    }

    fn replaced_by(&self, new: Step, old: Ended, makes_room: bool) -> Decision {
        let in_use = self.is_in_use();
        let goes = self.goes(makes_room);
        Decision::Replace(Box::new(Replace { new, old: Some(old).filter(|_| makes_room || !in_use), goes }))
    }

    /// Whether something uses its object that is left out or planned later.
    fn is_in_use(&self) -> bool {
        self.known.selected.is_in_use(&self.node.address)
    }

    /// An object that was replaced and is still there, and can be what is wanted now: of contents the one of this name; of
    /// generations the latest that needs no new object.
    pub(super) fn left_from_before(
        &self,
        name: Option<&PhysicalName>,
        desired: &Desired,
    ) -> Option<(&'a Object, &'a ErasedLive)> {
        let seen = self.input.observed.objects.get(&self.node.address)?;
        let old = self.record?.old.iter().zip(&seen.old);
        let mut there = old.filter_map(|(old, live)| Some((old, live.as_ref()?)));
        match self.node.kind.facts().naming {
            Naming::Content => there.find(|(old, _)| Some(&old.name) == name),
            Naming::Generation => {
                let fits = |(old, live): &(&Object, &ErasedLive)| {
                    let has_mark = live.is_own(&self.input.lineage);
                    has_mark && !self.differences(old, live, desired).iter().any(|change| change.replaces)
                };
                there.filter(fits).max_by_key(|(old, _)| old.generation)
            }
            Naming::Fixed | Naming::None => None,
        }
    }

    /// An object that exists and may take the place of the one that is recorded.
    fn adoptable(&self, name: Option<&PhysicalName>) -> Option<&'a ErasedLive> {
        let [stray] = self.strays(name) else { return None };
        // What was left in place when it was replaced is the resource's own.
        let was_left = self.record.is_some_and(|record| record.left.iter().any(|left| left.id == stray.id));
        let may = self.node.options.adopt || was_left;
        (may && !stray.is_theirs(&self.input.lineage)).then_some(stray)
    }

    /// The earlier object takes its place again, and is updated if other settings have changed since. What is in its place
    /// until now goes once that is whole.
    pub(super) fn use_again(
        &self,
        left: &Object,
        there: &ErasedLive,
        desired: &Desired,
        mut changes: Vec<Change>,
        replaced: Option<Ended>,
    ) -> Choice {
        let later = self.differences(left, there, desired);
        if let Some(change) = later.iter().find(|change| change.replaces) {
            let message =
                format!("is to be `{}` again, and somebody else has changed `{}` of that", left.name, change.path);
            return self.refuse(message, "remove that object, or change the content");
        }
        changes.retain(|change| change.replaces);
        let name = Some(left.name.clone());
        let restore = self.step(StepAction::Restore { object: left.which() }, Reason::Replaced);
        let restored = Step { name: name.clone(), changes, ..restore };
        let then = match (later.is_empty(), left.ready, self.node.kind.facts().needs_ready) {
            (true, true, _) => None,
            (true, false, true) => Some(StepAction::Await),
            _ => Some(StepAction::Update),
        };
        let then = then.map(|action| Step {
            name: name.clone(),
            changes: later,
            revision: Some(there.revision.clone()),
            ..self.step(action, Reason::Changed)
        });
        let reported = Some(self.input.reported(&self.node.kind, &there.state));
        let facts = Facts { name, reported, changing: then.is_some() };
        let replaced = replaced.filter(|_| !self.is_in_use());
        let restore = Restore { restored, then, replaced, goes: self.goes(false) };
        Ok((Decision::Restore(Box::new(restore)), Some(facts)))
    }

    /// Whether it must be replaced with something that is deleted before its own successor is made: then it goes before that.
    fn stands_on_what_makes_room(&self, object: &Object, changes: &[Change]) -> bool {
        let makes_room =
            |dep: u32| self.known.replaced.get(&(dep as usize)).is_some_and(|dep| dep.goes == HostGoes::First);
        let stood = |change: &Change| change.replaces && !change.before.is_null();
        self.node.deps.iter().any(|&dep| {
            let address = &self.input.stack.nodes[dep as usize].address;
            makes_room(dep)
                && object.deps.contains(address)
                && changes.iter().any(|change| stood(change) && compare::waits_for(&change.after, address.as_str()))
        })
    }
}

fn cause(changes: &[Change], host: Option<(&Address, Replaced)>) -> Cause {
    let settings = changes.iter().filter(|change| change.replaces).map(|change| format!("`{}`", change.path));
    let settings = settings.collect::<Vec<_>>().join(", ");
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
    Cause { reason, because, undo }
}
