//! What the author of a kind writes: resources, providers, their settings, and look-ups.

mod call_error;
mod calls;
mod entries;
mod handle;
mod lifecycle;
mod lookup;
mod options;
mod overrides;
mod provider;
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
    CallFailure, CheckResult, Claim, CreateRequest, Deadline, Diagnostics, Listing, Live, PendingCreate, ReadRequest,
    Recorded, Recovered, UpdateRequest,
};
pub use entries::Entries;
pub use handle::{Handle, Naming, State};
pub use lifecycle::{CallResult, CanonicalOf, ClaimsOf, ErrorOf, FailureOf, Kind, KindFlags, Part, ReadResult};
pub use lookup::{Lookup, Question};
pub(crate) use options::Ignored;
pub use options::{DraftExt, Layer, Options, Precedes};
pub use overrides::{AppliedOverride, InvalidOverride, Override, OverrideError};
pub(crate) use overrides::{Overlaid, Overrides};
pub use provider::{ErrorKind, Kinds, Provider, ProviderError};
pub use resource_ref::ResourceRef;
pub use spec::{Draft, Field, Fields, GivenCredentials, ProviderDraft, Spec};
pub use sprocket_derive::{Handle, Spec};
pub use text::as_text;
#[doc(hidden)]
pub use text::names;
pub use trigger::Trigger;

/// The examples of `docs/writing-a-kind.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-a-kind.md")]
struct WritingAKind;
