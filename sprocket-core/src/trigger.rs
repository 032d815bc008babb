//! Triggers: values and resources whose change replaces a resource, though none of its own settings has changed.
//!
//! The values are recorded with each object, so that a change is still seen after a run that was cut off between the trigger
//! and what it replaces.

use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::plan::Change;
use crate::resource::Resource;
use crate::state::{Object, Record};
use crate::value::{Deps, Input, Known, Mistake, NodeId, Output, Partial, Path, PathPart, Slot, StackKey, sealing};

/// What [`replace_on`](crate::DraftExt::replace_on) takes: an output, another resource, or a plain value.
#[derive(Clone)]
pub struct Trigger(What);

#[derive(Clone)]
enum What {
    Value(Arc<dyn Slot + Send + Sync>),
    Resource(NodeId),
}

impl Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trigger")
    }
}

impl<T: Clone + Serialize + Send + Sync + 'static> From<&Output<T>> for Trigger {
    fn from(output: &Output<T>) -> Self {
        Self(What::Value(Arc::new(Input::Output(output.clone()))))
    }
}

impl<R: Resource> From<&R> for Trigger {
    fn from(resource: &R) -> Self {
        Self(What::Resource(resource.this().node))
    }
}

impl From<String> for Trigger {
    fn from(text: String) -> Self {
        Self(What::Value(Arc::new(Input::Value(text))))
    }
}

impl From<&str> for Trigger {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<u64> for Trigger {
    fn from(number: u64) -> Self {
        Self(What::Value(Arc::new(Input::Value(number))))
    }
}

impl Trigger {
    pub(crate) fn deps(&self, into: &mut Deps) {
        match &self.0 {
            What::Value(slot) => slot.deps(into),
            What::Resource(node) => drop(into.nodes.insert(*node)),
        }
    }

    pub(crate) fn mistakes(&self, into: &mut Vec<Mistake>) {
        if let What::Value(slot) = &self.0 {
            slot.mistakes(into);
        }
    }
}

/// What the triggers say now: secrets sealed, and `{"$after": […]}` for what is not known yet. `standing` says what a
/// resource is at, or none if a step is going to change it.
pub(crate) fn values(
    triggers: &[Trigger],
    known: &Known,
    key: &StackKey,
    addresses: &dyn Fn(&Deps) -> Vec<String>,
    standing: impl Fn(NodeId) -> Option<Value>,
) -> Result<Vec<Value>, Mistake> {
    let one = |trigger: &Trigger| {
        let partial = sealing(key, || match &trigger.0 {
            What::Value(slot) => slot.partial(known),
            What::Resource(node) => standing(*node).map_or_else(|| Partial::After(Deps::on(*node)), Partial::Known),
        });
        let rendered = partial.render(key, &known.exposed, addresses);
        rendered.mistakes.into_iter().next().map_or(Ok(rendered.value), Err)
    };
    triggers.iter().map(one).collect()
}

/// Another one after each change of the resource, and for each new object.
pub(crate) fn standing(record: Option<&Record>) -> Value {
    let object = record.and_then(|record| record.object.as_ref());
    object.map_or(Value::Null, |object| Value::from(format!("{} #{}", object.id, object.revision)))
}

/// The triggers that have another value than when the object was made. One that was not there then has changed nothing.
pub(crate) fn changes(object: &Object, now: &[Value]) -> Vec<Change> {
    let both = object.triggers.iter().zip(now).enumerate().filter(|(_, (before, after))| before != after);
    let change = |(place, (before, after)): (usize, (&Value, &Value))| {
        let setting = Path(vec![PathPart::Key("replace_on".into())]);
        let path = if now.len() > 1 { setting.join(PathPart::Index(place)) } else { setting };
        Change { path, before: before.clone(), after: after.clone(), replaces: true, drift: false }
    };
    both.map(change).collect()
}
