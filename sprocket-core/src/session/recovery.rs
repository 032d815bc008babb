//! Settling: what an interrupted run left, found out by reading.
//!
//! For every call that was begun and has no end in the journal, the service is asked what came of it. The answer is an
//! entry that the next run makes durable before anything else; a plan only uses it. Where the evidence has two readings,
//! the run is refused, and the refusal shows the evidence.

use futures::stream::{FuturesOrdered, TryStreamExt as _};

use super::connections::Connections;
use crate::base::{Address, Effect, OwnerTag};
use crate::erased::{ErasedLive, ErasedSettled, KindHandle, Target, Through, owner_tag};
use crate::planner::is_as_wanted;
use crate::session::Refused;
use crate::state::{Action, Entry, Intent, JournalEvent, Object, Record, SeenSpec, Snapshot};
use crate::value::{Path, StackKey};

/// Corrects what is recorded by what came of each call; returns how. Nothing is written. Beside a run that goes on, what came
/// of its calls may be undecided.
pub(crate) async fn recover(
    snapshot: &mut Snapshot,
    key: &StackKey,
    connections: &Connections,
    beside_a_run: bool,
) -> Result<Vec<Entry>, Refused> {
    let settling = snapshot.pending.keys().map(|address| async {
        match settle_one(address, snapshot, key, connections).await {
            // The run that makes it knows.
            Err(Refused::Undecided { .. }) if beside_a_run => Ok(None),
            settled => settled,
        }
    });
    let settled: Vec<Option<Entry>> = FuturesOrdered::from_iter(settling).try_collect().await?; // in order: of several failures the same one is reported each time
    let settled: Vec<Entry> = settled.into_iter().flatten().collect();
    snapshot.take_all(settled.iter().cloned());
    Ok(settled)
}

async fn settle_one(
    address: &Address,
    snapshot: &Snapshot,
    key: &StackKey,
    connections: &Connections,
) -> Result<Option<Entry>, Refused> {
    let Some(action) = snapshot.pending(address) else { return Ok(None) };
    let record = snapshot.records.get(address);
    let event = match action {
        Action::Create { intent } => {
            if connections.is_deferred(&intent.provider) {
                return Ok(None);
            }
            let open = connections.open(&intent.provider)?;
            let kind = connections.kind(&intent.provider, address)?;
            let through = Through { provider: &open.instance, key, secrets: &intent.secrets };
            let owner = owner_tag(key, &snapshot.lineage, address.kind(), &intent.record);
            let settled = connections.ask(kind.calls.recover(through, intent, &owner)).await;
            match settled.map_err(|fault| Refused::unreadable(&intent.provider, kind.facts().kind, fault))? {
                ErasedSettled::Nothing => nothing_found(),
                ErasedSettled::Ours { object, duplicates } => {
                    created(record, intent, (*object, duplicates), &owner, &kind, key)
                }
                // A kind whose objects say whose they are: these are somebody else's.
                ErasedSettled::Unmarked(_) if kind.facts().marked => nothing_found(),
                ErasedSettled::Unmarked(mut lives) => {
                    let same = |live: &ErasedLive| kind.equal(&live.spec, &intent.spec, &intent.secrets, key);
                    match lives.pop() {
                        Some(live) if lives.is_empty() && same(&live) => {
                            created(record, intent, (live, lives), &owner, &kind, key)
                        }
                        _ => return Err(Refused::Undecided { address: address.clone(), name: intent.name.clone() }),
                    }
                }
            }
        }
        // Sending the whole desired spec again is harmless, so it need not be known whether it arrived.
        Action::Update { .. } | Action::Ready => JournalEvent::Failed {
            record: record.cloned().map(|mut record| {
                let (deps, secrets): (&[Address], &[Path]) = match action {
                    Action::Update { intent } => {
                        record.end_as(intent.ending.clone());
                        (&intent.deps, &intent.secrets)
                    }
                    _ => (&[], &[]),
                };
                record.object = record.object.map(|object| object.in_doubt(deps, secrets, key));
                Box::new(record)
            }),
            effect: Effect::Unknown,
            settled: true,
        },
        Action::Delete { object: which } => {
            let Some(record) = record else { return Ok(Some(entry(address, nothing_done()))) };
            if connections.is_deferred(&record.provider) {
                return Ok(None);
            }
            let Some(object) = record.objects().find(|object| object.is(which)) else {
                return Ok(Some(entry(address, nothing_done())));
            };
            let open = connections.open(&record.provider)?;
            let kind = connections.kind(&record.provider, address)?;
            let through = Through { provider: &open.instance, key, secrets: &object.secrets };
            let owner = owner_tag(key, &snapshot.lineage, address.kind(), &record.id);
            // What lives only in its record is deleted with it.
            let alone = kind.facts().naming == crate::kind::Naming::None;
            let lives = connections.ask(kind.calls.read(through, Target::Recorded(object, &owner))).await;
            let lives = lives.map_err(|fault| Refused::unreadable(&record.provider, kind.facts().kind, fault))?;
            if lives.is_empty() || alone {
                JournalEvent::Done { record: Some(Box::new(record.without(which))) }
            } else {
                nothing_done()
            }
        }
    };
    Ok(Some(entry(address, event)))
}

fn entry(address: &Address, event: JournalEvent) -> Entry {
    Entry { address: address.clone(), event }
}

fn nothing_done() -> JournalEvent {
    JournalEvent::Failed { record: None, effect: Effect::None, settled: true }
}

/// A create has left nothing so far.
fn nothing_found() -> JournalEvent {
    JournalEvent::Failed { record: None, effect: Effect::Unknown, settled: true }
}

/// The record of what an interrupted create made; it is unfinished if that is not as it was to be. Duplicates are recorded
/// too, so that they are deleted.
fn created(
    record: Option<&Record>,
    intent: &Intent,
    (object, duplicates): (ErasedLive, Vec<ErasedLive>),
    owner: &OwnerTag,
    kind: &KindHandle,
    key: &StackKey,
) -> JournalEvent {
    let recorded = |live: ErasedLive| {
        let is_whole = is_as_wanted(kind, &live.spec, &intent.spec, &intent.secrets, key);
        Object {
            marked: live.is(owner),
            foreign: false,
            ready: !kind.facts().needs_ready && is_whole,
            generation: intent.generation,
            name: live.name.clone(),
            id: live.id.clone(),
            version: intent.version,
            applied: intent.spec.clone(),
            // What was made by half, or changed by somebody else since, is held against the program.
            seen: is_whole.then(|| SeenSpec::of(live.spec, &intent.spec)),
            revision: is_whole.then_some(live.revision),
            state: live.state,
            secrets: intent.secrets.clone(),
            deps: intent.deps.clone(),
            wait_failed: false,
            updates: 0,
            triggers: intent.triggers.clone(),
        }
    };
    let new = || Record {
        moved_from: intent.moved_from.clone(),
        ..Record::new(intent.record.clone(), intent.provider.clone())
    };
    let mut next = record.cloned().unwrap_or_else(new);
    next.end_as(intent.ending.clone());
    next.make_place(intent.generation);
    next.object = Some(recorded(object));
    next.old.extend(duplicates.into_iter().map(recorded));
    JournalEvent::Done { record: Some(Box::new(next)) }
}
