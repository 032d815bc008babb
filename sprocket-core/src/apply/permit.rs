//! The permit to send calls: who has lost the lock sends nothing more.
//!
//! Each attempt of a call asks for it right before it is sent, the attempts after a failure too. A run that is asked to stop
//! still lets the calls finish that it has begun, but does not try them again.

use tokio::sync::watch;

use crate::erased::Fault;
use crate::provider::ErrorKind;
use crate::resource::Effect;
use crate::state::Lock;
use crate::stop::Stopping;

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
