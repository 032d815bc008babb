//! Claims: what resources take at their services that not everybody can have, such as a published port.
//!
//! Two declared resources that claim one thing are a problem. A claim that moves from one resource to another in a plan is
//! handed over: the step that releases it ends before the step that takes it begins. A claim of an object that stays is a
//! problem of the resource that wants it.

use std::collections::HashMap;

use super::decide::{Case, problem};
use super::{Builder, Knowledge, PlannerInput};
use crate::base::Address;
use crate::erased::KindHandle;
use crate::kind::Claim;
use crate::plan::{Problem, Reason, StepAction, StepId};
use crate::planner::Handover;
use crate::stack::Node;
use crate::state::{Object, Record};

/// What is claimed, and the place of the first provider of its server in the stack.
type Claimed = (usize, String);

/// The claims of declared resources.
pub(super) type Claims = HashMap<Claimed, Vec<Claimant>>;

/// A declared resource that claims something.
#[derive(Clone, Copy)]
pub(super) struct Claimant {
    node: usize,
    /// Why nobody else can have it, if so.
    alone: Option<&'static str>,
}

/// How a recorded object gives up a claim.
enum Release {
    /// With the end of this step.
    Step(usize),
    /// It does not: the reason.
    Never(&'static str),
    /// It has none any more, or what there is to say of it is said elsewhere.
    Settled,
}

impl PlannerInput<'_> {
    /// What an object has claimed: as it is seen, or else as it is recorded.
    fn held(&self, address: &Address, object: &Object, provider: usize, kind: &KindHandle) -> Vec<Claim> {
        let seen = self.observed.objects.get(address);
        let live = seen.and_then(|seen| {
            let mut all = seen.current.iter().chain(seen.old.iter().flatten());
            all.find(|live| live.id == object.id && live.name == object.name)
        });
        let name = self.canonical(provider, kind, &object.name);
        kind.claims(live, Some(object), &name, self.key)
    }
}

/// What the object of a declared resource is to claim.
fn wanted(input: &PlannerInput<'_>, known: &Knowledge<'_>, node: &Node, index: usize) -> Result<Vec<Claim>, String> {
    let name = known.values.nodes[index].name.as_ref().unwrap_or(&node.name);
    node.draft.claims(&known.values, input.key, &input.canonical(node.provider, &node.kind, name))
}

impl Case<'_, '_> {
    /// Whether the next object of a resource can't be there as long as this one is.
    pub(super) fn claims_the_same(&self, object: &Object) -> bool {
        let node = self.node;
        if !node.kind.facts().claims {
            return false;
        }
        let held = self.input.held(&node.address, object, node.provider, &node.kind);
        let next = wanted(self.input, self.known, node, self.index).unwrap_or_default();
        next.iter().any(|next| held.iter().any(|held| held.what == next.what && next.alone.or(held.alone).is_some()))
    }
}

impl Builder<'_> {
    /// Notes what a declared resource claims, and compares it with what those before it do.
    pub(super) fn claim(&mut self, index: usize, node: &Node) {
        if !node.kind.facts().claims {
            return;
        }
        let claims = match wanted(&self.input, &self.known, node, index) {
            Ok(claims) => claims,
            Err(panicked) => return self.problems.push(problem(node, panicked)),
        };
        let stack = self.input.stack;
        for Claim { what, alone } in claims {
            let claimed = self.claims.entry((self.known.servers[node.provider], what.clone())).or_default();
            let others = claimed.iter().filter(|other| other.node != index);
            let clash = others.filter_map(|other| Some((other.node, alone.or(other.alone)?))).next();
            claimed.push(Claimant { node: index, alone });
            if let Some((other, why)) = clash {
                let other = &stack.nodes[other].address;
                self.problems.push(problem(node, format!("needs {what}, as `{other}` does: {why}")));
            }
        }
    }

    /// The claims that move from one resource to another: which step must end before which.
    pub(super) fn hand_over(&mut self) {
        let takes = |node: usize| {
            let step = self.known.last[node]?;
            let action = &self.known.steps[step.index()].action;
            matches!(action, StepAction::Create { .. } | StepAction::Adopt { .. } | StepAction::Update).then_some(step)
        };
        let mut takers: HashMap<Claimed, Vec<(Claimant, StepId)>> = HashMap::new();
        for (place, claimants) in &self.claims {
            let taking: Vec<_> = claimants.iter().filter_map(|by| Some((*by, takes(by.node)?))).collect();
            if !taking.is_empty() {
                takers.insert(place.clone(), taking);
            }
        }
        if takers.is_empty() {
            return;
        }
        let mut steps_of: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (at, step) in self.known.steps.iter().enumerate() {
            steps_of.entry(&step.address).or_default().push(at);
        }
        let steps_of: HashMap<Address, Vec<usize>> =
            steps_of.into_iter().map(|(address, steps)| (address.clone(), steps)).collect();
        let snapshot = self.input.snapshot;
        for (address, record) in &snapshot.records {
            let steps = steps_of.get(address).map_or(&[][..], Vec::as_slice);
            let node = self.input.stack.index.get(address).map(|&index| index as usize);
            // What is declared and needs no step has what it claims.
            if node.is_some() && steps.is_empty() && !self.known.selected.leaves_out(address) {
                continue;
            }
            let Some(kind) = (self.input.kind)(record, address).filter(|kind| kind.facts().claims) else { continue };
            let providers = &self.input.stack.providers;
            let Some(provider) = providers.iter().position(|node| node.name == record.provider) else { continue };
            for object in record.objects() {
                for held in self.input.held(address, object, provider, &kind) {
                    let place = (self.known.servers[provider], held.what);
                    for &(taker, step) in takers.get(&place).into_iter().flatten() {
                        let Some(why) = held.alone.or(taker.alone) else { continue };
                        self.takes_over((address, record, object, node), steps, (taker, step), &place, why);
                    }
                }
            }
        }
        self.held_without_record(&takers);
    }

    /// What has this stack's owner tag and no record keeps what it claims: it was left in place, or lost.
    fn held_without_record(&mut self, takers: &HashMap<Claimed, Vec<(Claimant, StepId)>>) {
        let stack = self.input.stack;
        let mut problems = Vec::new();
        for ((provider, kind, _), strays) in &self.input.observed.strays {
            let node = stack
                .nodes
                .iter()
                .find(|node| node.kind.facts().kind == *kind && stack.providers[node.provider].name == *provider);
            let Some(node) = node.filter(|node| node.kind.facts().claims) else { continue };
            for live in strays.iter().filter(|live| live.is_own(&self.input.lineage)) {
                let name = self.input.canonical(node.provider, &node.kind, &live.name);
                for held in node.kind.claims(Some(live), None, &name, self.input.key) {
                    for &(taker, step) in
                        takers.get(&(self.known.servers[node.provider], held.what.clone())).into_iter().flatten()
                    {
                        let step = &self.known.steps[step.index()];
                        let takes_it = matches!(step.action, StepAction::Adopt { .. })
                            && step.revision.as_ref() == Some(&live.revision);
                        if let (Some(why), false) = (held.alone.or(taker.alone), takes_it) {
                            let (what, id) = (&held.what, &live.id);
                            let message = format!(
                                "needs {what}, which `{}` (`{id}`) has, and no record has that: {why}",
                                live.name
                            );
                            let hint = "it has this stack's owner tag: it was left in place, or lost from the state; delete \
                                        it at its service, or `import` it";
                            let problem = problem(&stack.nodes[taker.node], message);
                            problems.push(Problem { hint: Some(hint.into()), ..problem });
                        }
                    }
                }
            }
        }
        problems.sort_by(|one, other| (&one.address, &one.message).cmp(&(&other.address, &other.message)));
        self.problems.extend(problems);
    }

    fn takes_over(
        &mut self,
        (address, record, object, node): (&Address, &Record, &Object, Option<usize>),
        steps: &[usize],
        (taker, step): (Claimant, StepId),
        place: &Claimed,
        why: &'static str,
    ) {
        let is_current = record.object.as_ref().is_some_and(|current| current.which() == object.which());
        let makes = matches!(self.known.steps[step.index()].action, StepAction::Create { .. });
        if node == Some(taker.node) && is_current && !makes {
            return;
        }
        match self.release(address, object, node.filter(|_| is_current), steps, place) {
            Release::Step(release) if release != step.index() => {
                self.handovers.push(Handover { release, taker: step.index(), what: place.1.clone() })
            }
            Release::Step(_) | Release::Settled => {}
            Release::Never(reason) => {
                let node = &self.input.stack.nodes[taker.node];
                let message = format!("needs {}, which `{address}` has, and {reason}: {why}", place.1);
                self.problems.push(problem(node, message));
            }
        }
    }

    /// How an object gives up what it claims. `node` is its resource, if that is declared and this is its current object.
    fn release(
        &self,
        address: &Address,
        object: &Object,
        node: Option<usize>,
        steps: &[usize],
        place: &Claimed,
    ) -> Release {
        for &at in steps {
            let step = &self.known.steps[at];
            match &step.action {
                StepAction::Drop { object: which } if object.is(which) && step.reason == Reason::Gone => {
                    return Release::Settled;
                }
                StepAction::Drop { object: which } if object.is(which) && step.reason == Reason::Retained => {
                    return Release::Never("it is left in place");
                }
                StepAction::Delete { object: which, .. } | StepAction::Drop { object: which } if object.is(which) => {
                    return Release::Step(at);
                }
                StepAction::Leave => return Release::Never("it is left in place"),
                _ => {}
            }
        }
        if self.known.selected.leaves_out(address) {
            return Release::Never("this plan leaves it out");
        }
        if self.known.selected.is_in_use(address) {
            return Release::Never("it stays as long as what this plan leaves out was made from it");
        }
        let Some(node) = node else { return Release::Settled };
        if self.claims[place].iter().any(|by| by.node == node) {
            return Release::Settled;
        }
        match self.known.last[node] {
            Some(step) if matches!(self.known.steps[step.index()].action, StepAction::Update) => {
                Release::Step(step.index())
            }
            _ => Release::Settled,
        }
    }
}
