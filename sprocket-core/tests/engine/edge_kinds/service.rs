//! A service in memory, and the provider that speaks to it. What a client of it may see depends on the kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{ErrorKind, Identity, Kinds, OwnerTag, Provider, ProviderError, Spec};

use super::motd::Motd;
use super::vaulted::Vaulted;

/// What the service keeps under a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) data: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) version: u64,
    pub(crate) owner: Option<OwnerTag>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    all: Arc<Mutex<BTreeMap<String, Stored>>>,
    /// A bug: a write of a secret that is there is counted, and not made.
    pub(crate) only_counts: bool,
}

impl Service {
    /// With the bug.
    pub(crate) fn that_only_counts() -> Self {
        Self { only_counts: true, ..Self::default() }
    }

    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<String, Stored>) -> T) -> T {
        f(&mut self.all.lock().unwrap())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.with(|all| all.keys().cloned().collect())
    }

    pub(crate) fn change<T>(&self, prefix: &str, change: impl FnOnce(&mut Stored) -> T) {
        self.with(|all| {
            change(all.iter_mut().find(|(name, _)| name.starts_with(prefix)).unwrap().1);
        });
    }

    pub(crate) fn remove(&self, prefix: &str) {
        self.with(|all| all.retain(|name, _| !name.starts_with(prefix)));
    }
}

/// The provider.
#[derive(Debug)]
pub(crate) struct Memory(pub(crate) Service);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Memory)]
pub(crate) struct MemorySpec {}

#[derive(Debug, thiserror::Error)]
#[error("could not {attempt} `{name}`: there is one already")]
pub(crate) struct MemoryError {
    pub(crate) attempt: &'static str,
    pub(crate) name: String,
}

impl ProviderError for MemoryError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::AlreadyExists
    }
}

impl Memory {
    pub(crate) fn at(service: &Service) -> MemoryDraft {
        MemoryDraft::new().credentials(service.clone())
    }
}

impl Provider for Memory {
    const NAME: &'static str = "memory";
    type Draft = MemoryDraft;
    type Config = MemorySpec;
    type Credentials = Service;
    type Error = MemoryError;

    async fn connect(_: &MemorySpec, service: Service) -> Result<Self, MemoryError> {
        Ok(Self(service))
    }

    fn ambient() -> Result<Service, MemoryError> {
        Ok(Service::default())
    }

    async fn identity(&self) -> Result<Identity, MemoryError> {
        Ok("memory".into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Motd>().with::<Vaulted>();
    }
}
