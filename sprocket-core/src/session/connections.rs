//! Connections: the providers of a command, opened once, and closed when it ends.
//!
//! A provider whose settings wait for resources is opened when they are known, and one that is shut when the step that
//! opens it is done; until then nothing is asked of them. One that the program has forgotten is opened as it was recorded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesOrdered, TryStreamExt as _};
use serde_json::Value;

use crate::base::{Address, Identity, Json, ProviderName};
use crate::erased::{ErasedProviderType, Fault, Instance, KindHandle, ProviderSettings, limited};
use crate::kind::ErrorKind;
use crate::session::Refused;
use crate::stack::{ProviderNode, Stack};
use crate::state::{Entry, JournalEvent, RecordedProvider, Snapshot};
use crate::value::{Known, NoValue, StackKey};

/// A provider that was spoken to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reached {
    /// Which.
    pub provider: ProviderName,
    /// Its address and options, with secrets sealed; none while they wait for resources.
    pub config: Option<Json>,
    /// Which server answered, none while its settings wait for resources; or why it can't be worked with.
    pub server: Result<Option<Identity>, Refused>,
}

/// An open provider.
#[derive(Clone)]
pub(crate) struct OpenProvider {
    pub(crate) instance: Instance,
    pub(crate) provider_type: Arc<dyn ErasedProviderType>,
    pub(crate) recorded: RecordedProvider,
}

impl OpenProvider {
    /// What must be recorded of it.
    pub(crate) fn entry(&self, name: &ProviderName) -> Entry {
        let event = JournalEvent::Provider { name: name.clone(), recorded: self.recorded.clone() };
        Entry { address: Address::from(name.as_str()), event }
    }
}

/// A provider of a command, open or not yet.
pub(crate) enum Connection {
    Open(OpenProvider),
    /// Its settings are not known yet.
    Deferred(Arc<dyn ErasedProviderType>),
    /// It serves nothing until somebody opens it; or it can't be reached, and is reached by way of resources of the
    /// program, which may be what is wrong. With what it was tried with, and what it says.
    Shut(Arc<dyn ErasedProviderType>, Json, Fault),
}

impl Connection {
    fn provider_type(&self) -> &Arc<dyn ErasedProviderType> {
        match self {
            Self::Open(OpenProvider { provider_type, .. })
            | Self::Deferred(provider_type)
            | Self::Shut(provider_type, ..) => provider_type,
        }
    }
}

/// How long is waited for what is closed: it expires by itself.
const CLOSING: Duration = Duration::from_secs(10);

/// What is needed to close a provider again.
type Closable = (Arc<dyn ErasedProviderType>, Instance, StackKey);

/// Opens the providers of a command, and closes what it has opened.
pub(crate) struct Opener {
    /// What it can open without a program.
    types: ProviderTypes,
    /// What it may open where only the state says.
    forgotten: BTreeSet<ProviderName>,
    /// How long a question to one of them may take.
    limit: Duration,
    opened: Mutex<Vec<Closable>>,
}

impl Opener {
    pub(crate) fn new(types: &ProviderTypes, forgotten: &[ProviderName], limit: Duration) -> Arc<Self> {
        let forgotten = forgotten.iter().cloned().collect();
        Arc::new(Self { types: types.clone(), forgotten, limit, opened: Mutex::default() })
    }

    /// Opens one, or tells which other server answers in its place: that is given no credentials, if it can be told before.
    async fn open(
        &self,
        provider_type: Arc<dyn ErasedProviderType>,
        settings: ProviderSettings,
        config: Json,
        recorded: Option<&RecordedProvider>,
        key: &StackKey,
    ) -> Result<Result<OpenProvider, Identity>, Fault> {
        let is_another = |found: &Identity| recorded.is_some_and(|recorded| recorded.identity != *found);
        let opening = async {
            // Of a server that nobody knows yet it makes no difference what it says.
            if recorded.is_some()
                && let Some(found) = provider_type.answers(&settings, key).await?
                && is_another(&found)
            {
                return Ok(Err(found));
            }
            let instance = provider_type.connect(settings, key).await?;
            let opened = (Arc::clone(&provider_type), Arc::clone(&instance), key.clone());
            self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(opened);
            let identity = provider_type.identity(&instance, key).await?;
            Ok(if is_another(&identity) { Err(identity) } else { Ok((instance, identity)) })
        };
        let opened = limited(self.limit, opening).await?;
        Ok(opened.map(|(instance, identity)| {
            let recorded = RecordedProvider { config, identity };
            OpenProvider { instance, provider_type, recorded }
        }))
    }

    /// Closes all of them, what was opened last first: it may need the others.
    pub(crate) async fn close(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for (provider_type, instance, key) in opened.iter().rev() {
            if let Err(fault) = limited(self.limit.min(CLOSING), provider_type.close(instance, key)).await {
                tracing::warn!(provider = provider_type.name(), kind = ?fault.kind, "could not be closed");
            }
        }
    }
}

/// The providers of a command.
pub(crate) struct Connections {
    all: BTreeMap<ProviderName, Connection>,
    opener: Arc<Opener>,
}

/// The types of providers that an engine knows without a program.
pub(crate) type ProviderTypes = BTreeMap<&'static str, Arc<dyn ErasedProviderType>>;

impl Connections {
    /// Opens every provider that the program declares or the state needs, as far as its settings are known.
    pub(crate) async fn open_all(
        stack: &Stack,
        snapshot: &Snapshot,
        known: &Known,
        key: &StackKey,
        opener: &Arc<Opener>,
    ) -> Result<Self, Refused> {
        let declared = stack.providers.iter().map(|node| &node.name);
        let needed = snapshot.records.values().map(|record| &record.provider);
        let pending = snapshot.pending.values().filter_map(|entry| entry.provider());
        let names: BTreeSet<&ProviderName> = declared.chain(needed).chain(pending).collect();
        let opening = names.into_iter().map(|name| async move {
            let connection = Self::open_one(name, stack, snapshot, known, key, opener).await?;
            Ok::<_, Refused>((name.clone(), connection))
        });
        let all = FuturesOrdered::from_iter(opening).try_collect().await?; // in order: of several failures the same one is reported each time
        Ok(Self { all, opener: Arc::clone(opener) })
    }

    /// Whether a provider cannot be opened yet because its settings come from look-ups.
    pub(crate) fn needs_answers(&self, stack: &Stack) -> bool {
        stack.providers.iter().any(|node| !node.lookups.is_empty() && self.is_unknown(&node.name))
    }

    /// Opens the providers whose settings have become known, or others, since they were tried; returns whether there were any.
    pub(crate) async fn open_known(
        &mut self,
        stack: &Stack,
        snapshot: &Snapshot,
        known: &Known,
        key: &StackKey,
    ) -> Result<bool, Refused> {
        let mut has_opened = false;
        for node in &stack.providers {
            let tried = match self.all.get(&node.name) {
                Some(Connection::Deferred(_)) => None,
                Some(Connection::Shut(_, config, _)) => Some(config),
                Some(Connection::Open(_)) | None => continue,
            };
            // An answer that is a mistake may become another once the run has made what is asked about.
            let Ok(Some((settings, config))) = settings(node, known, key) else { continue };
            if tried != Some(&config) {
                let recorded = made_with(snapshot, &node.name);
                let opened = open_with(node, Some((settings, config)), recorded, key, &self.opener).await?;
                self.all.insert(node.name.clone(), opened);
                has_opened = true;
            }
        }
        Ok(has_opened)
    }

    /// Tries each declared provider by itself.
    pub(crate) async fn reach(stack: &Stack, snapshot: &Snapshot, key: &StackKey, opener: &Opener) -> Vec<Reached> {
        let known = stack.nothing_known(key);
        let opening = stack.providers.iter().map(|node| async {
            let connection = open_declared(node, made_with(snapshot, &node.name), &known, key, opener).await;
            let server = connection.and_then(|connection| match connection {
                Connection::Open(open) => Ok(Some(open.recorded.identity)),
                Connection::Deferred(_) => Ok(None),
                Connection::Shut(.., fault) => Err(Refused::unreachable(&node.name, fault)),
            });
            Reached { provider: node.name.clone(), config: node.erased.config(&known, key).ok(), server }
        });
        join_all(opening).await
    }

    async fn open_one(
        name: &ProviderName,
        stack: &Stack,
        snapshot: &Snapshot,
        known: &Known,
        key: &StackKey,
        opener: &Opener,
    ) -> Result<Connection, Refused> {
        let recorded = made_with(snapshot, name);
        if let Some(node) = stack.providers.iter().find(|node| node.name == *name) {
            return open_declared(node, recorded, known, key, opener).await;
        }
        // A program that connects it under another name now knows its type all the same.
        let base = |name: &ProviderName| name.as_str().split('/').next().unwrap_or_default().to_owned();
        let alike: Vec<&ProviderNode> = stack.providers.iter().filter(|node| base(&node.name) == base(name)).collect();
        let provider_type =
            opener.types.get(base(name).as_str()).or_else(|| alike.first().map(|node| &node.provider_type));
        let (Some(provider_type), Some(recorded)) = (provider_type, recorded) else {
            return Err(forgotten(name, snapshot));
        };
        // Credentials go to where somebody has said: the program, or a person who was shown it.
        let says = |node: &&ProviderNode| node.erased.config(known, key).is_ok_and(|config| config == recorded.config);
        let is_said = alike.iter().any(says) || !has_settings(&recorded.config) || opener.forgotten.contains(name);
        if !is_said {
            let (provider, resources) = (name.clone(), made_by(name, snapshot));
            return Err(Refused::Disconnected { provider, resources, config: shown(&recorded.config) });
        }
        let opening = async {
            let settings = provider_type.recorded(&recorded.config, key, &stack.overrides)?;
            let config = recorded.config.clone();
            opener.open(Arc::clone(provider_type), settings, config, Some(recorded), key).await
        };
        let opened = opening.await.map_err(|fault| Refused::unreachable(name, fault))?;
        opened.map(Connection::Open).map_err(|found| another(name, Some(recorded), found))
    }

    /// Opens what was not open, now that its settings are known and what opens it was done. What comes of it is for
    /// [`opened`](Self::opened).
    pub(crate) fn open_deferred<'n>(
        &self,
        node: &'n ProviderNode,
        snapshot: &Snapshot,
        known: &Known,
        key: &StackKey,
    ) -> impl Future<Output = Result<Connection, Refused>> + Send + use<'n> {
        let settings = settings(node, known, key);
        let recorded = made_with(snapshot, &node.name).cloned();
        let (key, opener) = (key.clone(), Arc::clone(&self.opener));
        async move { open_with(node, settings?, recorded.as_ref(), &key, &opener).await }
    }

    /// Takes in a provider that was opened; answers what must be recorded of it.
    pub(crate) fn opened(
        &mut self,
        name: &ProviderName,
        connection: Connection,
        snapshot: &Snapshot,
    ) -> Result<Entry, Refused> {
        let entry = match &connection {
            Connection::Open(open) => open.entry(name),
            Connection::Deferred(_) => return Err(forgotten(name, snapshot)),
            Connection::Shut(.., fault) => return Err(Refused::unreachable(name, fault.clone())),
        };
        self.all.insert(name.clone(), connection);
        Ok(entry)
    }

    /// How long a question to one of them may take.
    pub(crate) fn limit(&self) -> Duration {
        self.opener.limit
    }

    /// A question to one of them, which is not waited for without end.
    pub(crate) async fn ask<T>(&self, question: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        limited(self.opener.limit, question).await
    }

    /// Which server a provider is, if it is open.
    pub(crate) fn identity(&self, name: &ProviderName) -> Option<&Identity> {
        self.open(name).ok().map(|open| &open.recorded.identity)
    }

    /// Whether two providers are known to be one server. Each type has identities of its own.
    pub(crate) fn same_server(&self, one: &ProviderName, other: &ProviderName) -> bool {
        let server = |name| self.open(name).ok().map(|open| (open.provider_type.name(), &open.recorded.identity));
        server(one).is_some_and(|found| server(other) == Some(found))
    }

    /// The providers that connect to the same server as another provider, each with the server's identity.
    pub(crate) fn shared(&self) -> HashMap<ProviderName, &Identity> {
        let mut by_server: BTreeMap<&Identity, Vec<&ProviderName>> = BTreeMap::new();
        for name in self.all.keys() {
            if let Some(server) = self.identity(name) {
                by_server.entry(server).or_default().push(name);
            }
        }
        by_server.retain(|_, names| names.len() > 1);
        let shared =
            by_server.into_iter().flat_map(|(server, names)| names.into_iter().map(move |name| (name.clone(), server)));
        shared.collect()
    }

    /// How many calls a provider may be given at once.
    pub(crate) fn parallel(&self, name: &ProviderName) -> usize {
        self.all.get(name).map_or(1, |connection| connection.provider_type().parallel())
    }

    /// Nothing can be asked of it yet.
    pub(crate) fn is_deferred(&self, name: &ProviderName) -> bool {
        matches!(self.all.get(name), Some(Connection::Deferred(_) | Connection::Shut(..)))
    }

    /// Those whose settings are not known yet.
    pub(crate) fn unknown(&self) -> BTreeSet<ProviderName> {
        self.all.keys().filter(|name| self.is_unknown(name)).cloned().collect()
    }

    fn is_unknown(&self, name: &ProviderName) -> bool {
        matches!(self.all.get(name), Some(Connection::Deferred(_)))
    }

    /// Those that are shut, with what they say.
    pub(crate) fn shut(&self) -> BTreeMap<ProviderName, Fault> {
        let shut = self.all.iter().filter_map(|(name, connection)| match connection {
            Connection::Shut(.., fault) => Some((name.clone(), fault.clone())),
            _ => None,
        });
        shut.collect()
    }

    pub(crate) fn open(&self, name: &ProviderName) -> Result<&OpenProvider, Refused> {
        match self.all.get(name) {
            Some(Connection::Open(open)) => Ok(open),
            Some(Connection::Shut(.., fault)) => Err(Refused::unreachable(name, fault.clone())),
            _ => Err(Refused::ForgottenProvider { provider: name.clone(), resources: "resources".into() }),
        }
    }

    /// What must be recorded of those that are open. The snapshot takes it in.
    pub(crate) fn entries(&self, snapshot: &mut Snapshot) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, connection) in &self.all {
            if let Connection::Open(open) = connection
                && snapshot.providers.get(name) != Some(&open.recorded)
            {
                let entry = open.entry(name);
                snapshot.take(entry.clone());
                entries.push(entry);
            }
        }
        entries
    }

    /// The kind of a recorded resource.
    pub(crate) fn kind(&self, provider: &ProviderName, address: &Address) -> Result<KindHandle, Refused> {
        let forgotten = || Refused::ForgottenProvider { provider: provider.clone(), resources: format!("`{address}`") };
        let connection = self.all.get(provider).ok_or_else(forgotten)?;
        connection.provider_type().kind(address.kind()).ok_or_else(|| Refused::UnknownKind { address: address.clone() })
    }
}

fn forgotten(name: &ProviderName, snapshot: &Snapshot) -> Refused {
    Refused::ForgottenProvider { provider: name.clone(), resources: made_by(name, snapshot) }
}

/// How many resources a provider has made or was making, and some of them.
fn made_by(name: &ProviderName, snapshot: &Snapshot) -> String {
    const SHOWN: usize = 3;
    let made = snapshot.records.iter().filter(|(_, record)| record.provider == *name).map(|(address, _)| address);
    let making =
        snapshot.pending.iter().filter(|(_, entry)| entry.provider() == Some(name)).map(|(address, _)| address);
    let all: BTreeSet<&Address> = made.chain(making).collect();
    let some: Vec<String> = all.iter().take(SHOWN).map(|address| format!("`{address}`")).collect();
    let more = if all.len() > SHOWN { ", …" } else { "" };
    let resources = if all.len() == 1 { "resource" } else { "resources" };
    format!("{} {resources} ({}{more})", all.len(), some.join(", "))
}

/// Whether there is anything in a provider's settings that leads somewhere.
fn has_settings(config: &Json) -> bool {
    !matches!(config.value(), Value::Null) && config.value().as_object().is_none_or(|settings| !settings.is_empty())
}

/// A provider's settings, without secrets.
fn shown(config: &Json) -> String {
    let mut value = config.value();
    crate::value::hide(&mut value);
    value.to_string()
}

/// What a provider was when something of it was made. One of which nothing is left can be another server.
fn made_with<'s>(snapshot: &'s Snapshot, name: &ProviderName) -> Option<&'s RecordedProvider> {
    let recorded = snapshot.providers.get(name)?;
    let records = snapshot.records.values().map(|record| &record.provider);
    let pending = snapshot.pending.values().filter_map(|entry| entry.provider());
    records.chain(pending).any(|other| other == name).then_some(recorded)
}

async fn open_declared(
    node: &ProviderNode,
    recorded: Option<&RecordedProvider>,
    known: &Known,
    key: &StackKey,
    opener: &Opener,
) -> Result<Connection, Refused> {
    open_with(node, settings(node, known, key)?, recorded, key, opener).await
}

/// What a provider is opened with, if that is known.
fn settings(node: &ProviderNode, known: &Known, key: &StackKey) -> Result<Option<(ProviderSettings, Json)>, Refused> {
    let both = || Ok((node.erased.settings(known)?, node.erased.config(known, key)?));
    match both() {
        Ok(both) => Ok(Some(both)),
        Err(NoValue::Yet) => Ok(None),
        Err(NoValue::Ever(mistake)) => Err(Refused::unreachable(&node.name, Fault::invalid(&mistake))),
    }
}

async fn open_with(
    node: &ProviderNode,
    settings: Option<(ProviderSettings, Json)>,
    recorded: Option<&RecordedProvider>,
    key: &StackKey,
    opener: &Opener,
) -> Result<Connection, Refused> {
    let provider_type = Arc::clone(&node.provider_type);
    let Some((settings, config)) = settings else { return Ok(Connection::Deferred(provider_type)) };
    let fault = match opener.open(Arc::clone(&provider_type), settings, config.clone(), recorded, key).await {
        Ok(Ok(open)) => return Ok(Connection::Open(open)),
        // The address of an object that has gone may be that of another server by now.
        Ok(Err(found)) if !node.deps.is_empty() => {
            let refused = another(&node.name, recorded, found);
            let fault = Fault::new(ErrorKind::Unavailable, refused.to_string());
            refused.hint().map_or(fault.clone(), |hint| fault.hint(hint))
        }
        Ok(Err(found)) => return Err(another(&node.name, recorded, found)),
        Err(fault) => fault,
    };
    let fault = fault.redacted(key);
    match fault.kind {
        ErrorKind::Unavailable if node.deps.is_empty() => Err(Refused::unreachable(&node.name, fault)),
        ErrorKind::Closed | ErrorKind::Unavailable => Ok(Connection::Shut(provider_type, config, fault)),
        _ => Err(Refused::unreachable(&node.name, fault)),
    }
}

/// Another server under the same address would look like one from which everything has gone.
fn another(provider: &ProviderName, recorded: Option<&RecordedProvider>, found: Identity) -> Refused {
    let recorded = recorded.map_or_else(|| "none".into(), |recorded| recorded.identity.clone());
    Refused::AnotherServer { provider: provider.clone(), recorded, found }
}
