//! A yard: a service in memory with calls of its own, for what a simulated one has no word for. It writes colours in capitals,
//! makes things by half, and falls over.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallFailure, CallResult, Claim, CreateRequest, ErrorKind, FailureOf, Identity, Kind, Kinds, Live, OwnerTag,
    PendingCreate, PhysicalName, Provider, ProviderError, ReadRequest, Recorded, Recovered, Spec, UpdateRequest,
};
use sprocket_core::program::Secret;

use super::fake_kinds::{Booth, Pipe, Post, Sort, Stall, Stone, Tent};

/// The things that stand in a yard. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Yard(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
pub(crate) struct Inside {
    things: BTreeMap<(&'static str, String), Thing>,
    minted: u64,
    calls: Vec<String>,
    troubles: Vec<(&'static str, String, Trouble)>,
    /// Which yard it is.
    pub(crate) name: String,
    /// Where a street leads that is no thing's id.
    pub(crate) other_streets: Leads,
    /// How often the others have their turn before a call has its effect; each number is used once.
    pub(crate) turns: Vec<usize>,
    /// How often somebody came in,
    pub(crate) visits: u64,
    /// and the visits that have not ended.
    pub(crate) within: BTreeSet<u64>,
}

/// Where a street leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Leads {
    #[default]
    Here,
    Nowhere,
    ToAnotherYard,
}

#[derive(Clone, Debug)]
struct Thing {
    spec: Arc<dyn Any + Send + Sync>,
    /// What it has, and others may not have beside it.
    claims: Vec<Claim>,
    /// What it is in: it goes with that.
    inside: Option<String>,
    state: Standing,
    owner: Option<OwnerTag>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It makes the thing, but not as it should be.
    Half,
    /// The same, and nobody hears of it.
    HalfUnheard,
    /// The provider falls over.
    Panic,
    /// It has no effect, and its error quotes all that it was sent.
    Quote,
    /// It makes the thing twice, and nobody hears of it.
    TwiceUnheard,
    /// Nobody ever answers.
    Hang,
    /// It does what it should, and answers with what nobody can read.
    Unreadable,
    /// The same, and answers with what was there before.
    Early,
    /// It shows another thing too.
    Beside,
}

/// What is known of a thing that stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) version: u64,
    #[serde(deserialize_with = "weather")]
    pub(crate) weather: String,
    /// What opens it.
    pub(crate) key: Secret<String>,
}

impl Inside {
    /// Whatever has not gone wrong yet will not.
    pub(crate) fn forget_troubles(&mut self) {
        self.troubles.clear();
    }
}

/// There is weather that can't be read.
fn weather<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let weather = String::deserialize(from)?;
    if weather == UNREADABLE { Err(serde::de::Error::custom("no such weather")) } else { Ok(weather) }
}

const UNREADABLE: &str = "unreadable";

impl Yard {
    /// Who goes through the gate is told by each call, unless it is Ann.
    pub(crate) fn gate(&self, who: &'static str) -> GateDraft {
        GateDraft::new().credentials(Pass { yard: self.clone(), who })
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the next call of this name on a thing of this name go wrong.
    pub(crate) fn trouble(&self, call: &'static str, name: &str, trouble: Trouble) {
        self.inside().troubles.push((call, name.to_owned(), trouble));
    }

    /// Changes a thing behind the engine's back.
    pub(crate) fn change<R: Kind>(&self, name: &str, change: impl FnOnce(&mut R::Spec, &mut Standing)) {
        let mut inside = self.inside();
        let thing = inside.things.get_mut(&(R::KIND, name.to_owned())).unwrap();
        let mut spec = thing.spec.downcast_ref::<R::Spec>().unwrap().clone();
        change(&mut spec, &mut thing.state);
        thing.spec = Arc::new(spec);
    }

    pub(crate) fn spec<R: Kind>(&self, name: &str) -> R::Spec {
        self.inside().things[&(R::KIND, name.to_owned())].spec.downcast_ref::<R::Spec>().unwrap().clone()
    }

    /// Somebody else makes another one like a thing.
    pub(crate) fn copy<R: Kind>(&self, name: &str, to: &str) {
        let mut inside = self.inside();
        inside.minted += 1;
        let mut thing = inside.things[&(R::KIND, name.to_owned())].clone();
        (thing.state.id, thing.owner) = (format!("id-{}", inside.minted), None);
        inside.things.insert((R::KIND, to.to_owned()), thing);
    }

    pub(crate) fn remove<R: Kind>(&self, name: &str) {
        self.inside().things.remove(&(R::KIND, name.to_owned())).unwrap();
    }

    /// As if a thing had been made again from a backup, with its mark.
    pub(crate) fn give_another_id<R: Kind>(&self, name: &str) {
        let mut inside = self.inside();
        inside.minted += 1;
        let id = format!("id-{}", inside.minted);
        inside.things.get_mut(&(R::KIND, name.to_owned())).unwrap().state.id = id;
    }

    /// The next things get ids that others had.
    pub(crate) fn mint_again(&self) {
        self.inside().minted = 0;
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.inside().calls)
    }

    pub(crate) fn objects(&self) -> Vec<String> {
        self.inside().things.keys().map(|(kind, name)| format!("{kind}/{name}")).collect()
    }
}

impl Inside {
    /// Whether a thing of this id stands.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.things.values().any(|thing| thing.state.id == id)
    }

    /// What was in a thing goes with it.
    fn empty(&mut self, name: &str) {
        let within = self.things.extract_if(.., |_, thing| thing.inside.as_deref() == Some(name));
        for ((_, guest), _) in within.collect::<Vec<_>>() {
            self.empty(&guest);
        }
    }

    /// What a thing of this name and these settings takes, if nobody else has that.
    fn claim<R: Kind>(&self, name: &PhysicalName, spec: &R::Spec) -> Result<Vec<Claim>, YardError> {
        let claims = R::CLAIMS.map(|claims| claims(name, Some(spec))).unwrap_or_default();
        let others =
            self.things.iter().filter(|((kind, other), _)| (*kind, other.as_str()) != (R::KIND, name.as_str()));
        for ((_, other), thing) in others {
            let is_same =
                |one: &&Claim| thing.claims.iter().any(|had| had.what == one.what && had.alone.or(one.alone).is_some());
            if let Some(claim) = claims.iter().find(is_same) {
                return Err(YardError::Claimed(claim.what.clone(), other.clone()));
            }
        }
        Ok(claims)
    }
}

/// A way into a yard.
#[derive(Debug)]
pub(crate) struct Gate {
    pass: Pass,
    visit: u64,
    leads: Leads,
}

#[derive(Clone, Debug)]
pub(crate) struct Pass {
    yard: Yard,
    who: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Gate)]
pub(crate) struct GateSpec {
    #[spec(default)]
    pub(crate) street: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum YardError {
    #[error("`{0}` stands already")]
    Taken(String),
    #[error("`{0}` stands, but only half of it")]
    Half(String),
    #[error("there is no `{0}`")]
    Gone(String),
    #[error("{0} is in use by `{1}`")]
    Claimed(String, String),
    #[error("nobody has a pass")]
    NoPass,
    #[error("nobody heard anything")]
    Unheard,
    #[error("can't make this: {0}")]
    Quoted(String),
}

impl ProviderError for YardError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Taken(_) => ErrorKind::AlreadyExists,
            Self::Half(_) => ErrorKind::Unready,
            Self::Gone(_) => ErrorKind::NotFound,
            Self::Claimed(..) => ErrorKind::Conflict,
            Self::NoPass | Self::Quoted(_) => ErrorKind::Denied,
            Self::Unheard => ErrorKind::Unavailable,
        }
    }
}

impl Provider for Gate {
    const NAME: &'static str = "yard";
    type Draft = GateDraft;
    type Config = GateSpec;
    type Credentials = Pass;
    type Error = YardError;

    async fn connect(spec: &GateSpec, pass: Pass) -> Result<Self, YardError> {
        let leads;
        let visit = {
            let mut inside = pass.yard.inside();
            let leads_here = spec.street.is_empty() || inside.has(&spec.street);
            leads = if leads_here { Leads::Here } else { inside.other_streets };
            if leads == Leads::Nowhere {
                return Err(YardError::Unheard);
            }
            inside.visits += 1;
            let visit = inside.visits;
            inside.within.insert(visit);
            visit
        };
        let gate = Self { pass, visit, leads };
        gate.begin("connect", "yard").await;
        Ok(gate)
    }
    async fn close(&self) -> Result<(), YardError> {
        self.begin("close", "yard").await;
        self.inside().within.remove(&self.visit);
        Ok(())
    }
    fn ambient() -> Result<Pass, YardError> {
        Err(YardError::NoPass)
    }
    async fn identity(&self) -> Result<Identity, YardError> {
        match self.begin("identity", "yard").await {
            Some(_) => Err(YardError::Unheard),
            None if self.leads == Leads::ToAnotherYard => Ok("another yard".into()),
            None => Ok(self.inside().name.as_str().into()),
        }
    }
    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Post>().with::<Pipe>().with::<Stone>().with::<Stall>().with::<Booth>().with::<Tent>();
    }
}

impl Gate {
    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.pass.yard.inside()
    }

    /// A call begins: it has the trouble that waits for it.
    pub(crate) async fn begin(&self, call: &'static str, name: &str) -> Option<Trouble> {
        assert!(self.inside().within.contains(&self.visit), "{call} {name} after the gate was closed");
        let turns = self.inside().turns.pop().unwrap_or(0);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let trouble = {
            let mut inside = self.inside();
            let place = inside.troubles.iter().position(|(of, on, _)| *of == call && on == name);
            place.map(|place| inside.troubles.remove(place).2)
        };
        assert!(trouble != Some(Trouble::Panic), "hunter2-panic: could not {call}");
        if trouble == Some(Trouble::Hang) {
            std::future::pending::<()>().await;
        }
        trouble
    }

    fn note(&self, inside: &mut Inside, call: &str, kind: &str, name: &str) {
        let by = if self.pass.who == "ann" { String::new() } else { format!(" by {}", self.pass.who) };
        inside.calls.push(format!("{call} {kind}/{name}{by}"));
    }

    pub(crate) async fn read<R: Sort>(&self, find: ReadRequest<'_, R>) -> Vec<Live<R>> {
        let name = find.name().to_owned();
        let trouble = self.begin("read", &name).await;
        let inside = self.inside();
        let thing = inside.things.get(&(R::KIND, name.clone()));
        let is_meant = |thing: &&Thing| match &find {
            ReadRequest::Recorded(recorded) => recorded.id.as_str() == thing.state.id,
            _ => true,
        };
        let live = |thing: &Thing, id: &str, name: &str| Live {
            id: id.into(),
            name: name.into(),
            spec: thing.spec.downcast_ref::<R::Spec>().unwrap().clone(),
            state: thing.state.clone(),
            owner: thing.owner.clone().filter(|_| !R::FLAGS.untagged),
        };
        let Some(thing) = thing.filter(is_meant) else { return Vec::new() };
        let mut found = vec![live(thing, &thing.state.id, &name)];
        found.extend((trouble == Some(Trouble::Beside)).then(|| live(thing, "id-beside", "beside")));
        found
    }

    pub(crate) async fn create<R: Sort>(&self, make: &CreateRequest<'_, R>) -> CallResult<R> {
        let trouble = self.begin("create", make.name.as_str()).await;
        if trouble == Some(Trouble::Quote) {
            return Err(YardError::Quoted(R::quote(make.spec)).into());
        }
        let mut inside = self.inside();
        let place = (R::KIND, make.name.to_string());
        if inside.things.contains_key(&place) {
            return Err(YardError::Taken(place.1).into());
        }
        let claims = inside.claim::<R>(make.name, make.spec)?;
        self.note(&mut inside, "create", R::KIND, make.name.as_str());
        inside.minted += 1;
        let state = Standing {
            id: format!("id-{}", inside.minted),
            version: 1,
            weather: "dry".into(),
            key: key_of(inside.minted),
        };
        let is_half = matches!(trouble, Some(Trouble::Half | Trouble::HalfUnheard));
        let spec = if is_half { R::half(make.spec) } else { R::written(make.spec) };
        let (spec, within) = (Arc::new(spec), R::inside(make.spec));
        let thing = Thing { spec, claims, inside: within, state: state.clone(), owner: Some(make.owner.clone()) };
        if trouble == Some(Trouble::TwiceUnheard) {
            inside.minted += 1;
            let state = Standing { id: format!("id-{}", inside.minted), ..state.clone() };
            inside.things.insert((R::KIND, format!("{}-double", make.name)), Thing { state, ..thing.clone() });
        }
        inside.things.insert(place, thing);
        match trouble {
            Some(Trouble::HalfUnheard | Trouble::TwiceUnheard) => Err(YardError::Unheard.into()),
            Some(Trouble::Unreadable) => Ok(Standing { weather: UNREADABLE.into(), ..state }),
            Some(_) => Err(CallFailure::from(YardError::Half(make.name.to_string())).leaving(state)),
            None => Ok(state),
        }
    }

    pub(crate) async fn update<R: Sort>(&self, change: &UpdateRequest<'_, R>) -> CallResult<R> {
        let name = change.live.name.as_str();
        let trouble = self.begin("update", name).await;
        if trouble == Some(Trouble::Quote) {
            return Err(YardError::Quoted(R::quote(change.spec)).into());
        }
        let mut inside = self.inside();
        let claims = inside.claim::<R>(&change.live.name, change.spec)?;
        self.note(&mut inside, "update", R::KIND, name);
        let is_half = trouble == Some(Trouble::Half);
        let spec = if is_half { R::half(change.spec) } else { R::written(change.spec) };
        let Some(thing) = inside.things.get_mut(&(R::KIND, name.to_owned())) else {
            return Err(YardError::Gone(name.to_owned()).into());
        };
        let before = thing.state.clone();
        thing.state.version += 1;
        (thing.spec, thing.claims, thing.owner) = (Arc::new(spec), claims, Some(change.owner.clone()));
        let state = if trouble == Some(Trouble::Early) { before } else { thing.state.clone() };
        if is_half { Err(CallFailure::from(YardError::Half(name.to_owned())).leaving(state)) } else { Ok(state) }
    }

    /// It stands at last, which makes another version of it.
    pub(crate) async fn ready<R: Sort>(&self, recorded: &Recorded<R>) -> CallResult<R> {
        let name = recorded.name.as_str();
        self.begin("ready", name).await;
        let mut inside = self.inside();
        let Some(thing) = inside.things.get_mut(&(R::KIND, name.to_owned())) else {
            return Err(YardError::Gone(name.to_owned()).into());
        };
        thing.state.version += 1;
        Ok(thing.state.clone())
    }

    /// What bears the mark, whatever its name is.
    pub(crate) async fn recover<R: Sort>(&self, intent: &PendingCreate<R>) -> Recovered<R> {
        let is_its = |((kind, _), thing): &(&(&str, String), &Thing)| {
            *kind == R::KIND && thing.owner.as_ref() == Some(&intent.owner)
        };
        let names: Vec<_> = self.inside().things.iter().filter(is_its).map(|((_, name), _)| name.clone()).collect();
        let mut found = Vec::new();
        for name in names {
            found.extend(self.read(ReadRequest::Named(&name.as_str().into())).await);
        }
        Recovered::by_owner(found, &intent.owner)
    }

    pub(crate) async fn delete<R: Sort>(&self, recorded: &Recorded<R>) -> Result<(), FailureOf<R>> {
        self.begin("delete", recorded.name.as_str()).await;
        let mut inside = self.inside();
        if inside.things.remove(&(R::KIND, recorded.name.to_string())).is_some() {
            inside.empty(recorded.name.as_str());
            self.note(&mut inside, "delete", R::KIND, recorded.name.as_str());
        }
        Ok(())
    }
}

/// What opens the thing that was made as this one.
pub(crate) fn key_of(minted: u64) -> Secret<String> {
    Secret::new(format!("key-{minted}-of-the-yard"))
}
