//! Names of objects at their services, and whether they are decided yet.

use serde_json::Value;

use super::{Builder, Desired};
use crate::erased::KindFacts;
use crate::hash;
use crate::ids::PhysicalName;
use crate::plan::diff;
use crate::resource::Naming;
use crate::stack::Node;
use crate::value::{FINGERPRINT, SEALED};

/// How much of the hash of a content is in its name.
pub(super) const HASH: usize = 10;

impl Builder<'_> {
    pub(super) fn name(&self, node: &Node, generation: u32, desired: &Desired) -> Option<PhysicalName> {
        match (node.kind.facts().naming, &desired.spec) {
            (Naming::Content, spec) => {
                let spec = spec.value();
                let undecided = self.basis.key_is_new && has_secrets(&spec, node.kind.facts());
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
            if diff::has_holes(&content) {
                return None;
            }
            let hash = hash::short(&[&content.to_string()]);
            Some(format!("{}-{}", node.name, &hash[..HASH]).into())
        }
    }
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
