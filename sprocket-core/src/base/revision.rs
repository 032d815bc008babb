//! Revisions: what an object looked like when it was read.

use serde::{Deserialize, Serialize};

use crate::base::{ObjectId, hash};

/// What an object must still look like when a plan is applied to it: a hash. The engine hashes it once more, under the
/// stack's key, before it is kept or shown anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub(crate) String);

impl Revision {
    /// The hash of an id and of what was read.
    pub fn of(id: &ObjectId, seen: &impl Serialize) -> Self {
        let text = serde_json::to_string(seen).expect("BUG: a spec serialises");
        Self(hash::short(&[id.as_str(), &text]))
    }
}
