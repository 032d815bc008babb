//! The calls of a kind, without its types: what is asked of its service, and what comes back.

use std::any::Any;

use futures::future::BoxFuture;

use super::draft::TypedSpec;
use super::fault::{Fault, reading};
use super::kind::{KindOf, decode, spec_of, unreadable};
use super::provider::{Instance, typed};
use super::tag::Tag;
use crate::base::{Entropy, Json, Lineage, ObjectId, OwnerTag, PhysicalName, RecordId, Revision};
use crate::kind::{
    CheckResult, CreateRequest, Deadline, Kind, Listing, Live, PendingCreate, ReadRequest, Recorded, Recovered,
    UpdateRequest,
};
use crate::state::{Intent, Object};
use crate::value::{Path, StackKey, provider_call, sealing};

/// An object as it is now.
#[derive(Debug)]
pub(crate) struct ErasedLive {
    pub(crate) id: ObjectId,
    pub(crate) name: PhysicalName,
    pub(crate) spec: Json,
    pub(crate) state: Json,
    pub(crate) tag: Option<Tag>,
    pub(crate) revision: Revision,
    pub(super) typed: Box<dyn Any + Send + Sync>,
}

impl ErasedLive {
    /// An object that no service has: its record is all of it.
    pub(crate) fn of<R: Kind>(live: Live<R>, key: &StackKey) -> Self {
        KindOf::live(live, None, &[], key)
    }

    /// Whether it bears this mark.
    pub(crate) fn is(&self, owner: &OwnerTag) -> bool {
        self.tag.as_ref().is_some_and(|tag| tag.owner == *owner)
    }

    /// Whether it is proven to be of the stack with this lineage, whose key it was read with.
    pub(crate) fn is_own(&self, own: &Lineage) -> bool {
        self.record(own).is_some()
    }

    /// The record of that stack that it is proven to be of.
    pub(crate) fn record(&self, own: &Lineage) -> Option<&RecordId> {
        self.tag.as_ref().filter(|tag| tag.owner.lineage == *own)?.record.as_ref()
    }

    /// Whether its owner tag names another stack. A tag that names this stack without proof names no owner.
    pub(crate) fn is_theirs(&self, own: &Lineage) -> bool {
        self.tag.as_ref().is_some_and(|tag| tag.owner.lineage != *own)
    }
}

/// How to look for an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Recorded(&'a Object, &'a OwnerTag),
    Named(&'a PhysicalName),
    Import(&'a str),
}

/// What an interrupted create left.
#[derive(Debug)]
pub(crate) enum ErasedSettled {
    Nothing,
    Ours { object: Box<ErasedLive>, duplicates: Vec<ErasedLive> },
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

pub(crate) trait ErasedCalls: Send + Sync {
    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>>;
    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>>;
    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
        entropy: &'a Entropy,
    ) -> Called<'a, Json>;
    fn update<'a>(
        &'a self,
        through: Through<'a>,
        applied: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
    ) -> Called<'a, Json>;
    fn ready<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        owner: &'a OwnerTag,
        deadline: Deadline,
    ) -> Called<'a, Json>;
    fn delete<'a>(&'a self, through: Through<'a>, object: &'a Object, owner: &'a OwnerTag) -> Called<'a, ()>;
    fn recover<'a>(
        &'a self,
        through: Through<'a>,
        intent: &'a Intent,
        owner: &'a OwnerTag,
    ) -> Called<'a, ErasedSettled>;
    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        owner: &'a OwnerTag,
        deadline: Deadline,
    ) -> BoxFuture<'a, Vec<CheckResult>>;
    /// The service's id of an object.
    fn id(&self, name: &PhysicalName, state: &Json, key: &StackKey) -> Result<ObjectId, Fault>;
}

impl<R: Kind> KindOf<R> {
    fn recorded(object: &Object, owner: &OwnerTag, key: &StackKey) -> Result<Recorded<R>, Fault> {
        Ok(Recorded {
            id: object.id.clone(),
            name: object.name.clone(),
            spec: decode(&object.applied, &object.secrets, key).map_err(|error| unreadable("spec", &error))?,
            state: decode(&object.state, &[], key).map_err(|error| unreadable("state", &error))?,
            owner: owner.clone(),
        })
    }

    fn lives(lives: Vec<Live<R>>, expected: Option<&OwnerTag>, through: &Through<'_>) -> Vec<ErasedLive> {
        lives.into_iter().map(|live| Self::live(live, expected, through.secrets, through.key)).collect()
    }

    fn state_json(state: &R::State, key: &StackKey) -> Json {
        sealing(key, || Json::of(state)).expect("BUG: a state serialises")
    }
}

impl<R: Kind> ErasedCalls for KindOf<R> {
    fn read<'a>(&'a self, through: Through<'a>, target: Target<'a>) -> Called<'a, Vec<ErasedLive>> {
        reading(through.key, async move {
            let provider = typed::<R::Provider>(through.provider);
            let found = match target {
                Target::Recorded(object, owner) => {
                    R::read(provider, ReadRequest::Recorded(&Self::recorded(object, owner, through.key)?)).await
                }
                Target::Named(name) => R::read(provider, ReadRequest::Named(name)).await,
                Target::Import(id) => R::read(provider, ReadRequest::Import(id)).await,
            };
            let expected = if let Target::Recorded(_, owner) = target { Some(owner) } else { None };
            Ok(Self::lives(found.map_err(|error| Fault::of(&error))?, expected, &through))
        })
    }

    fn list<'a>(&'a self, through: Through<'a>, listing: &'a Listing) -> Called<'a, Option<Vec<ErasedLive>>> {
        reading(through.key, async move {
            let listed = R::list(typed(through.provider), listing).await.map_err(|error| Fault::of(&error))?;
            Ok(listed.map(|lives| Self::lives(lives, None, &through)))
        })
    }

    fn create<'a>(
        &'a self,
        through: Through<'a>,
        name: &'a PhysicalName,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
        entropy: &'a Entropy,
    ) -> Called<'a, Json> {
        provider_call(through.key, async move {
            let make = CreateRequest { name, spec: spec_of::<R>(spec), owner, entropy };
            let made = R::create(typed(through.provider), &make).await;
            made.map(|state| Self::state_json(&state, through.key))
                .map_err(|failed| Fault::failed(&failed, through.key))
        })
    }

    fn update<'a>(
        &'a self,
        through: Through<'a>,
        applied: Option<&'a Object>,
        live: &'a ErasedLive,
        spec: &'a TypedSpec,
        owner: &'a OwnerTag,
    ) -> Called<'a, Json> {
        provider_call(through.key, async move {
            let applied = match applied {
                Some(object) => Some(Self::recorded(object, owner, through.key)?.spec),
                None => None,
            };
            let live: &Live<R> = live.typed.downcast_ref().expect("BUG: a kind is given its own objects");
            let change = UpdateRequest { applied: applied.as_ref(), live, spec: spec_of::<R>(spec), owner };
            let made = R::update(typed(through.provider), &change).await;
            made.map(|state| Self::state_json(&state, through.key))
                .map_err(|failed| Fault::failed(&failed, through.key))
        })
    }

    fn ready<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        owner: &'a OwnerTag,
        deadline: Deadline,
    ) -> Called<'a, Json> {
        provider_call(through.key, async move {
            let recorded = Self::recorded(object, owner, through.key)?;
            let state = R::ready(typed(through.provider), &recorded, deadline).await;
            state
                .map(|state| Self::state_json(&state, through.key))
                .map_err(|failed| Fault::failed(&failed, through.key))
        })
    }

    fn delete<'a>(&'a self, through: Through<'a>, object: &'a Object, owner: &'a OwnerTag) -> Called<'a, ()> {
        provider_call(through.key, async move {
            let recorded = Self::recorded(object, owner, through.key)?;
            let deleted = R::delete(typed(through.provider), &recorded).await;
            deleted.map_err(|failed| Fault::failed(&failed, through.key))
        })
    }

    fn recover<'a>(
        &'a self,
        through: Through<'a>,
        intent: &'a Intent,
        owner: &'a OwnerTag,
    ) -> Called<'a, ErasedSettled> {
        reading(through.key, async move {
            let spec =
                decode(&intent.spec, &intent.secrets, through.key).map_err(|error| unreadable("intent", &error))?;
            let typed_intent = PendingCreate::<R> { name: intent.name.clone(), spec, owner: owner.clone() };
            let settled =
                R::recover(typed(through.provider), &typed_intent).await.map_err(|error| Fault::of(&error))?;
            Ok(match settled {
                Recovered::Nothing => ErasedSettled::Nothing,
                Recovered::Ours { object, duplicates } => ErasedSettled::Ours {
                    object: Box::new(Self::live(object, Some(owner), through.secrets, through.key)),
                    duplicates: Self::lives(duplicates, Some(owner), &through),
                },
                Recovered::Unmarked(lives) => ErasedSettled::Unmarked(Self::lives(lives, None, &through)),
            })
        })
    }

    fn verify<'a>(
        &'a self,
        through: Through<'a>,
        object: &'a Object,
        owner: &'a OwnerTag,
        deadline: Deadline,
    ) -> BoxFuture<'a, Vec<CheckResult>> {
        provider_call(through.key, async move {
            match Self::recorded(object, owner, through.key) {
                Ok(recorded) => R::verify(typed(through.provider), &recorded, deadline).await,
                Err(fault) => {
                    vec![CheckResult { what: "has a readable record".into(), failure: Some(fault.message()) }]
                }
            }
        })
    }

    fn id(&self, name: &PhysicalName, state: &Json, key: &StackKey) -> Result<ObjectId, Fault> {
        let state = decode(state, &[], key).map_err(|error| unreadable("state", &error))?;
        Ok(R::id(name, &state))
    }
}
