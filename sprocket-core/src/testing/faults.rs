//! Faults of real services: each call goes through, unless a fault waits for it.

use std::any::Any;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use super::Fail;
use super::simulate::Simulation;
use crate::entropy::Entropy;
use crate::erased::{
    Called, ErasedKind, ErasedLive, ErasedSettled, Fault, KindFacts, KindHandle, Target, Through, TypedSpec,
};
use crate::ids::{ObjectId, PhysicalName};
use crate::json::Json;
use crate::provider::ErrorKind;
use crate::resource::{Checked, Deadline, Effect, Listing, Mark, Part};
use crate::stack::Stack;
use crate::state::{Intention, Object};
use crate::value::{Path, Secret, StackKey};

/// Puts the world's faults in front of every kind of a stack.
pub(super) fn inject(stack: &mut Stack, world: &Arc<Simulation>) {
    for node in &mut stack.nodes {
        node.kind = KindHandle::new(FaultyKind { real: node.kind.clone(), world: Arc::clone(world) });
    }
}

struct FaultyKind {
    real: KindHandle,
    world: Arc<Simulation>,
}

impl FaultyKind {
    fn call<'a, T: Send + 'a>(&'a self, call: &'static str, name: &str, real: Called<'a, T>) -> Called<'a, T> {
        let lost = move || Fault::new(ErrorKind::Unavailable, format!("the answer to `{call}` was lost"));
        match self.world.fault(self.real.facts().provider, call, name) {
            None => real,
            Some(Fail::AfterEffect) => async move { real.await.and_then(|_| Err(lost())) }.boxed(),
            Some(Fail::NoAnswer) => std::future::ready(Err(lost())).boxed(),
            Some(Fail::Hang) => std::future::pending().boxed(),
            Some(Fail::Before(kind)) => {
                let fault = Fault::new(kind, format!("the test refused `{call}` of `{name}`"));
                std::future::ready(Err(Fault { effect: Effect::None, ..fault })).boxed()
            }
        }
    }
}

impl ErasedKind for FaultyKind {
    fn facts(&self) -> KindFacts {
        self.real.facts()
    }

    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>> {
        self.real.read(through, target)
    }

    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>> {
        self.real.list(through, listing)
    }

    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        mark: &'a Mark,
        entropy: &'a Entropy,
    ) -> Called<'a, Json> {
        self.call("create", name.as_str(), self.real.create(through, name, spec, mark, entropy))
    }

    fn update<'a>(
        &'a self,
        through: Through<'a>,
        applied: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        mark: &'a Mark,
    ) -> Called<'a, Json> {
        self.call("update", live.name.as_str(), self.real.update(through, applied, live, spec, mark))
    }

    fn ready<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        mark: &'a Mark,
        until: Deadline,
    ) -> Called<'a, Json> {
        self.call("ready", object.name.as_str(), self.real.ready(through, object, mark, until))
    }

    fn delete<'a>(&'a self, through: Through<'a>, object: &'a Object, mark: &'a Mark) -> Called<'a, ()> {
        self.call("delete", object.name.as_str(), self.real.delete(through, object, mark))
    }

    fn settle<'a>(&'a self, through: Through<'a>, intent: &'a Intention, mark: &'a Mark) -> Called<'a, ErasedSettled> {
        self.real.settle(through, intent, mark)
    }

    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        mark: &'a Mark,
        until: Deadline,
    ) -> BoxFuture<'a, Vec<Checked>> {
        self.real.verify(through, object, mark, until)
    }

    fn bring(
        &self,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &TypedSpec,
        value: &Secret<Value>,
        key: &StackKey,
    ) -> Option<ErasedLive> {
        self.real.bring(id, name, spec, value, key)
    }

    fn id(&self, name: &PhysicalName, state: &Json, key: &StackKey) -> Result<ObjectId, Fault> {
        self.real.id(name, state, key)
    }

    fn state(&self, state: &Json, key: &StackKey) -> Result<Arc<dyn Any + Send + Sync>, String> {
        self.real.state(state, key)
    }

    fn equal(&self, one: &Json, other: &Json, secrets: &[Path], key: &StackKey) -> bool {
        self.real.equal(one, other, secrets, key)
    }

    fn mask(&self, live: &ErasedLive, secrets: &[Path], key: &StackKey) -> Json {
        self.real.mask(live, secrets, key)
    }

    fn upgrade(&self, from: u32, part: Part, value: &Json) -> Result<Json, String> {
        self.real.upgrade(from, part, value)
    }

    fn imagine(
        &self,
        through: Through<'_>,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &(dyn Any + Send + Sync),
        mark: Option<Mark>,
    ) -> Result<ErasedLive, Fault> {
        self.real.imagine(through, id, name, spec, mark)
    }

    fn keep(&self, spec: &(dyn Any + Send + Sync)) -> (Arc<dyn Any + Send + Sync>, String) {
        self.real.keep(spec)
    }
}
