//! Configs and secrets: only their labels can change. A secret's data is never shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::book::{Book, in_sequence, list as items, place, text, touch};
use super::refusal::Refusal;
use super::{Given, found};

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    noun: &'static str,
    /// Its field in a container's settings, and of the ids there.
    pub(crate) field: &'static str,
    id_field: &'static str,
    limit: usize,
    shows_data: bool,
    of: fn(&mut Book) -> &mut Vec<Value>,
    all: fn(&Book) -> &Vec<Value>,
}

pub(crate) const CONFIGS: Kind = Kind {
    noun: "config",
    field: "Configs",
    id_field: "ConfigID",
    limit: 1_024_000,
    shows_data: true,
    of: |book| &mut book.configs,
    all: |book| &book.configs,
};

pub(crate) const SECRETS: Kind = Kind {
    noun: "secret",
    field: "Secrets",
    id_field: "SecretID",
    limit: 512_000,
    shows_data: false,
    of: |book| &mut book.secrets,
    all: |book| &book.secrets,
};

impl Kind {
    fn shown(self, object: &Value) -> Value {
        let mut shown = object.clone();
        if !self.shows_data
            && let Some(spec) = shown["Spec"].as_object_mut()
        {
            spec.remove("Data");
        }
        shown
    }

    fn place(self, book: &Book, key: &str) -> Result<usize, Refusal> {
        let place = place((self.all)(book), key, &["ID"], &["Spec", "Name"]);
        place.ok_or_else(|| Refusal::not_found(format!("{} {key} not found", self.noun)))
    }

    pub(crate) fn list(self, book: &Book) -> Given {
        found((self.all)(book).iter().map(|object| self.shown(object)).collect())
    }

    pub(crate) fn inspect(self, book: &Book, key: &str) -> Given {
        found(self.shown(&(self.all)(book)[self.place(book, key)?]))
    }

    pub(crate) fn create(self, book: &mut Book, body: &Value) -> Given {
        let name = text(body, &["Name"]);
        check_name(name)?;
        let size = STANDARD.decode(text(body, &["Data"])).map_or(0, |data| data.len());
        if size == 0 || size >= self.limit {
            let Self { noun, limit, .. } = self;
            return Err(Refusal::invalid(format!("{noun} data must be larger than 0 and less than {limit} bytes")));
        }
        if (self.all)(book).iter().any(|object| object["Spec"]["Name"] == name) {
            return Err(Refusal::exists(format!("{} {name} already exists", self.noun)));
        }
        let labels = body["Labels"].as_object().cloned().unwrap_or_default();
        let object = book.object(json!({ "Name": name, "Labels": labels, "Data": body["Data"] }));
        let id = object["ID"].clone();
        (self.of)(book).push(object);
        Ok((StatusCode::CREATED, json!({ "ID": id })))
    }

    pub(crate) fn update(self, book: &mut Book, key: &str, version: Option<&String>, body: &Value) -> Given {
        let place = self.place(book, key)?;
        let object = &(self.all)(book)[place];
        in_sequence(object, version)?;
        let spec = &object["Spec"];
        let other_data = !body["Data"].is_null() && body["Data"] != spec["Data"];
        if body["Name"] != spec["Name"] || other_data {
            return Err(Refusal::invalid("only updates to Labels are allowed"));
        }
        let index = book.next();
        let object = &mut (self.of)(book)[place];
        object["Spec"]["Labels"] = body["Labels"].as_object().cloned().unwrap_or_default().into();
        touch(object, index);
        Ok((StatusCode::OK, Value::Null))
    }

    pub(crate) fn delete(self, book: &mut Book, key: &str) -> Given {
        let place = self.place(book, key)?;
        let object = &(self.all)(book)[place];
        let id = object["ID"].clone();
        let users: Vec<&str> = book
            .services
            .iter()
            .filter(|service| {
                let container = &service["Spec"]["TaskTemplate"]["ContainerSpec"];
                items(&container[self.field]).any(|shown| shown[self.id_field] == id)
            })
            .map(|service| text(service, &["Spec", "Name"]))
            .collect();
        if !users.is_empty() {
            let plural = if users.len() == 1 { "service" } else { "services" };
            let name = text(object, &["Spec", "Name"]);
            let users = users.join(", ");
            return Err(Refusal::invalid(format!(
                "{} '{name}' is in use by the following {plural}: {users}",
                self.noun
            )));
        }
        (self.of)(book).remove(place);
        Ok((StatusCode::NO_CONTENT, Value::Null))
    }

    /// Refuses a container that is shown one that is not there.
    pub(crate) fn check(self, book: &Book, container: &Value) -> Result<(), Refusal> {
        let name_field = format!("{}Name", &self.id_field[..self.id_field.len() - 2]);
        let is_there = |shown: &&Value| (self.all)(book).iter().any(|object| object["ID"] == shown[self.id_field]);
        let missing: Vec<_> = items(&container[self.field])
            .filter(|shown| !is_there(shown))
            .map(|shown| text(shown, &[&name_field]))
            .collect();
        let noun = if missing.len() > 1 { format!("{}s", self.noun) } else { self.noun.to_owned() };
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::invalid(format!("{noun} not found: {}", missing.join(", "))))
        }
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    let is_valid = name.len() <= 64
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
        && name.chars().all(|c| is_plain(c) || "-_.".contains(c));
    let message =
        "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]";
    if is_valid { Ok(()) } else { Err(Refusal::invalid(message)) }
}

/// The data, as text.
pub(crate) fn decoded(data: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(data).unwrap_or_default()).into_owned()
}
