//! Erasure: the one place that knows both the types of kinds and JSON.
//!
//! Above it, the engine deals in [`Json`](crate::base::Json), records and boxed futures; below it, authors of kinds deal in
//! their own types. Secrets are sealed on the way up and opened on the way down.

mod calls;
mod draft;
mod fault;
mod fill;
mod gap;
mod kind;
mod lookup;
mod provider;
mod synthesize;
mod tag;

pub(crate) use calls::{Called, ErasedCalls, ErasedLive, ErasedSettled, Target, Through};
pub(crate) use draft::{DraftOf, ErasedDraft, Evaluated, TypedSpec, in_all_ways, judged};
pub(crate) use fault::{Fault, limited, reading, within};
pub(crate) use kind::{KindFacts, KindHandle};
pub(crate) use lookup::{ErasedLookup, LookupOf, question};
pub(crate) use provider::{
    Config, ErasedProvider, ErasedProviderType, Instance, ProviderSettings, provider, provider_type, typed,
};
pub(crate) use tag::owner_tag;
