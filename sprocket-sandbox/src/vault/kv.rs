//! Key-value secrets, version 2.

use std::collections::BTreeSet;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::book::{Book, Version, now, wrapped};
use super::refusal::Refusal;
use super::{Given, found};

/// A look inside a mount; `None` if the sandbox has no such call.
pub(super) fn look(book: &Book, mount: &str, path: &str) -> Option<Given> {
    let (part, path) = path.split_once('/').unwrap_or((path, ""));
    Some(match part {
        "config" if path.is_empty() => {
            let config = json!({ "cas_required": false, "delete_version_after": "0s", "max_versions": 0 });
            Ok(found(wrapped(config, Value::Null)))
        }
        "metadata" => metadata(book, mount, path),
        "data" => data(book, mount, path),
        _ => return None,
    })
}

/// Any other call inside a mount.
pub(super) fn act(book: &mut Book, method: &str, mount: &str, path: &str, body: &Value) -> Option<Given> {
    let (part, path) = path.split_once('/').unwrap_or((path, ""));
    Some(match (method, part) {
        ("LIST", "metadata") => list(book, mount, path),
        ("POST" | "PUT", "metadata") => write_metadata(book, mount, path, body),
        ("DELETE", "metadata") => delete(book, mount, path),
        ("POST" | "PUT", "data") => write(book, mount, path, body),
        _ => return None,
    })
}

fn list(book: &Book, mount: &str, path: &str) -> Given {
    let folder = if path.is_empty() { String::new() } else { format!("{}/", path.trim_end_matches('/')) };
    let inside = book.secrets.get(mount).into_iter().flat_map(|secrets| secrets.keys());
    let keys: BTreeSet<_> = inside
        .filter_map(|key| key.strip_prefix(&folder))
        .map(|key| key.find('/').map_or(key, |place| &key[..=place]))
        .collect();
    if keys.is_empty() { Err(Refusal::none()) } else { Ok(found(wrapped(json!({ "keys": keys }), Value::Null))) }
}

fn metadata(book: &Book, mount: &str, path: &str) -> Given {
    let secret = book.secrets.get(mount).and_then(|secrets| secrets.get(path)).ok_or_else(Refusal::none)?;
    let version = |version: &Version| json!({ "created_time": version.created, "deletion_time": version.deleted, "destroyed": false });
    let versions: serde_json::Map<_, _> =
        secret.versions.iter().map(|(number, found)| (number.to_string(), version(found))).collect();
    let data = json!({
        "cas_required": false,
        "created_time": secret.created,
        "current_version": secret.current,
        "custom_metadata": secret.custom_metadata,
        "delete_version_after": "0s",
        "max_versions": secret.max_versions,
        "oldest_version": secret.versions.keys().next().copied().unwrap_or(0),
        "updated_time": secret.updated,
        "versions": versions,
    });
    Ok(found(wrapped(data, Value::Null)))
}

fn write_metadata(book: &mut Book, mount: &str, path: &str, body: &Value) -> Given {
    let secret = book.secrets.entry(mount.to_owned()).or_default().entry(path.to_owned()).or_default();
    if secret.created.is_empty() {
        secret.created = now();
    }
    secret.updated = now();
    if body["custom_metadata"].is_object() {
        secret.custom_metadata = body["custom_metadata"].clone();
    }
    secret.max_versions = body["max_versions"].as_u64().unwrap_or(secret.max_versions);
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

fn delete(book: &mut Book, mount: &str, path: &str) -> Given {
    if let Some(secrets) = book.secrets.get_mut(mount) {
        secrets.remove(path);
    }
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

fn data(book: &Book, mount: &str, path: &str) -> Given {
    let secret = book.secrets.get(mount).and_then(|secrets| secrets.get(path)).ok_or_else(Refusal::none)?;
    let version = secret.versions.get(&secret.current).ok_or_else(Refusal::none)?;
    let metadata = json!({
        "created_time": version.created,
        "custom_metadata": secret.custom_metadata,
        "deletion_time": version.deleted,
        "destroyed": false,
        "version": secret.current,
    });
    Ok(found(wrapped(json!({ "data": version.data, "metadata": metadata }), Value::Null)))
}

fn write(book: &mut Book, mount: &str, path: &str, body: &Value) -> Given {
    let secret = book.secrets.entry(mount.to_owned()).or_default().entry(path.to_owned()).or_default();
    if body["options"]["cas"].as_u64().is_some_and(|after| after != secret.current) {
        return Err(Refusal::bad("check-and-set parameter did not match the current version"));
    }
    secret.updated = now();
    if secret.created.is_empty() {
        secret.created.clone_from(&secret.updated);
    }
    secret.current += 1;
    let (created, custom_metadata) = (secret.updated.clone(), secret.custom_metadata.clone());
    let version = Version { data: body["data"].clone(), created: created.clone(), deleted: String::new() };
    secret.versions.insert(secret.current, version);
    let keep = if secret.max_versions == 0 { 10 } else { secret.max_versions };
    let oldest = secret.current.saturating_sub(keep);
    secret.versions.retain(|number, _| *number > oldest);
    let data = json!({
        "created_time": created,
        "custom_metadata": custom_metadata,
        "deletion_time": "",
        "destroyed": false,
        "version": secret.current,
    });
    Ok(found(wrapped(data, Value::Null)))
}
