//! JSON as text: how specs and states are kept, compared and written without building trees.

use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::base::{may_have_marks, written};

/// A JSON value, as text. Equal texts are equal values; unequal texts may be.
#[derive(Clone)]
pub struct Json(Arc<RawValue>);

impl Json {
    /// Of a value with its own type: keys of its maps are escaped, so that none is taken for the engine's.
    pub(crate) fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let raw = serde_json::value::to_raw_value(value)?;
        // Few have a key that needs it.
        let raw = if may_have_marks(raw.get()) { RawValue::from_string(written(value)?)? } else { raw };
        Ok(Self(raw.into()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// As a tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.text()).expect("BUG: the text was made by a serialiser, or checked by a parser")
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        let raw = serde_json::value::to_raw_value(value).expect("BUG: a JSON value has a text");
        Self(raw.into())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.text() == other.text()
    }
}

impl Eq for Json {}

impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if is_deep(raw.get().as_bytes()) {
            return Err(serde::de::Error::custom(format!("it is nested more than {DEEPEST} deep")));
        }
        Ok(Self(raw.into()))
    }
}

/// How deep a value may be nested: a parser that makes a tree of it goes no deeper than 127.
const DEEPEST: usize = 120;

/// Whether a valid JSON text is nested deeper than a parser goes.
fn is_deep(text: &[u8]) -> bool {
    // Nearly all have fewer brackets than that, wherever they stand. Sums of bytes are quick, and of this many don't overflow.
    let opens = |byte: &u8| u8::from(byte | 0x20 == b'{');
    let opening: usize = text.chunks(255).map(|chunk| usize::from(chunk.iter().map(opens).sum::<u8>())).sum();
    if opening <= DEEPEST {
        return false;
    }
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest > DEEPEST
}
