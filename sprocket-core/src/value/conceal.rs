//! Concealing: what is read from a service is hidden where it may hold a secret, although nobody declared it there.
//!
//! A record knows secrets by their places. Others move values: they put an item before a secret one, exchange two, or copy a
//! variable. So values that come from outside are hidden in three ways: at the places that are secret, whole lists that have
//! a secret place and are not as they were sent, and every text that contains a secret which this run knows.
//!
//! **Contract:** what is hidden is sealed, so that it can still be compared. Where nothing is secret, nothing is copied.

use serde_json::Value;

use super::partial::{hide_value, is_sealed};
use super::{AFTER, Path, PathPart, StackKey};
use crate::base::Json;

/// Hides every text that contains a secret which this run knows. A map with one in a key is hidden as a whole.
pub(crate) fn conceal_known(value: &mut Value, key: &StackKey) {
    if !key.redactor().is_empty() {
        conceal(value, &Path::default(), &|text| key.redactor().is_in(text), key, &mut Vec::new());
    }
}

/// Whether there is a text of this sort in a value.
pub(super) fn has(value: &Value, is_secret: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_secret(text),
        Value::Array(items) => items.iter().any(|item| has(item, is_secret)),
        Value::Object(map) => map.iter().any(|(name, item)| is_secret(name) || has(item, is_secret)),
        _ => false,
    }
}

/// Hides every text of this sort, and says where.
pub(super) fn conceal(
    value: &mut Value,
    at: &Path,
    is_secret: &dyn Fn(&str) -> bool,
    key: &StackKey,
    found: &mut Vec<Path>,
) {
    let is_hidden = match value {
        value if is_sealed(value) => return,
        Value::String(text) => is_secret(text),
        // Addresses, which the engine reads.
        Value::Object(map) if map.contains_key(AFTER) => return,
        Value::Object(map) => map.keys().any(|name| is_secret(name)),
        _ => false,
    };
    if is_hidden {
        *value = hide_value(value, key);
        found.retain(|path| !path.0.starts_with(&at.0));
        found.push(at.clone());
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, item) in map.iter_mut() {
                conceal(item, &at.join(PathPart::Key(name.clone())), is_secret, key, found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter_mut().enumerate() {
                conceal(item, &at.join(PathPart::Index(place)), is_secret, key, found);
            }
        }
        _ => {}
    }
}

/// The lists that have a secret place in them, by the paths of those places; the outermost of lists in lists.
fn lists_with_secrets(secrets: &[Path]) -> Vec<Path> {
    let outermost = |path: &Path| {
        let place = path.0.iter().position(|part| matches!(part, PathPart::Index(_)))?;
        Some(Path(path.0[..place].to_vec()))
    };
    let mut lists: Vec<Path> = secrets.iter().filter_map(outermost).collect();
    lists.sort();
    lists.dedup();
    lists
}

/// Whether a place is a list that has a secret place in it, or is in one.
pub(crate) fn is_beside_secret(path: &Path, secrets: &[Path]) -> bool {
    lists_with_secrets(secrets).iter().any(|list| path.0.starts_with(&list.0))
}

/// What was read of an object, as it may be kept: hidden where it is not what was sent and may hold a secret. Secret places
/// are sealed already.
pub(crate) fn conceal_seen(seen: Json, sent: &Json, secrets: &[Path], key: &StackKey) -> Json {
    let lists = lists_with_secrets(secrets);
    if lists.is_empty() && !key.redactor().is_in(seen.text()) {
        return seen;
    }
    let before = seen.value();
    let mut value = before.clone();
    let sent = sent.value();
    for list in lists {
        if let Some(found) = list.find_mut(&mut value)
            && list.find(&sent) != Some(found)
            && !is_sealed(found)
            && !found.is_null()
        {
            *found = hide_value(found, key);
        }
    }
    conceal_unlike(&mut value, &sent, key);
    if value == before { seen } else { Json::from(&value) }
}

/// Hides every text that contains a secret which this run knows, but for what was sent just so.
fn conceal_unlike(value: &mut Value, sent: &Value, key: &StackKey) {
    match (value, sent) {
        (value, sent) if value == sent => {}
        (Value::Object(map), Value::Object(sent)) if !map.contains_key(AFTER) => {
            for (name, item) in map.iter_mut() {
                match sent.get(name) {
                    Some(sent) => conceal_unlike(item, sent, key),
                    // The key may be the secret.
                    None if key.redactor().is_in(name) => *item = hide_value(item, key),
                    None => conceal_known(item, key),
                }
            }
        }
        (value, _) => conceal_known(value, key),
    }
}

/// Seals in one value what is sealed in another that it is compared with, and says where.
pub(crate) fn seal_alike(value: &mut Value, other: &Value, key: &StackKey) -> Vec<Path> {
    fn walk(value: &mut Value, other: &Value, at: &Path, key: &StackKey, sealed: &mut Vec<Path>) {
        match (value, other) {
            (value, other) if is_sealed(other) => {
                if !is_sealed(value) && !value.is_null() {
                    *value = hide_value(value, key);
                }
                sealed.push(at.clone());
            }
            (Value::Object(map), Value::Object(others)) => {
                for (name, item) in map.iter_mut() {
                    if let Some(other) = others.get(name) {
                        walk(item, other, &at.join(PathPart::Key(name.clone())), key, sealed);
                    }
                }
            }
            (Value::Array(items), Value::Array(others)) => {
                for (place, (item, other)) in items.iter_mut().zip(others).enumerate() {
                    walk(item, other, &at.join(PathPart::Index(place)), key, sealed);
                }
            }
            _ => {}
        }
    }
    let mut sealed = Vec::new();
    walk(value, other, &Path::default(), key, &mut sealed);
    sealed
}

/// Where the first is sealed and the second is not.
pub(crate) fn places_hidden(hidden: &Json, plain: &Json) -> Vec<Path> {
    fn walk(hidden: &Value, plain: &Value, at: &Path, found: &mut Vec<Path>) {
        match (hidden, plain) {
            (hidden, plain) if is_sealed(hidden) && !is_sealed(plain) => found.push(at.clone()),
            (Value::Object(map), Value::Object(others)) => {
                for (name, item) in map {
                    let other = others.get(name).unwrap_or(&Value::Null);
                    walk(item, other, &at.join(PathPart::Key(name.clone())), found);
                }
            }
            (Value::Array(items), Value::Array(others)) => {
                for (place, (item, other)) in items.iter().zip(others).enumerate() {
                    walk(item, other, &at.join(PathPart::Index(place)), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&hidden.value(), &plain.value(), &Path::default(), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> StackKey {
        let key = StackKey::from_bytes([1; 64]);
        key.seal(br#""hunter2-one""#);
        key
    }

    fn at(parts: &[&str]) -> Path {
        let part = |part: &&str| part.parse().map_or_else(|_| PathPart::Key((*part).to_owned()), PathPart::Index);
        Path(parts.iter().map(part).collect())
    }

    #[test]
    fn a_text_with_a_known_secret_in_it_is_hidden_wherever_it_is() {
        let mut value = json!({"a": "x", "b": ["https://hunter2-one@host", "y"], "c": {"hunter2-one": 1}});
        conceal_known(&mut value, &key());
        assert_eq!((&value["a"], &value["b"][1]), (&json!("x"), &json!("y")));
        assert!(is_sealed(&value["b"][0]) && is_sealed(&value["c"]), "{value}");
    }

    #[test]
    fn a_list_that_is_not_as_it_was_sent_is_hidden_as_a_whole() {
        let secrets = [at(&["args", "1"])];
        let conceal =
            |seen: Value| conceal_seen(Json::from(&seen), &Json::from(&json!({"args": ["-p", 1]})), &secrets, &key());
        assert_eq!(
            conceal(json!({"args": ["-p", 1], "other": ["z"]})).value(),
            json!({"args": ["-p", 1], "other": ["z"]})
        );
        for seen in [json!(["-v", "-p", 1]), json!([1, "-p"]), json!(["-p"])] {
            let value = conceal(json!({"args": seen, "other": ["z"]})).value();
            assert!(is_sealed(&value["args"]), "{value}");
            assert_eq!(value["other"], json!(["z"]));
        }
    }

    #[test]
    fn what_is_hidden_on_one_side_is_hidden_on_the_other() {
        let (mut plain, mut hidden) =
            (json!({"args": ["-v", "x"], "note": "n"}), json!({"args": ["-v", "x"], "note": "n"}));
        hidden["args"] = hide_value(&hidden["args"], &key());
        assert_eq!(seal_alike(&mut plain, &hidden, &key()), [at(&["args"])]);
        assert_eq!(plain, hidden);
        assert_eq!(
            places_hidden(&Json::from(&hidden), &Json::from(&json!({"args": [], "note": "n"}))),
            [at(&["args"])]
        );
    }
}
