//! What has changed of an object: what the program says otherwise than was applied, and what others have done since.

use std::collections::BTreeSet;

use serde_json::Value;

use super::conceal::conceal_live;
use super::decide::Case;
use super::desired::{Desired, Spec};
use super::owner_tags::lost_mark;
use crate::base::Json;
use crate::erased::{ErasedLive, KindFacts};
use crate::kind::{Field, Naming};
use crate::plan::Change;
use crate::planner::compare::{self, Compared, real_changes};
use crate::planner::triggers;
use crate::state::Object;
use crate::value::{Path, PathPart, SEALED, StackKey, seal_alike, seal_at};

impl Case<'_, '_> {
    pub(super) fn differences(&self, object: &Object, live: &ErasedLive, desired: &Desired) -> Vec<Change> {
        let secrets = both(&desired.secrets, &object.secrets);
        let mut found = self.changes_and_drift(object, live, desired, &secrets);
        if found.is_empty() {
            return found;
        }
        for change in found.iter_mut().filter(|change| change.drift) {
            conceal_live(std::slice::from_mut(change), &secrets, self.input.key);
        }
        // Somebody else has made what is there what the program says now: no new object is needed for that. A content's
        // name would still be that of another.
        if self.node.kind.facts().naming != Naming::Content && found.iter().any(|change| change.replaces) {
            let now = self.node.kind.mask(live, &secrets, self.input.key).value();
            let replacing = found.iter_mut().filter(|change| change.replaces);
            replacing.for_each(|change| change.replaces = change.path.find(&now) != Some(&change.after));
        }
        found
    }

    fn changes_and_drift(
        &self,
        object: &Object,
        live: &ErasedLive,
        desired: &Desired,
        secrets: &[Path],
    ) -> Vec<Change> {
        let (node, key) = (self.node, self.input.key);
        let facts = node.kind.facts();
        let (kind, ignore) = (&node.kind, &node.options.ignore);
        let triggered = triggers::changes(object, &desired.triggers);
        let mut found = match &desired.spec {
            Spec::Whole(spec) if kind.equal(spec, &object.applied, secrets, key) => Vec::new(),
            spec => {
                let (mut before, after) = (object.applied.value(), &spec.value());
                // What becomes secret was in clear.
                seal_at(&mut before, &desired.secrets, key);
                let before = &before;
                let mut found = real_changes(Compared { kind, before, after, secrets, key }, ignore, false);
                // What was imported has what its service chose.
                found.retain(|change| !compare::accepts(&change.after, &change.before));
                found
            }
        };
        found.extend(triggered);
        found.extend(lost_mark(facts, object, live, &self.input.lineage));
        let Some(seen) = object.seen_spec() else {
            // What was made or changed by half is sent again anyway, unless it is only waited for.
            if object.ready || facts.needs_ready {
                found.extend(self.unlike_what_was_sent(live, desired, secrets, &found));
            }
            return found;
        };
        // The witness also knows what the spec does not show, such as how often a secret was written.
        let has_another_witness = || object.revision.as_ref().is_some_and(|revision| *revision != live.revision);
        if secrets.is_empty() && live.spec == *seen && !has_another_witness() {
            return found;
        }
        let masked = if secrets.is_empty() { live.spec.clone() } else { kind.mask(live, secrets, key) };
        let (masked, seen, secrets) = &alike(masked, seen, secrets, key);
        if masked == seen {
            if has_another_witness() {
                found.extend(unseen_drift(facts, desired));
            }
            return found;
        }
        if kind.equal(masked, seen, secrets, key) {
            return found;
        }
        let wanted = desired.spec.value();
        let (before, after) = (&seen.value(), &masked.value());
        for drift in real_changes(Compared { kind, before, after, secrets, key }, ignore, true) {
            if let Some(change) = found.iter_mut().find(|change| change.path == drift.path) {
                // Both have changed it. Where the program says what is there now, it is only sent again.
                if change.after != drift.after {
                    (change.before, change.drift) = (drift.after, true);
                }
            } else {
                let wanted = drift.path.0.iter().fold(&wanted, |value, part| match part {
                    PathPart::Key(key) => &value[key.as_str()],
                    PathPart::Index(index) => &value[*index],
                });
                found.push(Change { before: drift.after, after: wanted.clone(), ..drift });
            }
        }
        found
    }

    /// Where an object that could not be read after its last change is not as the program says. What its service may have
    /// written down otherwise is sent once more; nothing is replaced for that.
    fn unlike_what_was_sent(
        &self,
        live: &ErasedLive,
        desired: &Desired,
        secrets: &[Path],
        found: &[Change],
    ) -> Vec<Change> {
        let (kind, key) = (&self.node.kind, self.input.key);
        let (before, after) = (&kind.mask(live, secrets, key).value(), &desired.spec.value());
        let facts = kind.facts();
        let mut unlike = real_changes(Compared { kind, before, after, secrets, key }, &self.node.options.ignore, true);
        unlike.retain(|change| {
            let is_told = found.iter().any(|other| other.path.field() == change.path.field());
            !change.replaces
                && !is_told
                && !facts.hides(&change.path)
                && !compare::accepts(&change.after, &change.before)
        });
        unlike
    }
}

/// A change by somebody else of what can't be read: it is written again.
fn unseen_drift(facts: KindFacts, desired: &Desired) -> Vec<Change> {
    let wanted = desired.spec.value();
    let hidden = facts.fields.iter().filter(|field| field.write_only);
    let change = |field: &Field| Change {
        path: Path(vec![PathPart::Key(field.name.to_owned())]),
        before: Value::Null,
        after: wanted[field.name].clone(),
        replaces: false,
        drift: true,
    };
    hidden.map(change).collect()
}

/// What is there and what was seen last, with the same places sealed: what others have moved was kept only sealed. Also where
/// all of that is.
fn alike(live: Json, seen: &Json, secrets: &[Path], key: &StackKey) -> (Json, Json, Vec<Path>) {
    if live == *seen || (secrets.is_empty() && !seen.text().contains(SEALED)) {
        return (live, seen.clone(), secrets.to_vec());
    }
    let (mut now, mut seen) = (live.value(), seen.value());
    seal_at(&mut seen, secrets, key);
    let sealed = seal_alike(&mut now, &seen, key);
    (Json::from(&now), Json::from(&seen), both(&sealed, secrets))
}

fn both(one: &[Path], other: &[Path]) -> Vec<Path> {
    if one == other {
        return one.to_vec();
    }
    let all: BTreeSet<&Path> = one.iter().chain(other).collect();
    all.into_iter().cloned().collect()
}
