//! Preparation: all that a plan is made of, read and put in order.

use std::sync::Arc;

use super::saved::Proposal;
use crate::base::{Address, Lineage, ProviderName};
use crate::erased::KindHandle;
use crate::kind::{Naming, Part};
use crate::plan::{Plan, Recovery, Request};
use crate::planner::{Moves, Observed, PlannerInput, RecoveredObject, build, reported};
use crate::session::{Connections, Opener, Refused, Settings, Trusted, look_up, observe, recover};
use crate::stack::{Configs, Stack};
use crate::state::{Action, Entry, Holder, JournalEvent, Object, Record, Snapshot};
use crate::value::{Known, StackKey};

/// All that a plan is made of.
pub(super) struct Prepared {
    /// What is recorded, with the amendments taken in.
    pub(super) snapshot: Snapshot,
    /// Moves and settlements, to be made durable before a run.
    pub(super) amendments: Vec<Entry>,
    pub(super) key: StackKey,
    pub(super) key_is_new: bool,
    pub(super) connections: Connections,
    pub(super) observed: Observed,
    configs: Configs,
    /// The run of somebody else that goes on.
    beside: Option<Holder>,
    moves: Moves,
    lineage: Lineage,
    serial: u64,
}

/// What is recorded, with the addresses that the program has now, and the providers that it needs.
pub(super) struct Opened {
    pub(super) snapshot: Snapshot,
    pub(super) key: StackKey,
    pub(super) connections: Connections,
    /// The run of somebody else that goes on, if this is no run.
    pub(super) beside: Option<Holder>,
    key_is_new: bool,
    known: Known,
    configs: Configs,
    moves: Moves,
    amendments: Vec<Entry>,
    lineage: Lineage,
    serial: u64,
}

pub(super) async fn open(
    stack: &Stack,
    loaded: Option<Trusted>,
    proposal: Option<Proposal<'_>>,
    settings: &Settings,
    opener: &Arc<Opener>,
) -> Result<Opened, Refused> {
    // A stack without state gets lineage and key here; they become real with the plan that proposes them.
    let key_is_new = loaded.is_none();
    let Trusted { mut snapshot, key } = loaded.unwrap_or_else(|| {
        let lineage = proposal.as_ref().map(|proposal| proposal.lineage.clone());
        let key = proposal.and_then(|proposal| proposal.key.cloned());
        let snapshot = Snapshot::new(lineage.unwrap_or_else(|| settings.entropy.id().into()));
        Trusted {
            snapshot: Snapshot { stack: settings.stack.clone(), ..snapshot },
            key: key.unwrap_or_else(|| settings.key.new_key(&settings.entropy)),
        }
    });
    let (lineage, serial) = (snapshot.lineage.clone(), snapshot.serial);
    let configs = Configs::of_all(stack, &recorded(stack, &snapshot, &key));
    let moves = Moves::of(stack, &snapshot, &configs);
    let amendments: Vec<Entry> = Entry::moved(moves.by_old_address()).into_iter().collect();
    snapshot.take_all(amendments.iter().cloned());
    let mut known = recorded(stack, &snapshot, &key);
    let opening = async {
        let mut connections = Connections::open_all(stack, &snapshot, &known, &key, opener).await?;
        // The settings of one may have an answer of another.
        while connections.needs_answers(stack) {
            look_up(stack, &mut known, &connections).await?;
            if !connections.open_known(stack, &snapshot, &known, &key).await? {
                break;
            }
        }
        upgrade(&mut snapshot, &connections)?;
        Ok(connections)
    };
    let connections = opening.await.map_err(|refused: Refused| refused.redacted(&key))?;
    let beside = None;
    Ok(Opened { snapshot, key, connections, beside, key_is_new, known, configs, moves, amendments, lineage, serial })
}

impl Opened {
    /// Finds out what an interrupted run did. What it made may be what another provider is reached by.
    pub(super) async fn recover(&mut self, stack: &Stack) -> Result<(), Refused> {
        let settling = async {
            loop {
                recover(&mut self.snapshot, &self.key, &self.connections, self.beside.is_some()).await?;
                learn(&mut self.known, stack, &self.snapshot, &self.key, &Observed::default());
                if !self.connections.open_known(stack, &self.snapshot, &self.known, &self.key).await? {
                    return Ok(());
                }
            }
        };
        settling.await.map_err(|refused: Refused| refused.redacted(&self.key))
    }

    /// Reads everything.
    pub(super) async fn read(self, stack: &Stack) -> Result<Prepared, Refused> {
        let Self { mut snapshot, key, mut connections, beside, key_is_new, configs, .. } = self;
        let Self { mut known, moves, mut amendments, lineage, serial, .. } = self;
        // The names of contents are made of what is known, and looked for.
        let has_contents = stack.nodes.iter().any(|node| node.kind.facts().naming == Naming::Content);
        let names = if has_contents { all_recorded(stack, &snapshot, &key) } else { stack.nothing_known(&key) };
        let reading = async {
            let (is_beside, mut settled) = (beside.is_some(), Vec::new());
            let mut more = stack.providers.iter();
            loop {
                let mut observed =
                    observe(stack, &mut snapshot, &key, &connections, &configs, &names, is_beside).await?;
                settled.append(&mut observed.settled);
                learn(&mut known, stack, &snapshot, &key, &observed);
                look_up(stack, &mut known, &connections).await?;
                // What was read may be what another provider is reached by, and that what the next one is.
                if more.next().is_none() || !connections.open_known(stack, &snapshot, &known, &key).await? {
                    observed.answers = std::mem::take(&mut known.answers);
                    return Ok(Observed { settled, ..observed });
                }
            }
        };
        let observed = reading.await.map_err(|refused: Refused| refused.redacted(&key))?;
        amendments.extend(observed.settled.iter().cloned());
        Ok(Prepared {
            snapshot,
            amendments,
            key,
            key_is_new,
            connections,
            observed,
            configs,
            beside,
            moves,
            lineage,
            serial,
        })
    }
}

/// What is known from the records alone: enough to open a provider that an earlier run made reachable.
fn recorded(stack: &Stack, snapshot: &Snapshot, key: &StackKey) -> Known {
    let mut known = stack.nothing_known(key);
    learn(&mut known, stack, snapshot, key, &Observed::default());
    known
}

/// Takes in what is recorded and what was read, if a look-up or the settings of a provider use that.
fn learn(known: &mut Known, stack: &Stack, snapshot: &Snapshot, key: &StackKey, observed: &Observed) {
    if stack.lookups.is_empty() && stack.providers.iter().all(|provider| provider.deps.is_empty()) {
        return;
    }
    let nodes = all_recorded(stack, snapshot, key).nodes;
    for (node, (facts, recorded)) in stack.nodes.iter().zip(known.nodes.iter_mut().zip(nodes)) {
        *facts = recorded;
        // What a service reports may have changed by itself.
        let live = observed.objects.get(&node.address).and_then(|seen| seen.current.as_ref());
        if let Some(live) = live {
            facts.reported = Some(reported(&node.kind, &live.state, key));
        }
    }
}

/// What is known of all resources from the records alone.
pub(super) fn all_recorded(stack: &Stack, snapshot: &Snapshot, key: &StackKey) -> Known {
    let mut known = stack.nothing_known(key);
    for (node, facts) in stack.nodes.iter().zip(&mut known.nodes) {
        if let Some(object) = snapshot.records.get(&node.address).and_then(|record| record.object.as_ref()) {
            facts.name = Some(object.name.clone());
            facts.reported = Some(reported(&node.kind, &object.state, key));
        }
    }
    known
}

/// Rewrites what other versions of the kinds have recorded, and what they were about to make when they were interrupted.
fn upgrade(snapshot: &mut Snapshot, connections: &Connections) -> Result<(), Refused> {
    let unreadable = |address: &Address, message| Refused::UnreadableRecord { address: address.clone(), message };
    for (address, record) in &mut snapshot.records {
        let kind = connections.kind(&record.provider, address)?;
        for object in record.object.iter_mut().chain(&mut record.old) {
            if object.version != kind.facts().version {
                upgrade_object(object, &kind).map_err(|message| unreadable(address, message))?;
            }
        }
    }
    for (address, entry) in &mut snapshot.pending {
        if let JournalEvent::Begin { action: Action::Create { intent } | Action::Update { intent } } = &mut entry.event
        {
            let kind = connections.kind(&intent.provider, address)?;
            intent.spec = kind
                .upgrade(intent.version, Part::Spec, &intent.spec)
                .map_err(|message| unreadable(address, message))?;
            intent.version = kind.facts().version;
        }
    }
    Ok(())
}

fn upgrade_object(object: &mut Object, kind: &KindHandle) -> Result<(), String> {
    let state = kind.upgrade(object.version, Part::State, &object.state)?;
    let next = object.clone().with_specs(|spec| kind.upgrade(object.version, Part::Spec, spec))?;
    *object = Object { state, version: kind.facts().version, ..next };
    Ok(())
}

impl Prepared {
    /// What an interrupted run had left; beside a run that goes on, what that is at work on.
    fn settlements(&self) -> Vec<Recovery> {
        let settled =
            self.observed.settled.iter().filter(|entry| !matches!(entry.event, JournalEvent::Recorded { .. }));
        let recovered = self.observed.recovered.iter().map(recovery);
        if self.beside.is_none() {
            return settled.map(settlement).chain(recovered).collect();
        }
        let at_work = settled.map(|entry| &entry.address).chain(self.snapshot.pending.keys());
        let in_progress =
            |address: &Address| Recovery { address: address.clone(), outcome: "is in progress".to_owned() };
        at_work.map(in_progress).chain(recovered).collect()
    }

    pub(super) fn plan(&self, stack: &Stack, request: &Request) -> Plan {
        let kind = |record: &Record, address: &Address| self.connections.kind(&record.provider, address).ok();
        let same_server = |one: &ProviderName, other: &ProviderName| self.connections.same_server(one, other);
        let input = PlannerInput {
            request,
            stack,
            snapshot: &self.snapshot,
            observed: &self.observed,
            key: &self.key,
            key_is_new: self.key_is_new,
            configs: &self.configs,
            moves: self.moves.clone(),
            settled: self.settlements(),
            beside: self.beside.as_ref().map(ToString::to_string),
            kind: &kind,
            same_server: &same_server,
            lineage: self.lineage.clone(),
            serial: self.serial,
        };
        build(input)
    }
}

fn recovery(RecoveredObject { address, name, is_duplicate }: &RecoveredObject) -> Recovery {
    let outcome = if *is_duplicate {
        format!("has a duplicate: `{name}` has its owner tag too")
    } else {
        format!("has its object again: `{name}` has its owner tag")
    };
    Recovery { address: address.clone(), outcome }
}

fn settlement(entry: &Entry) -> Recovery {
    let outcome = match &entry.event {
        JournalEvent::Done { record: Some(record) } if record.object.is_some() => "was made by an interrupted run",
        JournalEvent::Done { .. } => "was deleted by an interrupted run",
        JournalEvent::Failed { record: Some(_), .. } => "was being changed by an interrupted run",
        _ => "was not done by an interrupted run",
    };
    Recovery { address: entry.address.clone(), outcome: outcome.to_owned() }
}
