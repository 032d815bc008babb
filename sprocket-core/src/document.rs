//! Documents: plans, events, reports, verdicts and refusals as JSON, for tools in any language.
//!
//! [`Plan`], [`Event`], [`Report`], [`VerifyReport`] and [`Refused`] serialise as documents: objects that begin with `version`
//! and `type`. The command line's `--json` prints the same, one a line. What is written here is a promise: a key that goes
//! away, or means something else, is a new [`VERSION`]. Keys are added without one, so a reader passes over what it does not
//! know.
//!
//! | `type` | what it has |
//! |---|---|
//! | `plan` | `digest`, which names it, and `pending`: there is something to do. `request`: its `goal`, and where there are any `only`, `without`, `replace` and `allow`; `lineage` and `serial` of the state that it is for; `steps`; `unchanged`, a number. Lists: `moved`, `settled`, `kept`, `problems` (such a plan is not applied), `warnings`, `deferred`, `left_out`; `outputs`: what changes, by name; and `beside`: who runs something on the state at the same time, or null |
//! | `event` | `event`: `refreshing`, `refreshed`, `apply_started`, `step_started`, `step_waiting`, `step_retried`, `step_ended`, `stopping`, `apply_ended`; and the fields of that [`Event`] |
//! | `report` | `succeeded`, `summary` in words, `interrupted`, `state_failure`, `kept`, `deferred`, `output_problems`, and `steps`: what became of each |
//! | `verdict` | `passed`, and `checks`: `address`, `what` was asked, and its `failure` or null; `unchecked`: `address`, and the `reason` why it was not asked |
//! | `error` | `reason`, a word ([`Refused::reason`]); `message`; `hint` or null; the `problems` of a plan that has some |
//!
//! A step of a plan has `address`, `action` (a word, or an object whose one key it is), `reason`, `name` or null, and where
//! there are any: `spec` (all settings, of what is made), `changes` (`path`, `before`, `after`, `replaces`, `drift`), `after`
//! (the numbers of the steps before it), `at` (`file` and `line` of the program). The numbers are places in the
//! list, and `step` in events. A step of a report has `address`, `action`, `name`, `at`, `took`, and `outcome`: `done`,
//! `unneeded`, `failed` (then with `message`, `hint` and `effect` beside it), `not_started` or `abandoned`.
//!
//! Times of events and reports are seconds; in settings they are as their type writes them. A secret is `{"$secret": true}`, whatever it is; a value that is not known yet
//! `{"$after": [addresses]}`; one that the service chooses `{"$assigned": true}`. A key of a user's own that begins with `$` has another `$` before it.
//!
//! ```
//! use serde_json::json;
//! use sprocket_core::testing;
//! use sprocket_core::program::Password;
//!
//! let plan = testing::world().plan(|stack| drop(stack.add(Password::new("redis"))));
//! let document = serde_json::to_value(&plan).unwrap();
//! assert_eq!((&document["version"], &document["type"]), (&json!(1), &json!("plan")));
//! assert_eq!(document["digest"], plan.digest());
//! assert_eq!(document["steps"][0]["address"], "random:password/redis");
//! assert_eq!(document["steps"][0]["action"], json!({ "create": { "generation": 1, "replaces": false } }));
//! ```

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::plan::{Event, Plan, Report, VerifyReport};
use crate::session::Refused;
use crate::value::in_seconds;
pub use crate::value::shown;

/// The version of all documents.
pub const VERSION: u32 = 1;

/// A document of a tool's own, for what it says beside the engine's.
///
/// ```
/// use sprocket_core::document::Document;
///
/// let bye = Document::new("bye", serde_json::json!({ "until": "tomorrow" }));
/// assert_eq!(serde_json::to_string(&bye).unwrap(), r#"{"version":1,"type":"bye","until":"tomorrow"}"#);
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Document<T> {
    version: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    content: T,
}

impl<T: Serialize> Document<T> {
    /// A document of this type. Its content is a struct or a map.
    pub fn new(kind: &'static str, content: T) -> Self {
        Self { version: VERSION, kind, content }
    }
}

fn begin<S: Serializer>(serializer: S, kind: &str) -> Result<S::SerializeMap, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("version", &VERSION)?;
    map.serialize_entry("type", kind)?;
    Ok(map)
}

/// Writes values under the names of their variables. The structs are taken apart where it is used, so that a new field is
/// not forgotten.
macro_rules! entries {
    ($map:ident, $($name:ident),*) => { $( $map.serialize_entry(stringify!($name), $name)?; )* };
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (digest, pending) = (&self.digest(), &!self.is_empty());
        let Self { request, lineage, serial, steps, moved, settled, kept, problems, warnings, beside, .. } = self;
        let Self { outputs, deferred, unchanged, left_out, proposed_key: _, .. } = self;
        let mut map = begin(serializer, "plan")?;
        entries!(map, digest, pending, request, lineage, serial, steps, moved, settled, kept, problems, warnings);
        entries!(map, beside);
        entries!(map, outputs, deferred, unchanged, left_out);
        map.end()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = begin(serializer, "event")?;
        macro_rules! event {
            ($event:literal $(, $name:ident)*) => {{
                map.serialize_entry("event", $event)?;
                entries!(map, $($name),*);
            }};
        }
        match self {
            Self::Refreshing => event!("refreshing"),
            Self::Refreshed { recorded } => event!("refreshed", recorded),
            Self::ApplyStarted { steps } => event!("apply_started", steps),
            Self::StepStarted { step, address, action, name } => event!("step_started", step, address, action, name),
            Self::StepWaiting { step, address } => event!("step_waiting", step, address),
            Self::StepRetried { step, address, cause, wait } => {
                let wait = &in_seconds(*wait);
                event!("step_retried", step, address, cause, wait);
            }
            Self::StepEnded { step, address, action, outcome, took } => {
                let (took, outcome) = (&in_seconds(*took), json!(outcome));
                event!("step_ended", step, address, action, took);
                for (key, value) in outcome.as_object().into_iter().flatten() {
                    map.serialize_entry(key, value)?;
                }
            }
            Self::Stopping => event!("stopping"),
            Self::ApplyEnded { saved } => event!("apply_ended", saved),
        }
        map.end()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (succeeded, summary) = (&self.succeeded(), &self.to_string());
        let Self { steps, kept, deferred, interrupted, state_failure, serial, output_problems } = self;
        let mut map = begin(serializer, "report")?;
        entries!(map, succeeded, summary, interrupted, state_failure, serial, steps, kept, deferred, output_problems);
        map.end()
    }
}

impl Serialize for VerifyReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (passed, Self { checks, unchecked }) = (&self.passed(), self);
        let checks = checks.iter();
        let checks =
            checks.map(|(address, check)| json!({ "address": address, "what": check.what, "failure": check.failure }));
        let checks: &Vec<Value> = &checks.collect();
        let mut map = begin(serializer, "verdict")?;
        entries!(map, passed, checks, unchecked);
        map.end()
    }
}

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (reason, message, hint) = (&self.reason(), &self.message(), &self.hint());
        let mut map = begin(serializer, "error")?;
        entries!(map, reason, message, hint);
        if let Self::Problems(problems) = self {
            entries!(map, problems);
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Effect;
    use crate::plan::{Failure, StepId, StepOutcome};

    fn check(document: &impl Serialize, expect: &str) {
        assert_eq!(serde_json::to_string(document).unwrap(), expect);
    }

    #[test]
    fn what_is_sealed_is_hidden_everywhere() {
        let value = json!({"a": [{"$sealed": "x"}], "b": {"$fingerprint": "y"}, "c": {"$after": ["z"]}});
        let expect = json!({"a": [{"$secret": true}], "b": {"$secret": true}, "c": {"$after": ["z"]}});
        assert_eq!(shown(&value), expect);
    }

    #[test]
    fn a_map_that_looks_like_a_time_is_shown_as_it_is() {
        assert_eq!(shown(&json!({"secs": 1, "nanos": 2})), json!({"secs": 1, "nanos": 2}));
    }

    #[test]
    fn each_event_has_its_form() {
        let address = || "lab:net/edge".into();
        check(&Event::Refreshing, r#"{"version":1,"type":"event","event":"refreshing"}"#);
        check(&Event::Refreshed { recorded: 2 }, r#"{"version":1,"type":"event","event":"refreshed","recorded":2}"#);
        check(&Event::ApplyStarted { steps: 3 }, r#"{"version":1,"type":"event","event":"apply_started","steps":3}"#);
        check(
            &Event::StepStarted {
                step: StepId::of(0),
                address: address(),
                action: "create",
                name: Some("edge".into()),
            },
            r#"{"version":1,"type":"event","event":"step_started","step":0,"address":"lab:net/edge","action":"create","name":"edge"}"#,
        );
        check(
            &Event::StepWaiting { step: StepId::of(0), address: address() },
            r#"{"version":1,"type":"event","event":"step_waiting","step":0,"address":"lab:net/edge"}"#,
        );
        check(
            &Event::StepRetried {
                step: StepId::of(0),
                address: address(),
                cause: "slow".into(),
                wait: Duration::from_millis(500),
            },
            r#"{"version":1,"type":"event","event":"step_retried","step":0,"address":"lab:net/edge","cause":"slow","wait":0.5}"#,
        );
        let failure = Failure { message: "it is full".into(), hint: None, effect: Effect::None };
        let (outcome, took) = (StepOutcome::Failed(failure), Duration::from_millis(1250));
        check(
            &Event::StepEnded { step: StepId::of(0), address: address(), action: "create", outcome, took },
            r#"{"version":1,"type":"event","event":"step_ended","step":0,"address":"lab:net/edge","action":"create","took":1.25,"effect":"none","hint":null,"message":"it is full","outcome":"failed"}"#,
        );
        check(&Event::Stopping, r#"{"version":1,"type":"event","event":"stopping"}"#);
        check(&Event::ApplyEnded { saved: true }, r#"{"version":1,"type":"event","event":"apply_ended","saved":true}"#);
    }

    #[test]
    fn a_refusal_says_why_in_a_word_and_in_words() {
        check(
            &Refused::Stale { what: "the state has changed since it was made".into() },
            r#"{"version":1,"type":"error","reason":"stale","message":"the plan is stale: the state has changed since it was made","hint":"nothing was changed; plan again"}"#,
        );
    }
}
