//! Plays a case on the real engine, and holds it against the laws: the oracle's for each plan, those of the journal for each
//! run, and those of a finished act.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sprocket_core::engine::{Engine, Events, Goal, Refused, Report, Request, Settings, Stop};
use sprocket_core::engine::{Plan, StepAction};
use sprocket_core::kind::{Address, Entropy, Lineage};
use sprocket_core::program::Stack;
use sprocket_core::state::{Action, JournalEvent, KeySource, Object, Snapshot};
use sprocket_core::testing::World;

use super::case::{Act, Case, INSIDE, KindName, Opt, Other, Slot, Use, declare, secret_of, shown};
use super::features::Feature;
use super::laws::{self, waits};
use super::ledger::{Death, Ledger};
use super::oracle::{ALL, Foretold, Step, foretell};
use super::shed::{Bug, Settings as Set, Shed, Thing, record_of, slot, token};
use super::trace::{Note, Trace};

/// What a case came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Played {
    /// All that was called, in its order.
    pub(crate) calls: Vec<String>,
    /// What was there after each act, whatever was given out in the order of completion.
    pub(crate) meaning: Vec<BTreeSet<String>>,
}

/// Plays a case on a shed that has this bug, if any.
pub(crate) fn play(case: &Case, bug: Option<Bug>) -> Result<Played, String> {
    let played = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        // The clock is ahead as soon as nothing moves: what never ends is found at once.
        let play = async { tokio::time::timeout(Duration::from_secs(86_400), Stage::new(case, bug).play()).await };
        runtime.expect("a runtime can be made").block_on(play).unwrap_or_else(|_| Err("it never ends".into()))
    }));
    played.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        Err(format!(
            "a panic: {}",
            said.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
        ))
    })
}

/// The lineage of another stack.
const ANOTHER: &str = "another";

/// A case under way.
struct Stage<'c> {
    case: &'c Case,
    shed: Shed,
    ledger: Ledger,
    settings: Settings,
    /// The other stack: what it declares, and where its state is.
    neighbour: (Vec<Slot>, Ledger),
    /// What the engine told, event by event.
    told: Arc<Mutex<Vec<String>>>,
    /// What was left in place, by name, and what others put there.
    left: RefCell<BTreeSet<String>>,
    /// The objects without an owner, by id and name,
    unowned: BTreeSet<(String, String)>,
    /// what was imported, by its id,
    imported: BTreeSet<String>,
    /// and all that is not ours, as it was when the run began.
    theirs: Vec<Thing>,
    /// The program that was finished last, and the objects of its slots.
    had: (Vec<Slot>, BTreeMap<u8, String>),
    /// The slots that something which stays was made from, when the run began.
    used: BTreeSet<u8>,
    /// Texts that once were secret, and that neither the program nor the state has any more: they are like any other.
    forgotten: RefCell<BTreeSet<String>>,
    played: Played,
}

macro_rules! holds {
    ($is:expr, $($what:tt)*) => {
        if !$is { return Err(format!($($what)*)); }
    };
}

impl<'c> Stage<'c> {
    fn new(case: &'c Case, bug: Option<Bug>) -> Self {
        let shed = Shed::default();
        let trace = shed.inside().trace.clone();
        shed.inside().bug = bug;
        shed.inside().turns.clone_from(&case.turns);
        shed.inside().world.clone_from(&case.world);
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&told);
        let events = match case.has(Feature::Secrets) {
            true => Events::to(move |event| {
                let event = serde_json::to_string(&event).expect("an event is a document");
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            }),
            false => Events::default(),
        };
        let in_files =
            case.has(Feature::EditedStates) || case.acts.iter().any(|act| matches!(act.death, Some(Death::Torn(..))));
        let settings = Settings {
            entropy: Entropy::seeded(7),
            parallel: case.parallel,
            continue_on_error: case.continue_on_error,
            call_limit: Duration::from_secs(1),
            ready_limit: Duration::from_secs(1),
            retry_wait: Duration::ZERO,
            who: "the test".into(),
            events,
            ..Settings::new(World::seeded(1).settings.key)
        };
        Self {
            case,
            shed,
            ledger: Ledger::new(trace, in_files),
            settings,
            neighbour: (Vec::new(), Ledger::new(Trace::default(), false)),
            told,
            left: RefCell::default(),
            unowned: BTreeSet::new(),
            imported: BTreeSet::new(),
            theirs: Vec::new(),
            had: Default::default(),
            used: BTreeSet::new(),
            forgotten: RefCell::default(),
            played: Played::default(),
        }
    }

    fn engine(&self) -> Engine {
        Engine::new(Arc::new(self.ledger.clone()), self.settings.clone())
    }

    fn stack(&self, program: &[Slot]) -> Stack {
        let mut stack = Stack::new();
        declare(&mut stack, &self.shed, program, self.case.has(Feature::DerivedProviders));
        stack
    }

    async fn state(&self) -> Result<Option<Snapshot>, String> {
        self.ledger.state().await.map_err(|error| format!("the state can't be loaded: {error}"))
    }

    async fn play(mut self) -> Result<Played, String> {
        for (number, act) in self.case.acts.iter().enumerate() {
            self.act(act).await.map_err(|broken| format!("act {}: {broken}", number + 1))?;
        }
        self.destroy().await.map_err(|broken| format!("the end: {broken}"))?;
        Ok(self.played)
    }

    async fn act(&mut self, act: &Act) -> Result<(), String> {
        let state = self.state().await?;
        let objects = |state: &Option<Snapshot>| -> Vec<Object> {
            let records = state.iter().flat_map(|state| state.records.values());
            records.flat_map(|record| record.objects()).cloned().collect()
        };
        let mut recorded = objects(&state);
        if !act.others.is_empty() || act.given_up {
            self.had = Default::default();
        }
        self.ledger.begin(None);
        for &other in &act.others {
            match other {
                Other::Neighbour(_) | Other::NeighbourGoes => self.neighbour(other, &act.program).await?,
                Other::Import(of) => {
                    self.import(of, &act.program).await;
                    recorded = objects(&self.state().await?);
                }
                Other::Accept => {
                    self.accept(&act.program).await;
                    recorded = objects(&self.state().await?);
                }
                Other::Edit(place) => self.edited(place, &act.program).await?,
                other => self.others(other, &act.program, &recorded),
            }
        }
        self.unowned = self.still_unowned(&recorded);
        self.leave_alone(&act.program, state.as_ref().map(|state| &state.lineage));
        let declared = self.declared(act);
        self.shed.inside().faults.clone_from(&act.faults);
        self.ledger.begin(act.death);
        let mut done = false;
        if act.death == Some(Death::Twice) {
            self.foretell(act).await?;
            let (one, other) = (self.stack(&act.program), self.stack(&act.program));
            let (one, other) = tokio::join!(
                self.run(&one, &act.program, Goal::Declared),
                self.run(&other, &act.program, Goal::Declared)
            );
            let _ = (one?, other?);
        } else {
            let foretold = self.foretell(act).await?;
            let stack = self.stack(&act.program);
            let request = request(&act.program);
            // What a list does not show yet is found by the next run.
            let is_partial = request.is_partial() || self.case.has(Feature::ListsLag);
            tokio::select! {
                biased;
                run = self.planned_and_run(&stack, &act.program, request, foretold) => done = matches!(run?, Run::Done) && !is_partial,
                () = self.ledger.died() => {}
            }
        }
        self.laws_of_a_run(&declared).await?;
        if done {
            return self.finished(act).await;
        }
        if act.given_up {
            return Ok(());
        }
        for attempt in 0..16 {
            if attempt == 8 {
                // Somebody takes away what is in the way, and nothing fails any more.
                self.solved().await?;
                self.shed.inside().faults.clear();
            }
            self.ledger.begin(None);
            let foretold = self.foretell(act).await?;
            let stack = self.stack(&act.program);
            self.shed.inside().settle_down();
            let run = self.planned_and_run(&stack, &act.program, Goal::Declared.into(), foretold).await?;
            self.laws_of_a_run(&declared).await?;
            match run {
                Run::Done => {
                    return self.finished(act).await;
                }
                Run::Problems => {
                    // Some of it may be done.
                    self.had = Default::default();
                    return self.solved().await;
                }
                Run::NotYet => {}
            }
        }
        Err("the same command does not finish it".into())
    }

    /// Where an id comes back, what has it and no mark can't be told from what has lost its mark.
    fn still_unowned(&self, recorded: &[Object]) -> BTreeSet<(String, String)> {
        let is_recorded = |thing: &&Thing| recorded.iter().any(|object| object.id.as_str() == thing.id);
        let inside = self.shed.inside();
        let back: BTreeSet<&String> = inside.things.iter().filter(is_recorded).map(|thing| &thing.id).collect();
        self.unowned.iter().filter(|(id, _)| !back.contains(id)).cloned().collect()
    }

    async fn finished(&mut self, act: &Act) -> Result<(), String> {
        self.laws_of_an_act(act).await?;
        self.played.meaning.push(self.meaning());
        Ok(())
    }

    /// What the oracle says, unless an interrupted run left what must be settled first.
    async fn foretell(&mut self, act: &Act) -> Result<Option<Foretold>, String> {
        let state = self.state().await?;
        self.used = state.as_ref().map(|state| used(state, &act.program)).unwrap_or_default();
        if !self.case.world.is_empty() {
            return Ok(None);
        }
        let things = self.shed.inside().things.clone();
        let foretold = foretell(&act.program, state.as_ref(), &things);
        // What is left in place is nobody's from then on. A later plan may find other things to leave.
        self.left.borrow_mut().extend(foretold.left.iter().cloned());
        // So is what an interrupted run made or changed, if it is to be left and is not declared any more.
        for (address, begun) in state.iter().flat_map(|state| &state.pending) {
            if let JournalEvent::Begin { action: Action::Create { intent } | Action::Update { intent } } = &begun.event
                && (intent.ending.keep_on_delete || KindName::of(address.kind()) == KindName::Vat)
                && !act.program.iter().any(|slot| slot.address() == address.as_str())
            {
                let record = state.as_ref().and_then(|state| state.records.get(address));
                let names = record.into_iter().flat_map(|record| record.objects().map(|object| &object.name));
                self.left.borrow_mut().extend(names.chain([&intent.name]).map(ToString::to_string));
            }
        }
        let is_settled = state.is_none_or(|state| state.pending.is_empty());
        Ok(is_settled.then_some(foretold))
    }

    /// The slots that are declared, where names tell them.
    fn declared(&self, act: &Act) -> BTreeSet<u8> {
        match self.case.has(Feature::Moves) || self.case.has(Feature::NamesHandedOver) {
            // Of any slot there may be something that stays.
            true => (0..=u8::MAX).collect(),
            false => act.program.iter().map(|slot| slot.slot).collect(),
        }
    }

    /// A plan, held against what was foretold, and its run.
    async fn planned_and_run(
        &self,
        stack: &Stack,
        program: &[Slot],
        request: Request,
        foretold: Option<Foretold>,
    ) -> Result<Run, String> {
        let engine = self.engine();
        let plan = match engine.plan(stack, request).await {
            Ok(plan) => plan,
            Err(refused) => return self.refusal(&refused),
        };
        if let Some(foretold) = foretold {
            compare(&plan, &foretold)?;
        }
        self.applied(stack, program, &plan).await
    }

    async fn run(&self, stack: &Stack, program: &[Slot], goal: Goal) -> Result<Run, String> {
        match self.engine().plan(stack, goal).await {
            Ok(plan) => self.applied(stack, program, &plan).await,
            Err(refused) => self.refusal(&refused),
        }
    }

    /// The laws of a plan, and its run.
    async fn applied(&self, stack: &Stack, program: &[Slot], plan: &Plan) -> Result<Run, String> {
        let state = self.state().await?;
        if plan.problems.is_empty() {
            // Another run may have written since.
            let state = state.as_ref().filter(|state| state.serial == plan.serial);
            laws::no_plan_creates_what_it_deletes(plan, state)?;
            laws::what_is_left_out_has_no_step(plan)?;
        }
        let may_be_stale = self.case.has(Feature::ListsLag) || self.case.has(Feature::Selections);
        if !may_be_stale && !program.is_empty() {
            laws::no_provider_stays_out_of_reach(plan)?;
        }
        self.forget(program, state.as_ref());
        self.shows_no_secret(&[("plan", plan.to_string()), ("plan as a document", document(plan))])?;
        self.leaves(plan, state.as_ref());
        self.shed.inside().trace.note(Note::Planned);
        match self.engine().apply(stack, plan, &Stop::default()).await {
            Ok(report) => {
                laws::a_failed_look_up_fails_who_asked(&report, program)?;
                self.shows_no_secret(&[("report", format!("{report} {}", document(&report)))])?;
                Ok(outcome(&report))
            }
            Err(refused) => self.refusal(&refused),
        }
    }

    /// What a plan leaves in place is nobody's from then on.
    fn leaves(&self, plan: &Plan, state: Option<&Snapshot>) {
        let leaves = |step: &&sprocket_core::engine::Step| {
            step.action == StepAction::Leave || step.reason == sprocket_core::engine::Reason::Retained
        };
        for step in plan.steps.iter().filter(leaves) {
            let record = state.and_then(|state| state.records.get(&step.address));
            let all = record.filter(|_| step.action == StepAction::Leave);
            let names = all.into_iter().flat_map(|record| record.objects()).map(|object| object.name.to_string());
            self.left.borrow_mut().extend(names.chain(step.name.iter().map(ToString::to_string)));
        }
    }

    fn shows_no_secret(&self, said: &[(&str, String)]) -> Result<(), String> {
        if !self.case.has(Feature::Secrets) {
            return Ok(());
        }
        let programs = self.case.acts.iter().flat_map(|act| &act.program);
        let mut secrets: BTreeSet<String> = programs.map(secret_of).collect();
        secrets.extend(self.shed.inside().things.iter().map(token));
        let forgotten = self.forgotten.borrow();
        let without = |text: &String| forgotten.iter().fold(text.clone(), |text, secret| text.replace(secret, ""));
        let said: Vec<(&str, String)> = said.iter().map(|(place, text)| (*place, without(text))).collect();
        secrets.retain(|secret| !forgotten.contains(secret));
        laws::no_secret_shows(&said, &secrets)
    }

    /// An object that was left in place, or that a stale list shows, may hold a value that neither program nor state still marks as
    /// secret.
    fn forget(&self, program: &[Slot], state: Option<&Snapshot>) {
        if !self.case.has(Feature::Secrets) {
            return;
        }
        let KeySource::Given(key) = World::seeded(1).settings.key else { panic!("the key of this world is given") };
        let mut known: String = program.iter().filter(|slot| slot.has(Opt::Secret)).map(secret_of).collect();
        let looks =
            |slot: &Slot| slot.has(Opt::Secret) && slot.uses.iter().any(|using| matches!(using, Use::Looked(_)));
        let things = self.shed.inside().things.clone();
        if program.iter().any(looks) {
            known.extend(things.iter().map(token));
        }
        let state = serde_json::to_value(state).expect("a state is a document");
        each_text(&state, &mut |text| {
            let plain = serde_json::from_value(text.into()).ok().and_then(|sealed| key.open(&sealed));
            known.extend(plain.and_then(|plain| String::from_utf8(plain).ok()));
        });
        let programs = self.case.acts.iter().flat_map(|act| &act.program);
        let all = programs.map(secret_of).chain(things.iter().map(token));
        *self.forgotten.borrow_mut() = all.filter(|secret| !known.contains(secret)).collect();
    }

    /// What a run refuses. The same command goes on later, unless somebody must do something.
    fn refusal(&self, refused: &Refused) -> Result<Run, String> {
        self.shows_no_secret(&[("refusal", format!("{refused} {refused:?}"))])?;
        refusal(refused)
    }

    /// Another stack works in the same world. What is ours is none of its business.
    async fn neighbour(&mut self, other: Other, program: &[Slot]) -> Result<(), String> {
        let declared = &mut self.neighbour.0;
        match other {
            Other::Neighbour(of) if !declared.iter().any(|slot| slot.slot == of) => {
                let same = program.iter().find(|slot| slot.slot == of).cloned();
                let (uses, options) = (Vec::new(), Vec::new());
                declared.push(match same {
                    // What bears no mark can't be told apart.
                    Some(slot) if slot.kind.is_marked() => Slot { uses, options, ..slot },
                    Some(slot) => Slot { kind: KindName::Post, uses, options, ..slot },
                    None => Slot { slot: of, kind: KindName::Post, text: 0, base: 0, uses, options },
                });
                declared.sort_by_key(|slot| slot.slot);
            }
            Other::Neighbour(_) => {}
            _ => declared.clear(),
        }
        let theirs = |shed: &Shed, lineage: Option<&Lineage>| -> Vec<Thing> {
            let things = shed.inside().things.clone();
            let is_theirs = |thing: &Thing| {
                let owner = thing.owner.as_ref();
                owner.is_some_and(|owner| Some(&owner.lineage) != lineage) && !thing.set.is_hosted()
            };
            things.into_iter().filter(is_theirs).collect()
        };
        let state = self.neighbour.1.state().await.map_err(|error| error.to_string())?;
        let before = theirs(&self.shed, state.as_ref().map(|state| &state.lineage));
        let settings = Settings { entropy: Entropy::seeded(8), events: Events::default(), ..self.settings.clone() };
        let engine = Engine::new(Arc::new(self.neighbour.1.clone()), settings);
        let stack = self.stack(&self.neighbour.0);
        if let Ok(plan) = engine.plan(&stack, Goal::Declared).await {
            let _ = engine.apply(&stack, &plan, &Stop::default()).await;
        }
        self.shed.inside().trace.take();
        laws::nothing_of_others_is_touched(&before, &self.shed.inside().things)
            .map_err(|broken| format!("by another stack: {broken}"))
    }

    /// Whatever has the name of a declared resource is imported as it, if it can be.
    async fn import(&mut self, of: u8, program: &[Slot]) {
        let Some(slot) = program.iter().find(|slot| slot.slot == of) else { return };
        let name = format!("s{}", slot.called());
        let is_it = |thing: &&Thing| {
            thing.kind == slot.kind.name() && (thing.name == name || thing.name.starts_with(&format!("{name}-")))
        };
        let thing = self.shed.inside().things.iter().find(is_it).map(|thing| (thing.name.clone(), thing.id.clone()));
        if let Some((name, id)) = thing
            && self.engine().import(&self.stack(program), &slot.address(), &name).await.is_ok()
        {
            self.unowned.remove(&(id.clone(), name));
            self.imported.insert(id);
        }
    }

    /// Somebody writes into the state: it is refused, until it is again as it was.
    async fn edited(&self, place: u8, program: &[Slot]) -> Result<(), String> {
        let Some(edited) = self.ledger.edited(place) else { return Ok(()) };
        self.shed.inside().trace.take();
        let (engine, stack) = (self.engine(), self.stack(program));
        let run = async { engine.apply(&stack, &engine.plan(&stack, Goal::Declared).await?, &Stop::default()).await };
        let refused = run.await.is_err();
        laws::an_edited_state_is_refused(refused, &self.shed.inside().trace.take())?;
        edited.undo();
        Ok(())
    }

    /// What others did is accepted, if it can be.
    async fn accept(&self, program: &[Slot]) {
        let (engine, stack) = (self.engine(), self.stack(program));
        if let Ok(plan) = engine.plan(&stack, Goal::Declared).await {
            let _ = engine.accept(&stack, &plan).await;
        }
    }

    async fn laws_of_a_run(&mut self, declared: &BTreeSet<u8>) -> Result<(), String> {
        let notes = self.shed.inside().trace.take();
        self.played.calls.extend(notes.iter().filter_map(|note| match note {
            Note::Called { call, name, .. } => Some(format!("{call:?} {name}")),
            _ => None,
        }));
        // What others change of theirs in the middle of the run is theirs to change.
        let meddled = notes.iter().filter_map(|note| if let Note::Meddled { name } = note { Some(name) } else { None });
        let meddled: BTreeSet<&String> = meddled.collect();
        for theirs in self.theirs.iter_mut().filter(|thing| meddled.contains(&thing.name)) {
            let inside = self.shed.inside();
            let now = inside.things.iter().find(|now| now.id == theirs.id && now.set.text.ends_with(" of others"));
            if let Some(now) = now {
                theirs.set.text.clone_from(&now.set.text);
                theirs.version = now.version;
            }
        }
        laws::nothing_of_others_is_touched(&self.theirs, &self.shed.inside().things)?;
        // Where an id comes back, what mentions it may mean the object that had it before.
        let any_slot: BTreeSet<u8> = (0..=u8::MAX).collect();
        let declared = if self.case.has(Feature::IdsComeBack) { &any_slot } else { declared };
        laws::calls_are_journalled_and_in_order(&notes, &self.left.borrow(), declared, &self.used)?;
        laws::what_is_changed_was_compared(&notes)?;
        if self.case.has(Feature::LostLocks) {
            laws::nothing_is_sent_without_the_lock(&notes)?;
        }
        if let Some(state) = self.state().await? {
            let ids_come_back = self.case.has(Feature::IdsComeBack) || self.case.has(Feature::NamesAreIds);
            laws::every_object_is_recorded_once(&state, ids_come_back)?;
            laws::no_output_is_null(&state)?;
            self.shows_no_secret(&[("state", format!("{state:?}"))])?;
        }
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        self.shows_no_secret(&[("events", told.concat())])
    }

    /// What bears the mark of another stack is left alone, and so is what nobody owns, until the program takes it over.
    fn leave_alone(&mut self, program: &[Slot], ours: Option<&Lineage>) {
        let inside = self.shed.inside();
        let takes_over = |thing: &Thing| {
            program.iter().any(|declared| declared.has(Opt::Adopt) && slot(&thing.name) == Some(declared.named()))
        };
        // Its id alone may be that of another thing by now.
        let both = |thing: &Thing| (thing.id.clone(), thing.name.clone());
        let unowned = inside.things.iter().filter(|thing| self.unowned.contains(&both(thing)) && !takes_over(thing));
        let unowned: BTreeSet<(String, String)> = unowned.map(both).collect();
        let is_theirs = |thing: &&Thing| {
            // What is inside of another thing goes with that, whosever it is. What was imported is ours by the user's word.
            let stolen = thing.owner.as_ref().is_some_and(|owner| Some(&owner.lineage) != ours);
            (stolen && !self.imported.contains(&thing.id) || unowned.contains(&both(thing))) && !thing.set.is_hosted()
        };
        self.theirs = inside.things.iter().filter(is_theirs).cloned().collect();
        drop(inside);
        self.unowned = unowned;
    }

    /// Nothing is left to do; what is declared is there, once, as it is declared; and nothing else.
    async fn laws_of_an_act(&mut self, act: &Act) -> Result<(), String> {
        self.shed.inside().settle_down();
        // What has not gone wrong so far does not in the end.
        self.shed.inside().faults.clear();
        let stack = self.stack(&act.program);
        if self.case.has(Feature::LateEffects) {
            // What came after the run had ended is found by the next one.
            self.ledger.begin(None);
            self.run(&stack, &act.program, Goal::Declared).await?;
        }
        let plan = self.engine().plan(&stack, Goal::Declared).await;
        let plan = plan.map_err(|refused| format!("after a full run, the plan is refused: {refused}"))?;
        laws::nothing_is_left_to_do(&plan)?;
        let state = self.state().await?.ok_or("after a full run there is no state")?;
        holds!(state.pending.is_empty(), "after a full run something is open: {:?}", state.pending.keys());
        let declared: BTreeSet<String> = act.program.iter().map(Slot::address).collect();
        let recorded: BTreeSet<String> = state.records.keys().map(ToString::to_string).collect();
        holds!(declared == recorded, "{declared:?} is declared, and {recorded:?} recorded");
        let inside = self.shed.inside();
        let mut owned = BTreeSet::new();
        let mut objects = BTreeMap::new();
        for slot in &act.program {
            let record = &state.records[&slot.address().as_str().into()];
            holds!(record.old.is_empty(), "{} has old objects", slot.address());
            let object = record.object.as_ref().ok_or("it has no object")?;
            holds!(object.ready, "{} is not ready", slot.address());
            let is_it = |thing: &&Thing| thing.id == object.id.as_str() && thing.kind == slot.kind.name();
            let thing = inside.things.iter().find(is_it);
            let thing = thing.ok_or_else(|| format!("{} is not there", slot.address()))?;
            let is_ours = match &thing.owner {
                Some(owner) if owner.lineage == state.lineage && record_of(owner) == record.id.as_str() => true,
                // What was imported bears what it bore, until it is changed.
                Some(_) => self.imported.contains(&thing.id) && !object.marked,
                // That it has none may have been accepted.
                None => !slot.kind.is_marked() || self.case.has(Feature::Imports) && !object.marked,
            };
            holds!(is_ours, "{} bears the mark {:?}", slot.address(), thing.owner);
            owned.insert(thing.id.clone());
            objects.insert(slot.slot, thing.id.clone());
            let thing_of = |other: &Slot| {
                let object = state.records[&other.address().as_str().into()].object.as_ref();
                let id = object.map(|object| object.id.to_string()).unwrap_or_default();
                inside.things.iter().find(|thing| thing.id == id).expect("what is mentioned was looked at before")
            };
            let mut expected = Set { text: slot.text(), base: slot.base, ..Set::default() };
            if slot.has(Opt::IgnoreText) {
                expected.text.clone_from(&thing.set.text);
            }
            for (using, other) in slot.mentions(&act.program) {
                let other = thing_of(other);
                match using {
                    Use::Name(_) => expected.uses.push(other.name.clone()),
                    Use::Id(_) => expected.uses.push(other.id.clone()),
                    Use::Version(_) => expected.uses.push(other.version.to_string()),
                    Use::On(_) => expected.on = Some(other.id.clone()),
                    Use::Inside(_) => expected.inside = Some(other.id.clone()),
                    Use::Within(_) => expected.uses.push(format!("{INSIDE}{} {}", other.kind, other.name)),
                    Use::Looked(_) if slot.has(Opt::Secret) => expected.uses.push(token(other)),
                    Use::Looked(_) => expected.uses.push(other.set.text.clone()),
                    Use::Behind(_) => {}
                }
            }
            let secrets = slot.options.iter().filter(|option| **option == Opt::Secret);
            expected.uses.extend(secrets.map(|_| secret_of(slot)));
            if slot.has(Opt::Shown) {
                let shown = shown(thing.version).ok();
                let recorded = state.outputs.get(&format!("o{}", slot.slot)).and_then(|value| value.value().as_u64());
                holds!(shown == recorded, "{recorded:?} is recorded as an output, and it is {shown:?}");
            }
            holds!(thing.set == expected, "{} is {:?}, and not {expected:?}", slot.address(), thing.set);
        }
        let left = self.left.borrow();
        laws::every_object_is_accounted_for(&inside.things, &state, &plan, &left)?;
        let is_late = self.case.has(Feature::LateEffects);
        if !is_late {
            laws::no_object_has_a_double(&inside.things, &state, &left)?;
        }
        for thing in &inside.things {
            // Another stack's are none of ours; what was late is an orphan, which the plan tells if it can.
            if is_late || thing.owner.as_ref().is_some_and(|owner| owner.lineage != state.lineage) {
                continue;
            }
            let is_meant = owned.contains(&thing.id) || self.left.borrow().contains(&thing.name);
            holds!(is_meant, "{} {} is there, and nobody's", thing.kind, thing.name);
        }
        drop(left);
        drop(inside);
        if act.others.is_empty() {
            let (before, had) = &self.had;
            laws::what_only_moves_keeps_its_object(before, had, &act.program, &objects)?;
        }
        self.had = (act.program.clone(), objects);
        Ok(())
    }

    /// What is there, with names for ids.
    fn meaning(&self) -> BTreeSet<String> {
        let inside = self.shed.inside();
        // A sign's name is made of ids, too.
        let name = |thing: &Thing| match KindName::of(thing.kind) {
            KindName::Sign => thing.name.split('-').next().unwrap_or_default().to_owned(),
            _ => thing.name.clone(),
        };
        let named = |id: &String| {
            let thing = inside.things.iter().find(|thing| thing.id == *id);
            thing.map_or_else(|| "what is gone".to_owned(), |thing| format!("that of {}", name(thing)))
        };
        let told = inside.things.iter().map(|thing| {
            let Set { text, uses, base, on, inside } = &thing.set;
            let uses: Vec<String> = uses.iter().map(named).collect();
            let (on, inside) = (on.as_ref().map(named), inside.as_ref().map(named));
            format!("{} {} {} {text} {base} {uses:?} {on:?} {inside:?}", thing.kind, name(thing), thing.version)
        });
        told.collect()
    }

    /// The plan has problems, or it can't be told who made something: nothing was called. What others are the cause of, or may
    /// be, is put away.
    async fn solved(&mut self) -> Result<(), String> {
        let state = self.state().await?;
        let lineage = state.as_ref().map(|state| &state.lineage);
        // An id that comes back may be of another kind by now, or of an object whose create is in doubt.
        let is_recorded = |thing: &Thing| {
            let is_settled = |address: &Address| {
                state.as_ref().is_some_and(|state| !matches!(state.pending(address), Some(Action::Create { .. })))
            };
            let records = state.iter().flat_map(|state| &state.records);
            let mut of_kind = records.filter(|(address, _)| address.kind() == thing.kind && is_settled(address));
            of_kind.any(|(_, record)| record.objects().any(|object| object.id.as_str() == thing.id))
        };
        let mut inside = self.shed.inside();
        if self.case.has(Feature::Outputs) {
            // Another version can be shown.
            inside.things.iter_mut().filter(|thing| thing.version % 4 == 3).for_each(|thing| thing.version += 1);
        }
        let foreign = |thing: &Thing| match KindName::of(thing.kind).is_marked() {
            true => thing.owner.as_ref().map(|owner| &owner.lineage) != lineage,
            false => !is_recorded(thing),
        };
        let away: Vec<String> =
            inside.things.iter().filter(|thing| foreign(thing)).map(|thing| thing.id.clone()).collect();
        away.iter().for_each(|id| inside.remove(id));
        drop(inside);
        let lineage = lineage.cloned();
        self.leave_alone(&[], lineage.as_ref());
        Ok(())
    }

    fn others(&mut self, other: Other, program: &[Slot], recorded: &[Object]) {
        let of_thing = |thing: &Thing| recorded.iter().find(|object| object.id.as_str() == thing.id);
        let mut inside = self.shed.inside();
        let (Other::Text(of)
        | Other::Base(of)
        | Other::Remove(of)
        | Other::Unmark(of)
        | Other::Steal(of)
        | Other::Put(of)
        | Other::Agree(of)) = other
        else {
            return;
        };
        let declared = program.iter().find(|slot| slot.slot == of);
        let mut removed = Vec::new();
        for thing in inside.things.iter_mut().filter(|thing| slot(&thing.name) == Some(of)) {
            // What was not seen after it was made is not replaced for what others make of it.
            let was_seen = of_thing(thing).is_some_and(|object| object.seen.is_some());
            match other {
                Other::Text(_) => thing.set.text = "text of others".into(),
                Other::Base(_) if was_seen => thing.set.base = 7,
                Other::Agree(_) => {
                    if let Some(slot) = declared.filter(|_| was_seen) {
                        (thing.set.text, thing.set.base) = (slot.text(), slot.base);
                    }
                }
                Other::Remove(_) => removed.push(thing.id.clone()),
                Other::Unmark(_) | Other::Steal(_) if !KindName::of(thing.kind).is_marked() => {}
                Other::Unmark(_) => thing.owner = None,
                Other::Steal(_) => {
                    let record = "theirs".to_owned().into();
                    thing.owner = Some(sprocket_core::kind::OwnerTag { lineage: ANOTHER.to_owned().into(), record });
                }
                _ => {}
            }
        }
        removed.iter().for_each(|id| inside.remove(id));
        if matches!(other, Other::Unmark(_) | Other::Steal(_)) {
            // What was made by a run that could not say so, and does not say it itself any more, is nobody's.
            // An id that comes back may be recorded of another object.
            let is_known = |thing: &Thing| of_thing(thing).is_some_and(|object| object.name.as_str() == thing.name);
            let may_be_known = |thing: &Thing| is_known(thing) || !KindName::of(thing.kind).is_marked();
            let unknown = inside.things.iter().filter(|thing| slot(&thing.name) == Some(of) && !may_be_known(thing));
            for thing in unknown {
                self.left.borrow_mut().insert(thing.name.clone());
                self.unowned.insert((thing.id.clone(), thing.name.clone()));
            }
        }
        if let Some(declared) = declared.filter(|_| matches!(other, Other::Put(_))) {
            let (kind, name) = (declared.kind.name(), declared.names().0);
            if !inside.things.iter().any(|thing| thing.kind == kind && thing.name == name) {
                let set = Set { text: "text of others".into(), base: declared.base, ..Set::default() };
                let mut put = inside.put(kind, &name, set, None);
                // What has our object's id and another name would be our object with another name.
                if recorded.iter().any(|object| object.id.as_str() == put.id && object.name.as_str() != name) {
                    let fresh = format!("{}-of-others-{name}", put.id);
                    inside.things.last_mut().expect("it was put there").id.clone_from(&fresh);
                    put.id = fresh;
                }
                drop(inside);
                self.left.borrow_mut().insert(name.clone());
                self.unowned.insert((put.id, name));
            }
        }
    }

    /// All of it goes, but what was left in place before.
    async fn destroy(&mut self) -> Result<(), String> {
        self.solved().await?;
        self.used.clear();
        for attempt in 0..16 {
            if attempt == 8 {
                self.shed.inside().faults.clear();
            }
            self.ledger.begin(None);
            self.shed.inside().settle_down();
            let run = self.run(&self.stack(&[]), &[], ALL).await?;
            self.laws_of_a_run(&BTreeSet::new()).await?;
            if matches!(run, Run::Done) {
                let state = self.state().await?;
                let recorded = state.map(|state| state.records.into_keys().collect::<Vec<_>>()).unwrap_or_default();
                holds!(recorded.is_empty(), "after a destroy {recorded:?} is recorded");
                if !self.case.world.is_empty() {
                    let state = self.state().await?.ok_or("after a destroy there is no state")?;
                    let plan =
                        self.engine().plan(&self.stack(&[]), ALL).await.map_err(|refused| refused.to_string())?;
                    let things = self.shed.inside().things.clone();
                    return laws::every_object_is_accounted_for(&things, &state, &plan, &self.left.borrow());
                }
                let inside = self.shed.inside();
                let stays = inside.things.iter().find(|thing| !self.left.borrow().contains(&thing.name));
                return stays.map_or(Ok(()), |thing| Err(format!("{} is still there", thing.name)));
            }
        }
        Err("it can't be destroyed".into())
    }
}

/// The slots that what is declared was made from, and what those were made from.
fn used(state: &Snapshot, program: &[Slot]) -> BTreeSet<u8> {
    let of = |address: &sprocket_core::kind::Address| slot(address.as_str().rsplit('/').next().unwrap_or_default());
    let recorded = state
        .records
        .iter()
        .flat_map(|(address, record)| record.objects().flat_map(|object| &object.deps).map(move |dep| (address, dep)));
    let begun = state.pending.iter().flat_map(|(address, begun)| {
        let deps = match &begun.event {
            JournalEvent::Begin { action: Action::Create { intent } | Action::Update { intent } } => &intent.deps[..],
            _ => &[],
        };
        deps.iter().map(move |dep| (address, dep))
    });
    let edges: Vec<(u8, u8)> = recorded.chain(begun).filter_map(|(user, dep)| of(user).zip(of(dep))).collect();
    let mut used = BTreeSet::new();
    while let Some((_, dep)) = edges.iter().find(|(user, dep)| {
        !used.contains(dep) && (used.contains(user) || program.iter().any(|slot| slot.slot == *user))
    }) {
        used.insert(*dep);
    }
    used
}

/// What came of a run.
enum Run {
    Done,
    /// The plan was refused until somebody does something.
    Problems,
    /// The same command again.
    NotYet,
}

fn outcome(report: &Report) -> Run {
    // What could not be read yet is planned by the next run.
    if report.succeeded() && report.deferred.is_empty() { Run::Done } else { Run::NotYet }
}

/// What may be refused. The same command goes on later.
fn refusal(refused: &Refused) -> Result<Run, String> {
    match refused {
        Refused::Problems(_) => Ok(Run::Problems),
        Refused::Undecided { address, .. } if !KindName::of(address.kind()).is_marked() => Ok(Run::Problems),
        Refused::Store(_) | Refused::Stale { .. } | Refused::Unreadable { .. } | Refused::Unreachable { .. } => {
            Ok(Run::NotYet)
        }
        other => Err(format!("refused: {other}")),
    }
}

/// The real plan against what was foretold.
fn compare(plan: &Plan, foretold: &Foretold) -> Result<(), String> {
    let problems: BTreeSet<String> = plan.problems.iter().map(|problem| problem.address.to_string()).collect();
    holds!(problems == foretold.problems, "the oracle finds problems {:?}, and the plan is\n{plan}", foretold.problems);
    if !problems.is_empty() {
        return Ok(());
    }
    let steps: Vec<Step> = plan.steps.iter().map(|step| (step.address.to_string(), does(&step.action))).collect();
    let is_same = |one: &Step, other: &Step| {
        one == other || one.0 == other.0 && one.1 == "finish" && ["update", "await"].contains(&other.1.as_str())
    };
    let missing = foretold.steps.iter().find(|step| !steps.iter().any(|other| is_same(step, other)));
    let more = steps.iter().find(|step| !foretold.steps.iter().any(|other| is_same(other, step)));
    holds!(missing.is_none() && more.is_none(), "the oracle misses {missing:?} and does not know {more:?} in\n{plan}");
    for (first, then) in &foretold.order {
        let at = |step: &Step| steps.iter().position(|other| is_same(step, other)).expect("it was compared");
        holds!(
            waits(plan, at(then), at(first)),
            "the oracle wants {first:?} before {then:?} in\n{plan}\n{:?}",
            plan.steps.iter().map(|step| &step.after).collect::<Vec<_>>()
        );
    }
    Ok(())
}

fn does(action: &StepAction) -> String {
    match action {
        StepAction::Create { replaces: true, .. } => "replace".into(),
        StepAction::Create { .. } => "create".into(),
        StepAction::Adopt { .. } => "adopt".into(),
        StepAction::Update => "update".into(),
        StepAction::Await => "await".into(),
        StepAction::Restore { object } => format!("restore {}", object.generation),
        StepAction::Delete { object, .. } => format!("delete {}", object.generation),
        StepAction::Drop { object } => format!("drop {}", object.generation),
        StepAction::Leave => "leave".into(),
        StepAction::Record => "record".into(),
    }
}

/// What the first run of a program is asked for.
fn request(program: &[Slot]) -> Request {
    let with =
        |option: Opt| program.iter().filter(move |slot| slot.has(option)).map(|slot| slot.address().as_str().into());
    let with = |option: Opt| with(option).collect::<Vec<sprocket_core::engine::Pattern>>();
    Request::from(Goal::Declared).only(with(Opt::Alone)).without(with(Opt::LeftOut))
}

/// Every text in a document.
fn each_text(of: &serde_json::Value, found: &mut impl FnMut(&str)) {
    match of {
        serde_json::Value::String(text) => found(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| each_text(item, found)),
        serde_json::Value::Object(map) => map.values().for_each(|item| each_text(item, found)),
        _ => {}
    }
}

/// Something as a tool reads it.
fn document(of: &impl serde::Serialize) -> String {
    serde_json::to_string(of).expect("it is a document")
}
