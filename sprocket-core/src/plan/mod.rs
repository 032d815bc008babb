//! Plans: what is to be done, in which order, and why.
//!
//! `build` is pure and synchronous: the same stack, snapshot and observation give the same bytes. A plan holds no
//! secret: its values are sealed, and hidden where it is serialised, as a [document](crate::document).

mod action;
mod change;
mod display;
mod event;
mod report;
mod request;
mod step;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::action::{Reason, StepAction};
pub use self::change::Change;
pub use self::event::{Event, Events};
pub use self::report::{Failure, Report, StepOutcome, StepReport, Unchecked, VerifyReport};
pub use self::request::{Goal, Pattern, Request};
pub use self::step::{Step, StepId};
use crate::base::{Address, Lineage, PhysicalName, Place, ProviderName};
use crate::value::StackKey;

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
    pub settled: Vec<Recovery>,
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
pub struct Recovery {
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
