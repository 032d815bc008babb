//! Resources: what the author of a kind writes.
//!
//! A kind is a handle type that implements [`Kind`]. Five calls do the work (`read`, `list`, `create`, `update`,
//! `delete`); the others have defaults that are right for most kinds.

use std::fmt::Debug;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::{ObjectId, PhysicalName, Revision};
use crate::kind::{
    Bring, CallFailure, CheckResult, Claim, CreateRequest, Deadline, Diagnostics, Draft, Found, Listing, Live,
    PendingCreate, Provider, ReadRequest, Recorded, Recovered, ResourceRef, Spec, UpdateRequest,
};

/// A kind of resource. `Self` is its handle: what [`Stack::add`](crate::program::Stack::add) returns, with the outputs that other
/// resources can use.
pub trait Kind: Sized + Send + Sync + 'static {
    /// The kind: `docker:network`. It is recorded in state, and never used again for something else.
    const KIND: &'static str;
    /// The version of its spec and state; [`upgrade`](Self::upgrade) reads what older ones wrote.
    const VERSION: u32 = 1;
    /// How its objects get their names, and so whether a new one can be made before the old one is deleted.
    const NAMING: Naming;
    /// An object needs time after a call until it works: [`ready`](Self::ready) waits for it.
    const CONVERGES: bool = false;
    /// Its objects say whose they are. What can't say so is owned by state alone.
    const MARKED: bool = true;
    /// It holds data that deleting it would destroy; unless told otherwise it is kept, and never replaced.
    const STATEFUL: bool = false;
    /// It takes things that not everybody can have: [`claims`](Self::claims) says which.
    const CLAIMS: bool = false;
    /// Names of it can be written in several ways: [`canonical`](Self::canonical) says which of them are one.
    const SPELLINGS: bool = false;

    /// The provider that it is made with.
    type Provider: Provider;
    /// Its settings while they are being declared; written by the derive.
    type Draft: Draft<Kind = Self, Spec = Self::Spec>;
    /// Its settings as data.
    type Spec: Spec;
    /// What its service reports and its spec can't say.
    type State: State;

    /// Who it is.
    fn this(&self) -> &ResourceRef<Self>;

    /// The handle of a draft that has been added.
    fn declared(draft: &Self::Draft, this: ResourceRef<Self>) -> Self;

    /// Reads the object. What is not there is [`Found::None`]; an error means that this could not be found out.
    fn read(
        provider: &Self::Provider,
        find: ReadRequest<'_, Self>,
    ) -> impl Future<Output = Result<Found<Self>, ErrorOf<Self>>> + Send;

    /// Takes a value that was made elsewhere for its own: for kinds of which the record is the only copy. The others have
    /// none, and their objects are read.
    fn bring(bring: &Bring<'_, Self>) -> Option<Live<Self>> {
        let _ = bring;
        None
    }

    /// Reads all objects that [`Listing`] asks for, in as few calls as the API allows; `None` if this kind can't be
    /// listed. Half a list is an error.
    fn list(
        provider: &Self::Provider,
        wanted: &Listing,
    ) -> impl Future<Output = Result<Option<Vec<Live<Self>>>, ErrorOf<Self>>> + Send {
        let _ = (provider, wanted);
        async { Ok(None) }
    }

    /// Makes the object, with its mark. Returns once it exists.
    fn create(
        provider: &Self::Provider,
        make: &CreateRequest<'_, Self>,
    ) -> impl Future<Output = CallResult<Self>> + Send;

    /// Makes the object be as the spec says, whatever it was before; also adopts it and puts our mark on it.
    fn update(
        provider: &Self::Provider,
        change: &UpdateRequest<'_, Self>,
    ) -> impl Future<Output = CallResult<Self>> + Send;

    /// Returns once the object works, or fails with the reason why it does not. It is repeated after a crash.
    fn ready(
        provider: &Self::Provider,
        record: &Recorded<Self>,
        deadline: Deadline,
    ) -> impl Future<Output = CallResult<Self>> + Send {
        let _ = (provider, deadline);
        let state = record.state.clone();
        async move { Ok(state) }
    }

    /// Deletes the object. Returns once it has gone, and succeeds if it had gone before.
    fn delete(
        provider: &Self::Provider,
        record: &Recorded<Self>,
    ) -> impl Future<Output = Result<(), FailureOf<Self>>> + Send;

    /// What an interrupted create left. By default it is found by its physical name, and is ours if its mark is.
    fn recover(
        provider: &Self::Provider,
        intent: &PendingCreate<Self>,
    ) -> impl Future<Output = Result<Recovered<Self>, ErrorOf<Self>>> + Send {
        async move {
            let found = Self::read(provider, ReadRequest::Named(&intent.name)).await?.into_vec();
            Ok(Recovered::by_mark(found, &intent.owner))
        }
    }

    /// The service's id of an object; by default its name.
    fn id(name: &PhysicalName, state: &Self::State) -> ObjectId {
        let _ = state;
        name.as_str().into()
    }

    /// What the object must still look like when a plan is applied to it; by default its id and its spec.
    fn revision(live: &Live<Self>) -> Option<Revision> {
        let _ = live;
        None
    }

    /// What can be said against these settings before anything is done.
    fn validate(spec: &Self::Spec) -> Diagnostics {
        let _ = spec;
        Diagnostics::default()
    }

    /// What can be said against the name that an object would get at its service; its settings as far as they are known.
    fn validate_name(name: &PhysicalName, spec: Option<&Self::Spec>) -> Diagnostics {
        let _ = (name, spec);
        Diagnostics::default()
    }

    /// The one way of writing a name: names for which it is equal are one name, and so of one object. The provider's settings
    /// are given where they are known. It is asked only where [`SPELLINGS`](Self::SPELLINGS) says so, and by default a name is
    /// what it is.
    fn canonical(name: &PhysicalName, config: Option<&<Self::Provider as Provider>::Config>) -> PhysicalName {
        let _ = config;
        name.clone()
    }

    /// What it takes at its service that not everybody can have, besides its name; its settings as far as they are known.
    /// It is asked only where [`CLAIMS`](Self::CLAIMS) says so.
    fn claims(name: &PhysicalName, spec: Option<&Self::Spec>) -> Vec<Claim> {
        let _ = (name, spec);
        Vec::new()
    }

    /// Proves that the object works, by exchanging bytes of its protocol; one result for each thing that was asked.
    fn verify(
        provider: &Self::Provider,
        record: &Recorded<Self>,
        deadline: Deadline,
    ) -> impl Future<Output = Vec<CheckResult>> + Send {
        let _ = (provider, record, deadline);
        async { Vec::new() }
    }

    /// Rewrites a spec or state that version `from` of this kind wrote.
    ///
    /// # Errors
    /// A message, if it can't be read.
    fn upgrade(from: u32, part: Part, value: Value) -> Result<Value, String> {
        let _ = (part, value);
        Err(format!("version {from} of {} can't be read any more", Self::KIND))
    }
}

/// The error of a kind's calls.
pub type ErrorOf<R> = <<R as Kind>::Provider as Provider>::Error;

/// A failed call of a kind, with what it left.
pub type FailureOf<R> = CallFailure<ErrorOf<R>, <R as Kind>::State>;

/// What a create, update or wait ends with.
pub type CallResult<R> = Result<<R as Kind>::State, FailureOf<R>>;

/// What a service reports about an object. Its secrets are [`Secret`](crate::program::Secret) fields.
pub trait State: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static> State for T {}

/// Which of the two recorded values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The spec.
    Spec,
    /// The state.
    State,
}

/// How objects of a kind get their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Always the same: the old object is deleted before the new one is made.
    Fixed,
    /// `edge`, and its replacement `edge-2`: the new object is made first.
    Generation,
    /// `motd-3f9a…`: the name contains a hash of the settings that replace. The new object is made first.
    Content,
    /// No name anywhere.
    None,
}
