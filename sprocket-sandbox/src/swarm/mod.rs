//! A Docker engine that is the manager of a swarm of one node: its HTTP API, version 1.41.
//!
//! - [`book`]: what is kept: networks, volumes, configs, secrets, services, as the API shows them.
//! - [`networks`], [`volumes`], [`contents`]: the calls on each.

mod book;
mod contents;
mod networks;
mod refusal;
mod volumes;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use self::book::Book;
use self::refusal::Refusal;
use crate::error::SandboxError;
use crate::faults::Faults;
use crate::http::{Answer, Call, Handler, serve};
use crate::service::Service;
use crate::world::{Kept, World};

/// The manager.
#[derive(Debug)]
pub(crate) struct Swarm {
    book: Kept<Book>,
}

impl Service for Swarm {
    const NAME: &'static str = "swarm";

    async fn start(world: &World, faults: &Faults) -> Result<SocketAddr, SandboxError> {
        let swarm = Arc::new(Self { book: world.kept(<Self as Service>::NAME)? });
        let listener = world.listen(<Self as Service>::NAME).await?;
        let failed = |source| SandboxError::Start { service: <Self as Service>::NAME, source };
        let address = listener.local_addr().map_err(failed)?;
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
            (&Method::DELETE, ["networks", key]) => self.change(|book| networks::delete(book, key, |_| None)),

            (&Method::GET, ["volumes"]) => self.book.read(volumes::list),
            (&Method::GET, ["volumes", name]) => self.book.read(|book| volumes::inspect(book, name)),
            (&Method::POST, ["volumes", "create"]) => self.change(|book| volumes::create(book, &body())),
            (&Method::DELETE, ["volumes", name]) => self.change(|book| volumes::delete(book, name, |_| None)),

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
            _ => return Ok(None),
        };
        given.map(Some)
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
