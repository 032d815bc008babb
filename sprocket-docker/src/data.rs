//! The contents of configs and secrets: bytes, which are mostly text.

use std::fmt::{self, Debug};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sprocket_core::program::{Input, IntoInput, Output, Secret};

/// Bytes. What is UTF-8 is written as text, so that a plan can be read; the rest as `{"base64": "…"}`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Data(Vec<u8>);

impl Data {
    /// These bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As the engine's API takes and gives them.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.0)
    }

    pub(crate) fn of_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().map(Self)
    }
}

/// It may be what a secret was made into: only its length is shown.
impl Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} bytes)", self.0.len())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes { base64: String },
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Written::Bytes { base64: self.base64() }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match Written::deserialize(input)? {
            Written::Text(text) => Ok(Self(text.into_bytes())),
            Written::Bytes { base64 } => {
                Self::of_base64(&base64).ok_or_else(|| serde::de::Error::custom("not valid base64"))
            }
        }
    }
}

macro_rules! from_text_or_bytes {
    ($($from:ty),*) => {$(
        impl From<$from> for Data {
            fn from(from: $from) -> Self {
                Self(from.into())
            }
        }

        impl IntoInput<Data> for $from {
            fn into_input(self) -> Input<Data> {
                Input::Value(self.into())
            }
        }
    )*};
}
from_text_or_bytes!(&str, String, Vec<u8>, &[u8]);

macro_rules! from_outputs {
    ($($of:ty),*) => {$(
        impl IntoInput<Data> for Output<$of> {
            fn into_input(self) -> Input<Data> {
                Input::Output(self.map(Data::from))
            }
        }

        impl IntoInput<Data> for &Output<$of> {
            fn into_input(self) -> Input<Data> {
                Input::Output(self.map(Data::from))
            }
        }
    )*};
}
from_outputs!(String, Vec<u8>);

/// Can be the content of a secret: text, bytes, a [`Secret`] of either, or an output of any of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the content of a secret",
    label = "expected text, bytes, a `Secret` of either, or an `Output` of these"
)]
pub trait IntoSecretData {
    /// The content, hidden.
    #[track_caller]
    fn into_secret_data(self) -> Input<Secret<Data>>;
}

macro_rules! secret_data {
    ($($of:ty),*) => {$(
        impl IntoSecretData for $of {
            fn into_secret_data(self) -> Input<Secret<Data>> {
                Input::Value(Secret::new(self.into()))
            }
        }

        impl IntoSecretData for Secret<$of> {
            fn into_secret_data(self) -> Input<Secret<Data>> {
                Input::Value(self.map(Data::from))
            }
        }

        impl IntoSecretData for Output<$of> {
            fn into_secret_data(self) -> Input<Secret<Data>> {
                Input::Output(self.map(|data| Secret::new(data.into())).secret())
            }
        }

        impl IntoSecretData for &Output<$of> {
            fn into_secret_data(self) -> Input<Secret<Data>> {
                self.clone().into_secret_data()
            }
        }

        impl IntoSecretData for Output<Secret<$of>> {
            fn into_secret_data(self) -> Input<Secret<Data>> {
                Input::Output(self.map(|secret| secret.map(Data::from)).secret())
            }
        }

        impl IntoSecretData for &Output<Secret<$of>> {
            fn into_secret_data(self) -> Input<Secret<Data>> {
                self.clone().into_secret_data()
            }
        }
    )*};
}
secret_data!(String, Vec<u8>);

impl IntoSecretData for &str {
    fn into_secret_data(self) -> Input<Secret<Data>> {
        Input::Value(Secret::new(self.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_as_text_and_bytes_survive() {
        let check = |data: Data, written: &str| {
            assert_eq!(serde_json::to_string(&data).unwrap(), written);
            assert_eq!(serde_json::from_str::<Data>(written).unwrap(), data);
        };
        check(Data::from("port = 80\n"), r#""port = 80\n""#);
        check(Data::new([0xff, 0x00]), r#"{"base64":"/wA="}"#);
        assert_eq!(format!("{:?}", Data::from("hunter2")), "Data(7 bytes)");
    }
}
