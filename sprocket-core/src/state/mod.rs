//! State: what is recorded of a stack, and where.
//!
//! A [`Snapshot`] is what is recorded; the journal is a list of [`Entry`]s since; [`Snapshot::take`] is the one place that
//! says what an entry means. A [`StateStore`] keeps both. Secrets are written under the stack's key, which a snapshot
//! has only encrypted to its owner's [`KeySource`].

pub mod conformance;
mod file;
pub mod format;
mod journal;
mod key;
mod mac;
mod memory;
mod passphrase;
mod record;
mod snapshot;
mod store;

pub use crate::value::{Fingerprint, Sealed, StackKey};
pub use file::FileStore;
pub use journal::{Action, Entry, Intent, JournalEvent};
pub use key::{KeyError, KeyKind, KeySource, ProtectedKey, generate_identity};
pub use mac::{Link, Mac, Proof, Signer, Unproven};
pub use memory::{MemoryStore, StoreFault};
#[doc(hidden)] // for the crates of kinds that keep secrets beside the state
pub use passphrase::{NotOpened, Wrapped};
pub use record::{Ending, LeftObject, Object, Record, SeenSpec, Which};
pub use snapshot::{FORMAT, Freshness, RecordedProvider, Snapshot, StackId, Unanswered};
pub use store::{Earlier, Holder, Loaded, Lock, StateStore, StoreError};
