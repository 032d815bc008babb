//! Apply: executes exactly the steps of a plan, and journals around each call.
//!
//! One loop owns all that is known and recorded, and decides. It awaits nothing but its one `select!`: the calls, the
//! openings of providers, the look-ups and the writes of the journal are futures in it, so that each of them goes on while
//! another takes its time, and a run can be stopped at any moment.
//!
//! **Invariant:** a call starts only after its `Begin` is durable, and with it the `Done` of everything that it waits for.
//!
//! **Invariant:** who has lost the lock sends nothing more.

mod call;
mod commit;
mod deviation;
mod end;
mod known;
mod outcomes;
mod permit;
mod ready_queue;
mod record;
mod retry;
mod schedule;
mod start;

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use self::call::{Call, Ended};
use self::commit::GroupCommit;
use self::known::{Gained, Knowledge};
use self::outcomes::Outcomes;
use self::permit::Permit;
use self::schedule::{Job, Schedule, Slots};
use self::start::{Start, entry};
use crate::base::{Address, Effect, ProviderName, Stop, Stopping};
use crate::erased::Fault;
use crate::plan::{Event, Failure, Goal, Plan, Report, StepAction, StepId, StepOutcome};
use crate::planner::{Observed, dependents};
use crate::session::{Connections, Settings};
use crate::stack::Stack;
use crate::state::{Entry, JournalEvent, Lock, Signer, Snapshot, StoreError};
use crate::value::StackKey;

/// How often a run that waits looks whether its lock is still held.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A run of a plan.
pub(crate) struct Run<'a> {
    stack: &'a Stack,
    plan: &'a Plan,
    settings: &'a Settings,
    lock: &'a dyn Lock,
    stop: watch::Receiver<Stopping>,
    /// Tells every call that the lock was lost.
    lost: watch::Sender<bool>,
    key: StackKey,
    observed: Observed,
    snapshot: Snapshot,
    knowledge: Knowledge<'a>,
    schedule: Schedule,
    commit: GroupCommit<'a, Then<'a>>,
    work: FuturesUnordered<BoxFuture<'a, Finished>>,
    /// How many calls are under way.
    calls: usize,
    outcomes: Outcomes,
}

/// What the loop waits for, but for the journal.
enum Finished {
    Call(Ended),
    Need(Gained),
}

/// What follows a write of the journal.
enum Then<'a> {
    Call(Box<Call<'a>>),
    /// A step has ended, and that is durable.
    Ended(StepId),
}

impl<'a> Run<'a> {
    #[expect(clippy::too_many_arguments, reason = "a run takes over everything that was prepared for it")]
    pub(crate) fn new(
        stack: &'a Stack,
        plan: &'a Plan,
        snapshot: Snapshot,
        key: StackKey,
        connections: Connections,
        observed: Observed,
        settings: &'a Settings,
        lock: &'a dyn Lock,
        stop: &Stop,
    ) -> Self {
        let schedule = schedule(stack, plan, &snapshot, &connections, settings);
        let commit = GroupCommit::new(lock, Signer::of(&key));
        let knowledge = Knowledge::new(stack, &plan.steps, &snapshot, &observed, connections, key.clone());
        Self {
            stack,
            plan,
            settings,
            lock,
            stop: stop.watch(),
            lost: watch::Sender::new(false),
            key,
            observed,
            snapshot,
            knowledge,
            schedule,
            commit,
            work: FuturesUnordered::new(),
            calls: 0,
            outcomes: Outcomes::new(plan.steps.len()),
        }
    }

    fn may_start(&self) -> bool {
        *self.stop.borrow() == Stopping::No
            && self.commit.failure().is_none()
            && (!self.outcomes.has_failed() || self.settings.continue_on_error)
    }

    /// Starts what is ready, as far as there is room.
    fn start_ready(&mut self) {
        while self.may_start()
            && let Some(number) = self.schedule.next()
        {
            let step = &self.plan.steps[number.index()];
            // What came of an earlier call is still to be found out, and another one would hide that it was begun.
            if self.snapshot.pending.contains_key(&step.address) {
                self.schedule.end(number, false);
                continue;
            }
            match step.node.map_or_else(|| Ok(Vec::new()), |node| self.knowledge.needs(node)) {
                Ok(needs) if needs.is_empty() => self.begin(number),
                Ok(needs) => {
                    self.schedule.park(number);
                    // One after the other: what the first brings may be what the second is asked with.
                    let ask = self.knowledge.ask(needs[0], Some(number), &self.snapshot);
                    self.work.extend(ask.map(|ask| ask.map(Finished::Need).boxed()));
                    for &need in &needs[1..] {
                        let ask = self.knowledge.ask(need, None, &self.snapshot);
                        self.work.extend(ask.map(|ask| ask.map(Finished::Need).boxed()));
                    }
                }
                Err(fault) => self.end(number, StepOutcome::Failed(self.failure(&fault))),
            }
        }
    }

    /// Begins a step of which all is known.
    fn begin(&mut self, step: StepId) {
        match self.start(step) {
            Start::Unneeded(entries) => {
                let is_nothing = entries.is_empty();
                entries.into_iter().for_each(|entry| self.write(entry));
                self.knowledge.publish(&self.plan.steps[step.index()], &self.snapshot);
                if is_nothing {
                    self.end(step, StepOutcome::Unneeded);
                } else {
                    self.end_once_durable(step, StepOutcome::Unneeded);
                }
            }
            Start::Entries(entries) => {
                entries.into_iter().for_each(|entry| self.write(entry));
                self.knowledge.publish(&self.plan.steps[step.index()], &self.snapshot);
                self.end_once_durable(step, StepOutcome::Done);
            }
            Start::Refused(fault) => self.end(step, StepOutcome::Failed(self.failure(&fault))),
            Start::Call(begin, call) => {
                self.write(begin);
                self.outcomes.begin(step);
                if call.is_wait() {
                    self.schedule.rest(step);
                } else {
                    self.schedule.call(step);
                }
                self.commit.after(Then::Call(call));
            }
        }
    }

    fn permit(&self) -> Permit<'a> {
        Permit::new(self.lock, self.stop.clone(), self.lost.subscribe())
    }

    fn write(&mut self, entry: Entry) {
        self.snapshot.take(entry.clone());
        self.commit.push(entry);
    }

    fn failure(&self, fault: &Fault) -> Failure {
        Failure {
            message: self.key.redact(&fault.message()),
            hint: fault.hint.as_deref().map(|hint| self.key.redact(hint)),
            effect: fault.effect,
        }
    }

    /// A step has ended: what waits for it may start, or never will.
    fn end(&mut self, step: StepId, outcome: StepOutcome) {
        self.schedule.end(step, self.outcomes.end(step, outcome));
        self.announce_end(step);
    }

    /// The same, and it is told once what was recorded of it is durable.
    fn end_once_durable(&mut self, step: StepId, outcome: StepOutcome) {
        self.schedule.end(step, self.outcomes.end(step, outcome));
        self.commit.after(Then::Ended(step));
    }

    fn announce_end(&self, step: StepId) {
        let ended = &self.plan.steps[step.index()];
        let Some((outcome, took)) = self.outcomes.of(step) else { return };
        self.settings.events.emit(|| Event::StepEnded {
            step,
            address: ended.address.clone(),
            action: ended.action.verb(),
            outcome: outcome.clone(),
            took,
        });
    }

    fn announce_start(&self, call: &Call<'_>) {
        if call.is_wait() {
            return;
        }
        let step = &self.plan.steps[call.step.index()];
        self.settings.events.emit(|| Event::StepStarted {
            step: call.step,
            address: step.address.clone(),
            action: step.action.verb(),
            name: call.name().cloned(),
        });
    }

    fn finished(&mut self, finished: Finished) {
        match finished {
            Finished::Call(ended) => self.ended(ended),
            Finished::Need(gained) => {
                let (steps, entry) = self.knowledge.gain(gained, &self.snapshot);
                entry.into_iter().for_each(|entry| self.write(entry));
                steps.into_iter().for_each(|step| self.schedule.unpark(step));
            }
        }
    }

    /// A call has ended: what it did is recorded, and what comes next is started.
    fn ended(&mut self, ended: Ended) {
        let Ended { step, entries, result, then } = ended;
        self.calls -= 1;
        if result.is_err() {
            self.look_at_lock();
        }
        entries.into_iter().for_each(|entry| self.write(entry));
        if let Some(next) = then {
            if self.commit.failure().is_some() {
                // It is cut off there: the next run waits for the object.
                return;
            }
            let address = self.plan.steps[step.index()].address.clone();
            self.settings.events.emit(|| Event::StepWaiting { step, address });
            let (begin, call) = self.await_ready(step, *next);
            self.write(begin);
            self.schedule.rest(step);
            self.commit.after(Then::Call(Box::new(call)));
            return;
        }
        let outcome = match result {
            Ok(()) => {
                self.knowledge.publish(&self.plan.steps[step.index()], &self.snapshot);
                StepOutcome::Done
            }
            Err(fault) => StepOutcome::Failed(self.failure(&fault)),
        };
        self.end_once_durable(step, outcome);
    }

    /// Entries are durable: what follows them is told, and made.
    fn follow(&mut self, then: Vec<Then<'a>>) {
        for then in then {
            match then {
                Then::Ended(step) => self.announce_end(step),
                Then::Call(call) => {
                    self.announce_start(&call);
                    self.calls += 1;
                    self.work.push(call.run_caught().map(Finished::Call).boxed());
                }
            }
        }
    }

    /// Nothing may start whose beginning is not durable, and what ended is not known to be; what runs is waited for.
    fn never_follow(&mut self, then: Vec<Then<'a>>) {
        for then in then {
            match then {
                // It may become durable yet, at the end of the run.
                Then::Ended(step) => self.commit.after(Then::Ended(step)),
                Then::Call(call) => {
                    let event = JournalEvent::Failed { record: None, effect: Effect::None, settled: true };
                    self.write(entry(&call.address, event));
                    if !call.is_wait() {
                        self.outcomes.take_back(call.step);
                    }
                }
            }
        }
        if matches!(self.commit.failure(), Some(StoreError::LockLost)) {
            self.lost.send_replace(true);
        }
    }

    /// Whether the lock is still held. What is lost stays lost.
    fn look_at_lock(&mut self) {
        if self.commit.failure().is_none() && !self.lock.is_held() {
            let never = self.commit.fail(StoreError::LockLost);
            self.never_follow(never);
        }
    }

    /// Whether nothing is under way, and nothing can be any more.
    fn is_over(&self) -> bool {
        let is_saving = self.commit.failure().is_none() && !self.commit.is_idle();
        // A provider that nobody may use any more need not be waited for.
        self.calls == 0 && !is_saving && (self.work.is_empty() || !self.may_start())
    }

    /// Runs the steps as far as they go.
    async fn run(&mut self) {
        let mut stop = self.stop.clone();
        let mut stop_is_heard = true;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.start_ready();
            self.commit.flush();
            if self.is_over() && !self.look_up_the_rest() {
                break;
            }
            tokio::select! {
                biased;
                changed = stop.changed(), if stop_is_heard => match changed {
                    Ok(()) if *stop.borrow_and_update() == Stopping::Now => break,
                    Ok(()) => self.settings.events.emit(|| Event::Stopping),
                    Err(_) => stop_is_heard = false,
                },
                written = self.commit.written() => match written {
                    Ok(then) => self.follow(then),
                    Err(never) => self.never_follow(never),
                },
                Some(finished) = self.work.next() => {
                    self.finished(finished);
                    // What has ended by now shares the next write.
                    while let Some(Some(finished)) = self.work.next().now_or_never() {
                        self.finished(finished);
                    }
                }
                _ = heartbeat.tick() => self.look_at_lock(),
            }
        }
        self.work.clear();
    }

    /// After all steps, what only the outputs need is asked for too. Answers whether there is any such thing.
    fn look_up_the_rest(&mut self) -> bool {
        if self.plan.request.goal != Goal::Declared || self.outcomes.has_failed() || !self.may_start() {
            return false;
        }
        let needs = self.knowledge.unanswered();
        let asks: Vec<_> =
            needs.into_iter().filter_map(|need| self.knowledge.ask(need, None, &self.snapshot)).collect();
        let is_asking = !asks.is_empty();
        self.work.extend(asks.into_iter().map(|ask| ask.map(Finished::Need).boxed()));
        is_asking
    }

    /// A run that ends although it could go on has a bug: it says so, and names the steps.
    fn fail_if_stuck(&mut self) {
        if !self.may_start() {
            return;
        }
        for step in self.schedule.stuck() {
            let address = &self.plan.steps[step.index()].address;
            tracing::error!(%address, "BUG: the step was never started");
            let fault = refused("BUG: the step was never started, though nothing that it waits for is under way")
                .hint("please report this with the plan; run the same command again to continue");
            self.end(step, StepOutcome::Failed(self.failure(&fault)));
        }
    }
}

/// The schedule of a plan's steps.
fn schedule(
    stack: &Stack,
    plan: &Plan,
    snapshot: &Snapshot,
    connections: &Connections,
    settings: &Settings,
) -> Schedule {
    let (dependents, order) = dependents(&plan.steps);
    let order = order.expect("BUG: the steps of a plan wait for each other");
    let mut resources: HashMap<&Address, u32> = HashMap::new();
    let mut providers: HashMap<&ProviderName, usize> = HashMap::new();
    let unrecorded = ProviderName::from("");
    let jobs = plan.steps.iter().map(|step| {
        let next = u32::try_from(resources.len()).expect("a plan has fewer than four billion resources");
        let resource = *resources.entry(&step.address).or_insert(next);
        let recorded = || snapshot.records.get(&step.address).map(|record| &record.provider);
        let declared = || step.node.map(|node| &stack.providers[stack.nodes[node as usize].provider].name);
        // An object is deleted by who made it.
        let provider = match step.action {
            StepAction::Delete { .. } => recorded().or_else(declared),
            _ => declared().or_else(recorded),
        };
        let next = providers.len();
        Job { resource, provider: *providers.entry(provider.unwrap_or(&unrecorded)).or_insert(next) }
    });
    let jobs: Vec<Job> = jobs.collect();
    let mut by_provider = vec![0; providers.len()];
    for (name, place) in providers {
        by_provider[place] = connections.parallel(name);
    }
    Schedule::new(jobs, dependents, &order, Slots { total: settings.parallel, by_provider })
}

/// Runs the plan.
pub(crate) async fn run(mut run: Run<'_>) -> Report {
    let steps = run.plan.steps.len();
    run.settings.events.emit(|| Event::ApplyStarted { steps });
    run.run().await;
    run.fail_if_stuck();
    if *run.stop.borrow() == Stopping::Now {
        return run.report(false, Vec::new());
    }
    let problems = run.record_outputs();
    let saved = run.save().await;
    run.report(saved, problems)
}

/// A failure that happened before any call.
fn refused(message: impl Into<String>) -> Fault {
    let mut fault = Fault::new(crate::kind::ErrorKind::Invalid, message);
    fault.effect = Effect::None;
    fault
}
