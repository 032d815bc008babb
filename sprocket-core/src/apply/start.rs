//! Starting a step: what it comes to now that all it waited for is known.
//!
//! **Invariant:** a step becomes what the plan showed, or nothing; if it would become more, it is refused.

use serde_json::Value;

use super::call::{Call, Work};
use super::deviation::{exceeds_plan, first_deviation, is_prefix};
use super::{Run, refused};
use crate::base::{Address, Json, RecordId};
use crate::erased::{Evaluated, Fault, KindHandle, owner_tag};
use crate::kind::Naming;
use crate::plan::{Change, Reason, Step, StepAction, StepId};
use crate::planner::{Compared, has_holes, name_of, real_changes, triggers};
use crate::stack::Node;
use crate::state::{Action, Entry, Intent, JournalEvent, Object, Record, Which};
use crate::value::{Deps, NodeId, Path, open_at, seal_at};

/// What a step comes to.
pub(super) enum Start<'a> {
    /// Nothing is needed but these entries, if any.
    Unneeded(Vec<Entry>),
    /// Only entries.
    Entries(Vec<Entry>),
    /// It can't be done as the plan showed it.
    Refused(Fault),
    /// A call, after this entry is durable.
    Call(Entry, Box<Call<'a>>),
}

impl<'a> Run<'a> {
    pub(super) fn start(&mut self, number: StepId) -> Start<'a> {
        let step = &self.plan.steps[number.index()];
        let result = match &step.action {
            StepAction::Create { generation, replaces } => self.create(number, step, *generation, *replaces),
            StepAction::Adopt { generation } => self.change(number, step, Some(*generation)),
            StepAction::Update => self.change(number, step, None),
            StepAction::Await => self.wait(number, step),
            StepAction::Restore { object } => self.restore(step, object),
            StepAction::Delete { first: true, .. } if self.needs_no_successor(number, step) => {
                Ok(Start::Unneeded(Vec::new()))
            }
            StepAction::Delete { object, replaced, first } => self.delete(number, step, object, *replaced && !*first),
            StepAction::Drop { object } if self.stays_after_all(step, object) => Ok(Start::Unneeded(Vec::new())),
            StepAction::Drop { object } => {
                let record = self.snapshot.records.get(&step.address);
                let record = record.map(|record| match step.reason {
                    Reason::Retained => Box::new(record.leaving(object)),
                    _ => Box::new(record.without(object)),
                });
                Ok(Start::Entries(vec![entry(&step.address, JournalEvent::Recorded { record })]))
            }
            StepAction::Leave => {
                Ok(Start::Entries(vec![entry(&step.address, JournalEvent::Recorded { record: None })]))
            }
            StepAction::Record => self.record_options(step),
        };
        result.unwrap_or_else(Start::Refused)
    }

    fn node(&self, step: &Step) -> Result<&Node, Fault> {
        let index = step.node.ok_or_else(|| refused("the plan has a step without a declared resource"))?;
        Ok(&self.stack.nodes[index as usize])
    }

    /// The settings, which must all be known now.
    fn evaluate(&self, node: &Node, applied: Option<&Json>) -> Result<(Json, Vec<Path>), Fault> {
        let addresses = |deps: &Deps| self.stack.addresses(deps);
        match node.draft.evaluate(&self.knowledge.known, &self.key, &addresses, applied, &node.options.ignore) {
            Evaluated::Whole { spec, secrets } => Ok((spec, secrets)),
            Evaluated::Partly { .. } => Err(refused("a setting is still not known, though all it waits for is done")),
            Evaluated::Never(mistakes) => {
                Err(Fault::invalid(mistakes.first().expect("BUG: a setting that is never known has a mistake")))
            }
        }
    }

    fn intention(&self, node: &Node, generation: u32, spec: Json, secrets: Vec<Path>) -> Result<Intent, Fault> {
        let record = self.snapshot.records.get(&node.address);
        let content = if node.kind.facts().naming == Naming::Content { spec.value() } else { Value::Null };
        let name = name_of(node, generation, &content).ok_or_else(|| refused("its name is not known"))?;
        Ok(Intent {
            record: record.map_or_else(|| RecordId::from(self.settings.entropy.id()), |record| record.id.clone()),
            provider: self.stack.providers[node.provider].name.clone(),
            generation,
            name,
            version: node.kind.facts().version,
            spec,
            secrets,
            deps: node.deps.iter().map(|&dep| self.stack.nodes[dep as usize].address.clone()).collect(),
            triggers: self.triggers(node)?,
            ending: node.ending(self.stack),
            moved_from: node.moved_past(self.stack),
        })
    }

    /// What `.replace_on` says, all of which must be known now.
    fn triggers(&self, node: &Node) -> Result<Vec<Value>, Fault> {
        let standing = |node: NodeId| {
            let (index, records) = (node.index as usize, &self.snapshot.records);
            let learnt = self.knowledge.known.nodes[index].name.is_some();
            // What a step is still to change is not known, whatever is recorded.
            learnt.then(|| triggers::standing(records.get(&self.stack.nodes[index].address)))
        };
        let found =
            triggers::values(&node.options.replace_on, &self.knowledge.known, &self.key, &|_| Vec::new(), standing);
        let found = found.map_err(|mistake| Fault::invalid(&mistake))?;
        if found.iter().any(has_holes) {
            return Err(refused("what it is replaced on is still not known, though all it waits for is done"));
        }
        Ok(found)
    }

    /// What the program is to change of the object, now that all of it is known.
    fn changes(&self, node: &Node, object: &Object, spec: &Json, secrets: &[Path]) -> Result<Vec<Change>, Fault> {
        let (before, after) = (&object.applied.value(), &spec.value());
        let secrets = &[secrets, &object.secrets[..]].concat()[..];
        let compared = Compared { kind: &node.kind, before, after, secrets, key: &self.key };
        let mut found = real_changes(compared, &node.options.ignore, false);
        found.extend(triggers::changes(object, &self.triggers(node)?));
        Ok(found)
    }

    fn create(&self, number: StepId, step: &Step, generation: u32, replaces: bool) -> Result<Start<'a>, Fault> {
        let node = self.node(step)?;
        let record = self.snapshot.records.get(&node.address);
        let current = record.and_then(|record| record.object.as_ref());
        let (spec, secrets) = self.evaluate(node, current.map(|object| &object.applied))?;
        let planned = step.spec.as_ref().ok_or_else(|| refused("the plan has no settings for it"))?;
        if *planned != spec
            && let Some(path) = first_deviation(&planned.value(), &spec.value(), &Path::default(), &self.key)
        {
            return Err(exceeds_plan(&format!("`{path}` is not what the plan showed")));
        }
        if let (true, Some(object)) = (replaces && !self.is_certain(step), current) {
            let found = self.changes(node, object, &spec, &secrets)?;
            if found.is_empty() && !step.changes.iter().any(|change| change.drift) {
                if !object.ready {
                    // What an earlier run left unfinished is not finished by this.
                    return match node.kind.facts().needs_ready && !object.wait_failed {
                        true => self.wait_for(number, node, object, secrets),
                        false => Err(exceeds_plan("it turned out to need an update only")),
                    };
                }
                // It may be made from another resource now, whose object has the same id.
                let next = self.next_record(node, object, secrets)?;
                let entries = if record == Some(&next) { Vec::new() } else { vec![recorded(&step.address, next)] };
                return Ok(Start::Unneeded(entries));
            }
            if !step.changes.iter().any(|change| change.drift) && !found.iter().any(|change| change.replaces) {
                return Err(exceeds_plan("it turned out to need an update only"));
            }
        }
        let typed = node.draft.typed(
            &self.knowledge.known,
            &self.key,
            current.map(|o| (&node.options.ignore[..], &o.applied)),
            &secrets,
        );
        let typed = typed.map_err(|mistake| Fault::invalid(&mistake))?;
        let intention = self.intention(node, generation, spec, secrets)?;
        let begin = Action::Create { intent: Box::new(intention.clone()) };
        let base = self.record_of(node, intention.record.clone());
        let work = Work::Create { intention: Box::new(intention), spec: typed, base: Box::new(base) };
        Ok(self.call(number, node, begin, work))
    }

    /// An update, or a takeover.
    fn change(&self, number: StepId, step: &Step, adopting: Option<u32>) -> Result<Start<'a>, Fault> {
        let node = self.node(step)?;
        let record = self.snapshot.records.get(&node.address);
        let object = record.and_then(|record| record.object.as_ref()).filter(|_| adopting.is_none());
        let (spec, secrets) = self.evaluate(node, object.map(|object| &object.applied))?;
        if let Some(object) = object {
            let found = self.changes(node, object, &spec, &secrets)?;
            let drifted = step.changes.iter().any(|change| change.drift);
            let equal = node.kind.equal(&spec, &object.applied, &secrets, &self.key);
            // What was left unfinished is sent again all the same.
            if equal && !drifted && object.ready {
                return Ok(Start::Entries(vec![recorded(&step.address, self.next_record(node, object, secrets)?)]));
            }
            for change in found.iter().filter(|_| !equal) {
                let planned = step.changes.iter().find(|planned| planned.path == change.path);
                let within = |planned: &&Change| is_prefix(&planned.path, &change.path);
                let shown = planned.or_else(|| step.changes.iter().find(within));
                let expected = shown.is_some_and(|shown| {
                    shown.path != change.path
                        || first_deviation(&shown.after, &change.after, &change.path, &self.key).is_none()
                });
                if !expected {
                    return Err(exceeds_plan(&format!("`{}` is not what the plan showed", change.path)));
                }
            }
        }
        let generation = adopting.or(object.map(|object| object.generation)).unwrap_or(1);
        let mut intention = self.intention(node, generation, spec, secrets)?;
        if let Some(name) = object.map(|object| object.name.clone()).or_else(|| step.name.clone()) {
            intention.name = name;
        }
        let begin = Action::Update { intent: Box::new(intention.clone()) };
        let base = self.record_of(node, intention.record.clone());
        let work = Work::Change {
            intention: Box::new(intention),
            object: object.cloned().map(Box::new),
            base: Box::new(base),
            revision: step.revision.clone(),
            draft: self.typed_for_change(node)?,
        };
        Ok(self.call(number, node, begin, work))
    }

    /// The typed settings. What is left to others is taken from the live object, which the call reads; but it counts until an
    /// object was made.
    fn typed_for_change(&self, node: &Node) -> Result<crate::erased::TypedSpec, Fault> {
        let live = self.observed.objects.get(&node.address).and_then(|seen| seen.current.as_ref());
        let record = self.snapshot.records.get(&node.address).and_then(|record| record.object.as_ref());
        let secrets = record.map(|object| object.secrets.clone()).unwrap_or_default();
        let is_made = !record.is_some_and(Object::is_made_by_half);
        let live = live.filter(|_| !node.options.ignore.is_empty() && is_made);
        let keep = live.map(|live| (&node.options.ignore[..], &live.spec));
        node.draft.typed(&self.knowledge.known, &self.key, keep, &secrets).map_err(|mistake| Fault::invalid(&mistake))
    }

    fn wait(&self, number: StepId, step: &Step) -> Result<Start<'a>, Fault> {
        let node = self.node(step)?;
        let object = self.current(&step.address)?;
        let (_, secrets) = self.evaluate(node, Some(&object.applied))?;
        self.wait_for(number, node, object, secrets)
    }

    /// Waits for an object that stays as it is, until it works.
    fn wait_for(&self, number: StepId, node: &Node, object: &Object, secrets: Vec<Path>) -> Result<Start<'a>, Fault> {
        let object = self.as_declared(node, object, secrets)?;
        let base = self.record_of(node, self.snapshot.records[&node.address].id.clone());
        let work = Work::Wait { object: Box::new(object), base: Box::new(base) };
        Ok(self.call(number, node, Action::Ready, work))
    }

    /// The wait that follows a create or update of a kind that converges.
    pub(super) fn await_ready(&self, number: StepId, record: Record) -> (Entry, Call<'a>) {
        let step = &self.plan.steps[number.index()];
        let node = self.node(step).expect("BUG: only declared resources are waited for");
        let object = record.object.clone().expect("BUG: an object that was just made is recorded");
        let work = Work::Wait { object: Box::new(object), base: Box::new(record) };
        match self.call(number, node, Action::Ready, work) {
            Start::Call(begin, call) => (begin, *call),
            _ => unreachable!("BUG: a wait is a call"),
        }
    }

    fn restore(&self, step: &Step, which: &Which) -> Result<Start<'a>, Fault> {
        let node = self.node(step)?;
        let record = self.record_of(node, self.snapshot.records[&step.address].id.clone());
        let mut next = self.snapshot.records[&step.address].clone();
        let place = next.old.iter().position(|object| object.is(which)).ok_or_else(|| refused("it is not recorded"))?;
        let left = next.old.remove(place);
        let (_, secrets) = self.evaluate(node, Some(&left.applied))?;
        let restored = self.as_declared(node, &left, secrets)?;
        next.old.extend(next.object.replace(restored));
        let next = Record { object: next.object, old: next.old, ..record };
        Ok(Start::Entries(vec![recorded(&step.address, next)]))
    }

    fn record_options(&self, step: &Step) -> Result<Start<'a>, Fault> {
        let node = self.node(step)?;
        let object = self.current(&step.address)?;
        let (_, secrets) = self.evaluate(node, Some(&object.applied))?;
        Ok(Start::Entries(vec![recorded(&step.address, self.next_record(node, object, secrets)?)]))
    }

    /// The record of an object that stays as it is, with what the program says of the resource now.
    fn next_record(&self, node: &Node, object: &Object, secrets: Vec<Path>) -> Result<Record, Fault> {
        let record = self.record_of(node, self.snapshot.records[&node.address].id.clone());
        Ok(Record { object: Some(self.as_declared(node, object, secrets)?), ..record })
    }

    /// The object, which stays as it is, with what the program says of it now: what it is made from, and what of its
    /// settings is secret.
    fn as_declared(&self, node: &Node, object: &Object, secrets: Vec<Path>) -> Result<Object, Fault> {
        let sealed = |json: &Json| {
            let mut value = json.value();
            open_at(&mut value, &object.secrets, &self.key).map_err(refused)?;
            seal_at(&mut value, &secrets, &self.key);
            Ok::<_, Fault>(Json::from(&value))
        };
        let same = object.clone();
        let next = if secrets == object.secrets { same } else { same.with_specs(sealed)? };
        let deps = node.deps.iter().map(|&dep| self.stack.nodes[dep as usize].address.clone()).collect();
        Ok(Object { secrets, deps, triggers: self.triggers(node)?, ..next })
    }

    /// Whether a replacement is needed whatever its settings turn out to be.
    fn is_certain(&self, step: &Step) -> bool {
        step.reason == Reason::Requested || step.reason == Reason::HostReplaced && self.host_was_replaced(step)
    }

    /// Whether the host that a step waits for has another object by now. It may have turned out to need none.
    fn host_was_replaced(&self, step: &Step) -> bool {
        let guest = self.snapshot.records.get(&step.address);
        // What has gone with its host already is not recorded.
        let Some(host) = guest.and_then(|record| record.dies_with.as_ref()) else { return true };
        let before = || step.after.iter().map(|&before| &self.plan.steps[before.index()]);
        let objects = |address: &Address| self.snapshot.records.get(address).into_iter().flat_map(Record::objects);
        match step.action {
            // The object that is to be forgotten waits for the end of its host, or of what that goes with.
            StepAction::Drop { .. } => before().filter(|before| before.address != step.address).any(|before| {
                let (StepAction::Delete { object, .. } | StepAction::Drop { object }) = &before.action else {
                    return false;
                };
                !objects(&before.address).any(|now| now.is(object))
            }),
            // Only a new object may turn out not to be needed.
            _ => before().filter(|before| before.address == *host).all(|before| {
                let StepAction::Create { generation, .. } = before.action else { return true };
                let now = self.snapshot.records.get(host).and_then(|record| record.object.as_ref());
                now.is_some_and(|now| now.generation == generation)
            }),
        }
    }

    /// Whether this resource's host is deleted before the host's own successor is created.
    fn host_goes_first(&self, step: &Step) -> bool {
        let record = self.snapshot.records.get(&step.address);
        let Some(host) = record.and_then(|record| record.dies_with.as_ref()) else { return false };
        let mut steps = self.plan.steps.iter().zip(StepId::all()).filter(|(step, _)| step.address == *host);
        steps.any(|(step, number)| match &step.action {
            StepAction::Drop { .. } => step.reason == Reason::HostReplaced && self.host_goes_first(step),
            action => action.replaces_in_place() && !self.needs_no_successor(number, step),
        })
    }

    /// Whether an object that was to be forgotten, as another takes its place or its host goes, is still in its place.
    fn stays_after_all(&self, step: &Step, which: &Which) -> bool {
        let record = self.snapshot.records.get(&step.address);
        match step.reason {
            Reason::Retained => record.and_then(|record| record.object.as_ref()).is_some_and(|now| now.is(which)),
            Reason::HostReplaced => !self.host_was_replaced(step),
            _ => false,
        }
    }

    /// Whether an object that was to make room for another turned out to be as the program wants it.
    fn needs_no_successor(&self, number: StepId, step: &Step) -> bool {
        let successor = &self.plan.steps[number.index() + 1];
        let drifted = successor.changes.iter().any(|change| change.drift);
        let goes_with_host = || successor.reason == Reason::HostReplaced && self.host_goes_first(step);
        let certain = drifted || self.is_certain(successor) || goes_with_host();
        let (Ok(node), Ok(object), false) = (self.node(step), self.current(&step.address), certain) else {
            return false;
        };
        let settings = self.evaluate(node, Some(&object.applied));
        settings
            .and_then(|(spec, secrets)| self.changes(node, object, &spec, &secrets))
            .is_ok_and(|found| !found.iter().any(|change| change.replaces))
    }

    fn delete(&self, number: StepId, step: &Step, which: &Which, superseded: bool) -> Result<Start<'a>, Fault> {
        let Some(record) = self.snapshot.records.get(&step.address) else { return Ok(Start::Unneeded(Vec::new())) };
        // The replacement turned out not to be needed: this is still the object.
        if superseded && record.object.as_ref().is_some_and(|object| object.is(which)) {
            return Ok(Start::Unneeded(Vec::new()));
        }
        let Some(object) = record.objects().find(|object| object.is(which)) else {
            return Ok(Start::Unneeded(Vec::new()));
        };
        let kind = self.kind(&step.address, record)?;
        let begin = Action::Delete { object: which.clone() };
        let work = Work::Delete {
            object: Box::new(object.clone()),
            base: Box::new(record.clone()),
            revision: step.revision.clone(),
        };
        // What is declared may have a limit of its own, also while its object makes room for another.
        let declared = self.stack.index.get(&step.address).map(|&index| &self.stack.nodes[index as usize]);
        self.call_on(number, &step.address, &kind, begin, work, declared)
    }

    fn current(&self, address: &Address) -> Result<&Object, Fault> {
        let record = self.snapshot.records.get(address);
        record.and_then(|record| record.object.as_ref()).ok_or_else(|| refused("it is not recorded"))
    }

    /// The record as it will be, with the options that the program asks for now.
    fn record_of(&self, node: &Node, id: RecordId) -> Record {
        let provider = self.stack.providers[node.provider].name.clone();
        let recorded = self.snapshot.records.get(&node.address).cloned();
        let new = || Record { moved_from: node.moved_past(self.stack), ..Record::new(id, provider.clone()) };
        let mut record = recorded.unwrap_or_else(new);
        record.end_as(node.ending(self.stack));
        // What the program says no more may be said again, and mean another move.
        record.moved_from.take_if(|before| !node.moved_from.contains(before));
        Record { provider, ..record }
    }

    fn kind(&self, address: &Address, record: &Record) -> Result<KindHandle, Fault> {
        self.knowledge.connections.kind(&record.provider, address).map_err(|refusal| refused(refusal.to_string()))
    }

    fn call(&self, number: StepId, node: &Node, begin: Action, work: Work) -> Start<'a> {
        self.call_on(number, &node.address, &node.kind, begin, work, Some(node)).unwrap_or_else(Start::Refused)
    }

    fn call_on(
        &self,
        step: StepId,
        address: &Address,
        kind: &KindHandle,
        begin: Action,
        work: Work,
        declared: Option<&Node>,
    ) -> Result<Start<'a>, Fault> {
        let record = work.base();
        let limit = declared.and_then(|node| node.options.time_limit);
        let open = self.knowledge.connections.open(&record.provider).map_err(|refusal| refused(refusal.to_string()))?;
        let call = Call {
            step,
            address: address.clone(),
            kind: kind.clone(),
            instance: open.instance.clone(),
            key: self.key.clone(),
            owner: owner_tag(&self.key, &self.snapshot.lineage, address.kind(), &record.id),
            entropy: self.settings.entropy.clone(),
            events: self.settings.events.clone(),
            call_limit: limit.unwrap_or(self.settings.call_limit),
            ready_limit: limit.unwrap_or(self.settings.ready_limit),
            retries: self.settings.retries,
            retry_wait: self.settings.retry_wait,
            permit: self.permit(),
            ignored: declared.map_or_else(Vec::new, |node| node.options.ignore.clone()),
            takes_over: declared.is_some_and(|node| node.options.adopt),
            work,
        };
        Ok(Start::Call(entry(address, JournalEvent::Begin { action: begin }), Box::new(call)))
    }
}

pub(super) fn entry(address: &Address, event: JournalEvent) -> Entry {
    Entry { address: address.clone(), event }
}

fn recorded(address: &Address, record: Record) -> Entry {
    entry(address, JournalEvent::Recorded { record: Some(Box::new(record)) })
}
