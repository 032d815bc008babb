//! Owner tags: whose an object at a service is.

use serde::{Deserialize, Serialize};

use crate::base::{Lineage, RecordId};

/// Whose an object is. Each kind's documentation says where it is kept. It has no address in it: a move costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnerTag {
    /// The stack's state.
    pub lineage: Lineage,
    /// The record in it, and a proof that who wrote this has the stack's key. For a kind it is one text.
    pub record: RecordId,
}
