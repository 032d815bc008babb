//! Kinds without their types.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::draft::{self, TypedSpec};
use super::fault::{Fault, reading};
use super::provider::{Instance, typed};
use crate::entropy::Entropy;
use crate::ids::{Lineage, ObjectId, PhysicalName, RecordId};
use crate::json::Json;
use crate::provider::{ErrorKind, Provider};
use crate::resource::{
    Bring, Change, Checked, Deadline, Find, Intent, Listing, Live, Make, Mark, Naming, Part, Recorded, Resource,
    Settled, Witness,
};
use crate::spec::{Field, Spec};
use crate::state::{Intention, Object};
use crate::value::{Path, Secret, StackKey, open_at, sealing};

/// What the engine knows about a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindFacts {
    pub(crate) kind: &'static str,
    pub(crate) version: u32,
    pub(crate) naming: Naming,
    pub(crate) converges: bool,
    pub(crate) stateful: bool,
    pub(crate) marked: bool,
    pub(crate) fields: &'static [Field],
    pub(crate) provider: &'static str,
}

impl KindFacts {
    /// Whether this is in a setting that can be written and not be read.
    pub(crate) fn hides(&self, path: &Path) -> bool {
        self.fields.iter().any(|field| field.write_only && path.field() == Some(field.name))
    }
}

/// An object as it is now.
#[derive(Debug)]
pub(crate) struct ErasedLive {
    pub(crate) id: ObjectId,
    pub(crate) name: PhysicalName,
    pub(crate) spec: Json,
    pub(crate) state: Json,
    pub(crate) mark: Option<Mark>,
    pub(crate) witness: Witness,
    typed: Box<dyn Any + Send + Sync>,
}

/// How to look for an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Recorded(&'a Object, &'a Mark),
    Named(&'a PhysicalName),
    Import(&'a str),
}

/// What an interrupted create left.
#[derive(Debug)]
pub(crate) enum ErasedSettled {
    Nothing,
    Ours(Vec<ErasedLive>),
    Unmarked(Vec<ErasedLive>),
}

/// What every call needs: the provider, the stack's key, and where plain values are secret.
#[derive(Clone, Copy)]
pub(crate) struct Through<'a> {
    pub(crate) provider: &'a Instance,
    pub(crate) key: &'a StackKey,
    pub(crate) secrets: &'a [Path],
}

pub(crate) type Called<'a, T> = BoxFuture<'a, Result<T, Fault>>;

pub(crate) trait ErasedKind: Send + Sync {
    fn facts(&self) -> KindFacts;
    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>>;
    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>>;
    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        mark: &'a Mark,
        entropy: &'a Entropy,
    ) -> Called<'a, Json>;
    fn update<'a>(
        &'a self,
        through: Through<'a>,
        applied: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        mark: &'a Mark,
    ) -> Called<'a, Json>;
    fn ready<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        mark: &'a Mark,
        deadline: Deadline,
    ) -> Called<'a, Json>;
    fn delete<'a>(&'a self, through: Through<'a>, object: &'a Object, mark: &'a Mark) -> Called<'a, ()>;
    fn settle<'a>(&'a self, through: Through<'a>, intent: &'a Intention, mark: &'a Mark) -> Called<'a, ErasedSettled>;
    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        mark: &'a Mark,
        deadline: Deadline,
    ) -> BoxFuture<'a, Vec<Checked>>;
    /// An object that is its record alone, made of a value from elsewhere; `None` if this kind has none such, or can't take
    /// the value.
    fn bring(
        &self,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &TypedSpec,
        value: &Secret<Value>,
        key: &StackKey,
    ) -> Option<ErasedLive>;
    /// The service's id of an object.
    fn id(&self, name: &PhysicalName, state: &Json, key: &StackKey) -> Result<ObjectId, Fault>;
    /// The state, with its type.
    fn state(&self, state: &Json, key: &StackKey) -> Result<Arc<dyn Any + Send + Sync>, String>;
    /// Whether two specs are equal by their own equality.
    fn equal(&self, one: &Json, other: &Json, secrets: &[Path], key: &StackKey) -> bool;
    /// Seals what is secret in a live spec because it was made from secrets.
    fn mask(&self, live: &ErasedLive, secrets: &[Path], key: &StackKey) -> Json;
    /// An object of a simulated service, with a made-up state.
    fn imagine(
        &self,
        through: Through<'_>,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &(dyn Any + Send + Sync),
        mark: Option<Mark>,
    ) -> Result<ErasedLive, Fault>;
    /// A copy of a typed spec, and its text without secrets.
    fn keep(&self, spec: &(dyn Any + Send + Sync)) -> (Arc<dyn Any + Send + Sync>, String);
    /// Reads what another version wrote.
    fn upgrade(&self, from: u32, part: Part, value: &Json) -> Result<Json, String>;
}

/// A kind, to be kept and called.
#[derive(Clone)]
pub(crate) struct KindHandle(Arc<dyn ErasedKind>);

impl KindHandle {
    pub(crate) fn new(kind: impl ErasedKind + 'static) -> Self {
        Self(Arc::new(kind))
    }

    pub(crate) fn of<R: Resource>() -> Self {
        Self(Arc::new(KindOf::<R>(PhantomData)))
    }
}

impl std::ops::Deref for KindHandle {
    type Target = dyn ErasedKind;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Debug for KindHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.facts().kind)
    }
}

struct KindOf<R>(PhantomData<fn() -> R>);

fn decode<T: DeserializeOwned>(json: &Json, secrets: &[Path], key: &StackKey) -> Result<T, String> {
    let read = |text: &str| sealing(key, || serde_json::from_str(text)).map_err(|error| error.to_string());
    if secrets.is_empty() {
        return read(json.text());
    }
    let mut value = json.value();
    open_at(&mut value, secrets, key)?;
    sealing(key, || serde_json::from_value(value)).map_err(|error| error.to_string())
}

fn unreadable(what: &str, error: &str) -> Fault {
    Fault::new(ErrorKind::Invalid, format!("the recorded {what} can't be read: {error}"))
}

impl<R: Resource> KindOf<R> {
    fn recorded(object: &Object, mark: &Mark, key: &StackKey) -> Result<Recorded<R>, Fault> {
        Ok(Recorded {
            id: object.id.clone(),
            name: object.name.clone(),
            spec: decode(&object.applied, &object.secrets, key).map_err(|error| unreadable("spec", &error))?,
            state: decode(&object.state, &[], key).map_err(|error| unreadable("state", &error))?,
            mark: mark.clone(),
        })
    }

    fn live(live: Live<R>, secrets: &[Path], key: &StackKey) -> ErasedLive {
        let spec = draft::write(&live.spec, R::Spec::FIELDS, secrets, key);
        let state = sealing(key, || Json::of(&live.state)).expect("BUG: a state serialises");
        ErasedLive {
            id: live.id.clone(),
            name: live.name.clone(),
            spec,
            state,
            mark: live.mark.clone(),
            witness: sealing(key, || R::witness(&live)),
            typed: Box::new(live),
        }
    }

    fn lives(lives: Vec<Live<R>>, through: &Through<'_>) -> Vec<ErasedLive> {
        lives.into_iter().map(|live| Self::live(live, through.secrets, through.key)).collect()
    }

    fn state_json(state: &R::State, key: &StackKey) -> Json {
        sealing(key, || Json::of(state)).expect("BUG: a state serialises")
    }
}

fn spec_of<R: Resource>(spec: &TypedSpec) -> &R::Spec {
    spec.downcast_ref().expect("BUG: a kind is given its own spec")
}

impl<R: Resource> ErasedKind for KindOf<R> {
    fn facts(&self) -> KindFacts {
        KindFacts {
            kind: R::KIND,
            version: R::VERSION,
            naming: R::NAMING,
            converges: R::CONVERGES,
            stateful: R::STATEFUL,
            marked: R::MARKED,
            fields: R::Spec::FIELDS,
            provider: R::Provider::NAME,
        }
    }

    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>> {
        reading(async move {
            let provider = typed::<R::Provider>(through.provider);
            let found = match target {
                Target::Recorded(object, mark) => {
                    R::read(provider, Find::Recorded(&Self::recorded(object, mark, through.key)?)).await
                }
                Target::Named(name) => R::read(provider, Find::Named(name)).await,
                Target::Import(id) => R::read(provider, Find::Import(id)).await,
            };
            Ok(Self::lives(found.map_err(|error| Fault::of(&error))?.into_vec(), &through))
        })
    }

    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>> {
        reading(async move {
            let listed = R::list(typed(through.provider), listing).await.map_err(|error| Fault::of(&error))?;
            Ok(listed.map(|lives| Self::lives(lives, &through)))
        })
    }

    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        mark: &'a Mark,
        entropy: &'a Entropy,
    ) -> Called<'a, Json> {
        async move {
            let make = Make { name, spec: spec_of::<R>(spec), mark, entropy };
            let made = R::create(typed(through.provider), &make).await;
            made.map(|state| Self::state_json(&state, through.key))
                .map_err(|failed| Fault::failed(&failed, through.key))
        }
        .boxed()
    }

    fn update<'a>(
        &'a self,
        through: Through<'a>,
        applied: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        mark: &'a Mark,
    ) -> Called<'a, Json> {
        async move {
            let applied = match applied {
                Some(object) => Some(Self::recorded(object, mark, through.key)?.spec),
                None => None,
            };
            let live: &Live<R> = live.typed.downcast_ref().expect("BUG: a kind is given its own objects");
            let change = Change { applied: applied.as_ref(), live, spec: spec_of::<R>(spec), mark };
            let made = R::update(typed(through.provider), &change).await;
            made.map(|state| Self::state_json(&state, through.key))
                .map_err(|failed| Fault::failed(&failed, through.key))
        }
        .boxed()
    }

    fn ready<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        mark: &'a Mark,
        deadline: Deadline,
    ) -> Called<'a, Json> {
        async move {
            let recorded = Self::recorded(object, mark, through.key)?;
            let state = R::ready(typed(through.provider), &recorded, deadline).await;
            state
                .map(|state| Self::state_json(&state, through.key))
                .map_err(|failed| Fault::failed(&failed, through.key))
        }
        .boxed()
    }

    fn delete<'a>(&'a self, through: Through<'a>, object: &'a Object, mark: &'a Mark) -> Called<'a, ()> {
        async move {
            let recorded = Self::recorded(object, mark, through.key)?;
            let deleted = R::delete(typed(through.provider), &recorded).await;
            deleted.map_err(|failed| Fault::failed(&failed, through.key))
        }
        .boxed()
    }

    fn settle<'a>(&'a self, through: Through<'a>, intent: &'a Intention, mark: &'a Mark) -> Called<'a, ErasedSettled> {
        reading(async move {
            let spec =
                decode(&intent.spec, &intent.secrets, through.key).map_err(|error| unreadable("intent", &error))?;
            let typed_intent = Intent::<R> { name: intent.name.clone(), spec, mark: mark.clone() };
            let settled = R::settle(typed(through.provider), &typed_intent).await.map_err(|error| Fault::of(&error))?;
            Ok(match settled {
                Settled::Nothing => ErasedSettled::Nothing,
                Settled::Ours(lives) => ErasedSettled::Ours(Self::lives(lives, &through)),
                Settled::Unmarked(lives) => ErasedSettled::Unmarked(Self::lives(lives, &through)),
            })
        })
    }

    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        mark: &'a Mark,
        deadline: Deadline,
    ) -> BoxFuture<'a, Vec<Checked>> {
        async move {
            match Self::recorded(object, mark, through.key) {
                Ok(recorded) => R::verify(typed(through.provider), &recorded, deadline).await,
                Err(fault) => vec![Checked { what: "has a readable record".into(), failure: Some(fault.message()) }],
            }
        }
        .boxed()
    }

    fn bring(
        &self,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &TypedSpec,
        value: &Secret<Value>,
        key: &StackKey,
    ) -> Option<ErasedLive> {
        let bring = Bring { id: id.clone(), name, spec: spec_of::<R>(spec), value };
        R::bring(&bring).map(|live| Self::live(live, &[], key))
    }

    fn id(&self, name: &PhysicalName, state: &Json, key: &StackKey) -> Result<ObjectId, Fault> {
        let state = decode(state, &[], key).map_err(|error| unreadable("state", &error))?;
        Ok(R::id(name, &state))
    }

    fn state(&self, state: &Json, key: &StackKey) -> Result<Arc<dyn Any + Send + Sync>, String> {
        decode::<R::State>(state, &[], key).map(|state| Arc::new(state) as Arc<dyn Any + Send + Sync>)
    }

    fn equal(&self, one: &Json, other: &Json, secrets: &[Path], key: &StackKey) -> bool {
        if one == other {
            return true;
        }
        let decode = |json| decode::<R::Spec>(json, secrets, key);
        matches!((decode(one), decode(other)), (Ok(one), Ok(other)) if one == other)
    }

    fn mask(&self, live: &ErasedLive, secrets: &[Path], key: &StackKey) -> Json {
        let live: &Live<R> = live.typed.downcast_ref().expect("BUG: a kind is given its own objects");
        draft::write(&live.spec, R::Spec::FIELDS, secrets, key)
    }

    fn imagine(
        &self,
        through: Through<'_>,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &(dyn Any + Send + Sync),
        mark: Option<Mark>,
    ) -> Result<ErasedLive, Fault> {
        let spec: &R::Spec = spec.downcast_ref().expect("BUG: a kind is given its own spec");
        let state = crate::testing::imagine(id.as_str()).map_err(|error| Fault::new(ErrorKind::Invalid, error))?;
        let live = Live { id: id.clone(), name: name.clone(), spec: spec.clone(), state, mark };
        Ok(Self::live(live, through.secrets, through.key))
    }

    fn keep(&self, spec: &(dyn Any + Send + Sync)) -> (Arc<dyn Any + Send + Sync>, String) {
        let spec: &R::Spec = spec.downcast_ref().expect("BUG: a kind is given its own spec");
        (Arc::new(spec.clone()), serde_json::to_string(spec).unwrap_or_default())
    }

    fn upgrade(&self, from: u32, part: Part, value: &Json) -> Result<Json, String> {
        match from.cmp(&R::VERSION) {
            Ordering::Equal => Ok(value.clone()),
            Ordering::Less => R::upgrade(from, part, value.value()).map(|value| Json::from(&value)),
            Ordering::Greater => {
                Err(format!("was written by version {from} of {}, and this program knows {}", R::KIND, R::VERSION))
            }
        }
    }
}

/// A mark of this stack.
pub(crate) fn mark(lineage: &Lineage, record: &RecordId) -> Mark {
    Mark { lineage: lineage.clone(), record: record.clone() }
}
