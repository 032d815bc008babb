//! Simulation: what answers in the place of a program's services.
//!
//! The fakes are strict: a name can't be taken twice, nothing can be deleted that another object's settings mention by its
//! id, and what is not there can't be changed.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::lock;
use crate::base::{Entropy, Identity, Json, ObjectId, OwnerTag, PhysicalName};
use crate::builtin::Random;
use crate::erased::{
    Called, Config, ErasedCalls, ErasedLive, ErasedLookup, ErasedProviderType, ErasedSettled, Fault, Instance,
    KindHandle, ProviderSettings, Target, Through, TypedSpec,
};
use crate::kind::{CheckResult, Deadline, ErrorKind, Kind, Listing, Lookup, Naming, Overrides, Provider as _};
use crate::stack::Stack;
use crate::state::{Intent, Object};
use crate::value::{Answer, Known, NoValue, StackKey};

/// The objects of all services.
#[derive(Debug, Default)]
pub(super) struct Simulation(Mutex<Services>);

#[derive(Debug, Default)]
struct Services {
    objects: BTreeMap<(&'static str, ObjectId), Simulated>,
    minted: u64,
    calls: Vec<String>,
    answers: BTreeMap<&'static str, Arc<dyn Any + Send + Sync>>,
}

#[derive(Clone, Debug)]
struct Simulated {
    name: PhysicalName,
    spec: Arc<dyn Any + Send + Sync>,
    /// The settings as text, to see whom they mention.
    text: String,
    owner: Option<OwnerTag>,
}

/// Replaces the services that a stack is declared on. What needs no service stays as it is.
pub(super) fn simulate(stack: &mut Stack, world: &Arc<Simulation>) {
    for provider in stack.providers.iter_mut().filter(|provider| !provider.erased.is(TypeId::of::<Random>())) {
        let real = Arc::clone(&provider.provider_type);
        provider.provider_type = Arc::new(SimulatedType { real, world: Arc::clone(world) });
    }
    for lookup in &mut stack.lookups {
        let real = std::mem::replace(&mut lookup.erased, Box::new(Unanswered));
        lookup.erased = Box::new(SimulatedLookup { real, world: Arc::clone(world) });
    }
    for node in stack.nodes.iter_mut().filter(|node| node.kind.facts().provider != Random::NAME) {
        node.kind = simulated(&node.kind, world);
    }
}

fn simulated(real: &KindHandle, world: &Arc<Simulation>) -> KindHandle {
    real.calling(SimulatedCalls { real: real.clone(), world: Arc::clone(world) })
}

impl Simulation {
    pub(super) fn answer<L: Lookup>(&self, answer: L::Answer) {
        lock(&self.0).answers.insert(L::WHAT, Arc::new(answer));
    }

    pub(super) fn change<R: Kind>(&self, name: &str, change: impl FnOnce(&mut R::Spec)) {
        let mut services = lock(&self.0);
        let object = services.named(R::KIND, name).unwrap_or_else(|| panic!("there is no {} `{name}`", R::KIND));
        let mut spec = object.spec.downcast_ref::<R::Spec>().expect("BUG: a spec has its kind's type").clone();
        change(&mut spec);
        object.text = serde_json::to_string(&spec).unwrap_or_default();
        object.spec = Arc::new(spec);
    }

    pub(super) fn put<R: Kind>(&self, name: &str, spec: R::Spec) {
        let text = serde_json::to_string(&spec).unwrap_or_default();
        lock(&self.0).insert(
            R::KIND,
            R::NAMING,
            Simulated { name: name.into(), spec: Arc::new(spec), text, owner: None },
        );
    }

    pub(super) fn set_owner(&self, kind: &str, name: &str, owner: Option<OwnerTag>) {
        let mut services = lock(&self.0);
        let mut objects = services.objects.iter_mut();
        let object = objects.find(|((of, _), object)| *of == kind && object.name.as_str() == name);
        object.unwrap_or_else(|| panic!("there is no {kind} `{name}`")).1.owner = owner;
    }

    pub(super) fn remove(&self, kind: &str, name: &str) {
        let mut services = lock(&self.0);
        let before = services.objects.len();
        services.objects.retain(|(of, _), object| *of != kind || object.name.as_str() != name);
        assert!(services.objects.len() < before, "there is no {kind} `{name}`");
    }

    pub(super) fn spec<R: Kind>(&self, name: &str) -> Option<R::Spec> {
        lock(&self.0).named(R::KIND, name)?.spec.downcast_ref::<R::Spec>().cloned()
    }

    pub(super) fn objects(&self) -> Vec<String> {
        let services = lock(&self.0);
        let mut names: Vec<String> =
            services.objects.iter().map(|((kind, _), object)| format!("{kind}/{}", object.name)).collect();
        names.sort();
        names
    }

    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0).calls)
    }
}

impl Services {
    fn named(&mut self, kind: &str, name: &str) -> Option<&mut Simulated> {
        self.objects.iter_mut().find(|((of, _), object)| *of == kind && object.name.as_str() == name).map(|(_, it)| it)
    }

    /// Ids are names where names are unique for ever, as services do it.
    fn insert(&mut self, kind: &'static str, naming: Naming, object: Simulated) -> ObjectId {
        self.minted += 1;
        let id = match naming {
            Naming::Fixed => object.name.as_str().into(),
            _ => ObjectId::from(format!("{}#{}", kind.rsplit(':').next().unwrap_or(kind), self.minted)),
        };
        self.objects.insert((kind, id.clone()), object);
        id
    }
}

/// Stands in for a question while it is being replaced.
struct Unanswered;

impl ErasedLookup for Unanswered {
    fn what(&self) -> &'static str {
        ""
    }

    fn question(&self, _: &Known) -> Result<String, NoValue> {
        Err(NoValue::Yet)
    }

    fn ask(&self, _: Instance, _: &Known) -> Result<Called<'static, Answer>, NoValue> {
        Err(NoValue::Yet)
    }

    fn imagine(&self, _: &Known) -> Result<Answer, NoValue> {
        Err(NoValue::Yet)
    }
}

struct SimulatedLookup {
    real: Box<dyn ErasedLookup>,
    world: Arc<Simulation>,
}

impl ErasedLookup for SimulatedLookup {
    fn what(&self) -> &'static str {
        self.real.what()
    }

    fn question(&self, known: &Known) -> Result<String, NoValue> {
        self.real.question(known)
    }

    fn ask(&self, _: Instance, known: &Known) -> Result<Called<'static, Answer>, NoValue> {
        let imagined = self.real.imagine(known)?;
        let given = lock(&self.world.0).answers.get(self.real.what()).cloned();
        Ok(std::future::ready(Ok(given.map_or(imagined, Ok))).boxed())
    }

    fn imagine(&self, known: &Known) -> Result<Answer, NoValue> {
        self.real.imagine(known)
    }
}

struct SimulatedType {
    real: Arc<dyn ErasedProviderType>,
    world: Arc<Simulation>,
}

impl ErasedProviderType for SimulatedType {
    fn name(&self) -> &'static str {
        self.real.name()
    }

    fn parallel(&self) -> usize {
        self.real.parallel()
    }

    fn kind(&self, name: &str) -> Option<KindHandle> {
        self.real.kind(name).map(|real| simulated(&real, &self.world))
    }

    fn recorded(&self, config: &Json, key: &StackKey, overrides: &Overrides) -> Result<ProviderSettings, Fault> {
        self.real.recorded(config, key, overrides)
    }

    fn config(&self, settings: ProviderSettings) -> Box<Config> {
        self.real.config(settings)
    }

    fn answers<'a>(&self, _: &'a ProviderSettings, _: &StackKey) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn connect(&self, settings: ProviderSettings, _: &StackKey) -> BoxFuture<'static, Result<Instance, Fault>> {
        std::future::ready(Ok(Instance::from(self.config(settings)))).boxed()
    }

    fn identity<'a>(&self, _: &'a Instance, _: &StackKey) -> BoxFuture<'a, Result<Identity, Fault>> {
        std::future::ready(Ok("simulated".into())).boxed()
    }

    fn close<'a>(&self, _: &'a Instance, _: &StackKey) -> BoxFuture<'a, Result<(), Fault>> {
        std::future::ready(Ok(())).boxed()
    }
}

struct SimulatedCalls {
    real: KindHandle,
    world: Arc<Simulation>,
}

impl SimulatedCalls {
    fn kind(&self) -> &'static str {
        self.real.facts().kind
    }

    /// Which names are one, given the settings that stand in for a connection.
    fn is_called<'n>(
        &'n self,
        through: Through<'n>,
        name: &'n PhysicalName,
    ) -> impl Fn(&PhysicalName) -> bool + use<'n> {
        let canonical = move |name: &PhysicalName| self.real.canonical(name, Some(&**through.provider));
        let wanted = canonical(name);
        let has_spellings = self.real.facts().spellings;
        move |other| if has_spellings { canonical(other) == wanted } else { *other == wanted }
    }

    fn live(&self, through: Through<'_>, id: &ObjectId, object: &Simulated) -> Result<ErasedLive, Fault> {
        self.real.imagine(through, id, &object.name, &*object.spec, object.owner.clone())
    }

    fn find(
        &self,
        through: Through<'_>,
        wanted: impl Fn(&ObjectId, &Simulated) -> bool,
    ) -> Result<Vec<ErasedLive>, Fault> {
        let services = lock(&self.world.0);
        let found = services.objects.iter().filter(|((kind, id), object)| *kind == self.kind() && wanted(id, object));
        found.map(|((_, id), object)| self.live(through, id, object)).collect()
    }

    /// Lets other calls run in between, as they would with a real service.
    async fn act<T>(&self, act: impl FnOnce(&mut Services) -> Result<T, Fault>) -> Result<T, Fault> {
        tokio::task::yield_now().await;
        act(&mut lock(&self.world.0))
    }

    fn state_of(&self, through: Through<'_>, id: &ObjectId, services: &Services) -> Result<Json, Fault> {
        let object = services.objects.get(&(self.kind(), id.clone())).ok_or_else(|| gone(id))?;
        Ok(self.live(through, id, object)?.state)
    }
}

fn gone(id: &ObjectId) -> Fault {
    Fault::new(ErrorKind::NotFound, format!("there is no object `{id}`"))
}

impl ErasedCalls for SimulatedCalls {
    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>> {
        async move {
            tokio::task::yield_now().await;
            match target {
                Target::Recorded(object, _) => self.find(through, |id, _| *id == object.id),
                Target::Named(name) => {
                    let is_it = self.is_called(through, name);
                    self.find(through, |_, object| is_it(&object.name))
                }
                Target::Import(text) => {
                    let name = text.into();
                    let is_it = self.is_called(through, &name);
                    self.find(through, |id, object| id.as_str() == text || is_it(&object.name))
                }
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>> {
        async move {
            tokio::task::yield_now().await;
            if !self.real.facts().spellings {
                return self.find(through, |_, object| listing.wants(&object.name, object.owner.as_ref())).map(Some);
            }
            let canonical = |name: &PhysicalName| self.real.canonical(name, Some(&**through.provider));
            let names = listing.names.iter().map(canonical).collect();
            let listing = Listing { names, ..listing.clone() };
            self.find(through, |_, object| listing.wants(&canonical(&object.name), object.owner.as_ref())).map(Some)
        }
        .boxed()
    }

    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
        _: &'a Entropy,
    ) -> Called<'a, Json> {
        self.act(move |services| {
            let is_it = self.is_called(through, name);
            if services.objects.iter().any(|((kind, _), object)| *kind == self.kind() && is_it(&object.name)) {
                let message = format!("an object named `{name}` exists already");
                return Err(Fault::new(ErrorKind::AlreadyExists, message));
            }
            services.calls.push(format!("create {}/{name}", self.kind()));
            let (spec, text) = self.real.keep(&**spec);
            let object = Simulated { name: name.clone(), spec, text, owner: Some(owner.clone()) };
            let id = services.insert(self.kind(), self.real.facts().naming, object);
            self.state_of(through, &id, services)
        })
        .boxed()
    }

    fn update<'a>(
        &'a self,
        through: Through<'a>,
        _: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
    ) -> Called<'a, Json> {
        self.act(move |services| {
            let id = live.id.clone();
            let object = services.objects.get_mut(&(self.kind(), id.clone())).ok_or_else(|| gone(&id))?;
            (object.spec, object.text) = self.real.keep(&**spec);
            object.owner = Some(owner.clone());
            services.calls.push(format!("update {}/{}", self.kind(), live.name));
            self.state_of(through, &id, services)
        })
        .boxed()
    }

    fn ready<'a>(&'a self, through: Through<'a>, object: &'a Object, _: &'a OwnerTag, _: Deadline) -> Called<'a, Json> {
        self.act(move |services| self.state_of(through, &object.id, services)).boxed()
    }

    fn delete<'a>(&'a self, _: Through<'a>, object: &'a Object, _: &'a OwnerTag) -> Called<'a, ()> {
        self.act(move |services| {
            let mention = format!("\"{}\"", object.id);
            let user = services
                .objects
                .iter()
                .find(|((kind, _), other)| *kind != self.kind() && other.text.contains(&mention));
            if let (Some(((kind, _), user)), false) = (user, self.real.facts().naming == Naming::Fixed) {
                let message = format!("`{}` is in use by {kind}/{}", object.name, user.name);
                return Err(Fault::new(ErrorKind::Conflict, message));
            }
            if services.objects.remove(&(self.kind(), object.id.clone())).is_some() {
                services.calls.push(format!("delete {}/{}", self.kind(), object.name));
            }
            Ok(())
        })
        .boxed()
    }

    fn recover<'a>(
        &'a self,
        through: Through<'a>,
        intent: &'a Intent,
        owner: &'a OwnerTag,
    ) -> Called<'a, ErasedSettled> {
        async move {
            let lives = self.read(through, Target::Named(&intent.name)).await?;
            let (ours, others): (Vec<_>, Vec<_>) = lives.into_iter().partition(|live| live.is(owner));
            let mut ours = ours.into_iter();
            Ok(match ours.next() {
                Some(object) => ErasedSettled::Ours { object: Box::new(object), duplicates: ours.collect() },
                None if others.is_empty() => ErasedSettled::Nothing,
                None => ErasedSettled::Unmarked(others),
            })
        }
        .boxed()
    }

    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        _: &'a OwnerTag,
        _: Deadline,
    ) -> BoxFuture<'a, Vec<CheckResult>> {
        async move {
            let found = self.find(through, |id, _| *id == object.id).is_ok_and(|found| !found.is_empty());
            vec![CheckResult { what: "exists".into(), failure: (!found).then(|| "it has gone".into()) }]
        }
        .boxed()
    }

    fn id(&self, name: &PhysicalName, _: &Json, _: &StackKey) -> Result<ObjectId, Fault> {
        let services = lock(&self.world.0);
        let mut found =
            services.objects.iter().filter(|((kind, _), object)| *kind == self.kind() && object.name == *name);
        found.next().map(|((_, id), _)| id.clone()).ok_or_else(|| gone(&name.as_str().into()))
    }
}
