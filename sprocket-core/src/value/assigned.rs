//! Settings that a program may leave to the service.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Input, IntoInput, Output};
use crate::base::marked;

pub(crate) const ASSIGNED: &str = "$assigned";

/// A setting that the service chooses.
pub(crate) fn is_assigned(map: &serde_json::Map<String, serde_json::Value>) -> bool {
    map.len() == 1 && map.contains_key(ASSIGNED)
}

/// A setting that the service chooses unless the program does.
///
/// An object that exists is taken over whatever the service chose; once applied, leaving the choice is no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Assigned<T> {
    /// Whatever the service chooses.
    #[default]
    Auto,
    /// This.
    Fixed(T),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auto {
    #[serde(rename = "$assigned")]
    _assigned: bool,
}

impl<T: Serialize> Serialize for Assigned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => marked(ASSIGNED, &true, serializer),
            Self::Fixed(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Assigned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written<T> {
            Auto(#[expect(dead_code, reason = "only its form counts")] Auto),
            Fixed(T),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Auto(_) => Self::Auto,
            Written::Fixed(value) => Self::Fixed(value),
        })
    }
}

impl<T> From<T> for Assigned<T> {
    fn from(value: T) -> Self {
        Self::Fixed(value)
    }
}

/// Text that must parse.
impl<T: FromStr<Err: Display>> IntoInput<Assigned<T>> for &str {
    fn into_input(self) -> Input<Assigned<T>> {
        Input::checked(self.parse().map(Assigned::Fixed))
    }
}

impl<T: 'static> IntoInput<Assigned<T>> for Output<T> {
    fn into_input(self) -> Input<Assigned<T>> {
        Input::Output(self.map(Assigned::Fixed))
    }
}

impl<T: 'static> IntoInput<Assigned<T>> for &Output<T> {
    fn into_input(self) -> Input<Assigned<T>> {
        Input::Output(self.map(Assigned::Fixed))
    }
}
