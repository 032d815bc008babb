//! What the manager keeps: objects, in the form in which the API shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal::Refusal;

/// All that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Book {
    /// Which swarm this is.
    pub(crate) cluster: String,
    pub(crate) node: String,
    /// Of the last change; each change has another.
    index: u64,
    pub(crate) networks: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) configs: Vec<Value>,
    pub(crate) secrets: Vec<Value>,
    pub(crate) services: Vec<Value>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            cluster: swarm_id(),
            node: swarm_id(),
            index: 10,
            networks: Vec::new(),
            volumes: Vec::new(),
            configs: Vec::new(),
            secrets: Vec::new(),
            services: Vec::new(),
        }
    }
}

impl Book {
    /// The version of the next change.
    pub(crate) fn next(&mut self) -> u64 {
        self.index += 1;
        self.index
    }

    /// A new object of the swarm's.
    pub(crate) fn object(&mut self, spec: Value) -> Value {
        let now = now();
        json!({
            "ID": swarm_id(), "Version": { "Index": self.next() }, "CreatedAt": now, "UpdatedAt": now, "Spec": spec,
        })
    }
}

/// Notes that an object was changed.
pub(crate) fn touch(object: &mut Value, index: u64) {
    object["Version"]["Index"] = index.into();
    object["UpdatedAt"] = now().into();
}

/// Refuses a change of another version than the present one.
pub(crate) fn in_sequence(object: &Value, version: Option<&String>) -> Result<(), Refusal> {
    let version = version.ok_or_else(|| Refusal::invalid("invalid version"))?;
    if version.parse() == Ok(object["Version"]["Index"].as_u64().unwrap_or(0)) {
        Ok(())
    } else {
        Err(Refusal::out_of_sequence())
    }
}

pub(crate) fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    path.iter().fold(value, |value, key| &value[*key]).as_str().unwrap_or_default()
}

pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The one of this id or name, or whose id begins so.
pub(crate) fn place(objects: &[Value], key: &str, id: &[&str], name: &[&str]) -> Option<usize> {
    let by_id = objects.iter().position(|object| text(object, id) == key);
    let by_name = || objects.iter().position(|object| text(object, name) == key);
    let by_beginning = || {
        let mut begins = objects.iter().enumerate().filter(|(_, object)| text(object, id).starts_with(key));
        begins.next().filter(|_| begins.next().is_none()).map(|(place, _)| place)
    };
    by_id.or_else(by_name).or_else(by_beginning)
}

pub(crate) fn now() -> String {
    Timestamp::now().to_string()
}

fn random(digits: &[u8], length: usize) -> String {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| char::from(digits[usize::from(*byte) % digits.len()])).collect()
}

/// An id of the swarm's objects.
pub(crate) fn swarm_id() -> String {
    random(b"0123456789abcdefghijklmnopqrstuvwxyz", 25)
}

/// An id of what is on one node.
pub(crate) fn local_id() -> String {
    random(b"0123456789abcdef", 64)
}

/// Swarmkit's rule for the names of services and networks.
pub(crate) fn check_dns_name(name: &str) -> Result<(), Refusal> {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    if name.len() > 63 {
        return Err(Refusal::invalid("name must be 63 characters or fewer"));
    }
    let is_valid =
        name.starts_with(is_plain) && name.ends_with(is_plain) && name.chars().all(|c| is_plain(c) || "-_".contains(c));
    if is_valid { Ok(()) } else { Err(Refusal::invalid("name must be valid as a DNS name component")) }
}
