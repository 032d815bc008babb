//! What the Vault keeps. A real one keeps it encrypted; here whoever can read the sandbox's folder can read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// All of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) init: Option<Init>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) policies: BTreeMap<String, String>,
    pub(super) mounts: BTreeMap<String, Mount>,
    /// By mount and path.
    pub(super) secrets: BTreeMap<String, BTreeMap<String, Secret>>,
}

/// An initialised Vault. It stays unsealed when the sandbox ends: a real server would not end with the program.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Init {
    pub(super) cluster: String,
    pub(super) shares: Vec<String>,
    pub(super) threshold: usize,
    pub(super) sealed: bool,
    /// Shares that were given since the last reset.
    pub(super) given: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Token {
    pub(super) accessor: String,
    pub(super) policies: Vec<String>,
    /// In seconds; one with a period can be renewed.
    pub(super) period: Option<u64>,
    pub(super) display_name: String,
    pub(super) meta: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mount {
    pub(super) engine: String,
    pub(super) accessor: String,
    pub(super) uuid: String,
    pub(super) description: String,
    pub(super) options: Map<String, Value>,
}

/// A secret of a key-value mount of version 2.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) custom_metadata: Value,
    pub(super) max_versions: u64,
    pub(super) created: String,
    pub(super) updated: String,
    pub(super) current: u64,
    pub(super) versions: BTreeMap<u64, Version>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) data: Value,
    pub(super) created: String,
    /// Empty while it is there.
    pub(super) deleted: String,
}

impl Book {
    /// The initialised Vault, if it is open.
    pub(super) fn open(&self) -> Result<&Init, Refusal> {
        match &self.init {
            Some(init) if !init.sealed => Ok(init),
            _ => Err(Refusal::sealed()),
        }
    }
}

/// A random id of so many bytes, in hex.
pub(super) fn id(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("BUG: the operating system gives random bytes");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An id in the form of an UUID.
pub(super) fn uuid() -> String {
    let id = id(16);
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A text of a body.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What most answers are wrapped in.
pub(super) fn wrapped(data: Value, auth: Value) -> Value {
    json!({
        "request_id": uuid(),
        "lease_id": "",
        "renewable": false,
        "lease_duration": 0,
        "data": data,
        "wrap_info": null,
        "warnings": null,
        "auth": auth,
    })
}
