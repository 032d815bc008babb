//! Volumes of the node. A request for one that exists is answered with that one.

use hyper::StatusCode;
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::book::{Book, text};
use super::refusal::Refusal;
use super::{Given, found};

pub(crate) fn list(book: &Book) -> Given {
    found(json!({ "Volumes": book.volumes, "Warnings": null }))
}

fn place(book: &Book, name: &str) -> Result<usize, Refusal> {
    let place = book.volumes.iter().position(|volume| text(volume, &["Name"]) == name);
    place.ok_or_else(|| Refusal::not_found(format!("get {name}: no such volume")))
}

pub(crate) fn inspect(book: &Book, name: &str) -> Given {
    found(book.volumes[place(book, name)?].clone())
}

pub(crate) fn create(book: &mut Book, body: &Value) -> Given {
    let (name, driver) = (text(body, &["Name"]), text(body, &["Driver"]));
    if let Ok(place) = place(book, name) {
        return Ok((StatusCode::CREATED, book.volumes[place].clone()));
    }
    let refused = |message: String| Refusal::new(StatusCode::BAD_REQUEST, format!("create {name}: {message}"));
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    if name.len() < 2 {
        let message = "volume name is too short, names should be at least two alphanumeric characters";
        return Err(refused(message.into()));
    }
    if !name.starts_with(is_plain) || !name.chars().all(|c| is_plain(c) || "-_.".contains(c)) {
        let allowed = "[a-zA-Z0-9][a-zA-Z0-9_.-]";
        return Err(refused(format!(
            "\"{name}\" includes invalid characters for a local volume name, only \"{allowed}\" are allowed. If you intended to pass a host directory, use absolute path"
        )));
    }
    if !matches!(driver, "" | "local") {
        return Err(Refusal::not_found(format!("create {name}: plugin \"{driver}\" not found")));
    }
    book.volumes.push(made(name, &body["DriverOpts"], &body["Labels"]));
    inspect(book, name).map(|(_, volume)| (StatusCode::CREATED, volume))
}

/// A volume that a task names and nobody made: empty, and without labels.
pub(crate) fn make_missing(book: &mut Book, name: &str) {
    if place(book, name).is_err() {
        book.volumes.push(made(name, &Value::Null, &Value::Null));
    }
}

fn made(name: &str, options: &Value, labels: &Value) -> Value {
    let now = Timestamp::now();
    json!({
        "CreatedAt": now.round(Unit::Second).unwrap_or(now), "Driver": "local", "Labels": labels,
        "Mountpoint": format!("/var/lib/docker/volumes/{name}/_data"), "Name": name, "Options": options, "Scope": "local",
    })
}

/// Deletes it, if no container has it.
pub(crate) fn delete(book: &mut Book, name: &str, by_container: impl Fn(&str) -> Option<String>) -> Given {
    let place = place(book, name)?;
    if let Some(container) = by_container(name) {
        return Err(Refusal::new(StatusCode::CONFLICT, format!("remove {name}: volume is in use - [{container}]")));
    }
    book.volumes.remove(place);
    Ok((StatusCode::NO_CONTENT, Value::Null))
}
