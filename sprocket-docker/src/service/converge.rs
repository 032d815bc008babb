//! Waiting until a service works, and until what was deleted has gone.
//!
//! A service works once this very update has ended, all of its tasks run, and those same tasks go on running for the hold
//! time: one that crashes again and again passes through *running* each time. What can't work is found out as soon as
//! the engine has said so often enough, not at the deadline.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sprocket_core::kind::{Deadline, ProviderError, Recorded};
use tokio::time::{Instant, sleep};

use super::judge::{Progress, Seen, Stuck, Task, VerifyReport, failed_container, host_ports, is_replacing, judge};
use super::not_ready::{Cause, NotReady};
use super::policy::Health;
use super::{Service, inspect, placement};
use crate::client::encode;
use crate::error::DockerError;
use crate::provider::Docker;
use crate::wait::PACE;

/// How long tasks must go on running: as long as the engine itself watches them.
const HOLD: Duration = Duration::from_secs(5);
/// With a health check they count as running only once it has succeeded.
const HOLD_HEALTHY: Duration = Duration::from_secs(1);
/// For how long the engine is asked often, and how often afterwards.
const FAST: Duration = Duration::from_secs(10);
const SLOW_PACE: Duration = Duration::from_secs(1);
/// Tasks that run for this long by our own clock need no watching, even if the clocks differ a little.
const OLD: SignedDuration = SignedDuration::from_secs(30);
/// How long a task may have no node that is as asked for: nodes come and go.
const NO_NODE: Duration = Duration::from_secs(5);
/// How long a port or room may be taken: what had it may be stopping.
const TAKEN: Duration = Duration::from_secs(15);

/// Waits until the service works.
pub(crate) async fn wait(docker: &Docker, record: &Recorded<Service>, deadline: Deadline) -> Result<(), DockerError> {
    let fails = |cause| DockerError::from(Box::new(NotReady { service: record.name.to_string(), cause }));
    let hold = match &record.spec.health {
        Some(Health::Check(_)) => HOLD_HEALTHY,
        _ => HOLD,
    };
    let mut held: Option<(BTreeSet<String>, Instant)> = None;
    let mut stuck: Option<(Stuck, Instant)> = None;
    let start = Instant::now();
    loop {
        let Some(service) = inspect(docker, record.id.as_str()).await? else { return Err(fails(Cause::Gone)) };
        let tasks = match tasks(docker, record).await {
            Err(error) if error.is_not_found() => return Err(fails(Cause::Gone)),
            tasks => tasks?,
        };
        let eligible = match record.spec.global {
            true => placement::eligible(&record.spec, &nodes(docker).await?),
            false => 0,
        };
        let seen = Seen { spec: &record.spec, service: &service, tasks, eligible };
        let mut progress = Progress::default();
        match judge(&seen) {
            VerifyReport::Fails(cause) => return Err(fails(refined(docker, &seen, cause).await)),
            VerifyReport::Runs { tasks, since, proven } => {
                stuck = None;
                let is_old = since.is_some_and(|since| Timestamp::now().duration_since(since) > OLD);
                let from = match held.take() {
                    Some((same, from)) if same == tasks => from,
                    _ => Instant::now(),
                };
                if proven || is_old || from.elapsed() >= hold {
                    return Ok(());
                }
                progress.running = tasks.len() as u64;
                progress.wanted = progress.running;
                progress.pending = Some(format!("runs for less than {} s", hold.as_secs()));
                held = Some((tasks, from));
            }
            VerifyReport::NotYet(now) => {
                held = None;
                progress = now;
                stuck = match (progress.stuck.take().filter(|_| !is_replacing(&seen)), stuck) {
                    (Some(now), Some((same, from))) if now == same => Some((now, from)),
                    (now, _) => now.map(|now| (now, Instant::now())),
                };
            }
        }
        if let Some((why, from)) = &stuck
            && let Some(cause) = give_up(docker, record, why, from.elapsed()).await?
        {
            return Err(fails(cause));
        }
        if deadline.is_over() {
            let Progress { running, wanted, pending, .. } = progress;
            return Err(fails(Cause::TooSlow { seconds: deadline.limit().as_secs(), running, wanted, pending }));
        }
        let pace = if start.elapsed() < FAST { PACE } else { SLOW_PACE };
        sleep(pace.min(deadline.left())).await;
    }
}

/// A container that was told to stop because it was not well can end with 0, like one that has finished. What really
/// happened is known to its node alone, as long as the container is kept; where it can't be asked, the first cause stays.
async fn refined(docker: &Docker, seen: &Seen<'_>, cause: Cause) -> Cause {
    let Cause::CrashLoop { times, .. } = cause else { return cause };
    let Some(container) = failed_container(seen) else { return cause };
    let path = format!("/containers/{}/json", encode(container));
    let Ok(found) = docker.client.get("look at a failed container", path).await else { return cause };
    let retries = found["Config"]["Healthcheck"]["Retries"].as_u64().filter(|retries| *retries > 0).unwrap_or(3);
    let streak = found["State"]["Health"]["FailingStreak"].as_u64().unwrap_or(0);
    if found["State"]["OOMKilled"] == true {
        return Cause::OutOfMemory { times, limit: seen.spec.limits.memory.map(|memory| memory.0) };
    }
    if streak >= retries { Cause::Unhealthy { times } } else { cause }
}

/// What keeps a task from a node, once it has done so for long enough.
async fn give_up(
    docker: &Docker,
    record: &Recorded<Service>,
    stuck: &Stuck,
    since: Duration,
) -> Result<Option<Cause>, DockerError> {
    let limit = if matches!(stuck, Stuck::Placement(_)) { NO_NODE } else { TAKEN };
    if since < limit {
        return Ok(None);
    }
    Ok(Some(match stuck {
        Stuck::Port(error) => Cause::PortTaken { ports: host_ports(&record.spec), error: error.clone() },
        Stuck::Placement(error) | Stuck::Room(error) => {
            let asked = placement::explain(&record.spec, &nodes(docker).await?);
            Cause::NoNode { error: error.clone(), asked }
        }
    }))
}

/// Waits until the tasks of a deleted service have gone: until then, they hold its networks, volumes and ports.
pub(crate) async fn tasks_gone(docker: &Docker, record: &Recorded<Service>) -> Result<(), DockerError> {
    let limit = record.spec.stop_grace_period.duration() + Duration::from_secs(60);
    let end = Instant::now() + limit;
    let what = format!("list the tasks of service `{}`", record.name);
    loop {
        // Asked for by service, the engine first looks the service up, and finds none.
        let listed = docker.client.get(&what, "/tasks".into()).await?;
        let mut tasks = listed.as_array().into_iter().flatten();
        let ended = ["complete", "shutdown", "failed", "rejected", "orphaned"];
        let holds = |task: &Value| !ended.iter().any(|state| task["Status"]["State"] == *state);
        if !tasks.any(|task| task["ServiceID"] == record.id.as_str() && holds(task)) {
            return Ok(());
        }
        if Instant::now() >= end {
            let what = format!("service `{}`", record.name);
            return Err(DockerError::Lingers { what, seconds: limit.as_secs() });
        }
        sleep(PACE).await;
    }
}

/// All tasks of a service, each with whether it has the present settings.
pub(crate) async fn tasks(docker: &Docker, record: &Recorded<Service>) -> Result<Vec<Task>, DockerError> {
    let what = format!("list the tasks of service `{}`", record.name);
    let path = |filters: Value| format!("/tasks?filters={}", encode(&filters.to_string()));
    let id = record.id.as_str();
    let present = docker.client.get(&what, path(json!({ "service": [id], "_up-to-date": ["true"] }))).await?;
    let all = docker.client.get(&what, path(json!({ "service": [id] }))).await?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let present: BTreeSet<String> =
        list(&present).iter().filter_map(|task| task["ID"].as_str()).map(ToOwned::to_owned).collect();
    Ok(list(&all).iter().map(|task| Task::of(task, &present)).collect())
}

pub(crate) async fn nodes(docker: &Docker) -> Result<Value, DockerError> {
    docker.client.get("list nodes", "/nodes".into()).await
}

/// The nodes that the service's tasks run on.
pub(crate) async fn running_nodes(
    docker: &Docker,
    record: &Recorded<Service>,
) -> Result<BTreeSet<String>, DockerError> {
    let what = format!("list the tasks of service `{}`", record.name);
    let filters = json!({ "service": [record.id.as_str()] }).to_string();
    let listed = docker.client.get(&what, format!("/tasks?filters={}", encode(&filters))).await?;
    Ok(super::verify::nodes_of(&listed))
}
