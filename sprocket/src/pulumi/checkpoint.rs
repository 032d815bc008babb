//! Checkpoints: what Pulumi wrote down of a stack, as `pulumi stack export` prints it, or as a backend of files keeps it.
//!
//! It is read in the form 3 and no other. What is broken is an error that says where, never a panic; what is merely odd
//! (a URN twice, a parent that is gone) is kept as it is: the report tells it. **Invariant:** no error has a part of a
//! value in it, since any value may be a secret.

use serde_json::{Map, Value};
use sprocket_core::program::Secret;
use thiserror::Error;

use super::urn::Urn;

/// The form of checkpoint that is read.
const VERSION: u64 = 3;

/// What marks an object that stands for something else, and what says that this is a secret.
const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";

/// Settings that are Pulumi's own: what was defaulted, and what its engine noted.
const DEFAULTS: &str = "__defaults";

/// What Pulumi knows of a stack.
pub(crate) struct Checkpoint {
    /// When it was written, as it says itself.
    pub(crate) written: Option<String>,
    /// By which Pulumi.
    pub(crate) version: Option<String>,
    pub(crate) entries: Vec<Entry>,
    /// What Pulumi had begun and not seen the end of.
    pub(crate) pending: Vec<Pending>,
}

/// What Pulumi knows of a resource.
pub(crate) struct Entry {
    pub(crate) urn: Urn,
    /// Its type: `docker:index/service:Service`.
    pub(crate) token: String,
    /// A provider made it; else it is a component, which groups others.
    pub(crate) custom: bool,
    /// What the provider calls it; empty if it has not said.
    pub(crate) id: String,
    inputs: Value,
    outputs: Value,
    pub(crate) parent: Option<String>,
    pub(crate) dependencies: Vec<String>,
    /// Pulumi has replaced it, and not deleted it yet.
    pub(crate) delete: bool,
    /// Pulumi has only read it.
    pub(crate) external: bool,
    pub(crate) protect: bool,
    pub(crate) retain: bool,
    /// What went wrong after it was made.
    pub(crate) init_errors: usize,
}

/// An operation that Pulumi had begun and not seen the end of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Pulumi's word: `creating`.
    pub(crate) operation: String,
    pub(crate) urn: String,
}

/// A value of a checkpoint, which may be a secret: whatever it is, it is handled as one.
#[derive(Debug)]
pub(crate) enum Said {
    /// It is there, in clear.
    Clear(Secret<Value>),
    /// It is encrypted for whoever has Pulumi's key.
    Sealed,
}

/// Why something is no checkpoint.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum CheckpointError {
    #[error("it is not JSON, from line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error("it is of version {found}, and version {VERSION} is read")]
    Version { found: String },
    #[error("`{place}` {message}")]
    Form { place: String, message: &'static str },
}

impl Checkpoint {
    /// Reads one.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let read = serde_json::from_slice(bytes);
        let whole: Value =
            read.map_err(|error| CheckpointError::Json { line: error.line(), column: error.column() })?;
        let root = At { value: &whole, place: String::new() };
        root.object()?;
        let version = root.field("version");
        if version.value.as_u64() != Some(VERSION) {
            let found = version.value.as_i64().map_or_else(|| "none".to_owned(), |version| version.to_string());
            return Err(CheckpointError::Version { found });
        }
        // An export has it as `deployment`; a backend of files inside of its checkpoint.
        let deployment = match root.field("checkpoint") {
            checkpoint if !checkpoint.value.is_null() => checkpoint.field("latest"),
            _ => root.field("deployment"),
        };
        deployment.object()?;
        let manifest = deployment.field("manifest");
        let entries = deployment.field("resources").items()?;
        let pending = deployment.field("pending_operations").items()?;
        Ok(Self {
            written: manifest.field("time").some_text(),
            version: manifest.field("version").some_text().filter(|version| !version.is_empty()),
            entries: entries.iter().map(Entry::read).collect::<Result<_, _>>()?,
            pending: pending.iter().map(Pending::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Pending {
    fn read(at: &At<'_>) -> Result<Self, CheckpointError> {
        at.object()?;
        Ok(Self { operation: at.field("type").text()?, urn: at.field("resource").field("urn").text()? })
    }
}

impl Entry {
    fn read(at: &At<'_>) -> Result<Self, CheckpointError> {
        at.object()?;
        let urn = at.field("urn");
        let Some(parsed) = Urn::parse(&urn.text()?) else { return Err(urn.wrong("is not a URN of Pulumi")) };
        let (inputs, outputs) = (at.field("inputs").settings()?, at.field("outputs").settings()?);
        let mut dependencies = at.field("dependencies").texts()?;
        for by_property in at.field("propertyDependencies").values()? {
            dependencies.extend(by_property.texts()?);
        }
        dependencies.sort();
        dependencies.dedup();
        Ok(Self {
            urn: parsed,
            token: at.field("type").text()?,
            custom: at.field("custom").flag()?,
            id: at.field("id").text_or_none()?.unwrap_or_default(),
            inputs,
            outputs,
            parent: at.field("parent").text_or_none()?.filter(|parent| !parent.is_empty()),
            dependencies,
            delete: at.field("delete").flag()?,
            external: at.field("external").flag()?,
            protect: at.field("protect").flag()?,
            retain: at.field("retainOnDelete").flag()?,
            init_errors: at.field("initErrors").items()?.len(),
        })
    }

    /// What was said of a setting: what the provider answered, or else what it was given.
    pub(crate) fn said(&self, setting: &str) -> Option<Said> {
        [&self.outputs, &self.inputs].into_iter().find_map(|settings| said(settings, setting))
    }

    /// A setting that is no secret, as text.
    pub(crate) fn text(&self, setting: &str) -> Option<&str> {
        [&self.outputs, &self.inputs].into_iter().find_map(|settings| settings.get(setting)?.as_str())
    }

    /// Whether somebody has written this setting, and not Pulumi itself.
    pub(crate) fn is_authored(&self, setting: &str) -> bool {
        let defaults = self.inputs.get(DEFAULTS).and_then(Value::as_array);
        let is_default = defaults.is_some_and(|defaults| defaults.iter().any(|name| name == setting));
        !is_default && self.inputs.get(setting).is_some()
    }
}

impl Entry {
    /// What in this setting was a secret when it was given: the whole of it, some keys, or nothing.
    pub(crate) fn secrecy(&self, path: &[&str]) -> Secrecy {
        let mut value = &self.inputs;
        for part in path {
            if matches!(unwrapped(value), Wrapped::Not) {
                let Some(inner) = value.get(part) else { return Secrecy::Keys(Vec::new()) };
                value = inner;
            }
        }
        match value {
            Value::Object(map) if !is_secret(map) => {
                Secrecy::Keys(map.iter().filter(|(_, value)| has_secret(value)).map(|(key, _)| key.clone()).collect())
            }
            value if has_secret(value) => Secrecy::Whole,
            _ => Secrecy::Keys(Vec::new()),
        }
    }
}

/// What is secret of a setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    Whole,
    Keys(Vec<String>),
}

fn has_secret(value: &Value) -> bool {
    match value {
        Value::Object(map) => is_secret(map) || map.values().any(has_secret),
        Value::Array(items) => items.iter().any(has_secret),
        _ => false,
    }
}

/// A setting among others, any of which, or all, may be wrapped as a secret. The loader has seen that wrappers are whole.
fn said(settings: &Value, setting: &str) -> Option<Said> {
    match (unwrapped(settings), setting) {
        (Wrapped::Sealed, _) => Some(Said::Sealed),
        (Wrapped::Clear(opened), _) => said(&opened, setting),
        (Wrapped::Not, _) => match settings.get(setting)? {
            Value::Null => None,
            value => Some(match unwrapped(value) {
                Wrapped::Sealed => Said::Sealed,
                Wrapped::Clear(opened) => Said::Clear(Secret::new(opened)),
                Wrapped::Not => Said::Clear(Secret::new(value.clone())),
            }),
        },
    }
}

enum Wrapped {
    Not,
    Sealed,
    Clear(Value),
}

fn unwrapped(value: &Value) -> Wrapped {
    match value.as_object().filter(|map| is_secret(map)) {
        None => Wrapped::Not,
        Some(map) => match map.get("plaintext").and_then(Value::as_str).map(serde_json::from_str) {
            Some(Ok(opened)) => Wrapped::Clear(opened),
            _ => Wrapped::Sealed,
        },
    }
}

fn is_secret(map: &Map<String, Value>) -> bool {
    map.get(SIGNATURE).is_some_and(|signature| signature == SECRET)
}

/// A value, and where it is.
struct At<'v> {
    value: &'v Value,
    place: String,
}

impl<'v> At<'v> {
    fn wrong(&self, message: &'static str) -> CheckpointError {
        let place = if self.place.is_empty() { "it".to_owned() } else { self.place.clone() };
        CheckpointError::Form { place, message }
    }

    fn field(&self, name: &str) -> Self {
        let place = if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) };
        At { value: self.value.get(name).unwrap_or(&Value::Null), place }
    }

    fn object(&self) -> Result<&'v Map<String, Value>, CheckpointError> {
        self.value.as_object().ok_or_else(|| self.wrong("is not an object"))
    }

    fn items(&self) -> Result<Vec<Self>, CheckpointError> {
        let item = |(index, value)| At { value, place: format!("{}[{index}]", self.place) };
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => Ok(items.iter().enumerate().map(item).collect()),
            _ => Err(self.wrong("is not a list")),
        }
    }

    fn values(&self) -> Result<Vec<Self>, CheckpointError> {
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Object(map) => Ok(map.keys().map(|key| self.field(key)).collect()),
            _ => Err(self.wrong("is not an object")),
        }
    }

    fn text(&self) -> Result<String, CheckpointError> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| self.wrong("is not text"))
    }

    fn text_or_none(&self) -> Result<Option<String>, CheckpointError> {
        if self.value.is_null() { Ok(None) } else { self.text().map(Some) }
    }

    fn texts(&self) -> Result<Vec<String>, CheckpointError> {
        self.items()?.iter().map(Self::text).collect()
    }

    /// Text that only informs.
    fn some_text(&self) -> Option<String> {
        self.value.as_str().map(str::to_owned)
    }

    fn flag(&self) -> Result<bool, CheckpointError> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(self.wrong("is neither true nor false")),
        }
    }

    /// Inputs or outputs: an object, whose secrets are whole.
    fn settings(&self) -> Result<Value, CheckpointError> {
        if !self.value.is_null() {
            self.object()?;
            self.check_secrets()?;
        }
        Ok(self.value.clone())
    }

    /// The depth is bounded: serde_json reads no deeper JSON.
    fn check_secrets(&self) -> Result<(), CheckpointError> {
        match self.value {
            Value::Object(map) if is_secret(map) => {
                let plaintext = self.field("plaintext");
                match (plaintext.text_or_none()?, self.field("ciphertext").text_or_none()?) {
                    (Some(text), _) => {
                        let opened = serde_json::from_str::<Value>(&text);
                        opened.map(drop).map_err(|_| plaintext.wrong("is not JSON, as Pulumi writes it"))
                    }
                    (None, Some(_)) => Ok(()),
                    (None, None) => Err(self.wrong("is a secret without ciphertext and plaintext")),
                }
            }
            Value::Object(_) => self.values()?.iter().try_for_each(Self::check_secrets),
            Value::Array(_) => self.items()?.iter().try_for_each(Self::check_secrets),
            _ => Ok(()),
        }
    }
}
