//! A shed: a service in memory whose every call can go wrong, and which writes down what is asked of it.
//!
//! All kinds of things in it have the same settings, so that an oracle can read them without their types. What is
//! `inside` of another thing goes with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallFailure, CallResult, Claim, ClaimsOf, CreateRequest, Deadline, ErrorKind, ErrorOf, FailureOf, Handle, Identity,
    Kind, KindFlags, Kinds, Listing, Live, Lookup, Naming, ObjectId, OwnerTag, PendingCreate, PhysicalName, Provider,
    ProviderError, ReadRequest, ReadResult, Recorded, Recovered, ResourceRef, Revision, Spec, UpdateRequest,
};
use sprocket_core::program::{Output, Secret};

use super::case::{INSIDE, KindName, PLANTED};
use super::features::Feature;
use super::trace::{Note, Trace};

/// The things of a shed. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shed(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
pub(crate) struct Inside {
    pub(crate) things: Vec<Thing>,
    minted: u64,
    /// What is going to go wrong, each once.
    pub(crate) faults: Vec<Fault>,
    /// How often the others have their turn before a call has its effect; each number is used once, the last first.
    pub(crate) turns: Vec<u8>,
    /// What it does that the oracle does not know.
    pub(crate) world: Vec<Feature>,
    /// What a run has changed and not read since, by name: what others make of it before that can't be told from what the
    /// service itself does with what it is sent.
    fresh: BTreeSet<String>,
    /// What will be there after so many calls.
    late: Vec<(u8, Thing)>,
    /// What there was at the last lists of each kind, the newest last.
    listed: BTreeMap<&'static str, VecDeque<Vec<Thing>>>,
    /// What is wrong with the shed itself.
    pub(crate) bug: Option<Bug>,
    pub(crate) trace: Trace,
}

/// A thing that is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) owner: Option<OwnerTag>,
    pub(crate) set: Settings,
}

/// What can be set of a thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) text: String,
    pub(crate) uses: Vec<String>,
    pub(crate) base: u64,
    pub(crate) on: Option<String>,
    pub(crate) inside: Option<String>,
}

impl Settings {
    /// It is in another, and goes with that.
    pub(crate) fn is_hosted(&self) -> bool {
        self.inside.is_some() || self.uses.iter().any(|using| using.starts_with(INSIDE))
    }
}

/// Something wrong with the shed, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// What is deleted stays.
    DeletesNothing,
    /// What is made bears no mark,
    ForgetsMarks,
    /// or only some time after it was made.
    TagsLate,
    /// An update gives what it changes another id.
    GivesAnotherId,
    /// What is read has another id than what was made.
    ReadsAnotherId,
    /// An update does not change the text.
    ForgetsTexts,
    /// What is read has no text.
    ReadsNoTexts,
    /// An update makes another thing.
    UpdatesADouble,
    /// A list is empty.
    ListsNothing,
    /// What has gone already can't be deleted.
    DeletesOnce,
    /// A second thing is made of a name that is taken.
    MakesNamesakes,
    /// What has the name is overwritten.
    Overwrites,
    /// Asked what came of a create, it says that nothing did.
    SettlesNothing,
    /// It says that what has the name is ours,
    SettlesOthers,
    /// or that there is something where nothing is.
    SettlesMadeUp,
}

/// A call that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    /// On any object of the resource in this slot.
    pub(crate) slot: u8,
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Create,
    Update,
    Ready,
    Delete,
    /// A list of a kind, which has the slot of its place among the kinds.
    List,
    /// A look-up of an object.
    Look,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It is refused, and has no effect.
    Refused,
    /// It has no effect, and there is no answer.
    Unsent,
    /// It has its effect, and the answer is lost.
    Unheard,
    /// It never ends, without an effect,
    Hangs,
    /// or with it.
    HangsAfter,
    /// The provider falls over before,
    Panics,
    /// or after.
    PanicsAfter,
    /// A thing is made without its text; a list is without the first object.
    Half,
    /// There is no answer, and the effect comes some calls later.
    Late,
    /// The clock jumps ahead by an hour.
    Jumps,
    /// Somebody else changes the object right before,
    Overtaken,
    /// or right after a call that has no answer.
    Changed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) id: String,
    pub(crate) version: u64,
}

/// The slot that a thing's name is of: `s3-2` of 3.
pub(crate) fn slot(name: &str) -> Option<u8> {
    let name = name.strip_prefix(['s', 't'])?;
    name.split('-').next()?.parse().ok()
}

impl Shed {
    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn door(&self) -> DoorDraft {
        DoorDraft::new().credentials(self.clone())
    }
}

impl Inside {
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.world.contains(&feature)
    }

    /// A thing that there is not yet.
    fn mint(&mut self, kind: &'static str, name: &str, set: Settings, owner: Option<OwnerTag>) -> Thing {
        self.minted += 1;
        let mut id = format!("id-{}", self.minted);
        if self.has(Feature::NamesAreIds) && KindName::of(kind).is_fixed() {
            id = format!("{kind}:{name}");
        } else if self.has(Feature::IdsComeBack) {
            let is_free = |id: &String| {
                !self.things.iter().chain(self.late.iter().map(|(_, thing)| thing)).any(|thing| thing.id == *id)
            };
            id = (1..).map(|number| format!("id-{number}")).find(is_free).expect("there are numbers enough");
        }
        Thing { kind, name: name.to_owned(), id, version: 1, owner, set }
    }

    /// A thing that nobody owns.
    pub(crate) fn put(&mut self, kind: &'static str, name: &str, set: Settings, owner: Option<OwnerTag>) -> Standing {
        let thing = self.mint(kind, name, set, owner);
        let state = Standing { id: thing.id.clone(), version: 1 };
        self.things.push(thing);
        state
    }

    /// Why there can't be such a thing beside those that are there.
    fn refuses(&self, kind: &'static str, name: &str, set: &Settings) -> Option<ShedError> {
        let many = self.has(Feature::Namesakes)
            && [KindName::Pipe, KindName::Lamp, KindName::Tap].iter().any(|many| many.name() == kind);
        let of_kind = || self.things.iter().filter(|thing| thing.kind == kind);
        if !many && of_kind().any(|thing| thing.name == name) {
            return Some(ShedError::Taken(name.to_owned()));
        }
        if !self.has_host(set) {
            return Some(ShedError::Gone(format!("what {name} is to be in")));
        }
        let has_port = |thing: &Thing| thing.set.base == set.base;
        (kind == KindName::Tap.name() && of_kind().any(has_port)).then_some(ShedError::Busy(set.base))
    }

    /// Whether what these settings put a thing into is there.
    fn has_host(&self, set: &Settings) -> bool {
        let by_id = set.inside.as_ref();
        let by_name = set.uses.iter().find_map(|using| using.strip_prefix(INSIDE));
        by_id.is_none_or(|host| self.things.iter().any(|other| other.id == *host))
            && by_name
                .is_none_or(|host| self.things.iter().any(|other| format!("{} {}", other.kind, other.name) == host))
    }

    /// A call later, or the time has passed: what is late may appear.
    pub(crate) fn pass(&mut self, calls: u8) {
        for (left, _) in &mut self.late {
            *left = left.saturating_sub(calls);
        }
        while let Some(at) = self.late.iter().position(|(left, _)| *left == 0) {
            let (_, thing) = self.late.remove(at);
            // Whoever was first has the name.
            let has_id = self.things.iter().any(|other| other.id == thing.id);
            if !has_id && self.refuses(thing.kind, &thing.name, &thing.set).is_none() {
                self.things.push(thing);
            }
        }
    }

    /// Lists show what is there from now on.
    pub(crate) fn settle_down(&mut self) {
        self.pass(u8::MAX);
        self.listed.clear();
    }

    /// The things of a kind, as a list shows them.
    fn list(&mut self, kind: &'static str) -> Vec<Thing> {
        let mut things = self.things.clone();
        if self.has(Feature::ListsLag) {
            let before = self.listed.entry(kind).or_default();
            before.push_back(things.clone());
            if before.len() > 2 {
                things = before.pop_front().unwrap_or_default();
            } else if let Some(first) = before.front() {
                things.clone_from(first);
            }
        }
        if self.has(Feature::ListsRepeat) {
            things = things.iter().flat_map(|thing| [thing.clone(), thing.clone()]).collect();
        }
        things
    }

    /// What is to go wrong with this call.
    fn fault(&mut self, call: Call, slot: Option<u8>) -> Option<How> {
        let place = self.faults.iter().position(|fault| fault.call == call && slot == Some(fault.slot));
        place.map(|place| self.faults.remove(place).how)
    }

    /// Somebody else changes what has this name.
    fn meddle(&mut self, name: &str) {
        if self.fresh.contains(name) {
            return;
        }
        for thing in self.things.iter_mut().filter(|thing| thing.name == name) {
            thing.set.text = format!("{} of others", thing.set.text);
            thing.version += 1;
            self.trace.note(Note::Meddled { name: name.to_owned() });
        }
    }

    /// Takes a thing away, and all that is inside of it.
    pub(crate) fn remove(&mut self, id: &str) {
        self.things.retain(|thing| thing.id != id);
        while let Some(at) = self.things.iter().position(|thing| !self.has_host(&thing.set)) {
            self.things.remove(at);
        }
    }
}

/// A street that needs no object.
pub(crate) const NOWHERE: &str = "nowhere";

#[derive(Debug)]
pub(crate) struct Door(Shed);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Door)]
pub(crate) struct DoorSpec {
    #[spec(default)]
    pub(crate) street: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ShedError {
    #[error("`{0}` is there already")]
    Taken(String),
    #[error("`{0}` is there, but only half of it")]
    Half(String),
    #[error("port {0} is taken")]
    Busy(u64),
    #[error("there is no `{0}`")]
    Gone(String),
    #[error("refused")]
    Refused,
    #[error("nobody heard anything")]
    Unheard,
}

impl ProviderError for ShedError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Taken(_) => ErrorKind::AlreadyExists,
            Self::Busy(_) => ErrorKind::Conflict,
            Self::Half(_) => ErrorKind::Unready,
            Self::Gone(_) => ErrorKind::NotFound,
            Self::Refused => ErrorKind::Denied,
            Self::Unheard => ErrorKind::Unavailable,
        }
    }
}

impl Provider for Door {
    const NAME: &'static str = "shed";
    type Draft = DoorDraft;
    type Config = DoorSpec;
    type Credentials = Shed;
    type Error = ShedError;

    async fn connect(spec: &DoorSpec, shed: Shed) -> Result<Self, ShedError> {
        let leads_here = |thing: &Thing| [&thing.id, &thing.set.text].contains(&&spec.street);
        let is_reached = ["", NOWHERE].contains(&spec.street.as_str()) || shed.inside().things.iter().any(leads_here);
        if is_reached { Ok(Self(shed)) } else { Err(ShedError::Unheard) }
    }
    fn ambient() -> Result<Shed, ShedError> {
        Err(ShedError::Refused)
    }
    async fn identity(&self) -> Result<Identity, ShedError> {
        Ok("shed".into())
    }
    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds
            .with::<Post>()
            .with::<Pipe>()
            .with::<Vat>()
            .with::<Lamp>()
            .with::<Sign>()
            .with::<Tag>()
            .with::<Tap>()
            .with::<Peg>()
            .with::<Dial>();
    }
}

/// A call under way; it has ended when this is dropped.
struct UnderWay<'a>(&'a Shed, String);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.inside().trace.note(Note::Answered { record: self.1.clone() });
    }
}

impl Door {
    /// A call, with whatever goes wrong with it. The effect is told whether it is to have only a half.
    async fn call<T>(
        &self,
        call: Call,
        name: &str,
        record: Option<&OwnerTag>,
        effect: impl FnOnce(&mut Inside, Option<How>) -> Result<T, ShedError>,
    ) -> Result<T, (ShedError, Option<T>)> {
        let record = record.map(|owner| record_of(owner).to_owned());
        let _under_way = record.as_ref().map(|record| {
            self.0.inside().trace.note(Note::Called { call, name: name.to_owned(), record: record.clone() });
            UnderWay(&self.0, record.clone())
        });
        let turns = self.0.inside().turns.pop().unwrap_or(0);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let how = {
            let mut inside = self.0.inside();
            inside.pass(1);
            inside.fault(call, slot(name))
        };
        match how {
            Some(How::Jumps) => tokio::time::advance(Duration::from_secs(3_600)).await,
            Some(How::Overtaken) => self.0.inside().meddle(name),
            Some(How::Changed) => {
                self.0.inside().meddle(name);
                return Err((ShedError::Unheard, None));
            }
            _ => {}
        }
        if how == Some(How::Hangs) {
            std::future::pending::<()>().await;
        }
        assert!(how != Some(How::Panics), "{FALLS_OVER}");
        match how {
            Some(How::Refused) => return Err((ShedError::Refused, None)),
            Some(How::Unsent) => return Err((ShedError::Unheard, None)),
            _ => {}
        }
        let done = effect(&mut self.0.inside(), how).map_err(|error| (error, None))?;
        match call {
            Call::Read => drop(self.0.inside().fresh.remove(name)),
            _ => drop(self.0.inside().fresh.insert(name.to_owned())),
        }
        if how == Some(How::HangsAfter) {
            std::future::pending::<()>().await;
        }
        assert!(how != Some(How::PanicsAfter), "{FALLS_OVER}");
        match how {
            Some(How::Unheard | How::Late) => Err((ShedError::Unheard, None)),
            Some(How::Half) => Err((ShedError::Half(name.to_owned()), Some(done))),
            _ => Ok(done),
        }
    }
}

/// What a provider says that falls over on purpose.
pub(crate) const FALLS_OVER: &str = "the provider falls over, as it is to";

fn failed<S>((error, left): (ShedError, Option<S>)) -> CallFailure<ShedError, S> {
    let failed = CallFailure::from(error);
    match left {
        Some(state) => failed.leaving(state),
        None => failed,
    }
}

/// A kind of thing: its settings, to and fro.
trait Sort: Kind + Handle<Provider = Door, State = Standing> {
    fn settings(spec: &Self::Spec) -> Settings;
    fn spec(settings: &Settings) -> Self::Spec;

    fn live(thing: &Thing) -> Live<Self> {
        Live {
            id: thing.id.as_str().into(),
            name: thing.name.as_str().into(),
            spec: Self::spec(&thing.set),
            state: Standing { id: thing.id.clone(), version: thing.version },
            owner: thing.owner.clone(),
        }
    }
}

async fn read<R: Sort>(door: &Door, find: ReadRequest<'_, R>) -> ReadResult<R> {
    let (name, id) = match &find {
        ReadRequest::Recorded(recorded) => (recorded.name.to_string(), Some(recorded.id.as_str())),
        ReadRequest::Named(name) => (name.to_string(), None),
        ReadRequest::Import(name) => ((*name).to_owned(), None),
    };
    let found = door.call(Call::Read, &name, None, |inside, _| {
        let is_meant = |thing: &&Thing| thing.kind == R::KIND && id.map_or(thing.name == name, |id| thing.id == id);
        let reads_texts = inside.bug != Some(Bug::ReadsNoTexts);
        let told = |thing: &Thing| {
            let mut thing = thing.clone();
            thing.set.text.retain(|_| reads_texts);
            if inside.bug == Some(Bug::ReadsAnotherId) {
                thing.id = format!("of {}", thing.name);
            }
            R::live(&thing)
        };
        Ok(inside.things.iter().filter(is_meant).map(told).collect::<Vec<_>>())
    });
    found.await.map_err(|(error, _)| error)
}

async fn list<R: Sort>(door: &Door, wanted: &Listing) -> Result<Vec<Live<R>>, ShedError> {
    let place = KindName::ALL.iter().position(|kind| kind.name() == R::KIND).and_then(|place| u8::try_from(place).ok());
    let how = door.0.inside().fault(Call::List, place);
    match how {
        Some(How::Refused) => return Err(ShedError::Refused),
        Some(How::Unsent | How::Unheard) => return Err(ShedError::Unheard),
        Some(How::Hangs | How::HangsAfter) => std::future::pending().await,
        Some(How::Jumps) => tokio::time::advance(Duration::from_secs(3_600)).await,
        _ => {}
    }
    let mut inside = door.0.inside();
    if inside.bug == Some(Bug::ListsNothing) {
        return Ok(Vec::new());
    }
    let things = inside.list(R::KIND);
    let ours =
        |thing: &&Thing| thing.kind == R::KIND && wanted.wants(&thing.name.as_str().into(), thing.owner.as_ref());
    let left_out = usize::from(how == Some(How::Half));
    Ok(things.iter().filter(ours).skip(left_out).map(R::live).collect())
}

async fn create<R: Sort>(door: &Door, make: &CreateRequest<'_, R>) -> CallResult<R> {
    let name = make.name.as_str();
    let done = door.call(Call::Create, name, Some(make.owner), |inside, how| {
        let mut set = R::settings(make.spec);
        match inside.bug {
            Some(Bug::MakesNamesakes) => {}
            Some(Bug::Overwrites) => inside.things.retain(|thing| thing.kind != R::KIND || thing.name != name),
            _ => inside.refuses(R::KIND, name, &set).map_or(Ok(()), Err)?,
        }
        if how == Some(How::Half) {
            set.text.clear();
        }
        let is_tagged = !matches!(inside.bug, Some(Bug::ForgetsMarks | Bug::TagsLate)) && !R::FLAGS.untagged;
        let owner = Some(make.owner.clone()).filter(|_| is_tagged);
        if how == Some(How::Late) {
            let thing = inside.mint(R::KIND, name, set, owner);
            let state = Standing { id: thing.id.clone(), version: 1 };
            let calls = 2 + u8::try_from(inside.minted % 3).unwrap_or(0);
            inside.late.push((calls, thing));
            return Ok(state);
        }
        Ok(inside.put(R::KIND, name, set, owner))
    });
    let made = done.await.map_err(failed)?;
    if door.0.inside().bug == Some(Bug::TagsLate) {
        tokio::task::yield_now().await;
        let mut inside = door.0.inside();
        let thing = inside.things.iter_mut().find(|thing| thing.id == made.id);
        thing.into_iter().for_each(|thing| thing.owner = Some(make.owner.clone()));
    }
    Ok(made)
}

async fn update<R: Sort>(door: &Door, change: &UpdateRequest<'_, R>) -> CallResult<R> {
    let name = change.live.name.as_str();
    let done = door.call(Call::Update, name, Some(change.owner), |inside, _| {
        let bug = inside.bug;
        if bug == Some(Bug::UpdatesADouble) {
            inside.put(R::KIND, &format!("{name}-double"), R::settings(change.spec), Some(change.owner.clone()));
        }
        let thing = inside.things.iter_mut().find(|thing| thing.id == change.live.id.as_str());
        let thing = thing.ok_or_else(|| ShedError::Gone(name.to_owned()))?;
        let text = Some(thing.set.text.clone()).filter(|_| bug == Some(Bug::ForgetsTexts));
        thing.set = R::settings(change.spec);
        thing.set.text = text.unwrap_or_else(|| thing.set.text.clone());
        thing.version += 1;
        if bug == Some(Bug::GivesAnotherId) {
            thing.id = format!("{}-{}", thing.id, thing.version);
        }
        thing.owner = Some(change.owner.clone()).filter(|_| !R::FLAGS.untagged);
        Ok(Standing { id: thing.id.clone(), version: thing.version })
    });
    done.await.map_err(failed)
}

async fn ready<R: Sort>(door: &Door, recorded: &Recorded<R>) -> CallResult<R> {
    let done = door.call(Call::Ready, recorded.name.as_str(), Some(&recorded.owner), |inside, _| {
        let thing = inside.things.iter_mut().find(|thing| thing.id == recorded.id.as_str());
        let thing = thing.ok_or_else(|| ShedError::Gone(recorded.name.to_string()))?;
        if thing.set.text.is_empty() {
            thing.set.text = R::settings(&recorded.spec).text;
        }
        Ok(Standing { id: thing.id.clone(), version: thing.version })
    });
    done.await.map_err(|(error, _)| error.into())
}

async fn delete<R: Sort>(door: &Door, recorded: &Recorded<R>) -> Result<(), FailureOf<R>> {
    let done = door.call(Call::Delete, recorded.name.as_str(), Some(&recorded.owner), |inside, _| {
        inside.trace.note(Note::Deleted { id: recorded.id.to_string(), things: inside.things.clone() });
        if inside.bug == Some(Bug::DeletesOnce) && !inside.things.iter().any(|thing| thing.id == recorded.id.as_str()) {
            return Err(ShedError::Gone(recorded.name.to_string()));
        }
        if inside.bug != Some(Bug::DeletesNothing) {
            inside.remove(recorded.id.as_str());
        }
        Ok(())
    });
    done.await.map_err(|(error, _)| error.into())
}

async fn recover<R: Sort>(door: &Door, intent: &PendingCreate<R>) -> Result<Recovered<R>, ShedError> {
    let found = read(door, ReadRequest::<R>::Named(&intent.name)).await?;
    let bug = door.0.inside().bug;
    let is_ours = |live: &Live<R>| live.is(&intent.owner) || bug == Some(Bug::SettlesOthers);
    let (ours, others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_ours);
    let mut ours = ours.into_iter();
    Ok(match ours.next() {
        _ if bug == Some(Bug::SettlesNothing) => Recovered::Nothing,
        None if bug == Some(Bug::SettlesMadeUp) && others.is_empty() => {
            let (kind, name, set) = (R::KIND, intent.name.to_string(), R::settings(&intent.spec));
            let owner = Some(intent.owner.clone());
            Recovered::one(R::live(&Thing { kind, name, id: "id-0".into(), version: 1, owner, set }))
        }
        None if others.is_empty() => Recovered::Nothing,
        None => Recovered::Unmarked(others),
        Some(object) => Recovered::Ours { object, duplicates: ours.collect() },
    })
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $draft:ident, $spec:ident, $name:literal, $naming:ident, { $($fact:item)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Handle)]
        #[handle(kind = $name, provider = Door, naming = $naming, state = Standing)]
        pub(crate) struct $kind {
            #[output(name)]
            pub(crate) name: Output<String>,
            #[output(state.id)]
            pub(crate) id: Output<String>,
            /// Another one after each change.
            #[output(state.version, volatile)]
            pub(crate) version: Output<u64>,
            this: ResourceRef<Self>,
        }

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
        #[spec(resource = $kind)]
        pub(crate) struct $spec {
            #[spec(default)]
            pub(crate) text: String,
            #[spec(each = "using")]
            pub(crate) uses: Vec<String>,
            #[spec(replaces, default)]
            pub(crate) base: u64,
            /// What it stands on. It can't be lifted from it.
            #[spec(replaces)]
            pub(crate) on: Option<String>,
            /// What it is in. It goes with that.
            #[spec(replaces)]
            pub(crate) inside: Option<String>,
        }

        impl Sort for $kind {
            fn settings($spec { text, uses, base, on, inside }: &$spec) -> Settings {
                let (text, uses, base) = (text.clone(), uses.clone(), *base);
                Settings { text, uses, base, on: on.clone(), inside: inside.clone() }
            }
            fn spec(Settings { text, uses, base, on, inside }: &Settings) -> $spec {
                let (text, uses, base) = (text.clone(), uses.clone(), *base);
                $spec { text, uses, base, on: on.clone(), inside: inside.clone() }
            }
        }

        impl Kind for $kind {
            $($fact)*

            async fn read(door: &Door, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
                read(door, find).await
            }
            async fn list(door: &Door, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
                if Self::NAMING == Naming::Fixed {
                    return Ok(None);
                }
                list(door, wanted).await.map(Some)
            }
            async fn create(door: &Door, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
                create(door, make).await
            }
            async fn update(door: &Door, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
                update(door, change).await
            }
            async fn ready(door: &Door, recorded: &Recorded<Self>, _: Deadline) -> CallResult<Self> {
                ready(door, recorded).await
            }
            async fn delete(door: &Door, recorded: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
                delete(door, recorded).await
            }
            async fn recover(door: &Door, intent: &PendingCreate<Self>) -> Result<Recovered<Self>, ErrorOf<Self>> {
                recover(door, intent).await
            }
            fn id(_: &PhysicalName, state: &Standing) -> ObjectId {
                state.id.as_str().into()
            }
        }
    };
}

kind!(
    /// A post: its name stays, so the old one goes before the new one is made.
    Post, PostDraft, PostSpec, "shed:post", fixed, {}
);
kind!(
    /// A pipe: the new one is laid before the old one goes.
    Pipe, PipeDraft, PipeSpec, "shed:pipe", generation, {}
);
kind!(
    /// A vat: it holds something.
    Vat, VatDraft, VatSpec, "shed:vat", fixed, { const FLAGS: KindFlags = KindFlags::new().stateful(); }
);
kind!(
    /// A lamp: it takes a while until it shines. Waiting for it finishes what was made by half.
    Lamp, LampDraft, LampSpec, "shed:lamp", generation, { const FLAGS: KindFlags = KindFlags::new().needs_ready(); }
);
kind!(
    /// A sign: it is called by what is on it, and the same one may come back.
    Sign, SignDraft, SignSpec, "shed:sign", content, {}
);
kind!(
    /// A tag: it can't say whose it is.
    Tag, TagDraft, TagSpec, "shed:tag", fixed, { const FLAGS: KindFlags = KindFlags::new().untagged(); }
);
kind!(
    /// A peg, which has a bug of its own: of its settings nothing is in its witness.
    #[expect(dead_code, reason = "nothing is made from a peg")]
    Peg, PegDraft, PegSpec, "shed:peg", fixed, {
        fn revision(live: &Live<Self>) -> Option<Revision> {
            Some(Revision::of(&live.id, &()))
        }
    }
);

kind!(
    /// A dial, which has another: each time that it is read, its revision is another one.
    #[expect(dead_code, reason = "nothing is made from a dial")]
    Dial, DialDraft, DialSpec, "shed:dial", fixed, {
        fn revision(live: &Live<Self>) -> Option<Revision> {
            static READS: AtomicU64 = AtomicU64::new(0);
            Some(Revision::of(&live.id, &READS.fetch_add(1, Ordering::Relaxed)))
        }
    }
);

kind!(
    /// A tap: nobody else can have its port.
    Tap, TapDraft, TapSpec, "shed:tap", generation, {
        const CLAIMS: Option<ClaimsOf<Self>> = Some(|_, spec| {
            spec.map(|spec| Claim::alone(format!("port {}", spec.base), "one tap has it")).into_iter().collect()
        });
    }
);

/// A look at an object, by its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Peek {
    pub(crate) id: String,
    pub(crate) version: u64,
}

/// What is seen there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peeked {
    pub(crate) text: String,
    pub(crate) token: Secret<String>,
}

/// The token of an object.
pub(crate) fn token(thing: &Thing) -> String {
    format!("{PLANTED}-token-{}", thing.name)
}

impl Lookup for Peek {
    const WHAT: &'static str = "peek";
    type Provider = Door;
    type Answer = Peeked;

    async fn look(&self, door: &Door) -> Result<Option<Peeked>, ShedError> {
        let name = door.0.inside().things.iter().find(|thing| thing.id == self.id).map(|thing| thing.name.clone());
        let peeked = door.call(Call::Look, name.as_deref().unwrap_or_default(), None, |inside, _| {
            let thing = inside.things.iter().find(|thing| thing.id == self.id);
            Ok(thing.map(|thing| Peeked { text: thing.set.text.clone(), token: Secret::new(token(thing)) }))
        });
        peeked.await.map_err(|(error, _)| error)
    }
}

/// The record that an owner tag names. What follows is its proof.
pub(crate) fn record_of(owner: &OwnerTag) -> &str {
    owner.record.as_str().split('.').next().unwrap_or_default()
}
