//! Orphans: objects with this stack's owner tag that no record has.
//!
//! A backup that was restored gives objects new ids; a state that was restored is older than what is there; a call has its effect
//! after it was asked what came of it. The tag names the record. If the record's object has gone, this one is it. If that is
//! there too, this one is its duplicate: it is recorded as an old object of the resource, and deleted like any other. Data is no
//! duplicate of data. What no record is named by stays an orphan, and a plan tells of it.

use std::collections::{BTreeMap, HashMap};

use crate::base::{Address, Json, ObjectId, PhysicalName, RecordId};
use crate::erased::{ErasedLive, KindHandle};
use crate::kind::Naming;
use crate::planner::{Name, Observed, RecoveredObject, Seen};
use crate::state::{Entry, JournalEvent, Object, Record, SeenSpec, Snapshot};
use crate::value::StackKey;

/// Gives objects to the records that their tags name. Returns the entries that make it durable.
pub(super) fn recover(
    snapshot: &mut Snapshot,
    observed: &mut Observed,
    key: &StackKey,
    kind: &dyn Fn(&Record, &Address) -> Option<KindHandle>,
) -> Vec<Entry> {
    let mut ours: Vec<(Name, ObjectId)> = Vec::new();
    for (name, strays) in &observed.strays {
        ours.extend(
            strays.iter().filter(|live| live.is_own(&snapshot.lineage)).map(|live| (name.clone(), live.id.clone())),
        );
    }
    if ours.is_empty() {
        return Vec::new();
    }
    ours.sort();
    let addresses: HashMap<RecordId, Address> =
        snapshot.records.iter().map(|(address, record)| (record.id.clone(), address.clone())).collect();
    let mut changed: BTreeMap<Address, Record> = BTreeMap::new();
    for (name, id) in ours {
        let strays = observed.strays.get_mut(&name).expect("BUG: it was found there");
        let place = strays.iter().position(|live| live.id == id).expect("BUG: it was found there");
        let record = strays[place].record(&snapshot.lineage).expect("BUG: it was found by its tag");
        let Some(address) = addresses.get(record) else { continue };
        let record = changed.get(address).or_else(|| snapshot.records.get(address));
        let record = record.expect("BUG: it was found by its id");
        // What was replaced and left in place is not ours to delete.
        if record.left.iter().any(|left| left.id == id && left.name == strays[place].name) {
            continue;
        }
        // What was begun and could not be settled yet is settled first.
        if (&record.provider, address.kind()) != (&name.0, name.1) || snapshot.pending.contains_key(address) {
            continue;
        }
        let (Some(kind), Some(seen)) = (kind(record, address), observed.objects.get_mut(address)) else { continue };
        let is_gone = seen.current.is_none() && can_be_current(record, &strays[place], &kind);
        if !is_gone && kind.facts().stateful {
            continue;
        }
        let live = strays.remove(place);
        observed.recovered.push(RecoveredObject {
            address: address.clone(),
            name: live.name.clone(),
            is_duplicate: !is_gone,
        });
        let record = taken_in(record.clone(), live, seen, is_gone, &kind, key);
        changed.insert(address.clone(), record);
    }
    observed.strays.retain(|_, strays| !strays.is_empty());
    let entry = |(address, record)| Entry { address, event: JournalEvent::Recorded { record: Some(Box::new(record)) } };
    let entries: Vec<Entry> = changed.into_iter().map(entry).collect();
    snapshot.take_all(entries.iter().cloned());
    entries
}

/// A content's name says what it is: another one is not what was recorded, but something that was made from it or before it.
fn can_be_current(record: &Record, live: &ErasedLive, kind: &KindHandle) -> bool {
    let object = record.object.as_ref();
    kind.facts().naming != Naming::Content || object.is_some_and(|object| object.name == live.name)
}

fn taken_in(
    mut record: Record,
    live: ErasedLive,
    seen: &mut Seen,
    is_gone: bool,
    kind: &KindHandle,
    key: &StackKey,
) -> Record {
    let like = record.object.as_ref().or(record.old.first());
    let object = object(like, &live, is_gone, kind, key);
    if is_gone {
        record.object = Some(object);
        seen.current = Some(live);
    } else {
        record.old.push(object);
        seen.old.push(Some(live));
    }
    record
}

/// The object as if it had been imported; what its service does not show is as it was recorded last.
fn object(like: Option<&Object>, live: &ErasedLive, is_current: bool, kind: &KindHandle, key: &StackKey) -> Object {
    let facts = kind.facts();
    let secrets = like.map(|like| like.secrets.clone()).unwrap_or_default();
    let seen = kind.mask(live, &secrets, key);
    let mut applied = seen.value();
    if let Some(like) = like {
        let recorded = like.applied.value();
        for field in facts.fields.iter().filter(|field| field.write_only) {
            applied[field.name] = recorded[field.name].clone();
        }
    }
    let applied = Json::from(&applied);
    Object {
        generation: like.map_or(1, |like| generation(like, &live.name, facts.naming)),
        name: live.name.clone(),
        id: live.id.clone(),
        version: facts.version,
        seen: Some(SeenSpec::of(seen, &applied)),
        applied,
        revision: Some(live.revision.clone()),
        marked: true,
        foreign: false,
        state: live.state.clone(),
        secrets,
        deps: like.map(|like| like.deps.clone()).unwrap_or_default(),
        ready: is_current && !facts.needs_ready,
        wait_failed: false,
        updates: like.map_or(0, |like| like.updates),
        triggers: like.map(|like| like.triggers.clone()).unwrap_or_default(),
    }
}

/// Which generation has this name: `edge-3` is the third of what `edge` or `edge-2` is another one of.
fn generation(like: &Object, name: &PhysicalName, naming: Naming) -> u32 {
    if naming != Naming::Generation || like.name == *name {
        return like.generation;
    }
    let suffix = format!("-{}", like.generation);
    let base = like.name.as_str();
    let base = if like.generation > 1 { base.strip_suffix(&*suffix).unwrap_or(base) } else { base };
    match name.as_str().strip_prefix(base).map(|rest| rest.strip_prefix('-')) {
        Some(Some(number)) => number.parse().unwrap_or(like.generation),
        Some(None) if name.as_str() == base => 1,
        _ => like.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::conformance;

    #[test]
    fn a_name_tells_its_generation() {
        let mut like = conformance::large(1).records.into_values().next().unwrap().object.unwrap();
        for (recorded, of, found, expected) in [
            ("edge", 1, "edge", 1),
            ("edge", 1, "edge-2", 2),
            ("edge", 1, "edge-1", 1),
            ("edge-2", 2, "edge", 1),
            ("edge-2", 2, "edge-2", 2),
            ("edge-2", 2, "edge-3", 3),
            ("edge-2", 2, "edge-2-2", 2),
            ("edge-1", 1, "edge-1-4", 4),
            ("edge-1", 1, "edge", 1),
            // Any other name keeps the recorded generation.
            ("edge", 3, "edges", 3),
            ("edge", 3, "rim", 3),
            ("edge", 3, "edge-x", 3),
        ] {
            (like.name, like.generation) = (recorded.into(), of);
            assert_eq!(generation(&like, &found.into(), Naming::Generation), expected, "{recorded} #{of}, {found}");
            assert_eq!(generation(&like, &found.into(), Naming::Fixed), of, "{recorded} #{of}, {found}");
        }
    }
}
