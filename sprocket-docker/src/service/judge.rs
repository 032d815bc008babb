//! Whether a service works, from what the engine says of it: decided here, asked in [`converge`](super::converge).
//!
//! Pure: no clock, no calls. Tasks of other settings than the service's present ones never count as its own. A slot that
//! runs is not judged by its past: whether it goes on running is for the hold to show.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::not_ready::Cause;
use super::policy::{PublishMode, RestartOn};
use super::spec::ServiceSpec;

/// What the engine said of a service in one round of questions.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// Its settings, as they were applied.
    pub(crate) spec: &'a ServiceSpec,
    /// The service.
    pub(crate) service: &'a Value,
    /// All of its tasks.
    pub(crate) tasks: Vec<Task>,
    /// How many nodes may run it; asked only if it matters.
    pub(crate) eligible: u64,
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// Its place among the service's tasks: a number, or for a global service a node.
    pub(crate) slot: String,
    pub(crate) state: String,
    pub(crate) wanted: String,
    pub(crate) error: String,
    pub(crate) exit_code: Option<i64>,
    pub(crate) container: Option<String>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) since: Option<Timestamp>,
    /// It has the service's present settings.
    pub(crate) current: bool,
}

impl Task {
    pub(crate) fn of(found: &Value, current: &BTreeSet<String>) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, status) = (text(&found["ID"]), &found["Status"]);
        let number = found["Slot"].as_u64().filter(|slot| *slot > 0);
        Self {
            current: current.contains(&id),
            id,
            slot: number.map_or_else(|| text(&found["NodeID"]), |slot| slot.to_string()),
            state: text(&status["State"]),
            wanted: text(&found["DesiredState"]),
            error: text(&status["Err"]),
            exit_code: status["ContainerStatus"]["ExitCode"].as_i64(),
            container: status["ContainerStatus"]["ContainerID"].as_str().map(ToOwned::to_owned),
            created: found["CreatedAt"].as_str().and_then(|time| time.parse().ok()),
            since: status["Timestamp"].as_str().and_then(|time| time.parse().ok()),
        }
    }

    fn runs(&self) -> bool {
        self.state == "running" && self.wanted == "running"
    }

    /// Whether it has ended, and not because it was told to.
    fn has_failed(&self, spec: &ServiceSpec) -> bool {
        match self.state.as_str() {
            "failed" | "rejected" => true,
            "complete" => spec.restart.condition == RestartOn::Any,
            _ => false,
        }
    }

    fn is_done(&self, spec: &ServiceSpec) -> bool {
        self.state == "complete" && spec.restart.condition != RestartOn::Any
    }

    fn is_on_its_way(&self) -> bool {
        matches!(
            self.state.as_str(),
            "new" | "allocated" | "pending" | "assigned" | "accepted" | "preparing" | "ready" | "starting" | "running"
        )
    }
}

/// What follows.
#[derive(Debug, PartialEq)]
pub(crate) enum VerifyReport {
    /// It works if these very tasks go on running.
    Runs { tasks: BTreeSet<String>, since: Option<Timestamp>, proven: bool },
    /// It does not yet.
    NotYet(Progress),
    /// It does not, and waiting won't help.
    Fails(Cause),
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    pub(crate) running: u64,
    pub(crate) wanted: u64,
    /// What a task waits for or ended with.
    pub(crate) pending: Option<String>,
    /// What keeps it from being scheduled, if that may stay so.
    pub(crate) stuck: Option<Stuck>,
}

/// Why no node takes a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// No node is as asked for.
    Placement(String),
    /// A port is in use on all nodes: perhaps by what is just stopping.
    Port(String),
    /// No node has enough left: perhaps because of what is just stopping.
    Room(String),
}

/// How often a slot must fail. A pull can fail by chance, a container may wait for its database.
const FAILURES: usize = 3;
const REFUSALS: usize = 2;
/// Failures that are older than this, seen from the newest task, are another story.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

pub(crate) fn judge(seen: &Seen<'_>) -> VerifyReport {
    let update = seen.service["UpdateStatus"]["State"].as_str().unwrap_or_default();
    if matches!(update, "paused" | "rollback_paused" | "rollback_completed") {
        return VerifyReport::Fails(Cause::NotUpdated { state: update.to_owned(), because: last_failure(seen) });
    }
    if let Some(cause) = failure(seen) {
        return VerifyReport::Fails(cause);
    }
    let wanted = if seen.spec.global { seen.eligible } else { seen.spec.replicas };
    let current = || seen.tasks.iter().filter(|task| task.current);
    let running: Vec<_> = current().filter(|task| task.runs()).collect();
    let done = current().filter(|task| task.is_done(seen.spec)).count();
    // Places, not tasks: where a task fails just as an update with `start-first` begins, the engine starts two in its place,
    // and lets both run for good.
    let places = running.iter().map(|task| task.slot.as_str()).collect::<BTreeSet<_>>().len();
    let have = places + if places as u64 == wanted { 0 } else { done };
    let leftovers = seen.tasks.iter().filter(|task| !task.current && task.runs()).count();
    let busy = matches!(update, "updating" | "rollback_started");
    let nowhere = seen.spec.global && wanted == 0;
    if have as u64 == wanted && leftovers == 0 && !busy && !nowhere {
        return VerifyReport::Runs {
            tasks: running.iter().map(|task| task.id.clone()).collect(),
            since: running.iter().filter_map(|task| task.since).max(),
            proven: update == "completed" || running.is_empty(),
        };
    }
    let waiting =
        current().filter(|task| task.is_on_its_way() && !task.runs()).max_by_key(|task| !task.error.is_empty());
    let failed = current().filter(|task| task.has_failed(seen.spec)).max_by_key(|task| task.since);
    let pending = match (waiting, failed) {
        (Some(task), _) if !task.error.is_empty() => Some(told(task)),
        (_, Some(task)) => Some(told(task)),
        (Some(task), None) => Some(format!("one is {}", task.state)),
        (None, None) => None,
    };
    let stuck = if nowhere {
        Some(Stuck::Placement("it runs on every node that may run it, and none may".into()))
    } else {
        waiting.filter(|task| task.state == "pending").and_then(|task| stuck(&task.error))
    };
    VerifyReport::NotYet(Progress { running: places as u64, wanted, pending, stuck })
}

/// Whether tasks of earlier settings are still around: their ports and room will be free soon.
pub(crate) fn is_replacing(seen: &Seen<'_>) -> bool {
    seen.tasks.iter().any(|task| !task.current && task.is_on_its_way())
        || seen.tasks.iter().any(|task| task.current && task.state == "running" && task.wanted != "running")
}

fn stuck(error: &str) -> Option<Stuck> {
    let says = |text: &str| error.contains(text);
    if !says("no suitable node") {
        None
    } else if says("host-mode port") {
        Some(Stuck::Port(error.to_owned()))
    } else if says("insufficient") || says("max replicas") {
        Some(Stuck::Room(error.to_owned()))
    } else {
        Some(Stuck::Placement(error.to_owned()))
    }
}

/// What a task ended with or waits for, without ids that differ from task to task.
fn told(task: &Task) -> String {
    let error = task.error.trim_start_matches("task: ");
    match (error.split_once("failed programming external connectivity"), task.exit_code) {
        (Some((_, rest)), _) => rest.split_once("): ").map_or(rest, |(_, cause)| cause).to_owned(),
        (None, Some(code)) if error.is_empty() => format!("exit code {code}"),
        _ => error.to_owned(),
    }
}

/// The container that failed last, and may still be there to be looked at.
pub(crate) fn failed_container<'s>(seen: &'s Seen<'_>) -> Option<&'s str> {
    let failed = seen.tasks.iter().filter(|task| task.current && task.has_failed(seen.spec));
    failed.max_by_key(|task| task.since)?.container.as_deref()
}

fn last_failure(seen: &Seen<'_>) -> Option<String> {
    let failed = seen.tasks.iter().filter(|task| matches!(task.state.as_str(), "failed" | "rejected"));
    failed.max_by_key(|task| task.since).map(told)
}

/// A slot that fails again and again.
fn failure(seen: &Seen<'_>) -> Option<Cause> {
    let newest = seen.tasks.iter().filter_map(|task| task.created).max();
    let mut slots: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for task in seen.tasks.iter().filter(|task| task.current) {
        slots.entry(&task.slot).or_default().push(task);
    }
    slots.values().filter(|tasks| !tasks.iter().any(|task| task.runs())).find_map(|tasks| {
        let is_recent = |task: &&&Task| match (newest, task.since) {
            (Some(newest), Some(since)) => newest.duration_since(since) < RECENT,
            _ => true,
        };
        let failed: Vec<_> = tasks.iter().filter(|task| task.has_failed(seen.spec)).filter(is_recent).collect();
        let last = failed.iter().max_by_key(|task| task.since)?;
        classify(seen.spec, last, failed.len())
    })
}

fn classify(spec: &ServiceSpec, last: &Task, times: usize) -> Option<Cause> {
    let error = told(last);
    let says = |text: &str| error.contains(text);
    // Where the engine does not try again, it is over with the last try.
    let tries = match (spec.restart.condition, usize::try_from(spec.restart.max_attempts)) {
        (RestartOn::None, _) => 1,
        (_, Ok(0) | Err(_)) => usize::MAX,
        (_, Ok(attempts)) => attempts.saturating_add(1),
    };
    let often = |times_needed: usize| times >= times_needed.min(tries);
    if says("No such image") || says("no such image") || says("manifest unknown") || says("pull access denied") {
        return often(REFUSALS).then(|| Cause::ImageMissing { image: spec.image.to_string() });
    }
    if says("address already in use") || says("port is already allocated") {
        return often(REFUSALS).then_some(Cause::PortTaken { ports: host_ports(spec), error });
    }
    if says("unhealthy") {
        return often(REFUSALS).then_some(Cause::Unhealthy { times });
    }
    if !(error.starts_with("non-zero exit") || error.starts_with("exit code")) || last.exit_code.is_none() {
        return often(REFUSALS).then_some(Cause::Rejected { times, error });
    }
    let exit_code = last.exit_code.unwrap_or_default();
    often(FAILURES).then_some(Cause::CrashLoop { times, exit_code })
}

pub(crate) fn host_ports(spec: &ServiceSpec) -> Vec<u16> {
    spec.ports.iter().filter(|port| port.mode == PublishMode::Host).filter_map(|port| port.published).collect()
}
