//! Whether a state can be trusted: it was written by a holder of its key.

use super::Refused;
use crate::base::Lineage;
use crate::state::{KeyError, KeySource, Loaded, ProtectedKey, Signer, Snapshot};
use crate::value::StackKey;

/// A state that a holder of its key has written.
#[derive(Clone)]
pub(crate) struct Trusted {
    pub(crate) snapshot: Snapshot,
    pub(crate) key: StackKey,
}

/// Opens the key of a state, and checks that the state was written with it.
pub(crate) async fn trust(loaded: Loaded, source: &KeySource, place: &str) -> Result<Trusted, Refused> {
    let forged = |message: String| Refused::Forged { place: place.to_owned(), message };
    let protected = loaded.snapshot.key.as_ref().ok_or_else(|| forged("it has no key".into()))?;
    let key = open(source, protected, &loaded.snapshot.lineage).await?;
    loaded.verify(&Signer::of(&key)).map_err(|unproven| forged(unproven.to_string()))?;
    Ok(Trusted { snapshot: loaded.snapshot, key })
}

/// Opens a protected key. Stretching a passphrase would block the runtime's threads, so it runs on a thread of its own.
pub(crate) async fn open(
    source: &KeySource,
    protected: &ProtectedKey,
    lineage: &Lineage,
) -> Result<StackKey, KeyError> {
    let (protected, lineage) = (protected.clone(), lineage.clone());
    work(source, move |source| source.open(&protected, &lineage)).await
}

/// Protects a key. A passphrase is stretched on a thread of its own.
pub(crate) async fn protect(source: &KeySource, key: &StackKey, lineage: &Lineage) -> Result<ProtectedKey, KeyError> {
    let (key, lineage) = (key.clone(), lineage.clone());
    work(source, move |source| source.protect(&key, &lineage)).await
}

async fn work<T: Send + 'static>(source: &KeySource, work: impl FnOnce(&KeySource) -> T + Send + 'static) -> T {
    let KeySource::Passphrase(_) = source else { return work(source) };
    let source = source.clone();
    match tokio::task::spawn_blocking(move || work(&source)).await {
        Ok(done) => done,
        // Only a runtime that shuts down cancels work, and it does not come back here.
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
