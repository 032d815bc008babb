//! What the calls of a kind are given, and what they answer.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

use super::Kind;
use crate::base::{Effect, Entropy, Lineage, ObjectId, OwnerTag, PhysicalName};
use crate::kind::{ErrorKind, ProviderError};

/// How to look for an object.
#[derive(Debug)]
pub enum ReadRequest<'a, R: Kind> {
    /// The one that was recorded.
    Recorded(&'a Recorded<R>),
    /// Whatever has this name.
    Named(&'a PhysicalName),
    /// What a person calls by this id or name.
    Import(&'a str),
}

impl<'a, R: Kind> ReadRequest<'a, R> {
    /// The name to look for: the recorded one, the given one, or what a person wrote.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Recorded(record) => record.name.as_str(),
            Self::Named(name) => name.as_str(),
            Self::Import(text) => text,
        }
    }

    /// The record of the object, if it is about one.
    pub fn recorded(&self) -> Option<&'a Recorded<R>> {
        match self {
            Self::Recorded(record) => Some(record),
            Self::Named(_) | Self::Import(_) => None,
        }
    }
}

/// An object as it is now.
#[derive(Clone, Debug)]
pub struct Live<R: Kind> {
    /// The service's id of it.
    pub id: ObjectId,
    /// Its name.
    pub name: PhysicalName,
    /// Its settings, in the form that this kind writes them.
    pub spec: R::Spec,
    /// What else the service reports.
    pub state: R::State,
    /// Whose it is, if it says so.
    pub owner: Option<OwnerTag>,
}

impl<R: Kind> Live<R> {
    /// Whether it has this mark.
    pub fn is(&self, owner: &OwnerTag) -> bool {
        self.owner.as_ref() == Some(owner)
    }
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
    pub fn wants(&self, name: &PhysicalName, owner: Option<&OwnerTag>) -> bool {
        owner.is_some_and(|owner| owner.lineage == self.lineage) || self.names.contains(name)
    }
}

/// What to make.
#[derive(Debug)]
pub struct CreateRequest<'a, R: Kind> {
    /// The name that it must have.
    pub name: &'a PhysicalName,
    /// Its settings.
    pub spec: &'a R::Spec,
    /// The mark that it must bear.
    pub owner: &'a OwnerTag,
    /// Randomness, if the kind needs any.
    pub entropy: &'a Entropy,
}

/// What to change.
#[derive(Debug)]
pub struct UpdateRequest<'a, R: Kind> {
    /// What we sent last; `None` if the object is being taken over.
    pub applied: Option<&'a R::Spec>,
    /// The object as it was read just now.
    pub live: &'a Live<R>,
    /// What it must become.
    pub spec: &'a R::Spec,
    /// The mark that it must bear.
    pub owner: &'a OwnerTag,
}

/// An object as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded<R: Kind> {
    /// The service's id of it.
    pub id: ObjectId,
    /// Its name.
    pub name: PhysicalName,
    /// What was sent last. Its write-only settings are withheld.
    pub spec: R::Spec,
    /// What the service reported.
    pub state: R::State,
    /// The mark that it bears.
    pub owner: OwnerTag,
}

impl<R: Kind> Recorded<R> {
    /// The object as it was recorded, for kinds whose service reports nothing more.
    pub fn as_live(&self) -> Live<R> {
        Live {
            id: self.id.clone(),
            name: self.name.clone(),
            spec: self.spec.clone(),
            state: self.state.clone(),
            owner: Some(self.owner.clone()),
        }
    }
}

/// What a step was about to make when it was interrupted.
#[derive(Clone, Debug)]
pub struct PendingCreate<R: Kind> {
    /// The name that the object would have.
    pub name: PhysicalName,
    /// Its settings. The write-only ones are withheld.
    pub spec: R::Spec,
    /// The mark that it would bear.
    pub owner: OwnerTag,
}

/// What an interrupted create left.
#[derive(Debug)]
pub enum Recovered<R: Kind> {
    /// Nothing: it can be done again.
    Nothing,
    /// The object that it made.
    Ours {
        /// The object, which has our mark.
        object: Live<R>,
        /// Further objects with this mark. They are recorded with the object, and deleted.
        duplicates: Vec<Live<R>>,
    },
    /// Objects of this name without our mark.
    Unmarked(Vec<Live<R>>),
}

impl<R: Kind> Recovered<R> {
    /// The answer to a create that left this one object.
    pub fn one(object: Live<R>) -> Self {
        Self::Ours { object, duplicates: Vec::new() }
    }

    /// The answer for a kind whose marks say which of the objects of a name are ours.
    pub fn by_owner(found: impl IntoIterator<Item = Live<R>>, owner: &OwnerTag) -> Self {
        let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|live| live.is(owner));
        let mut ours = ours.into_iter();
        match ours.next() {
            Some(object) => Self::Ours { object, duplicates: ours.collect() },
            None if others.is_empty() => Self::Nothing,
            None => Self::Unmarked(others),
        }
    }
}

/// A call that failed, and what it left.
#[derive(Debug)]
pub struct CallFailure<E, S> {
    /// Why.
    pub error: E,
    /// What exists now in spite of it.
    pub partial: Option<S>,
    /// Whether the call had an effect.
    pub effect: Effect,
}

impl<E, S> CallFailure<E, S> {
    /// The same failure, with what exists in spite of it.
    #[must_use]
    pub fn leaving(mut self, state: S) -> Self {
        self.partial = Some(state);
        self.effect = Effect::Done;
        self
    }
}

impl<E: ProviderError, S> From<E> for CallFailure<E, S> {
    fn from(error: E) -> Self {
        let effect = match error.kind() {
            _ if error.is_unsent() => Effect::None,
            ErrorKind::Unavailable => Effect::Unknown,
            ErrorKind::Unready => Effect::Done,
            _ => Effect::None,
        };
        Self { error, partial: None, effect }
    }
}

/// Until when something may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    until: tokio::time::Instant,
    limit: Duration,
}

impl Deadline {
    /// This long from now; [`Duration::MAX`] is for ever.
    pub fn after(limit: Duration) -> Self {
        // As far away as a clock can surely tell.
        const EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        let now = tokio::time::Instant::now();
        Self { until: now.checked_add(limit).unwrap_or_else(|| now + EVER), limit }
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
pub struct Diagnostics {
    /// They can't work: the plan is refused.
    pub errors: Vec<Cow<'static, str>>,
    /// They may not do what is meant.
    pub warnings: Vec<Cow<'static, str>>,
}

/// Something at a service that several resources may want. A plan in which one of them needs it alone is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it is: `port 443/tcp`.
    pub what: String,
    /// Why nobody else can have it; none if it can be shared.
    pub alone: Option<&'static str>,
}

impl Claim {
    /// Others can have it too.
    pub fn shared(what: impl Into<String>) -> Self {
        Self { what: what.into(), alone: None }
    }

    /// Nobody else can have it, and why.
    pub fn alone(what: impl Into<String>, why: &'static str) -> Self {
        Self { what: what.into(), alone: Some(why) }
    }
}

/// The result of one question that `verify` asked.
#[derive(Clone, Debug, Serialize)]
pub struct CheckResult {
    /// What was asked: `answers PING on 127.0.0.1:6379`.
    pub what: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}
