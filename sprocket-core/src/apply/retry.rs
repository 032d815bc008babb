//! Attempts: how long one may take, whether another follows, and when.

use super::call::{Call, Failing};
use std::time::Duration;

use crate::base::{Effect, OwnerTag, PhysicalName, RecordId};
use crate::erased::{ErasedLive, Fault, limited};
use crate::kind::ErrorKind;
use crate::plan::Event;
use crate::state::Object;

/// The attempts of a call.
#[derive(Default)]
pub(super) struct Attempts {
    pub(super) failed: u32,
    /// One of them may have had an effect, or may still have it: no later refusal means that nothing was done.
    pub(super) in_doubt: bool,
    /// What the first of them found: its name, and the record that its owner tag names.
    pub(super) found: Option<(PhysicalName, Option<RecordId>)>,
}

impl Attempts {
    /// Whether this is another resource's object: its service has given it the id of ours, which has gone.
    pub(super) fn is_another(&mut self, live: &ErasedLive, object: Option<&Object>, owner: &OwnerTag) -> bool {
        let record = live.record(&owner.lineage);
        let (name, first) = self.found.get_or_insert_with(|| (live.name.clone(), record.cloned()));
        match record {
            // What bore our mark when it was recorded does not get that of another resource.
            Some(record) => {
                let was_ours = object.is_some_and(|object| object.marked);
                !live.is(owner) && (was_ours || Some(record) != first.as_ref())
            }
            None => first.is_none() && live.name != *name,
        }
    }

    /// What a sent attempt failed with is remembered.
    pub(super) fn note(&mut self, fault: &Fault) {
        self.in_doubt |= fault.effect != Effect::None;
    }
}

impl Call<'_> {
    pub(super) async fn limited<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        limited(self.call_limit, call).await
    }

    /// Waits before another try, at most this long, or gives up.
    pub(super) async fn again(&self, attempts: &mut Attempts, fault: Fault, left: Duration) -> Result<(), Failing> {
        let is_last = attempts.failed >= self.retries || left.is_zero() || !self.permit.may_retry();
        if fault.kind != ErrorKind::Unavailable || is_last {
            return Err(Self::give_up(fault, attempts));
        }
        attempts.failed += 1;
        let wait = self.back_off(attempts.failed).min(left);
        self.events.emit(|| Event::StepRetried {
            step: self.step,
            address: self.address.clone(),
            cause: self.key.redact(&fault.message()),
            wait,
        });
        tokio::select! {
            biased;
            () = self.permit.no_retry() => Err(Self::give_up(fault, attempts)),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// How long is waited before an attempt: twice as long each time, and of that between half and all, so that calls that
    /// failed together do not come back together. It is the same each time for one record.
    pub(super) fn back_off(&self, attempt: u32) -> Duration {
        let longest = self.retry_wait.saturating_mul(2_u32.pow((attempt - 1).min(6)));
        let drawn = crate::base::hash::short(&[self.owner.record.as_str(), &attempt.to_string()]);
        let drawn = drawn.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(u8::MAX);
        let half = longest / 2;
        half + half / 256 * u32::from(drawn)
    }

    /// The failure of the last attempt, with what the earlier ones may have done.
    pub(super) fn give_up(mut fault: Fault, attempts: &Attempts) -> Failing {
        if attempts.in_doubt && fault.effect == Effect::None {
            fault.effect = Effect::Unknown;
            fault.hint = Some(
                "an earlier attempt of it may have had its effect; run the same command again, which finds out".into(),
            );
        }
        fault.into()
    }
}
