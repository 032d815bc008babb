//! The engine of Sprocket: resources, plans, apply, state. It knows no service, never prints, and reads neither the
//! environment nor the home directory.
//!
//! A program fills a [`Stack`]; an [`Engine`] refreshes, plans and applies it, and is where a tool of one's own begins.
//! What the engine says is a [`document`]. Kinds of resources implement [`Resource`], the connections they are made with
//! [`Provider`].
//!
//! # Layers
//!
//! A module uses those before it in this list, and none after it. `tests/layers.rs` checks that.
//!
//! | module | contents |
//! |---|---|
//! | `base` | names, ids, JSON as text, hashes, randomness, owner tags |
//! | `value` | inputs, outputs, secrets: what is known of a setting, and how it is sealed and redacted |
//! | `state` | records, journal, snapshots, stores, the stack's key |
//! | `kind` | what the author of a kind implements: resources, providers, specs, look-ups, and the options of all drafts |
//! | `erased` | kinds, drafts, providers and look-ups without their types |
//! | `plan` | plans, events and reports: data, and how people read it |
//! | `stack` | what a program declares, and its policies |
//! | `planner` | how a plan is made: pure, without I/O, clock or randomness |
//! | `session` | one command: open connections, what is read through them, the recovery of interrupted calls, errors |
//! | `builtin` | kinds without a service: passwords, outputs of other stacks |
//! | `apply` | how a plan is applied: schedule, journal, calls |
//! | `engine` | plan, apply, verify, import, and changes of the state by hand |
//! | `document` | the JSON of plans, events, reports and errors |
//! | `testing` | the simulated world, injected faults, the conformance suite of kinds |

mod apply;
mod base;
mod builtin;
pub mod document;
mod engine;
mod erased;
mod kind;
pub mod plan;
mod planner;
mod session;
mod stack;
pub mod state;
pub mod testing;
pub mod value;

pub use base::{
    Address, Effect, Entropy, Identity, Json, Lineage, Mark, NoAddress, ObjectId, PhysicalName, ProviderName, RecordId,
    Stop, Stopping, Witness, visible,
};
pub use builtin::{
    Neighbours, Password, PasswordDraft, PasswordSpec, PasswordState, Random, RandomDraft, RandomError, RandomSpec,
    Stacks, StacksDraft, StacksError, StacksSpec,
};
pub use engine::{Engine, Hidden, Import, Imported, Observation, SavedPlan, Survey};
#[doc(hidden)]
pub use kind::set as set_field;
pub use kind::{
    Bring, Change, Checked, Claim, Deadline, Draft, DraftExt, ErrorKind, ErrorOf, Failed, FailedOf, Field, Fields,
    Find, Findings, Found, Intent, Kinds, Layer, Listing, Live, Lookup, Make, Misfit, Naming, Options, Outcome,
    Overridden, Override, Part, Precedes, Provider, ProviderDraft, ProviderError, Question, Recorded, Resource,
    Settled, Spec, State, This, Trigger, Unfit,
};
pub use plan::Outcome as StepOutcome;
pub use plan::{Event, Events, Failure, Goal, Plan, Report, Request, StepReport, Unchecked, Verdict};
pub use session::{Reached, Refused, Settings};
pub use sprocket_derive::Spec;
pub use stack::{Budget, Connected, Declared, Mistakes, Objections, On, Stack};
pub use value::{
    Assigned, Deps, Input, IntoInput, Known, Mistake, NoValue, Output, Resolve, Secret, Slot, silence_foreign_panics,
};
