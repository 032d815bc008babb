//! Concealing: nothing that this run knows to be secret is in a plan, wherever it came from.

use serde_json::Value;

use crate::json::Json;
use crate::plan::diff::Change;
use crate::plan::{Plan, Problem};
use crate::value::{Path, PathPart, StackKey, conceal_known, hide_value, is_beside_secret, is_sealed};

/// Of a list with a secret in it, what others have made is not shown: any item of it may be the secret one.
pub(super) fn conceal_live(changes: &mut [Change], secrets: &[Path], key: &StackKey) {
    if secrets.is_empty() {
        return;
    }
    for change in changes.iter_mut().filter(|change| is_beside_secret(&change.path, secrets)) {
        hide(&mut change.before, key);
    }
}

/// Hides a value as a whole, if there is one.
pub(super) fn hide(value: &mut Value, key: &StackKey) {
    if !value.is_null() && !is_sealed(value) {
        *value = hide_value(value, key);
    }
}

/// Hides the secrets that were learnt while the plan was made. Most plans know none.
pub(super) fn conceal(plan: &mut Plan, key: &StackKey) {
    if key.redactor().is_empty() {
        return;
    }
    let steps = plan.steps.iter_mut();
    for step in steps {
        step.changes.iter_mut().for_each(|change| conceal_change(change, key));
        // Its text has the same escapes as a secret in it.
        if let Some(spec) = step.spec.as_mut().filter(|spec| key.redactor().is_in(spec.text())) {
            let mut value = spec.value();
            conceal_known(&mut value, key);
            *spec = Json::from(&value);
        }
    }
    plan.outputs.values_mut().for_each(|change| conceal_change(change, key));
    for Problem { message, hint, .. } in plan.problems.iter_mut().chain(&mut plan.warnings) {
        *message = key.redact(message);
        *hint = hint.take().map(|hint| key.redact(&hint));
    }
    plan.kept.iter_mut().for_each(|kept| kept.reason = key.redact(&kept.reason));
    plan.settled.iter_mut().for_each(|settled| settled.outcome = key.redact(&settled.outcome));
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
    conceal_known(&mut change.after, key);
}
