//! Errors as people read them: what failed, where it was declared, the cause once, and what to do.

use serde_json::json;
use sprocket_core::engine::{Failure, StepReport};
use sprocket_core::kind::Effect;

use crate::console::{Console, Look};
use crate::trouble::Trouble;

/// Why a command ended.
pub(crate) fn trouble(console: &Console, trouble: &Trouble) {
    if console.is_json() {
        let mut error = json!({ "message": trouble.message, "hint": trouble.hint });
        if let Some(reason) = trouble.reason {
            error["reason"] = reason.into();
        }
        return console.object("error", &error);
    }
    let hint = trouble.hint.as_ref().map(|hint| format!("\n  hint: {}", under(hint))).unwrap_or_default();
    console.err_lines(&format!("error: {}{hint}", under(&trouble.message)), look);
}

/// A text of several lines, of which none but the first begins at the margin: what a service says there is no line of ours.
fn under(text: &str) -> String {
    let mut lines = text.lines();
    let mut shown = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        shown.push_str(if line.starts_with(' ') { "\n" } else { "\n  " });
        shown.push_str(line);
    }
    shown
}

/// The failure of a step.
pub(crate) fn step(report: &StepReport, failure: &Failure) -> String {
    let at = report.at.as_ref().map(|at| format!("  ({at})")).unwrap_or_default();
    let mut text = format!("error: could not {} `{}`{at}", super::infinitive(report.action), report.address);
    text.push_str(&format!("\n  cause: {}", failure.message.replace('\n', "\n         ")));
    let left = match failure.effect {
        Effect::None => None,
        Effect::Unknown => {
            Some("it is not known whether it had an effect; the next run finds out before it does anything")
        }
        Effect::Done => Some("it had its effect and is recorded, but does not work yet"),
    };
    if let Some(left) = left {
        text.push_str(&format!("\n  left: {left}"));
    }
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("\n  hint: {}", hint.replace('\n', "\n        ")));
    }
    text
}

/// The look of a line of an error or a note.
pub(crate) fn look(line: &str) -> Look {
    match () {
        () if line.starts_with("error:") => Look::Bad,
        () if line.starts_with("warning:") => Look::Change,
        () if line.trim_start().starts_with("hint:") => Look::Strong,
        () => Look::Plain,
    }
}
