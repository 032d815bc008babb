//! Plays a case on the real engine, and holds it against the laws: the oracle's for each plan, those of the journal for each
//! run, and those of a finished act.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use sprocket_core::plan::{Plan, StepAction};
use sprocket_core::state::{Action, Event, Object, Snapshot};
use sprocket_core::testing::World;
use sprocket_core::{Engine, Entropy, Goal, Refused, Report, Settings, Stack, Stop};

use super::case::{Act, Case, Kind, Opt, Other, Slot, Use, declare};
use super::ledger::{Death, Ledger};
use super::oracle::{ALL, Foretold, Step, foretell};
use super::shed::{Bug, Settings as Set, Shed, Thing, slot};
use super::trace::{self, Note};

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
    /// What was left in place, by name, and what others put there.
    left: BTreeSet<String>,
    /// What nobody owns, by its id,
    unowned: BTreeSet<String>,
    /// and all that is not ours, as it was when the run began.
    theirs: Vec<Thing>,
    /// The slots that something which stays was made from, when the run began.
    used: BTreeSet<u8>,
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
        let in_files = case.acts.iter().any(|act| matches!(act.death, Some(Death::Torn(..))));
        let settings = Settings {
            entropy: Entropy::seeded(7),
            parallel: case.parallel,
            continue_on_error: case.continue_on_error,
            call_limit: Duration::from_secs(1),
            ready_limit: Duration::from_secs(1),
            retry_wait: Duration::ZERO,
            who: "the test".into(),
            ..Settings::new(World::seeded(1).settings.key)
        };
        Self {
            case,
            shed,
            ledger: Ledger::new(trace, in_files),
            settings,
            left: BTreeSet::new(),
            unowned: BTreeSet::new(),
            theirs: Vec::new(),
            used: BTreeSet::new(),
            played: Played::default(),
        }
    }

    fn engine(&self) -> Engine {
        Engine::new(Arc::new(self.ledger.clone()), self.settings.clone())
    }

    fn stack(&self, program: &[Slot]) -> Stack {
        let mut stack = Stack::new();
        declare(&mut stack, &self.shed, program);
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
        let records = state.iter().flat_map(|state| state.records.values());
        let recorded: Vec<Object> = records.flat_map(|record| record.objects()).cloned().collect();
        for &other in &act.others {
            self.others(other, &act.program, &recorded);
        }
        self.leave_alone(&act.program);
        let declared = act.program.iter().map(|slot| slot.slot).collect();
        self.shed.inside().faults.clone_from(&act.faults);
        self.ledger.begin(act.death);
        if act.death == Some(Death::Twice) {
            self.foretell(act).await?;
            let (one, other) = (self.stack(&act.program), self.stack(&act.program));
            let (one, other) = tokio::join!(self.run(&one, Goal::Declared), self.run(&other, Goal::Declared));
            let _ = (one?, other?);
        } else {
            let foretold = self.foretell(act).await?;
            let stack = self.stack(&act.program);
            tokio::select! {
                biased;
                run = self.planned_and_run(&stack, foretold) => { run?; }
                () = self.ledger.died() => {}
            }
        }
        self.laws_of_a_run(&declared)?;
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
            let run = self.planned_and_run(&stack, foretold).await?;
            self.laws_of_a_run(&declared)?;
            match run {
                Run::Done => {
                    self.laws_of_an_act(act).await?;
                    self.played.meaning.push(self.meaning());
                    return Ok(());
                }
                Run::Problems => return self.solved().await,
                Run::NotYet => {}
            }
        }
        Err("the same command does not finish it".into())
    }

    /// What the oracle says, unless an interrupted run left what must be settled first.
    async fn foretell(&mut self, act: &Act) -> Result<Option<Foretold>, String> {
        let state = self.state().await?;
        let things = self.shed.inside().things.clone();
        let foretold = foretell(&act.program, state.as_ref(), &things);
        // What is left in place is nobody's from then on. A later plan may find other things to leave.
        for (address, what) in &foretold.steps {
            if what == "leave"
                && let Some(record) = state.as_ref().and_then(|state| state.records.get(&address.as_str().into()))
            {
                self.left.extend(record.objects().map(|object| object.name.to_string()));
            }
        }
        // So is what an interrupted run made or changed, if it is to be left and is not declared any more.
        for (address, begun) in state.iter().flat_map(|state| &state.pending) {
            if let Event::Begin { action: Action::Create { intent } | Action::Update { intent } } = &begun.event
                && (intent.ending.keep_on_delete || Kind::of(address.kind()) == Kind::Vat)
                && !act.program.iter().any(|slot| slot.address() == address.as_str())
            {
                let record = state.as_ref().and_then(|state| state.records.get(address));
                let names = record.into_iter().flat_map(|record| record.objects().map(|object| &object.name));
                self.left.extend(names.chain([&intent.name]).map(ToString::to_string));
            }
        }
        self.used = state.as_ref().map(|state| used(state, &act.program)).unwrap_or_default();
        let is_settled = state.is_none_or(|state| state.pending.is_empty());
        Ok(is_settled.then_some(foretold))
    }

    /// A plan, held against what was foretold, and its run.
    async fn planned_and_run(&self, stack: &Stack, foretold: Option<Foretold>) -> Result<Run, String> {
        let engine = self.engine();
        let plan = match engine.plan(stack, Goal::Declared).await {
            Ok(plan) => plan,
            Err(refused) => return refusal(&refused),
        };
        if let Some(foretold) = foretold {
            compare(&plan, &foretold)?;
        }
        match engine.apply(stack, &plan, &Stop::default()).await {
            Ok(report) => Ok(outcome(&report)),
            Err(refused) => refusal(&refused),
        }
    }

    async fn run(&self, stack: &Stack, goal: Goal) -> Result<Run, String> {
        let engine = self.engine();
        let run = async { engine.apply(stack, &engine.plan(stack, goal).await?, &Stop::default()).await };
        match run.await {
            Ok(report) => Ok(outcome(&report)),
            Err(refused) => refusal(&refused),
        }
    }

    fn laws_of_a_run(&mut self, declared: &BTreeSet<u8>) -> Result<(), String> {
        let notes = self.shed.inside().trace.take();
        self.played.calls.extend(notes.iter().filter_map(|note| match note {
            Note::Called { call, name, .. } => Some(format!("{call:?} {name}")),
            _ => None,
        }));
        let inside = self.shed.inside();
        let touched = self.theirs.iter().find(|thing| !inside.things.contains(thing));
        if let Some(touched) = touched {
            return Err(format!("{} {} is somebody else's, and was touched", touched.kind, touched.name));
        }
        trace::laws(&notes, &self.left, declared, &self.used)
    }

    /// What bears the mark of another stack is left alone, and so is what nobody owns, until the program takes it over.
    fn leave_alone(&mut self, program: &[Slot]) {
        let inside = self.shed.inside();
        let takes_over = |thing: &Thing| {
            program.iter().any(|declared| declared.has(Opt::Adopt) && slot(&thing.name) == Some(declared.slot))
        };
        let unowned = inside.things.iter().filter(|thing| self.unowned.contains(&thing.id) && !takes_over(thing));
        let unowned: BTreeSet<String> = unowned.map(|thing| thing.id.clone()).collect();
        let is_theirs = |thing: &&Thing| {
            // What is inside of another thing goes with that, whosever it is.
            let stolen = thing.mark.as_ref().is_some_and(|mark| mark.lineage.as_str() == ANOTHER);
            (stolen || unowned.contains(&thing.id)) && thing.set.inside.is_none()
        };
        self.theirs = inside.things.iter().filter(is_theirs).cloned().collect();
        drop(inside);
        self.unowned = unowned;
    }

    /// Nothing is left to do; what is declared is there, once, as it is declared; and nothing else.
    async fn laws_of_an_act(&mut self, act: &Act) -> Result<(), String> {
        let plan = self.engine().plan(&self.stack(&act.program), Goal::Declared).await;
        let plan = plan.map_err(|refused| format!("after a full run, the plan is refused: {refused}"))?;
        holds!(plan.is_empty() && plan.problems.is_empty(), "after a full run there is something to do:\n{plan}");
        let state = self.state().await?.ok_or("after a full run there is no state")?;
        holds!(state.pending.is_empty(), "after a full run something is open: {:?}", state.pending.keys());
        let declared: BTreeSet<String> = act.program.iter().map(Slot::address).collect();
        let recorded: BTreeSet<String> = state.records.keys().map(ToString::to_string).collect();
        holds!(declared == recorded, "{declared:?} is declared, and {recorded:?} recorded");
        let inside = self.shed.inside();
        let mut owned = BTreeSet::new();
        for slot in &act.program {
            let record = &state.records[&slot.address().as_str().into()];
            holds!(record.old.is_empty(), "{} has old objects", slot.address());
            let object = record.object.as_ref().ok_or("it has no object")?;
            holds!(object.ready, "{} is not ready", slot.address());
            let thing = inside.things.iter().find(|thing| thing.id == object.id.as_str());
            let thing = thing.ok_or_else(|| format!("{} is not there", slot.address()))?;
            let is_ours = match &thing.mark {
                Some(mark) => mark.lineage == state.lineage && mark.record == record.id,
                None => !slot.kind.is_marked(),
            };
            holds!(is_ours, "{} bears the mark {:?}", slot.address(), thing.mark);
            owned.insert(thing.id.clone());
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
                    Use::Behind(_) => {}
                }
            }
            holds!(thing.set == expected, "{} is {:?}, and not {expected:?}", slot.address(), thing.set);
        }
        for thing in &inside.things {
            let is_meant = owned.contains(&thing.id) || self.left.contains(&thing.name);
            holds!(is_meant, "{} {} is there, and nobody's", thing.kind, thing.name);
        }
        Ok(())
    }

    /// What is there, with names for ids.
    fn meaning(&self) -> BTreeSet<String> {
        let inside = self.shed.inside();
        // A sign's name is made of ids, too.
        let name = |thing: &Thing| match Kind::of(thing.kind) {
            Kind::Sign => thing.name.split('-').next().unwrap_or_default().to_owned(),
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
        let recorded: Vec<&Object> =
            state.iter().flat_map(|state| state.records.values()).flat_map(|record| record.objects()).collect();
        let mut inside = self.shed.inside();
        let foreign = |thing: &Thing| match Kind::of(thing.kind).is_marked() {
            true => thing.mark.as_ref().map(|mark| &mark.lineage) != lineage,
            false => !recorded.iter().any(|object| object.id.as_str() == thing.id),
        };
        let away: Vec<String> =
            inside.things.iter().filter(|thing| foreign(thing)).map(|thing| thing.id.clone()).collect();
        away.iter().for_each(|id| inside.remove(id));
        drop(inside);
        self.leave_alone(&[]);
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
        | Other::Agree(of)) = other;
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
                Other::Unmark(_) | Other::Steal(_) if !Kind::of(thing.kind).is_marked() => {}
                Other::Unmark(_) => thing.mark = None,
                Other::Steal(_) => {
                    let record = "theirs".to_owned().into();
                    thing.mark = Some(sprocket_core::Mark { lineage: ANOTHER.to_owned().into(), record });
                }
                Other::Put(_) | Other::Base(_) => {}
            }
        }
        removed.iter().for_each(|id| inside.remove(id));
        if matches!(other, Other::Unmark(_) | Other::Steal(_)) {
            // What was made by a run that could not say so, and does not say it itself any more, is nobody's.
            let may_be_known = |thing: &Thing| of_thing(thing).is_some() || !Kind::of(thing.kind).is_marked();
            let unknown = inside.things.iter().filter(|thing| slot(&thing.name) == Some(of) && !may_be_known(thing));
            for thing in unknown {
                self.left.insert(thing.name.clone());
                self.unowned.insert(thing.id.clone());
            }
        }
        if let Some(declared) = declared.filter(|_| matches!(other, Other::Put(_))) {
            let (kind, name) = (declared.kind.name(), declared.names().0);
            if !inside.things.iter().any(|thing| thing.kind == kind && thing.name == name) {
                let set = Set { text: "text of others".into(), base: declared.base, ..Set::default() };
                let put = inside.put(kind, &name, set, None);
                drop(inside);
                self.left.insert(name);
                self.unowned.insert(put.id);
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
            let run = self.run(&self.stack(&[]), ALL).await?;
            self.laws_of_a_run(&BTreeSet::new())?;
            if matches!(run, Run::Done) {
                let state = self.state().await?;
                let recorded = state.map(|state| state.records.into_keys().collect::<Vec<_>>()).unwrap_or_default();
                holds!(recorded.is_empty(), "after a destroy {recorded:?} is recorded");
                let inside = self.shed.inside();
                let stays = inside.things.iter().find(|thing| !self.left.contains(&thing.name));
                return stays.map_or(Ok(()), |thing| Err(format!("{} is still there", thing.name)));
            }
        }
        Err("it can't be destroyed".into())
    }
}

/// The slots that what is declared was made from, and what those were made from.
fn used(state: &Snapshot, program: &[Slot]) -> BTreeSet<u8> {
    let of = |address: &sprocket_core::Address| slot(address.as_str().rsplit('/').next().unwrap_or_default());
    let recorded = state
        .records
        .iter()
        .flat_map(|(address, record)| record.objects().flat_map(|object| &object.deps).map(move |dep| (address, dep)));
    let begun = state.pending.iter().flat_map(|(address, begun)| {
        let deps = match &begun.event {
            Event::Begin { action: Action::Create { intent } | Action::Update { intent } } => &intent.deps[..],
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
    if report.succeeded() { Run::Done } else { Run::NotYet }
}

/// What may be refused. The same command goes on later.
fn refusal(refused: &Refused) -> Result<Run, String> {
    match refused {
        Refused::Problems(_) => Ok(Run::Problems),
        Refused::Undecided { address, .. } if !Kind::of(address.kind()).is_marked() => Ok(Run::Problems),
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

/// Whether a step waits for another, however indirectly.
fn waits(plan: &Plan, step: usize, other: usize) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![step]);
    while let Some(step) = open.pop() {
        if step == other {
            return true;
        }
        open.extend(plan.steps[step].after.iter().map(|&before| before as usize).filter(|&before| seen.insert(before)));
    }
    false
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
        StepAction::Keep { .. } => "keep".into(),
    }
}
