//! What the author of a kind writes: resources, providers, their settings, and look-ups.

mod call_error;
mod calls;
mod entries;
mod lookup;
mod options;
mod overrides;
mod provider;
mod resource;
mod resource_ref;
mod spec;
mod text;
mod trigger;

pub use crate::base::{
    Address, Effect, Entropy, Identity, Json, Lineage, Mark, NoAddress, ObjectId, PhysicalName, ProviderName, RecordId,
    Witness, with_causes,
};
pub use call_error::CallError;
pub use calls::{
    Bring, Change, Checked, Claim, Deadline, Failed, Find, Findings, Found, Intent, Listing, Live, Make, Recorded,
    Settled,
};
pub use entries::Entries;
pub use lookup::{Lookup, Question};
pub(crate) use options::Ignored;
pub use options::{DraftExt, Layer, Options, Precedes};
pub(crate) use overrides::Overrides;
pub use overrides::{Misfit, Overridden, Override, Unfit, set};
pub use provider::{ErrorKind, Kinds, Provider, ProviderError};
pub use resource::{ErrorOf, FailedOf, Naming, Outcome, Part, Resource, State};
pub use resource_ref::This;
pub use spec::{Draft, Field, Fields, ProviderDraft, Spec};
pub use sprocket_derive::Spec;
pub use text::as_text;
#[doc(hidden)]
pub use text::names;
pub use trigger::Trigger;
