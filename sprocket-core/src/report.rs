//! Reports: what a run did and did not do.

use std::time::Duration;

use serde::Serialize;

use crate::ids::{Address, PhysicalName};
use crate::plan::{Deferred, Kept, Place};
use crate::resource::{Checked, Effect};

/// What a run did: some steps succeeded, some failed, some never started, and all three are the answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The steps, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// What stayed, and why.
    pub kept: Vec<Kept>,
    /// What could not be read before the run, since its provider was closed: plan again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deferred: Vec<Deferred>,
    /// The run was interrupted.
    pub interrupted: bool,
    /// The state could not be written any more; the run stopped there.
    pub state_failure: Option<String>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepReport {
    /// Which resource.
    pub address: Address,
    /// What it was to do: `create`.
    pub action: &'static str,
    /// The object's name.
    pub name: Option<PhysicalName>,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// The line of the program that declares it.
    pub at: Option<Place>,
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it said.
    Done,
    /// It turned out that nothing was needed.
    Unneeded,
    /// It failed.
    Failed(Failure),
    /// It was not started: something before it failed, or the run was stopped.
    NotStarted,
    /// It was under way when the run was stopped; the next run settles it.
    Abandoned,
}

/// Why a step failed, and what it left.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// What was attempted and why it failed, in one line.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it had an effect.
    pub effect: Effect,
}

impl Report {
    /// Whether everything was done.
    pub fn succeeded(&self) -> bool {
        !self.interrupted
            && self.state_failure.is_none()
            && self.steps.iter().all(|step| matches!(step.outcome, Outcome::Done | Outcome::Unneeded))
    }

    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&StepReport, &Failure)> {
        self.steps.iter().filter_map(|step| match &step.outcome {
            Outcome::Failed(failure) => Some((step, failure)),
            _ => None,
        })
    }

    /// How many steps ended in one of these ways.
    pub fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.steps.iter().filter(|step| which(&step.outcome)).count()
    }
}

/// What `verify` found.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// What was asked of each resource.
    pub checks: Vec<(Address, Checked)>,
}

impl Verdict {
    /// Whether everything works.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|(_, check)| check.failure.is_none())
    }
}
