//! Secrets: values that print as `(secret)`, and are written only sealed.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize as _;

use super::evaluation::{exposed, taint};
use super::sealing::{self, Fingerprint};

/// A value that no plan, log, error or file shows.
///
/// It prints as `(secret)`, also inside other values, and serialises as `"(secret)"`; only the engine, which holds the
/// stack's key, writes it sealed. Secrecy sticks: an output whose closure exposes, compares or hashes a secret is secret as a
/// whole. Texts and bytes are overwritten when they are dropped.
///
/// ```
/// # use sprocket_core::program::Secret;
/// let password = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "(secret)");
/// assert_eq!(serde_json::to_string(&password).unwrap(), "\"(secret)\"");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret<T: 'static>(Content<T>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Content<T: 'static> {
    Value(Wiped<T>),
    /// What a record keeps of a write-only setting.
    Withheld(Fingerprint),
}

/// A value that is overwritten when it is dropped, if it is a text or bytes. It is there until then.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Wiped<T: 'static>(Option<T>);

impl<T> Wiped<T> {
    fn get(&self) -> &T {
        self.0.as_ref().expect("BUG: a secret is there until it is dropped")
    }

    fn take(mut self) -> T {
        self.0.take().expect("BUG: a secret is there until it is dropped")
    }
}

impl<T: 'static> Drop for Wiped<T> {
    fn drop(&mut self) {
        let value: &mut dyn Any = &mut self.0;
        if let Some(text) = value.downcast_mut::<Option<String>>() {
            text.zeroize();
        } else if let Some(bytes) = value.downcast_mut::<Option<Vec<u8>>>() {
            bytes.zeroize();
        }
    }
}

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(Content::Value(Wiped(Some(value))))
    }

    /// The value, for the call that needs it.
    ///
    /// # Panics
    /// If the value is that of a write-only setting in a record: of those, only a fingerprint is kept, and no provider
    /// needs the old one.
    pub fn expose(&self) -> &T {
        let value = self.reveal();
        exposed(value);
        value
    }

    /// The value, for the engine itself: the program has not seen it.
    pub(crate) fn reveal(&self) -> &T {
        match &self.0 {
            Content::Value(value) => value.get(),
            Content::Withheld(_) => panic!("BUG: a record does not keep the value of a write-only setting"),
        }
    }

    /// Makes another secret of it.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Secret<U> {
        match self.0 {
            Content::Value(value) => {
                // The closure sees it in clear.
                exposed(value.get());
                Secret::new(f(value.take()))
            }
            Content::Withheld(fingerprint) => Secret(Content::Withheld(fingerprint)),
        }
    }
}

impl<T: PartialEq> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        taint();
        self.0 == other.0
    }
}

impl<T: Eq> Eq for Secret<T> {}

impl<T: PartialOrd> PartialOrd for Secret<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        taint();
        self.0.partial_cmp(&other.0)
    }
}

impl<T: Ord> Ord for Secret<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        taint();
        self.0.cmp(&other.0)
    }
}

impl<T: Hash> Hash for Secret<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        taint();
        self.0.hash(state);
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
            Content::Value(value) => sealing::serialize(value.get(), serializer),
            Content::Withheld(fingerprint) => sealing::serialize_fingerprint(fingerprint, serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match sealing::deserialize(deserializer)? {
            sealing::Opened::Value(value) => Self::new(value),
            sealing::Opened::Fingerprint(fingerprint) => Self(Content::Withheld(fingerprint)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_secret_can_be_made_of_one() {
        assert_eq!(Secret::new("a".to_owned()).map(|text| text + "b").expose(), "ab");
        assert_eq!(Secret::new(7_u64).map(|number| number + 1).expose(), &8);
    }
}
