//! The lock: a lease, in an object that is replaced only by who knows its version.
//!
//! Its holder writes it again and again, well before it is over. Who stops doing so has lost it after its time and a margin,
//! measured by the server's clock; then another takes it over, by the same compare-and-swap, and puts up a fence in the log,
//! so that the old holder's next write fails. By its own clocks a holder knows earlier that it can't go on.

use std::sync::{Arc, Mutex as BlockingMutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Entropy;
use sprocket_core::state::{Holder, StoreError};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::log;
use super::objects::{Etag, If, Object, Objects, Put};
use super::{Place, SMALL};

const LOCK: &str = "lock.json";
/// The longest that a lease lasts, unless it is renewed.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What is in the lock's object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    /// Who holds it; nobody if it is free.
    holder: Option<Holder>,
    /// Unlike that of any other time that it was taken.
    nonce: String,
    /// How often it was written since it was taken: each time is unlike the others.
    renewed: u64,
    /// How long it lasts, in milliseconds, unless it is renewed.
    lasts: u64,
    /// It was not given back by a holder that knew what became of its writes: the next one puts up a fence.
    unclean: bool,
}

impl Written {
    fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("BUG: a lease serialises")
    }

    /// How long after it was last written it can be taken over. Servers tell times in whole seconds.
    fn over_after(&self) -> Duration {
        // Whatever is written in it: nobody is waited for longer.
        let lasts = Duration::from_millis(self.lasts).min(LONGEST);
        lasts + (lasts / 4).max(Duration::from_secs(2))
    }
}

/// The lock, with what is in it.
#[derive(Debug)]
struct Found {
    written: Written,
    etag: Etag,
    is_over: bool,
}

impl Found {
    async fn read(objects: &Objects, place: &Place) -> Result<Option<Self>, StoreError> {
        let object = objects.get(LOCK).await.map_err(place.failed("read the lock of the state in"))?;
        object.map(|object| Self::of(object, place)).transpose()
    }

    fn of(Object { body, etag, age }: Object, place: &Place) -> Result<Self, StoreError> {
        let written: Written = serde_json::from_slice(&body).map_err(|error| StoreError::Damaged {
            place: place.to_string(),
            what: format!("its `{LOCK}` can't be read ({error})"),
            fix: format!("make sure that nobody is at work, and delete `{LOCK}`"),
        })?;
        let is_over = age.is_some_and(|age| age > written.over_after());
        Ok(Self { written, etag, is_over })
    }

    /// Who holds it, if anybody still does.
    fn holder(&self) -> Option<&Holder> {
        self.written.holder.as_ref().filter(|_| !self.is_over)
    }
}

/// Who holds the lock, if anybody does.
pub(super) async fn holder(objects: &Objects, place: &Place) -> Result<Option<Holder>, StoreError> {
    Ok(Found::read(objects, place).await?.and_then(|found| found.holder().cloned()))
}

/// Breaks the lock of this id. When it returns, nothing that its holder writes counts any more.
pub(super) async fn break_lock(objects: &Objects, place: &Place, id: &str) -> Result<(), StoreError> {
    loop {
        let found = Found::read(objects, place).await?;
        let found = found.filter(|found| found.written.holder.as_ref().is_some_and(|holder| holder.id == id));
        let Some(found) = found else { return Err(StoreError::NoSuchLock { id: id.into() }) };
        let free = Written { holder: None, unclean: true, ..found.written };
        let put = objects.put(LOCK, &free.body(), If::Is(&found.etag), SMALL).await;
        if let Put::Done(_) = put.map_err(place.failed("break the lock of the state in"))? {
            return log::fence(objects, place, "break the lock of the state in", &free.nonce).await;
        }
        // It was renewed, or given back.
    }
}

/// A lease that is held, and renewed while it is.
#[derive(Debug)]
pub(super) struct Lease {
    held: Arc<Mutex<Held>>,
    term: Arc<Term>,
    renewing: JoinHandle<()>,
    pub(super) nonce: String,
}

#[derive(Debug)]
struct Held {
    objects: Objects,
    place: Place,
    written: Written,
    etag: Etag,
    term: Arc<Term>,
}

/// How long a lease lasts, as far as its holder knows. It is read without waiting for a renewal.
#[derive(Debug)]
struct Term(BlockingMutex<Option<Until>>);

/// Until when, by the clock that never jumps and by the one that also counts while the machine sleeps.
type Until = (Instant, SystemTime);

impl Term {
    fn until(&self) -> Option<Until> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its time is not over yet.
    fn holds(&self) -> bool {
        self.until().is_some_and(|(instant, time)| Instant::now() < instant && SystemTime::now() < time)
    }

    fn is_lost(&self) -> bool {
        self.until().is_none()
    }

    /// A renewal has arrived. What was lost while it was under way stays lost.
    fn extend(&self, until: Until) {
        if let Some(held) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *held = until;
        }
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Lease {
    /// Takes the lock, or says who holds it.
    pub(super) async fn take(
        objects: &Objects,
        place: &Place,
        holder: &Holder,
        lasts: Duration,
    ) -> Result<Self, StoreError> {
        let failed = || place.failed("lock the state in");
        let nonce = Entropy::system().id();
        let millis = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        let written =
            Written { holder: Some(holder.clone()), nonce: nonce.clone(), renewed: 0, lasts: millis, unclean: false };
        loop {
            let found = Found::read(objects, place).await?;
            if let Some(by) = found.as_ref().and_then(Found::holder) {
                return Err(StoreError::Locked { holder: Box::new(by.clone()) });
            }
            let until = from_now(lasts);
            let on = found.as_ref().map_or(If::Absent, |found| If::Is(&found.etag));
            let put = objects.put(LOCK, &written.body(), on, SMALL).await.map_err(failed())?;
            let Put::Done(etag) = put else { continue };
            let lease = Self::hold(Held {
                objects: objects.clone(),
                place: place.clone(),
                written,
                etag,
                term: Arc::new(Term(BlockingMutex::new(Some(until)))),
            });
            let fences = match &found {
                Some(found) => found.written.holder.is_some() || found.written.unclean,
                // Somebody may have deleted it under its holder.
                None => match log::numbers(objects).await {
                    Ok(numbers) => !numbers.is_empty(),
                    Err(error) => {
                        let _ = lease.give_back(false).await;
                        return Err(failed()(error));
                    }
                },
            };
            if let Some(gone) = found.as_ref().and_then(|found| found.written.holder.as_ref()) {
                tracing::warn!(holder = gone.who, "the lock of {place} was not renewed in time, and is taken over");
            }
            if fences && let Err(error) = log::fence(objects, place, "lock the state in", &lease.nonce).await {
                // It is not held by anybody who would give it back later.
                let _ = lease.give_back(false).await;
                return Err(error);
            }
            return Ok(lease);
        }
    }

    fn hold(held: Held) -> Self {
        let nonce = held.written.nonce.clone();
        let pause = Duration::from_millis(held.written.lasts) / 3;
        let term = Arc::clone(&held.term);
        let held = Arc::new(Mutex::new(held));
        let renewed = Arc::clone(&held);
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let mut held = renewed.lock().await;
                if let Err(StoreError::LockLost) = held.renew().await {
                    break;
                }
            }
        });
        Self { held, term, renewing, nonce }
    }

    /// Whether it is still held: who can't be sure of it starts nothing new.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let mut held = self.held.lock().await;
        if held.term.holds() { Ok(()) } else { held.renew().await }
    }

    /// Whether it is held by its holder's own clocks: no question to the server, and no wait for one.
    pub(super) fn is_held(&self) -> bool {
        self.term.holds()
    }

    /// Somebody else has written where only its holder writes.
    pub(super) fn lose(&self) {
        self.term.end();
    }

    /// Gives it back; not `clean` if a write may still be under way.
    pub(super) async fn give_back(&self, clean: bool) -> Result<(), StoreError> {
        give_back(&self.held, &self.renewing, clean).await
    }

    /// Gives it back later, if there is a runtime to do it.
    pub(super) fn abandon(self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { self.give_back(false).await });
        }
    }
}

impl Drop for Lease {
    /// Whose holder is gone is not renewed any more, and so is over some time.
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn give_back(held: &Mutex<Held>, renewing: &JoinHandle<()>, clean: bool) -> Result<(), StoreError> {
    let held = held.lock().await;
    // It sleeps, or waits for what is locked here: no renewal is under way.
    renewing.abort();
    if held.term.is_lost() {
        return Err(StoreError::LockLost);
    }
    held.term.end();
    let free = Written { holder: None, unclean: !clean, ..held.written.clone() };
    let put = held.objects.put(LOCK, &free.body(), If::Is(&held.etag), SMALL).await;
    match put.map_err(held.place.failed("unlock the state in"))? {
        Put::Done(_) => Ok(()),
        Put::Refused => Err(StoreError::LockLost),
    }
}

impl Held {
    async fn renew(&mut self) -> Result<(), StoreError> {
        if self.term.is_lost() {
            return Err(StoreError::LockLost);
        }
        let written = Written { renewed: self.written.renewed + 1, ..self.written.clone() };
        let until = from_now(Duration::from_millis(written.lasts));
        let put = self.objects.put(LOCK, &written.body(), If::Is(&self.etag), SMALL).await;
        match put.map_err(self.place.failed("renew the lock of the state in"))? {
            Put::Done(etag) => {
                (self.etag, self.written) = (etag, written);
                self.term.extend(until);
                Ok(())
            }
            Put::Refused => {
                self.term.end();
                Err(StoreError::LockLost)
            }
        }
    }
}

fn from_now(lasts: Duration) -> Until {
    (Instant::now() + lasts, SystemTime::now() + lasts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_over_after_an_hour_whatever_it_says() {
        let over_after =
            |lasts| Written { holder: None, nonce: String::new(), renewed: 0, lasts, unclean: false }.over_after();
        assert_eq!(over_after(60_000), Duration::from_secs(75));
        assert_eq!(over_after(u64::MAX), LONGEST + LONGEST / 4);
    }
}
