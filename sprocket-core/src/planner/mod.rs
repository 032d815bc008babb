//! The planner: compares what is declared with what is recorded and with what is there.
//!
//! Resources are looked at in the order of their declaration, so that what is known of those before decides what is known of
//! the settings of those after. **Invariant:** no I/O, no clock, no randomness.

mod claims;
pub(crate) mod compare;
mod conceal;
mod creation;
mod cycle;
mod deferral;
mod deletes;
mod desired;
mod drift;
mod existing;
mod hosts;
mod moves;
mod naming;
mod observed;
pub(crate) mod order;
mod orphans;
mod outputs;
mod owner_tags;
mod patterns;
mod physical_names;
mod replacement;
mod targets;
pub(crate) mod triggers;

use std::collections::{BTreeMap, HashMap};

use self::cycle::break_cycles;
use self::order::order_steps;
use crate::base::{Address, Json, Lineage, PhysicalName, Place, ProviderName};
use crate::erased::KindHandle;
use crate::kind::Naming;
use crate::plan::{
    Change, Deferred, Goal, Kept, Pattern, Plan, Problem, Reason, Request, Settlement, Step, StepAction,
};
use crate::stack::{self, Configs, Node, Stack};
use crate::state::{Object, Record, Snapshot};
use crate::value::{Facts, Known, Reported, StackKey};

use self::claims::Claims;
pub(crate) use self::compare::{Compared, accepts, has_holes, is_as_wanted, real_changes};
use self::hosts::Replaced;
pub(crate) use self::moves::Moves;
pub(crate) use self::naming::{name_of, next_generation, next_name};
pub(crate) use self::observed::{Name, Observed, Recovered, Seen};
pub(crate) use self::order::{Handover, dependents};
pub(crate) use self::outputs::{output_problem, output_values};
use self::targets::Selected;

/// What a plan is made of.
pub(crate) struct Basis<'a> {
    pub(crate) stack: &'a Stack,
    /// What is recorded, with the moves and settlements taken in.
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) observed: &'a Observed,
    pub(crate) key: &'a StackKey,
    /// The key is a proposal: names that are made with it are not decided yet.
    pub(crate) key_is_new: bool,
    /// The settings of the stack's providers.
    pub(crate) configs: &'a Configs,
    pub(crate) moves: Moves,
    pub(crate) settled: Vec<Settlement>,
    /// Who runs something else at the same time.
    pub(crate) beside: Option<String>,
    /// The kind of a recorded resource.
    pub(crate) kind: &'a dyn Fn(&Record, &Address) -> Option<KindHandle>,
    /// Whether two providers are one server.
    pub(crate) same_server: &'a dyn Fn(&ProviderName, &ProviderName) -> bool,
    /// The state that was loaded.
    pub(crate) lineage: Lineage,
    pub(crate) serial: u64,
}

/// Makes the plan.
pub(crate) fn build(mut basis: Basis<'_>, request: &Request) -> Plan {
    let nodes = basis.stack.nodes.len();
    let warnings = if request.goal == Goal::Declared { basis.moves.take_warnings() } else { Vec::new() };
    let mut builder = Builder {
        known: Known { answers: basis.observed.answers.clone(), ..basis.stack.nothing_known(basis.key) },
        last: vec![None; nodes],
        replaced: HashMap::new(),
        steps: Vec::new(),
        problems: Vec::new(),
        warnings,
        deferred: BTreeMap::new(),
        delayed: Vec::new(),
        kept: Vec::new(),
        unchanged: 0,
        claims: Claims::new(),
        handovers: Vec::new(),
        servers: servers(&basis),
        names: HashMap::with_capacity(nodes),
        selected: Selected::of(
            request,
            basis.stack,
            basis.snapshot,
            &basis.moves.made,
            |provider| basis.observed.is_unread(provider),
            |address, record| deletes::stays(&basis, address, record).is_some(),
        ),
        request,
        basis,
    };
    builder.unmatched();
    let outputs = match request.goal {
        Goal::Declared => {
            let (recorded, gone) = builder.basis.stack.recorded(builder.basis.snapshot);
            for (index, record) in recorded.into_iter().enumerate() {
                builder.node(index, record);
                let settles = |step: u32| builder.steps[step as usize].action.settles_answers();
                if builder.replaced.contains_key(&index) || builder.last[index].is_some_and(settles) {
                    builder.known.forget_answers(&builder.basis.stack.nodes[index].asked_about);
                }
            }
            builder.undeclared(&gone);
            builder.defer_pending();
            builder.defer_delayed();
            builder.outputs()
        }
        Goal::Destroyed { include_kept } => {
            builder.destroy(include_kept);
            builder.defer_pending();
            BTreeMap::new()
        }
    };
    builder.finish(outputs)
}

fn servers(basis: &Basis<'_>) -> Vec<usize> {
    let providers = &basis.stack.providers;
    let first = |at: usize| {
        let is_it = |other: &usize| (basis.same_server)(&providers[*other].name, &providers[at].name);
        (0..at).find(is_it).unwrap_or(at)
    };
    (0..providers.len()).map(first).collect()
}

struct Builder<'a> {
    basis: Basis<'a>,
    request: &'a Request,
    selected: Selected<'a>,
    known: Known,
    /// By resource, the step that those who use it wait for.
    last: Vec<Option<u32>>,
    /// By resource, how it is replaced, if it is.
    replaced: HashMap<usize, Replaced>,
    steps: Vec<Step>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// By provider, what is read after something has opened it.
    deferred: BTreeMap<ProviderName, Deferred>,
    /// What is replaced only once those are read, as it is deleted first and something of them was made from it.
    delayed: Vec<Address>,
    kept: Vec<Kept>,
    unchanged: usize,
    /// Who has claimed what.
    claims: Claims,
    /// Steps that begin once others have released what they take.
    handovers: Vec<Handover>,
    /// For each provider, the index of the first provider that connects to the same server.
    servers: Vec<usize>,
    /// Which declared resource has which name, by server and kind.
    names: HashMap<(usize, &'static str, PhysicalName), usize>,
}

impl<'a> Builder<'a> {
    fn node(&mut self, index: usize, record: Option<&Record>) {
        let node = &self.basis.stack.nodes[index];
        let object = record.and_then(|record| record.object.as_ref());
        let problems = self.problems.len();
        self.decide(index, node, record, object);
        if !self.selected.leaves_out(&node.address) {
            self.claim(index, node);
        }
        if self.problems.len() > problems && self.last[index].is_none() {
            // Who uses it has no problem of its own.
            self.left_out(index, node, object);
        }
    }

    fn decide(&mut self, index: usize, node: &Node, record: Option<&Record>, object: Option<&Object>) {
        if self.contradicts(index, node, record) {
            return;
        }
        if self.selected.leaves_out(&node.address) {
            return self.left_out(index, node, object);
        }
        if self.is_put_off(index, node, record) {
            return;
        }
        let Some(desired) = self.evaluate(node, object) else { return };
        let seen = self.basis.observed.objects.get(&node.address);
        let live = seen.and_then(|seen| seen.current.as_ref());
        if let (Some(object), Some(live)) = (object, live)
            && self.is_taken(&node.address, Some(Place::of(node.at)), object, live)
        {
            return;
        }
        if let Some(record) = record {
            self.superseded(node, record);
        }
        match (object, live) {
            (None, _) => self.without_object(index, node, record, &desired),
            (Some(object), None) => {
                let step = StepAction::Create { generation: object.generation, replaces: false };
                let name = self.name(node, object.generation, &desired);
                if let Some((left, there)) = self.left_from_before(node, record, name.as_ref(), &desired) {
                    let drop = StepAction::Drop { object: object.which() };
                    let gone = self.step(index, node, drop, Reason::Gone, Some(object.name.clone()));
                    return self.use_again(index, node, left, there, &desired, Vec::new(), Some(gone));
                }
                if let Some(other) = self.strays(node, name.as_ref()).first() {
                    let message = format!("has gone, and another object is named `{}` now", other.name);
                    let hint = match other.is_theirs(&self.basis.lineage) {
                        true => {
                            "another stack owns that: remove it there, or choose another name here: `state forget` this \
                             one, and `.named(…)`"
                                .to_owned()
                        }
                        false => format!(
                            "remove that; or take it over: `state forget {}`, and declare it with `.adopt()`",
                            node.address
                        ),
                    };
                    return self.problems.push(Problem { hint: Some(hint), ..Self::problem(node, message) });
                }
                self.create(index, node, step, Reason::Gone, name, &desired);
            }
            (Some(object), Some(live)) => self.existing(index, node, record, object, live, &desired),
        }
    }

    /// It stays as it is: who uses it is told what it was.
    pub(super) fn left_out(&mut self, index: usize, node: &Node, object: Option<&Object>) {
        let Some(object) = object else { return };
        let live = self.basis.observed.objects.get(&node.address).and_then(|seen| seen.current.as_ref());
        let state = live.map_or(&object.state, |live| &live.state);
        let (name, reported) = (Some(object.name.clone()), Some(self.reported(&node.kind, state)));
        self.known.nodes[index] = Facts { name, reported, changing: false };
    }

    /// Whether a pattern means this resource, also by the address that it has in this plan for the last time.
    fn is_meant(&self, pattern: &Pattern, address: &Address) -> bool {
        let is_free = |from: &&Address| !self.basis.stack.index.contains_key(*from);
        pattern.matches(address)
            || self.basis.moves.origin(address).filter(is_free).is_some_and(|from| pattern.matches(from))
    }

    /// What the program says of this resource contradicts what it says of another, or what is recorded.
    fn contradicts(&mut self, index: usize, node: &Node, record: Option<&Record>) -> bool {
        let before = self.problems.len();
        let provider = &self.basis.stack.providers[node.provider].name;
        if let Some(record) = record.filter(|record| record.provider != *provider)
            && !(self.basis.same_server)(&record.provider, provider)
            // Which server one is that can't be read yet is seen later.
            && ![&record.provider, provider].iter().any(|name| self.basis.observed.is_unread(name))
        {
            let message =
                format!("was made with `{}`, and is declared on `{provider}`, another server", record.provider);
            let hint = "declare it under another name there, and take this one away";
            self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
        }
        self.problems.extend(self.basis.moves.contested(index).cloned());
        if node.kind.facts().naming != Naming::None {
            let name = self.canonical(node.provider, &node.kind, &node.name);
            if let Some(other) = self.names.insert((self.servers[node.provider], node.kind.facts().kind, name), index) {
                let other = &self.basis.stack.nodes[other];
                let message = format!("has the name `{}` at its service, as `{}` has", node.name, other.address);
                let hint = Some(physical_names::another_name(other));
                self.problems.push(Problem { hint, ..Self::problem(node, message) });
            }
        }
        self.problems.len() > before
    }

    fn finish(mut self, outputs: BTreeMap<String, Change>) -> Plan {
        self.tell_of_orphans();
        let handed_over = self.hand_over_names();
        self.hand_over();
        order_steps(&mut self.steps, self.basis.snapshot, &self.handovers);
        self.check_hand_overs(handed_over);
        let problems = break_cycles(&mut self.steps, &self.handovers);
        self.problems.extend(problems);
        let (stack, request) = (self.basis.stack, self.request);
        let mut plan = Plan {
            request: request.clone(),
            lineage: self.basis.lineage,
            serial: self.basis.serial,
            steps: self.steps,
            moved: self.basis.moves.made,
            settled: self.basis.settled,
            beside: self.basis.beside,
            kept: self.kept,
            problems: self.problems,
            warnings: self.warnings,
            deferred: self.deferred.into_values().filter(|deferred| !deferred.resources.is_empty()).collect(),
            outputs,
            unchanged: self.unchanged,
            left_out: self.selected.into_left_out(),
            proposed_key: self.basis.key_is_new.then(|| self.basis.key.clone()),
        };
        stack::judge(stack, request, &mut plan);
        conceal::conceal(&mut plan, self.basis.key);
        plan
    }

    fn step(&self, index: usize, node: &Node, action: StepAction, reason: Reason, name: Option<PhysicalName>) -> Step {
        let mut after: Vec<u32> = node.deps.iter().filter_map(|&dep| self.last[dep as usize]).collect();
        after.sort_unstable();
        after.dedup();
        let index = u32::try_from(index).expect("a stack has fewer than four billion resources");
        Step {
            name,
            after,
            at: Some(Place::of(node.at)),
            node: Some(index),
            ..Step::new(&node.address, action, reason)
        }
    }

    fn push(&mut self, index: usize, step: Step) -> u32 {
        self.steps.push(step);
        let at = self.count() - 1;
        self.last[index] = Some(at);
        at
    }

    fn count(&self) -> u32 {
        u32::try_from(self.steps.len()).expect("a plan has fewer than four billion steps")
    }

    fn problem(node: &Node, message: String) -> Problem {
        Problem { address: node.address.clone(), message, hint: None, at: Some(Place::of(node.at)) }
    }

    fn reported(&self, kind: &KindHandle, state: &Json) -> Reported {
        reported(kind, state, self.basis.key)
    }
}

/// What a service reported, for the outputs that are made of it.
pub(crate) fn reported(kind: &KindHandle, state: &Json, key: &StackKey) -> Reported {
    let (kind, state, key) = (kind.clone(), state.clone(), key.clone());
    Reported::lazy(move || kind.state(&state, &key))
}
