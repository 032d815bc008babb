//! The laws, each once: functions over what a run did, what is there, what is recorded and what was shown.

use std::collections::{BTreeMap, BTreeSet};

use sprocket_core::engine::Report;
use sprocket_core::engine::{Plan, Problem, StepAction};
use sprocket_core::state::{Action, JournalEvent, Object, Snapshot};

use super::case::{KindName, Opt, PLANTED, Slot, Street, Use, street};
use super::shed::{Call, Thing, record_of, slot};
use super::trace::Note;

/// What a law says when it is broken.
pub(crate) type Law = Result<(), String>;

macro_rules! holds {
    ($is:expr, $($what:tt)*) => {
        if !$is { return Err(format!($($what)*)); }
    };
}

/// Every live object that the stack ever made is in its state, being made by a call that the journal knows of, left in
/// place by a plan that said so, or told as an orphan in the plan.
pub(crate) fn every_object_is_accounted_for(
    things: &[Thing],
    state: &Snapshot,
    plan: &Plan,
    left: &BTreeSet<String>,
) -> Law {
    let known = objects(state);
    let begun: BTreeSet<(&str, &str)> = state
        .pending
        .iter()
        .filter_map(|(address, begun)| match &begun.event {
            JournalEvent::Begin { action: Action::Create { intent } } => Some((address.kind(), intent.name.as_str())),
            _ => None,
        })
        .collect();
    let told = || plan.warnings.iter().chain(&plan.problems);
    for thing in things.iter().filter(|thing| is_ours(thing, state)) {
        let is_told = || {
            told().any(|problem| {
                problem.message.contains(&thing.name)
                    || problem.hint.as_ref().is_some_and(|hint| hint.contains(&thing.name))
            })
        };
        let is_accounted_for = known.contains_key(&(thing.kind, thing.id.as_str()))
            || begun.contains(&(thing.kind, thing.name.as_str()))
            || left.contains(&thing.name)
            || is_told();
        holds!(
            is_accounted_for,
            "{} {} ({}) is the stack's, and neither recorded nor told as an orphan",
            thing.kind,
            thing.name,
            thing.id
        );
    }
    Ok(())
}

/// No two objects of a record are one, and no live object is in two records that are settled.
pub(crate) fn every_object_is_recorded_once(state: &Snapshot, ids_come_back: bool) -> Law {
    let mut seen = BTreeMap::new();
    for (address, record) in &state.records {
        for object in record.objects() {
            let it = (address, object.generation);
            let other = seen.insert((&record.provider, address.kind(), object.id.as_str()), it);
            // Another may have the id of one that has gone, and that is not known yet.
            let is_one = other.is_some_and(|other| !ids_come_back || other == it);
            holds!(!is_one, "{} is recorded twice: by {address} and by {other:?}", object.id);
        }
    }
    Ok(())
}

/// Nothing is updated or deleted whose last read was not compared: what somebody else changed after the plan was made is
/// left alone, unless the run itself had sent a change to it before.
pub(crate) fn what_is_changed_was_compared(notes: &[Note]) -> Law {
    let (mut changed, mut sent) = (BTreeSet::new(), BTreeSet::new());
    for note in notes {
        match note {
            Note::Run | Note::Planned => {
                changed.clear();
                sent.clear();
            }
            Note::Meddled { name } if !sent.contains(name) => drop(changed.insert(name)),
            Note::Called { call: call @ (Call::Create | Call::Update | Call::Delete), name, .. } => {
                let is_compared = *call == Call::Create || !changed.contains(name);
                holds!(
                    is_compared,
                    "{call:?} of {name} is called, and somebody else changed it after the plan was made"
                );
                sent.insert(name);
            }
            _ => {}
        }
    }
    Ok(())
}

/// A plan never creates and deletes one object: where it gives the name of an object that it deletes to a new one of the
/// same provider and kind, the delete comes first.
pub(crate) fn no_plan_creates_what_it_deletes(plan: &Plan, state: Option<&Snapshot>) -> Law {
    let Some(state) = state else { return Ok(()) };
    let mut deleted: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (number, step) in plan.steps.iter().enumerate() {
        if let StepAction::Delete { object: which, .. } = &step.action
            && let Some(record) = state.records.get(&step.address)
            && let Some(object) = record.objects().find(|object| object.which() == *which)
        {
            deleted.entry((step.address.kind(), object.name.as_str())).or_default().push(number);
        }
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let (StepAction::Create { .. }, Some(name)) = (&step.action, &step.name) else { continue };
        for &delete in deleted.get(&(step.address.kind(), name.as_str())).into_iter().flatten() {
            holds!(
                waits(plan, number, delete),
                "{} {name} is created and deleted by one plan:\n{plan}",
                step.address.kind()
            );
        }
    }
    Ok(())
}

/// After a full apply planning again changes nothing.
pub(crate) fn nothing_is_left_to_do(plan: &Plan) -> Law {
    holds!(plan.is_empty() && plan.problems.is_empty(), "after a full run there is something to do:\n{plan}");
    Ok(())
}

/// What is printed or stored holds no planted secret, nor an unkeyed hash of one.
pub(crate) fn no_secret_shows(said: &[(&str, String)], secrets: &BTreeSet<String>) -> Law {
    for (place, text) in said {
        holds!(!text.contains(PLANTED), "a secret shows in the {place}: {text}");
        for secret in secrets {
            use sha2::Digest as _;
            let hash = hex::encode(sha2::Sha256::digest(secret));
            holds!(!text.contains(&hash[..12]), "the hash of a secret shows in the {place}: {text}");
        }
    }
    Ok(())
}

/// An edited state is refused before a call.
pub(crate) fn an_edited_state_is_refused(refused: bool, notes: &[Note]) -> Law {
    let sent = notes.iter().find_map(|note| match note {
        Note::Called { call, name, .. } => Some(format!("{call:?} of {name}")),
        _ => None,
    });
    holds!(sent.is_none(), "{sent:?} is called for a state that somebody else has written");
    holds!(refused, "a state that somebody else has written is not refused");
    Ok(())
}

/// Nothing is sent after the lock was lost. Calls that are under way may end.
pub(crate) fn nothing_is_sent_without_the_lock(notes: &[Note]) -> Law {
    let mut lost = false;
    for note in notes {
        match note {
            Note::Run | Note::Planned => lost = false,
            Note::LockLost => lost = true,
            Note::Called { call: call @ (Call::Create | Call::Update | Call::Delete), name, .. } => {
                holds!(!lost, "{call:?} of {name} is called after the lock was lost");
            }
            _ => {}
        }
    }
    Ok(())
}

/// A resource that only has another name in the program keeps its object, and so does one that nothing has changed of.
pub(crate) fn what_only_moves_keeps_its_object(
    before: &[Slot],
    had: &BTreeMap<u8, String>,
    program: &[Slot],
    has: &BTreeMap<u8, String>,
) -> Law {
    // What would take the address of something that stays does not move.
    let was = |slot: &Slot| {
        slot.options.iter().find_map(|option| if let Opt::Was(name) = option { Some(*name) } else { None })
    };
    // Without `.moved_from`, another address is another resource.
    let is_same = |slot: &Slot| {
        let other = before.iter().find(|other| other.slot == slot.slot);
        other.is_some_and(|other| {
            let is_moved = slot.called() == other.called() || was(slot) == Some(other.called());
            is_moved && (other.kind, other.base, other.text) == (slot.kind, slot.base, slot.text)
        })
    };
    let moves = |kind: KindName, name: u8| program.iter().any(|slot| slot.kind == kind && was(slot) == Some(name));
    let stays = |slot: &Slot| {
        let Some(old) = was(slot) else { return false };
        let is_declared =
            program.iter().any(|other| other.kind == slot.kind && other.called() == old && was(other).is_none());
        let is_recorded = before.iter().any(|other| other.kind == slot.kind && other.called() == slot.called());
        // What the same address said before is done.
        let is_done = before
            .iter()
            .any(|other| other.kind == slot.kind && other.called() == slot.called() && was(other) == Some(old));
        is_declared || is_done || is_recorded && !moves(slot.kind, slot.called())
    };
    if program.iter().any(stays) {
        return Ok(());
    }
    // What it mentions may have brought it about that it had to be another.
    for slot in program.iter().filter(|slot| slot.uses.is_empty() && is_same(slot)) {
        let mentioned_nothing = before.iter().any(|other| other.slot == slot.slot && other.uses.is_empty());
        let (Some(one), Some(other)) = (had.get(&slot.slot), has.get(&slot.slot)) else { continue };
        holds!(!mentioned_nothing || one == other, "{} had the object {one}, and has {other}", slot.address());
    }
    Ok(())
}

/// Nothing of others is ever touched.
pub(crate) fn nothing_of_others_is_touched(theirs: &[Thing], things: &[Thing]) -> Law {
    let touched = theirs.iter().find(|thing| !things.contains(thing));
    touched.map_or(Ok(()), |thing| Err(format!("{} {} is somebody else's, and was touched", thing.kind, thing.name)))
}

/// A failed look-up fails the resources that use its answer, and no others. If the answer is the address of a provider, these are
/// all resources of that provider.
pub(crate) fn a_failed_look_up_fails_who_asked(report: &Report, program: &[Slot]) -> Law {
    let is_looked_up = street(program) == Some(Street::LookedUp);
    let asks = |slot: &Slot| {
        is_looked_up && slot.has(Opt::Far) || slot.uses.iter().any(|using| matches!(using, Use::Looked(_)))
    };
    for (step, failure) in report.failures().filter(|(_, failure)| failure.message.contains("peek")) {
        let declared = program.iter().find(|slot| slot.address() == step.address.as_str());
        let is_asking = declared.map_or(is_looked_up, asks);
        holds!(is_asking, "{} asks nothing, and fails: {}", step.address, failure.message);
    }
    Ok(())
}

/// A provider that is reached by way of an object is reached in the end: no plan of a whole program gives up for that alone.
pub(crate) fn no_provider_stays_out_of_reach(plan: &Plan) -> Law {
    let gives_up = |problem: &Problem| {
        problem.message.contains("nothing that it is reached by")
            || problem.message.contains("makes its settings known")
    };
    match plan.problems.first().filter(|_| plan.problems.iter().all(gives_up)) {
        Some(problem) => Err(format!("`{}` {}", problem.address, problem.message)),
        None => Ok(()),
    }
}

/// What a request leaves out has no step in the plan.
pub(crate) fn what_is_left_out_has_no_step(plan: &Plan) -> Law {
    let step = plan.steps.iter().find(|step| plan.left_out.contains(&step.address));
    step.map_or(Ok(()), |step| Err(format!("{} is left out, and has a step in\n{plan}", step.address)))
}

/// An output that can't be made is never recorded as something else.
pub(crate) fn no_output_is_null(state: &Snapshot) -> Law {
    let null = state.outputs.iter().find(|(_, value)| value.value().is_null());
    null.map_or(Ok(()), |(name, _)| Err(format!("the output {name} can't be made, and is recorded as null")))
}

/// An object is there once for each record: it has no double that bears its mark.
pub(crate) fn no_object_has_a_double(things: &[Thing], state: &Snapshot, left: &BTreeSet<String>) -> Law {
    for (address, record) in &state.records {
        let with_mark = things.iter().filter(|thing| {
            thing
                .owner
                .as_ref()
                .is_some_and(|owner| owner.lineage == state.lineage && record_of(owner) == record.id.as_str())
                && !left.contains(&thing.name)
        });
        let ids: Vec<&str> = with_mark.map(|thing| thing.id.as_str()).collect();
        holds!(ids.len() <= record.objects().count(), "{address} has the objects {ids:?}");
    }
    Ok(())
}

/// A call has a durable beginning of its own sort; of one resource there is one call at a time; what something is made from
/// has ended before it begins; and an object is deleted only after what was made from it, as far as that goes too.
pub(crate) fn calls_are_journalled_and_in_order(
    notes: &[Note],
    left: &BTreeSet<String>,
    declared: &BTreeSet<u8>,
    used: &BTreeSet<u8>,
) -> Law {
    // By address, what is open; by record, its address; and what is being called.
    let mut open: BTreeMap<&str, Call> = BTreeMap::new();
    let mut begun: BTreeMap<&str, Call> = BTreeMap::new();
    let mut called: BTreeSet<&str> = BTreeSet::new();
    for note in notes {
        match note {
            Note::Run => {
                open.clear();
                begun.clear();
                called.clear();
            }
            Note::Begun { address, record, what, deps } => {
                if let Some(other) = open.get(address.as_str()) {
                    return Err(format!("{what:?} of {address} begins while its {other:?} has not ended"));
                }
                if let Some(dep) =
                    deps.iter().find(|dep| open.get(dep.as_str()).is_some_and(|what| *what != Call::Delete))
                {
                    return Err(format!(
                        "{what:?} of {address} begins while {dep}, which it is made from, has not ended"
                    ));
                }
                open.insert(address, *what);
                begun.insert(record, *what);
            }
            Note::Ended { address } => drop(open.remove(address.as_str())),
            Note::Called { call, name, record } => {
                // A create completes by an update what it finds made by half.
                let begun = begun.get(record.as_str());
                if begun != Some(call) && (begun, call) != (Some(&Call::Create), &Call::Update) {
                    return Err(format!("{call:?} of {name} is called without a durable beginning"));
                }
                if !called.insert(record) {
                    return Err(format!("{call:?} of {name} is called beside another call of its resource"));
                }
            }
            Note::Answered { record } => drop(called.remove(record.as_str())),
            Note::Planned | Note::Meddled { .. } | Note::LockLost => {}
            Note::Deleted { id, things } => {
                let goes_for_good = |thing: &Thing| !slot(&thing.name).is_some_and(|slot| declared.contains(&slot));
                let Some(gone) = things.iter().find(|thing| thing.id == *id) else { continue };
                // What makes room for its successor has an order of its own among what stays, and among what waits for
                // that to move away, which the oracle knows.
                let is_early =
                    |thing: &Thing| goes_for_good(thing) && !slot(&thing.name).is_some_and(|slot| used.contains(&slot));
                let stands_on_it = |thing: &&Thing| {
                    (thing.set.on.as_ref() == Some(id) || thing.set.uses.contains(id) && goes_for_good(thing))
                        && !thing.set.is_hosted()
                        && !left.contains(&thing.name)
                        && (goes_for_good(gone) || is_early(thing))
                };
                if let Some(user) = things.iter().find(stands_on_it) {
                    return Err(format!("{} is deleted, and {} was made from it", gone.name, user.name));
                }
            }
        }
    }
    Ok(())
}

/// Whether a step waits for another, however indirectly.
pub(crate) fn waits(plan: &Plan, step: usize, other: usize) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![step]);
    while let Some(step) = open.pop() {
        if step == other {
            return true;
        }
        open.extend(plan.steps[step].after.iter().map(|before| before.index()).filter(|&before| seen.insert(before)));
    }
    false
}

/// The recorded objects, by kind and id.
fn objects(state: &Snapshot) -> BTreeMap<(&str, &str), &Object> {
    let records = state.records.iter();
    records
        .flat_map(|(address, record)| {
            record.objects().map(move |object| ((address.kind(), object.id.as_str()), object))
        })
        .collect()
}

/// It bears the stack's mark. Of a kind that bears none, only the record tells.
fn is_ours(thing: &Thing, state: &Snapshot) -> bool {
    KindName::of(thing.kind).is_marked() && thing.owner.as_ref().is_some_and(|owner| owner.lineage == state.lineage)
}
