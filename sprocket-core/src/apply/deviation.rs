//! Whether a step is still what the plan showed, now that all of its settings are known. It may come to less, and never to more.

use serde_json::Value;

use super::refused;
use crate::erased::Fault;
use crate::value::{AFTER, Path, PathPart, StackKey, is_sealed, seal_at};

pub(super) fn exceeds_plan(what: &str) -> Fault {
    refused(what).hint("run the same command again for a new plan")
}

pub(super) fn is_prefix(path: &Path, of: &Path) -> bool {
    of.0.starts_with(&path.0)
}

/// The first place where the actual value is not what was planned. Where the plan had a hole, anything is.
pub(super) fn first_deviation(planned: &Value, actual: &Value, path: &Path, key: &StackKey) -> Option<Path> {
    if planned == actual {
        return None;
    }
    match (planned, actual) {
        (Value::Object(hole), _) if hole.len() == 1 && hole.contains_key(AFTER) => None,
        // The plan hides whatever has a secret in it.
        (planned, actual) if is_sealed(planned) && !is_sealed(actual) => {
            let mut hidden = actual.clone();
            seal_at(&mut hidden, &[Path::default()], key);
            (hidden != *planned).then(|| path.clone())
        }
        (Value::Object(planned), Value::Object(actual)) if planned.len() == actual.len() => {
            planned.iter().find_map(|(name, planned)| {
                let path = path.join(PathPart::Key(name.clone()));
                actual
                    .get(name)
                    .map_or_else(|| Some(path.clone()), |actual| first_deviation(planned, actual, &path, key))
            })
        }
        (Value::Array(planned), Value::Array(actual)) if planned.len() == actual.len() => {
            planned.iter().zip(actual).enumerate().find_map(|(index, (planned, actual))| {
                first_deviation(planned, actual, &path.join(PathPart::Index(index)), key)
            })
        }
        _ => Some(path.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(parts: &[&str]) -> Path {
        Path(parts.iter().map(|part| PathPart::Key((*part).to_owned())).collect())
    }

    #[test]
    fn a_change_within_a_shown_setting_is_expected_and_one_around_or_beside_it_is_not() {
        assert!(is_prefix(&path(&["env"]), &path(&["env", "PORT"])));
        assert!(!is_prefix(&path(&["env", "PORT"]), &path(&["env"])));
        assert!(!is_prefix(&path(&["image"]), &path(&["env", "PORT"])));
    }

    #[test]
    fn a_hidden_setting_of_the_plan_is_compared_by_its_sealed_value() {
        let key = StackKey::from_bytes([7; 64]);
        let mut planned = json!({"image": "app:1", "token": "hunter2"});
        seal_at(&mut planned, &[path(&["token"])], &key);
        let found =
            |token: &str| first_deviation(&planned, &json!({"image": "app:1", "token": token}), &Path::default(), &key);
        assert_eq!(found("hunter2"), None);
        assert_eq!(found("hunter3"), Some(path(&["token"])));
    }
}
