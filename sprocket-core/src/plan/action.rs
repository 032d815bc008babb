//! What a step does, and why.

use serde::Serialize;

use crate::state::Which;

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
}

impl StepAction {
    /// What it does, in a word.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Adopt { .. } => "adopt",
            Self::Update => "update",
            Self::Await => "await",
            Self::Restore { .. } => "restore",
            Self::Delete { .. } => "delete",
            Self::Drop { .. } => "drop",
            Self::Leave => "leave",
            Self::Record => "record",
        }
    }

    /// Whether what is known of the resource must be learnt again after it.
    pub(crate) fn changes_object(&self) -> bool {
        self.settles_answers() || matches!(self, Self::Update)
    }

    /// Whether what was answered about the resource before counts no more after it: there is another object, or it works now.
    pub(crate) fn settles_answers(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Adopt { .. } | Self::Await | Self::Restore { .. })
    }

    /// It ends an object.
    pub(crate) fn deletes(&self) -> bool {
        matches!(self, Self::Delete { .. } | Self::Drop { .. } | Self::Leave)
    }

    /// It is no call, and in nobody's way.
    pub(crate) fn only_forgets(&self) -> bool {
        matches!(self, Self::Drop { .. } | Self::Leave)
    }

    /// It ends a resource.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Delete { replaced: false, .. } | Self::Drop { .. } | Self::Leave)
    }

    /// It makes room for the object that takes its place.
    pub(crate) fn replaces_in_place(&self) -> bool {
        matches!(self, Self::Delete { replaced: true, first: true, .. })
    }
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
