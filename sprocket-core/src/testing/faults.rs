//! Faults: what a test lets go wrong with the calls of real and of simulated services. Every other call goes through.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{Fail, lock};
use crate::base::{Effect, Entropy, Identity, Json, ObjectId, OwnerTag, PhysicalName};
use crate::erased::{
    Called, Config, ErasedCalls, ErasedLive, ErasedProviderType, ErasedSettled, Fault, Instance, KindHandle,
    ProviderSettings, Target, Through, TypedSpec,
};
use crate::kind::{CheckResult, Deadline, ErrorKind, Listing, Overrides};
use crate::stack::Stack;
use crate::state::{Intent, Object};
use crate::value::StackKey;

/// The faults that wait for their calls.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    calls: Vec<(&'static str, String, Fail)>,
    /// Objects whose next delete is made twice.
    deleted_twice: Vec<String>,
    unreachable: BTreeSet<&'static str>,
}

impl Faults {
    pub(super) fn fail(&self, call: &'static str, name: &str, fail: Fail) {
        lock(&self.0).calls.push((call, name.to_owned(), fail));
    }

    pub(super) fn delete_twice(&self, name: &str) {
        lock(&self.0).deleted_twice.push(name.to_owned());
    }

    pub(super) fn unreachable(&self, provider: &'static str, unreachable: bool) {
        let mut waiting = lock(&self.0);
        if unreachable {
            waiting.unreachable.insert(provider);
        } else {
            waiting.unreachable.remove(provider);
        }
    }

    fn is_deleted_twice(&self, name: &str) -> bool {
        let mut waiting = lock(&self.0);
        let place = waiting.deleted_twice.iter().position(|on| on == name);
        place.map(|place| waiting.deleted_twice.remove(place)).is_some()
    }

    /// The fault that this call is to have, if any.
    fn of(&self, provider: &'static str, call: &str, name: &str) -> Option<Fail> {
        let mut waiting = lock(&self.0);
        if waiting.unreachable.contains(provider) {
            return Some(Fail::Before(ErrorKind::Unavailable));
        }
        let place = waiting.calls.iter().position(|(of, on, _)| *of == call && on == name)?;
        Some(waiting.calls.remove(place).2)
    }

    /// A call, with the fault that waits for it.
    fn meet<'a, T: Send + 'a>(
        &self,
        provider: &'static str,
        call: &'static str,
        name: &str,
        real: Called<'a, T>,
    ) -> Called<'a, T> {
        let lost = move || Fault::new(ErrorKind::Unavailable, format!("the answer to `{call}` was lost"));
        match self.of(provider, call, name) {
            None => real,
            Some(Fail::AfterEffect) => async move { real.await.and_then(|_| Err(lost())) }.boxed(),
            Some(Fail::Dropped(polls)) => dropped(real, polls).map(move |done| done.and_then(|_| Err(lost()))).boxed(),
            Some(Fail::NoAnswer) => std::future::ready(Err(lost())).boxed(),
            Some(Fail::Hang) => std::future::pending().boxed(),
            Some(Fail::Before(kind)) => {
                let fault = Fault::new(kind, format!("the test refused `{call}` of `{name}`"));
                std::future::ready(Err(Fault { effect: Effect::None, ..fault })).boxed()
            }
        }
    }
}

/// Drops a call that has not ended after so many polls.
async fn dropped<T>(mut call: Called<'_, T>, polls: u32) -> Result<(), Fault> {
    let mut left = polls;
    std::future::poll_fn(|context| {
        left = left.saturating_sub(1);
        match call.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(done.map(drop)),
            Poll::Pending if left == 0 => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Puts the faults in front of every kind of a stack, and of its providers: what is deleted need not be declared.
pub(super) fn inject(stack: &mut Stack, faults: &Arc<Faults>) {
    for provider in &mut stack.providers {
        let real = Arc::clone(&provider.provider_type);
        provider.provider_type = Arc::new(FaultyType { real, faults: Arc::clone(faults) });
    }
    for node in &mut stack.nodes {
        node.kind = faulty(&node.kind, faults);
    }
}

fn faulty(real: &KindHandle, faults: &Arc<Faults>) -> KindHandle {
    real.calling(FaultyCalls { real: real.clone(), faults: Arc::clone(faults) })
}

struct FaultyType {
    real: Arc<dyn ErasedProviderType>,
    faults: Arc<Faults>,
}

impl ErasedProviderType for FaultyType {
    fn name(&self) -> &'static str {
        self.real.name()
    }

    fn parallel(&self) -> usize {
        self.real.parallel()
    }

    fn kind(&self, name: &str) -> Option<KindHandle> {
        self.real.kind(name).map(|real| faulty(&real, &self.faults))
    }

    fn recorded(&self, config: &Json, key: &StackKey, overrides: &Overrides) -> Result<ProviderSettings, Fault> {
        self.real.recorded(config, key, overrides)
    }

    fn config(&self, settings: ProviderSettings) -> Box<Config> {
        self.real.config(settings)
    }

    fn answers<'a>(
        &self,
        settings: &'a ProviderSettings,
        key: &StackKey,
    ) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        self.real.answers(settings, key)
    }

    fn connect(&self, settings: ProviderSettings, key: &StackKey) -> BoxFuture<'static, Result<Instance, Fault>> {
        self.faults.meet(self.name(), "connect", self.name(), self.real.connect(settings, key))
    }

    fn identity<'a>(&self, instance: &'a Instance, key: &StackKey) -> BoxFuture<'a, Result<Identity, Fault>> {
        self.real.identity(instance, key)
    }

    fn close<'a>(&self, instance: &'a Instance, key: &StackKey) -> BoxFuture<'a, Result<(), Fault>> {
        self.real.close(instance, key)
    }
}

struct FaultyCalls {
    real: KindHandle,
    faults: Arc<Faults>,
}

impl FaultyCalls {
    fn call<'a, T: Send + 'a>(&self, call: &'static str, name: &str, real: Called<'a, T>) -> Called<'a, T> {
        self.faults.meet(self.real.facts().provider, call, name, real)
    }
}

impl ErasedCalls for FaultyCalls {
    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>> {
        let name = match target {
            Target::Recorded(object, _) => object.name.as_str(),
            Target::Named(name) => name.as_str(),
            Target::Import(id) => id,
        };
        self.call("read", name, self.real.calls.read(through, target))
    }

    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>> {
        self.call("list", self.real.facts().kind, self.real.calls.list(through, listing))
    }

    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
        entropy: &'a Entropy,
    ) -> Called<'a, Json> {
        self.call("create", name.as_str(), self.real.calls.create(through, name, spec, owner, entropy))
    }

    fn update<'a>(
        &'a self,
        through: Through<'a>,
        applied: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
    ) -> Called<'a, Json> {
        self.call("update", live.name.as_str(), self.real.calls.update(through, applied, live, spec, owner))
    }

    fn ready<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        owner: &'a OwnerTag,
        deadline: Deadline,
    ) -> Called<'a, Json> {
        self.call("ready", object.name.as_str(), self.real.calls.ready(through, object, owner, deadline))
    }

    fn delete<'a>(&'a self, through: Through<'a>, object: &'a Object, owner: &'a OwnerTag) -> Called<'a, ()> {
        let name = object.name.as_str();
        if self.faults.is_deleted_twice(name) {
            let twice = async move {
                self.real.calls.delete(through, object, owner).await?;
                self.real.calls.delete(through, object, owner).await
            };
            return twice.boxed();
        }
        self.call("delete", name, self.real.calls.delete(through, object, owner))
    }

    /// Settling is reading.
    fn recover<'a>(
        &'a self,
        through: Through<'a>,
        intent: &'a Intent,
        owner: &'a OwnerTag,
    ) -> Called<'a, ErasedSettled> {
        self.call("read", intent.name.as_str(), self.real.calls.recover(through, intent, owner))
    }

    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        owner: &'a OwnerTag,
        deadline: Deadline,
    ) -> BoxFuture<'a, Vec<CheckResult>> {
        self.real.calls.verify(through, object, owner, deadline)
    }

    fn id(&self, name: &PhysicalName, state: &Json, key: &StackKey) -> Result<ObjectId, Fault> {
        self.real.calls.id(name, state, key)
    }
}
