//! Kinds without their types: what is known of one without asking anybody.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::calls::{ErasedCalls, ErasedLive, Through};
use super::draft::{self, TypedSpec};
use super::fault::Fault;
use super::provider::Config;
use super::tag::tag;
use crate::base::{Json, ObjectId, OwnerTag, PhysicalName, Revision, read as read_text, read_tree};
use crate::kind::{Claim, ErrorKind, Field, Kind, Live, Naming, Part, Provider, Spec};
use crate::state::Object;
use crate::value::{Path, StackKey, caught, open_at, sealing};

/// What the engine knows about a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindFacts {
    pub(crate) kind: &'static str,
    pub(crate) version: u32,
    pub(crate) naming: Naming,
    pub(crate) needs_ready: bool,
    pub(crate) stateful: bool,
    pub(crate) marked: bool,
    pub(crate) spellings: bool,
    pub(crate) claims: bool,
    pub(crate) fields: &'static [Field],
    pub(crate) provider: &'static str,
}

impl KindFacts {
    /// Whether this is in a setting that can be written and not be read.
    pub(crate) fn hides(&self, path: &Path) -> bool {
        self.fields.iter().any(|field| field.write_only && path.field() == Some(field.name))
    }
}

pub(crate) trait ErasedKind: Send + Sync {
    fn facts(&self) -> KindFacts;
    /// The one way of writing a name.
    fn canonical(&self, name: &PhysicalName, config: Option<&Config>) -> PhysicalName;
    /// The state, with its type.
    fn state(&self, state: &Json, key: &StackKey) -> Result<Arc<dyn Any + Send + Sync>, String>;
    /// Whether two specs are equal by their own equality.
    fn equal(&self, one: &Json, other: &Json, secrets: &[Path], key: &StackKey) -> bool;
    /// What an object of this name takes that not everybody can have: as it was seen, or else as it is recorded.
    /// What an object claims: as it is seen, or else as it is recorded.
    fn claims(
        &self,
        live: Option<&ErasedLive>,
        object: Option<&Object>,
        name: &PhysicalName,
        key: &StackKey,
    ) -> Vec<Claim>;
    /// Seals what is secret in a live spec because it was made from secrets.
    fn mask(&self, live: &ErasedLive, secrets: &[Path], key: &StackKey) -> Json;
    /// An object of a simulated service, with a made-up state.
    fn imagine(
        &self,
        through: Through<'_>,
        id: &ObjectId,
        name: &PhysicalName,
        spec: &(dyn Any + Send + Sync),
        owner: Option<OwnerTag>,
    ) -> Result<ErasedLive, Fault>;
    /// A copy of a typed spec, and its text without secrets.
    fn keep(&self, spec: &(dyn Any + Send + Sync)) -> (Arc<dyn Any + Send + Sync>, String);
    /// Reads what another version wrote.
    fn upgrade(&self, from: u32, part: Part, value: &Json) -> Result<Json, String>;
}

/// A kind: what its type knows, and the calls of its service.
#[derive(Clone)]
pub(crate) struct KindHandle {
    kind: Arc<dyn ErasedKind>,
    pub(crate) calls: Arc<dyn ErasedCalls>,
}

impl KindHandle {
    pub(crate) fn of<R: Kind>() -> Self {
        let kind = Arc::new(KindOf::<R>(PhantomData));
        Self { kind: Arc::clone(&kind) as Arc<dyn ErasedKind>, calls: kind }
    }

    /// The same kind, with other calls.
    pub(crate) fn calling(&self, calls: impl ErasedCalls + 'static) -> Self {
        Self { kind: Arc::clone(&self.kind), calls: Arc::new(calls) }
    }
}

impl std::ops::Deref for KindHandle {
    type Target = dyn ErasedKind;

    fn deref(&self) -> &Self::Target {
        &*self.kind
    }
}

impl Debug for KindHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.facts().kind)
    }
}

pub(super) struct KindOf<R>(PhantomData<fn() -> R>);

/// Runs what an author has written of a kind, where nothing else catches its panics.
pub(super) fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> Result<T, String> {
    caught(run).ok_or_else(|| format!("`{what}` of its kind panicked: this is a bug of the kind"))
}

pub(super) fn decode<T: DeserializeOwned>(json: &Json, secrets: &[Path], key: &StackKey) -> Result<T, String> {
    let read = |text: &str| sealing(key, || read_text(text)).map_err(|error| error.to_string());
    if secrets.is_empty() {
        return read(json.text());
    }
    let mut value = json.value();
    open_at(&mut value, secrets, key)?;
    sealing(key, || read_tree(value)).map_err(|error| error.to_string())
}

pub(super) fn unreadable(what: &str, error: &str) -> Fault {
    Fault::new(ErrorKind::Invalid, format!("the recorded {what} can't be read: {error}"))
}

impl<R: Kind> KindOf<R> {
    /// What a service says. Its tag may be the expected one.
    pub(super) fn live(live: Live<R>, expected: Option<&OwnerTag>, secrets: &[Path], key: &StackKey) -> ErasedLive {
        let written = |secrets: &[Path]| draft::write(&live.spec, R::Spec::FIELDS, secrets, key);
        let spec = written(secrets);
        // A kind hashes settings in clear, and some of them are made from secrets.
        let revision = match sealing(key, || R::revision(&live)) {
            Some(revision) => key.hash(&[&revision.0]),
            None if secrets.is_empty() => key.hash(&[live.id.as_str(), "\n", spec.text()]),
            // Where secrets are is known to some of those who read it.
            None => key.hash(&[live.id.as_str(), "\n", written(&[]).text()]),
        };
        let state = sealing(key, || Json::of(&live.state)).expect("BUG: a state serialises");
        ErasedLive {
            id: live.id.clone(),
            name: live.name.clone(),
            spec,
            state,
            tag: live.owner.as_ref().map(|owner| tag(key, R::KIND, owner, expected)),
            revision: Revision(revision),
            typed: Box::new(live),
        }
    }
}

pub(super) fn spec_of<R: Kind>(spec: &TypedSpec) -> &R::Spec {
    spec.downcast_ref().expect("BUG: a kind is given its own spec")
}

impl<R: Kind> ErasedKind for KindOf<R> {
    fn facts(&self) -> KindFacts {
        KindFacts {
            kind: R::KIND,
            version: R::VERSION,
            naming: R::NAMING,
            needs_ready: R::FLAGS.needs_ready,
            stateful: R::FLAGS.stateful,
            marked: !R::FLAGS.untagged,
            spellings: R::CANONICAL.is_some(),
            claims: R::CLAIMS.is_some(),
            fields: R::Spec::FIELDS,
            provider: R::Provider::NAME,
        }
    }

    fn canonical(&self, name: &PhysicalName, config: Option<&Config>) -> PhysicalName {
        let config = || config.and_then(|config| config.downcast_ref());
        R::CANONICAL.map_or_else(|| name.clone(), |canonical| canonical(name, config()))
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

    fn claims(
        &self,
        live: Option<&ErasedLive>,
        object: Option<&Object>,
        name: &PhysicalName,
        key: &StackKey,
    ) -> Vec<Claim> {
        let Some(claims) = R::CLAIMS else { return Vec::new() };
        // What a kind says of what is there is no reason to refuse a plan: what it says of what is wanted is asked apart.
        let claims = |spec: &R::Spec| guarded("claims", || claims(name, Some(spec))).unwrap_or_default();
        match live {
            Some(live) => {
                claims(&live.typed.downcast_ref::<Live<R>>().expect("BUG: a kind is given its own objects").spec)
            }
            None => object
                .and_then(|object| decode::<R::Spec>(&object.applied, &object.secrets, key).ok())
                .as_ref()
                .map(claims)
                .unwrap_or_default(),
        }
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
        owner: Option<OwnerTag>,
    ) -> Result<ErasedLive, Fault> {
        let spec: &R::Spec = spec.downcast_ref().expect("BUG: a kind is given its own spec");
        let state = super::synthesize::imagine(id.as_str()).map_err(|error| Fault::new(ErrorKind::Invalid, error))?;
        let live = Live { id: id.clone(), name: name.clone(), spec: spec.clone(), state, owner };
        Ok(Self::live(live, None, through.secrets, through.key))
    }

    fn keep(&self, spec: &(dyn Any + Send + Sync)) -> (Arc<dyn Any + Send + Sync>, String) {
        let spec: &R::Spec = spec.downcast_ref().expect("BUG: a kind is given its own spec");
        (Arc::new(spec.clone()), serde_json::to_string(spec).unwrap_or_default())
    }

    fn upgrade(&self, from: u32, part: Part, value: &Json) -> Result<Json, String> {
        match from.cmp(&R::VERSION) {
            Ordering::Equal => Ok(value.clone()),
            Ordering::Less => guarded("upgrade", || R::upgrade(from, part, value.value()))
                .unwrap_or_else(Err)
                .map(|value| Json::from(&value)),
            Ordering::Greater => {
                Err(format!("was written by version {from} of {}, and this program knows {}", R::KIND, R::VERSION))
            }
        }
    }
}
