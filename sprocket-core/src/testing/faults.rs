//! Faults of real services: each call goes through, unless a fault waits for it.

use std::any::{Any, TypeId};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use super::Fail;
use super::simulate::Simulation;
use crate::entropy::Entropy;
use crate::erased::{
    Called, ErasedKind, ErasedLive, ErasedProvider, ErasedProviderType, ErasedSettled, Fault, Instance, KindFacts,
    KindHandle, Target, Through, TypedSpec,
};
use crate::ids::{Identity, ObjectId, PhysicalName};
use crate::json::Json;
use crate::overrides::Overrides;
use crate::provider::ErrorKind;
use crate::resource::{Checked, Deadline, Effect, Listing, Mark, Part};
use crate::stack::Stack;
use crate::state::{Intention, Object};
use crate::value::{Known, NoValue, Path, Secret, StackKey};

/// Puts the world's faults in front of every kind of a stack, and of its providers: what is deleted need not be declared.
pub(super) fn inject(stack: &mut Stack, world: &Arc<Simulation>) {
    for provider in &mut stack.providers {
        let real = Arc::clone(&provider.erased);
        let faulty_type: Arc<dyn ErasedProviderType> =
            Arc::new(FaultyType { real: Arc::clone(real.provider_type()), world: Arc::clone(world) });
        provider.erased = Arc::new(FaultyProvider { real, faulty_type });
    }
    for node in &mut stack.nodes {
        node.kind = KindHandle::new(FaultyKind { real: node.kind.clone(), world: Arc::clone(world) });
    }
}

struct FaultyProvider {
    real: Arc<dyn ErasedProvider>,
    faulty_type: Arc<dyn ErasedProviderType>,
}

struct FaultyType {
    real: Arc<dyn ErasedProviderType>,
    world: Arc<Simulation>,
}

impl ErasedProvider for FaultyProvider {
    fn is(&self, provider: TypeId) -> bool {
        self.real.is(provider)
    }

    fn provider_type(&self) -> &Arc<dyn ErasedProviderType> {
        &self.faulty_type
    }

    fn config(&self, known: &Known, key: &StackKey) -> Result<Json, NoValue> {
        self.real.config(known, key)
    }

    fn typed_config(&self, known: &Known) -> Result<Box<dyn Any>, NoValue> {
        self.real.typed_config(known)
    }

    fn connect(&self, known: &Known) -> BoxFuture<'static, Result<Instance, Fault>> {
        self.real.connect(known)
    }
}

impl ErasedProviderType for FaultyType {
    fn name(&self) -> &'static str {
        self.real.name()
    }

    fn parallel(&self) -> usize {
        self.real.parallel()
    }

    fn kind(&self, name: &str) -> Option<KindHandle> {
        let real = self.real.kind(name)?;
        Some(KindHandle::new(FaultyKind { real, world: Arc::clone(&self.world) }))
    }

    fn reconnect(
        &self,
        config: &Json,
        key: &StackKey,
        overrides: &Overrides,
    ) -> BoxFuture<'static, Result<Instance, Fault>> {
        self.real.reconnect(config, key, overrides)
    }

    fn identity<'a>(&self, instance: &'a Instance) -> BoxFuture<'a, Result<Identity, Fault>> {
        self.real.identity(instance)
    }

    fn close<'a>(&self, instance: &'a Instance) -> BoxFuture<'a, Result<(), Fault>> {
        self.real.close(instance)
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
        let name = object.name.as_str();
        if self.world.is_deleted_twice(name) {
            let twice = async move {
                self.real.delete(through, object, mark).await?;
                self.real.delete(through, object, mark).await
            };
            return twice.boxed();
        }
        self.call("delete", name, self.real.delete(through, object, mark))
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
