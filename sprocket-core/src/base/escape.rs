//! Escaping: keys that a user chose are told from the engine's own.
//!
//! What the engine writes into values has keys of its own: `$sealed`, `$fingerprint`, `$after`, `$assigned`. A key of a map
//! that begins with `$` gets another `$` before it when it is written, and loses it when it is read with its type.
//!
//! **Contract:** in a [`Json`](crate::kind::Json) of the engine, and in every tree that is made from one, a key with one `$` is the
//! engine's. Types see their own keys.

use std::cell::Cell;
use std::io;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::{Map, Value};

thread_local! {
    /// The next key is the engine's.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Writes a map with one key, which is the engine's.
pub(crate) fn marked<V: Serialize + ?Sized, S: Serializer>(
    key: &str,
    value: &V,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    OURS.set(true);
    let written = map.serialize_key(key);
    OURS.set(false);
    written?;
    map.serialize_value(value)?;
    map.end()
}

/// A key of a user's map, as it is written.
pub(crate) fn escape_key(key: String) -> String {
    if key.starts_with('$') { format!("${key}") } else { key }
}

/// A key as its user wrote it.
pub(crate) fn plain_key(key: &str) -> &str {
    if key.starts_with("$$") { &key[1..] } else { key }
}

/// Whether a key is the engine's.
pub(crate) fn is_engines(key: &str) -> bool {
    key.starts_with('$') && !key.starts_with("$$")
}

/// Whether a text of JSON may have keys that were escaped, or are to be.
pub(crate) fn may_have_marks(text: &str) -> bool {
    // Looking for one byte is faster, and most texts don't have it.
    memchr::memchr(b'$', text.as_bytes()).is_some() && text.contains("\"$")
}

/// Writes compact JSON with the keys of users escaped.
#[derive(Default)]
struct Escaping {
    begins_key: bool,
}

impl Formatter for Escaping {
    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begins_key = !OURS.take();
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: io::Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.begins_key = false;
        Ok(())
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if std::mem::take(&mut self.begins_key) && fragment.starts_with('$') {
            writer.write_all(b"$")?;
        }
        writer.write_all(fragment.as_bytes())
    }
}

/// Writes a value with its own type, as the engine keeps it.
pub(crate) fn write_to(writer: impl io::Write, value: &impl Serialize) -> Result<(), serde_json::Error> {
    value.serialize(&mut serde_json::Serializer::with_formatter(writer, Escaping::default()))
}

/// The same as text.
pub(crate) fn written(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = Vec::new();
    write_to(&mut text, value)?;
    Ok(String::from_utf8(text).expect("BUG: JSON is text"))
}

/// Whether there is a key in a tree that is the engine's or escaped, or is to be.
pub(crate) fn has_marks(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| key.starts_with('$') || has_marks(value)),
        Value::Array(items) => items.iter().any(has_marks),
        _ => false,
    }
}

/// The same as a tree.
pub(crate) fn to_tree(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    let plain = serde_json::to_value(value)?;
    if !has_marks(&plain) {
        return Ok(plain);
    }
    let mut text = Vec::new();
    write_to(&mut text, value)?;
    serde_json::from_slice(&text)
}

/// Reads a value with its own type from a text that the engine keeps.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    if may_have_marks(text) && text.contains("\"$$") {
        read_tree(serde_json::from_str(text)?)
    } else {
        serde_json::from_str(text)
    }
}

/// The same from a tree.
pub(crate) fn read_tree<T: DeserializeOwned>(mut tree: Value) -> Result<T, serde_json::Error> {
    unescape(&mut tree);
    serde_json::from_value(tree)
}

/// Takes the escapes away.
pub(crate) fn unescape(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.keys().any(|key| key.starts_with("$$")) {
                let entries = std::mem::take(map);
                *map =
                    entries.into_iter().map(|(key, value)| (plain_key(&key).to_owned(), value)).collect::<Map<_, _>>();
            }
            map.values_mut().for_each(unescape);
        }
        Value::Array(items) => items.iter_mut().for_each(unescape),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::value::{Assigned, Secret, StackKey, sealing};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Spec {
        tags: BTreeMap<String, String>,
        numbers: BTreeMap<u64, Secret<String>>,
        chosen: Assigned<u64>,
    }

    #[test]
    fn keys_of_users_are_escaped_and_the_engines_are_not() {
        let tags = ["$after", "$$x", "$", "a"].map(|key| (key.to_owned(), "$v".to_owned())).into();
        let numbers = [(7, Secret::new("hunter2".to_owned()))].into();
        let spec = Spec { tags, numbers, chosen: Assigned::Auto };
        sealing(&StackKey::from_bytes([1; 64]), || {
            let text = written(&spec).unwrap();
            let tree: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(tree["tags"], json!({"$$after": "$v", "$$$x": "$v", "$$": "$v", "a": "$v"}));
            assert!(tree["numbers"]["7"]["$sealed"].is_string(), "{text}");
            assert_eq!(tree["chosen"], json!({"$assigned": true}));
            assert_eq!(to_tree(&spec).unwrap(), tree);
            assert_eq!(read::<Spec>(&text).unwrap(), spec);
        });
    }
}
