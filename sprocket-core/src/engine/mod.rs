//! The engine: plans, applies and verifies stacks. It has no global state; several can run in one process.
//!
//! `plan` writes nothing. `apply` takes the lock, makes the plan again from what is there now, and refuses if it is not
//! the one that was shown.

mod accept;
mod import;
mod observation;
mod prepare;
mod records;
mod saved;
mod trust;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

pub use self::import::{Hidden, Import, Imported, Survey};
pub use self::observation::Observation;
use self::prepare::Prepared;
use self::saved::Proposal;
pub use self::saved::SavedPlan;
use crate::apply::{self, Run};
pub use crate::base::{Place, Stop, Stopping, visible};
use crate::builtin::Random;
use crate::erased::provider_type;
use crate::kind::Provider;
pub use crate::plan::{
    Change, Deferred, Event, Events, Failure, Goal, Kept, Move, Pattern, Plan, Problem, Reason, Recovery, Report,
    Request, Step, StepAction, StepId, StepOutcome, StepReport, Unchecked, VerifyReport,
};
use crate::session::{Connections, Opener, ProviderTypes, Trusted, protect};
pub use crate::session::{Reached, Refused, Settings};
use crate::stack::Stack;
use crate::state::{Entry, Holder, Lock, Signer, Snapshot, StateStore};
use crate::value::StackKey;
pub use crate::value::{Path, PathPart, silence_foreign_panics};

/// Plans, applies and verifies stacks whose state is in one store.
///
/// This is where a tool of one's own begins: a service, a bot, a test bench. Plans, events and reports are data, and
/// [documents](crate::document) when they are serialised.
///
/// ```
/// use std::sync::{Arc, Mutex};
///
/// use sprocket_core::state::{KeySource, MemoryStore, generate_identity};
/// use sprocket_core::engine::{Engine, Events, Goal, Settings, Stop};
/// use sprocket_core::program::{Password, Stack};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let lines = Arc::new(Mutex::new(Vec::new()));
/// let sink = Arc::clone(&lines);
/// let events = Events::to(move |event| sink.lock().unwrap().push(serde_json::to_string(&event).unwrap()));
/// let key = KeySource::identity(generate_identity(), "this example");
/// let engine = Engine::new(Arc::new(MemoryStore::default()), Settings { events, ..Settings::new(key) });
///
/// let mut stack = Stack::new();
/// stack.add(Password::new("robot"));
/// let plan = engine.plan(&stack, Goal::Declared).await?;
/// assert_eq!(plan.to_string(), "+ random:password/robot\n1 to create.");
///
/// // Exactly this plan, or nothing: whatever moved since is a refusal.
/// let report = engine.apply(&stack, &plan, &Stop::default()).await?;
/// assert_eq!(report.to_string(), "1 created.");
/// assert_eq!(engine.apply(&stack, &plan, &Stop::default()).await.unwrap_err().reason(), "stale");
/// assert!(lines.lock().unwrap()[0].starts_with(r#"{"version":1,"type":"event","event":"refreshing""#));
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// - **Nothing is global.** Engines share what they are given, and no more: two in one process are two as in two processes,
///   and two on one store are kept apart by its lock.
/// - **Its futures are `Send`**, and need tokio, with timers where calls have limits. A key in a passphrase takes a second
///   of a thread the first time; an identity does not.
/// - **A run is stopped in two ways.** [`Stop`] lets what runs finish, and records it. A future that is dropped is a crash:
///   the lock is free, and the next run finds out what the cut-off calls did. So a service gives a run a task of its own,
///   which does not end with the request.
pub struct Engine {
    store: Arc<dyn StateStore>,
    settings: Settings,
    types: ProviderTypes,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine on this store.
    pub fn new(store: Arc<dyn StateStore>, settings: Settings) -> Self {
        Self { store, settings, types: BTreeMap::new() }.knowing::<Random>()
    }

    /// Can also work with what this provider made when the program does not mention it any more.
    #[must_use]
    pub fn knowing<P: Provider>(mut self) -> Self {
        self.types.insert(P::NAME, provider_type::<P>());
        self
    }

    /// What is to be done to reach a goal, of all resources or of some. Writes nothing anywhere.
    ///
    /// # Errors
    /// If the program is wrong, or something could not be read.
    pub async fn plan(&self, stack: &Stack, request: impl Into<Request>) -> Result<Plan, Refused> {
        let request = request.into();
        Ok(self.observe(stack).await?.plan(request))
    }

    /// Reads all that a plan of this stack is made of. Writes nothing anywhere.
    ///
    /// # Errors
    /// If the program is wrong, or something could not be read.
    pub async fn observe<'s>(&self, stack: &'s Stack) -> Result<Observation<'s>, Refused> {
        let opener = self.opener();
        // Asked before the state is loaded: what it began before that is known to go on.
        let observed = async {
            let beside = self.store.holder().await?;
            self.prepare_beside(stack, self.load().await?, None, &opener, beside).await
        };
        let observed = observed.await;
        opener.close().await;
        Ok(Observation { stack, prepared: observed? })
    }

    /// Does exactly what the plan says, or refuses.
    ///
    /// # Errors
    /// If nothing was called: the plan has problems or is stale, the state is locked. What fails later is in the report.
    pub async fn apply(&self, stack: &Stack, plan: &Plan, stop: &Stop) -> Result<Report, Refused> {
        if !plan.problems.is_empty() {
            return Err(Refused::Problems(plan.problems.clone()));
        }
        let lock = self.lock("apply").await?;
        let opener = self.opener();
        let result = self.apply_locked(stack, plan, stop, &*lock, &opener).await;
        // The result is what counts; a lock that can't be given back is freed with the process or by its expiry.
        let _ = lock.release().await;
        opener.close().await;
        result
    }

    /// What the plan was made of, read again: it must come out the same.
    async fn again(
        &self,
        stack: &Stack,
        plan: &Plan,
        lock: &dyn Lock,
        opener: &Arc<Opener>,
    ) -> Result<Prepared, Refused> {
        let loaded = self.load_from(lock).await?;
        let found = loaded.as_ref().map(|Trusted { snapshot, .. }| (&snapshot.lineage, snapshot.serial));
        let fresh = plan.proposed_key.is_some() && plan.serial == 0;
        match found {
            None if !fresh => return Err(stale("the state that it was made for is gone")),
            Some((lineage, _)) if *lineage != plan.lineage => return Err(stale("it was made for another state")),
            Some((_, serial)) if serial != plan.serial => return Err(stale("the state has changed since it was made")),
            _ => {}
        }
        let prepared = self.prepare(stack, loaded, Some(plan.into()), opener).await?;
        let mut now = prepared.plan(stack, &plan.request);
        // Nobody else is at work any more.
        now.beside.clone_from(&plan.beside);
        if now != *plan {
            return Err(stale(&difference(plan, &now)));
        }
        Ok(prepared)
    }

    async fn apply_locked(
        &self,
        stack: &Stack,
        plan: &Plan,
        stop: &Stop,
        lock: &dyn Lock,
        opener: &Arc<Opener>,
    ) -> Result<Report, Refused> {
        // What is only read can be given up at any time.
        let prepared = tokio::select! {
            biased;
            () = stop.requested() => return Ok(Report::not_started(plan)),
            prepared = self.again(stack, plan, lock, opener) => prepared?,
        };
        let Prepared { mut snapshot, amendments, key, key_is_new, connections, observed, .. } = prepared;
        let entries: Vec<Entry> = amendments.into_iter().chain(connections.entries(&mut snapshot)).collect();
        self.begin(&mut snapshot, (&key, key_is_new), &entries, lock).await?;
        let run = Run::new(stack, plan, snapshot, key, connections, observed, &self.settings, lock, stop);
        Ok(apply::run(run).await)
    }

    /// Makes durable what a run starts from: entries that the snapshot has taken, a key that is new, and a key for an owner
    /// that could not open it yet.
    async fn begin(
        &self,
        snapshot: &mut Snapshot,
        (key, is_new): (&StackKey, bool),
        entries: &[Entry],
        lock: &dyn Lock,
    ) -> Result<(), Refused> {
        let signer = Signer::of(key);
        let owners = &self.settings.key;
        let is_complete = |protected| owners.all_own(protected, key, &snapshot.lineage);
        if is_new || !snapshot.key.as_ref().map_or(Ok(false), is_complete)? {
            snapshot.key = Some(protect(owners, key, &snapshot.lineage).await?);
            lock.compact(snapshot, &signer).await?;
        } else if !entries.is_empty() {
            lock.append(entries, &signer).await?;
        }
        Ok(())
    }

    /// Speaks to every declared provider whose settings are known without asking another.
    ///
    /// # Errors
    /// If the program is wrong, or the state can't be read or its key not opened.
    pub async fn reach(&self, stack: &Stack) -> Result<Vec<Reached>, Refused> {
        stack.check()?;
        let Trusted { snapshot, key } = self.load().await?.unwrap_or_else(|| Trusted {
            snapshot: Snapshot::new("".into()),
            key: StackKey::from_bytes(self.settings.entropy.bytes()),
        });
        let opener = self.opener();
        let reached = Connections::reach(stack, &snapshot, &key, &opener).await;
        opener.close().await;
        Ok(reached)
    }

    /// The recorded outputs. A secret is `{"$secret": true}` unless it is to be revealed. Without revealing, the key is
    /// not opened, and nobody checks who wrote them.
    ///
    /// # Errors
    /// If the state can't be read, or the key not opened.
    pub async fn outputs(&self, reveal: bool) -> Result<BTreeMap<String, Value>, Refused> {
        let (snapshot, key) = if reveal {
            let Some(Trusted { snapshot, key }) = self.load().await? else { return Ok(BTreeMap::new()) };
            (snapshot, Some(key))
        } else {
            let Some(snapshot) = self.load_unchecked().await? else { return Ok(BTreeMap::new()) };
            (snapshot, None)
        };
        let mut outputs: BTreeMap<String, Value> =
            snapshot.outputs.iter().map(|(name, json)| (name.clone(), json.value())).collect();
        if let Some(key) = key {
            for value in outputs.values_mut() {
                crate::value::open_all(value, &key);
            }
        }
        outputs.values_mut().for_each(crate::value::hide);
        if reveal {
            // What is left has its user's keys.
            outputs.values_mut().for_each(crate::base::unescape);
        }
        Ok(outputs)
    }

    /// What is recorded; secrets are sealed. The key is not opened, and nobody checks who wrote it.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn snapshot(&self) -> Result<Option<Snapshot>, Refused> {
        self.load_unchecked().await
    }

    /// Opens the providers of one command.
    fn opener(&self) -> Arc<Opener> {
        Opener::new(&self.types, &self.settings.forgotten, self.settings.call_limit)
    }

    async fn lock(&self, command: &str) -> Result<Box<dyn Lock>, Refused> {
        let holder = Holder {
            id: self.settings.entropy.id(),
            who: self.settings.who.clone(),
            command: command.to_owned(),
            since: jiff::Timestamp::now(),
        };
        Ok(self.store.lock(&holder).await?)
    }

    async fn prepare(
        &self,
        stack: &Stack,
        loaded: Option<Trusted>,
        proposal: Option<Proposal<'_>>,
        opener: &Arc<Opener>,
    ) -> Result<Prepared, Refused> {
        self.prepare_beside(stack, loaded, proposal, opener, None).await
    }

    /// The same, beside a run of somebody else.
    async fn prepare_beside(
        &self,
        stack: &Stack,
        loaded: Option<Trusted>,
        proposal: Option<Proposal<'_>>,
        opener: &Arc<Opener>,
        beside: Option<Holder>,
    ) -> Result<Prepared, Refused> {
        stack.check()?;
        self.settings.check()?;
        self.settings.events.emit(|| Event::Refreshing);
        let mut opened = prepare::open(stack, loaded, proposal, &self.settings, opener).await?;
        opened.beside = beside;
        let prepared = opened.read(stack).await?;
        let recorded = prepared.snapshot.records.len();
        self.settings.events.emit(|| Event::Refreshed { recorded });
        Ok(prepared)
    }
}

fn stale(what: &str) -> Refused {
    Refused::Stale { what: what.to_owned() }
}

/// The first thing in which two plans differ.
fn difference(shown: &Plan, now: &Plan) -> String {
    if let Some(problem) = now.problems.first() {
        return format!("`{}`: {}", problem.address, problem.message);
    }
    let differing = shown.steps.iter().zip(&now.steps).find(|(shown, now)| shown != now).map(|(shown, _)| shown);
    let step = differing.or_else(|| shown.steps.get(now.steps.len())).or_else(|| now.steps.get(shown.steps.len()));
    step.map_or_else(
        || "what is recorded or declared has changed".to_owned(),
        |step| format!("`{}` is not as it was when the plan was made", step.address),
    )
}
