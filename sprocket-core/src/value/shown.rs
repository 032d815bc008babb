//! Values as others may see them: what is sealed is hidden.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{FINGERPRINT, SEALED};

/// A value as others may see it: what is sealed in it is `{"$secret": true}`.
///
/// For what is not a document and has sealed values, such as a [`Record`](crate::state::Record).
///
/// # Panics
/// If it has no JSON form.
pub fn shown(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).expect("BUG: what is shown has a JSON form");
    hide(&mut value);
    value
}

/// Hides what is sealed.
pub(crate) fn hide(value: &mut Value) {
    match value {
        Value::Object(map) if is_sealed(map) => *value = json!({ "$secret": true }),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn is_sealed(map: &Map<String, Value>) -> bool {
    map.len() == 1 && (map.contains_key(SEALED) || map.contains_key(FINGERPRINT))
}

/// To the millisecond.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

pub(crate) fn in_seconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64())
}

/// For fields: writes a value as it may be [`shown`].
pub(crate) fn hidden<S: Serializer>(value: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    shown(value).serialize(serializer)
}

/// For fields: writes a time as seconds.
pub(crate) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(in_seconds(*time))
}
