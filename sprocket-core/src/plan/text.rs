//! Differences inside of a text: by its lines, or by its parts if it is JSON.

use std::collections::HashMap;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::display::Shown;
use crate::base::visible::Visible;
use crate::value::{Path, compare};

/// So many lines are shown of one text.
const MOST: usize = 40;

/// Up to so many pairs of lines are compared for the shortest difference.
const MOST_PAIRS: usize = 4_000_000;

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
    compare(&Path::default(), before, after, &mut |path, before, after| {
        let path = if path.0.is_empty() { "all of it".to_owned() } else { Visible(path).to_string() };
        found.push(format!("{path}: {} → {}", Shown(before), Shown(after)));
    });
    if found.is_empty() {
        found.push("the same, written otherwise".into());
    }
    found
}

/// The lines that go and come. Of texts with very many different lines only those are looked for that the other does not have:
/// the shortest difference would take minutes to find.
fn differing<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<(char, &'t str)> {
    let same =
        |pairs: &mut dyn Iterator<Item = (&&'t str, &&'t str)>| pairs.take_while(|(one, other)| one == other).count();
    let first = same(&mut before.iter().zip(after));
    let (before, after) = (&before[first..], &after[first..]);
    let last = same(&mut before.iter().rev().zip(after.iter().rev()));
    let (before, after) = (&before[..before.len() - last], &after[..after.len() - last]);
    if before.len().saturating_mul(after.len()) > MOST_PAIRS {
        let only = |these: &[&'t str], those: &[&'t str], sign: char| {
            let mut left = HashMap::<&str, usize>::new();
            those.iter().for_each(|line| *left.entry(line).or_default() += 1);
            let is_new = |line: &&'t str| match left.get_mut(line) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            };
            these.iter().copied().filter(is_new).map(|line| (sign, line)).collect::<Vec<_>>()
        };
        return [only(before, after, '-'), only(after, before, '+')].concat();
    }
    let signed = |change: similar::Change<&'t str>| match change.tag() {
        ChangeTag::Equal => None,
        ChangeTag::Delete => Some(('-', change.value())),
        ChangeTag::Insert => Some(('+', change.value())),
    };
    TextDiff::from_slices(before, after).iter_all_changes().filter_map(signed).collect()
}

fn lines(before: &str, after: &str) -> Vec<String> {
    // Without their ends: that the last one has none is worth a line only where it is the only difference.
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut found = Vec::new();
    for (sign, text) in differing(&before, &after) {
        let shown = if text.is_empty() { String::new() } else { Shown(&text.into()).to_string() };
        found.push(format!("{sign} {shown}").trim_end().to_owned());
    }
    if found.is_empty() {
        let same = before == after;
        let what = if same { "the same, but for ends of lines" } else { "the same lines in another order" };
        found.push(what.into());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_in_another_order_are_compared_in_no_time() {
        let lines: Vec<String> = (0..20_000).map(|line| format!("line {line}")).collect();
        let (before, mut after) = (lines.join("\n"), lines.clone());
        after.sort_by_key(|line| std::cmp::Reverse(line.clone()));
        let begun = std::time::Instant::now();
        let found = differences(&Value::from(before.as_str()), &Value::from(after.join("\n").as_str()));
        assert_eq!(found, Some(vec!["the same lines in another order".to_owned()]));
        after[7] = "another".into();
        let found =
            differences(&Value::from(before.as_str()), &Value::from(after.join("\n").as_str())).unwrap_or_default();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
