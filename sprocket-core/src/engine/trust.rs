//! Trust: which states an engine goes on with.
//!
//! A store is not believed: whoever may write its files or objects could add a record to have an object deleted, or a
//! provider to have credentials sent to it. So the key is opened first, and everything in the state must have been written
//! with it. Only then is anything asked of any service.
//!
//! Commands that only show what is recorded work without the key, and then show what nobody has checked.

use super::{Engine, Refused};
use crate::state::{KeySource, Loaded, Lock, Signer, Snapshot};
use crate::value::StackKey;

/// A state that a holder of its key has written.
#[derive(Clone)]
pub(crate) struct Trusted {
    pub(crate) snapshot: Snapshot,
    pub(crate) key: StackKey,
}

/// Opens the key of a state, and checks that the state was written with it.
pub(crate) fn trust(loaded: Loaded, source: &KeySource, place: &str) -> Result<Trusted, Refused> {
    let forged = |message: String| Refused::Forged { place: place.to_owned(), message };
    let protected = loaded.snapshot.key.as_ref().ok_or_else(|| forged("it has no key".into()))?;
    let key = source.open(protected, &loaded.snapshot.lineage)?;
    loaded.verify(&Signer::of(&key)).map_err(|unproven| forged(unproven.to_string()))?;
    Ok(Trusted { snapshot: loaded.snapshot, key })
}

impl Engine {
    /// The state, if one has begun.
    pub(super) async fn load(&self) -> Result<Option<Trusted>, Refused> {
        self.store.load().await?.map(|loaded| self.trusted(loaded)).transpose()
    }

    /// The state, as the holder of the lock has it.
    pub(super) async fn load_from(&self, lock: &dyn Lock) -> Result<Option<Trusted>, Refused> {
        lock.load().await?.map(|loaded| self.trusted(loaded)).transpose()
    }

    /// The state as somebody wrote it.
    pub(super) async fn load_unchecked(&self) -> Result<Option<Snapshot>, Refused> {
        Ok(self.store.load().await?.map(|loaded| {
            self.note(&loaded);
            loaded.snapshot
        }))
    }

    /// Protects the stack's key for each of the engine's owners, if one of them can't open it yet. Every run does so as well.
    /// Whether there was one.
    ///
    /// # Errors
    /// If none of them can open the key, or the state can't be written.
    pub async fn share_key(&self) -> Result<bool, Refused> {
        let owners = &self.settings.key;
        let lacks = |trusted: &Trusted| {
            let Trusted { snapshot, key } = trusted;
            let protected = snapshot.key.as_ref();
            protected.map_or(Ok(true), |protected| owners.all_own(protected, key, &snapshot.lineage)).map(|all| !all)
        };
        match self.load().await? {
            Some(trusted) if lacks(&trusted)? => {}
            _ => return Ok(false),
        }
        let lock = self.lock("apply").await?;
        let result = async {
            let Some(Trusted { mut snapshot, key }) = self.load_from(&*lock).await? else { return Ok(false) };
            self.begin(&mut snapshot, (&key, false), &[], &*lock).await.map(|()| true)
        }
        .await;
        let _ = lock.release().await;
        result
    }

    fn trusted(&self, loaded: Loaded) -> Result<Trusted, Refused> {
        self.note(&loaded);
        trust(loaded, &self.settings.key, &self.store.place())
    }

    fn note(&self, loaded: &Loaded) {
        for note in &loaded.notes {
            tracing::warn!(place = self.store.place(), "{note}");
        }
    }
}
