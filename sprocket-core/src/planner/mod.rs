//! The planner: compares what is declared with what is recorded and with what is there.
//!
//! Resources are looked at in the order of their declaration, so that what is known of those before decides what is known of
//! the settings of those after. **Invariant:** no I/O, no clock, no randomness.

mod claims;
pub(crate) mod compare;
mod conceal;
mod cycle;
mod endings;
mod existing;
mod hosts;
mod marks;
mod moves;
mod naming;
mod objects;
mod observed;
pub(crate) mod order;
mod orphans;
mod outputs;
mod patterns;
mod selected;
mod shut;
pub(crate) mod triggers;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use self::cycle::break_cycles;
use self::order::order_steps;
use crate::base::visible::shell_word;
use crate::base::{Address, Json, Lineage, PhysicalName, Place, ProviderName};
use crate::erased::{ErasedLive, Evaluated, KindHandle};
use crate::kind::Naming;
use crate::plan::{
    Change, Deferred, Goal, Kept, Pattern, Plan, Problem, Reason, Request, Settlement, Step, StepAction,
};
use crate::stack::{self, Configs, Node, Stack};
use crate::state::{Object, Record, Snapshot};
use crate::value::{Deps, Facts, Known, Partial, Path, Reported, StackKey};

use self::claims::Claims;
pub(crate) use self::compare::{Compared, accepts, has_holes, is_as_wanted, real_changes};
use self::hosts::Replaced;
pub(crate) use self::moves::Moves;
use self::naming::HASH;
pub(crate) use self::naming::{name_of, next_generation, next_name};
pub(crate) use self::observed::{Name, Observed, Recovered, Seen};
pub(crate) use self::order::{Handover, dependents};
pub(crate) use self::outputs::{output_problem, output_values};
use self::selected::Selected;

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
            |address, record| endings::stays(&basis, address, record).is_some(),
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

/// The settings of a resource, as far as they are known.
struct Desired {
    spec: Spec,
    secrets: Vec<Path>,
    /// What `.replace_on` says.
    triggers: Vec<Value>,
    /// The settings, if not all of them are known.
    partial: Option<Partial>,
}

enum Spec {
    Whole(Json),
    Partly(Value),
}

impl Spec {
    fn json(&self) -> Json {
        match self {
            Self::Whole(json) => json.clone(),
            Self::Partly(value) => Json::from(value),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Whole(json) => json.value(),
            Self::Partly(value) => value.clone(),
        }
    }
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
                let hint = Some(objects::another_name(other));
                self.problems.push(Problem { hint, ..Self::problem(node, message) });
            }
        }
        self.problems.len() > before
    }

    fn evaluate(&mut self, node: &Node, object: Option<&Object>) -> Option<Desired> {
        let stack = self.basis.stack;
        let addresses = |deps: &Deps| stack.addresses(deps);
        let applied = object.map(|object| &object.applied);
        let triggers = &node.options.replace_on;
        let triggers = triggers::values(triggers, &self.known, self.basis.key, &addresses, |node| {
            self.standing(node.index as usize)
        });
        let evaluated = node.draft.evaluate(&self.known, self.basis.key, &addresses, applied, &node.options.ignore);
        let (spec, secrets, partial, mut mistakes) = match evaluated {
            Evaluated::Whole { spec, secrets } => (Spec::Whole(spec), secrets, None, Vec::new()),
            Evaluated::Partly { spec, secrets, partial } => (Spec::Partly(spec), secrets, Some(partial), Vec::new()),
            Evaluated::Never(mistakes) => (Spec::Partly(Value::Null), Vec::new(), None, mistakes),
        };
        let triggers = triggers.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Vec::new()
        });
        for mistake in &mistakes {
            let problem = Self::problem(node, mistake.message.to_string());
            self.problems.push(Problem { at: Some(Place::of(mistake.at)), ..problem });
        }
        mistakes.is_empty().then_some(Desired { spec, secrets, triggers, partial })
    }

    /// What a resource is at, for those who are replaced when it changes; none if a step is going to change it.
    fn standing(&self, index: usize) -> Option<Value> {
        let changes = self.last[index].is_some_and(|step| {
            let action = &self.steps[step as usize].action;
            action.changes_object() && *action != StepAction::Await
        });
        let record = self.basis.snapshot.records.get(&self.basis.stack.nodes[index].address);
        (!changes).then(|| triggers::standing(record))
    }

    fn without_object(&mut self, index: usize, node: &Node, record: Option<&Record>, desired: &Desired) {
        let generation = record.map_or(1, next_generation);
        let name = self.name(node, generation, desired);
        if let Some((left, there)) = self.left_from_before(node, record, name.as_ref(), desired) {
            return self.use_again(index, node, left, there, desired, Vec::new(), None);
        }
        let create = StepAction::Create { generation, replaces: false };
        match self.strays(node, name.as_ref()) {
            [] => self.create(index, node, create, Reason::New, name, desired),
            [stray] => self.adopt(index, node, generation, stray, desired),
            several => {
                let hint = "delete all but one, or choose another name with `.named(…)`";
                let name = &several[0].name;
                let problem = Self::problem(node, format!("{} objects are named `{name}`", several.len()));
                self.problems.push(Problem { hint: Some(hint.into()), ..problem });
            }
        }
    }

    /// The objects that have this name at its service and are not recorded.
    fn strays(&self, node: &Node, name: Option<&PhysicalName>) -> &'a [ErasedLive] {
        let (facts, provider) = (node.kind.facts(), &self.basis.stack.providers[node.provider].name);
        let name = name.filter(|_| facts.naming != Naming::None);
        let strays = name.map(|name| (provider.clone(), facts.kind, self.canonical(node.provider, &node.kind, name)));
        let strays = strays.and_then(|name| self.basis.observed.strays.get(&name));
        strays.map_or(&[], Vec::as_slice)
    }

    fn create(
        &mut self,
        index: usize,
        node: &Node,
        action: StepAction,
        reason: Reason,
        name: Option<PhysicalName>,
        desired: &Desired,
    ) {
        self.review(node, desired, name.as_ref());
        let (spec, defaults) = (Some(desired.spec.json()), node.draft.defaults(self.basis.key));
        let step = Step { spec, defaults, ..self.step(index, node, action, reason, name.clone()) };
        self.push(index, step);
        self.known.nodes[index] = Facts { name, reported: None, changing: true };
    }

    fn adopt(&mut self, index: usize, node: &Node, generation: u32, stray: &ErasedLive, desired: &Desired) {
        let name = &stray.name;
        let refusal =
            if stray.is_own(&self.basis.lineage) || (node.options.adopt && !stray.is_theirs(&self.basis.lineage)) {
                None
            } else if stray.is_theirs(&self.basis.lineage) {
                Some((
                    format!("an object named `{name}` exists already, and another stack owns it"),
                    "choose another name with `.named(…)`, or remove it from the other stack first".to_owned(),
                ))
            } else {
                let whose = match stray.tag {
                    Some(_) => "its owner tag says without proof that it is this stack's",
                    None => "this stack does not own it",
                };
                Some((
                    format!("an object named `{name}` exists already, and {whose}"),
                    format!(
                        "take it over with `.adopt()` or `import {} {}`",
                        shell_word(node.address.as_str()),
                        shell_word(stray.id.as_str())
                    ),
                ))
            };
        if let Some((message, hint)) = refusal {
            self.problems.push(Problem { hint: Some(hint), ..Self::problem(node, message) });
            return;
        }
        let facts = node.kind.facts();
        let equal = match &desired.spec {
            Spec::Whole(spec) => node.kind.equal(spec, &stray.spec, &desired.secrets, self.basis.key),
            Spec::Partly(_) => false,
        };
        let mut differences = Vec::new();
        if !equal {
            // What it has in the place of a secret is one too.
            let live = node.kind.mask(stray, &desired.secrets, self.basis.key);
            let (before, after) = (&live.value(), &desired.spec.value());
            let (kind, secrets, key) = (&node.kind, &desired.secrets[..], self.basis.key);
            differences = real_changes(Compared { kind, before, after, secrets, key }, &node.options.ignore, false);
            differences.retain(|change| !compare::accepts(&change.after, &change.before));
            // Whether what is not known yet will be a secret is not known either.
            let unknown = compare::holes(after);
            differences.iter_mut().filter(|change| has_holes(&change.after)).for_each(|change| {
                conceal::hide(&mut change.before, key);
            });
            conceal::conceal_live(&mut differences, &[secrets, &unknown].concat(), key);
        }
        if let Some(change) = differences.iter().find(|change| change.replaces && !facts.hides(&change.path)) {
            let message =
                format!("`{name}` can't be taken over: its `{}` is different, and can't be changed", change.path);
            let hint = "declare it as it is, or choose another name with `.named(…)`";
            self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
            return;
        }
        self.review(node, desired, Some(name));
        let step = Step {
            changes: differences,
            witness: Some(stray.witness.clone()),
            ..self.step(index, node, StepAction::Adopt { generation }, Reason::Found, Some(name.clone()))
        };
        self.push(index, step);
        self.known.nodes[index] =
            Facts { name: Some(name.clone()), reported: Some(self.reported(&node.kind, &stray.state)), changing: true };
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
        Step { name, after, at: Some(Place::of(node.at)), node: Some(index), ..bare(&node.address, action, reason) }
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

    /// A name that is not decided yet is as long as it will be.
    fn review(&mut self, node: &Node, desired: &Desired, name: Option<&PhysicalName>) {
        let undecided = || PhysicalName::from(format!("{}-{}", node.name, "0".repeat(HASH)));
        let name = name.cloned().unwrap_or_else(undecided);
        let findings = node.draft.review(&self.known, self.basis.key, desired.partial.as_ref(), &name);
        self.problems.extend(findings.errors.iter().map(|message| Self::problem(node, message.to_string())));
        self.warnings.extend(findings.warnings.iter().map(|message| Self::problem(node, message.to_string())));
    }

    fn problem(node: &Node, message: String) -> Problem {
        Problem { address: node.address.clone(), message, hint: None, at: Some(Place::of(node.at)) }
    }

    fn reported(&self, kind: &KindHandle, state: &Json) -> Reported {
        reported(kind, state, self.basis.key)
    }
}

fn bare(address: &Address, action: StepAction, reason: Reason) -> Step {
    Step {
        address: address.clone(),
        action,
        reason,
        name: None,
        spec: None,
        defaults: Vec::new(),
        changes: Vec::new(),
        after: Vec::new(),
        witness: None,
        at: None,
        node: None,
    }
}

/// What a service reported, for the outputs that are made of it.
pub(crate) fn reported(kind: &KindHandle, state: &Json, key: &StackKey) -> Reported {
    let (kind, state, key) = (kind.clone(), state.clone(), key.clone());
    Reported::lazy(move || kind.state(&state, &key))
}
