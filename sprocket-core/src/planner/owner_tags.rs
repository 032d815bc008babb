//! Marks: whose a recorded object says that it is.
//!
//! Only an object that was seen with our mark can lose it: what was taken over may be of a kind that can't be marked later.
//! What was made and not seen since was given our mark too.

use serde_json::Value;

use super::PlannerInput;
use crate::base::{Address, Lineage, Place};
use crate::erased::{ErasedLive, KindFacts};
use crate::plan::{Change, Problem};
use crate::state::Object;
use crate::value::{Path, PathPart};

/// Somebody has taken the mark away: an update puts it back.
pub(super) fn lost_mark(facts: KindFacts, object: &Object, live: &ErasedLive, lineage: &Lineage) -> Option<Change> {
    let had_it = object.marked || facts.marked && object.seen.is_none();
    (had_it && !live.is_own(lineage)).then(|| Change {
        path: Path(vec![PathPart::Key("owner tag".to_owned())]),
        before: live.tag.as_ref().map_or(Value::Null, |_| "without proof".into()),
        after: "this stack's".into(),
        replaces: false,
        drift: true,
    })
}

impl PlannerInput<'_> {
    /// Another stack has put its own mark there: the object is neither changed nor deleted.
    pub(super) fn taken(
        &self,
        address: &Address,
        at: Option<Place>,
        object: &Object,
        live: &ErasedLive,
    ) -> Option<Problem> {
        (!object.foreign && live.is_theirs(&self.lineage)).then(|| Problem {
            address: address.clone(),
            message: format!("another stack has marked `{}` as its own", object.name),
            hint: Some(format!(
                "leave it to that stack with `state forget {address}`; or forget it in both, and `import` it here; \
                 `--exclude {address}` applies the rest"
            )),
            at,
        })
    }
}
