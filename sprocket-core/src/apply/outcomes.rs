//! The outcome of each step of a run so far.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::{StepId, StepOutcome};

/// The outcomes of all steps.
pub(super) struct Outcomes {
    steps: Vec<Outcome>,
    has_failed: bool,
}

#[derive(Clone, Default)]
struct Outcome {
    ended: Option<StepOutcome>,
    began: Option<Instant>,
    took: Duration,
}

impl Outcomes {
    pub(super) fn new(steps: usize) -> Self {
        Self { steps: vec![Outcome::default(); steps], has_failed: false }
    }

    /// A call of this step is to be made.
    pub(super) fn begin(&mut self, step: StepId) {
        self.steps[step.index()].began = Some(Instant::now());
    }

    /// The call was not made after all.
    pub(super) fn take_back(&mut self, step: StepId) {
        self.steps[step.index()].began = None;
    }

    /// A step has ended. Answers whether what waits for it may start.
    pub(super) fn end(&mut self, step: StepId, outcome: StepOutcome) -> bool {
        let is_done = is_done(&outcome);
        self.has_failed |= !is_done;
        let Outcome { ended, began, took } = &mut self.steps[step.index()];
        *took = began.map_or(Duration::ZERO, |began| began.elapsed());
        *ended = Some(outcome);
        is_done
    }

    /// Nobody knows that a step was done: the next run finds out.
    pub(super) fn abandon(&mut self, step: StepId) {
        let ended = &mut self.steps[step.index()].ended;
        if *ended == Some(StepOutcome::Done) {
            *ended = Some(StepOutcome::Abandoned);
        }
    }

    /// The outcome of a step that has ended, and how long it took.
    pub(super) fn of(&self, step: StepId) -> Option<(&StepOutcome, Duration)> {
        let Outcome { ended, took, .. } = &self.steps[step.index()];
        Some((ended.as_ref()?, *took))
    }

    /// The outcome of each step at the end of the run, and how long the step took.
    pub(super) fn at_end(&self) -> impl Iterator<Item = (StepOutcome, Duration)> {
        self.steps.iter().map(|Outcome { ended, began, took }| {
            let begun = if began.is_some() { StepOutcome::Abandoned } else { StepOutcome::NotStarted };
            (ended.clone().unwrap_or(begun), *took)
        })
    }

    /// Whether a step has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Whether every step is done, or was not needed.
    pub(super) fn are_all_done(&self) -> bool {
        self.steps.iter().all(|step| step.ended.as_ref().is_some_and(is_done))
    }
}

fn is_done(outcome: &StepOutcome) -> bool {
    matches!(outcome, StepOutcome::Done | StepOutcome::Unneeded)
}
