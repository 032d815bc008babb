//! What has no object: one is made, an earlier one is used again, or one that exists is taken over.

use super::compare::{self, Compared, has_holes, real_changes};
use super::conceal;
use super::decide::{Case, Choice, Decision, Findings};
use super::deletes::Ended;
use super::desired::{Desired, Spec};
use super::naming::next_generation;

use crate::base::PhysicalName;
use crate::base::visible::shell_word;
use crate::erased::ErasedLive;
use crate::kind::Naming;
use crate::plan::{Reason, Step, StepAction};
use crate::state::Object;
use crate::value::Facts;

impl<'a> Case<'_, 'a> {
    /// It is not recorded, or an earlier run was cut off before it had made its object.
    pub(super) fn without_object(&self, desired: &Desired, findings: &mut Findings) -> Choice {
        let generation = self.record.map_or(1, next_generation);
        let name = self.name(generation, desired);
        if let Some((left, there)) = self.left_from_before(name.as_ref(), desired) {
            return self.use_again(left, there, desired, Vec::new(), None);
        }
        match self.strays(name.as_ref()) {
            [] => Ok(self.create(generation, Reason::New, name, desired, findings)),
            [stray] => self.adopt(generation, stray, desired, findings),
            several => {
                let hint = "delete all but one, or choose another name with `.named(…)`";
                self.refuse(format!("{} objects are named `{}`", several.len(), several[0].name), hint)
            }
        }
    }

    /// It is recorded, and its object has gone.
    pub(super) fn gone(&self, object: &Object, desired: &Desired, findings: &mut Findings) -> Choice {
        let name = self.name(object.generation, desired);
        if let Some((left, there)) = self.left_from_before(name.as_ref(), desired) {
            let drop = self.step(StepAction::Drop { object: object.which() }, Reason::Gone);
            let gone = Step { name: Some(object.name.clone()), ..drop };
            return self.use_again(left, there, desired, Vec::new(), Some(Ended::from(gone)));
        }
        let Some(other) = self.strays(name.as_ref()).first() else {
            return Ok(self.create(object.generation, Reason::Gone, name, desired, findings));
        };
        let address = &self.node.address;
        let hint = match other.is_theirs(&self.input.lineage) {
            true => {
                "another stack owns that: remove it there, or choose another name here: `state forget` this one, and \
                 `.named(…)`"
                    .to_owned()
            }
            false => {
                format!("remove that; or take it over: `state forget {address}`, and declare it with `.adopt()`")
            }
        };
        self.refuse(format!("has gone, and another object is named `{}` now", other.name), hint)
    }

    /// The objects that have this name at its service and are not recorded.
    pub(super) fn strays(&self, name: Option<&PhysicalName>) -> &'a [ErasedLive] {
        let (node, input) = (self.node, self.input);
        let (facts, provider) = (node.kind.facts(), &input.stack.providers[node.provider].name);
        let name = name.filter(|_| facts.naming != Naming::None);
        let strays = name.map(|name| (provider.clone(), facts.kind, input.canonical(node.provider, &node.kind, name)));
        let strays = strays.and_then(|name| input.observed.strays.get(&name));
        strays.map_or(&[], Vec::as_slice)
    }

    fn create(
        &self,
        generation: u32,
        reason: Reason,
        name: Option<PhysicalName>,
        desired: &Desired,
        findings: &mut Findings,
    ) -> (Decision, Option<Facts>) {
        desired.validate(self, name.as_ref(), findings);
        let (spec, defaults) = (Some(desired.spec.json()), self.node.draft.defaults(self.input.key));
        let step = self.step(StepAction::Create { generation, replaces: false }, reason);
        let step = Step { spec, defaults, name: name.clone(), ..step };
        (Decision::Create(step), Some(Facts { name, reported: None, changing: true }))
    }

    /// An object of its name is there: it is taken over, if it is this stack's or may be.
    pub(super) fn adopt(
        &self,
        generation: u32,
        stray: &ErasedLive,
        desired: &Desired,
        findings: &mut Findings,
    ) -> Choice {
        let (node, name) = (self.node, &stray.name);
        let refusal =
            if stray.is_own(&self.input.lineage) || (node.options.adopt && !stray.is_theirs(&self.input.lineage)) {
                None
            } else if stray.is_theirs(&self.input.lineage) {
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
            return self.refuse(message, hint);
        }
        let facts = node.kind.facts();
        let equal = match &desired.spec {
            Spec::Whole(spec) => node.kind.equal(spec, &stray.spec, &desired.secrets, self.input.key),
            Spec::Partly(_) => false,
        };
        let mut differences = Vec::new();
        if !equal {
            // What it has in the place of a secret is one too.
            let live = node.kind.mask(stray, &desired.secrets, self.input.key);
            let (before, after) = (&live.value(), &desired.spec.value());
            let (kind, secrets, key) = (&node.kind, &desired.secrets[..], self.input.key);
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
            return self.refuse(message, hint);
        }
        desired.validate(self, Some(name), findings);
        let step = Step {
            name: Some(name.clone()),
            changes: differences,
            revision: Some(stray.revision.clone()),
            ..self.step(StepAction::Adopt { generation }, Reason::Found)
        };
        let reported = Some(self.input.reported(&node.kind, &stray.state));
        Ok((Decision::Adopt(step), Some(Facts { name: Some(name.clone()), reported, changing: true })))
    }
}
