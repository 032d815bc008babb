//! Calls: one object is made, changed, waited for or deleted, and the record that follows from it.
//!
//! A call whose effect is unknown is settled before it is tried again, by the same code as after a crash. Everything here is
//! owned, so that many calls can run at once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;

use super::permit::Permit;
use super::retry::Attempts;
use super::start::entry;
use crate::base::{Address, Effect, Entropy, Json, OwnerTag, PhysicalName, Revision};
use crate::erased::{
    ErasedLive, ErasedSettled, Fault, Instance, KindHandle, Target, Through, TypedSpec, limited, within,
};
use crate::kind::{Deadline, ErrorKind, Ignored};
use crate::plan::{Events, StepId};
use crate::planner::is_as_wanted;
use crate::state::{Entry, Intent, JournalEvent, Object, Record, SeenSpec};
use crate::value::{Path, StackKey};

/// A call, with all that it needs.
pub(super) struct Call<'a> {
    pub(super) step: StepId,
    pub(super) address: Address,
    pub(super) kind: KindHandle,
    pub(super) instance: Instance,
    pub(super) key: StackKey,
    pub(super) owner: OwnerTag,
    pub(super) entropy: Entropy,
    pub(super) events: Events,
    pub(super) call_limit: Duration,
    pub(super) ready_limit: Duration,
    pub(super) retries: u32,
    pub(super) retry_wait: Duration,
    /// What is left to others.
    pub(super) ignored: Vec<Ignored>,
    /// Whether the program takes over what bears no mark.
    pub(super) takes_over: bool,
    /// Whether it may still be sent.
    pub(super) permit: Permit<'a>,
    pub(super) work: Work,
}

/// What is to be done. `base` is the record as it will be, but for its object.
pub(super) enum Work {
    Create {
        intention: Box<Intent>,
        spec: TypedSpec,
        base: Box<Record>,
    },
    Change {
        intention: Box<Intent>,
        object: Option<Box<Object>>,
        base: Box<Record>,
        revision: Option<Revision>,
        draft: TypedSpec,
    },
    Wait {
        object: Box<Object>,
        base: Box<Record>,
    },
    Delete {
        object: Box<Object>,
        base: Box<Record>,
        revision: Option<Revision>,
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
    pub(super) step: StepId,
    pub(super) entries: Vec<Entry>,
    pub(super) result: Result<(), Fault>,
    /// The record whose object is to be waited for now.
    pub(super) then: Option<Box<Record>>,
}

/// How a call failed: what is known of the object, and whether anything is left to find out.
pub(super) struct Failing {
    fault: Fault,
    record: Option<Record>,
    in_doubt: bool,
}

impl From<Fault> for Failing {
    fn from(fault: Fault) -> Self {
        let in_doubt = fault.effect != Effect::None;
        Self { fault, record: None, in_doubt }
    }
}

impl Failing {
    /// The object is there, and what is recorded of it is not known yet: the next run reads it.
    fn unread(fault: Fault) -> Self {
        Self { fault: Fault { effect: Effect::Done, ..fault }, record: None, in_doubt: true }
    }

    /// The object is there, and this is its record.
    fn recorded(fault: Fault, record: Record) -> Self {
        Self { fault: Fault { effect: Effect::Done, ..fault }, record: Some(record), in_doubt: false }
    }
}

impl Call<'_> {
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
    pub(super) async fn run_caught(self: Box<Self>) -> Ended {
        let (step, address) = (self.step, self.address.clone());
        AssertUnwindSafe(self.run()).catch_unwind().await.unwrap_or_else(|_| {
            let fault = Fault::new(ErrorKind::Unavailable, "the provider panicked")
                .hint("this is a bug of the provider; the next run finds out what was done");
            let event = JournalEvent::Failed { record: None, effect: Effect::Unknown, settled: false };
            Ended { step, entries: vec![entry(&address, event)], result: Err(fault), then: None }
        })
    }

    async fn run(self: Box<Self>) -> Ended {
        tracing::debug!(address = %self.address, call = self.work.verb(), "calling");
        let done = match &self.work {
            Work::Create { intention, spec, base } => self.create(intention, spec, base).await,
            Work::Change { intention, object, base, revision, draft } => {
                self.change(intention, object.as_deref(), base, revision.as_ref(), draft).await
            }
            Work::Wait { object, base } => self.wait(object, base).await,
            Work::Delete { object, base, revision } => {
                self.delete(object, revision.as_ref()).await.map(|()| base.without(&object.which()))
            }
        };
        let (event, result, then) = match done {
            Ok(record) => {
                let then = self.is_unready(&record).then(|| Box::new(record.clone()));
                (JournalEvent::Done { record: Some(Box::new(record)) }, Ok(()), then)
            }
            Err(Failing { fault, record, in_doubt }) => {
                let event =
                    JournalEvent::Failed { record: record.map(Box::new), effect: fault.effect, settled: !in_doubt };
                (event, Err(fault), None)
            }
        };
        tracing::debug!(address = %self.address, call = self.work.verb(), ok = result.is_ok(), "called");
        Ended { step: self.step, entries: vec![entry(&self.address, event)], result, then }
    }

    /// Whether the object that a create or update left is still to be waited for.
    fn is_unready(&self, record: &Record) -> bool {
        matches!(self.work, Work::Create { .. } | Work::Change { .. })
            && record.object.as_ref().is_some_and(|object| !object.ready)
    }

    pub(super) fn through<'c>(&'c self, secrets: &'c [Path]) -> Through<'c> {
        Through { provider: &self.instance, key: &self.key, secrets }
    }

    async fn create(&self, intention: &Intent, spec: &TypedSpec, base: &Record) -> Result<Record, Failing> {
        let through = self.through(&intention.secrets);
        let mut next = base.clone();
        next.make_place(intention.generation);
        let mut attempts = Attempts::default();
        let (id, state) = loop {
            if let Err(lost) = self.permit.check() {
                return Err(Self::give_up(lost, &attempts));
            }
            let made =
                self.limited(self.kind.calls.create(through, &intention.name, spec, &self.owner, &self.entropy)).await;
            let mut fault = match made {
                Ok(state) => break (None, state),
                Err(fault) => fault,
            };
            if fault.effect == Effect::Unknown || attempts.in_doubt {
                attempts.in_doubt = true;
                // The same question as after a crash; only its answer allows another try.
                match self.limited(self.kind.calls.recover(through, intention, &self.owner)).await {
                    Ok(ErasedSettled::Ours { object: live, duplicates }) => {
                        next.old.extend(duplicates.into_iter().map(|live| self.duplicate(intention, live)));
                        match self.complete(intention, &live, spec).await {
                            Ok(Some(state)) => break (Some(live.id), state),
                            Ok(None) => {
                                let ready = !self.kind.facts().needs_ready;
                                let object = self.object(intention, live.id.clone(), &live.state, None, ready);
                                // What was compared is what is recorded: others may have changed it since.
                                next.object = Some(self.as_seen(object, *live, None));
                                return Ok(next);
                            }
                            Err(fault) => {
                                // The object is there, and its record says that it is not finished.
                                let object = self.object(intention, live.id, &live.state, None, false);
                                return Err(Failing::recorded(fault, Record { object: Some(object), ..next }));
                            }
                        }
                    }
                    Ok(ErasedSettled::Nothing) => {}
                    Ok(ErasedSettled::Unmarked(_)) if self.kind.facts().marked => {}
                    // What the service says that it has left is recorded below.
                    Ok(ErasedSettled::Unmarked(_)) | Err(_) if fault.partial.is_some() => {}
                    Ok(ErasedSettled::Unmarked(_)) | Err(_) => return Err(Self::give_up(fault, &attempts)),
                }
            }
            if let Some(state) = fault.partial.take() {
                return Err(match self.id(intention, &state) {
                    Ok(id) => {
                        let object = self.object(intention, id, &state, None, false);
                        Failing::recorded(fault, Record { object: Some(object), ..next })
                    }
                    Err(_) => Failing::unread(fault),
                });
            }
            self.again(&mut attempts, fault, Duration::MAX).await?;
        };
        let id = match id {
            Some(id) => id,
            None => self.id(intention, &state).map_err(Failing::unread)?,
        };
        let object = self.object(intention, id, &state, None, !self.kind.facts().needs_ready);
        next.object = Some(self.seen(object, None).await);
        Ok(next)
    }

    /// Sends the settings again to what a create without an answer made, if that is not as it was to be. What needs time
    /// until it works is completed by the wait for it.
    async fn complete(&self, intention: &Intent, live: &ErasedLive, spec: &TypedSpec) -> Result<Option<Json>, Fault> {
        let kind = &self.kind;
        if kind.facts().needs_ready || is_as_wanted(kind, &live.spec, &intention.spec, &intention.secrets, &self.key) {
            return Ok(None);
        }
        self.permit.check()?;
        let through = self.through(&intention.secrets);
        self.limited(kind.calls.update(through, None, live, spec, &self.owner)).await.map(Some)
    }

    async fn change(
        &self,
        intention: &Intent,
        object: Option<&Object>,
        base: &Record,
        revision: Option<&Revision>,
        spec: &TypedSpec,
    ) -> Result<Record, Failing> {
        let mut base = base.clone();
        if object.is_none() {
            // What is taken over takes the place of what was there.
            base.old.extend(base.object.take());
        }
        let secrets = object.map_or(&intention.secrets, |object| &object.secrets);
        let through = self.through(secrets);
        let target = match object {
            Some(object) => Target::Recorded(object, &self.owner),
            None => Target::Named(&intention.name),
        };
        let mut attempts = Attempts::default();
        let state = loop {
            let updated = match self.read_before(through, target, object, revision, &mut attempts).await {
                Ok(Some(live)) => {
                    let updated = self.limited(self.kind.calls.update(through, object, &live, spec, &self.owner)).await;
                    updated.inspect_err(|fault| attempts.note(fault))
                }
                Ok(None) => Err(moved("it has gone")),
                Err(fault) => Err(fault),
            };
            let mut fault = match updated {
                Ok(state) => break state,
                Err(fault) => fault,
            };
            if let Some(state) = fault.partial.take() {
                let Ok(id) = self.id_of(intention, object, &state) else { return Err(Failing::unread(fault)) };
                let mut made = self.object(intention, id, &state, object, false);
                if let Some(before) = object {
                    made = made.in_doubt(&before.deps, &before.secrets, &self.key);
                }
                return Err(Failing::recorded(fault, Record { object: Some(made), ..base.clone() }));
            }
            if let Err(failing) = self.again(&mut attempts, fault, Duration::MAX).await {
                // What may have been changed is unfinished.
                let changed = object.filter(|_| failing.fault.effect != Effect::None).map(|object| {
                    let object = object.clone().in_doubt(&intention.deps, &intention.secrets, &self.key);
                    Record { object: Some(object), ..base.clone() }
                });
                return Err(Failing { record: changed, ..failing });
            }
        };
        let id = self.id_of(intention, object, &state).map_err(Failing::unread)?;
        let next = self.object(intention, id, &state, object, !self.kind.facts().needs_ready);
        Ok(Record { object: Some(self.seen(next, object).await), ..base.clone() })
    }

    async fn wait(&self, object: &Object, base: &Record) -> Result<Record, Failing> {
        let through = self.through(&object.secrets);
        // One deadline for all attempts. A kind keeps to it and knows the cause; the limit is for one that does not.
        let deadline = Deadline::after(self.ready_limit);
        let limit = Deadline::after(self.ready_limit.saturating_add(self.call_limit));
        let mut attempts = Attempts::default();
        loop {
            // In this order: the same case must take the same way each time.
            let ready = tokio::select! {
                biased;
                () = self.permit.lost() => self.permit.check().and(Err(moved("the lock on the state was lost"))),
                ready = within(limit, self.kind.calls.ready(through, object, &self.owner, deadline)) => ready,
            };
            let fault = match ready {
                Ok(state) => {
                    let next = Object { state, ready: true, wait_failed: false, ..object.clone() };
                    let next = self.waited_for(object, self.seen(next, Some(object)).await);
                    return Ok(Record { object: Some(next), ..base.clone() });
                }
                Err(fault) => fault,
            };
            self.again(&mut attempts, fault, deadline.left()).await.map_err(|failing| {
                // The object is there, and its record says that it does not work yet. A service that gave no answer says
                // nothing about it.
                let wait_failed = failing.fault.kind != ErrorKind::Unavailable;
                let object = Object { wait_failed, ..object.clone() };
                Failing::recorded(failing.fault, Record { object: Some(object), ..base.clone() })
            })?;
        }
    }

    /// The object after the wait for it, in which others may have changed it: that is drift, and not as we left it.
    fn waited_for(&self, before: &Object, mut after: Object) -> Object {
        // So that a tag that has been removed is put back.
        after.marked |= before.marked;
        let Some(now) = after.seen_spec() else { return after };
        let Some(seen) = before.seen_spec() else {
            // It was never compared.
            if !is_as_wanted(&self.kind, now, &before.applied, &before.secrets, &self.key) {
                (after.seen, after.revision) = (None, None);
            }
            return after;
        };
        if now == seen {
            return after;
        }
        // Where the service had given back what was sent, it gives it back still.
        let (seen, applied, mut now) = (seen.value(), before.applied.value(), now.value());
        for (setting, value) in now.as_object_mut().into_iter().flatten() {
            if seen[setting] == applied[setting] && *value != applied[setting] {
                value.clone_from(&seen[setting]);
            }
        }
        after.seen = Some(SeenSpec::of(Json::from(&now), &after.applied));
        after
    }

    async fn delete(&self, object: &Object, revision: Option<&Revision>) -> Result<(), Failing> {
        let through = self.through(&object.secrets);
        let target = Target::Recorded(object, &self.owner);
        let mut attempts = Attempts::default();
        loop {
            let fault = match self.read_before(through, target, Some(object), revision, &mut attempts).await {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => {
                    match limited(self.ready_limit, self.kind.calls.delete(through, object, &self.owner)).await {
                        Ok(()) => return Ok(()),
                        Err(fault) => {
                            attempts.note(&fault);
                            fault
                        }
                    }
                }
                Err(fault) => fault,
            };
            self.again(&mut attempts, fault, Duration::MAX).await?;
        }
    }

    /// The object as it is right before it is changed, if it is there and as the plan knew it. Whatever fails here, nothing
    /// was sent. What an earlier attempt may have changed may be what is there now, and sending it again is harmless.
    async fn read_before(
        &self,
        through: Through<'_>,
        target: Target<'_>,
        object: Option<&Object>,
        revision: Option<&Revision>,
        attempts: &mut Attempts,
    ) -> Result<Option<ErasedLive>, Fault> {
        let reading = async {
            let mut lives = self.limited(self.kind.calls.read(through, target)).await?;
            if lives.len() > 1 {
                lives.retain(|live| object.is_some_and(|object| object.id == live.id));
            }
            let Some(live) = lives.pop().filter(|live| !attempts.is_another(live, object, &self.owner)) else {
                return Ok(None);
            };
            self.still_ours(object, &live)?;
            if !attempts.in_doubt && revision.is_some_and(|revision| *revision != live.revision) {
                return Err(moved("it is not as it was when the plan was made"));
            }
            self.permit.check()?;
            Ok(Some(live))
        };
        reading.await.map_err(|fault| Fault { effect: Effect::None, partial: None, ..fault })
    }

    /// Another stack may have put its mark there since the plan was made. Where ids are names, the witness of what it made
    /// anew is that of what was there before. What is taken over because it bore the stack's mark must bear it still.
    fn still_ours(&self, object: Option<&Object>, live: &ErasedLive) -> Result<(), Fault> {
        if object.is_none() && !self.takes_over && !live.is_own(&self.owner.lineage) {
            return Err(moved("it does not bear this stack's owner tag any more"));
        }
        let was_ours = object.is_none_or(|object| !object.foreign);
        if was_ours && live.is_theirs(&self.owner.lineage) {
            Err(moved("another stack has marked it as its own"))
        } else {
            Ok(())
        }
    }
}

fn moved(what: &str) -> Fault {
    Fault::new(ErrorKind::Conflict, what).hint("nothing was done to it; run the same command again for a new plan")
}
