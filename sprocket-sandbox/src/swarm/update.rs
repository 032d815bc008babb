//! Rolling updates: the tasks of a service that have other settings than it are replaced, some at a time, and watched.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::book::{now, text};
use super::crew::{Crew, Edit};
use super::tasks::{State, Task, Wanted};

/// An update under way.
#[derive(Debug)]
pub(crate) struct Rollout {
    started: String,
    /// It takes another one back.
    back: bool,
    /// The tasks that it has made.
    made: BTreeSet<String>,
    /// When all was last as it is to be, without a task on its way.
    settled: Option<Instant>,
    /// When the last batch was begun.
    batch: Option<Instant>,
}

impl Rollout {
    fn new(back: bool) -> Self {
        Self { started: now(), back, made: BTreeSet::new(), settled: None, batch: None }
    }

    /// A task that was made while it is under way.
    pub(crate) fn made(&mut self, task: &str) {
        self.made.insert(task.to_owned());
    }

    fn status(&self, state: &str, message: &str) -> Value {
        json!({ "State": state, "StartedAt": self.started, "Message": message })
    }

    fn ended(&self, state: &str, message: &str) -> Value {
        json!({ "State": state, "StartedAt": self.started, "CompletedAt": now(), "Message": message })
    }
}

fn nanos(value: &Value) -> Duration {
    Duration::from_nanos(value.as_u64().unwrap_or(0))
}

impl Crew {
    /// Moves the update of a service on, if there is one.
    pub(crate) fn update(&mut self, service: &Value, edits: &mut Vec<Edit>) {
        let id = text(service, &["ID"]);
        let is_dirty = |task: &&Task| task.is_active() && task.is_dirty(service);
        let status = text(service, &["UpdateStatus", "State"]);
        if matches!(status, "paused" | "rollback_paused") {
            return;
        }
        let status_edit = |status| Edit::Status { service: id.to_owned(), status };
        let Some(rollout) = self.rollouts.get(id) else {
            let left = matches!(status, "updating" | "rollback_started");
            if left || self.of(id).any(|task| is_dirty(&task)) {
                let rollout = Rollout::new(status == "rollback_started");
                if !left {
                    edits.push(status_edit(rollout.status("updating", "update in progress")));
                }
                self.rollouts.insert(id.to_owned(), rollout);
            }
            return;
        };
        let (back, batch) = (rollout.back, rollout.batch);
        let policy = &service["Spec"][if back { "RollbackConfig" } else { "UpdateConfig" }];
        if let Some(failed) = self.failed(service, policy) {
            return self.give_up(service, policy, &failed, edits);
        }
        end_relieved(self, service);
        let busy: BTreeSet<_> = self
            .of(id)
            .filter(|task| !task.has_ended())
            .filter(|task| task.wanted == Wanted::Shutdown || (!task.is_dirty(service) && task.state != State::Running))
            .map(|task| task.slot)
            .collect();
        let dirty: Vec<String> = self
            .of(id)
            .filter(is_dirty)
            .filter(|task| !busy.contains(&task.slot))
            .map(|task| task.id.clone())
            .collect();
        let parallelism = policy["Parallelism"].as_u64().map_or(1, |count| if count == 0 { u64::MAX } else { count });
        let room = usize::try_from(parallelism).unwrap_or(usize::MAX).saturating_sub(busy.len());
        let is_time = busy.is_empty() && batch.is_none_or(|batch| batch.elapsed() >= nanos(&policy["Delay"]));
        if !dirty.is_empty() && room > 0 && (is_time || parallelism == u64::MAX) {
            let start_first = policy["Order"] == "start-first";
            for task in dirty.into_iter().take(room) {
                self.replace(service, &task, start_first);
            }
        } else if dirty.is_empty() && busy.is_empty() {
            let rollout = self.rollouts.get_mut(id).expect("BUG: it was just there");
            let settled = *rollout.settled.get_or_insert_with(Instant::now);
            if settled.elapsed() >= nanos(&policy["Monitor"]) {
                let status = match back {
                    true => rollout.ended("rollback_completed", "rollback completed"),
                    false => rollout.ended("completed", "update completed"),
                };
                edits.push(status_edit(status));
                self.rollouts.remove(id);
            }
            return;
        }
        if let Some(rollout) = self.rollouts.get_mut(id) {
            rollout.settled = None;
        }
    }

    /// Puts a task with the present settings in the place of one with others.
    fn replace(&mut self, service: &Value, old: &str, start_first: bool) {
        let Some(old) = self.tasks.iter_mut().find(|task| task.id == old) else { return };
        let task = Task::new(service, old.slot, if start_first { Wanted::Running } else { Wanted::Ready });
        if !start_first {
            old.wanted = Wanted::Shutdown;
        }
        if let Some(rollout) = self.rollouts.get_mut(&task.service) {
            rollout.made(&task.id);
            rollout.batch = Some(Instant::now());
        }
        self.tasks.push(task);
    }

    /// The task whose failure is one too many.
    fn failed(&self, service: &Value, policy: &Value) -> Option<String> {
        let id = text(service, &["ID"]);
        let rollout = self.rollouts.get(id)?;
        let made: Vec<&Task> = self.of(id).filter(|task| rollout.made.contains(&task.id)).collect();
        let has_failed = |task: &&&Task| {
            matches!(task.state, State::Failed | State::Rejected)
                || (task.state == State::Complete
                    && service["Spec"]["TaskTemplate"]["RestartPolicy"]["Condition"] == "any")
        };
        let failed: Vec<_> = made.iter().filter(has_failed).collect();
        let places: BTreeSet<_> = self.of(id).map(|task| task.slot).collect();
        let allowed = policy["MaxFailureRatio"].as_f64().unwrap_or(0.0) * places.len() as f64;
        (failed.len() as f64 > allowed).then(|| failed.last().map(|task| task.id.clone())).flatten()
    }

    fn give_up(&mut self, service: &Value, policy: &Value, failed: &str, edits: &mut Vec<Edit>) {
        let id = text(service, &["ID"]).to_owned();
        let Some(rollout) = self.rollouts.remove(&id) else { return };
        let why = format!("due to failure or early termination of task {failed}");
        let status = match text(policy, &["FailureAction"]) {
            "continue" => {
                // It is noted once, and goes on.
                let made = rollout.made.into_iter().filter(|task| task != failed).collect();
                self.rollouts.insert(id, Rollout { made, ..rollout });
                return;
            }
            "rollback" if !rollout.back && service.get("PreviousSpec").is_some() => {
                edits.push(Edit::RollBack { service: id.clone() });
                let back = Rollout::new(true);
                let status = back.status("rollback_started", &format!("update rolled back {why}"));
                self.rollouts.insert(id.clone(), back);
                status
            }
            _ if rollout.back => rollout.status("rollback_paused", &format!("rollback paused {why}")),
            _ => rollout.status("paused", &format!("update paused {why}")),
        };
        edits.push(Edit::Status { service: id, status });
    }
}

/// Ends old tasks whose successors run.
fn end_relieved(crew: &mut Crew, service: &Value) {
    let id = text(service, &["ID"]);
    let is_relief = |task: &&Task| task.state == State::Running && task.is_active() && !task.is_dirty(service);
    let relieved: BTreeSet<_> = crew.of(id).filter(is_relief).map(|task| task.slot).collect();
    for task in &mut crew.tasks {
        if task.service == id && task.is_active() && task.is_dirty(service) && relieved.contains(&task.slot) {
            task.wanted = Wanted::Shutdown;
        }
    }
}
