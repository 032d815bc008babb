//! The stack's outputs: their values as far as they are known, and what of them changes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Builder;
use crate::base::{Address, Json, Place};
use crate::plan::{Change, Problem};
use crate::stack::{Stack, StackOutput};
use crate::value::{AFTER, Known, Mistake, Path, StackKey, sealing};

impl Builder<'_> {
    pub(super) fn outputs(&mut self) -> BTreeMap<String, Change> {
        let mut found = BTreeMap::new();
        let recorded = &self.input.snapshot.outputs;
        for (name, value) in output_values(self.input.stack, &self.known.values, self.input.key) {
            let value = match value {
                Ok(value) => value,
                Err(mistake) => {
                    self.problems.push(output_problem(&name, &mistake));
                    continue;
                }
            };
            let before = recorded.get(&name).map_or(Value::Null, Json::value);
            if before != value && !self.waits_for_left_out(&value) {
                found.insert(name, output_change(before, value));
            }
        }
        for (name, value) in recorded {
            if !self.input.request.is_partial() && !self.input.stack.outputs.iter().any(|output| output.name == *name) {
                found.insert(name.clone(), output_change(value.value(), Value::Null));
            }
        }
        found
    }

    /// Whether some of it is known only after something that is left out: then it stays as it was.
    fn waits_for_left_out(&self, value: &Value) -> bool {
        match value {
            Value::Object(map) => match map.get(AFTER) {
                Some(Value::Array(after)) => after
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|address| self.known.selected.leaves_out(&Address::from(address))),
                _ => map.values().any(|value| self.waits_for_left_out(value)),
            },
            Value::Array(items) => items.iter().any(|value| self.waits_for_left_out(value)),
            _ => false,
        }
    }
}

fn output_change(before: Value, after: Value) -> Change {
    Change { path: Path::default(), before, after, replaces: false, drift: false }
}

/// An output that will never have a value.
pub(crate) fn output_problem(name: &str, mistake: &Mistake) -> Problem {
    Problem {
        address: Address::from(format!("output {name}")),
        message: mistake.message.to_string(),
        hint: None,
        at: Some(Place::of(mistake.at)),
    }
}

/// The stack's outputs, as far as they are known; secrets are sealed.
pub(crate) fn output_values(stack: &Stack, known: &Known, key: &StackKey) -> BTreeMap<String, Result<Value, Mistake>> {
    let render = |output: &StackOutput| {
        let partial = sealing(key, || output.slot.partial(known));
        let rendered = partial.render(key, &known.exposed, &|deps| stack.addresses(deps));
        let mistake = rendered.mistakes.into_iter().next();
        (output.name.clone(), mistake.map_or(Ok(rendered.value), Err))
    };
    stack.outputs.iter().map(render).collect()
}
