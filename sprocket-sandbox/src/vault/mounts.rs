//! Mounts and policies.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::book::{Book, Mount, id, text, uuid, wrapped};
use super::refusal::Refusal;
use super::{Given, found};

const DONE: (StatusCode, Value) = (StatusCode::NO_CONTENT, Value::Null);

fn shown(mount: &Mount) -> Value {
    json!({
        "accessor": mount.accessor,
        "config": { "default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0 },
        "description": mount.description,
        "external_entropy_access": false,
        "local": false,
        "options": mount.options,
        "seal_wrap": false,
        "type": mount.engine,
        "uuid": mount.uuid,
    })
}

pub(super) fn list(book: &Book) -> Given {
    let mounts: BTreeMap<_, _> = book.mounts.iter().map(|(path, mount)| (format!("{path}/"), shown(mount))).collect();
    Ok(found(wrapped(json!(mounts), Value::Null)))
}

pub(super) fn read(book: &Book, path: &str) -> Given {
    let mount = book.mounts.get(path).ok_or_else(|| Refusal::bad(format!("No secret engine mount at {path}/")))?;
    Ok(found(wrapped(shown(mount), Value::Null)))
}

pub(super) fn enable(book: &mut Book, path: &str, body: &Value) -> Given {
    if book.mounts.contains_key(path) {
        return Err(Refusal::bad(format!("path is already in use at {path}/")));
    }
    let engine = text(&body["type"]);
    let options: Map<String, Value> = body["options"].as_object().cloned().unwrap_or_default();
    if engine != "kv" || options.get("version").is_none_or(|version| version != "2") {
        let message = format!("the sandbox has no engine `{engine}` but `kv` of version 2");
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
    }
    let accessor = format!("{engine}_{}", id(4));
    let description = text(&body["description"]);
    book.mounts.insert(path.to_owned(), Mount { engine, accessor, uuid: uuid(), description, options });
    Ok(DONE)
}

pub(super) fn tune(book: &mut Book, path: &str, body: &Value) -> Given {
    let mount = book.mounts.get_mut(path).ok_or_else(|| Refusal::bad(format!("no mount at {path}/")))?;
    if let Some(description) = body["description"].as_str() {
        description.clone_into(&mut mount.description);
    }
    mount.options.extend(body["options"].as_object().cloned().unwrap_or_default());
    Ok(DONE)
}

pub(super) fn disable(book: &mut Book, path: &str) -> Given {
    book.mounts.remove(path);
    book.secrets.remove(path);
    Ok(DONE)
}

pub(super) fn policies(book: &Book) -> Given {
    let names: Vec<_> = book.policies.keys().map(String::as_str).chain(["root"]).collect();
    Ok(found(wrapped(json!({ "keys": names }), Value::Null)))
}

/// The newer path calls the text `policy`, the older one `rules`.
pub(super) fn policy(book: &Book, name: &str) -> Given {
    let name = name.to_lowercase();
    let text = book.policies.get(&name).ok_or_else(Refusal::none)?;
    Ok(found(wrapped(json!({ "name": name, "policy": text, "rules": text }), Value::Null)))
}

pub(super) fn write_policy(book: &mut Book, name: &str, body: &Value) -> Given {
    let text = text(&body["policy"]);
    if text.is_empty() {
        return Err(Refusal::bad("'policy' parameter not supplied or empty"));
    }
    book.policies.insert(name.to_lowercase(), text);
    Ok(DONE)
}

pub(super) fn delete_policy(book: &mut Book, name: &str) -> Given {
    book.policies.remove(&name.to_lowercase());
    Ok(DONE)
}
