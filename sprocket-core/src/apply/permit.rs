//! The permit to send calls: who has lost the lock sends nothing more.
//!
//! Each attempt of a call asks for it right before it is sent, the attempts after a failure too. A run that is asked to stop
//! still lets the calls finish that it has begun, but does not try them again.

use tokio::sync::watch;

use crate::base::{Effect, Stopping};
use crate::erased::Fault;
use crate::kind::ErrorKind;
use crate::state::Lock;

/// The permit of one call.
#[derive(Clone)]
pub(super) struct Permit<'a> {
    lock: &'a dyn Lock,
    stop: watch::Receiver<Stopping>,
    lost: watch::Receiver<bool>,
}

impl<'a> Permit<'a> {
    /// A permit that ends with the lock, which is lost at the latest when `lost` says so.
    pub(super) fn new(lock: &'a dyn Lock, stop: watch::Receiver<Stopping>, lost: watch::Receiver<bool>) -> Self {
        Self { lock, stop, lost }
    }

    /// Whether a call may be sent now.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.is_lost() || !self.lock.is_held() {
            let fault = Fault::new(ErrorKind::Conflict, "the lock on the state was lost, and the call was not sent");
            return Err(Fault { effect: Effect::None, ..fault });
        }
        Ok(())
    }

    /// Whether a call that failed may be tried again.
    pub(super) fn may_retry(&self) -> bool {
        !self.is_lost() && *self.stop.borrow() == Stopping::No
    }

    fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Returns once the lock is lost.
    pub(super) async fn lost(&self) {
        until(self.lost.clone(), |lost| *lost).await;
    }

    /// Returns once a call that failed may not be tried again.
    pub(super) async fn no_retry(&self) {
        tokio::select! {
            biased;
            () = self.lost() => {}
            () = until(self.stop.clone(), |stop| *stop != Stopping::No) => {}
        }
    }
}

async fn until<T>(mut watched: watch::Receiver<T>, is: impl Fn(&T) -> bool) {
    if watched.wait_for(|value| is(value)).await.is_err() {
        // Nobody can say so any more.
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::state::{Entry, Loaded, Signer, Snapshot, StoreError};

    /// A lock that says whether it is held.
    #[derive(Debug)]
    struct Held(bool);

    #[async_trait]
    impl Lock for Held {
        async fn load(&self) -> Result<Option<Loaded>, StoreError> {
            Ok(None)
        }
        async fn append(&self, _: &[Entry], _: &Signer) -> Result<(), StoreError> {
            Ok(())
        }
        async fn compact(&self, _: &Snapshot, _: &Signer) -> Result<(), StoreError> {
            Ok(())
        }
        fn is_held(&self) -> bool {
            self.0
        }
        async fn release(self: Box<Self>) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_sent_without_the_lock() {
        for (is_held, is_lost) in [(true, false), (true, true), (false, false), (false, true)] {
            let lock = Held(is_held);
            let (_stop, stop) = watch::channel(Stopping::No);
            let (_lost, lost) = watch::channel(is_lost);
            let permit = Permit::new(&lock, stop, lost);
            let effect = permit.check().map_err(|fault| fault.effect);
            assert_eq!(effect, if is_held && !is_lost { Ok(()) } else { Err(Effect::None) });
            assert_eq!(permit.may_retry(), !is_lost);
        }
    }

    #[test]
    fn who_is_stopped_tries_nothing_again() {
        let lock = Held(true);
        let (stop, stopped) = watch::channel(Stopping::No);
        let (_lost, lost) = watch::channel(false);
        let permit = Permit::new(&lock, stopped, lost);
        assert!(permit.may_retry());
        stop.send_replace(Stopping::Draining);
        assert!(!permit.may_retry());
        assert_eq!(permit.check().map_err(|fault| fault.message()), Ok(()), "what was begun is finished");
    }
}
