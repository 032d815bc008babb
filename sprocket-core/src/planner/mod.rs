//! The planner: compares what is declared with what is recorded and with what is there.
//!
//! Resources are looked at in the order of their declaration, so that what is known of those before decides what is known of
//! the settings of those after. **Invariant:** no I/O, no clock, no randomness.

mod claims;
pub(crate) mod compare;
mod conceal;
mod creation;
mod cycle;
mod decide;
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
use crate::base::{Address, Json, Lineage, PhysicalName, ProviderName};
use crate::erased::KindHandle;
use crate::kind::Naming;
use crate::plan::{Change, Deferred, Goal, Kept, Plan, Problem, Request, Settlement, Step, StepAction};
use crate::stack::{self, Configs, Node, Stack};
use crate::state::{Record, Snapshot};
use crate::value::{Known, NodeId, Reported, StackKey};

use self::claims::Claims;
pub(crate) use self::compare::{Compared, accepts, has_holes, is_as_wanted, real_changes};
use self::decide::{Case, Decided, Decision, Replace, Restore, decide};
use self::deletes::Ended;
use self::hosts::{HostGoes, Replaced};
pub(crate) use self::moves::Moves;
pub(crate) use self::naming::{name_of, next_generation, next_name};
pub(crate) use self::observed::{Name, Observed, Recovered, Seen};
pub(crate) use self::order::{Handover, dependents};
pub(crate) use self::outputs::{output_problem, output_values};
use self::targets::Selected;

/// What a plan is made of.
pub(crate) struct PlannerInput<'a> {
    pub(crate) request: &'a Request,
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

/// What is known while a plan is made: which resources it is for, and what is decided so far. Steps are only appended.
struct Knowledge<'a> {
    selected: Selected<'a>,
    /// By provider, the first one that connects to the same server.
    servers: Vec<usize>,
    /// By resource, its record.
    recorded: Vec<Option<&'a Record>>,
    /// By resource, its name and what its service reported.
    values: Known,
    /// By resource, the step that those who use it wait for.
    last: Vec<Option<u32>>,
    /// By resource, how it is replaced, if it is.
    replaced: HashMap<usize, Replaced>,
    /// Which declared resource has which name, by server and kind.
    names: HashMap<NameAtService, usize>,
    steps: Vec<Step>,
    /// By provider, what is read after something has opened it.
    deferred: BTreeMap<ProviderName, Deferred>,
}

/// A server, a kind, and a name in the one way of writing it.
type NameAtService = (usize, &'static str, PhysicalName);

impl<'a> Knowledge<'a> {
    fn of(input: &PlannerInput<'a>) -> Self {
        let stack = input.stack;
        let is_unread = |provider: &ProviderName| input.observed.is_unread(provider);
        let stays = |address: &Address, record: &Record| deletes::stays(input, address, record).is_some();
        Self {
            selected: Selected::of(input.request, stack, input.snapshot, &input.moves.made, is_unread, stays),
            servers: servers(input),
            recorded: Vec::new(),
            values: Known { answers: input.observed.answers.clone(), ..stack.nothing_known(input.key) },
            last: vec![None; stack.nodes.len()],
            replaced: HashMap::new(),
            names: HashMap::with_capacity(stack.nodes.len()),
            steps: Vec::new(),
            deferred: BTreeMap::new(),
        }
    }

    /// The name that the program gives a resource, if its kind has names.
    fn name_at_service(&self, input: &PlannerInput<'_>, node: &Node) -> Option<NameAtService> {
        let facts = node.kind.facts();
        let name = || input.canonical(node.provider, &node.kind, &node.name);
        (facts.naming != Naming::None).then(|| (self.servers[node.provider], facts.kind, name()))
    }
}

impl PlannerInput<'_> {
    fn reported(&self, kind: &KindHandle, state: &Json) -> Reported {
        reported(kind, state, self.key)
    }
}

/// Makes the plan.
pub(crate) fn build(mut input: PlannerInput<'_>) -> Plan {
    let goal = input.request.goal;
    let mut builder = Builder {
        warnings: if goal == Goal::Declared { input.moves.take_warnings() } else { Vec::new() },
        known: Knowledge::of(&input),
        input,
        problems: Vec::new(),
        delayed: Vec::new(),
        kept: Vec::new(),
        unchanged: 0,
        claims: Claims::new(),
        handovers: Vec::new(),
    };
    builder.unmatched();
    let outputs = match goal {
        Goal::Declared => {
            let gone;
            (builder.known.recorded, gone) = builder.input.stack.recorded(builder.input.snapshot);
            for node in builder.input.stack.ids() {
                builder.take(node, decide(&builder.input, &builder.known, node));
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

fn servers(input: &PlannerInput<'_>) -> Vec<usize> {
    let providers = &input.stack.providers;
    let first = |at: usize| {
        let is_it = |other: &usize| (input.same_server)(&providers[*other].name, &providers[at].name);
        (0..at).find(is_it).unwrap_or(at)
    };
    (0..providers.len()).map(first).collect()
}

/// Turns decisions into steps.
struct Builder<'a> {
    input: PlannerInput<'a>,
    known: Knowledge<'a>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    /// What is replaced only once what is deferred is read, as it is deleted first and something of that was made from it.
    delayed: Vec<Address>,
    kept: Vec<Kept>,
    unchanged: usize,
    /// Who has claimed what.
    claims: Claims,
    /// Steps that begin once others have released what they take.
    handovers: Vec<Handover>,
}

impl Builder<'_> {
    /// Appends the steps of a decision, and takes in what is known by it.
    fn take(&mut self, id: NodeId, decided: Decided) {
        let index = id.index as usize;
        let node = &self.input.stack.nodes[index];
        if let Some(name) = self.known.name_at_service(&self.input, node) {
            self.known.names.insert(name, index);
        }
        let Decided { decision, facts, superseded, findings } = decided;
        let problems = self.problems.len();
        let refuses = matches!(decision, Decision::Refuse) || !findings.problems.is_empty();
        self.tell_once(findings.problems);
        self.warnings.extend(findings.warnings);
        let is_restored = |ended: &Ended| match (&decision, &ended.step.action) {
            (Decision::Restore(restore), StepAction::Delete { object, .. } | StepAction::Drop { object }) => {
                matches!(&restore.restored.action, StepAction::Restore { object: restored } if restored == object)
            }
            _ => false,
        };
        for ended in superseded.into_iter().filter(|ended| !is_restored(ended)) {
            self.push_end(ended, Vec::new());
        }
        if let Some(facts) = facts {
            self.known.values.nodes[index] = facts;
        }
        self.append(index, node, decision);
        if !self.known.selected.leaves_out(&node.address) {
            self.claim(index, node);
        }
        if (refuses || self.problems.len() > problems) && self.known.last[index].is_none() {
            // Who uses it has no problem of its own.
            if let Some(facts) = Case::of(&self.input, &self.known, id).as_it_was() {
                self.known.values.nodes[index] = facts;
            }
        }
        let settles = |step: u32| self.known.steps[step as usize].action.settles_answers();
        if self.known.replaced.contains_key(&index) || self.known.last[index].is_some_and(settles) {
            self.known.values.forget_answers(&node.asked_about);
        }
    }

    fn append(&mut self, index: usize, node: &Node, decision: Decision) {
        match decision {
            Decision::Refuse | Decision::LeaveOut => {}
            Decision::Defer { provider, after } => self.put_off(provider, after, &node.address),
            Decision::Delay => self.delayed.push(node.address.clone()),
            Decision::Create(step)
            | Decision::Adopt(step)
            | Decision::Update(step)
            | Decision::Await(step)
            | Decision::Record(step) => drop(self.push(index, node, step)),
            Decision::Restore(restore) => {
                let Restore { restored, then, replaced, goes } = *restore;
                let mut whole = self.push(index, node, restored);
                if let Some(mut step) = then {
                    step.after.push(whole);
                    whole = self.push(index, node, step);
                }
                self.known.replaced.insert(index, Replaced { goes, is_restored: true });
                if let Some(replaced) = replaced {
                    self.push_end(replaced, vec![whole]);
                }
            }
            Decision::Replace(replace) => {
                let Replace { mut new, old, goes } = *replace;
                match old {
                    Some(old) if goes == HostGoes::First => {
                        self.push_end(old, Vec::new());
                        new.after.push(self.count() - 1);
                        self.push(index, node, new);
                    }
                    old => {
                        let new = self.push(index, node, new);
                        if let Some(old) = old {
                            self.push_end(old, vec![new]);
                        }
                    }
                }
                self.known.replaced.insert(index, Replaced { goes, is_restored: false });
            }
            Decision::Unchanged => self.unchanged += 1,
        }
    }

    /// Appends a step of a declared resource: it waits for the resources that it depends on, and its users wait for it.
    fn push(&mut self, index: usize, node: &Node, mut step: Step) -> u32 {
        let more = std::mem::take(&mut step.after);
        let mut after: Vec<u32> = node.deps.iter().filter_map(|&dep| self.known.last[dep as usize]).collect();
        after.sort_unstable();
        after.dedup();
        after.extend(more);
        self.known.steps.push(Step { after, ..step });
        let at = self.count() - 1;
        self.known.last[index] = Some(at);
        at
    }

    /// Appends the end of an object.
    fn push_end(&mut self, Ended { step, kept }: Ended, after: Vec<u32>) {
        self.kept.extend(kept);
        self.known.steps.push(Step { after, ..step });
    }

    fn count(&self) -> u32 {
        u32::try_from(self.known.steps.len()).expect("a plan has fewer than four billion steps")
    }

    fn finish(mut self, outputs: BTreeMap<String, Change>) -> Plan {
        self.tell_of_orphans();
        let handed_over = self.hand_over_names();
        self.hand_over();
        order_steps(&mut self.known.steps, self.input.snapshot, &self.handovers);
        self.check_hand_overs(handed_over);
        let problems = break_cycles(&mut self.known.steps, &self.handovers);
        self.problems.extend(problems);
        let Self { input, known, .. } = self;
        let deferred = known.deferred.into_values().filter(|deferred| !deferred.resources.is_empty());
        let mut plan = Plan {
            request: input.request.clone(),
            lineage: input.lineage,
            serial: input.serial,
            steps: known.steps,
            moved: input.moves.made,
            settled: input.settled,
            beside: input.beside,
            kept: self.kept,
            problems: self.problems,
            warnings: self.warnings,
            deferred: deferred.collect(),
            outputs,
            unchanged: self.unchanged,
            left_out: known.selected.into_left_out(),
            proposed_key: input.key_is_new.then(|| input.key.clone()),
        };
        stack::judge(input.stack, input.request, &mut plan);
        conceal::conceal(&mut plan, input.key);
        plan
    }
}

/// What a service reported, for the outputs that are made of it.
pub(crate) fn reported(kind: &KindHandle, state: &Json, key: &StackKey) -> Reported {
    let (kind, state, key) = (kind.clone(), state.clone(), key.clone());
    Reported::lazy(move || kind.state(&state, &key))
}
