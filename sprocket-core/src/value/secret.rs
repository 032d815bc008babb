//! Secrets: values that print as `(secret)`, and are written only sealed.

use std::fmt::{self, Debug};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::sealing::{self, Fingerprint};

/// A value that no plan, log, error or file shows.
///
/// It prints as `(secret)`, also inside other values, and serialises as `"(secret)"`; only the engine, which holds the
/// stack's key, writes it sealed.
///
/// ```
/// # use sprocket_core::Secret;
/// let password = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "(secret)");
/// assert_eq!(serde_json::to_string(&password).unwrap(), "\"(secret)\"");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret<T>(Content<T>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Content<T> {
    Value(T),
    /// What a record keeps of a write-only setting.
    Withheld(Fingerprint),
}

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(Content::Value(value))
    }

    /// The value, for the call that needs it.
    ///
    /// # Panics
    /// If the value is that of a write-only setting in a record: of those, only a fingerprint is kept, and no provider
    /// needs the old one.
    pub fn expose(&self) -> &T {
        match &self.0 {
            Content::Value(value) => value,
            Content::Withheld(_) => panic!("BUG: a record does not keep the value of a write-only setting"),
        }
    }

    /// Makes another secret of it.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Secret<U> {
        Secret(match self.0 {
            Content::Value(value) => Content::Value(f(value)),
            Content::Withheld(fingerprint) => Content::Withheld(fingerprint),
        })
    }
}

impl<T> Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Content::Value(value) => sealing::serialize(value, serializer),
            Content::Withheld(fingerprint) => sealing::serialize_fingerprint(fingerprint, serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match sealing::deserialize(deserializer)? {
            sealing::Opened::Value(value) => Content::Value(value),
            sealing::Opened::Fingerprint(fingerprint) => Content::Withheld(fingerprint),
        }))
    }
}
