//! What the program says of a resource, as far as it is known.

use super::decide::{Case, Findings, Refusal};
use super::naming::HASH;
use super::triggers;

use serde_json::Value;

use crate::base::{Json, PhysicalName, Place};
use crate::erased::Evaluated;
use crate::plan::{Problem, StepAction};
use crate::value::{Deps, Mistake, NodeId, Partial, Path};

/// The settings of a resource, as far as they are known.
pub(super) struct Desired {
    pub(super) spec: Spec,
    pub(super) secrets: Vec<Path>,
    /// What `.replace_on` says.
    pub(super) triggers: Vec<Value>,
    /// The settings, if not all of them are known.
    pub(super) partial: Option<Partial>,
}

pub(super) enum Spec {
    Whole(Json),
    Partly(Value),
}

impl Spec {
    pub(super) fn json(&self) -> Json {
        match self {
            Self::Whole(json) => json.clone(),
            Self::Partly(value) => Json::from(value),
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Whole(json) => json.value(),
            Self::Partly(value) => value.clone(),
        }
    }
}

impl Desired {
    /// What the kind says of the settings. A name that is not decided yet is as long as it will be.
    pub(super) fn validate(&self, case: &Case<'_, '_>, name: Option<&PhysicalName>, findings: &mut Findings) {
        let undecided = || PhysicalName::from(format!("{}-{}", case.node.name, "0".repeat(HASH)));
        let name = name.cloned().unwrap_or_else(undecided);
        let found = case.node.draft.validate(&case.known.values, case.input.key, self.partial.as_ref(), &name);
        findings.problems.extend(found.errors.iter().map(|message| case.problem(message.to_string())));
        findings.warnings.extend(found.warnings.iter().map(|message| case.problem(message.to_string())));
    }
}

impl Case<'_, '_> {
    /// The settings, as far as they are known; or why they never will be.
    pub(super) fn evaluate(&self) -> Result<Desired, Refusal> {
        let (node, stack, key) = (self.node, self.input.stack, self.input.key);
        let addresses = |deps: &Deps| stack.addresses(deps);
        let applied = self.object.map(|object| &object.applied);
        let triggers = &node.options.replace_on;
        let standing = |node: NodeId| self.standing(node.index as usize);
        let triggers = triggers::values(triggers, &self.known.values, key, &addresses, standing);
        let evaluated = node.draft.evaluate(&self.known.values, key, &addresses, applied, &node.options.ignore);
        let (spec, secrets, partial, mut mistakes) = match evaluated {
            Evaluated::Whole { spec, secrets } => (Spec::Whole(spec), secrets, None, Vec::new()),
            Evaluated::Partly { spec, secrets, partial } => (Spec::Partly(spec), secrets, Some(partial), Vec::new()),
            Evaluated::Never(mistakes) => (Spec::Partly(Value::Null), Vec::new(), None, mistakes),
        };
        let triggers = triggers.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Vec::new()
        });
        if mistakes.is_empty() {
            return Ok(Desired { spec, secrets, triggers, partial });
        }
        let told = |mistake: &Mistake| {
            let at = Some(Place::of(mistake.at));
            Problem { at, ..self.problem(mistake.message.to_string()) }
        };
        Err(mistakes.iter().map(told).collect())
    }

    /// What a resource is at, for those who are replaced when it changes; none if a step is going to change it.
    fn standing(&self, index: usize) -> Option<Value> {
        let changes = self.known.last[index].is_some_and(|step| {
            let action = &self.known.steps[step.index()].action;
            action.changes_object() && *action != StepAction::Await
        });
        let record = self.input.snapshot.records.get(&self.input.stack.nodes[index].address);
        (!changes).then(|| triggers::standing(record))
    }
}
