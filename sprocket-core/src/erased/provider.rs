//! Providers without their types.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::fault::Fault;
use super::kind::KindHandle;
use crate::ids::Identity;
use crate::json::Json;
use crate::provider::{ErrorKind, Provider};
use crate::resource::Resource;
use crate::spec::ProviderDraft;
use crate::value::{Known, NoValue, StackKey, sealing};

/// An open connection.
pub(crate) type Instance = Arc<dyn Any + Send + Sync>;

/// The kinds of a provider, by name.
pub struct Kinds<P> {
    pub(crate) kinds: BTreeMap<&'static str, KindHandle>,
    of: std::marker::PhantomData<fn() -> P>,
}

impl<P> std::fmt::Debug for Kinds<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}

impl<P: Provider> Kinds<P> {
    /// These, and this one.
    #[must_use]
    pub fn with<R: Resource<Provider = P>>(mut self) -> Self {
        self.kinds.insert(R::KIND, KindHandle::of::<R>());
        self
    }
}

/// What a provider's draft comes to.
pub(crate) struct ProviderConfig {
    /// Its settings, as they are recorded.
    pub(crate) config: Json,
}

pub(crate) trait ErasedProvider: Send + Sync {
    fn is(&self, provider: TypeId) -> bool;
    fn parallel(&self) -> usize;
    fn kind(&self, name: &str) -> Option<KindHandle>;
    /// Its settings, if all that they wait for is known.
    fn config(&self, known: &Known, key: &StackKey) -> Result<ProviderConfig, NoValue>;
    /// Opens it. All that it waits for must be known.
    fn connect(&self, known: &Known) -> BoxFuture<'static, Result<Instance, Fault>>;
    /// Opens it as it was recorded, with the credentials of its users' environment.
    fn reconnect(&self, config: &Json, key: &StackKey) -> BoxFuture<'static, Result<Instance, Fault>>;
    fn identity<'a>(&self, instance: &'a Instance) -> BoxFuture<'a, Result<Identity, Fault>>;
}

pub(crate) fn provider<D: ProviderDraft>(draft: D) -> Arc<dyn ErasedProvider> {
    let kinds = D::Provider::kinds(Kinds { kinds: BTreeMap::new(), of: std::marker::PhantomData }).kinds;
    Arc::new(ProviderOf { draft, kinds })
}

struct ProviderOf<D> {
    draft: D,
    kinds: BTreeMap<&'static str, KindHandle>,
}

async fn open<P: Provider>(config: P::Config, credentials: Option<P::Credentials>) -> Result<Instance, Fault> {
    let credentials = match credentials {
        Some(credentials) => credentials,
        None => P::ambient().map_err(|error| Fault::of(&error))?,
    };
    let opened = P::connect(&config, credentials).await;
    opened.map(|provider| Arc::new(provider) as Instance).map_err(|error| Fault::of(&error))
}

impl<D: ProviderDraft> ErasedProvider for ProviderOf<D> {
    fn is(&self, provider: TypeId) -> bool {
        TypeId::of::<D::Provider>() == provider
    }

    fn parallel(&self) -> usize {
        D::Provider::PARALLEL
    }

    fn kind(&self, name: &str) -> Option<KindHandle> {
        self.kinds.get(name).cloned()
    }

    fn config(&self, known: &Known, key: &StackKey) -> Result<ProviderConfig, NoValue> {
        let config = self.draft.spec(known)?;
        self.draft.credentials(known)?;
        Ok(ProviderConfig { config: sealing(key, || Json::of(&config)).expect("BUG: a spec serialises") })
    }

    fn connect(&self, known: &Known) -> BoxFuture<'static, Result<Instance, Fault>> {
        let drafted = self.draft.spec(known).and_then(|config| Ok((config, self.draft.credentials(known)?)));
        match drafted {
            Ok((config, credentials)) => open::<D::Provider>(config, credentials).boxed(),
            Err(_) => {
                let fault = Fault::new(ErrorKind::Invalid, "a setting of the provider is not known");
                std::future::ready(Err(fault)).boxed()
            }
        }
    }

    fn reconnect(&self, config: &Json, key: &StackKey) -> BoxFuture<'static, Result<Instance, Fault>> {
        match sealing(key, || serde_json::from_str(config.text())) {
            Ok(config) => open::<D::Provider>(config, None).boxed(),
            Err(error) => {
                let fault = Fault::new(ErrorKind::Invalid, format!("the recorded settings can't be read: {error}"));
                std::future::ready(Err(fault)).boxed()
            }
        }
    }

    fn identity<'a>(&self, instance: &'a Instance) -> BoxFuture<'a, Result<Identity, Fault>> {
        let provider: &D::Provider = typed(instance);
        async move { provider.identity().await.map_err(|error| Fault::of(&error)) }.boxed()
    }
}

pub(super) fn typed<P: Provider>(instance: &Instance) -> &P {
    instance.downcast_ref().expect("BUG: a kind is called with its own provider")
}
