//! Concealing: nothing that this run knows to be secret is in a plan, wherever it came from.

use serde_json::Value;

use crate::plan::{Change, Plan, Problem, StepAction};
use crate::value::{Path, PathPart, StackKey, conceal_known, is_beside_secret, is_sealed, seal_secret};

/// Of a list with a secret in it, what others have made is not shown: any item of it may be the secret one.
pub(super) fn conceal_live(changes: &mut [Change], secrets: &[Path], key: &StackKey) {
    if secrets.is_empty() {
        return;
    }
    for change in changes.iter_mut().filter(|change| is_beside_secret(&change.path, secrets)) {
        hide(&mut change.before, key);
    }
}

/// Hides a value as a whole, if there is one. What is in it may be secret, so it is hidden wherever else somebody has put it.
pub(super) fn hide(value: &mut Value, key: &StackKey) {
    if !value.is_null() && !is_sealed(value) {
        *value = seal_secret(value, key);
    }
}

/// Hides the secrets that this run knows in what was read of live objects, and in what kinds say of settings. Most runs know
/// none. What the program gives in clear is shown: whatever it made from a secret is sealed already.
pub(super) fn conceal(plan: &mut Plan, key: &StackKey) {
    if key.redactor().is_empty() {
        return;
    }
    for step in &mut plan.steps {
        let adopts = matches!(step.action, StepAction::Adopt { .. });
        let live = step.changes.iter_mut().filter(|change| adopts || change.drift);
        live.for_each(|change| conceal_change(change, key));
    }
    for Problem { message, hint, .. } in plan.problems.iter_mut().chain(&mut plan.warnings) {
        *message = key.redact(message);
        *hint = hint.take().map(|hint| key.redact(&hint));
    }
}

fn conceal_change(change: &mut Change, key: &StackKey) {
    // A map may have a secret in one of its keys: then the change is told of the map.
    let is_secret = |part: &PathPart| matches!(part, PathPart::Key(name) if key.redactor().is_in(name));
    if let Some(place) = change.path.0.iter().position(is_secret) {
        change.path.0.truncate(place);
        hide(&mut change.before, key);
        hide(&mut change.after, key);
    }
    conceal_known(&mut change.before, key);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_hidden_once_and_none_stays_none() {
        let key = StackKey::from_bytes([7; 64]);
        let (mut none, mut value) = (Value::Null, json!("hunter2"));
        hide(&mut none, &key);
        assert_eq!(none, Value::Null);
        hide(&mut value, &key);
        assert!(is_sealed(&value));
        let hidden = value.clone();
        hide(&mut value, &key);
        assert_eq!(value, hidden);
    }
}
