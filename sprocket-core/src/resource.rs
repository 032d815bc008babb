//! Resources: what the author of a kind writes.
//!
//! A kind is a handle type that implements [`Resource`]. Five calls do the work (`read`, `list`, `create`, `update`,
//! `delete`); the others have defaults that are right for most kinds.

use std::borrow::Cow;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entropy::Entropy;
use crate::ids::{Address, Lineage, ObjectId, PhysicalName, RecordId};
use crate::provider::{ErrorKind, Provider, ProviderError};
use crate::spec::{Draft, Spec};
use crate::value::{Deps, NodeId, Output, Secret};

/// A kind of resource. `Self` is its handle: what [`Stack::add`](crate::Stack::add) returns, with the outputs that other
/// resources can use.
pub trait Resource: Sized + Send + Sync + 'static {
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

    /// The provider that it is made with.
    type Provider: Provider;
    /// Its settings while they are being declared; written by the derive.
    type Draft: Draft<Resource = Self, Spec = Self::Spec>;
    /// Its settings as data.
    type Spec: Spec;
    /// What its service reports and its spec can't say.
    type State: State;

    /// Who it is.
    fn this(&self) -> &This<Self>;

    /// The handle of a draft that has been added.
    fn declared(draft: &Self::Draft, this: This<Self>) -> Self;

    /// Reads the object. What is not there is [`Found::None`]; an error means that this could not be found out.
    fn read(
        provider: &Self::Provider,
        find: Find<'_, Self>,
    ) -> impl Future<Output = Result<Found<Self>, ErrorOf<Self>>> + Send;

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
    fn create(provider: &Self::Provider, make: &Make<'_, Self>) -> impl Future<Output = Outcome<Self>> + Send;

    /// Makes the object be as the spec says, whatever it was before; also adopts it and puts our mark on it.
    fn update(provider: &Self::Provider, change: &Change<'_, Self>) -> impl Future<Output = Outcome<Self>> + Send;

    /// Returns once the object works, or fails with the reason why it does not. It is repeated after a crash.
    fn ready(
        provider: &Self::Provider,
        record: &Recorded<Self>,
        deadline: Deadline,
    ) -> impl Future<Output = Outcome<Self>> + Send {
        let _ = (provider, deadline);
        let state = record.state.clone();
        async move { Ok(state) }
    }

    /// Deletes the object. Returns once it has gone, and succeeds if it had gone before.
    fn delete(
        provider: &Self::Provider,
        record: &Recorded<Self>,
    ) -> impl Future<Output = Result<(), FailedOf<Self>>> + Send;

    /// What an interrupted create left. By default it is found by its physical name, and is ours if its mark is.
    fn settle(
        provider: &Self::Provider,
        intent: &Intent<Self>,
    ) -> impl Future<Output = Result<Settled<Self>, ErrorOf<Self>>> + Send {
        async move {
            let found = Self::read(provider, Find::Named(&intent.name)).await?.into_vec();
            let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|live| live.is(&intent.mark));
            Ok(match (ours.len(), others.len()) {
                (0, 0) => Settled::Nothing,
                (0, _) => Settled::Unmarked(others),
                _ => Settled::Ours(ours),
            })
        }
    }

    /// The service's id of an object; by default its name.
    fn id(name: &PhysicalName, state: &Self::State) -> ObjectId {
        let _ = state;
        name.as_str().into()
    }

    /// What the object must still look like when a plan is applied to it.
    fn witness(live: &Live<Self>) -> Witness {
        Witness::of(&live.id, &live.spec)
    }

    /// What can be said against these settings before anything is done.
    fn review(spec: &Self::Spec) -> Findings {
        let _ = spec;
        Findings::default()
    }

    /// What can be said against the name that an object would get at its service; its settings as far as they are known.
    fn review_name(name: &PhysicalName, spec: Option<&Self::Spec>) -> Findings {
        let _ = (name, spec);
        Findings::default()
    }

    /// Proves that the object works, by exchanging bytes of its protocol; one result for each thing that was asked.
    fn verify(
        provider: &Self::Provider,
        record: &Recorded<Self>,
        deadline: Deadline,
    ) -> impl Future<Output = Vec<Checked>> + Send {
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
pub type ErrorOf<R> = <<R as Resource>::Provider as Provider>::Error;

/// A failed call of a kind, with what it left.
pub type FailedOf<R> = Failed<ErrorOf<R>, <R as Resource>::State>;

/// What a create, update or wait ends with.
pub type Outcome<R> = Result<<R as Resource>::State, FailedOf<R>>;

/// What a service reports about an object. Its secrets are [`Secret`] fields.
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

/// Who a resource is: each handle keeps one, and makes its outputs from it.
pub struct This<R> {
    pub(crate) address: Address,
    pub(crate) name: PhysicalName,
    pub(crate) node: NodeId,
    /// Its place among the stack's providers.
    pub(crate) provider: usize,
    pub(crate) kind: std::marker::PhantomData<fn() -> R>,
}

impl<R> Clone for This<R> {
    fn clone(&self) -> Self {
        Self { kind: std::marker::PhantomData, address: self.address.clone(), name: self.name.clone(), ..*self }
    }
}

impl<R> Debug for This<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(&self.address, f)
    }
}

impl<R: Resource> This<R> {
    /// Its address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The name at the service that the program gives it. Its object has another one only if the kind adds to it: a
    /// generation, or a hash of the content.
    pub fn declared_name(&self) -> &PhysicalName {
        &self.name
    }

    /// A value that is known while planning. Who uses it still waits for this resource.
    #[track_caller]
    pub fn told<T: Clone + Send + Sync + 'static>(&self, value: T) -> Output<T> {
        Output::new(Deps::on(self.node), move |_| Ok(value.clone()))
    }

    /// Its name at the service.
    #[track_caller]
    pub fn named<T: 'static>(&self, f: impl Fn(&PhysicalName) -> T + Send + Sync + 'static) -> Output<T> {
        let node = self.node;
        Output::new(Deps::on(node), move |known| known.name(node).map(&f))
    }

    /// A value of its provider's settings, known while planning if they are. Who uses it still waits for this resource.
    #[track_caller]
    pub fn connected<T: 'static>(
        &self,
        f: impl Fn(&<R::Provider as Provider>::Config) -> T + Send + Sync + 'static,
    ) -> Output<T> {
        let (node, provider) = (self.node, self.provider);
        Output::new(Deps::on(node), move |known| {
            // What does not exist yet has a name only in a plan: a provider that is reached through it is opened later.
            known.name(node)?;
            known.config(provider).map(|config| f(&config))
        })
    }

    /// A value that is known once the object exists, and that no update changes.
    #[track_caller]
    pub fn reported<T: 'static>(&self, f: impl Fn(&R::State) -> T + Send + Sync + 'static) -> Output<T> {
        let node = self.node;
        Output::new(Deps::on(node), move |known| known.reported(node).map(&f))
    }

    /// A value that is known once the object exists, and unknown again whenever it is to change.
    #[track_caller]
    pub fn volatile<T: 'static>(&self, f: impl Fn(&R::State) -> T + Send + Sync + 'static) -> Output<T> {
        let node = self.node;
        Output::new(Deps::on(node), move |known| known.volatile(node).map(&f))
    }

    /// A secret that is known once the object exists, and that no update changes.
    #[track_caller]
    pub fn reported_secret<T: Clone + 'static>(
        &self,
        f: impl Fn(&R::State) -> &Secret<T> + Send + Sync + 'static,
    ) -> Output<Secret<T>> {
        self.reported(move |state| f(state).clone()).secret()
    }
}

/// How to look for an object.
#[derive(Debug)]
pub enum Find<'a, R: Resource> {
    /// The one that was recorded.
    Recorded(&'a Recorded<R>),
    /// Whatever has this name.
    Named(&'a PhysicalName),
    /// What a person calls by this id or name.
    Import(&'a str),
}

/// What was found.
#[derive(Debug)]
pub enum Found<R: Resource> {
    /// The service says that there is none.
    None,
    /// One.
    One(Live<R>),
    /// Several answer to it.
    Many(Vec<Live<R>>),
}

impl<R: Resource> Found<R> {
    /// All that were found.
    pub fn into_vec(self) -> Vec<Live<R>> {
        match self {
            Self::None => Vec::new(),
            Self::One(live) => vec![live],
            Self::Many(lives) => lives,
        }
    }
}

impl<R: Resource> From<Vec<Live<R>>> for Found<R> {
    fn from(mut lives: Vec<Live<R>>) -> Self {
        match lives.len() {
            0 => Self::None,
            1 => Self::One(lives.remove(0)),
            _ => Self::Many(lives),
        }
    }
}

impl<R: Resource> From<Option<Live<R>>> for Found<R> {
    fn from(live: Option<Live<R>>) -> Self {
        live.map_or(Self::None, Self::One)
    }
}

/// An object as it is now.
#[derive(Clone, Debug)]
pub struct Live<R: Resource> {
    /// The service's id of it.
    pub id: ObjectId,
    /// Its name.
    pub name: PhysicalName,
    /// Its settings, in the form that this kind writes them.
    pub spec: R::Spec,
    /// What else the service reports.
    pub state: R::State,
    /// Whose it is, if it says so.
    pub mark: Option<Mark>,
}

impl<R: Resource> Live<R> {
    /// Whether it has this mark.
    pub fn is(&self, mark: &Mark) -> bool {
        self.mark.as_ref() == Some(mark)
    }
}

/// Whose an object is. Each kind's documentation says where it is kept. It has no address in it: a move costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The stack's state.
    pub lineage: Lineage,
    /// The record in it.
    pub record: RecordId,
}

/// What a listing must contain.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Everything that is marked as this stack's,
    pub lineage: Lineage,
    /// and whatever has one of these names.
    pub names: std::collections::BTreeSet<PhysicalName>,
}

impl Listing {
    /// Whether an object belongs into it.
    pub fn wants(&self, name: &PhysicalName, mark: Option<&Mark>) -> bool {
        mark.is_some_and(|mark| mark.lineage == self.lineage) || self.names.contains(name)
    }
}

/// What to make.
#[derive(Debug)]
pub struct Make<'a, R: Resource> {
    /// The name that it must have.
    pub name: &'a PhysicalName,
    /// Its settings.
    pub spec: &'a R::Spec,
    /// The mark that it must bear.
    pub mark: &'a Mark,
    /// Randomness, if the kind needs any.
    pub entropy: &'a Entropy,
}

/// What to change.
#[derive(Debug)]
pub struct Change<'a, R: Resource> {
    /// What we sent last; `None` if the object is being taken over.
    pub applied: Option<&'a R::Spec>,
    /// The object as it was read just now.
    pub live: &'a Live<R>,
    /// What it must become.
    pub spec: &'a R::Spec,
    /// The mark that it must bear.
    pub mark: &'a Mark,
}

/// An object as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded<R: Resource> {
    /// The service's id of it.
    pub id: ObjectId,
    /// Its name.
    pub name: PhysicalName,
    /// What was sent last. Its write-only settings are withheld.
    pub spec: R::Spec,
    /// What the service reported.
    pub state: R::State,
    /// The mark that it bears.
    pub mark: Mark,
}

/// What a step was about to make when it was interrupted.
#[derive(Clone, Debug)]
pub struct Intent<R: Resource> {
    /// The name that the object would have.
    pub name: PhysicalName,
    /// Its settings. The write-only ones are withheld.
    pub spec: R::Spec,
    /// The mark that it would bear.
    pub mark: Mark,
}

/// What an interrupted create left.
#[derive(Debug)]
pub enum Settled<R: Resource> {
    /// Nothing: it can be done again.
    Nothing,
    /// Objects with our mark: the first is ours, further ones are doubles of it.
    Ours(Vec<Live<R>>),
    /// Objects of this name without our mark.
    Unmarked(Vec<Live<R>>),
}

/// A call that failed, and what it left.
#[derive(Debug)]
pub struct Failed<E, S> {
    /// Why.
    pub error: E,
    /// What exists now in spite of it.
    pub partial: Option<S>,
    /// Whether the call had an effect.
    pub effect: Effect,
}

impl<E, S> Failed<E, S> {
    /// The same failure, with what exists in spite of it.
    #[must_use]
    pub fn leaving(mut self, state: S) -> Self {
        self.partial = Some(state);
        self.effect = Effect::Done;
        self
    }
}

impl<E: ProviderError, S> From<E> for Failed<E, S> {
    fn from(error: E) -> Self {
        let effect = match error.kind() {
            ErrorKind::Unavailable => Effect::Unknown,
            ErrorKind::Unready => Effect::Done,
            _ => Effect::None,
        };
        Self { error, partial: None, effect }
    }
}

/// Whether a call had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It had none.
    None,
    /// It may have had one: time-out, cut connection, 5xx. It is settled before it is tried again.
    Unknown,
    /// It had its effect, and failed afterwards.
    Done,
}

/// What an object must still look like when a plan is applied to it: a hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Witness(pub(crate) String);

impl Witness {
    /// The hash of an id and of what was read.
    pub fn of(id: &ObjectId, seen: &impl Serialize) -> Self {
        let text = serde_json::to_string(seen).expect("BUG: a spec serialises");
        Self(crate::hash::short(&[id.as_str(), &text]))
    }
}

/// Until when something may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    until: tokio::time::Instant,
    limit: Duration,
}

impl Deadline {
    /// This long from now.
    pub fn after(limit: Duration) -> Self {
        Self { until: tokio::time::Instant::now() + limit, limit }
    }

    /// How long that was from the beginning.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// How long is left.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(tokio::time::Instant::now())
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

/// What can be said against settings before anything is done.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// They can't work: the plan is refused.
    pub errors: Vec<Cow<'static, str>>,
    /// They may not do what is meant.
    pub warnings: Vec<Cow<'static, str>>,
}

/// The result of one question that `verify` asked.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// What was asked: `answers PING on 127.0.0.1:6379`.
    pub what: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}
