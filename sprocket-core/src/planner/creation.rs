//! What has no object yet: it is created, or one that exists is taken over.

use super::compare::{self, Compared, has_holes, real_changes};
use super::desired::{Desired, Spec};
use super::naming::next_generation;
use super::{Builder, conceal};

use crate::base::PhysicalName;
use crate::base::visible::shell_word;
use crate::erased::ErasedLive;
use crate::kind::Naming;
use crate::plan::{Problem, Reason, Step, StepAction};
use crate::stack::Node;
use crate::state::Record;
use crate::value::Facts;

impl<'a> Builder<'a> {
    pub(super) fn without_object(&mut self, index: usize, node: &Node, record: Option<&Record>, desired: &Desired) {
        let generation = record.map_or(1, next_generation);
        let name = self.name(node, generation, desired);
        if let Some((left, there)) = self.left_from_before(node, record, name.as_ref(), desired) {
            return self.use_again(index, node, left, there, desired, Vec::new(), None);
        }
        let create = StepAction::Create { generation, replaces: false };
        match self.strays(node, name.as_ref()) {
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

    /// The objects that have this name at its service and are not recorded.
    pub(super) fn strays(&self, node: &Node, name: Option<&PhysicalName>) -> &'a [ErasedLive] {
        let (facts, provider) = (node.kind.facts(), &self.basis.stack.providers[node.provider].name);
        let name = name.filter(|_| facts.naming != Naming::None);
        let strays = name.map(|name| (provider.clone(), facts.kind, self.canonical(node.provider, &node.kind, name)));
        let strays = strays.and_then(|name| self.basis.observed.strays.get(&name));
        strays.map_or(&[], Vec::as_slice)
    }

    pub(super) fn create(
        &mut self,
        index: usize,
        node: &Node,
        action: StepAction,
        reason: Reason,
        name: Option<PhysicalName>,
        desired: &Desired,
    ) {
        self.review(node, desired, name.as_ref());
        let (spec, defaults) = (Some(desired.spec.json()), node.draft.defaults(self.basis.key));
        let step = Step { spec, defaults, ..self.step(index, node, action, reason, name.clone()) };
        self.push(index, step);
        self.known.nodes[index] = Facts { name, reported: None, changing: true };
    }

    pub(super) fn adopt(&mut self, index: usize, node: &Node, generation: u32, stray: &ErasedLive, desired: &Desired) {
        let name = &stray.name;
        let refusal =
            if stray.is_own(&self.basis.lineage) || (node.options.adopt && !stray.is_theirs(&self.basis.lineage)) {
                None
            } else if stray.is_theirs(&self.basis.lineage) {
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
            // What it has in the place of a secret is one too.
            let live = node.kind.mask(stray, &desired.secrets, self.basis.key);
            let (before, after) = (&live.value(), &desired.spec.value());
            let (kind, secrets, key) = (&node.kind, &desired.secrets[..], self.basis.key);
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
            self.problems.push(Problem { hint: Some(hint.into()), ..Self::problem(node, message) });
            return;
        }
        self.review(node, desired, Some(name));
        let step = Step {
            changes: differences,
            witness: Some(stray.witness.clone()),
            ..self.step(index, node, StepAction::Adopt { generation }, Reason::Found, Some(name.clone()))
        };
        self.push(index, step);
        self.known.nodes[index] =
            Facts { name: Some(name.clone()), reported: Some(self.reported(&node.kind, &stray.state)), changing: true };
    }
}
