//! Plans: what is to be done, in which order, and why.
//!
//! `build` is pure and synchronous: the same stack, snapshot and observation give the same bytes. A plan holds no
//! secret: its values are sealed, and hidden where it is serialised, as a [document](crate::document).

mod change;
mod display;
mod event;
mod report;
mod request;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::change::Change;
pub use self::event::{Event, Events};
pub use self::report::{Failure, Report, StepOutcome, StepReport, Unchecked, Verdict};
pub use self::request::{Goal, Pattern, Request};
use crate::base::{Address, Json, Lineage, PhysicalName, Place, ProviderName, Witness};
use crate::state::Which;
use crate::value::{Path, StackKey};

/// What is to be done to reach a goal.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Plan {
    /// What it was asked for.
    pub request: Request,
    /// The state that it was made for,
    pub lineage: Lineage,
    /// and how many journal entries had gone into that.
    pub serial: u64,
    /// The steps. A step's number is its place here.
    pub steps: Vec<Step>,
    /// Resources that have another address now.
    pub moved: Vec<Move>,
    /// What an interrupted run had left, as it was found out.
    pub settled: Vec<Settlement>,
    /// Who runs something on this state while the plan is made, with what and since when: what is in progress may come out
    /// otherwise than is shown.
    pub beside: Option<String>,
    /// What stays although it is not declared any more, or the goal is to destroy.
    pub kept: Vec<Kept>,
    /// What is wrong: a plan with problems is not applied.
    pub problems: Vec<Problem>,
    /// What may not be meant.
    pub warnings: Vec<Problem>,
    /// Outputs that will change.
    pub outputs: BTreeMap<String, Change>,
    /// Recorded resources of providers that a step opens: they are read after it, and this plan does nothing to them.
    pub deferred: Vec<Deferred>,
    /// How many resources need nothing.
    pub unchanged: usize,
    /// Resources that the request leaves out: nothing is said of them, and nothing done to them.
    pub left_out: Vec<Address>,
    /// The key of a stack that has no state yet.
    pub(crate) proposed_key: Option<StackKey>,
}

/// Something to do with one resource.
#[derive(Clone, Debug, PartialEq, Hash, Serialize)]
pub struct Step {
    /// Which resource.
    pub address: Address,
    /// What.
    pub action: StepAction,
    /// Why.
    pub reason: Reason,
    /// The object's name, as far as it is known.
    pub name: Option<PhysicalName>,
    /// The settings that it will have, for a create.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::value::hidden")]
    pub spec: Option<Json>,
    /// Where these only have their defaults: that is not worth a line.
    #[serde(skip)]
    pub(crate) defaults: Vec<Path>,
    /// What changes, for an update or a replacement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The steps that must have ended before it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
    /// What the object must still look like. Documents do not have it: it says nothing to whoever has no key.
    #[serde(skip)]
    pub witness: Option<Witness>,
    /// The line of the program that declares it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// Its place among the stack's resources, if it is declared.
    #[serde(skip)]
    pub(crate) node: Option<u32>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// Makes an object.
    Create {
        /// How often it was replaced before: 1 for the first.
        generation: u32,
        /// It takes the place of another.
        replaces: bool,
    },
    /// Takes over an object that exists, and makes it be as declared.
    Adopt {
        /// How often it was replaced before: 1 for the first.
        generation: u32,
    },
    /// Changes an object.
    Update,
    /// Waits until an object works that an earlier run changed.
    Await,
    /// Uses an object again that was replaced and is not deleted yet. No call.
    Restore {
        /// Which.
        object: Which,
    },
    /// Deletes an object.
    Delete {
        /// Which.
        object: Which,
        /// Another takes, or took, its place.
        replaced: bool,
        /// It must go before that other is made.
        first: bool,
    },
    /// Removes an object from state that has gone already, or goes with its host. No call.
    Drop {
        /// Which.
        object: Which,
    },
    /// Removes a resource from state and leaves its objects. No call.
    Leave,
    /// Records options or dependencies. No call.
    Record,
    /// Records that kept data may need it. No call.
    Keep {
        /// The data.
        needed_by: Address,
    },
}

/// Why a step is needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is declared, and there is none yet.
    New,
    /// The program says something else than what was applied.
    Changed,
    /// The object is not any more as it was left.
    Drifted,
    /// The object has gone.
    Gone,
    /// A setting changed that needs a new object.
    Replaced,
    /// A new object was asked for.
    Requested,
    /// It is not declared any more.
    Undeclared,
    /// All is to be destroyed.
    Destroyed,
    /// The object that took its place is there.
    Superseded,
    /// An earlier run had not finished it.
    Unfinished,
    /// It is there, and nobody's, or ours without a record.
    Found,
    /// Only what is recorded about it changes.
    Options,
    /// Its host is deleted.
    HostDeleted,
    /// Its host is replaced.
    HostReplaced,
    /// It is replaced, and is to be left in place.
    Retained,
}

/// A resource that has another address now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Move {
    /// The address that it had.
    pub from: Address,
    /// The one that it has.
    pub to: Address,
}

/// What was found out about a call that an interrupted run had begun.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Settlement {
    /// Which resource.
    pub address: Address,
    /// What came of it.
    pub outcome: String,
}

/// Something that stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Kept {
    /// Which resource.
    pub address: Address,
    /// Its name at the service.
    pub name: PhysicalName,
    /// Why.
    pub reason: String,
}

/// What can't be read until the plan has opened its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Deferred {
    /// The provider.
    pub provider: ProviderName,
    /// Its resources.
    pub resources: Vec<Address>,
    /// The resources whose steps open it.
    pub after: Vec<Address>,
}

/// Something wrong with a resource, found while planning.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    /// Which resource.
    pub address: Address,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line of the program that declares it.
    pub at: Option<Place>,
}

impl Plan {
    /// Which plan it is: a hash of all that is in it, 32 hexadecimal digits. Plans with one digest are one plan.
    ///
    /// It names a plan that was shown, so that this one is applied and no other. A changed secret changes it, and does not
    /// show in it. A stack without state has its lineage and key proposed by the plan, each time others: who is going to
    /// apply such a plan keeps it, and does not make it again. Digests of different builds are not to be compared.
    pub fn digest(&self) -> String {
        crate::base::hash::of(self)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.outputs.is_empty() && self.settled.is_empty() && self.moved.is_empty()
    }
}
