//! Trust: which states an engine goes on with.
//!
//! A store is not believed: whoever may write its files or objects could add a record to have an object deleted, or a
//! provider to have credentials sent to it. So the key is opened first, and everything in the state must have been written
//! with it. Only then is anything asked of any service.
//!
//! It must also be the state of this stack, and not an older one than is known: both would be proven by the same key.
//!
//! Commands that only show what is recorded work without the key, and then show what nobody has checked.

use super::Engine;
use crate::session::{Refused, Settings, Trusted, trust};
use crate::state::{Loaded, Lock, Signer, Snapshot, StackId, StoreError};

impl Engine {
    /// The state, if one has begun.
    pub(super) async fn load(&self) -> Result<Option<Trusted>, Refused> {
        self.own(self.store.load().await?).await
    }

    /// The state, as the holder of the lock has it.
    pub(super) async fn load_from(&self, lock: &dyn Lock) -> Result<Option<Trusted>, Refused> {
        self.own(lock.load().await?).await
    }

    /// A state that can be trusted, of this stack, and no older one.
    async fn own(&self, loaded: Option<Loaded>) -> Result<Option<Trusted>, Refused> {
        let trusted = self.trusted(loaded).await?;
        let snapshot = trusted.as_ref().map(|trusted| &trusted.snapshot);
        self.is_own(snapshot)?;
        self.is_fresh(snapshot)?;
        Ok(trusted)
    }

    fn is_own(&self, snapshot: Option<&Snapshot>) -> Result<(), Refused> {
        let (Some(snapshot), Some(own)) = (snapshot, &self.settings.stack) else { return Ok(()) };
        match &snapshot.stack {
            Some(recorded) if recorded.is(own) => Ok(()),
            recorded => Err(Refused::AnotherStack {
                place: self.store.place(),
                recorded: recorded.as_ref().map_or_else(|| "a stack without a name".into(), StackId::to_string),
                own: own.to_string(),
            }),
        }
    }

    fn is_fresh(&self, snapshot: Option<&Snapshot>) -> Result<(), Refused> {
        let Settings { remembered, at_least, .. } = &self.settings;
        let older = |message| Refused::Older { place: self.store.place(), message };
        if let Some(message) = remembered.as_ref().and_then(|remembered| remembered.contradicts(snapshot)) {
            return Err(older(message));
        }
        let serial = snapshot.map_or(0, |snapshot| snapshot.serial);
        if serial < *at_least {
            return Err(older(format!("it has serial {serial}, and should have at least {at_least}")));
        }
        Ok(())
    }

    /// Makes a state the one of this engine's stack, whichever it was of: after a stack, an environment or a program was
    /// renamed, or the state was moved. Answers which it was of.
    ///
    /// # Errors
    /// If there is none, it can't be trusted, or is locked.
    pub async fn claim(&self) -> Result<Option<StackId>, Refused> {
        let lock = self.lock("state claim").await?;
        let result = async {
            let loaded = self.trusted(lock.load().await?).await?;
            self.is_fresh(loaded.as_ref().map(|trusted| &trusted.snapshot))?;
            let Some(Trusted { mut snapshot, key }) = loaded else {
                return Err(Refused::Store(StoreError::NoSnapshot { place: self.store.place() }));
            };
            let before = std::mem::replace(&mut snapshot.stack, self.settings.stack.clone());
            lock.compact(&snapshot, &Signer::of(&key)).await?;
            Ok(before)
        }
        .await;
        let _ = lock.release().await;
        result
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

    async fn trusted(&self, loaded: Option<Loaded>) -> Result<Option<Trusted>, Refused> {
        let Some(loaded) = loaded else { return Ok(None) };
        self.note(&loaded);
        trust(loaded, &self.settings.key, &self.store.place()).await.map(Some)
    }

    fn note(&self, loaded: &Loaded) {
        for note in &loaded.notes {
            tracing::warn!(place = self.store.place(), "{note}");
        }
    }
}
