//! What services do not show: where it comes from, for each object that is to be recorded.
//!
//! A person's word counts before the checkpoint's. What is said neither way is not guessed: an object is recorded without
//! it, and the report says what the next plan does about that.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sprocket_core::engine::Hidden;
use sprocket_core::engine::{Path, PathPart};
use sprocket_core::kind::Address;
use sprocket_core::program::Secret;

use super::checkpoint::{Said, Secrecy};
use super::sort::Candidate;
use super::table::{self, Hides};

/// What a person says about what services do not show.
#[derive(Default)]
pub(crate) struct Word {
    /// The contents of files.
    pub(crate) secrets: BTreeMap<Address, Secret<Vec<u8>>>,
    /// What the program says is what is there.
    pub(crate) same: Vec<Address>,
}

/// What is known of what a service hides of an object.
#[derive(Debug)]
pub(crate) enum Told {
    /// It hides nothing, or it is known.
    All(Hidden),
    /// Nobody knows: the object is recorded without.
    Nothing(Missing),
    /// What is said can't be meant.
    Wrong(&'static str),
}

/// What the next plan does about what nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It replaces the object.
    Content,
    /// It writes the fields again.
    Fields,
    /// It makes another one: there is nothing to record.
    Itself,
}

/// What is known of what the service of an object hides.
pub(crate) fn told(address: &Address, candidate: &Candidate<'_>, word: &Word) -> Told {
    let hides = candidate.row.hidden;
    let (setting, missing) = match hides {
        Hides::Nothing if word.same.contains(address) || word.secrets.contains_key(address) => {
            return Told::Wrong("its service shows all of it: nothing is to be said");
        }
        Hides::Nothing => return Told::All(Hidden::Unknown),
        Hides::Content(setting) => (setting, Missing::Content),
        Hides::Fields(setting) => (setting, Missing::Fields),
        Hides::Itself(setting) => (setting, Missing::Itself),
    };
    match (word.secrets.get(address), word.same.contains(address)) {
        (Some(_), true) => Told::Wrong("`--secret` and `--same` both speak of it; which one counts?"),
        (Some(bytes), false) => match from_file(hides, bytes.expose()) {
            Ok(value) => Told::All(Hidden::Is(Secret::new(value))),
            Err(message) => Told::Wrong(message),
        },
        (None, true) if missing == Missing::Itself => {
            Told::Wrong("the program does not say what it is: it would draw it; `--secret` says it")
        }
        (None, true) => Told::All(Hidden::AsDeclared),
        (None, false) => {
            // Of several entries for one object the first that says it in clear counts.
            let clear = candidate.entries.iter().find_map(|entry| match entry.said(setting)? {
                Said::Clear(value) => from_checkpoint(hides, value.expose()),
                Said::Sealed => None,
            });
            clear.map_or(Told::Nothing(missing), |value| Told::All(Hidden::Is(Secret::new(value))))
        }
    }
}

/// What Pulumi kept secret of what the service of an object shows: it is no less secret for that.
pub(crate) fn concealed(candidate: &Candidate<'_>) -> Vec<Path> {
    let mut found = Vec::new();
    for (setting, place) in table::shown(candidate.row.kind) {
        let path = Path(vec![PathPart::Key((*setting).to_owned())]);
        for entry in &candidate.entries {
            match entry.secrecy(place) {
                Secrecy::Whole => found.push(path.clone()),
                Secrecy::Keys(keys) => found.extend(keys.into_iter().map(|key| path.join(PathPart::Key(key)))),
            }
        }
    }
    found
}

/// Of a file: contents as they are; of a password one newline at its end is no part.
fn from_file(hides: Hides, bytes: &[u8]) -> Result<Value, &'static str> {
    let text = std::str::from_utf8(bytes);
    match hides {
        Hides::Content(_) if bytes.is_empty() => Err("the file is empty"),
        Hides::Content(_) => Ok(content(bytes)),
        Hides::Fields(_) => {
            let read = text.ok().and_then(|text| serde_json::from_str::<Value>(text).ok());
            read.as_ref().and_then(fields).ok_or("the file is no JSON object of texts")
        }
        _ => {
            let text = text.map_err(|_| "the file is not text")?;
            let text = text.strip_suffix('\n').unwrap_or(text);
            if text.is_empty() { Err("the file is empty") } else { Ok(Value::from(text)) }
        }
    }
}

fn from_checkpoint(hides: Hides, value: &Value) -> Option<Value> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    match hides {
        Hides::Content(_) => STANDARD.decode(text).ok().map(|bytes| content(&bytes)),
        Hides::Fields(_) => serde_json::from_str::<Value>(text).ok().as_ref().and_then(fields),
        _ => Some(Value::from(text)),
    }
}

/// Bytes as the kinds write them: as text, if they are text.
fn content(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(|_| json!({ "base64": STANDARD.encode(bytes) }), Value::from)
}

/// Fields as the kinds write them: all are texts.
fn fields(value: &Value) -> Option<Value> {
    value.as_object().filter(|map| map.values().all(Value::is_string)).cloned().map(Value::Object)
}
