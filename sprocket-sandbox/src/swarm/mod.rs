//! A Docker engine that is the manager of a swarm of one node: its HTTP API, version 1.41.
//!
//! - [`book`]: what is kept: networks, volumes, configs, secrets, services, as the API shows them.
//! - [`networks`], [`volumes`], [`contents`], [`services`]: the calls on each.
//! - [`tasks`]: tasks and their states; [`crew`]: what the manager does with them by itself; [`update`]: rolling updates;
//!   [`placement`]: why the node can't have one.
//! - [`image`]: what the containers of an image do; [`emulators`]: who answers on their ports.
//!
//! Tasks are not kept: a second start begins with new ones.

mod book;
mod contents;
mod crew;
mod emulators;
mod image;
mod networks;
mod placement;
mod refusal;
mod services;
mod tasks;
mod update;
mod volumes;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use self::book::{Book, text};
use self::crew::{Crew, Edit};
use self::refusal::Refusal;
use crate::error::SandboxError;
use crate::faults::Faults;
use crate::http::{Answer, Call, Handler, serve};
use crate::service::Service;
use crate::vault::Vault;
use crate::world::{Kept, World};

/// The manager.
#[derive(Debug)]
pub(crate) struct Swarm {
    /// Locked after the crew, where both are.
    book: Kept<Book>,
    crew: Mutex<Crew>,
}

/// How often the manager looks after its tasks. Each look moves a task on by one state.
const PACE: Duration = Duration::from_millis(20);

impl Service for Swarm {
    const NAME: &'static str = "swarm";

    async fn start(world: &World, faults: &Faults) -> Result<SocketAddr, SandboxError> {
        let mut crew = Crew::new(faults.clone(), world.port(<Vault as Service>::NAME));
        let book = world.kept(<Self as Service>::NAME)?;
        book.read(|book| crew.resume(book));
        let swarm = Arc::new(Self { book, crew: Mutex::new(crew) });
        let listener = world.listen(<Self as Service>::NAME).await?;
        let failed = |source| SandboxError::Start { service: <Self as Service>::NAME, source };
        let address = listener.local_addr().map_err(failed)?;
        let manager = Arc::clone(&swarm);
        tokio::spawn(async move {
            loop {
                manager.manage();
                tokio::time::sleep(PACE).await;
            }
        });
        serve(listener, faults.clone(), swarm);
        Ok(address)
    }
}

/// What a call gives: a status and a body, or a refusal.
type Given = Result<(StatusCode, Value), Refusal>;

fn found(body: Value) -> Given {
    Ok((StatusCode::OK, body))
}

impl Handler for Swarm {
    const NAME: &'static str = <Self as Service>::NAME;

    async fn answer(&self, call: Call) -> Answer {
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        // `/v1.41/services` and `/services` are the same.
        let path = match path.first() {
            Some(first) if first.starts_with("v1.") => &path[1..],
            _ => &path[..],
        };
        if path == ["_ping"] {
            let mut answer = Answer::empty(StatusCode::OK);
            answer.body = "OK".into();
            answer.headers.insert("Api-Version", HeaderValue::from_static("1.41"));
            return answer;
        }
        match self.call(&call, path) {
            Ok(Some((status, Value::Null))) => Answer::empty(status),
            Ok(Some((status, body))) => Answer::json(status, &body),
            Ok(None) => self.unknown(&call),
            Err(Refusal { status, message }) => self.error(status, &message),
        }
    }
}

impl Swarm {
    /// Does a call; none if there is no such call.
    fn call(&self, call: &Call, path: &[&str]) -> Result<Option<(StatusCode, Value)>, Refusal> {
        let body = || call.json();
        let given = match (&call.method, path) {
            (&Method::GET, ["version"]) => found(version()),
            (&Method::GET, ["info"]) => self.book.read(|book| found(info(book))),
            (&Method::GET, ["nodes"]) => self.book.read(|book| found(json!([node(book)]))),

            (&Method::GET, ["networks"]) => self.book.read(networks::list),
            (&Method::GET, ["networks", key]) => self.book.read(|book| networks::inspect(book, key)),
            (&Method::POST, ["networks", "create"]) => self.change(|book| networks::create(book, &body())),
            (&Method::DELETE, ["networks", key]) => {
                let crew = self.crew();
                let on = |network: &str| crew.tasks.iter().find(|task| !task.has_ended() && task.is_on(network));
                self.change(|book| networks::delete(book, key, |network| on(network).map(|task| task.id.clone())))
            }

            (&Method::GET, ["volumes"]) => self.book.read(volumes::list),
            (&Method::GET, ["volumes", name]) => self.book.read(|book| volumes::inspect(book, name)),
            (&Method::POST, ["volumes", "create"]) => self.change(|book| volumes::create(book, &body())),
            (&Method::DELETE, ["volumes", name]) => {
                let crew = self.crew();
                let with = |name: &str| crew.tasks.iter().find(|task| !task.has_ended() && task.has_volume(name));
                self.change(|book| volumes::delete(book, name, |name| with(name)?.container.clone()))
            }

            (method, [kind @ ("configs" | "secrets"), rest @ ..]) => {
                let kind = if *kind == "configs" { contents::CONFIGS } else { contents::SECRETS };
                match (method, rest) {
                    (&Method::GET, []) => self.book.read(|book| kind.list(book)),
                    (&Method::GET, [key]) => self.book.read(|book| kind.inspect(book, key)),
                    (&Method::POST, ["create"]) => self.change(|book| kind.create(book, &body())),
                    (&Method::POST, [key, "update"]) => {
                        self.change(|book| kind.update(book, key, call.query.get("version"), &body()))
                    }
                    (&Method::DELETE, [key]) => self.change(|book| kind.delete(book, key)),
                    _ => return Ok(None),
                }
            }

            (&Method::GET, ["services"]) => self.book.read(services::list),
            (&Method::GET, ["services", key]) => self.book.read(|book| services::inspect(book, key)),
            (&Method::POST, ["services", "create"]) => self.change(|book| services::create(book, &body())),
            (&Method::POST, ["services", key, "update"]) => {
                let mut crew = self.crew();
                let given = self.change(|book| services::update(book, key, call.query.get("version"), &body()));
                // One that was under way is over: what it has not reached is the next one's.
                self.book
                    .read(|book| services::at(book, key).map(|at| text(&book.services[at], &["ID"]).to_owned()))
                    .ok()
                    .filter(|_| given.is_ok())
                    .and_then(|id| crew.rollouts.remove(&id));
                given
            }
            (&Method::DELETE, ["services", key]) => self.change(|book| services::delete(book, key)),
            (&Method::GET, ["tasks"]) => {
                let crew = self.crew();
                self.book.read(|book| tasks(book, &crew, call.query.get("filters")))
            }
            (&Method::GET, ["containers", id, "json"]) => match crew::container(&self.crew(), id) {
                Some(container) => found(container),
                None => Err(Refusal::not_found(format!("No such container: {id}"))),
            },
            _ => return Ok(None),
        };
        given.map(Some)
    }

    fn crew(&self) -> MutexGuard<'_, Crew> {
        self.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the manager does by itself.
    fn manage(&self) {
        let mut crew = self.crew();
        let edits = self.book.read(|book| crew.step(book));
        if edits.is_empty() {
            return;
        }
        // What can't be kept is known to this process, and is found out again by the next.
        let _ = self.change(|book| {
            edits.into_iter().for_each(|edit| apply(book, edit));
            found(Value::Null)
        });
    }

    /// Changes the book; what could not be kept is an error of the engine.
    fn change(&self, f: impl FnOnce(&mut Book) -> Given) -> Given {
        self.book.change(f).unwrap_or_else(|error| Err(Refusal::internal(&error)))
    }
}

fn version() -> Value {
    json!({
        "Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64",
        "Components": [],
    })
}

fn info(book: &Book) -> Value {
    json!({
        "ID": "sandbox", "Name": "sandbox", "ServerVersion": "20.10.24", "OSType": "linux", "Architecture": "x86_64",
        "Swarm": {
            "NodeID": book.node, "NodeAddr": "127.0.0.1", "LocalNodeState": "active", "ControlAvailable": true,
            "Error": "", "Nodes": 1, "Managers": 1, "Cluster": { "ID": book.cluster },
        },
    })
}

fn node(book: &Book) -> Value {
    json!({
        "ID": book.node, "Version": { "Index": 9 },
        "Spec": { "Labels": {}, "Role": "manager", "Availability": "active" },
        "Description": {
            "Hostname": "sandbox", "Platform": { "Architecture": "x86_64", "OS": "linux" },
            "Resources": { "NanoCPUs": 8_000_000_000_u64, "MemoryBytes": 68_719_476_736_u64 },
            "Engine": { "EngineVersion": "20.10.24" },
        },
        "Status": { "State": "ready", "Addr": "127.0.0.1" },
        "ManagerStatus": { "Leader": true, "Reachability": "reachable", "Addr": "127.0.0.1:2377" },
    })
}

fn apply(book: &mut Book, edit: Edit) {
    match edit {
        Edit::Volume { name } => volumes::make_missing(book, &name),
        Edit::RollBack { service } => services::roll_back(book, &service),
        Edit::Status { service, status } => {
            let index = book.next();
            if let Some(service) = book.services.iter_mut().find(|found| found["ID"] == service.as_str()) {
                service["UpdateStatus"] = status;
                book::touch(service, index);
            }
        }
    }
}

/// Tasks: all of them, those of a service, or those of them that have its present settings.
fn tasks(book: &Book, crew: &Crew, filters: Option<&String>) -> Given {
    let filters: Value = filters.and_then(|filters| serde_json::from_str(filters).ok()).unwrap_or_default();
    let mut services = Vec::new();
    let mut up_to_date = false;
    for (filter, values) in filters.as_object().into_iter().flatten() {
        // In its older form a filter is a set: `{"service": {"id": true}}`.
        let values = match values {
            Value::Object(set) => set.keys().cloned().collect(),
            list => book::list(list).filter_map(Value::as_str).map(ToOwned::to_owned).collect::<Vec<_>>(),
        };
        match filter.as_str() {
            "service" => {
                for key in values {
                    services.push(text(&book.services[services::at(book, &key)?], &["ID"]).to_owned());
                }
            }
            "_up-to-date" => up_to_date = values.iter().any(|value| value == "true"),
            other => {
                let message = format!("the sandbox has no filter `{other}` for tasks");
                return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
            }
        }
    }
    let is_wanted = |task: &&tasks::Task| {
        let service = || book.services.iter().find(|service| service["ID"] == task.service.as_str());
        (services.is_empty() || services.contains(&task.service))
            && (!up_to_date || service().is_some_and(|service| !task.is_dirty(service)))
    };
    found(crew.tasks.iter().filter(is_wanted).map(|task| task.shown(&book.node)).collect())
}
