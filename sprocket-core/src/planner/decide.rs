//! What is planned for a declared resource: the rows of the table in `docs/lifecycle.md`, in their order.
//!
//! **Invariant:** nothing is changed here. A decision is made of what is given and of what was decided for the resources
//! declared before; the builder turns it into steps.

use super::deletes::Ended;
use super::hosts::HostGoes;
use super::{Knowledge, PlannerInput, physical_names};
use crate::base::{Address, Place, ProviderName};
use crate::erased::ErasedLive;
use crate::plan::{Pattern, Problem, Reason, Step, StepAction};
use crate::stack::Node;
use crate::state::{Object, Record};
use crate::value::{Facts, NodeId};

/// What is planned for a declared resource. Steps have no numbers yet.
pub(super) enum Decision {
    /// Nothing can be planned: its problems say why.
    Refuse,
    /// The request leaves it out.
    LeaveOut,
    /// It is read and planned after a step of this plan has opened a provider.
    Defer {
        /// That provider.
        provider: ProviderName,
        /// What opens it.
        after: Vec<Address>,
    },
    /// An earlier object takes its place again.
    Restore(Box<Restore>),
    /// An object is made.
    Create(Step),
    /// An object that exists is taken over.
    Adopt(Step),
    /// It is replaced once all that is deferred is read: something of that was made from it, and it is deleted first.
    Delay,
    /// Another object takes the place of its object.
    Replace(Box<Replace>),
    /// Its object is changed.
    Update(Step),
    /// It is waited for.
    Await(Step),
    /// Only its record changes.
    Record(Step),
    /// It is as it is declared.
    Unchanged,
}

/// An earlier object that is used again.
pub(super) struct Restore {
    pub(super) restored: Step,
    /// What makes it as declared, if it is not.
    pub(super) then: Option<Step>,
    /// The end of what was in its place until now. None: that stays as long as something uses it, or there is nothing.
    pub(super) replaced: Option<Ended>,
    pub(super) goes: HostGoes,
}

/// An object that takes the place of another.
pub(super) struct Replace {
    /// It is made, or taken over.
    pub(super) new: Step,
    /// The end of the one before. None: it stays as long as something uses it.
    pub(super) old: Option<Ended>,
    /// Before or after that, or not at all.
    pub(super) goes: HostGoes,
}

/// What is decided, and what there is to say of it.
pub(super) struct Decided {
    pub(super) decision: Decision,
    /// What its users may know of it.
    pub(super) facts: Option<Facts>,
    /// The ends of the objects that earlier runs have replaced.
    pub(super) superseded: Vec<Ended>,
    pub(super) findings: Findings,
}

#[derive(Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Why nothing can be planned.
pub(super) type Refusal = Vec<Problem>;

/// A decision with what its users may know of the resource.
pub(super) type Choice = Result<(Decision, Option<Facts>), Refusal>;

/// A declared resource, with all that a decision about it is made of.
pub(super) struct Case<'d, 'a> {
    pub(super) input: &'d PlannerInput<'a>,
    pub(super) known: &'d Knowledge<'a>,
    pub(super) index: usize,
    pub(super) node: &'a Node,
    pub(super) record: Option<&'a Record>,
    pub(super) object: Option<&'a Object>,
}

/// What is to be done about a declared resource.
pub(super) fn decide<'a>(input: &PlannerInput<'a>, known: &Knowledge<'a>, node: NodeId) -> Decided {
    let mut decided =
        Decided { decision: Decision::Refuse, facts: None, superseded: Vec::new(), findings: Findings::default() };
    match Case::of(input, known, node).decide(&mut decided) {
        Ok((decision, facts)) => (decided.decision, decided.facts) = (decision, facts),
        Err(problems) => decided.findings.problems.extend(problems),
    }
    decided
}

impl<'d, 'a> Case<'d, 'a> {
    pub(super) fn of(input: &'d PlannerInput<'a>, known: &'d Knowledge<'a>, id: NodeId) -> Self {
        let index = id.index as usize;
        let record = known.recorded[index];
        let object = record.and_then(|record| record.object.as_ref());
        Self { input, known, index, node: &input.stack.nodes[index], record, object }
    }

    fn decide(&self, decided: &mut Decided) -> Choice {
        let problems = self.contradictions();
        if !problems.is_empty() {
            return Err(problems);
        }
        if self.known.selected.leaves_out(&self.node.address) {
            return Ok((Decision::LeaveOut, self.as_it_was()));
        }
        if let Some(deferred) = self.deferral()? {
            return Ok((deferred, self.as_it_was()));
        }
        let desired = self.evaluate()?;
        let live = self.live();
        let taken = self.object.zip(live).and_then(|(object, live)| {
            self.input.taken(&self.node.address, Some(Place::of(self.node.at)), object, live)
        });
        if let Some(problem) = taken {
            return Err(vec![problem]);
        }
        decided.superseded = self.superseded(&mut decided.findings);
        let findings = &mut decided.findings;
        match (self.object, live) {
            (None, _) => self.without_object(&desired, findings),
            (Some(object), None) => self.gone(object, &desired, findings),
            (Some(object), Some(live)) => self.existing(object, live, &desired, findings),
        }
    }

    /// What was read of its object.
    fn live(&self) -> Option<&'a ErasedLive> {
        self.input.observed.objects.get(&self.node.address)?.current.as_ref()
    }

    /// It stays as it is: who uses it is told what it was.
    pub(super) fn as_it_was(&self) -> Option<Facts> {
        let object = self.object?;
        let state = self.live().map_or(&object.state, |live| &live.state);
        let (name, reported) = (Some(object.name.clone()), Some(self.input.reported(&self.node.kind, state)));
        Some(Facts { name, reported, changing: false })
    }

    /// A step of this resource. What it waits for is said when it is appended.
    pub(super) fn step(&self, action: StepAction, reason: Reason) -> Step {
        let index = u32::try_from(self.index).expect("a stack has fewer than four billion resources");
        Step { at: Some(Place::of(self.node.at)), node: Some(index), ..Step::new(&self.node.address, action, reason) }
    }

    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        problem(self.node, message.into())
    }

    /// A refusal with a way out.
    pub(super) fn refuse<T>(&self, message: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
        Err(vec![Problem { hint: Some(hint.into()), ..self.problem(message) }])
    }

    /// What the program says of this resource contradicts what it says of another, or what is recorded.
    fn contradictions(&self) -> Vec<Problem> {
        let (input, node) = (self.input, self.node);
        let mut problems = Vec::new();
        let provider = &input.stack.providers[node.provider].name;
        if let Some(record) = self.record.filter(|record| record.provider != *provider)
            && !(input.same_server)(&record.provider, provider)
            // Which server one is that can't be read yet is seen later.
            && ![&record.provider, provider].iter().any(|name| input.observed.is_unread(name))
        {
            let message =
                format!("was made with `{}`, and is declared on `{provider}`, another server", record.provider);
            let hint = "declare it under another name there, and take this one away";
            problems.push(Problem { hint: Some(hint.into()), ..self.problem(message) });
        }
        problems.extend(input.moves.contested(self.index).cloned());
        if let Some(&other) = self.known.name_at_service(input, node).and_then(|name| self.known.names.get(&name)) {
            let other = &input.stack.nodes[other];
            let message = format!("has the name `{}` at its service, as `{}` has", node.name, other.address);
            let hint = Some(physical_names::another_name(other));
            problems.push(Problem { hint, ..self.problem(message) });
        }
        problems
    }

    /// Whether a new object was asked for by `--replace`.
    pub(super) fn is_requested(&self) -> bool {
        self.input.request.replace.iter().any(|pattern| self.input.is_meant(pattern, &self.node.address))
    }
}

pub(super) fn problem(node: &Node, message: String) -> Problem {
    Problem { address: node.address.clone(), message, hint: None, at: Some(Place::of(node.at)) }
}

impl PlannerInput<'_> {
    /// Whether a pattern means this resource, also by the address that it has in this plan for the last time.
    pub(super) fn is_meant(&self, pattern: &Pattern, address: &Address) -> bool {
        let is_free = |from: &&Address| !self.stack.index.contains_key(*from);
        pattern.matches(address) || self.moves.origin(address).filter(is_free).is_some_and(|from| pattern.matches(from))
    }
}
