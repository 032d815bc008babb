//! How decisions become steps. Steps are only appended here: what others wait for has its number by then.

use super::claims::Claims;
use super::decide::{Case, Decided, Decision, Replace, Restore};
use super::deletes::Ended;
use super::hosts::{HostGoes, Replaced};
use super::order::Handover;
use super::{Knowledge, PlannerInput};
use crate::base::Address;
use crate::plan::{Kept, Problem, Step, StepAction, StepId};
use crate::stack::Node;
use crate::value::NodeId;

/// A plan as it is made.
pub(super) struct Builder<'a> {
    pub(super) input: PlannerInput<'a>,
    pub(super) known: Knowledge<'a>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// What is replaced only once what is deferred is read, as it is deleted first and something of that was made from it.
    pub(super) delayed: Vec<Address>,
    pub(super) kept: Vec<Kept>,
    pub(super) unchanged: usize,
    /// Who has claimed what.
    pub(super) claims: Claims,
    /// Steps that begin once others have released what they take.
    pub(super) handovers: Vec<Handover>,
}

impl Builder<'_> {
    /// Appends the steps of a decision, and takes in what is known by it.
    pub(super) fn take(&mut self, id: NodeId, decided: Decided) {
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
        let settles = |step: StepId| self.known.steps[step.index()].action.settles_answers();
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
                        let old = self.push_end(old, Vec::new());
                        new.after.push(old);
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
    fn push(&mut self, index: usize, node: &Node, mut step: Step) -> StepId {
        let more = std::mem::take(&mut step.after);
        let mut after: Vec<StepId> = node.deps.iter().filter_map(|&dep| self.known.last[dep as usize]).collect();
        after.sort_unstable();
        after.dedup();
        after.extend(more);
        let id = self.append_step(Step { after, ..step });
        self.known.last[index] = Some(id);
        id
    }

    /// Appends the end of an object.
    fn push_end(&mut self, Ended { step, kept }: Ended, after: Vec<StepId>) -> StepId {
        self.kept.extend(kept);
        self.append_step(Step { after, ..step })
    }

    fn append_step(&mut self, step: Step) -> StepId {
        self.known.steps.push(step);
        StepId::of(self.known.steps.len() - 1)
    }
}
