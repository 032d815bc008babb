//! Names of objects at their services, and whether they are decided yet.

use serde_json::Value;

use super::decide::Case;
use super::desired::Desired;
use crate::base::{PhysicalName, hash};
use crate::erased::KindFacts;
use crate::kind::Naming;
use crate::plan::Problem;
use crate::planner::compare;
use crate::stack::Node;
use crate::state::{Object, Record};
use crate::value::{FINGERPRINT, SEALED};

/// How much of the hash of a content is in its name.
pub(super) const HASH: usize = 16;

impl Case<'_, '_> {
    /// A name that the program pins counts for the next object only.
    pub(super) fn stays_named(&self, object: &Object) -> Option<Problem> {
        (self.node.options.physical_name.is_some() && !self.is_named_so(object)).then(|| {
            let message = format!("stays as `{}` until it is replaced, whatever `.named` says now", object.name);
            let hint = format!("`--replace {}` makes a new one of that name", self.node.address);
            Problem { hint: Some(hint), ..self.problem(message) }
        })
    }

    /// Whether an object has the name that the program has for it, as far as that is its own.
    fn is_named_so(&self, object: &Object) -> bool {
        let node = self.node;
        let canonical = |name: &PhysicalName| self.input.canonical(node.provider, &node.kind, name);
        match node.kind.facts().naming {
            Naming::None => true,
            Naming::Content => object.name.as_str().starts_with(node.name.as_str()),
            _ => name_of(node, object.generation, &Value::Null)
                .is_some_and(|name| canonical(&name) == canonical(&object.name)),
        }
    }

    /// The name that an object of these settings gets, if it is known.
    pub(super) fn name(&self, generation: u32, desired: &Desired) -> Option<PhysicalName> {
        let (node, facts) = (self.node, self.node.kind.facts());
        match facts.naming {
            Naming::Content => {
                let spec = desired.spec.value();
                let undecided = self.input.key_is_new && has_secrets(&spec, facts);
                if undecided { None } else { name_of(node, generation, &spec) }
            }
            _ => name_of(node, generation, &Value::Null),
        }
    }
}

/// The name of an object, if it is known: a content's name is unknown while the content is.
pub(crate) fn name_of(node: &Node, generation: u32, spec: &Value) -> Option<PhysicalName> {
    match node.kind.facts().naming {
        Naming::Fixed | Naming::None => Some(node.name.clone()),
        Naming::Generation if generation == 1 => Some(node.name.clone()),
        Naming::Generation => Some(format!("{}-{generation}", node.name).into()),
        Naming::Content => {
            let content = content(spec, node.kind.facts());
            if compare::has_holes(&content) {
                return None;
            }
            let hash = hash::short(&[&content.to_string()]);
            Some(format!("{}-{}", node.name, &hash[..HASH]).into())
        }
    }
}

/// Which generation would take the place of what is recorded.
pub(crate) fn next_generation(record: &Record) -> u32 {
    1 + record.objects().map(|object| object.generation).max().unwrap_or(0)
}

/// What an object would be called that takes the place of the recorded one, where its settings do not say that.
pub(crate) fn next_name(node: &Node, record: &Record) -> Option<PhysicalName> {
    name_of(node, next_generation(record), &Value::Null)
}

/// The settings that make a content's name.
fn content(spec: &Value, facts: KindFacts) -> Value {
    let replacing = facts.fields.iter().filter(|field| field.replaces);
    Value::Object(replacing.map(|field| (field.name.to_owned(), spec[field.name].clone())).collect())
}

fn has_secrets(spec: &Value, facts: KindFacts) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.contains_key(SEALED) || map.contains_key(FINGERPRINT) || map.values().any(any),
            Value::Array(items) => items.iter().any(any),
            _ => false,
        }
    }
    any(&content(spec, facts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kind::Field;

    const FIELDS: &[Field] = &[
        Field { name: "data", replaces: true, write_only: false },
        Field { name: "labels", replaces: false, write_only: false },
    ];

    #[test]
    fn secrets_that_make_a_name_are_found_wherever_they_are() {
        let facts = KindFacts {
            kind: "yard:flag",
            version: 1,
            naming: Naming::Content,
            needs_ready: false,
            stateful: false,
            marked: true,
            spellings: false,
            claims: false,
            fields: FIELDS,
            provider: "yard",
        };
        let (sealed, fingerprint) = (json!({"$sealed": "x"}), json!({"$fingerprint": "x"}));
        for secret in [&sealed, &fingerprint] {
            for data in [secret.clone(), json!(["a", secret]), json!({"a": {"b": [secret]}})] {
                assert!(has_secrets(&json!({"data": data}), facts), "{data}");
            }
            assert!(!has_secrets(&json!({"data": ["a"], "labels": secret}), facts), "it is not in the name");
        }
    }
}
