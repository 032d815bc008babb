//! The end of a run: outputs are recorded, the journal is written, and the report is made.

use super::{Run, Then};

use crate::base::{Address, Json, Stopping, with_causes};
use crate::plan::{Event, Goal, Problem, Report, StepOutcome, StepReport};
use crate::planner::{has_holes, output_problem, output_values};
use crate::state::{Entry, JournalEvent};

impl Run<'_> {
    /// The outputs as they are now. What the program shows no more, or what a destroy ends, goes once everything has
    /// succeeded; until then others may read it, and what it describes may still be there.
    ///
    /// Answers what is wrong with them.
    pub(super) fn record_outputs(&mut self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.commit.failure().is_some() {
            return problems;
        }
        let is_whole = !self.plan.request.is_partial() && self.outcomes.are_all_done();
        let is_all_gone = is_whole && self.plan.kept.is_empty() && self.plan.deferred.is_empty();
        let mut outputs = self.snapshot.outputs.clone();
        match self.plan.request.goal {
            Goal::Declared => {
                let values = output_values(self.stack, &self.knowledge.known, &self.key);
                outputs.retain(|name, _| !is_whole || values.contains_key(name));
                for (name, value) in values {
                    match value {
                        Ok(value) if has_holes(&value) => {}
                        Ok(value) => drop(outputs.insert(name, Json::from(&value))),
                        Err(mistake) => {
                            let problem = output_problem(&name, &mistake);
                            let message = self.key.redact(&problem.message);
                            problems.push(Problem { message, ..problem });
                        }
                    }
                }
                problems.extend(self.knowledge.lost_outputs());
            }
            Goal::Destroyed { .. } if is_all_gone => outputs.clear(),
            Goal::Destroyed { .. } => {}
        }
        if outputs != self.snapshot.outputs {
            self.write(Entry { address: Address::from("outputs"), event: JournalEvent::Outputs { outputs } });
        }
        problems
    }

    /// Makes durable what is left; answers whether all of it is.
    pub(super) async fn save(&mut self) -> bool {
        let mut stop = self.stop.clone();
        let stopped_now = async {
            if stop.wait_for(|stop| *stop == Stopping::Now).await.is_err() {
                std::future::pending().await
            }
        };
        tokio::select! {
            biased;
            () = stopped_now => false,
            saved = self.commit.finish(&self.snapshot) => saved,
        }
    }

    pub(super) fn report(mut self, saved: bool, output_problems: Vec<Problem>) -> Report {
        for then in self.commit.rest() {
            let Then::Ended(step) = then else { continue };
            if saved {
                self.announce_end(step);
            } else {
                self.outcomes.abandon(step);
            }
        }
        self.settings.events.emit(|| Event::ApplyEnded { saved });
        let stopped = *self.stop.borrow();
        let steps = self.plan.steps.iter().zip(self.outcomes.at_end()).map(|(step, (outcome, took))| StepReport {
            address: step.address.clone(),
            action: step.action.verb(),
            name: step.name.clone(),
            outcome,
            took,
            at: step.at.clone(),
        });
        let steps: Vec<StepReport> = steps.collect();
        let unfinished =
            steps.iter().any(|step| matches!(step.outcome, StepOutcome::NotStarted | StepOutcome::Abandoned));
        Report {
            steps,
            kept: self.plan.kept.clone(),
            deferred: self.plan.deferred.clone(),
            serial: self.snapshot.serial,
            interrupted: stopped != Stopping::No && unfinished,
            state_failure: self.commit.failure().map(|error| with_causes(error)),
            output_problems,
        }
    }
}
