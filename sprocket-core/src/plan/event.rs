//! Events: what a run tells while it goes on. The command line, a JSON stream and a user's own tool are three listeners.
//!
//! Each is a [document](crate::document) when it is serialised.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Address, PhysicalName};
use crate::plan::{StepId, StepOutcome};

/// Something that happened. Its order is that of the run: a step starts before it ends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The state and the services are being read.
    Refreshing,
    /// They were read.
    Refreshed {
        /// How many objects are recorded.
        recorded: usize,
    },
    /// A run begins.
    ApplyStarted {
        /// How many steps it has.
        steps: usize,
    },
    /// A step's call is about to be made; its intent is durable.
    StepStarted {
        /// Its number in the plan.
        step: StepId,
        /// Which resource.
        address: Address,
        /// What it does: `create`.
        action: &'static str,
        /// The object's name.
        name: Option<PhysicalName>,
    },
    /// The object is there; it is waited for until it works.
    StepWaiting {
        /// Its number in the plan.
        step: StepId,
        /// Which resource.
        address: Address,
    },
    /// A call failed and is tried again, after it was found out what it did.
    StepRetried {
        /// Its number in the plan.
        step: StepId,
        /// Which resource.
        address: Address,
        /// Why.
        cause: String,
        /// After how long.
        wait: Duration,
    },
    /// A step ended, and what was recorded of it is durable.
    StepEnded {
        /// Its number in the plan.
        step: StepId,
        /// Which resource.
        address: Address,
        /// What it did: `create`.
        action: &'static str,
        /// How.
        outcome: StepOutcome,
        /// After how long.
        took: Duration,
    },
    /// No further step starts; what runs is waited for.
    Stopping,
    /// The run ended.
    ApplyEnded {
        /// Whether all that it did is durable. What is not is found out by the next run.
        saved: bool,
    },
}

type Listener = Arc<dyn Fn(Event) + Send + Sync>;

/// Where events go.
#[derive(Clone, Default)]
pub struct Events(Option<Listener>);

impl Events {
    /// To this function. It is called in the order of the events, by the task that runs the engine: it must return soon,
    /// and hands on what takes longer.
    pub fn to(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(listener) = &self.0 {
            listener(event());
        }
    }
}

impl Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Events(to a listener)" } else { "Events(to nobody)" })
    }
}
