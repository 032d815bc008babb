//! The engine of Sprocket: resources, plans, apply, state. It knows no service, never prints, and reads neither the
//! environment nor the home directory.
//!
//! A program fills a [`Stack`]; an [`Engine`] refreshes, plans and applies it, and is where a tool of one's own begins.
//! What the engine says is a [`document`]. Kinds of resources implement [`Resource`], the connections they are made with
//! [`Provider`].

mod apply;
pub mod document;
mod engine;
mod entropy;
mod erased;
mod event;
mod hash;
mod ids;
mod json;
mod lookup;
mod neighbours;
mod options;
mod overrides;
mod panics;
pub mod plan;
mod policy;
mod provider;
mod random;
mod refresh;
mod report;
mod resource;
mod spec;
mod stack;
pub mod state;
mod stop;
pub mod testing;
mod trigger;
pub mod value;
pub mod visible;

pub use engine::{Engine, Hidden, Import, Imported, Observation, Reached, Refused, SavedPlan, Settings, Survey};
pub use entropy::Entropy;
pub use erased::Kinds;
pub use event::{Event, Events};
pub use ids::{Address, Identity, Lineage, NoAddress, ObjectId, PhysicalName, ProviderName, RecordId};
pub use json::Json;
pub use lookup::{Lookup, Question};
pub use neighbours::{Neighbours, Stacks, StacksDraft, StacksError, StacksSpec};
pub use options::{DraftExt, Options, Precedes};
pub use overrides::{Misfit, Overridden, Override, Unfit};
pub use panics::silence_foreign_panics;
pub use plan::{Goal, Plan, Request};
pub use policy::{Budget, Objections};
pub use provider::{ErrorKind, Provider, ProviderError};
pub use random::{Password, PasswordDraft, PasswordSpec, PasswordState, Random, RandomDraft, RandomError, RandomSpec};
pub use report::{Failure, Outcome as StepOutcome, Report, StepReport, Unchecked, Verdict};
pub use resource::{
    Bring, Change, Checked, Claim, Deadline, Effect, ErrorOf, Failed, FailedOf, Find, Findings, Found, Intent, Listing,
    Live, Make, Mark, Naming, Outcome, Part, Recorded, Resource, Settled, State, This, Witness,
};
pub use spec::{Draft, Field, Fields, ProviderDraft, Spec};
pub use sprocket_derive::Spec;
pub use stack::{Connected, Declared, Layer, Mistakes, On, Stack};
pub use stop::{Stop, Stopping};
pub use trigger::Trigger;
pub use value::{Assigned, Deps, Input, IntoInput, Known, Mistake, NoValue, Output, Resolve, Secret, Slot};
