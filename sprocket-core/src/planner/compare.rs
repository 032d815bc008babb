//! Differences between two specs, setting by setting.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::Json;
use crate::erased::KindHandle;
use crate::kind::{Field, Ignored};
use crate::plan::Change;
use crate::value::{AFTER, Path, PathPart, StackKey, compare, is_assigned, is_marker};

/// Two specs of a kind that are compared, and where plain values in them are secret.
#[derive(Clone, Copy)]
pub(crate) struct Compared<'a> {
    pub(crate) kind: &'a KindHandle,
    pub(crate) before: &'a Value,
    pub(crate) after: &'a Value,
    pub(crate) secrets: &'a [Path],
    pub(crate) key: &'a StackKey,
}

/// What changes from one spec to another by the equality of their types: a setting that is only written otherwise is none.
pub(crate) fn real_changes(compared: Compared<'_>, ignore: &[Ignored], drift: bool) -> Vec<Change> {
    let Compared { kind, before, after, secrets, key } = compared;
    let mut found = changes(kind.facts().fields, before, after, ignore, drift);
    let settings: BTreeSet<String> = found.iter().filter_map(|change| change.path.field()).map(str::to_owned).collect();
    for setting in settings.iter().filter(|setting| !has_holes(&after[setting.as_str()])) {
        let mut other = before.clone();
        other[setting.as_str()] = after[setting.as_str()].clone();
        if kind.equal(&Json::from(&other), &Json::from(before), secrets, key) {
            found.retain(|change| change.path.field() != Some(setting));
        }
    }
    found
}

/// Whether an object is as these settings want it, as far as its service shows.
pub(crate) fn is_as_wanted(kind: &KindHandle, live: &Json, wanted: &Json, secrets: &[Path], key: &StackKey) -> bool {
    if kind.equal(wanted, live, secrets, key) {
        return true;
    }
    let facts = kind.facts();
    let (before, after) = (&live.value(), &wanted.value());
    let found = real_changes(Compared { kind, before, after, secrets, key }, &[], false);
    found.iter().all(|change| facts.hides(&change.path) || accepts(&change.after, &change.before))
}

/// What changes from one spec to another. Maps are compared key by key, lists of one length item by item.
fn changes(fields: &[Field], before: &Value, after: &Value, ignore: &[Ignored], drift: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    for field in fields {
        let path = Path(vec![PathPart::Key(field.name.to_owned())]);
        let (before, after) = (&before[field.name], &after[field.name]);
        compare(&path, before, after, &mut |path, before, after| {
            let (before, after) = (before.clone(), after.clone());
            if !ignore.iter().any(|ignored| ignored.covers(path)) {
                changes.push(Change { path: path.clone(), before, after, replaces: field.replaces, drift });
            }
        });
    }
    changes
}

/// Whether a desired value takes a live one as it is: equal, but for what the service may choose and what it never shows.
pub(crate) fn accepts(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), _) if is_assigned(desired) => true,
        (Value::Object(desired), Value::Object(live)) if !is_marker(desired) => {
            desired.len() == live.len()
                && desired.iter().all(|(key, value)| live.get(key).is_some_and(|live| accepts(value, live)))
        }
        (Value::Array(desired), Value::Array(live)) => {
            desired.len() == live.len() && desired.iter().zip(live).all(|(desired, live)| accepts(desired, live))
        }
        _ => desired == live,
    }
}

/// Whether a value, or a part of it, is not known yet.
pub(crate) fn has_holes(value: &Value) -> bool {
    match value {
        Value::Object(map) => (map.len() == 1 && map.contains_key(AFTER)) || map.values().any(has_holes),
        Value::Array(items) => items.iter().any(has_holes),
        _ => false,
    }
}

/// Where a value has parts that are not known yet.
pub(super) fn holes(value: &Value) -> Vec<Path> {
    fn walk(value: &Value, at: &Path, found: &mut Vec<Path>) {
        match value {
            Value::Object(map) if map.len() == 1 && map.contains_key(AFTER) => found.push(at.clone()),
            Value::Object(map) => {
                map.iter().for_each(|(name, item)| walk(item, &at.join(PathPart::Key(name.clone())), found));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(place, item)| walk(item, &at.join(PathPart::Index(place)), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, &Path::default(), &mut found);
    found
}

/// Whether a value, or a part of it, is known only after this resource.
pub(super) fn waits_for(value: &Value, address: &str) -> bool {
    match value {
        Value::Object(map) => match map.get(AFTER) {
            Some(after) if map.len() == 1 => after.as_array().is_some_and(|of| of.iter().any(|of| of == address)),
            _ => map.values().any(|value| waits_for(value, address)),
        },
        Value::Array(items) => items.iter().any(|item| waits_for(item, address)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field] = &[
        Field { name: "image", replaces: false, write_only: false },
        Field { name: "env", replaces: false, write_only: false },
        Field { name: "driver", replaces: true, write_only: false },
    ];

    fn check(before: Value, after: Value, expect: &[&str]) {
        let found = changes(FIELDS, &before, &after, &[], false);
        let found: Vec<String> = found.iter().map(|c| format!("{} {}→{}", c.path, c.before, c.after)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn maps_are_compared_key_by_key() {
        check(
            json!({"image": "a", "env": {"A": "1", "B": "2"}, "driver": "x"}),
            json!({"image": "a", "env": {"B": "3", "C": "4"}, "driver": "x"}),
            &[r#"env.A "1"→null"#, r#"env.B "2"→"3""#, r#"env.C null→"4""#],
        );
    }

    #[test]
    fn a_sealed_value_is_compared_as_a_whole() {
        check(
            json!({"env": {"A": {"$sealed": "x"}}}),
            json!({"env": {"A": {"$after": ["docker:secret/a"]}}}),
            &[r#"env.A {"$sealed":"x"}→{"$after":["docker:secret/a"]}"#],
        );
        let (sealed, plain) = (json!({"$sealed": "x"}), json!({"A": "1"}));
        check(json!({"env": sealed}), json!({"env": plain}), &[r#"env {"$sealed":"x"}→{"A":"1"}"#]);
        check(json!({"env": plain}), json!({"env": sealed}), &[r#"env {"A":"1"}→{"$sealed":"x"}"#]);
    }

    #[test]
    fn what_a_service_may_choose_is_accepted() {
        let check = |desired, live, expect| assert_eq!(accepts(&desired, &live), expect);
        check(json!({"subnet": {"$assigned": true}, "name": "a"}), json!({"subnet": "10.0.0.0/24", "name": "a"}), true);
        check(json!({"subnet": "10.0.1.0/24"}), json!({"subnet": "10.0.0.0/24"}), false);
        check(json!({"labels": {}}), json!({"labels": {"a": "b"}}), false);
        let subnets = || json!([{"$assigned": true}, "10.0.1.0/24"]);
        check(subnets(), json!(["10.0.0.0/24", "10.0.1.0/24"]), true);
        check(subnets(), json!(["10.0.0.0/24", "10.0.2.0/24"]), false);
        check(subnets(), json!(["10.0.0.0/24"]), false);
    }

    #[test]
    fn a_value_waits_for_what_any_part_of_it_comes_from() {
        let after = |address: &str| json!({"$after": ["yard:post/other", address]});
        for value in [after("yard:post/a"), json!([1, after("yard:post/a")]), json!({"in": [after("yard:post/a")]})] {
            assert!(waits_for(&value, "yard:post/a"), "{value}");
            assert!(!waits_for(&value, "yard:post/b"), "{value}");
        }
        for value in [json!("yard:post/a"), json!(["yard:post/a"]), json!({"$after": 1, "a": 2}), json!(null)] {
            assert!(!waits_for(&value, "yard:post/a"), "{value}");
        }
        // A map of the user's, though it has such a key.
        assert!(!waits_for(&json!({"$after": ["yard:post/a"], "a": 2}), "yard:post/a"));
    }

    #[test]
    fn parts_that_are_not_known_yet_are_found_wherever_they_are() {
        let check = |value: Value, expect: &[&str]| {
            let found: Vec<String> = holes(&value).iter().map(ToString::to_string).collect();
            assert_eq!(found, expect, "{value}");
            assert_eq!(has_holes(&value), !expect.is_empty(), "{value}");
        };
        let hole = json!({"$after": ["yard:post/a"]});
        check(json!({"a": hole, "b": [1, hole, {"c": hole}], "d": {"e": "f"}}), &["a", "b[1]", "b[2].c"]);
        check(json!({"a": [1, hole]}), &["a[1]"]);
        check(json!({"a": {"b": {"$sealed": "x"}}, "c": [null, "$after"]}), &[]);
        // Maps of the user's, though one has such a key.
        check(json!({"a": {"$after": 1, "b": 2}, "c": {"d": 3}}), &[]);
    }
}
