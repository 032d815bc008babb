//! What the program says of a resource, as far as it is known.

use super::naming::HASH;
use super::{Builder, triggers};

use serde_json::Value;

use crate::base::{Json, PhysicalName, Place};
use crate::erased::Evaluated;
use crate::plan::{Problem, StepAction};
use crate::stack::Node;
use crate::state::Object;
use crate::value::{Deps, Partial, Path};

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

impl Builder<'_> {
    pub(super) fn evaluate(&mut self, node: &Node, object: Option<&Object>) -> Option<Desired> {
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
    pub(super) fn standing(&self, index: usize) -> Option<Value> {
        let changes = self.last[index].is_some_and(|step| {
            let action = &self.steps[step as usize].action;
            action.changes_object() && *action != StepAction::Await
        });
        let record = self.basis.snapshot.records.get(&self.basis.stack.nodes[index].address);
        (!changes).then(|| triggers::standing(record))
    }

    /// A name that is not decided yet is as long as it will be.
    pub(super) fn review(&mut self, node: &Node, desired: &Desired, name: Option<&PhysicalName>) {
        let undecided = || PhysicalName::from(format!("{}-{}", node.name, "0".repeat(HASH)));
        let name = name.cloned().unwrap_or_else(undecided);
        let findings = node.draft.review(&self.known, self.basis.key, desired.partial.as_ref(), &name);
        self.problems.extend(findings.errors.iter().map(|message| Self::problem(node, message.to_string())));
        self.warnings.extend(findings.warnings.iter().map(|message| Self::problem(node, message.to_string())));
    }
}
