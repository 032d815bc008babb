//! Calls: one object is made, changed, waited for or deleted, and the record that follows from it.
//!
//! A call whose effect is unknown is settled before it is tried again, by the same code as after a crash. Everything here is
//! owned, so that many calls can run at once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;

use super::start::entry;
use crate::entropy::Entropy;
use crate::erased::{ErasedLive, ErasedSettled, Fault, Instance, KindHandle, Target, Through, TypedSpec, limited};
use crate::event::{Event as Told, Events};
use crate::ids::{Address, PhysicalName, ProviderName};
use crate::json::Json;
use crate::options::Ignored;
use crate::plan::is_as_wanted;
use crate::provider::ErrorKind;
use crate::resource::{Deadline, Effect, Mark, Naming, Witness};
use crate::state::{Entry, Event, Intention, Object, Record};
use crate::value::{Path, StackKey, conceal_seen};

/// A call, with all that it needs.
pub(super) struct Call {
    pub(super) step: u32,
    pub(super) address: Address,
    pub(super) provider: ProviderName,
    pub(super) kind: KindHandle,
    pub(super) instance: Instance,
    pub(super) key: StackKey,
    pub(super) mark: Mark,
    pub(super) entropy: Entropy,
    pub(super) events: Events,
    pub(super) call_limit: Duration,
    pub(super) ready_limit: Duration,
    pub(super) retries: u32,
    pub(super) retry_wait: Duration,
    /// What is left to others.
    pub(super) ignored: Vec<Ignored>,
    pub(super) work: Work,
}

/// What is to be done. `base` is the record as it will be, but for its object.
pub(super) enum Work {
    Create {
        intention: Box<Intention>,
        spec: TypedSpec,
        base: Box<Record>,
        replaces: bool,
    },
    Change {
        intention: Box<Intention>,
        object: Option<Box<Object>>,
        base: Box<Record>,
        witness: Option<Witness>,
        draft: TypedSpec,
    },
    Wait {
        object: Box<Object>,
        base: Box<Record>,
    },
    Delete {
        object: Box<Object>,
        base: Box<Record>,
        witness: Option<Witness>,
    },
}

impl Work {
    pub(super) fn base(&self) -> &Record {
        match self {
            Self::Create { base, .. }
            | Self::Change { base, .. }
            | Self::Wait { base, .. }
            | Self::Delete { base, .. } => base,
        }
    }
}

impl Work {
    fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Change { .. } => "update",
            Self::Wait { .. } => "ready",
            Self::Delete { .. } => "delete",
        }
    }
}

/// A call that has ended.
pub(super) struct Ended {
    pub(super) step: u32,
    pub(super) provider: ProviderName,
    /// It was a wait, and had none of its provider's slots.
    pub(super) waited: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) result: Result<(), Fault>,
    /// The record whose object is to be waited for now.
    pub(super) then: Option<Box<Record>>,
}

/// How a call failed: what is known of the object, and whether anything is left to find out.
struct Failing {
    fault: Fault,
    record: Option<Record>,
}

impl From<Fault> for Failing {
    fn from(fault: Fault) -> Self {
        Self { fault, record: None }
    }
}

impl Call {
    pub(super) fn is_wait(&self) -> bool {
        matches!(self.work, Work::Wait { .. })
    }

    pub(super) fn name(&self) -> Option<&PhysicalName> {
        match &self.work {
            Work::Create { intention, .. } | Work::Change { intention, .. } => Some(&intention.name),
            Work::Wait { object, .. } | Work::Delete { object, .. } => Some(&object.name),
        }
    }

    /// A panic of a provider is a failure of this step, with an effect that is unknown; its message may quote a secret.
    pub(super) async fn run_caught(self) -> Ended {
        let (step, provider, address) = (self.step, self.provider.clone(), self.address.clone());
        let waited = self.is_wait();
        AssertUnwindSafe(self.run()).catch_unwind().await.unwrap_or_else(|_| {
            let fault = Fault::new(ErrorKind::Unavailable, "the provider panicked")
                .hint("this is a bug of the provider; the next run finds out what was done");
            let event = Event::Failed { record: None, effect: Effect::Unknown, settled: false };
            Ended { step, provider, waited, entries: vec![entry(&address, event)], result: Err(fault), then: None }
        })
    }

    async fn run(self) -> Ended {
        tracing::debug!(address = %self.address, call = self.work.verb(), "calling");
        let done = match &self.work {
            Work::Create { intention, spec, base, replaces } => {
                self.create(intention, spec, base, *replaces).await.map(Some)
            }
            Work::Change { intention, object, base, witness, draft } => {
                self.change(intention, object.as_deref(), base, witness.as_ref(), draft).await.map(Some)
            }
            Work::Wait { object, base } => self.wait(object, base).await.map(Some),
            Work::Delete { object, base, witness } => {
                self.delete(object, witness.as_ref()).await.map(|()| Some(base.without(&object.which())))
            }
        };
        let (entries, result, then) = match done {
            Ok(record) => {
                let then = record.clone().filter(|_| !self.is_wait() && self.is_unready(record.as_ref()));
                let event = Event::Done { record: record.map(Box::new) };
                (vec![entry(&self.address, event)], Ok(()), then.map(Box::new))
            }
            Err(Failing { fault, record }) => {
                let settled = fault.effect != Effect::Unknown;
                let record = record.map(Box::new);
                let event = Event::Failed { record, effect: fault.effect, settled };
                (vec![entry(&self.address, event)], Err(fault), None)
            }
        };
        tracing::debug!(address = %self.address, call = self.work.verb(), ok = result.is_ok(), "called");
        Ended { step: self.step, waited: self.is_wait(), provider: self.provider, entries, result, then }
    }

    fn is_unready(&self, record: Option<&Record>) -> bool {
        !matches!(self.work, Work::Delete { .. })
            && record.and_then(|record| record.object.as_ref()).is_some_and(|object| !object.ready)
    }

    fn through<'a>(&'a self, secrets: &'a [Path]) -> Through<'a> {
        Through { provider: &self.instance, key: &self.key, secrets }
    }

    async fn create(
        &self,
        intention: &Intention,
        spec: &TypedSpec,
        base: &Record,
        replaces: bool,
    ) -> Result<Record, Failing> {
        let through = self.through(&intention.secrets);
        let mut next = base.clone();
        let previous = next.object.take();
        next.old.extend(previous.filter(|_| replaces));
        let mut attempt = 0;
        let state = loop {
            let made =
                self.limited(self.kind.calls.create(through, &intention.name, spec, &self.mark, &self.entropy)).await;
            let mut fault = match made {
                Ok(state) => break state,
                Err(fault) => fault,
            };
            if fault.effect == Effect::Unknown {
                // The same question as after a crash; only its answer allows another try.
                match self.limited(self.kind.calls.settle(through, intention, &self.mark)).await {
                    Ok(ErasedSettled::Ours(mut lives)) => {
                        let live = lives.remove(0);
                        next.old.extend(lives.into_iter().map(|double| self.double(intention, double)));
                        match self.complete(intention, &live, spec).await {
                            Ok(state) => break state.unwrap_or(live.state),
                            Err(fault) => {
                                // The object is there, and its record says that it is not finished.
                                next.object = Some(self.object(intention, &live.state, None, false)?);
                                let fault = Fault { effect: Effect::Done, ..fault };
                                return Err(Failing { fault, record: Some(next) });
                            }
                        }
                    }
                    Ok(ErasedSettled::Nothing) => fault.effect = Effect::None,
                    Ok(ErasedSettled::Unmarked(_)) if self.kind.facts().marked => fault.effect = Effect::None,
                    Ok(ErasedSettled::Unmarked(_)) => return Err(fault.into()),
                    Err(_) => return Err(fault.into()),
                }
            }
            if let Some(state) = fault.partial.take() {
                let record = self.object(intention, &state, None, false).map(|object| {
                    next.object = Some(object);
                    next
                });
                return Err(Failing { fault, record: record.ok() });
            }
            self.again(&mut attempt, fault).await?;
        };
        let object = self.object(intention, &state, None, !self.kind.facts().converges)?;
        next.object = Some(self.seen(object, None).await);
        Ok(next)
    }

    /// Sends the settings again to what a create without an answer made, if that is not as it was to be. What needs time
    /// until it works is completed by the wait for it.
    async fn complete(
        &self,
        intention: &Intention,
        live: &ErasedLive,
        spec: &TypedSpec,
    ) -> Result<Option<Json>, Fault> {
        let kind = &self.kind;
        if kind.facts().converges || is_as_wanted(kind, &live.spec, &intention.spec, &intention.secrets, &self.key) {
            return Ok(None);
        }
        let through = self.through(&intention.secrets);
        self.limited(kind.calls.update(through, None, live, spec, &self.mark)).await.map(Some)
    }

    async fn change(
        &self,
        intention: &Intention,
        object: Option<&Object>,
        base: &Record,
        witness: Option<&Witness>,
        spec: &TypedSpec,
    ) -> Result<Record, Failing> {
        let secrets = object.map_or(&intention.secrets, |object| &object.secrets);
        let through = self.through(secrets);
        let mut attempt = 0;
        let mut expected = witness;
        let state = loop {
            let target = match object {
                Some(object) => Target::Recorded(object, &self.mark),
                None => Target::Named(&intention.name),
            };
            let result = async {
                let mut lives = self.limited(self.kind.calls.read(through, target)).await?;
                let live = if lives.len() == 1 { lives.pop() } else { None };
                let live = live.ok_or_else(|| moved("it has gone"))?;
                self.still_ours(object, &live)?;
                if expected.is_some_and(|expected| *expected != live.witness) {
                    return Err(moved("it is not as it was when the plan was made"));
                }
                self.limited(self.kind.calls.update(through, object, &live, spec, &self.mark)).await
            }
            .await;
            match result {
                Ok(state) => break state,
                Err(mut fault) => {
                    if let Some(state) = fault.partial.take() {
                        let record = self.object(intention, &state, object, false).ok();
                        let record = record.map(|object| Record { object: Some(object), ..base.clone() });
                        return Err(Failing { fault, record });
                    }
                    if fault.effect == Effect::Unknown {
                        // Our own change may be what is there now, and sending it again is harmless.
                        expected = None;
                    }
                    self.again(&mut attempt, fault).await?;
                }
            }
        };
        let next = self.object(intention, &state, object, !self.kind.facts().converges)?;
        Ok(Record { object: Some(self.seen(next, object).await), ..base.clone() })
    }

    async fn wait(&self, object: &Object, base: &Record) -> Result<Record, Failing> {
        let through = self.through(&object.secrets);
        let mut attempt = 0;
        loop {
            let deadline = Deadline::after(self.ready_limit);
            // A kind keeps to its deadline and knows the cause; the limit is for one that does not.
            let grace = self.ready_limit + self.call_limit;
            let ready = limited(grace, self.kind.calls.ready(through, object, &self.mark, deadline)).await;
            match ready {
                Ok(state) => {
                    let next = Object { state, ready: true, ..object.clone() };
                    return Ok(Record { object: Some(self.seen(next, Some(object)).await), ..base.clone() });
                }
                Err(fault) => self.again(&mut attempt, fault).await.map_err(|failing| {
                    // The object is there, and its record says that it does not work yet.
                    let fault = Fault { effect: Effect::Done, ..failing.fault };
                    Failing { fault, record: Some(Record { object: Some(object.clone()), ..base.clone() }) }
                })?,
            }
        }
    }

    async fn delete(&self, object: &Object, witness: Option<&Witness>) -> Result<(), Failing> {
        let through = self.through(&object.secrets);
        let mut attempt = 0;
        loop {
            let result = async {
                let lives = self.limited(self.kind.calls.read(through, Target::Recorded(object, &self.mark))).await?;
                let Some(live) = lives.into_iter().next() else { return Ok(()) };
                self.still_ours(Some(object), &live)?;
                if attempt == 0 && witness.is_some_and(|witness| *witness != live.witness) {
                    return Err(moved("it is not as it was when the plan was made"));
                }
                limited(self.ready_limit, self.kind.calls.delete(through, object, &self.mark)).await
            }
            .await;
            match result {
                Ok(()) => return Ok(()),
                Err(fault) => self.again(&mut attempt, fault).await?,
            }
        }
    }

    /// Another stack may have put its mark there since the plan was made. Where ids are names, the witness of what it made
    /// anew is that of what was there before.
    fn still_ours(&self, object: Option<&Object>, live: &ErasedLive) -> Result<(), Fault> {
        // What was taken over may be of a kind that can't be marked later.
        let was_ours = object.is_none_or(|object| object.marked || object.seen.is_none());
        let is_theirs = live.mark.as_ref().is_some_and(|mark| mark.lineage != self.mark.lineage);
        if was_ours && is_theirs { Err(moved("another stack has marked it as its own")) } else { Ok(()) }
    }

    /// The object that a call made.
    fn object(
        &self,
        intention: &Intention,
        state: &Json,
        before: Option<&Object>,
        ready: bool,
    ) -> Result<Object, Fault> {
        let id = match before {
            Some(before) => before.id.clone(),
            None => self.kind.calls.id(&intention.name, state, &self.key)?,
        };
        Ok(Object {
            generation: intention.generation,
            name: intention.name.clone(),
            id,
            version: intention.version,
            applied: intention.spec.clone(),
            seen: None,
            witness: None,
            marked: false,
            state: state.clone(),
            secrets: intention.secrets.clone(),
            deps: intention.deps.clone(),
            ready,
            revision: before.map_or(0, |before| before.revision + 1),
            triggers: intention.triggers.clone(),
        })
    }

    fn double(&self, intention: &Intention, live: ErasedLive) -> Object {
        Object {
            generation: intention.generation,
            name: live.name.clone(),
            id: live.id.clone(),
            version: intention.version,
            applied: intention.spec.clone(),
            seen: Some(conceal_seen(live.spec, &intention.spec, &intention.secrets, &self.key)),
            witness: Some(live.witness),
            marked: live.mark.as_ref() == Some(&self.mark),
            state: live.state,
            secrets: intention.secrets.clone(),
            deps: intention.deps.clone(),
            ready: false,
            revision: 0,
            triggers: intention.triggers.clone(),
        }
    }

    /// The object, with what the service says of it right now. If it can't be read, the next run has nothing to compare
    /// with, and sees no drift.
    async fn seen(&self, object: Object, before: Option<&Object>) -> Object {
        if self.kind.facts().naming == Naming::None {
            return Object { seen: Some(object.applied.clone()), ..object };
        }
        let read = self
            .limited(self.kind.calls.read(self.through(&object.secrets), Target::Recorded(&object, &self.mark)))
            .await;
        match read.map(|lives| lives.into_iter().next()) {
            Ok(Some(live)) => Object {
                marked: live.mark.as_ref() == Some(&self.mark),
                seen: Some(self.seen_of_ours(self.conceal(live.spec, &object), &object, before)),
                witness: Some(live.witness),
                state: live.state,
                ..object
            },
            _ => object,
        }
    }

    /// What a service made of the settings may have a secret in another place than we sent it.
    fn conceal(&self, seen: Json, object: &Object) -> Json {
        conceal_seen(seen, &object.applied, &object.secrets, &self.key)
    }

    /// What is left to others stays as it was when it was ours: should it be ours again, what they made of it is drift.
    fn seen_of_ours(&self, seen: Json, object: &Object, before: Option<&Object>) -> Json {
        let before = before.filter(|before| !self.ignored.is_empty() && before.secrets == object.secrets);
        let Some(last) = before.and_then(|before| before.seen.as_ref()) else { return seen };
        let (mut seen, last) = (seen.value(), last.value());
        self.ignored.iter().for_each(|ignored| ignored.take_over(&mut seen, &last));
        Json::from(&seen)
    }

    async fn limited<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        limited(self.call_limit, call).await
    }

    /// Waits before another try, or gives up.
    async fn again(&self, attempt: &mut u32, fault: Fault) -> Result<(), Failing> {
        if fault.kind != ErrorKind::Unavailable || *attempt >= self.retries {
            return Err(fault.into());
        }
        *attempt += 1;
        let wait = self.retry_wait * 2_u32.pow((*attempt - 1).min(6));
        self.events.emit(|| Told::StepRetried {
            step: self.step,
            address: self.address.clone(),
            cause: self.key.redact(&fault.message()),
            wait,
        });
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

fn moved(what: &str) -> Fault {
    Fault::new(ErrorKind::Conflict, what).hint("nothing was done to it; run the same command again for a new plan")
}
