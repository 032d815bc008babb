//! The tasks of all services, and what the manager does with them by itself: it starts and stops them, replaces those that
//! have ended, and moves each on through its states.
//!
//! **Invariant:** it reads the book and changes tasks; what is to change in the book it returns as [`Edit`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::book::{Book, list, text};
use super::image::{self, Health};
use super::services::is_ingress;
use super::tasks::{State, Task, Wanted};
use super::update::Rollout;
use super::{emulators, placement};
use crate::faults::Faults;

/// How long a container takes to stop.
const STOPS: Duration = Duration::from_millis(100);
/// How long a task told to fail runs.
const FAILS_AFTER: Duration = Duration::from_millis(200);
/// How many tasks of a place are remembered after their end.
const HISTORY: usize = 5;

/// What is to change in the book.
#[derive(Debug)]
pub(crate) enum Edit {
    /// An update goes on, or has ended.
    Status { service: String, status: Value },
    /// The settings of before the update are to be had again.
    RollBack { service: String },
    /// A task has a volume that nobody has made.
    Volume { name: String },
}

/// The tasks.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) tasks: Vec<Task>,
    /// The updates under way, by service.
    pub(crate) rollouts: BTreeMap<String, Rollout>,
    faults: Faults,
    /// The port of the sandbox's Vault.
    vault: Option<u16>,
}

impl Crew {
    pub(crate) fn new(faults: Faults, vault: Option<u16>) -> Self {
        Self { tasks: Vec::new(), rollouts: BTreeMap::new(), faults, vault }
    }

    /// Brings the tasks of a world that was kept to where they were: for who looks, they never stopped.
    pub(crate) fn resume(&mut self, book: &Book) {
        // One look for each state.
        for _ in 0..State::Running as u8 {
            self.step(book);
        }
        for task in self.tasks.iter_mut().filter(|task| task.state == State::Starting) {
            if !matches!(image::health(&task.template), Health::Ill { .. }) {
                task.enter(State::Running);
            }
        }
    }

    /// Does what is to be done now.
    pub(crate) fn step(&mut self, book: &Book) -> Vec<Edit> {
        let mut edits = Vec::new();
        let there: BTreeSet<&str> = book.services.iter().map(|service| text(service, &["ID"])).collect();
        for task in self.tasks.iter_mut().filter(|task| !there.contains(task.service.as_str())) {
            task.wanted = Wanted::Shutdown;
        }
        self.rollouts.retain(|service, _| there.contains(service.as_str()));
        for service in &book.services {
            self.fill(book, service);
            self.update(service, &mut edits);
        }
        for place in 0..self.tasks.len() {
            self.advance(book, place, &mut edits);
        }
        self.forget(&there);
        edits
    }

    pub(crate) fn of<'c>(&'c self, service: &'c str) -> impl Iterator<Item = &'c Task> {
        self.tasks.iter().filter(move |task| task.service == service)
    }

    /// Gives each place of a service a task, and ends those that have none.
    fn fill(&mut self, book: &Book, service: &Value) {
        let id = text(service, &["ID"]);
        let slots: Vec<Option<u64>> = match service["Spec"]["Mode"]["Replicated"]["Replicas"].as_u64() {
            Some(count) => (1..=count).map(Some).collect(),
            None if service["Spec"]["Mode"].get("Global").is_none() => vec![Some(1)],
            None if placement::misfit(&service["Spec"]["TaskTemplate"], book).is_none() => vec![None],
            None => Vec::new(),
        };
        for task in self.tasks.iter_mut().filter(|task| task.service == id && !slots.contains(&task.slot)) {
            task.wanted = Wanted::Shutdown;
        }
        for slot in slots {
            let in_slot: Vec<&Task> = self.of(id).filter(|task| task.slot == slot).collect();
            if in_slot.iter().any(|task| task.is_active()) {
                continue;
            }
            if in_slot.iter().all(|task| task.has_ended()) && may_start(service, &in_slot) {
                let task = Task::new(service, slot, Wanted::Running);
                if let Some(rollout) = self.rollouts.get_mut(id) {
                    rollout.made(&task.id);
                }
                self.tasks.push(task);
            }
        }
    }

    /// Moves one task on.
    fn advance(&mut self, book: &Book, place: usize, edits: &mut Vec<Edit>) {
        let busy = self.ports_in_use(place);
        let alone = {
            let task = &self.tasks[place];
            !self.of(&task.service).any(|other| other.id != task.id && other.slot == task.slot && !other.has_ended())
        };
        let ending = self.faults.ending(&self.tasks[place].service_name);
        let task = &mut self.tasks[place];
        if task.has_ended() {
            return;
        }
        if task.wanted == Wanted::Shutdown {
            return stop(task);
        }
        if task.wanted == Wanted::Ready && alone {
            task.wanted = Wanted::Running;
        }
        match task.state {
            State::New => task.enter(State::Pending),
            State::Pending => match placement::misfit(&task.template, book).or_else(|| placement::taken(task, &busy)) {
                Some(misfit) => task.error = format!("no suitable node ({misfit} on 1 node)"),
                None => {
                    task.error.clear();
                    task.enter(State::Assigned);
                }
            },
            State::Assigned => task.enter(State::Preparing),
            State::Preparing if image::exists(task.image()) => task.enter(State::Ready),
            State::Preparing => {
                let error = format!("No such image: {}", task.image());
                task.fail(State::Rejected, error);
            }
            State::Ready if task.wanted == Wanted::Running => {
                task.enter(State::Starting);
                let missing = task.volumes().filter(|name| book.volumes.iter().all(|volume| volume["Name"] != **name));
                edits.extend(missing.map(|name| Edit::Volume { name: name.to_owned() }));
                if let Err(error) = open_ports(task, book, self.vault) {
                    task.fail(State::Failed, error);
                }
            }
            State::Starting => match image::health(&task.template) {
                Health::Ill { after } if task.in_state_for() >= after => task.exit(137),
                Health::Ill { .. } => end_by_itself(task, ending),
                Health::Well { after } if task.in_state_for() < after => end_by_itself(task, ending),
                Health::Well { .. } | Health::Unchecked => task.enter(State::Running),
            },
            State::Running => {
                bind_rest(task, book, self.vault);
                end_by_itself(task, ending);
            }
            _ => {}
        }
    }

    /// The ports of the node that other tasks have.
    fn ports_in_use(&self, place: usize) -> BTreeSet<u16> {
        let others = self
            .tasks
            .iter()
            .enumerate()
            .filter(|(other, task)| *other != place && !task.has_ended() && task.state >= State::Assigned);
        others.flat_map(|(_, task)| task.host_ports()).map(|(port, _)| port).collect()
    }

    /// Old tasks of a place go, and those of services that are no more.
    fn forget(&mut self, there: &BTreeSet<&str>) {
        let mut kept: BTreeMap<(String, Option<u64>), usize> = BTreeMap::new();
        let mut keep = Vec::with_capacity(self.tasks.len());
        for task in self.tasks.iter().rev() {
            let count = kept.entry((task.service.clone(), task.slot)).or_default();
            *count += usize::from(task.has_ended());
            keep.push(!task.has_ended() || (there.contains(task.service.as_str()) && *count <= HISTORY));
        }
        let mut keep = keep.into_iter().rev();
        self.tasks.retain(|_| keep.next().unwrap_or(true));
    }
}

/// Whether a place whose tasks have all ended gets another one now.
fn may_start(service: &Value, ended: &[&Task]) -> bool {
    let Some(last) = ended.last() else { return true };
    // It was told to stop, or had other settings: what ended it says nothing of the next one.
    if last.state == State::Shutdown || last.is_dirty(service) {
        return true;
    }
    let policy = &service["Spec"]["TaskTemplate"]["RestartPolicy"];
    let failed = matches!(last.state, State::Failed | State::Rejected);
    let again = match text(policy, &["Condition"]) {
        "none" => false,
        "on-failure" => failed,
        _ => true,
    };
    let tries = policy["MaxAttempts"].as_u64().filter(|tries| *tries > 0);
    let tried = ended.iter().filter(|task| !task.is_dirty(service)).count();
    let delay = Duration::from_nanos(policy["Delay"].as_u64().unwrap_or(5_000_000_000));
    again && tries.is_none_or(|tries| tried as u64 <= tries) && last.in_state_for() >= delay
}

fn stop(task: &mut Task) {
    if task.state < State::Starting {
        return task.enter(State::Shutdown);
    }
    // Its ports are free from the moment it is told to.
    task.servers.drain(..).for_each(|server| server.abort());
    let since = *task.stopping.get_or_insert_with(Instant::now);
    if since.elapsed() >= STOPS {
        task.enter(State::Shutdown);
    }
}

fn end_by_itself(task: &mut Task, ending: Option<i64>) {
    if ending.is_some() && task.state != State::Running {
        return;
    }
    let ends = ending.map(|code| (FAILS_AFTER, code)).or_else(|| image::ends(&task.template));
    if let Some((after, code)) = ends
        && task.in_state_for() >= after
    {
        task.exit(code);
    }
}

/// Takes the ports of a container.
fn open_ports(task: &mut Task, book: &Book, vault: Option<u16>) -> Result<(), String> {
    for (port, inside) in task.host_ports() {
        match serve(task, book, (port, inside), vault) {
            Ok(server) => task.servers.push(server),
            Err(_) => {
                return Err(format!(
                    "starting container failed: driver failed programming external connectivity on endpoint {} ({}): Error starting userland proxy: listen tcp4 0.0.0.0:{port}: bind: address already in use",
                    task.service_name, task.id
                ));
            }
        }
    }
    let service = book.services.iter().find(|service| service["ID"] == task.service.as_str());
    task.unbound = service.map(|service| task.ports(&service["Endpoint"], is_ingress)).unwrap_or_default();
    Ok(())
}

/// An ingress port is one for all tasks of a service: who comes first answers, and another one when that has gone.
fn bind_rest(task: &mut Task, book: &Book, vault: Option<u16>) {
    for (port, inside) in std::mem::take(&mut task.unbound) {
        match serve(task, book, (port, inside), vault) {
            Ok(server) => task.servers.push(server),
            Err(_) => task.unbound.push((port, inside)),
        }
    }
}

fn serve(
    task: &Task,
    book: &Book,
    (port, inside): (u16, u64),
    vault: Option<u16>,
) -> std::io::Result<tokio::task::AbortHandle> {
    emulators::listen(port, image::speaks(task.image(), inside), redis_password(task, book), vault)
}

/// What a Redis asks for: `requirepass` of the file that it is given, or of its arguments.
fn redis_password(task: &Task, book: &Book) -> Option<String> {
    let container = &task.template["ContainerSpec"];
    let args: Vec<&str> = list(&container["Args"]).filter_map(Value::as_str).collect();
    let told = args.windows(2).find(|pair| pair[0] == "--requirepass").map(|pair| pair[1].to_owned());
    let file = || {
        let shown = list(&container["Secrets"]).map(|shown| (shown, "SecretID", &book.secrets));
        let shown = shown.chain(list(&container["Configs"]).map(|shown| (shown, "ConfigID", &book.configs)));
        let mut settings = shown.filter_map(|(shown, id, objects)| {
            let name = text(shown, &["File", "Name"]);
            let path = if name.starts_with('/') { name.to_owned() } else { format!("/run/secrets/{name}") };
            let object = objects.iter().find(|object| object["ID"] == shown[id])?;
            args.contains(&path.as_str()).then(|| super::contents::decoded(text(object, &["Spec", "Data"])))
        });
        let settings = settings.next()?;
        settings.lines().find_map(|line| line.strip_prefix("requirepass ")).map(|word| word.trim().to_owned())
    };
    told.or_else(file)
}

/// What a node says of a container of its, as far as somebody wants to know why it failed.
pub(crate) fn container(crew: &Crew, id: &str) -> Option<Value> {
    let task = crew.tasks.iter().find(|task| task.container.as_deref() == Some(id))?;
    let check = &task.template["ContainerSpec"]["Healthcheck"];
    let failures = match image::health(&task.template) {
        Health::Ill { .. } => check["Retries"].as_u64().unwrap_or(3),
        _ => 0,
    };
    Some(json!({
        "Id": id, "Config": { "Image": task.image(), "Healthcheck": check },
        "State": { "ExitCode": task.exit_code.unwrap_or(0), "OOMKilled": false, "Health": { "FailingStreak": failures } },
    }))
}
