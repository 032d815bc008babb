//! The JSON stream: one object a line, each with `version` and `type`.
//!
//! | `type` | what it has |
//! |---|---|
//! | `override` | `provider`, `setting`, `value` and `from`: a setting that is not the program's own |
//! | `plan` | `pending`, and `plan`: goal, steps, kept, problems, outputs |
//! | `drift` | `pending`, `steps`, and what could not be compared: `deferred`, `problems` |
//! | `event` | `event`, which says which one, and what belongs to it; a step starts before it ends |
//! | `report` | `succeeded`, `summary`, and what became of each step |
//! | `verdict` | `passed`, and `checks` |
//! | `error` | `message`, `hint` |
//! | `end` | `exit`: the exit code; always the last |
//!
//! Secrets are `{"$secret": true}`, and times are seconds.

use serde::Serialize;
use serde_json::{Value, json};
use sprocket_core::plan::Step;
use sprocket_core::{Events, Overridden, Plan, Report, Verdict};

use crate::console::Console;

/// The version of the stream. Keys are added without a new one.
pub(crate) const VERSION: u32 = 1;

/// Tells every event.
pub(crate) fn listener(console: Console) -> Events {
    Events::to(move |event| console.object("event", &plain(&event)))
}

pub(crate) fn of_override(overridden: &Overridden) -> Value {
    let (setting, value) = overridden.setting.as_ref().map(|(setting, value)| (setting, value.value())).unzip();
    json!({ "provider": overridden.provider, "setting": setting, "value": value, "from": *overridden.from })
}

pub(crate) fn of_plan(plan: &Plan) -> Value {
    json!({ "pending": !plan.is_empty(), "plan": plain(plan) })
}

pub(crate) fn of_drift(plan: &Plan, steps: &[Step]) -> Value {
    let Plan { deferred, problems, .. } = plan;
    json!({ "pending": !steps.is_empty(), "steps": plain(&steps), "deferred": plain(deferred), "problems": plain(problems) })
}

pub(crate) fn of_report(report: &Report) -> Value {
    let mut value = plain(report);
    value["succeeded"] = report.succeeded().into();
    value["summary"] = super::report::summary(report).into();
    value
}

pub(crate) fn of_verdict(verdict: &Verdict) -> Value {
    let checks: Vec<Value> = verdict
        .checks
        .iter()
        .map(|(address, check)| json!({ "address": address, "what": check.what, "failure": check.failure }))
        .collect();
    json!({ "passed": verdict.passed(), "checks": checks })
}

/// A value for others: what is sealed is hidden, and times are seconds.
pub(crate) fn plain(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).expect("BUG: what is told has a JSON form");
    hide(&mut value);
    value
}

/// Hides what is sealed.
pub(crate) fn hide(value: &mut Value) {
    match value {
        Value::Object(map) if is_sealed(map) => *value = json!({ "$secret": true }),
        Value::Object(map) => {
            let time = (map.len() == 2).then(|| Some((map.get("secs")?.as_f64()?, map.get("nanos")?.as_f64()?)));
            if let Some((seconds, nanos)) = time.flatten() {
                *value = json!(seconds + (nanos / 1e6).round() / 1e3);
                return;
            }
            map.values_mut().for_each(hide);
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn is_sealed(map: &serde_json::Map<String, Value>) -> bool {
    map.len() == 1 && (map.contains_key("$sealed") || map.contains_key("$fingerprint"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_sealed_is_hidden_everywhere() {
        let value = json!({"a": [{"$sealed": "x"}], "b": {"$fingerprint": "y"}, "c": {"$after": ["z"]}});
        let expect = json!({"a": [{"$secret": true}], "b": {"$secret": true}, "c": {"$after": ["z"]}});
        assert_eq!(plain(&value), expect);
    }

    #[test]
    fn times_are_seconds() {
        assert_eq!(plain(&json!({"took": Duration::from_millis(1250)})), json!({"took": 1.25}));
    }
}
