//! What is recorded and there: whether it has changed, drifted or been left unfinished.

use super::decide::{Case, Choice, Decision, Findings};
use super::desired::{Desired, Spec};
use super::hosts::{HostGoes, Replaced};
use super::moves::remembers_too_much;
use crate::erased::ErasedLive;
use crate::plan::{Reason, Step, StepAction};
use crate::state::{Object, Record};
use crate::value::Facts;

impl Case<'_, '_> {
    pub(super) fn existing(
        &self,
        object: &Object,
        live: &ErasedLive,
        desired: &Desired,
        findings: &mut Findings,
    ) -> Choice {
        let (node, facts) = (self.node, self.node.kind.facts());
        let changes = self.differences(object, live, desired);
        let goes_with_host = match self.known.replaced_host(self.input, self.record) {
            // What is as declared is in the host that there is now.
            Some((_, Replaced { goes: HostGoes::Before { .. }, .. })) => !changes.is_empty(),
            host => host.is_some(),
        };
        if self.is_requested() || changes.iter().any(|change| change.replaces) || goes_with_host {
            return self.replace(object, live, desired, changes, findings);
        }
        findings.warnings.extend(self.stays_named(object));
        let name = Some(object.name.clone());
        let step = |action, reason| Step {
            name: name.clone(),
            revision: Some(live.revision.clone()),
            ..self.step(action, reason)
        };
        let decision = if !changes.is_empty() {
            let reason = match changes.iter().all(|change| change.drift) {
                // What an earlier run left unfinished is its own work, and not that of somebody else.
                true if !object.ready => Reason::Unfinished,
                true => Reason::Drifted,
                false => Reason::Changed,
            };
            Decision::Update(Step { changes, ..step(StepAction::Update, reason) })
        } else if !object.ready {
            // What needs no time until it works is not there as it should be: it was made or changed by half. What failed to
            // work by itself may do so once its settings are sent again, such as a rollout that its service has paused.
            match facts.needs_ready && !object.wait_failed {
                true => Decision::Await(step(StepAction::Await, Reason::Unfinished)),
                false => Decision::Update(step(StepAction::Update, Reason::Unfinished)),
            }
        } else if self.record.is_some_and(|record| self.options_changed(record, object))
            || matches!(&desired.spec, Spec::Whole(_) if desired.secrets != object.secrets)
            || desired.triggers.len() != object.triggers.len()
        {
            Decision::Record(step(StepAction::Record, Reason::Options))
        } else {
            Decision::Unchanged
        };
        let changing = matches!(decision, Decision::Update(_) | Decision::Await(_));
        if changing {
            desired.validate(self, name.as_ref(), findings);
        }
        let reported = Some(self.input.reported(&node.kind, &live.state));
        Ok((decision, Some(Facts { name, reported, changing })))
    }

    fn options_changed(&self, record: &Record, object: &Object) -> bool {
        let (node, stack) = (self.node, self.input.stack);
        node.ending(stack) != record.ending()
            || remembers_too_much(record, node, stack)
            || stack.providers[node.provider].name != record.provider
            || node.deps.len() != object.deps.len()
            || node.deps.iter().zip(&object.deps).any(|(dep, recorded)| stack.nodes[*dep as usize].address != *recorded)
    }
}
