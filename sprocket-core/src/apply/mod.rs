//! Apply: executes exactly the steps of a plan, and journals around each call.
//!
//! One loop owns all that is known and recorded, and decides; the calls and the journal's writes are futures that it waits
//! for. Entries that are ready together share a write: the end of a step and the beginnings that it frees are one.
//!
//! **Invariant:** a call starts only after its `Begin` is durable, and with it the `Done` of everything that it waits for.
//!
//! **Invariant:** of one resource there is one call at a time, such as the deletes of two old objects: its record is one, and so
//! is what the journal has open of it.

mod call;
mod permit;
mod ready_queue;
mod start;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use self::call::{Call, Ended};
use self::permit::Permit;
use self::ready_queue::ReadyQueue;
use self::start::Start;
use crate::engine::{Settings, with_causes};
use crate::erased::Fault;
use crate::event::Event;
use crate::ids::{Address, ProviderName};
use crate::json::Json;
use crate::plan::{Goal, Plan, Problem, dependents, has_holes, output_problem, output_values, reported};
use crate::refresh::{Connections, Observed, look_up};
use crate::report::{Failure, Outcome, Report, StepReport};
use crate::resource::Effect;
use crate::stack::Stack;
use crate::state::{Entry, Event as Journalled, Lock, Signer, Snapshot, StoreError};
use crate::stop::{Stop, Stopping};
use crate::value::{Facts, Known, StackKey};

/// A run of a plan.
pub(crate) struct Run<'a> {
    stack: &'a Stack,
    plan: &'a Plan,
    snapshot: Snapshot,
    known: Known,
    key: StackKey,
    connections: Connections,
    observed: Observed,
    settings: &'a Settings,
    lock: &'a dyn Lock,
    signer: Signer,
    stop: watch::Receiver<Stopping>,
    /// Tells every call that the lock was lost.
    lost: watch::Sender<bool>,

    dependents: Vec<Vec<u32>>,
    waiting: Vec<usize>,
    queue: ReadyQueue,
    outcomes: Vec<Option<Outcome>>,
    started: Vec<Option<Instant>>,
    took: Vec<Duration>,
    busy: HashMap<ProviderName, usize>,
    running: usize,
    /// Resources that a call is being made for, and the steps that wait for its end.
    at_work: HashSet<Address>,
    held: Vec<u32>,
    /// Entries to be written, and the calls that wait for that.
    unwritten: Vec<Entry>,
    starting: Vec<Call<'a>>,
    failed: bool,
    state_failure: Option<StoreError>,
    output_problems: Vec<Problem>,
}

type Running<'a> = FuturesUnordered<BoxFuture<'a, Ended>>;

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
        let steps = plan.steps.len();
        let (dependents, order) = dependents(&plan.steps);
        let order = order.expect("BUG: the steps of a plan wait for each other");
        let mut run = Self {
            stack,
            plan,
            snapshot,
            known: Known { answers: observed.answers.clone(), ..Known::nothing(stack, &key) },
            signer: Signer::of(&key),
            key,
            connections,
            observed,
            settings,
            lock,
            stop: stop.watch(),
            lost: watch::Sender::new(false),
            waiting: plan.steps.iter().map(|step| step.after.len()).collect(),
            queue: ReadyQueue::new(&dependents, &order),
            dependents,
            outcomes: vec![None; steps],
            started: vec![None; steps],
            took: vec![Duration::ZERO; steps],
            busy: HashMap::new(),
            running: 0,
            at_work: HashSet::new(),
            held: Vec::new(),
            unwritten: Vec::new(),
            starting: Vec::new(),
            failed: false,
            state_failure: None,
            output_problems: Vec::new(),
        };
        run.know_what_stays();
        run
    }

    /// What is known before the first step: the resources that are recorded, until a step changes them.
    fn know_what_stays(&mut self) {
        for (index, node) in self.stack.nodes.iter().enumerate() {
            let Some(object) = self.snapshot.records.get(&node.address).and_then(|record| record.object.as_ref())
            else {
                continue;
            };
            let live = self.observed.objects.get(&node.address).and_then(|seen| seen.current.as_ref());
            let state = live.map_or(&object.state, |live| &live.state);
            self.known.nodes[index] = Facts {
                name: Some(object.name.clone()),
                reported: Some(reported(&node.kind, state, &self.key)),
                changing: false,
            };
        }
        for step in &self.plan.steps {
            if let Some(node) = step.node
                && step.action.changes_object()
            {
                self.known.nodes[node as usize] = Facts::default();
            }
        }
    }

    fn may_start(&self) -> bool {
        *self.stop.borrow() == Stopping::No
            && self.state_failure.is_none()
            && (!self.failed || self.settings.continue_on_error)
    }

    /// Starts what is ready, as far as there is room.
    async fn start_ready(&mut self) {
        while self.may_start() && self.running < self.settings.parallel {
            let (busy, connections) = (&self.busy, &self.connections);
            let has_room = |provider: &_| busy.get(provider).copied().unwrap_or(0) < connections.parallel(provider);
            let Some((step, provider)) = self.queue.pop(has_room) else { break };
            let address = &self.plan.steps[step as usize].address;
            if self.at_work.contains(address) {
                self.held.push(step);
                continue;
            }
            // What came of an earlier call is still to be found out, and another one would hide that it was begun.
            if self.snapshot.pending.contains_key(address) {
                continue;
            }
            if let Err(fault) = self.open_provider(step, &provider).await {
                self.end(step, Outcome::Failed(self.failure(&fault)));
                continue;
            }
            if let Err(fault) = self.look_up().await {
                self.end(step, Outcome::Failed(self.failure(&fault)));
                continue;
            }
            match self.start(step) {
                Start::Nothing => {
                    self.learn(step);
                    self.end(step, Outcome::Unneeded);
                }
                Start::Entries(entries) => {
                    entries.into_iter().for_each(|entry| self.write(entry));
                    self.learn(step);
                    self.end(step, Outcome::Done);
                }
                Start::Refused(fault) => self.end(step, Outcome::Failed(self.failure(&fault))),
                Start::Call(begin, call) => {
                    self.write(begin);
                    self.started[step as usize] = Some(Instant::now());
                    self.at_work.insert(call.address.clone());
                    self.occupy(&call);
                    self.starting.push(*call);
                }
            }
        }
    }

    fn permit(&self) -> Permit<'a> {
        Permit::new(self.lock, self.stop.clone(), self.lost.subscribe())
    }

    /// A call takes one of its provider's slots. A wait, which only asks now and then, takes none.
    fn occupy(&mut self, call: &Call<'_>) {
        if !call.is_wait() {
            self.running += 1;
            *self.busy.entry(call.provider.clone()).or_default() += 1;
        }
    }

    fn enqueue(&mut self, step: u32) {
        self.queue.push(step, self.provider_of(step));
    }

    fn provider_of(&self, step: u32) -> ProviderName {
        let step = &self.plan.steps[step as usize];
        match step.node {
            Some(node) => self.stack.providers[self.stack.nodes[node as usize].provider].name.clone(),
            None => {
                self.snapshot.records.get(&step.address).map_or_else(|| "".into(), |record| record.provider.clone())
            }
        }
    }

    /// Opens a provider whose settings were not known when the run began.
    async fn open_provider(&mut self, step: u32, provider: &ProviderName) -> Result<(), Fault> {
        if !self.connections.is_deferred(provider) || self.plan.steps[step as usize].node.is_none() {
            return Ok(());
        }
        let Some(node) = self.stack.providers.iter().find(|node| node.name == *provider) else { return Ok(()) };
        let opened = self.connections.open_deferred(node, &self.snapshot, &self.known, &self.key).await;
        let entry = opened.map_err(|refusal| refused(refusal.to_string()))?;
        self.write(entry);
        Ok(())
    }

    /// Asks what could not be asked before the run, now that more is known.
    async fn look_up(&mut self) -> Result<(), Fault> {
        let is_waiting = self.stack.lookups.iter().any(|lookup| lookup.waits);
        if !is_waiting && self.known.answers.iter().all(Option::is_some) {
            return Ok(());
        }
        let asked = look_up(self.stack, &mut self.known, &self.connections).await;
        asked.map_err(|refusal| refused(refusal.to_string()))
    }

    fn write(&mut self, entry: Entry) {
        self.snapshot.take(entry.clone());
        self.unwritten.push(entry);
    }

    fn failure(&self, fault: &Fault) -> Failure {
        Failure {
            message: self.key.redact(&fault.message()),
            hint: fault.hint.as_deref().map(|hint| self.key.redact(hint)),
            effect: fault.effect,
        }
    }

    /// A step has ended: what waits for it may start, or never will.
    fn end(&mut self, step: u32, outcome: Outcome) {
        let at = step as usize;
        let ok = matches!(outcome, Outcome::Done | Outcome::Unneeded);
        self.failed |= !ok;
        self.took[at] = self.started[at].map_or(Duration::ZERO, |started| started.elapsed());
        let ended = &self.plan.steps[at];
        self.settings.events.emit(|| Event::StepEnded {
            step,
            address: ended.address.clone(),
            action: ended.action.verb(),
            outcome: outcome.clone(),
            took: self.took[at],
        });
        self.outcomes[at] = Some(outcome);
        if ok {
            for next in std::mem::take(&mut self.dependents[at]) {
                self.waiting[next as usize] -= 1;
                if self.waiting[next as usize] == 0 {
                    self.enqueue(next);
                }
            }
        }
    }

    /// A call has ended: what it did is recorded, and what comes next is started.
    fn ended(&mut self, ended: Ended) {
        let Ended { step, waited, entries, result, then } = ended;
        if !waited {
            let provider = self.provider_of(step);
            self.running -= 1;
            if let Some(busy) = self.busy.get_mut(&provider) {
                *busy -= 1;
            }
        }
        entries.into_iter().for_each(|entry| self.write(entry));
        if let Some(next) = then {
            let address = self.plan.steps[step as usize].address.clone();
            self.settings.events.emit(|| Event::StepWaiting { step, address: address.clone() });
            let (begin, call) = self.await_ready(step, *next);
            self.write(begin);
            self.starting.push(call);
            return;
        }
        self.let_go(step);
        match result {
            Ok(()) => {
                self.learn(step);
                self.end(step, Outcome::Done);
            }
            Err(fault) => self.end(step, Outcome::Failed(self.failure(&fault))),
        }
    }

    /// No call is being made for the step's resource any more: what was held for that may start.
    fn let_go(&mut self, step: u32) {
        let address = &self.plan.steps[step as usize].address;
        self.at_work.remove(address);
        let is_free = |held: &mut u32| self.plan.steps[*held as usize].address == *address;
        let free: Vec<u32> = self.held.extract_if(.., is_free).collect();
        free.into_iter().for_each(|step| self.enqueue(step));
    }

    /// What the step's resource is now is known to those that wait for it.
    fn learn(&mut self, step: u32) {
        let step = &self.plan.steps[step as usize];
        let Some(index) = step.node else { return };
        if !step.action.changes_object() {
            return;
        }
        let node = &self.stack.nodes[index as usize];
        let object = self.snapshot.records.get(&node.address).and_then(|record| record.object.as_ref());
        self.known.nodes[index as usize] = object.map_or_else(Facts::default, |object| Facts {
            name: Some(object.name.clone()),
            reported: Some(reported(&node.kind, &object.state, &self.key)),
            changing: false,
        });
    }

    /// The outputs as they are now. After a failure those that are not known keep their old values.
    fn record_outputs(&mut self) {
        let mut outputs = match self.plan.request.goal {
            Goal::Declared => self.snapshot.outputs.clone(),
            Goal::Destroyed { .. } if !self.plan.request.is_partial() => std::collections::BTreeMap::new(),
            Goal::Destroyed { .. } => self.snapshot.outputs.clone(),
        };
        if self.plan.request.goal == Goal::Declared {
            let values = output_values(self.stack, &self.known, &self.key);
            outputs.retain(|name, _| values.contains_key(name) || self.plan.request.is_partial());
            for (name, value) in values {
                match value {
                    Ok(value) if has_holes(&value) => {}
                    Ok(value) => drop(outputs.insert(name, Json::from(&value))),
                    Err(mistake) => {
                        let problem = output_problem(&name, &mistake);
                        let message = self.key.redact(&problem.message);
                        self.output_problems.push(Problem { message, ..problem });
                    }
                }
            }
        }
        if outputs != self.snapshot.outputs {
            self.write(Entry { address: Address::from("outputs"), event: Journalled::Outputs { outputs } });
        }
    }

    fn report(self) -> Report {
        let stopped = *self.stop.borrow();
        let steps = self.plan.steps.iter().enumerate().map(|(at, step)| StepReport {
            address: step.address.clone(),
            action: step.action.verb(),
            name: step.name.clone(),
            outcome: self.outcomes[at].clone().unwrap_or(match self.started[at] {
                Some(_) => Outcome::Abandoned,
                None => Outcome::NotStarted,
            }),
            took: self.took[at],
            at: step.at.clone(),
        });
        let steps: Vec<StepReport> = steps.collect();
        let unfinished = steps.iter().any(|step| matches!(step.outcome, Outcome::NotStarted | Outcome::Abandoned));
        Report {
            steps,
            kept: self.plan.kept.clone(),
            deferred: self.plan.deferred.clone(),
            serial: self.snapshot.serial,
            interrupted: stopped != Stopping::No && unfinished,
            state_failure: self.state_failure.map(|error| with_causes(&error)),
            output_problems: self.output_problems,
        }
    }
}

/// Runs the plan.
pub(crate) async fn run(mut run: Run<'_>) -> Report {
    let steps = run.plan.steps.len();
    run.settings.events.emit(|| Event::ApplyStarted { steps });
    for step in 0..steps {
        if run.waiting[step] == 0 {
            run.enqueue(u32::try_from(step).expect("a plan has fewer than four billion steps"));
        }
    }
    let mut calls: Running<'_> = FuturesUnordered::new();
    let mut writing: Option<BoxFuture<'_, Result<(), StoreError>>> = None;
    let mut after_write: Vec<Call<'_>> = Vec::new();
    let mut stop = run.stop.clone();
    let mut stop_is_heard = true;
    loop {
        run.start_ready().await;
        if run.state_failure.is_some() {
            // What waited for another write would wait for ever.
            run.starting.clear();
        }
        if calls.is_empty() && writing.is_none() && run.starting.is_empty() {
            break;
        }
        if writing.is_none() && !run.unwritten.is_empty() && run.state_failure.is_none() {
            let batch = std::mem::take(&mut run.unwritten);
            after_write = std::mem::take(&mut run.starting);
            let lock = run.lock;
            let signer = run.signer.clone();
            writing = Some(Box::pin(async move { lock.append(&batch, &signer).await }));
        }
        let write = async {
            match &mut writing {
                Some(write) => write.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            changed = stop.changed(), if stop_is_heard => match changed {
                Ok(()) if *stop.borrow_and_update() == Stopping::Now => break,
                Ok(()) => run.settings.events.emit(|| Event::Stopping),
                Err(_) => stop_is_heard = false,
            },
            written = write => {
                writing = None;
                match written {
                    Ok(()) => {
                        for call in after_write.drain(..) {
                            run.announce(&call);
                            calls.push(Box::pin(call.run_caught()));
                        }
                    }
                    // Nothing may start whose beginning is not durable; what runs is waited for.
                    Err(error) => {
                        run.running -= after_write.iter().filter(|call| !call.is_wait()).count();
                        after_write.clear();
                        run.lost.send_replace(matches!(error, StoreError::LockLost));
                        run.state_failure = Some(error);
                    }
                }
            }
            Some(ended) = calls.next() => {
                run.ended(ended);
                // What has ended by now shares the next write.
                while let Some(Some(ended)) = calls.next().now_or_never() {
                    run.ended(ended);
                }
            }
        }
    }
    drop(calls);
    drop(writing);
    if run.state_failure.is_none() && *run.stop.borrow() != Stopping::Now {
        run.record_outputs();
        // A snapshot has them too.
        let rest = std::mem::take(&mut run.unwritten);
        let saved = if run.lock.wants_snapshot() {
            let written = run.lock.compact(&run.snapshot, &run.signer).await;
            if written.is_err() && !rest.is_empty() {
                // There may be room for them where there is none for all. The failure is told all the same.
                let _ = run.lock.append(&rest, &run.signer).await;
            }
            written
        } else if rest.is_empty() {
            Ok(())
        } else {
            run.lock.append(&rest, &run.signer).await
        };
        if let Err(error) = saved {
            run.state_failure = Some(error);
        }
    }
    run.settings.events.emit(|| Event::ApplyEnded);
    run.report()
}

impl Run<'_> {
    fn announce(&self, call: &Call<'_>) {
        if call.is_wait() {
            return;
        }
        let step = &self.plan.steps[call.step as usize];
        self.settings.events.emit(|| Event::StepStarted {
            step: call.step,
            address: step.address.clone(),
            action: step.action.verb(),
            name: call.name().cloned(),
        });
    }
}

/// A failure that happened before any call.
fn refused(message: impl Into<String>) -> Fault {
    let mut fault = Fault::new(crate::provider::ErrorKind::Invalid, message);
    fault.effect = Effect::None;
    fault
}
