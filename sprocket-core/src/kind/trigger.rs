//! Triggers: values and resources whose change replaces a resource, though none of its own settings has changed.
//!
//! The values are recorded with each object, so that a change is still seen after a run that was cut off between the trigger
//! and what it replaces.

use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::kind::Handle;
use crate::value::{Deps, Input, Known, Mistake, NodeId, Output, Partial, Slot};

/// What [`replace_on`](crate::program::DraftExt::replace_on) takes: an output, another resource, or a plain value.
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

impl<R: Handle> From<&R> for Trigger {
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

    /// What it says now. `standing` says what a resource is at, or none if a step is going to change it.
    pub(crate) fn partial(&self, known: &Known, standing: impl Fn(NodeId) -> Option<Value>) -> Partial {
        match &self.0 {
            What::Value(slot) => slot.partial(known),
            What::Resource(node) => standing(*node).map_or_else(|| Partial::After(Deps::on(*node)), Partial::Known),
        }
    }
}
