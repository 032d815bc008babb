//! Reports: what a run did and did not do. Each is a [document](crate::document) when it is serialised.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;

use crate::base::{Address, Effect, PhysicalName, Place};
use crate::kind::CheckResult;
use crate::plan::{Deferred, Kept, Plan, Problem};

/// What a run did: some steps succeeded, some failed, some never started, and all three are the answer.
///
/// As text it is its summary: `2 created, 1 failed, 3 not started. State is saved; run again to continue.`
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The steps, in the order of the plan.
    pub steps: Vec<StepReport>,
    /// What stayed, and why.
    pub kept: Vec<Kept>,
    /// What could not be read before the run, since its provider was closed: plan again.
    pub deferred: Vec<Deferred>,
    /// The run was interrupted.
    pub interrupted: bool,
    /// The state could not be written any more; the run stopped there.
    pub state_failure: Option<String>,
    /// The serial of the state that the run has left. A state with a lower one is an earlier state.
    pub serial: u64,
    /// Outputs that have no value, and why: a closure failed. They keep the values that they had.
    pub output_problems: Vec<Problem>,
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
    #[serde(flatten)]
    pub outcome: StepOutcome,
    /// How long it took.
    #[serde(serialize_with = "crate::value::seconds")]
    pub took: Duration,
    /// The line of the program that declares it.
    pub at: Option<Place>,
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum StepOutcome {
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
    /// The report of a run that was stopped before its first step.
    pub(crate) fn not_started(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| StepReport {
            address: step.address.clone(),
            action: step.action.verb(),
            name: step.name.clone(),
            outcome: StepOutcome::NotStarted,
            took: Duration::ZERO,
            at: step.at.clone(),
        });
        Self {
            steps: steps.collect(),
            kept: plan.kept.clone(),
            deferred: plan.deferred.clone(),
            serial: plan.serial,
            interrupted: true,
            state_failure: None,
            output_problems: Vec::new(),
        }
    }

    /// Whether everything was done.
    pub fn succeeded(&self) -> bool {
        !self.interrupted
            && self.state_failure.is_none()
            && self.output_problems.is_empty()
            && self.steps.iter().all(|step| matches!(step.outcome, StepOutcome::Done | StepOutcome::Unneeded))
    }

    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = (&StepReport, &Failure)> {
        self.steps.iter().filter_map(|step| match &step.outcome {
            StepOutcome::Failed(failure) => Some((step, failure)),
            _ => None,
        })
    }

    /// How many steps ended in one of these ways.
    pub fn count(&self, which: impl Fn(&StepOutcome) -> bool) -> usize {
        self.steps.iter().filter(|step| which(&step.outcome)).count()
    }
}

/// What was done, by action.
const DONE: [(&str, &str); 9] = [
    ("create", "created"),
    ("adopt", "taken over"),
    ("update", "updated"),
    ("await", "waited for"),
    ("restore", "restored"),
    ("delete", "deleted"),
    ("drop", "dropped"),
    ("leave", "left in place"),
    ("record", "recorded"),
];

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = |action| {
            self.steps.iter().filter(|step| step.action == action && step.outcome == StepOutcome::Done).count()
        };
        let abandoned = self.count(|outcome| *outcome == StepOutcome::Abandoned);
        let others = [
            (self.count(|outcome| *outcome == StepOutcome::Unneeded), "unneeded"),
            (self.count(|outcome| matches!(outcome, StepOutcome::Failed(_))), "failed"),
            (abandoned, "cut off"),
            (self.count(|outcome| *outcome == StepOutcome::NotStarted), "not started"),
            (self.kept.len(), "kept"),
            (
                self.output_problems.len(),
                if self.output_problems.len() == 1 { "output failed" } else { "outputs failed" },
            ),
        ];
        let counts = DONE.iter().map(|(action, what)| (done(*action), *what)).chain(others);
        let parts: Vec<String> =
            counts.filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
        let what = if parts.is_empty() { "Done".to_owned() } else { parts.join(", ") };
        let next = match () {
            () if self.state_failure.is_some() => " State is saved up to there; run again to continue.",
            () if self.interrupted && abandoned > 0 => {
                " Interrupted. The next run finds out what came of it; run again to continue."
            }
            () if self.interrupted => " Interrupted. State is saved; run again to continue.",
            () if !self.succeeded() => " State is saved; run again to continue.",
            () => "",
        };
        write!(f, "{what}.{next}")
    }
}

/// What `verify` found.
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// What was asked of each resource.
    pub checks: Vec<(Address, CheckResult)>,
    /// The resources that could not be asked.
    pub unchecked: Vec<Unchecked>,
}

/// A resource that could not be asked whether it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// The resource.
    pub address: Address,
    /// Why it could not be asked.
    pub reason: String,
}

impl VerifyReport {
    /// Whether everything works that could be asked.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|(_, check)| check.failure.is_none())
    }
}
