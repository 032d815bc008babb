//! A setting that a plan changes.

use serde::Serialize;
use serde_json::Value;

use crate::value::Path;

/// A setting that changes. Secrets in it are sealed, and hidden where it is serialised; values that are not known yet are
/// `{"$after": […]}`.
#[derive(Clone, Debug, PartialEq, Hash, Serialize)]
pub struct Change {
    /// Which.
    pub path: Path,
    /// What it was; `null` if there was none.
    #[serde(serialize_with = "crate::value::hidden")]
    pub before: Value,
    /// What it will be; `null` if there will be none.
    #[serde(serialize_with = "crate::value::hidden")]
    pub after: Value,
    /// It needs a new object.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// It was changed by somebody else, and is put back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drift: bool,
}
