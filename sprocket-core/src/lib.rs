//! The engine of Sprocket: resources, plans, apply, state. It knows no service, never prints, and reads neither the
//! environment nor the home directory.
//!
//! | module | for whom |
//! |---|---|
//! | [`program`] | programs: a [`Stack`](program::Stack), its outputs, secrets and options |
//! | [`engine`] | tools: an [`Engine`](engine::Engine) plans, applies and verifies stacks |
//! | [`document`] | tools in other languages: the JSON of plans, events and reports |
//! | [`kind`] | authors of kinds: [`Kind`](kind::Kind), [`Provider`](kind::Provider), [`Lookup`](kind::Lookup) |
//! | [`state`] | stores of the state, and its format |
//! | [`testing`] | tests of programs and of kinds |
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
//! | `program` | what programs name |

mod apply;
mod base;
mod builtin;
pub mod document;
pub mod engine;
mod erased;
pub mod kind;
mod plan;
mod planner;
pub mod program;
mod session;
mod stack;
pub mod state;
pub mod testing;
mod value;

/// What the code names that the derive writes.
#[doc(hidden)]
pub mod __derive {
    pub use crate::kind::{
        Draft, Field, Fields, GivenCredentials, Handle, Naming, Options, Provider, ProviderDraft, ResourceRef, Spec,
    };
    pub use crate::value::{
        Deps, GIVEN, Input, IntoInput, Known, Mistake, NoValue, NodeId, Output, Partial, Path, PathPart, Resolve,
        SECRET, Secret, Slot,
    };
}
