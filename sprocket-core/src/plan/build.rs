//! The planner: compares what is declared with what is recorded and with what is there.
//!
//! Resources are looked at in the order of their declaration, so that what is known of those before decides what is known of
//! the settings of those after. **Invariant:** no I/O, no clock, no randomness.

mod closed;
mod endings;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::diff::{self, Change, changes};
use super::order::{dependents, order_deletes};
use super::{Deferred, Goal, Kept, Move, Place, Plan, Problem, Reason, Settlement, Step, StepAction};
use crate::erased::{ErasedLive, Evaluated, KindFacts, KindHandle};
use crate::hash;
use crate::ids::{Address, Lineage, PhysicalName, ProviderName};
use crate::json::Json;
use crate::refresh::Observed;
use crate::resource::Naming;
use crate::spec::Field;
use crate::stack::{Node, Stack};
use crate::state::{Object, Record, Snapshot};
use crate::value::{Deps, FINGERPRINT, Facts, Known, Path, PathPart, Reported, SEALED, StackKey};

/// What a plan is made of.
pub(crate) struct Basis<'a> {
    pub(crate) stack: &'a Stack,
    /// What is recorded, with the moves and settlements taken in.
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) observed: &'a Observed,
    pub(crate) key: &'a StackKey,
    /// The key is a proposal: names that are made with it are not decided yet.
    pub(crate) key_is_new: bool,
    pub(crate) moved: Vec<Move>,
    pub(crate) settled: Vec<Settlement>,
    /// The kind of a recorded resource.
    pub(crate) kind: &'a dyn Fn(&Record, &Address) -> Option<KindHandle>,
    /// Whether two providers are one server.
    pub(crate) same_server: &'a dyn Fn(&ProviderName, &ProviderName) -> bool,
    /// The state that was loaded.
    pub(crate) lineage: Lineage,
    pub(crate) serial: u64,
}

/// How much of the hash of a content is in its name.
const HASH: usize = 10;

/// Makes the plan.
pub(crate) fn build(basis: Basis<'_>, goal: Goal) -> Plan {
    let nodes = basis.stack.nodes.len();
    let mut builder = Builder {
        known: Known { answers: basis.observed.answers.clone(), ..Known::nothing(basis.stack) },
        last: vec![None; nodes],
        steps: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
        deferred: BTreeMap::new(),
        kept: Vec::new(),
        unchanged: 0,
        names: HashMap::with_capacity(nodes),
        basis,
    };
    let outputs = match goal {
        Goal::Declared => {
            let (recorded, gone) = builder.recorded();
            for (index, record) in recorded.into_iter().enumerate() {
                builder.node(index, record);
            }
            builder.undeclared(&gone);
            builder.outputs()
        }
        Goal::Destroyed { include_kept } => {
            builder.destroy(include_kept);
            BTreeMap::new()
        }
    };
    builder.finish(goal, outputs)
}

struct Builder<'a> {
    basis: Basis<'a>,
    known: Known,
    /// By resource, the step that those who use it wait for.
    last: Vec<Option<u32>>,
    steps: Vec<Step>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// By provider, what is read after something has opened it.
    deferred: BTreeMap<ProviderName, Deferred>,
    kept: Vec<Kept>,
    unchanged: usize,
    /// Who has which name, by provider and kind.
    names: HashMap<(usize, &'static str, PhysicalName), Address>,
}

/// The settings of a resource, as far as they are known.
struct Desired {
    spec: Spec,
    secrets: Vec<Path>,
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
    /// The record of each declared resource, and what is recorded and not declared. Going through the records once is
    /// cheaper than looking for each.
    fn recorded(&self) -> (Vec<Option<&'a Record>>, BTreeMap<&'a Address, &'a Record>) {
        let (stack, snapshot) = (self.basis.stack, self.basis.snapshot);
        let mut recorded = vec![None; stack.nodes.len()];
        let mut gone = BTreeMap::new();
        for (address, record) in &snapshot.records {
            match stack.index.get(address) {
                Some(&index) => recorded[index as usize] = Some(record),
                None => drop(gone.insert(address, record)),
            }
        }
        (recorded, gone)
    }

    fn node(&mut self, index: usize, record: Option<&Record>) {
        let stack = self.basis.stack;
        let node = &stack.nodes[index];
        let object = record.and_then(|record| record.object.as_ref());
        if self.contradicts(node, record) || self.is_put_off(index, node, record) {
            return;
        }
        let Some(desired) = self.evaluate(node, object) else { return };
        let seen = self.basis.observed.objects.get(&node.address);
        let live = seen.and_then(|seen| seen.current.as_ref());
        let deferred = self.basis.observed.deferred.contains(&stack.providers[node.provider].name);
        if let Some(record) = record {
            self.superseded(node, record);
        }
        match (object, live) {
            (None, _) => self.without_object(index, node, record, &desired),
            (Some(object), None) if !deferred => {
                let step = StepAction::Create { generation: object.generation, replaces: false };
                let name = self.name(node, object.generation, &desired);
                self.create(index, node, step, Reason::Gone, name, &desired);
            }
            (Some(object), live) => self.existing(index, node, record, object, live, &desired),
        }
    }

    /// What the program says of this resource contradicts what it says of another, or what is recorded.
    fn contradicts(&mut self, node: &Node, record: Option<&Record>) -> bool {
        let before = self.problems.len();
        let provider = &self.basis.stack.providers[node.provider].name;
        if let Some(record) = record.filter(|record| record.provider != *provider)
            && !(self.basis.same_server)(&record.provider, provider)
        {
            let message =
                format!("was made with `{}`, and is declared on `{provider}`, another server", record.provider);
            let hint = "declare it under another name there, and take this one away";
            self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
        }
        let taken =
            self.basis.moved.iter().find(|moved| node.moved_from.contains(&moved.from) && moved.to != node.address);
        if let (Some(taken), None) = (taken, record) {
            let message = format!("was `{}`, it says, and `{}` says so too", taken.from, taken.to);
            self.problems.push(Self::problem(node, message));
        }
        if node.kind.facts().naming != Naming::None {
            let name = (node.provider, node.kind.facts().kind, node.name.clone());
            if let Some(other) = self.names.insert(name, node.address.clone()) {
                let message = format!("has the name `{}` at its service, as `{other}` has", node.name);
                let hint = "give one of them another with `.named(…)`";
                self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
            }
        }
        self.problems.len() > before
    }

    fn evaluate(&mut self, node: &Node, object: Option<&Object>) -> Option<Desired> {
        let stack = self.basis.stack;
        let addresses = |deps: &Deps| addresses(stack, deps);
        let applied = object.map(|object| &object.applied);
        match node.draft.evaluate(&self.known, self.basis.key, &addresses, applied, &node.options.ignore) {
            Evaluated::Whole { spec, secrets } => Some(Desired { spec: Spec::Whole(spec), secrets }),
            Evaluated::Partly { spec, secrets } => Some(Desired { spec: Spec::Partly(spec), secrets }),
            Evaluated::Never(mistakes) => {
                for mistake in mistakes {
                    let problem = Self::problem(node, mistake.message.to_string());
                    self.problems.push(Problem { at: Some(Place::of(mistake.at)), ..problem });
                }
                None
            }
        }
    }

    fn without_object(&mut self, index: usize, node: &Node, record: Option<&Record>, desired: &Desired) {
        let facts = node.kind.facts();
        let generation = 1 + record.iter().flat_map(|record| &record.old).map(|old| old.generation).max().unwrap_or(0);
        let name = self.name(node, generation, desired);
        let create = StepAction::Create { generation, replaces: false };
        let strays = match &name {
            Some(name) if facts.naming != Naming::None => {
                let provider = self.basis.stack.providers[node.provider].name.clone();
                self.basis.observed.strays.get(&(provider, facts.kind, name.clone())).map_or(&[][..], Vec::as_slice)
            }
            _ => &[],
        };
        match strays {
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

    fn create(
        &mut self,
        index: usize,
        node: &Node,
        action: StepAction,
        reason: Reason,
        name: Option<PhysicalName>,
        desired: &Desired,
    ) {
        self.review(node, name.as_ref());
        let (spec, defaults) = (Some(desired.spec.json()), node.draft.defaults(self.basis.key));
        let step = Step { spec, defaults, ..self.step(index, node, action, reason, name.clone()) };
        self.push(index, step);
        self.known.nodes[index] = Facts { name, reported: None, changing: true };
    }

    fn adopt(&mut self, index: usize, node: &Node, generation: u32, stray: &ErasedLive, desired: &Desired) {
        let name = &stray.name;
        let refusal = match &stray.mark {
            Some(mark) if mark.lineage == self.basis.lineage => None,
            Some(_) => Some((
                format!("an object named `{name}` exists already, and another stack owns it"),
                "choose another name with `.named(…)`, or remove it from the other stack first".to_owned(),
            )),
            None if node.options.adopt => None,
            None => Some((
                format!("an object named `{name}` exists already, and this stack does not own it"),
                format!("take it over with `.adopt()` or `import {} {}`", node.address, stray.id),
            )),
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
            let (live, wanted) = (stray.spec.value(), desired.spec.value());
            differences = changes(facts.fields, &live, &wanted, &node.options.ignore, false);
            differences.retain(|change| !diff::accepts(&change.after, &change.before));
        }
        let write_only = |change: &Change| {
            facts.fields.iter().any(|field| field.write_only && change.path.field() == Some(field.name))
        };
        if let Some(change) = differences.iter().find(|change| change.replaces && !write_only(change)) {
            let message =
                format!("`{name}` can't be taken over: its `{}` is different, and can't be changed", change.path);
            let hint = "declare it as it is, or choose another name with `.named(…)`";
            self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
            return;
        }
        self.review(node, Some(name));
        let step = Step {
            changes: differences,
            witness: Some(stray.witness.clone()),
            ..self.step(index, node, StepAction::Adopt { generation }, Reason::Found, Some(name.clone()))
        };
        self.push(index, step);
        self.known.nodes[index] =
            Facts { name: Some(name.clone()), reported: Some(self.reported(&node.kind, &stray.state)), changing: true };
    }

    fn existing(
        &mut self,
        index: usize,
        node: &Node,
        record: Option<&Record>,
        object: &Object,
        live: Option<&ErasedLive>,
        desired: &Desired,
    ) {
        let facts = node.kind.facts();
        let changes = self.differences(node, object, live, desired);
        let state = live.map_or(&object.state, |live| &live.state);
        let reported = Some(self.reported(&node.kind, state));
        if changes.iter().any(|change| change.replaces) {
            return self.replace(index, node, record, object, live, desired, changes);
        }
        let name = Some(object.name.clone());
        let action = if !changes.is_empty() {
            let reason = if changes.iter().all(|change| change.drift) { Reason::Drifted } else { Reason::Changed };
            Some((StepAction::Update, reason))
        } else if !object.ready && facts.converges {
            Some((StepAction::Await, Reason::Unfinished))
        } else if record.is_some_and(|record| self.options_changed(node, record, object)) {
            Some((StepAction::Record, Reason::Options))
        } else {
            None
        };
        let changing = matches!(action, Some((StepAction::Update | StepAction::Await, _)));
        self.known.nodes[index] = Facts { name: name.clone(), reported, changing };
        let Some((action, reason)) = action else {
            self.unchanged += 1;
            return;
        };
        if action == StepAction::Update {
            self.review(node, Some(&object.name));
        }
        let witness = live.map(|live| live.witness.clone());
        let step = Step { changes, witness, ..self.step(index, node, action, reason, name) };
        self.push(index, step);
    }

    fn differences(&self, node: &Node, object: &Object, live: Option<&ErasedLive>, desired: &Desired) -> Vec<Change> {
        let facts = node.kind.facts();
        let key = self.basis.key;
        let ignore = &node.options.ignore;
        let mut found = match &desired.spec {
            Spec::Whole(spec)
                if node.kind.equal(spec, &object.applied, &both(&desired.secrets, &object.secrets), key) =>
            {
                Vec::new()
            }
            spec => {
                let mut found = changes(facts.fields, &object.applied.value(), &spec.value(), ignore, false);
                // What was imported has what its service chose.
                found.retain(|change| !diff::accepts(&change.after, &change.before));
                found
            }
        };
        let (Some(live), Some(seen)) = (live, &object.seen) else { return found };
        let masked =
            if object.secrets.is_empty() { live.spec.clone() } else { node.kind.mask(live, &object.secrets, key) };
        if masked == *seen {
            // The witness also knows what the spec does not show, such as how often a secret was written.
            if object.witness.as_ref().is_some_and(|witness| *witness != live.witness) {
                found.extend(self.unseen_drift(facts, desired));
            }
            return found;
        }
        if node.kind.equal(&masked, seen, &object.secrets, key) {
            return found;
        }
        let (seen, live, wanted) = (seen.value(), masked.value(), desired.spec.value());
        for drift in changes(facts.fields, &seen, &live, ignore, true) {
            if !found.iter().any(|change| change.path == drift.path) {
                let after = drift.path.0.iter().fold(&wanted, |value, part| match part {
                    PathPart::Key(key) => &value[key.as_str()],
                    PathPart::Index(index) => &value[*index],
                });
                found.push(Change { before: drift.after, after: after.clone(), ..drift });
            }
        }
        found
    }

    /// A change by somebody else of what can't be read: it is written again.
    fn unseen_drift(&self, facts: KindFacts, desired: &Desired) -> Vec<Change> {
        let wanted = desired.spec.value();
        let hidden = facts.fields.iter().filter(|field| field.write_only);
        let change = |field: &Field| Change {
            path: Path(vec![PathPart::Key(field.name.to_owned())]),
            before: Value::Null,
            after: wanted[field.name].clone(),
            replaces: false,
            drift: true,
        };
        hidden.map(change).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "all that was found out about the resource so far")]
    fn replace(
        &mut self,
        index: usize,
        node: &Node,
        record: Option<&Record>,
        object: &Object,
        live: Option<&ErasedLive>,
        desired: &Desired,
        changes: Vec<Change>,
    ) {
        let facts = node.kind.facts();
        let settings = changes.iter().filter(|change| change.replaces).map(|change| format!("`{}`", change.path));
        let settings = settings.collect::<Vec<_>>().join(", ");
        if node.options.protect || record.is_some_and(|record| record.protect) {
            let hint = "take `.protect()` away and apply that first, or undo the change";
            let problem = Self::problem(node, format!("is protected, and a change of {settings} would replace it"));
            return self.problems.push(Problem { hint: Some(hint.into()), ..problem });
        }
        if facts.stateful {
            let hint = "undo the change, or declare a new one under another name and move the data";
            let message = format!("holds data that would be lost: a change of {settings} would replace it");
            return self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
        }
        let highest = record.iter().flat_map(|record| record.objects()).map(|object| object.generation).max();
        let generation = 1 + highest.unwrap_or(object.generation);
        let name = self.name(node, generation, desired);
        self.review(node, name.as_ref());
        let delete = |first| StepAction::Delete { object: object.which(), replaced: true, first };
        let witness = live.map(|live| live.witness.clone());
        // An object of that name may be left from before: then it is used again.
        let left = record.and_then(|record| record.old.iter().find(|old| Some(&old.name) == name.as_ref()));
        if let (Some(left), Naming::Content) = (left, facts.naming) {
            let action = StepAction::Restore { object: left.which() };
            self.steps.retain(|step| {
                !(step.address == node.address
                    && matches!(&step.action, StepAction::Delete { object, .. } if left.is(object)))
            });
            let step = Step { changes, ..self.step(index, node, action, Reason::Replaced, name.clone()) };
            let restored = self.push(index, step);
            self.known.nodes[index] =
                Facts { name, reported: Some(self.reported(&node.kind, &left.state)), changing: false };
            let step = self.step(index, node, delete(false), Reason::Superseded, Some(object.name.clone()));
            self.steps.push(Step { witness, after: vec![restored], ..step });
            return;
        }
        let create = StepAction::Create { generation, replaces: true };
        let spec = Some(desired.spec.json());
        let new = Step { spec, changes, ..self.step(index, node, create, Reason::Replaced, name.clone()) };
        if facts.naming == Naming::Fixed {
            let old = self.step(index, node, delete(true), Reason::Replaced, Some(object.name.clone()));
            self.steps.push(Step { witness, after: Vec::new(), ..old });
            let deleted = self.count() - 1;
            let mut new = new;
            new.after.push(deleted);
            self.push(index, new);
        } else {
            let created = self.push(index, new);
            let old = self.step(index, node, delete(false), Reason::Superseded, Some(object.name.clone()));
            self.steps.push(Step { witness, after: vec![created], ..old });
        }
        self.known.nodes[index] = Facts { name, reported: None, changing: true };
    }

    fn outputs(&self) -> BTreeMap<String, Change> {
        let mut found = BTreeMap::new();
        let recorded = &self.basis.snapshot.outputs;
        for (name, value) in self.output_values() {
            let before = recorded.get(&name).map_or(Value::Null, Json::value);
            if before != value {
                found.insert(name, output_change(before, value));
            }
        }
        for (name, value) in recorded {
            if !self.basis.stack.outputs.iter().any(|output| output.name == *name) {
                found.insert(name.clone(), output_change(value.value(), Value::Null));
            }
        }
        found
    }

    fn output_values(&self) -> BTreeMap<String, Value> {
        output_values(self.basis.stack, &self.known, self.basis.key)
    }

    fn finish(mut self, goal: Goal, outputs: BTreeMap<String, Change>) -> Plan {
        order_deletes(&mut self.steps, self.basis.snapshot);
        assert!(dependents(&self.steps).1.is_some(), "BUG: the steps of a plan wait for each other");
        Plan {
            goal,
            lineage: self.basis.lineage,
            serial: self.basis.serial,
            steps: self.steps,
            moved: self.basis.moved,
            settled: self.basis.settled,
            kept: self.kept,
            problems: self.problems,
            warnings: self.warnings,
            deferred: self.deferred.into_values().filter(|deferred| !deferred.resources.is_empty()).collect(),
            outputs,
            unchanged: self.unchanged,
            proposed_key: self.basis.key_is_new.then(|| self.basis.key.clone()),
        }
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
    fn review(&mut self, node: &Node, name: Option<&PhysicalName>) {
        let undecided = || PhysicalName::from(format!("{}-{}", node.name, "0".repeat(HASH)));
        let findings = node.draft.review(&self.known, &name.cloned().unwrap_or_else(undecided));
        self.problems.extend(findings.errors.iter().map(|message| Self::problem(node, message.to_string())));
        self.warnings.extend(findings.warnings.iter().map(|message| Self::problem(node, message.to_string())));
    }

    fn problem(node: &Node, message: String) -> Problem {
        Problem { address: node.address.clone(), message, hint: None, at: Some(Place::of(node.at)) }
    }

    fn reported(&self, kind: &KindHandle, state: &Json) -> Reported {
        reported(kind, state, self.basis.key)
    }

    fn name(&self, node: &Node, generation: u32, desired: &Desired) -> Option<PhysicalName> {
        match (node.kind.facts().naming, &desired.spec) {
            (Naming::Content, spec) => {
                let spec = spec.value();
                let undecided = self.basis.key_is_new && has_secrets(&spec, node.kind.facts());
                if undecided { None } else { name_of(node, generation, &spec) }
            }
            _ => name_of(node, generation, &Value::Null),
        }
    }

    fn options_changed(&self, node: &Node, record: &Record, object: &Object) -> bool {
        let stack = self.basis.stack;
        let dies_with = node.options.dies_with.map(|host| &stack.nodes[host.index as usize].address);
        node.options.protect != record.protect
            || node.options.keep_on_delete != record.keep_on_delete
            || dies_with != record.dies_with.as_ref()
            || stack.providers[node.provider].name != record.provider
            || node.deps.len() != object.deps.len()
            || node.deps.iter().zip(&object.deps).any(|(dep, recorded)| stack.nodes[*dep as usize].address != *recorded)
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

fn output_change(before: Value, after: Value) -> Change {
    Change { path: Path::default(), before, after, replaces: false, drift: false }
}

fn both(one: &[Path], other: &[Path]) -> Vec<Path> {
    let all: BTreeSet<&Path> = one.iter().chain(other).collect();
    all.into_iter().cloned().collect()
}

fn addresses(stack: &Stack, deps: &Deps) -> Vec<String> {
    deps.nodes
        .iter()
        .filter_map(|node| stack.nodes.get(node.index as usize))
        .map(|node| node.address.to_string())
        .collect()
}

/// The stack's outputs, as far as they are known; secrets are sealed.
pub(crate) fn output_values(stack: &Stack, known: &Known, key: &StackKey) -> BTreeMap<String, Value> {
    let render = |output: &crate::stack::StackOutput| {
        let partial = crate::value::sealing(key, || output.slot.partial(known));
        (output.name.clone(), partial.render(key, &|deps| addresses(stack, deps)).value)
    };
    stack.outputs.iter().map(render).collect()
}

/// What a service reported, for the outputs that are made of it.
pub(crate) fn reported(kind: &KindHandle, state: &Json, key: &StackKey) -> Reported {
    let (kind, state, key) = (kind.clone(), state.clone(), key.clone());
    Reported::lazy(move || kind.state(&state, &key))
}

/// The name of an object, if it is known: a content's name is unknown while the content is.
pub(crate) fn name_of(node: &Node, generation: u32, spec: &Value) -> Option<PhysicalName> {
    match node.kind.facts().naming {
        Naming::Fixed | Naming::None => Some(node.name.clone()),
        Naming::Generation if generation == 1 => Some(node.name.clone()),
        Naming::Generation => Some(format!("{}-{generation}", node.name).into()),
        Naming::Content => {
            let content = content(spec, node.kind.facts());
            if diff::has_holes(&content) {
                return None;
            }
            let hash = hash::short(&[&content.to_string()]);
            Some(format!("{}-{}", node.name, &hash[..HASH]).into())
        }
    }
}

/// The settings that make a content's name.
fn content(spec: &Value, facts: KindFacts) -> Value {
    let replacing = facts.fields.iter().filter(|field| field.replaces);
    Value::Object(replacing.map(|field| (field.name.to_owned(), spec[field.name].clone())).collect())
}

fn has_secrets(spec: &Value, facts: KindFacts) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.contains_key(SEALED) || map.contains_key(FINGERPRINT) || map.values().any(any),
            Value::Array(items) => items.iter().any(any),
            _ => false,
        }
    }
    any(&content(spec, facts))
}
