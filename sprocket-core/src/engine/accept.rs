//! Accepting drift: what others have changed is recorded as it is, without a call to any service.
//!
//! The next plan has no drift to put back. Where the program says otherwise, that is a change of the program now.

use crate::session::Refused;
use serde_json::Value;

use super::Engine;
use super::prepare::Prepared;
use crate::base::{Address, Json};
use crate::erased::ErasedLive;
use crate::plan::Plan;
use crate::planner::accepts;
use crate::stack::Stack;
use crate::state::{Entry, JournalEvent, Object, Record, SeenSpec, Signer};
use crate::value::{Path, conceal_known, is_sealed, places_hidden, seal_at};

impl Engine {
    /// Records what others have changed, exactly as this plan shows it. Nothing else of the plan is done. Answers the
    /// resources that are recorded otherwise now.
    ///
    /// # Errors
    /// If the plan has problems or is stale, or the state is locked.
    pub async fn accept(&self, stack: &Stack, plan: &Plan) -> Result<Vec<Address>, Refused> {
        if !plan.problems.is_empty() {
            return Err(Refused::Problems(plan.problems.clone()));
        }
        let lock = self.lock("refresh").await?;
        let opener = self.opener();
        let result = async {
            let Prepared { mut snapshot, amendments, connections, observed, key, .. } =
                self.again(stack, plan, &*lock, &opener).await?;
            let mut entries = amendments;
            let mut accepted: Vec<Address> = Vec::new();
            for step in plan.steps.iter().filter(|step| step.has_drifted()) {
                let Some(record) = snapshot.records.get(&step.address) else { continue };
                if accepted.last() == Some(&step.address) {
                    continue;
                }
                let seen = observed.objects.get(&step.address);
                let kind = connections.kind(&record.provider, &step.address)?;
                let current = record.object.as_ref().and_then(|object| {
                    let live = seen?.current.as_ref()?;
                    let mut now = kind.mask(live, &object.secrets, &key).value();
                    // What the plan does not show is not recorded in clear.
                    let hidden = step.changes.iter().filter(|change| is_sealed(&change.before));
                    let hidden: Vec<Path> = hidden.map(|change| change.path.clone()).collect();
                    seal_at(&mut now, &hidden, &key);
                    conceal_known(&mut now, &key);
                    let marked = object.marked && live.is_own(&snapshot.lineage);
                    let foreign = object.foreign && live.is_theirs(&snapshot.lineage);
                    Some(Object { marked, foreign, ..as_it_is(object, live, Json::from(&now)) })
                });
                let old = record.old.iter().zip(seen.into_iter().flat_map(|seen| &seen.old));
                let old = old.filter(|(_, live)| live.is_some()).map(|(object, _)| object.clone()).collect();
                let next = Record { object: current, old, ..record.clone() };
                let is_gone = next.objects().next().is_none();
                let event = JournalEvent::Recorded { record: if is_gone { None } else { Some(Box::new(next)) } };
                entries.push(Entry { address: step.address.clone(), event });
                accepted.push(step.address.clone());
            }
            entries.extend(connections.entries(&mut snapshot));
            if !entries.is_empty() {
                lock.append(&entries, &Signer::of(&key)).await?;
            }
            Ok(accepted)
        }
        .await;
        let _ = lock.release().await;
        opener.close().await;
        result
    }
}

/// The object as if its service's word had been ours: what differs from what was seen last is what was sent.
fn as_it_is(object: &Object, live: &ErasedLive, now: Json) -> Object {
    // What was never read was to be as it was sent, but for what its service chooses.
    let is_free = |setting: &Value| object.seen.is_none() && setting.is_null();
    let applied = match object.seen_spec().unwrap_or(&object.applied) {
        seen if *seen != now => {
            let (seen, now, mut applied) = (seen.value(), now.value(), object.applied.value());
            if let (Value::Object(applied), Value::Object(now)) = (&mut applied, now) {
                let is_other = |setting: &Value, now: &Value| !accepts(setting, now) && !is_free(setting);
                for (setting, value) in now.into_iter().filter(|(setting, now)| is_other(&seen[setting], now)) {
                    applied.insert(setting, value);
                }
            }
            Json::from(&applied)
        }
        _ => object.applied.clone(),
    };
    let mut secrets = [&object.secrets[..], &places_hidden(&now, &live.spec)].concat();
    secrets.sort();
    secrets.dedup();
    Object {
        seen: Some(SeenSpec::of(now, &applied)),
        applied,
        secrets,
        revision: Some(live.revision.clone()),
        state: live.state.clone(),
        ..object.clone()
    }
}
