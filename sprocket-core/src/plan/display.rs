//! Plans as people read them. No colour is needed to understand anything.

use std::fmt::{self, Display, Write as _};

use serde_json::Value;

use super::{Change, Deferred, Goal, Plan, Problem, Reason, Step, StepAction, text};
use crate::base::visible::{Message, Visible, visible};
use crate::base::{Json, plain_key};
use crate::value::{AFTER, FINGERPRINT, Path, PathPart, SEALED, is_assigned};

/// Longer values are cut.
const WIDEST: usize = 120;

impl Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(holder) = &self.beside {
            writeln!(f, "! the state is locked by {holder}: this plan may change until that has ended")?;
        }
        for settlement in &self.settled {
            writeln!(f, "! {} {}", Visible(&settlement.address), Message(&settlement.outcome))?;
        }
        for moved in &self.moved {
            writeln!(f, "> {} was {}", Visible(&moved.to), Visible(&moved.from))?;
        }
        for step in &self.steps {
            step.fmt(f)?;
        }
        for (name, change) in &self.outputs {
            writeln!(f, "output {}: {} → {}", Visible(name), Shown(&change.before), Shown(&change.after))?;
        }
        for kept in &self.kept {
            writeln!(f, "= {} stays as `{}`: {}", Visible(&kept.address), Visible(&kept.name), Message(&kept.reason))?;
        }
        for deferred in &self.deferred {
            writeln!(f, "… {deferred}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        self.summary(f)
    }
}

impl Plan {
    fn count(&self, which: impl Fn(&StepAction) -> bool) -> usize {
        self.steps.iter().filter(|step| which(&step.action)).count()
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            0 => {}
            1 => return write!(f, "1 problem: nothing can be applied until it is solved."),
            several => return write!(f, "{several} problems: nothing can be applied until they are solved."),
        }
        if self.is_empty() {
            let left_out = match self.left_out.len() {
                0 => String::new(),
                number => format!("; {number} left out"),
            };
            let what = match (self.request.goal, self.unchanged) {
                (Goal::Declared, 1) => "1 resource is as declared".into(),
                (Goal::Declared, several) => format!("{several} resources are as declared"),
                (Goal::Destroyed { .. }, _) => "nothing is left to destroy".into(),
            };
            return write!(f, "Nothing to do: {what}{left_out}.");
        }
        let replaced = self.count(|action| matches!(action, StepAction::Create { replaces: true, .. }));
        // What goes with a replaced host is counted as replaced.
        let with_host =
            |step: &&Step| matches!(step.action, StepAction::Drop { .. }) && step.reason == Reason::HostReplaced;
        let with_host = self.steps.iter().filter(with_host).count();
        let forgotten = self.count(|action| matches!(action, StepAction::Drop { .. } | StepAction::Leave));
        let counts = [
            (self.count(|action| matches!(action, StepAction::Create { replaces: false, .. })), "to create"),
            (self.count(|action| matches!(action, StepAction::Adopt { .. })), "to take over"),
            (self.count(|action| matches!(action, StepAction::Update)), "to update"),
            (self.count(|action| matches!(action, StepAction::Await)), "to wait for"),
            (replaced, "to replace"),
            (self.count(|action| matches!(action, StepAction::Restore { .. })), "to restore"),
            (self.count(|action| matches!(action, StepAction::Delete { replaced: false, .. })), "to delete"),
            (forgotten - with_host, "to forget"),
            (self.count(|action| matches!(action, StepAction::Record)), "to record"),
            (self.moved.len(), "moved"),
            (self.unchanged, "unchanged"),
            (self.left_out.len(), "left out"),
            (self.deferred.iter().map(|deferred| deferred.resources.len()).sum(), "to read later"),
        ];
        let mut parts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let mut text = parts.next().unwrap_or_else(|| "Only outputs and old objects change".into());
        parts.for_each(|part| text.extend([", ", part.as_str()]));
        write!(f, "{text}.")
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, note) = match (&self.action, &self.reason) {
            (StepAction::Create { replaces: true, .. }, Reason::Requested) => {
                ("±", "a new one takes its place, as asked for".to_owned())
            }
            (StepAction::Create { replaces: true, .. }, Reason::HostReplaced) => {
                ("±", "a new one takes its place, as its host is replaced".to_owned())
            }
            (StepAction::Create { replaces: true, .. }, _) => ("±", "a new one takes its place".to_owned()),
            (StepAction::Create { .. }, Reason::Gone) => ("+", "it has gone".to_owned()),
            (StepAction::Create { .. }, _) => ("+", String::new()),
            (StepAction::Adopt { .. }, _) => ("+", "taken over".to_owned()),
            (StepAction::Update, Reason::Drifted) => ("~", "changed by somebody else".to_owned()),
            (StepAction::Update, Reason::Unfinished) => ("~", "made or changed by half".to_owned()),
            (StepAction::Update, _) => ("~", String::new()),
            (StepAction::Await, _) => ("~", "not seen to work yet".to_owned()),
            (StepAction::Restore { .. }, _) => ("±", "the earlier one is used again".to_owned()),
            (StepAction::Delete { first: true, .. }, _) => ("-", "before the new one is made".to_owned()),
            (StepAction::Delete { replaced: true, .. }, _) => ("-", "replaced".to_owned()),
            (StepAction::Delete { .. }, Reason::Undeclared) => ("-", "not declared any more".to_owned()),
            (StepAction::Delete { .. }, _) => ("-", String::new()),
            (StepAction::Drop { .. }, Reason::HostDeleted | Reason::HostReplaced) => {
                ("-", "goes with its host".to_owned())
            }
            (StepAction::Drop { .. }, Reason::Retained) => ("=", "left in place, and no longer recorded".to_owned()),
            (StepAction::Drop { .. }, _) => ("-", "it has gone".to_owned()),
            (StepAction::Leave, _) => ("=", "left in place, and no longer recorded".to_owned()),
            (StepAction::Record, _) => ("·", "only its record changes".to_owned()),
        };
        write!(f, "{sign} {}", Visible(&self.address))?;
        // The name says something only where it is not the address's.
        let plain = self.address.as_str().rsplit('/').next();
        match &self.name {
            Some(name) if Some(name.as_str()) != plain => write!(f, " `{}`", Visible(name))?,
            None if matches!(self.action, StepAction::Create { .. }) => write!(f, " (named at apply)")?,
            _ => {}
        }
        if !note.is_empty() {
            write!(f, "  ({note})")?;
        }
        writeln!(f)?;
        if !self.changes.is_empty() {
            let is_all_drift = matches!((&self.action, &self.reason), (StepAction::Update, Reason::Drifted));
            return write_changes(f, &self.changes, is_all_drift);
        }
        let shown = self.spec.as_ref().filter(|_| self.reason != Reason::Requested);
        let Some(mut spec) = shown.map(Json::value) else { return Ok(()) };
        for path in &self.defaults {
            hide(&mut spec, path);
        }
        let Value::Object(spec) = spec else { return Ok(()) };
        let settings: Vec<_> = spec.iter().filter(|(_, value)| !is_empty(value)).collect();
        let width = settings.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 1;
        for (name, value) in settings {
            writeln!(f, "    {:width$} {}", format!("{name}:"), Shown(value))?;
        }
        Ok(())
    }
}

/// If somebody else is the reason for all of them, the step says so.
fn write_changes(f: &mut fmt::Formatter<'_>, changes: &[Change], is_all_drift: bool) -> fmt::Result {
    let paths: Vec<String> = changes.iter().map(|change| format!("{}:", Visible(&change.path))).collect();
    let width = paths.iter().map(|path| path.chars().count()).max().unwrap_or(0);
    for (change, path) in changes.iter().zip(paths) {
        let differences = text::differences(&change.before, &change.after);
        let path = format!("{path:width$}");
        let path = if differences.is_some() { path.trim_end() } else { &path };
        write!(f, "    {path}")?;
        let notes = [(change.drift && !is_all_drift, "changed by somebody else"), (change.replaces, "needs a new one")];
        let notes: Vec<&str> = notes.into_iter().filter(|(is, _)| *is).map(|(_, note)| note).collect();
        let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) };
        match differences {
            None => writeln!(f, " {} → {}{notes}", Shown(&change.before), Shown(&change.after))?,
            Some(lines) => {
                writeln!(f, "{notes}")?;
                lines.iter().try_for_each(|line| writeln!(f, "        {line}"))?;
            }
        }
    }
    Ok(())
}

impl Display for Deferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.resources[..] {
            [one] => write!(f, "{} is read after ", Visible(one))?,
            several => write!(f, "{} resources of `{}` are read after ", several.len(), Visible(&self.provider))?,
        }
        let after: Vec<String> = self.after.iter().map(|address| format!("`{}`", Visible(address))).collect();
        f.write_str(&after.join(" and "))
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", Visible(&self.address), Message(&self.message))?;
        if let Some(at) = &self.at {
            write!(f, "  ({})", Visible(at))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", Message(hint))?;
        }
        Ok(())
    }
}

/// Takes away what is at a place.
fn hide(value: &mut Value, path: &Path) {
    if let Some((PathPart::Key(last), above)) = path.0.split_last()
        && let Some(Value::Object(map)) = Path(above.to_vec()).find_mut(value)
    {
        map.remove(last);
    }
}

/// Settings that say nothing: they were left at nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => is_assigned(map) || map.values().all(is_empty),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// A value as people read it: secrets hidden, holes named, long texts cut.
pub(super) struct Shown<'a>(pub(super) &'a Value);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        show(self.0, &mut text);
        let text = visible(&text);
        if text.chars().count() > WIDEST {
            let cut: String = text.chars().take(WIDEST).collect();
            return write!(f, "{cut}… ({} characters)", text.chars().count());
        }
        f.write_str(&text)
    }
}

fn show(value: &Value, into: &mut String) {
    match value {
        Value::Null => into.push_str("(none)"),
        Value::Bool(_) | Value::Number(_) => {
            let _ = write!(into, "{value}");
        }
        Value::String(text) if text.is_empty() => into.push_str("\"\""),
        Value::String(text) => {
            for (place, line) in text.split('\n').enumerate() {
                into.push_str(if place == 0 { "" } else { "⏎" });
                into.push_str(line);
            }
        }
        Value::Array(items) => {
            into.push('[');
            for (place, item) in items.iter().enumerate() {
                into.push_str(if place == 0 { "" } else { ", " });
                show(item, into);
            }
            into.push(']');
        }
        Value::Object(map) if map.len() == 1 && (map.contains_key(SEALED) || map.contains_key(FINGERPRINT)) => {
            into.push_str("(secret)");
        }
        Value::Object(map) if is_assigned(map) => into.push_str("(chosen by the service)"),
        Value::Object(map) if map.len() == 1 && map.contains_key(AFTER) => {
            let after = map[AFTER].as_array().map(Vec::as_slice).unwrap_or_default();
            let names: Vec<&str> = after.iter().filter_map(Value::as_str).collect();
            let _ = write!(into, "(known after {})", names.join(", "));
        }
        Value::Object(map) => {
            into.push('{');
            let shown = map.iter().filter(|(_, value)| !is_empty(value));
            for (place, (key, value)) in shown.enumerate() {
                into.push_str(if place == 0 { "" } else { ", " });
                let _ = write!(into, "{}: ", plain_key(key));
                show(value, into);
            }
            into.push('}');
        }
    }
}
