//! A Vault: its HTTP API, version 1.
//!
//! - [`book`]: what is kept.
//! - [`seal`]: initialising, sealing and unsealing; [`tokens`]; [`mounts`] and policies; [`kv`]: secrets.
//!
//! Policies are kept and not weighed.

mod book;
mod kv;
mod mounts;
mod refusal;
mod seal;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use self::book::Book;
use self::refusal::Refusal;
use crate::error::SandboxError;
use crate::faults::Faults;
use crate::http::{Answer, Call, Handler, serve};
use crate::service::Service;
use crate::world::{Kept, World};

/// The server.
#[derive(Debug)]
pub(crate) struct Vault {
    book: Kept<Book>,
}

/// What a call gives: a status and a body, or a refusal.
type Given = Result<(StatusCode, Value), Refusal>;

fn found(body: Value) -> (StatusCode, Value) {
    (StatusCode::OK, body)
}

impl Service for Vault {
    const NAME: &'static str = "vault";

    async fn start(world: &World, faults: &Faults) -> Result<SocketAddr, SandboxError> {
        let vault = Arc::new(Self { book: world.kept(<Self as Service>::NAME)? });
        let listener = world.listen(<Self as Service>::NAME).await?;
        let failed = |source| SandboxError::Start { service: <Self as Service>::NAME, source };
        let address = listener.local_addr().map_err(failed)?;
        serve(listener, faults.clone(), vault);
        Ok(address)
    }
}

impl Handler for Vault {
    const NAME: &'static str = "vault";

    async fn answer(&self, call: Call) -> Answer {
        let given = if call.method == Method::GET {
            // A look changes nothing, and writes no file.
            self.book.read(|book| look(book, &call))
        } else {
            self.book.change(|book| act(book, &call)).unwrap_or_else(|error| Some(Err(error.into())))
        };
        match given {
            None => self.unknown(&call),
            Some(Ok((status, Value::Null))) => Answer::empty(status),
            Some(Ok((status, body))) => Answer::json(status, &body),
            Some(Err(Refusal { status, message: Some(message) })) => self.error(status, &message),
            Some(Err(Refusal { status, message: None })) => Answer::json(status, &json!({ "errors": [] })),
        }
    }

    fn error(&self, status: StatusCode, message: &str) -> Answer {
        Answer::json(status, &json!({ "errors": [message] }))
    }
}

fn token(call: &Call) -> &str {
    call.headers.get("x-vault-token").and_then(|token| token.to_str().ok()).unwrap_or_default()
}

/// The part of the path after the version.
fn path(call: &Call) -> &str {
    call.path.strip_prefix("/v1/").unwrap_or_default().trim_end_matches('/')
}

/// Whether whoever calls may do this.
fn allow(book: &Book, call: &Call) -> Result<(), Refusal> {
    book.open()?;
    tokens::allow(book, token(call), path(call))
}

/// The mount with the longest path that a path begins with, and what comes after it.
fn mount<'p>(book: &Book, path: &'p str) -> Option<(String, &'p str)> {
    let inside = |mount: &String| Some((mount.clone(), path.strip_prefix(mount.as_str())?.strip_prefix('/')?));
    book.mounts.keys().filter_map(inside).max_by_key(|(mount, _)| mount.len())
}

fn no_route(path: &str) -> Given {
    Err(Refusal::new(StatusCode::NOT_FOUND, format!("no handler for route \"{path}\". route entry not found.")))
}

fn look(book: &Book, call: &Call) -> Option<Given> {
    let path = path(call);
    match path {
        "sys/seal-status" => return Some(Ok(found(seal::status(book)))),
        "sys/health" => return Some(seal::health(book)),
        _ => {}
    }
    if let Err(refusal) = allow(book, call) {
        return Some(Err(refusal));
    }
    Some(match path {
        "auth/token/lookup-self" => tokens::look_up(book, token(call)),
        "sys/mounts" => mounts::list(book),
        _ => match (path.strip_prefix("sys/mounts/"), policy(path)) {
            (Some(mount), _) => mounts::read(book, mount),
            (_, Some(name)) => mounts::policy(book, name),
            _ if path.starts_with("sys/") || path.starts_with("auth/") => return None,
            _ => match mount(book, path) {
                Some((mount, rest)) => return kv::look(book, &mount, rest),
                None => no_route(path),
            },
        },
    })
}

/// The name of a policy, in either of the paths that there are for it.
fn policy(path: &str) -> Option<&str> {
    path.strip_prefix("sys/policies/acl/").or_else(|| path.strip_prefix("sys/policy/"))
}

fn act(book: &mut Book, call: &Call) -> Option<Given> {
    let (method, path, body) = (call.method.as_str(), path(call), call.json());
    let writes = ["POST", "PUT"].contains(&method);
    match path {
        "sys/init" if writes => return Some(seal::init(book, &body)),
        "sys/unseal" if writes => return Some(seal::unseal(book, &body)),
        _ => {}
    }
    if let Err(refusal) = allow(book, call) {
        return Some(Err(refusal));
    }
    Some(match (method, path) {
        ("POST" | "PUT", "sys/seal") => seal::seal(book),
        ("POST" | "PUT", "auth/token/renew-self") => tokens::renew(book, token(call)),
        ("POST" | "PUT", "auth/token/revoke-self") => tokens::revoke(book, token(call)),
        ("POST" | "PUT", "auth/token/create" | "auth/token/create-orphan") => tokens::create(book, &body),
        ("LIST", "sys/policies/acl") => mounts::policies(book),
        _ => match (method, path.strip_prefix("sys/mounts/"), policy(path)) {
            ("POST" | "PUT", Some(mount), _) => match mount.strip_suffix("/tune") {
                Some(mount) => mounts::tune(book, mount, &body),
                None => mounts::enable(book, mount, &body),
            },
            ("DELETE", Some(mount), _) => mounts::disable(book, mount),
            ("POST" | "PUT", _, Some(name)) => mounts::write_policy(book, name, &body),
            ("DELETE", _, Some(name)) => mounts::delete_policy(book, name),
            _ if path.starts_with("sys/") || path.starts_with("auth/") => return None,
            _ => match mount(book, path) {
                Some((mount, rest)) => return kv::act(book, method, &mount, rest, &body),
                None => no_route(path),
            },
        },
    })
}
