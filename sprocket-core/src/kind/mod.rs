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
    Address, Effect, Entropy, Identity, Json, Lineage, NoAddress, ObjectId, OwnerTag, PhysicalName, ProviderName,
    RecordId, Revision, with_causes,
};
pub use call_error::CallError;
pub use calls::{
    Bring, CallFailure, CheckResult, Claim, CreateRequest, Deadline, Diagnostics, Found, Listing, Live, PendingCreate,
    ReadRequest, Recorded, Recovered, UpdateRequest,
};
pub use entries::Entries;
pub use lookup::{Lookup, Question};
pub(crate) use options::Ignored;
pub use options::{DraftExt, Layer, Options, Precedes};
pub use overrides::{AppliedOverride, InvalidOverride, Override, OverrideError};
pub(crate) use overrides::{Overlaid, Overrides};
pub use provider::{ErrorKind, Kinds, Provider, ProviderError};
pub use resource::{CallResult, ErrorOf, FailureOf, Kind, Naming, Part, State};
pub use resource_ref::ResourceRef;
pub use spec::{Draft, Field, Fields, GivenCredentials, ProviderDraft, Spec};
pub use sprocket_derive::Spec;
pub use text::as_text;
#[doc(hidden)]
pub use text::names;
pub use trigger::Trigger;
