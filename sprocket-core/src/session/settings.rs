//! How an engine works: limits, owners of the key, where events go.

use std::time::Duration;

use super::Refused;
use crate::base::{Entropy, ProviderName};
use crate::plan::Events;
use crate::state::{Freshness, KeySource, StackId};

/// How an engine works. The defaults are right for most programs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who can open the stack's key.
    pub key: KeySource,
    /// Which stack the states are of; a state of another one is refused. Without it, that is not compared.
    pub stack: Option<StackId>,
    /// The last state that is known; an older one, or none, is refused.
    pub remembered: Option<Freshness>,
    /// A serial that the state has at least, for machines that remember nothing.
    pub at_least: u64,
    /// Providers that the program does not connect any more, and that are opened all the same, where the state says, to
    /// read and delete what they made.
    pub forgotten: Vec<ProviderName>,
    /// Where events go: those of this engine, and of no other.
    pub events: Events,
    /// Where random bytes come from.
    pub entropy: Entropy,
    /// How many calls are made at once, over all providers; at least one. Each provider has a limit of its own too. What only
    /// waits until an object works does not count, nor does opening a provider.
    pub parallel: usize,
    /// How long one attempt of a create or update, a read, a look-up, the opening of a provider and a check may take. The
    /// next attempt has as long again.
    pub call_limit: Duration,
    /// How long an object may take until it works, over all attempts to find out; and how long one attempt of a delete may
    /// take, which waits until the object has gone. [`DraftExt::time_limit`](crate::program::DraftExt::time_limit) sets this and
    /// `call_limit` for one resource. [`Duration::MAX`] is for ever.
    pub ready_limit: Duration,
    /// How often a call is tried again, after the first attempt, if its service could not be reached or gave no answer. Other
    /// failures are not tried again, and none is once the run was asked to stop.
    pub retries: u32,
    /// How long the first wait before another attempt is, at most; each further one is twice as long, up to 64 times. Of that,
    /// each resource waits between half and all, so that they do not come back together.
    pub retry_wait: Duration,
    /// Whether independent steps go on after a failure.
    pub continue_on_error: bool,
    /// Who runs this, for the lock: user, host and process.
    pub who: String,
}

impl Settings {
    /// Whether an engine can work with them.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.parallel == 0 {
            return Err(Refused::Settings { what: "`parallel` is 0: no call could ever be made" });
        }
        Ok(())
    }

    /// The defaults, for the owner of this key.
    pub fn new(key: KeySource) -> Self {
        Self {
            key,
            stack: None,
            remembered: None,
            at_least: 0,
            forgotten: Vec::new(),
            events: Events::default(),
            entropy: Entropy::system(),
            parallel: 64,
            call_limit: Duration::from_secs(120),
            ready_limit: Duration::from_secs(300),
            retries: 4,
            retry_wait: Duration::from_millis(500),
            continue_on_error: false,
            who: format!("process {}", std::process::id()),
        }
    }
}
