//! Providers without their types.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::fault::{Fault, reading};
use super::kind::KindHandle;
use crate::base::{Identity, Json, read_tree};
use crate::kind::{ErrorKind, Fields as _, Kind, Kinds, Overlaid, Overrides, Provider, ProviderDraft};
use crate::value::{Known, NoValue, Path, ProviderConfig, StackKey, is_sealed, open_at, seal_at, sealing, watched};

/// An open connection.
pub(crate) type Instance = Arc<dyn Any + Send + Sync>;

/// The settings of a provider, with their type.
pub(crate) type Config = dyn Any + Send + Sync;

/// The kinds of a provider, by name.
#[derive(Default)]
struct KindTable(BTreeMap<&'static str, KindHandle>);

impl<P: Provider> Kinds<P> for KindTable {
    fn with<R: Kind<Provider = P>>(&mut self) -> &mut Self {
        let earlier = self.0.insert(R::KIND, KindHandle::of::<R>());
        assert!(earlier.is_none(), "BUG: `{}` has two kinds that are called `{}`", P::NAME, R::KIND);
        self
    }
}

/// What a provider is opened with: its settings and credentials, with their types.
pub(crate) type ProviderSettings = Box<dyn Any + Send>;

/// A type of provider: all that is needed to work with what one of them made.
pub(crate) trait ErasedProviderType: Send + Sync {
    fn name(&self) -> &'static str;
    fn parallel(&self) -> usize;
    fn kind(&self, name: &str) -> Option<KindHandle>;
    /// One as it was recorded, with the credentials of its users' environment, unless these say otherwise.
    fn recorded(&self, config: &Json, key: &StackKey, overrides: &Overrides) -> Result<ProviderSettings, Fault>;
    /// The settings, without the credentials.
    fn config(&self, settings: ProviderSettings) -> Box<Config>;
    /// Which server answers there, if it tells everybody.
    fn answers<'a>(
        &self,
        settings: &'a ProviderSettings,
        key: &StackKey,
    ) -> BoxFuture<'a, Result<Option<Identity>, Fault>>;
    fn connect(&self, settings: ProviderSettings, key: &StackKey) -> BoxFuture<'static, Result<Instance, Fault>>;
    fn identity<'a>(&self, instance: &'a Instance, key: &StackKey) -> BoxFuture<'a, Result<Identity, Fault>>;
    fn close<'a>(&self, instance: &'a Instance, key: &StackKey) -> BoxFuture<'a, Result<(), Fault>>;
}

/// A provider as a program declares it.
pub(crate) trait ErasedProvider: ProviderConfig {
    fn is(&self, provider: TypeId) -> bool;
    /// Its settings as they are recorded, if all that they wait for is known.
    fn config(&self, known: &Known, key: &StackKey) -> Result<Json, NoValue>;
    /// What it is opened with, if all that it waits for is known.
    fn settings(&self, known: &Known) -> Result<ProviderSettings, NoValue>;
}

pub(crate) fn provider<D: ProviderDraft>(overlaid: Overlaid<D>) -> Arc<dyn ErasedProvider> {
    Arc::new(ProviderOf(overlaid))
}

pub(crate) fn provider_type<P: Provider>() -> Arc<dyn ErasedProviderType> {
    const { assert!(P::PARALLEL > 0, "a provider that takes no call at once never takes any: PARALLEL is at least 1") };
    let mut kinds = KindTable::default();
    P::kinds(&mut kinds);
    Arc::new(TypeOf::<P> { kinds, of: PhantomData })
}

struct ProviderOf<D>(Overlaid<D>);

struct TypeOf<P> {
    kinds: KindTable,
    of: PhantomData<fn() -> P>,
}

/// What a provider of this type is opened with; without credentials, with those of the environment.
struct SettingsOf<P: Provider> {
    config: P::Config,
    credentials: Option<P::Credentials>,
}

impl<P: Provider> SettingsOf<P> {
    async fn open(self) -> Result<Instance, Fault> {
        let credentials = match self.credentials {
            Some(credentials) => credentials,
            None => P::ambient().map_err(|error| Fault::of(&error))?,
        };
        let opened = P::connect(&self.config, credentials).await;
        opened.map(|provider| Arc::new(provider) as Instance).map_err(|error| Fault::of(&error))
    }
}

impl<P: Provider> ErasedProviderType for TypeOf<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn parallel(&self) -> usize {
        P::PARALLEL
    }

    fn kind(&self, name: &str) -> Option<KindHandle> {
        self.kinds.0.get(name).cloned()
    }

    fn recorded(&self, config: &Json, key: &StackKey, overrides: &Overrides) -> Result<ProviderSettings, Fault> {
        let unreadable =
            |error| Fault::new(ErrorKind::Invalid, format!("the recorded settings can't be read: {error}"));
        let mut value = config.value();
        if is_sealed(&value) {
            open_at(&mut value, &[Path::default()], key).map_err(unreadable)?;
        }
        let credentials = overrides.lay_over_recorded::<P>(&mut value);
        let config = sealing(key, || read_tree(value)).map_err(|error| unreadable(error.to_string()))?;
        Ok(Box::new(SettingsOf::<P> { config, credentials }))
    }

    fn config(&self, settings: ProviderSettings) -> Box<Config> {
        let settings: Box<SettingsOf<P>> =
            settings.downcast().expect("BUG: a provider is opened with its own settings");
        Box::new(settings.config)
    }

    fn answers<'a>(
        &self,
        settings: &'a ProviderSettings,
        key: &StackKey,
    ) -> BoxFuture<'a, Result<Option<Identity>, Fault>> {
        let settings: &SettingsOf<P> =
            settings.downcast_ref().expect("BUG: a provider is asked for with its own settings");
        reading(key, async move { P::answers(&settings.config).await.map_err(|error| Fault::of(&error)) })
    }

    fn connect(&self, settings: ProviderSettings, key: &StackKey) -> BoxFuture<'static, Result<Instance, Fault>> {
        let settings: Box<SettingsOf<P>> =
            settings.downcast().expect("BUG: a provider is opened with its own settings");
        reading(key, settings.open())
    }

    fn identity<'a>(&self, instance: &'a Instance, key: &StackKey) -> BoxFuture<'a, Result<Identity, Fault>> {
        let provider: &P = typed(instance);
        reading(key, async move { provider.identity().await.map_err(|error| Fault::of(&error)) })
    }

    fn close<'a>(&self, instance: &'a Instance, key: &StackKey) -> BoxFuture<'a, Result<(), Fault>> {
        let provider: &P = typed(instance);
        reading(key, async move { provider.close().await.map_err(|error| Fault::of(&error)) })
    }
}

impl<D: ProviderDraft> ProviderConfig for ProviderOf<D> {
    fn typed_config(&self, known: &Known) -> Result<Box<Config>, NoValue> {
        Ok(Box::new(self.0.spec(known)?))
    }
}

impl<D: ProviderDraft> ErasedProvider for ProviderOf<D> {
    fn is(&self, provider: TypeId) -> bool {
        TypeId::of::<D::Provider>() == provider
    }

    fn config(&self, known: &Known, key: &StackKey) -> Result<Json, NoValue> {
        self.0.draft.credentials(known)?;
        let (written, is_secret) = watched(|| {
            let config = self.0.spec(known)?;
            Ok(sealing(key, || Json::of(&config)).expect("BUG: a spec serialises"))
        });
        // Of settings that were made from a secret, nothing is recorded in clear.
        let sealed = |config: Json| {
            let mut value = config.value();
            seal_at(&mut value, &[Path::default()], key);
            Json::from(&value)
        };
        let is_exposed = written.as_ref().is_ok_and(|written| known.exposed.is_in(written.text()));
        if is_secret || is_exposed { written.map(sealed) } else { written }
    }

    fn settings(&self, known: &Known) -> Result<ProviderSettings, NoValue> {
        let (config, credentials) = (self.0.spec(known)?, self.0.draft.credentials(known)?);
        Ok(Box::new(SettingsOf::<D::Provider> { config, credentials }))
    }
}

pub(crate) fn typed<P: Provider>(instance: &Instance) -> &P {
    instance.downcast_ref().expect("BUG: a kind is called with its own provider")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Random;

    #[test]
    #[should_panic(expected = "BUG: `random` has two kinds that are called `random:password`")]
    fn two_kinds_of_one_name_are_found_before_anything_is_done() {
        let mut kinds = KindTable::default();
        Random::kinds(&mut kinds);
        Random::kinds(&mut kinds);
    }
}
