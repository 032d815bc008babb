//! What is asked of a plan: a goal, and for which resources.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::base::Address;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// That everything is as the program says.
    Declared,
    /// That nothing is left, except what is kept.
    Destroyed {
        /// Also what is kept: protected, `keep_on_delete`, or holding data.
        include_kept: bool,
    },
}

/// What a plan is asked for. A [`Goal`] alone asks for all resources.
///
/// ```
/// use sprocket_core::engine::{Goal, Request};
///
/// let request = Request::from(Goal::Declared).only(["docker:service/web"]).replace(["random:password/redis"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// What is wanted,
    pub goal: Goal,
    /// only of these, and of what must be done for them: what they are made from; for what is deleted, what was made from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Pattern>,
    /// and not of these, nor of what can't be done without them: what is made from them; when they are deleted, what they
    /// were made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Pattern>,
    /// New objects are to take the place of these, though nothing about them has changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<Pattern>,
    /// These may be deleted or replaced beyond what the program's [`Budget`](crate::program::Budget) allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Pattern>,
}

impl From<Goal> for Request {
    fn from(goal: Goal) -> Self {
        Self { goal, only: Vec::new(), without: Vec::new(), replace: Vec::new(), allow: Vec::new() }
    }
}

impl Request {
    /// Only of these.
    #[must_use]
    pub fn only<P: Into<Pattern>>(mut self, these: impl IntoIterator<Item = P>) -> Self {
        self.only.extend(these.into_iter().map(Into::into));
        self
    }

    /// Not of these.
    #[must_use]
    pub fn without<P: Into<Pattern>>(mut self, these: impl IntoIterator<Item = P>) -> Self {
        self.without.extend(these.into_iter().map(Into::into));
        self
    }

    /// New objects for these.
    #[must_use]
    pub fn replace<P: Into<Pattern>>(mut self, these: impl IntoIterator<Item = P>) -> Self {
        self.replace.extend(these.into_iter().map(Into::into));
        self
    }

    /// These may go.
    #[must_use]
    pub fn allow<P: Into<Pattern>>(mut self, these: impl IntoIterator<Item = P>) -> Self {
        self.allow.extend(these.into_iter().map(Into::into));
        self
    }

    /// Whether it is for some resources only.
    pub fn is_partial(&self) -> bool {
        !self.only.is_empty() || !self.without.is_empty()
    }
}

/// Addresses: one, `docker:service/web`, or all that begin alike, `docker:service/elo/*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// Whether the address is one of these.
    pub fn matches(&self, address: &Address) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => address.as_str().starts_with(beginning),
            None => address.as_str() == self.0,
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&Address> for Pattern {
    fn from(address: &Address) -> Self {
        Self(address.as_str().to_owned())
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
