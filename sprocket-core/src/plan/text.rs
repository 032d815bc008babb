//! Differences inside of a text: by its lines, or by its parts if it is JSON.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::diff;
use super::display::Shown;
use crate::value::Path;

/// So many lines are shown of one text.
const MOST: usize = 40;

/// How one text differs from another, a line for each difference; none where the two texts themselves say it as well.
pub(super) fn differences(before: &Value, after: &Value) -> Option<Vec<String>> {
    let (Value::String(before), Value::String(after)) = (before, after) else { return None };
    let mut lines = match (parsed(before), parsed(after)) {
        (Some(before), Some(after)) => parts(&before, &after),
        _ if before.contains('\n') || after.contains('\n') => lines(before, after),
        _ => return None,
    };
    if lines.len() > MOST {
        let more = lines.split_off(MOST).len();
        lines.push(format!("… and {more} lines more"));
    }
    Some(lines)
}

/// A document, and not just a word or a number.
fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

fn parts(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    diff::compare(&Path::default(), before, after, &mut |path, before, after| {
        let path = if path.0.is_empty() { "all of it".to_owned() } else { path.to_string() };
        found.push(format!("{path}: {} → {}", Shown(before), Shown(after)));
    });
    if found.is_empty() {
        found.push("the same, written otherwise".into());
    }
    found
}

fn lines(before: &str, after: &str) -> Vec<String> {
    // Without their ends: that the last one has none is worth a line only where it is the only difference.
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut found = Vec::new();
    for change in TextDiff::from_slices(&before, &after).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        let text = change.value();
        let shown = if text.is_empty() { String::new() } else { Shown(&text.into()).to_string() };
        found.push(format!("{sign} {shown}").trim_end().to_owned());
    }
    if found.is_empty() {
        found.push("the same, but for ends of lines".into());
    }
    found
}
