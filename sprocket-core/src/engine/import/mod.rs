//! Import: objects that exist are recorded as resources of the program. Nothing is written to any service.
//!
//! Several are imported in one go: one lock, one refresh, one durable write. Each has a result of its own, and what can't be
//! imported keeps no other from it: nothing depends on it, and who runs the same again imports the rest. What can be is
//! recorded all at once or not at all. An import is looked at first ([`Engine::survey`]), with the plan that follows from
//! it, and [`Engine::import_all`] records exactly what was shown, or refuses.

mod take;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use serde_json::Value;

use super::prepare::{self, Prepared};
use super::saved::Proposal;
use super::{Engine, stale};
use crate::base::{Address, Effect, PhysicalName, ProviderName};
use crate::erased::{ErasedLive, Target, Through};
use crate::plan::{Goal, Plan, Request};
use crate::session::{Opener, Refused, Trusted};
use crate::stack::{Node, Stack};
use crate::state::{Entry, JournalEvent, Lock, Record};
use crate::value::{Path, Secret};

/// An object that is to be recorded as a declared resource.
#[derive(Clone, Debug)]
pub struct Import {
    /// The resource.
    pub address: Address,
    /// What its service calls the object: its name or id. A kind without a service has none.
    pub id: String,
    /// What its service does not show of it.
    pub hidden: Hidden,
    /// What its last owner kept secret, and its service shows. Where the program says the same in clear, it is none any more.
    pub secrets: Vec<Path>,
}

/// What a service does not show of an object: a write-only setting, or a generated secret, whose only copy is its record.
#[derive(Clone, Debug, Default)]
pub enum Hidden {
    /// Nobody knows: the next plan writes the setting again, as what it does not know.
    #[default]
    Unknown,
    /// It is what the program says, by the word of a person.
    AsDeclared,
    /// It is this, in the form in which the kind writes the setting.
    Is(Secret<Value>),
}

/// What has become of an import.
#[derive(Debug)]
pub struct Imported {
    /// The resource.
    pub address: Address,
    /// What it was looked for by.
    pub id: String,
    /// The name of its object; or why there is none to record.
    pub object: Result<PhysicalName, Refused>,
}

/// What would be imported, and what would follow from it.
#[derive(Debug)]
pub struct Survey {
    imports: Vec<Import>,
    /// What would become of each, in the order in which they were asked for.
    pub found: Vec<Imported>,
    /// The plan that would follow. It is for reading: it can't be applied, since it is of a state that there is not yet.
    pub plan: Plan,
}

/// What was found, before it is durable.
struct Found {
    prepared: Prepared,
    entries: Vec<Entry>,
    found: Vec<Imported>,
}

impl Import {
    /// An object, by what its service calls it.
    pub fn new(address: impl Into<Address>, id: impl Into<String>) -> Self {
        Self { address: address.into(), id: id.into(), hidden: Hidden::Unknown, secrets: Vec::new() }
    }

    /// The same, with what its service does not show.
    #[must_use]
    pub fn hiding(mut self, hidden: Hidden) -> Self {
        self.hidden = hidden;
        self
    }

    /// The same, with what its last owner kept secret: settings, or what is in them.
    #[must_use]
    pub fn with_secrets(mut self, secrets: impl IntoIterator<Item = Path>) -> Self {
        self.secrets.extend(secrets);
        self
    }
}

impl Engine {
    /// Records an object that exists as this declared resource. The next plan shows how it differs.
    ///
    /// # Errors
    /// If it is not declared, recorded already, or there is no such object.
    pub async fn import(&self, stack: &Stack, address: &str, id: &str) -> Result<Address, Refused> {
        let import = Import::new(address, id);
        let lock = self.lock("import").await?;
        let opener = self.opener();
        let result = async {
            let loaded = self.load_from(&*lock).await?;
            let mut found = self.find(stack, std::slice::from_ref(&import), loaded, None, &opener).await?;
            if let Some(Imported { object: Err(refused), .. }) = found.found.pop() {
                return Err(refused);
            }
            self.keep(found, &*lock).await?;
            Ok(import.address)
        }
        .await;
        let _ = lock.release().await;
        opener.close().await;
        result
    }

    /// Looks at what would be imported, and plans what would follow from it. Writes nothing anywhere.
    ///
    /// # Errors
    /// If the program is wrong, or something could not be read.
    pub async fn survey(&self, stack: &Stack, imports: Vec<Import>) -> Result<Survey, Refused> {
        let opener = self.opener();
        let found = async { self.find(stack, &imports, self.load().await?, None, &opener).await }.await;
        opener.close().await;
        let found = found?;
        let plan = found.prepared.plan(stack, &Request::from(Goal::Declared));
        Ok(Survey { imports, found: found.found, plan })
    }

    /// Records what the survey shows, all of it in one write. What it could not find stays unrecorded.
    ///
    /// # Errors
    /// If it is not as it was shown any more, or the state is locked: then nothing is recorded.
    pub async fn import_all(&self, stack: &Stack, survey: &Survey) -> Result<Vec<Address>, Refused> {
        let lock = self.lock("import").await?;
        let opener = self.opener();
        let result = async {
            let loaded = self.load_from(&*lock).await?;
            let found = self.find(stack, &survey.imports, loaded, Some((&survey.plan).into()), &opener).await?;
            let now = found.prepared.plan(stack, &survey.plan.request);
            let is_same = |(shown, now): (&Imported, &Imported)| match (&shown.object, &now.object) {
                (Ok(shown), Ok(now)) => shown == now,
                (Err(_), Err(_)) => true,
                _ => false,
            };
            if let Some((other, _)) = survey.found.iter().zip(&found.found).find(|pair| !is_same(*pair)) {
                return Err(stale(&format!("`{}` is not as it was when it was shown", other.address)));
            }
            if now != survey.plan {
                return Err(stale(&super::difference(&survey.plan, &now)));
            }
            let recorded = found.found.iter().filter(|imported| imported.object.is_ok());
            let recorded: Vec<Address> = recorded.map(|imported| imported.address.clone()).collect();
            if !recorded.is_empty() {
                self.keep(found, &*lock).await?;
            }
            Ok(recorded)
        }
        .await;
        let _ = lock.release().await;
        opener.close().await;
        result
    }

    /// Makes durable what was found.
    async fn keep(&self, found: Found, lock: &dyn Lock) -> Result<(), Refused> {
        let Found { prepared, mut entries, .. } = found;
        let Prepared { mut snapshot, key, key_is_new, connections, .. } = prepared;
        entries.extend(connections.entries(&mut snapshot));
        self.begin(&mut snapshot, (&key, key_is_new), &entries, lock).await
    }

    /// Reads the objects, and takes them into what is recorded and observed.
    async fn find(
        &self,
        stack: &Stack,
        imports: &[Import],
        loaded: Option<Trusted>,
        proposal: Option<Proposal<'_>>,
        opener: &Arc<Opener>,
    ) -> Result<Found, Refused> {
        let place = |import: &Import| stack.index.get(&import.address).map(|&index| index as usize);
        let (prepared, mut entries) = self.decided(stack, imports, loaded, proposal, opener).await?;
        entries.extend(prepared.amendments.iter().cloned());
        let mut reading: Vec<BoxFuture<'_, Result<Vec<ErasedLive>, Refused>>> = Vec::new();
        for import in imports {
            reading.push(read(&prepared, stack, place(import).map(|index| &stack.nodes[index]), import).boxed());
        }
        // Most services list for each that is looked for: they are not asked for all at once.
        let read: Vec<_> = stream::iter(reading).buffered(self.settings.parallel.min(8)).collect().await;
        let mut read: BTreeMap<usize, Result<Vec<ErasedLive>, Refused>> = read.into_iter().enumerate().collect();
        // In the order of the program: what is known of one decides what is known of those that are made from it.
        let mut order: Vec<usize> = (0..imports.len()).collect();
        order.sort_by_key(|&asked| place(&imports[asked]));
        let mut found = Found { prepared, entries, found: Vec::new() };
        let mut known = prepare::all_recorded(stack, &found.prepared.snapshot, &found.prepared.key);
        known.answers = found.prepared.observed.answers.clone();
        let mut results: BTreeMap<usize, Result<PhysicalName, Refused>> = BTreeMap::new();
        for asked in order {
            let lives = read.remove(&asked).unwrap_or_else(|| Ok(Vec::new()));
            let result = match (lives, place(&imports[asked])) {
                (Ok(lives), Some(index)) => {
                    // What was replaced and is not deleted yet stays with the resource.
                    let recorded = found.prepared.snapshot.records.get(&imports[asked].address).cloned();
                    let new = || Record::new(self.settings.entropy.id().into(), provider(stack, index));
                    found.take(stack, index, &imports[asked], lives, recorded.unwrap_or_else(new), &mut known)
                }
                (Ok(_), None) => Err(undeclared(&imports[asked].address)),
                (Err(refused), _) => Err(refused),
            };
            results.insert(asked, result.map_err(|refused| refused.redacted(&found.prepared.key)));
        }
        let imported = |(import, object): (&Import, Result<PhysicalName, Refused>)| Imported {
            address: import.address.clone(),
            id: import.id.clone(),
            object,
        };
        found.found = imports.iter().zip(results.into_values()).map(imported).collect();
        Ok(found)
    }

    /// What is recorded and there. Where it can't be told what an interrupted run made, an import is a person's answer.
    async fn decided(
        &self,
        stack: &Stack,
        imports: &[Import],
        mut loaded: Option<Trusted>,
        proposal: Option<Proposal<'_>>,
        opener: &Arc<Opener>,
    ) -> Result<(Prepared, Vec<Entry>), Refused> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let again = proposal.as_ref().map(|proposal| Proposal { lineage: proposal.lineage, key: proposal.key });
            match self.prepare(stack, loaded.clone(), again, opener).await {
                Err(Refused::Undecided { address, .. }) if imports.iter().any(|import| import.address == address) => {
                    let event = JournalEvent::Failed { record: None, effect: Effect::Done, settled: true };
                    let entry = Entry { address, event };
                    loaded.iter_mut().for_each(|loaded| loaded.snapshot.take(entry.clone()));
                    entries.push(entry);
                }
                prepared => return Ok((prepared?, entries)),
            }
        }
    }
}

fn provider(stack: &Stack, index: usize) -> ProviderName {
    stack.providers[stack.nodes[index].provider].name.clone()
}

fn undeclared(address: &Address) -> Refused {
    Refused::NoSuchResource { address: address.to_string(), place: "declared" }
}

fn refused(address: &Address, message: impl Into<String>) -> Refused {
    Refused::Import { address: address.clone(), message: message.into() }
}

/// What the service has of this id.
async fn read(
    prepared: &Prepared,
    stack: &Stack,
    node: Option<&Node>,
    import: &Import,
) -> Result<Vec<ErasedLive>, Refused> {
    let Some(node) = node else { return Err(undeclared(&import.address)) };
    if prepared.snapshot.records.get(&import.address).is_some_and(|record| record.object.is_some()) {
        return Err(refused(&import.address, "it is recorded already"));
    }
    let provider = &stack.providers[node.provider].name;
    if prepared.observed.deferred.contains(provider) {
        let message = format!("`{provider}` can't be asked yet: its settings wait for what is not recorded");
        return Err(refused(&import.address, message));
    }
    let open = prepared.connections.open(provider)?;
    let through = Through { provider: &open.instance, key: &prepared.key, secrets: &[] };
    let lives = prepared.connections.ask(node.kind.calls.read(through, Target::Import(&import.id))).await;
    lives.map_err(|fault| Refused::unreadable(provider, node.kind.facts().kind, fault))
}
