//! What is recorded: whether it has changed, drifted or been left unfinished, and how it is replaced.

use super::Builder;
use super::desired::{Desired, Spec};
use super::hosts::{HostGoes, Replaced};
use super::moves::remembers_too_much;
use crate::erased::ErasedLive;
use crate::plan::{Reason, Step, StepAction};
use crate::stack::Node;
use crate::state::{Object, Record};
use crate::value::Facts;

impl<'a> Builder<'a> {
    pub(super) fn existing(
        &mut self,
        index: usize,
        node: &Node,
        record: Option<&Record>,
        object: &Object,
        live: &ErasedLive,
        desired: &Desired,
    ) {
        let facts = node.kind.facts();
        let changes = self.differences(node, object, live, desired);
        let reported = Some(self.reported(&node.kind, &live.state));
        let is_requested = self.request.replace.iter().any(|pattern| self.is_meant(pattern, &node.address));
        let goes_with_host = |builder: &Self| match builder.replaced_host(record) {
            // What is as declared is in the host that there is now.
            Some((_, Replaced { goes: HostGoes::Before { .. }, .. })) => !changes.is_empty(),
            host => host.is_some(),
        };
        if is_requested || changes.iter().any(|change| change.replaces) || goes_with_host(self) {
            return self.replace(index, node, record, object, live, desired, changes, is_requested);
        }
        self.warn_of_name(node, object);
        let name = Some(object.name.clone());
        let action = if !changes.is_empty() {
            let reason = match changes.iter().all(|change| change.drift) {
                // What an earlier run left unfinished is its own work, and not that of somebody else.
                true if !object.ready => Reason::Unfinished,
                true => Reason::Drifted,
                false => Reason::Changed,
            };
            Some((StepAction::Update, reason))
        } else if !object.ready {
            // What needs no time until it works is not there as it should be: it was made or changed by half. What failed to
            // work by itself may do so once its settings are sent again, such as a rollout that its service has paused.
            let waits = facts.converges && !object.wait_failed;
            Some((if waits { StepAction::Await } else { StepAction::Update }, Reason::Unfinished))
        } else if record.is_some_and(|record| self.options_changed(node, record, object))
            || matches!(&desired.spec, Spec::Whole(_) if desired.secrets != object.secrets)
            || desired.triggers.len() != object.triggers.len()
        {
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
        if matches!(action, StepAction::Update | StepAction::Await) {
            self.review(node, desired, Some(&object.name));
        }
        let witness = Some(live.witness.clone());
        let step = Step { changes, witness, ..self.step(index, node, action, reason, name) };
        self.push(index, step);
    }

    fn options_changed(&self, node: &Node, record: &Record, object: &Object) -> bool {
        let stack = self.basis.stack;
        let dies_with = node.options.dies_with.map(|host| &stack.nodes[host.index as usize].address);
        node.options.protect != record.protect
            || node.options.keep_on_delete != record.keep_on_delete
            || dies_with != record.dies_with.as_ref()
            || remembers_too_much(record, node, stack)
            || stack.providers[node.provider].name != record.provider
            || node.deps.len() != object.deps.len()
            || node.deps.iter().zip(&object.deps).any(|(dep, recorded)| stack.nodes[*dep as usize].address != *recorded)
    }
}
