//! What is recorded of an object after a call.

use super::call::Call;

use crate::base::{Json, ObjectId};
use crate::erased::{ErasedLive, Fault, Target};
use crate::kind::Naming;
use crate::state::{Intent, Object, SeenSpec};
use crate::value::conceal_seen;

impl Call<'_> {
    /// The service's id of what a call made.
    pub(super) fn id(&self, intention: &Intent, state: &Json) -> Result<ObjectId, Fault> {
        self.kind.calls.id(&intention.name, state, &self.key)
    }

    pub(super) fn id_of(&self, intention: &Intent, before: Option<&Object>, state: &Json) -> Result<ObjectId, Fault> {
        before.map_or_else(|| self.id(intention, state), |before| Ok(before.id.clone()))
    }

    /// The object that a call made.
    pub(super) fn object(
        &self,
        intention: &Intent,
        id: ObjectId,
        state: &Json,
        before: Option<&Object>,
        ready: bool,
    ) -> Object {
        Object {
            generation: intention.generation,
            name: intention.name.clone(),
            id,
            version: intention.version,
            applied: intention.spec.clone(),
            seen: None,
            revision: None,
            marked: false,
            // What was taken over may be of a kind that can't be marked later.
            foreign: before.is_some_and(|before| before.foreign),
            state: state.clone(),
            secrets: intention.secrets.clone(),
            deps: intention.deps.clone(),
            ready,
            wait_failed: false,
            updates: before.map_or(0, |before| before.updates + 1),
            triggers: intention.triggers.clone(),
        }
    }

    /// A second object of a create that was sent twice.
    pub(super) fn duplicate(&self, intention: &Intent, live: ErasedLive) -> Object {
        let marked = live.is(&self.owner);
        let object = self.object(intention, live.id, &live.state, None, false);
        Object {
            marked,
            name: live.name,
            seen: Some(SeenSpec::of(
                conceal_seen(live.spec, &intention.spec, &intention.secrets, &self.key),
                &intention.spec,
            )),
            revision: Some(live.revision),
            ..object
        }
    }

    /// The object, with what the service says of it right now. If it can't be read, the next run has nothing to compare
    /// with, and sees no drift.
    pub(super) async fn seen(&self, object: Object, before: Option<&Object>) -> Object {
        if self.kind.facts().naming == Naming::None {
            return Object { seen: Some(SeenSpec::AsApplied), ..object };
        }
        let read = self
            .limited(self.kind.calls.read(self.through(&object.secrets), Target::Recorded(&object, &self.owner)))
            .await;
        match read.map(|lives| lives.into_iter().next()) {
            Ok(Some(live)) => self.as_seen(object, live, before),
            _ => object,
        }
    }

    pub(super) fn as_seen(&self, object: Object, live: ErasedLive, before: Option<&Object>) -> Object {
        Object {
            marked: live.is(&self.owner),
            foreign: object.foreign && live.is_theirs(&self.owner.lineage),
            seen: Some(SeenSpec::of(
                self.seen_of_ours(self.conceal(live.spec, &object), &object, before),
                &object.applied,
            )),
            revision: Some(live.revision),
            state: live.state,
            ..object
        }
    }

    /// What a service made of the settings may have a secret in another place than we sent it.
    pub(super) fn conceal(&self, seen: Json, object: &Object) -> Json {
        conceal_seen(seen, &object.applied, &object.secrets, &self.key)
    }

    /// What is left to others stays as it was when it was ours: should it be ours again, what they made of it is drift.
    pub(super) fn seen_of_ours(&self, seen: Json, object: &Object, before: Option<&Object>) -> Json {
        let before = before.filter(|before| !self.ignored.is_empty() && before.secrets == object.secrets);
        let Some(last) = before.and_then(Object::seen_spec) else { return seen };
        let (mut seen, last) = (seen.value(), last.value());
        self.ignored.iter().for_each(|ignored| ignored.take_over(&mut seen, &last));
        Json::from(&seen)
    }
}
