//! Names at services: which step takes one, and whose it is until then.
//!
//! A name belongs to one object at a time. Who is to be made under a name that another object has waits until that object is
//! deleted, if this plan deletes it for a new object of its resource; if it stays, that is a problem. What is deleted since its
//! address is not declared any more, while another address would make an object of the very name, is most likely one object
//! under two addresses: it is never deleted and made in one plan, and the plan proposes the move.

use std::collections::HashMap;

use super::decide::problem;
use super::{Builder, PlannerInput, name_of, next_generation};
use crate::base::{Address, PhysicalName, Place, ProviderName};
use crate::erased::KindHandle;
use crate::kind::Naming;
use crate::plan::{Problem, Reason, StepAction, StepId};
use crate::planner::dependents;
use crate::planner::order::leads_to;
use crate::stack::Node;
use crate::state::{Object, Record};

/// A name at a service: of a server, by the place of its first provider in the stack, and a kind; in the one way of writing it.
type Key<'k> = (usize, &'k str, PhysicalName);

/// Records of one provider and kind: which provider of the stack that is, and the kind; none if it has no names.
type OfKind<'k> = (&'k ProviderName, &'k str, Option<(usize, KindHandle)>);

/// The name that a resource is to have, by the step that takes it.
struct Taken<'s> {
    step: StepId,
    node: &'s Node,
}

/// A step that makes an object under a name, and the one that gives the name up.
pub(super) struct HandOver {
    taken: StepId,
    given_up: StepId,
}

/// What a plan does with an object that has a name.
enum Fate {
    /// It has gone already.
    Gone,
    /// This step gives its name up.
    GivenUp(StepId),
    Stays,
}

impl<'a> Builder<'a> {
    /// Lets each step that makes an object wait for the one that gives its name up.
    pub(super) fn hand_over_names(&mut self) -> Vec<HandOver> {
        let taken = self.taken_names();
        if taken.is_empty() {
            return Vec::new();
        }
        let (stack, snapshot) = (self.input.stack, self.input.snapshot);
        let mut steps_of: Option<HashMap<Address, Vec<StepId>>> = None;
        let mut kind: Option<OfKind<'_>> = None;
        let mut found = Vec::new();
        let mut problems = Vec::new();
        for (address, record) in &snapshot.records {
            // Records of a kind are side by side.
            if kind.as_ref().is_none_or(|(provider, name, _)| **provider != record.provider || *name != address.kind())
            {
                let handle = (self.input.kind)(record, address).filter(|kind| kind.facts().naming != Naming::None);
                kind = Some((&record.provider, address.kind(), self.place_of(&record.provider).zip(handle)));
            }
            let Some((_, _, Some((provider, handle)))) = &kind else { continue };
            for (place, object) in record.objects().enumerate() {
                let name = self.input.canonical(*provider, handle, &object.name);
                let Some(taken) = taken.get(&(self.known.servers[*provider], address.kind(), name)) else { continue };
                if taken.node.address == *address {
                    continue;
                }
                let steps = steps_of.get_or_insert_with(|| self.steps_by_address());
                let steps = steps.get(address).map_or(&[][..], Vec::as_slice);
                let declared = stack.index.get(address).map(|&index| &stack.nodes[index as usize]);
                match (self.fate(address, record, place, object, steps), declared) {
                    (Fate::Gone, _) => {}
                    (Fate::GivenUp(step), Some(_)) => found.push(HandOver { taken: taken.step, given_up: step }),
                    (Fate::GivenUp(_), None) => problems.push(one_object(taken.node, address, object, true)),
                    (Fate::Stays, None) => problems.push(one_object(taken.node, address, object, false)),
                    (Fate::Stays, Some(other)) => problems.push(self.is_kept(taken.node, other, record, object)),
                }
            }
        }
        self.problems.extend(problems);
        for HandOver { taken, given_up } in &found {
            self.known.steps[taken.index()].after.push(*given_up);
        }
        found
    }

    /// The names that this plan's steps give to new objects. That two take one is a problem.
    fn taken_names(&mut self) -> HashMap<Key<'a>, Taken<'a>> {
        let stack = self.input.stack;
        let mut taken: HashMap<Key<'a>, Taken<'a>> = HashMap::new();
        let mut problems = Vec::new();
        for (step, number) in self.known.steps.iter().zip(StepId::all()) {
            let (StepAction::Create { .. }, Some(index), Some(name)) = (&step.action, step.node, &step.name) else {
                continue;
            };
            let node = &stack.nodes[index as usize];
            let facts = node.kind.facts();
            if facts.naming == Naming::None {
                continue;
            }
            let key =
                (self.known.servers[node.provider], facts.kind, self.input.canonical(node.provider, &node.kind, name));
            if let Some(other) = taken.get(&key) {
                let message = format!("is to be `{name}` at its service, as `{}` is", other.node.address);
                problems.push(Problem { hint: Some(another_name(other.node)), ..problem(node, message) });
            } else {
                taken.insert(key, Taken { step: number, node });
            }
        }
        self.problems.extend(problems);
        taken
    }

    fn steps_by_address(&self) -> HashMap<Address, Vec<StepId>> {
        let mut steps: HashMap<Address, Vec<StepId>> = HashMap::new();
        for (step, number) in self.known.steps.iter().zip(StepId::all()) {
            steps.entry(step.address.clone()).or_default().push(number);
        }
        steps
    }

    fn fate(&self, address: &Address, record: &Record, place: usize, object: &Object, steps: &[StepId]) -> Fate {
        if let Some(seen) = self.input.observed.objects.get(address) {
            let is_current = place == 0 && record.object.is_some();
            let old = place - usize::from(record.object.is_some() && !is_current);
            let live = if is_current { seen.current.as_ref() } else { seen.old.get(old).and_then(Option::as_ref) };
            if live.is_none() {
                return Fate::Gone;
            }
        }
        let gives_up = |step: &&StepId| match &self.known.steps[step.index()] {
            step if matches!(&step.action, StepAction::Delete { object: which, .. } if object.is(which)) => true,
            step if matches!(step.reason, Reason::HostDeleted | Reason::HostReplaced) => {
                matches!(&step.action, StepAction::Drop { object: which } if object.is(which))
            }
            _ => false,
        };
        steps.iter().find(gives_up).map_or(Fate::Stays, |&step| Fate::GivenUp(step))
    }

    /// The name that is to be taken is that of a declared resource's object, which stays.
    fn is_kept(&self, node: &Node, other: &Node, record: &Record, object: &Object) -> Problem {
        let message = format!("needs the name `{}`, and the object of `{}` has it", object.name, other.address);
        let is_current = record.object.as_ref().is_some_and(|current| current.is(&object.which()));
        let next = name_of(other, next_generation(record), &serde_json::Value::Null);
        let gives_up = is_current
            && !other.kind.facts().stateful
            && next.is_some_and(|next| {
                self.input.canonical(other.provider, &other.kind, &next)
                    != self.input.canonical(other.provider, &other.kind, &object.name)
            });
        let hint = another_name(other);
        let hint = match gives_up {
            true => format!("`--replace {}` gives the name up in the same run; or {hint}", other.address),
            false => hint,
        };
        Problem { hint: Some(hint), ..problem(node, message) }
    }

    /// After all else is ordered: a step that would wait for itself can't wait for a name, and that is a problem.
    pub(super) fn check_hand_overs(&mut self, found: Vec<HandOver>) {
        if found.is_empty() || dependents(&self.known.steps).1.is_some() {
            return;
        }
        for HandOver { taken, given_up } in found {
            let waits = |after: &mut Vec<StepId>| after.retain(|&step| step != given_up);
            waits(&mut self.known.steps[taken.index()].after);
            let (dependents, _) = dependents(&self.known.steps);
            if !leads_to(&dependents, taken.index(), given_up.index()) {
                self.known.steps[taken.index()].after.push(given_up);
                continue;
            }
            let (step, other) = (&self.known.steps[taken.index()], &self.known.steps[given_up.index()]);
            let name = other.name.as_ref().map_or("", PhysicalName::as_str);
            let message =
                format!("needs the name `{name}`, which `{}` gives up only after this one is made", other.address);
            let hint = "do it in two runs, first without this one; or choose another name with `.named(…)`".to_owned();
            self.problems.push(Problem {
                address: step.address.clone(),
                message,
                hint: Some(hint),
                at: step.at.clone(),
            });
        }
    }

    /// Which of the stack's providers an object was made with.
    fn place_of(&self, provider: &ProviderName) -> Option<usize> {
        let providers = &self.input.stack.providers;
        let is_it = |other: &ProviderName| other == provider;
        providers
            .iter()
            .position(|declared| is_it(&declared.name))
            .or_else(|| providers.iter().position(|declared| (self.input.same_server)(&declared.name, provider)))
    }
}

impl PlannerInput<'_> {
    /// The one way of writing a name.
    pub(super) fn canonical(&self, provider: usize, kind: &KindHandle, name: &PhysicalName) -> PhysicalName {
        kind.canonical(name, self.configs.of(provider))
    }
}

/// An object whose address is not declared any more has the name that another address would make one of.
fn one_object(node: &Node, old: &Address, object: &Object, is_deleted: bool) -> Problem {
    let fate = if is_deleted { "is to be deleted" } else { "stays" };
    let message = format!(
        "is to be made as `{}`, and the object of `{old}`, which is not declared any more, has that name and {fate}",
        object.name
    );
    let mut hint = format!("`.moved_from(\"{old}\")` keeps the object under this address");
    if !node.kind.facts().stateful {
        hint += &format!("; with `--replace {}` as well, a new one takes its place", node.address);
    }
    Problem { hint: Some(hint), ..problem(node, message) }
}

pub(super) fn another_name(other: &Node) -> String {
    format!("give one of them another name with `.named(…)`; `{}` is at {}", other.address, Place::of(other.at))
}
