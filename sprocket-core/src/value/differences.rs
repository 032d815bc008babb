//! Where two values differ.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Path, PathPart};
use crate::base::is_engines;

/// Tells each place where two values differ.
pub(crate) fn compare(path: &Path, before: &Value, after: &Value, found: &mut impl FnMut(&Path, &Value, &Value)) {
    if before == after {
        return;
    }
    if let (Value::Array(old), Value::Array(new)) = (before, after)
        && old.len() == new.len()
    {
        for (place, (before, after)) in old.iter().zip(new).enumerate() {
            compare(&path.join(PathPart::Index(place)), before, after, found);
        }
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return found(path, before, after) };
    if is_marker(old) || is_marker(new) {
        return found(path, before, after);
    }
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let absent = &Value::Null;
        let (before, after) = (old.get(key).unwrap_or(absent), new.get(key).unwrap_or(absent));
        compare(&path.join(PathPart::Key(key.clone())), before, after, found);
    }
}

/// A sealed value, a fingerprint or a hole, and not a map of the user's.
pub(crate) fn is_marker(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.keys().all(|key| is_engines(key))
}
