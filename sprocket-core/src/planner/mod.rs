//! The planner: compares what is declared with what is recorded and with what is there.
//!
//! Resources are looked at in the order of their declaration, so that what is known of those before decides what is known of
//! the settings of those after. **Invariant:** no I/O, no clock, no randomness.

mod builder;
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

use self::builder::Builder;
use self::cycle::break_cycles;
use self::order::order_steps;
use crate::base::{Address, Json, Lineage, PhysicalName, ProviderName};
use crate::erased::KindHandle;
use crate::kind::Naming;
use crate::plan::{Change, Deferred, Goal, Plan, Recovery, Request, Step, StepId};
use crate::stack::{self, Configs, Node, Stack};
use crate::state::{Record, Snapshot};
use crate::value::{Known, Reported, StackKey};

use self::claims::Claims;
pub(crate) use self::compare::{Compared, accepts, has_holes, is_as_wanted, real_changes};
use self::decide::decide;
use self::hosts::Replaced;
pub(crate) use self::moves::Moves;
pub(crate) use self::naming::{name_of, next_generation, next_name};
pub(crate) use self::observed::{Name, Observed, RecoveredObject, Seen};
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
    pub(crate) settled: Vec<Recovery>,
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
    last: Vec<Option<StepId>>,
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

impl Builder<'_> {
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
