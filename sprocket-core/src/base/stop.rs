//! Stopping a run: at the first request nothing new starts, at the second it ends at once.

use tokio::sync::watch;

/// How far a run has been asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopping {
    /// Not at all.
    No,
    /// Nothing new starts; what runs finishes and is recorded.
    Draining,
    /// Now. The journal lets the next run find out what was under way.
    Now,
}

/// Lets a run be stopped from elsewhere, such as a signal handler.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Stopping>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(Stopping::No))
    }
}

impl Stop {
    /// Asks for it: the first time to drain, from the second on to end at once.
    pub fn request(&self) {
        self.0.send_modify(|state| {
            *state = if *state == Stopping::No { Stopping::Draining } else { Stopping::Now };
        });
    }

    /// Returns once it has been asked for, also if that was before.
    pub async fn requested(&self) {
        let mut state = self.watch();
        // The sender is `self`, so it can't be gone.
        let _ = state.wait_for(|state| *state != Stopping::No).await;
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Stopping> {
        self.0.subscribe()
    }
}
