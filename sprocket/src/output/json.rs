//! The JSON stream: one [document](sprocket_core::document) a line. The engine's own are `plan`, `event`, `report`,
//! `verdict` and `error`; these are added:
//!
//! | `type` | what it has |
//! |---|---|
//! | `override` | `provider`, `setting`, `value` and `from`: a setting that is not the program's own |
//! | `drift` | `pending`, `steps`, and what could not be compared: `deferred`, `problems` |
//! | `error` | also where the engine was not asked: then without a `reason` |
//! | `end` | `exit`: the exit code; always the last |

use serde_json::{Value, json};
use sprocket_core::engine::Step;
use sprocket_core::engine::{Events, Plan};
use sprocket_core::program::AppliedOverride;

use crate::console::Console;

/// Tells every event.
pub(crate) fn listener(console: Console) -> Events {
    Events::to(move |event| console.document(&event))
}

pub(crate) fn of_override(applied: &AppliedOverride) -> Value {
    let (setting, value) = applied.setting.as_ref().map(|(setting, value)| (setting, value)).unzip();
    json!({ "provider": applied.provider, "setting": setting, "value": value, "from": *applied.from })
}

pub(crate) fn of_drift(plan: &Plan, steps: &[Step]) -> Value {
    let Plan { deferred, problems, .. } = plan;
    json!({ "pending": !steps.is_empty(), "steps": steps, "deferred": deferred, "problems": problems })
}
