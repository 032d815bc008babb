//! The lifecycle of a kind: the calls that read, make, change and delete its objects.
//!
//! Four calls are required: `read`, `create`, `update` and `delete`. The others have defaults that are right for most kinds.
//! What the engine relies on, call by call, is in `docs/writing-a-kind.md`; [`KindSuite`](crate::testing::KindSuite) checks it.

use std::future::Future;

use serde_json::Value;

use super::handle::Handle;
use crate::base::{ObjectId, PhysicalName, Revision};
use crate::kind::{
    CallFailure, CheckResult, Claim, CreateRequest, Deadline, Diagnostics, Listing, Live, PendingCreate, Provider,
    ReadRequest, Recorded, Recovered, UpdateRequest,
};

/// The lifecycle of a kind of resource. `Self` is its handle.
pub trait Kind: Handle {
    /// In what it differs from most kinds.
    const FLAGS: KindFlags = KindFlags::new();
    /// The version of its spec and state; [`upgrade`](Self::upgrade) reads what older ones wrote.
    const VERSION: u32 = 1;
    /// The exclusive resources of the service that an object uses besides its name, such as a port. The spec is given as far as
    /// it is known.
    const CLAIMS: Option<ClaimsOf<Self>> = None;
    /// The canonical spelling of a name, for kinds whose service accepts several spellings. Two names with the same canonical
    /// spelling are the name of one object. The provider's config is given where it is known.
    const CANONICAL: Option<CanonicalOf<Self>> = None;

    /// Reads the requested object. The answer is empty if the service reports that there is no such object, and has several
    /// only if the service has several of that name. Whatever else keeps the read from telling is an error.
    fn read(provider: &Self::Provider, request: ReadRequest<'_, Self>)
    -> impl Future<Output = ReadResult<Self>> + Send;

    /// Reads all objects that [`Listing`] asks for, in as few calls as the API allows; `None` if this kind can't be
    /// listed. Half a list is an error.
    fn list(
        provider: &Self::Provider,
        wanted: &Listing,
    ) -> impl Future<Output = Result<Option<Vec<Live<Self>>>, ErrorOf<Self>>> + Send {
        let _ = (provider, wanted);
        async { Ok(None) }
    }

    /// Makes the object, with its owner tag in the first effect. Returns once it exists.
    fn create(
        provider: &Self::Provider,
        request: &CreateRequest<'_, Self>,
    ) -> impl Future<Output = CallResult<Self>> + Send;

    /// Makes the object be as the spec says, whatever it was before; also adopts it and puts our owner tag on it.
    fn update(
        provider: &Self::Provider,
        request: &UpdateRequest<'_, Self>,
    ) -> impl Future<Output = CallResult<Self>> + Send;

    /// Returns once the object works, or fails with the reason why it does not. It is asked of kinds that
    /// [need it](KindFlags::needs_ready), after each create and update, and again after a crash.
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

    /// What an interrupted create left. By default it is found by its physical name, and is ours if its owner tag is.
    fn recover(
        provider: &Self::Provider,
        intent: &PendingCreate<Self>,
    ) -> impl Future<Output = Result<Recovered<Self>, ErrorOf<Self>>> + Send {
        async move {
            let found = Self::read(provider, ReadRequest::Named(&intent.name)).await?;
            Ok(Recovered::by_owner(found, &intent.owner))
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

/// In what a kind differs from most kinds.
///
/// ```
/// # use sprocket_core::kind::KindFlags;
/// const FLAGS: KindFlags = KindFlags::new().stateful().needs_ready();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindFlags {
    /// Whether an object needs time after a call until it works.
    pub needs_ready: bool,
    /// Whether an object holds data.
    pub stateful: bool,
    /// Whether an object has no place for an owner tag.
    pub untagged: bool,
}

impl KindFlags {
    /// Like most kinds: an object works once it exists, holds no data, and bears an owner tag.
    pub const fn new() -> Self {
        Self { needs_ready: false, stateful: false, untagged: false }
    }

    /// An object needs time after a call until it works: [`ready`](Kind::ready) waits for it.
    #[must_use]
    pub const fn needs_ready(mut self) -> Self {
        self.needs_ready = true;
        self
    }

    /// An object holds data that deleting it would destroy: unless the program says otherwise it is kept, and never replaced.
    #[must_use]
    pub const fn stateful(mut self) -> Self {
        self.stateful = true;
        self
    }

    /// Its objects have no place for an owner tag: they are owned by state alone.
    #[must_use]
    pub const fn untagged(mut self) -> Self {
        self.untagged = true;
        self
    }
}

/// A function that lists the claims of an object.
pub type ClaimsOf<R> = fn(&PhysicalName, Option<&<R as Handle>::Spec>) -> Vec<Claim>;

/// A function that gives the canonical spelling of a name.
pub type CanonicalOf<R> = fn(&PhysicalName, Option<&<<R as Handle>::Provider as Provider>::Config>) -> PhysicalName;

/// The error of a kind's calls.
pub type ErrorOf<R> = <<R as Handle>::Provider as Provider>::Error;

/// A failed call of a kind, with what it left.
pub type FailureOf<R> = CallFailure<ErrorOf<R>, <R as Handle>::State>;

/// What a read ends with.
pub type ReadResult<R> = Result<Vec<Live<R>>, ErrorOf<R>>;

/// What a create, update or wait ends with.
pub type CallResult<R> = Result<<R as Handle>::State, FailureOf<R>>;

/// Which of the two recorded values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The spec.
    Spec,
    /// The state.
    State,
}
