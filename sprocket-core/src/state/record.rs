//! Records: what is kept of each resource.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{Address, Json, ObjectId, PhysicalName, ProviderName, RecordId, Revision};
use crate::value::{Path, StackKey, seal_at};

/// What is kept of a resource. Its secrets are sealed; of write-only settings only a fingerprint is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id, which the marks of its objects hold.
    pub id: RecordId,
    /// Which provider made it.
    pub provider: ProviderName,
    /// The object that it is now. None if only objects that were replaced are left to delete.
    pub object: Option<Object>,
    /// Objects that were replaced and are not deleted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<Object>,
    /// Objects that were replaced and left in place. They bear its owner tag, and are no duplicates of its object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftObject>,
    /// Every plan that would delete or replace it is refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protect: bool,
    /// A delete leaves the object in place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_on_delete: bool,
    /// It goes when this one goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dies_with: Option<Address>,
    /// A `destroy` keeps it as long as it keeps one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retain_with: Vec<Address>,
    /// The address that it had before it moved: a `.moved_from` that says so is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
}

/// What a program says of a resource's end. It counts also when the program does not have the resource any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Every plan that would delete or replace it is refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub protect: bool,
    /// A delete leaves the object in place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_on_delete: bool,
    /// It goes when this one goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dies_with: Option<Address>,
    /// A `destroy` keeps it as long as it keeps one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retain_with: Vec<Address>,
}

/// An object that is not managed any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftObject {
    /// Its name at the service.
    pub name: PhysicalName,
    /// The service's id of it.
    pub id: ObjectId,
}

/// Which object of a record: doubles have one generation, and objects without names of their own one id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Which {
    /// How often it was replaced before: 1 for the first.
    pub generation: u32,
    /// The service's id of it.
    pub id: ObjectId,
}

impl Object {
    /// The spec that was read right after the last change.
    pub fn seen_spec(&self) -> Option<&Json> {
        self.seen.as_ref().map(|seen| match seen {
            SeenSpec::AsApplied => &self.applied,
            SeenSpec::Otherwise(seen) => seen,
        })
    }

    /// It, with both of its specs changed in one way.
    ///
    /// # Errors
    /// What `change` says.
    pub(crate) fn with_specs<E>(mut self, mut change: impl FnMut(&Json) -> Result<Json, E>) -> Result<Self, E> {
        self.applied = change(&self.applied)?;
        if let Some(SeenSpec::Otherwise(seen)) = &mut self.seen {
            *seen = change(seen)?;
        }
        Ok(self)
    }

    /// Which one it is.
    pub fn which(&self) -> Which {
        Which { generation: self.generation, id: self.id.clone() }
    }

    /// Whether it is this one.
    pub fn is(&self, which: &Which) -> bool {
        self.generation == which.generation && self.id == which.id
    }

    /// It, after a change of which it is not known how far it went: it may use what it used before, and what it was to use,
    /// and may have the secrets of both.
    #[must_use]
    pub(crate) fn in_doubt(mut self, deps: &[Address], secrets: &[Path], key: &StackKey) -> Self {
        self.ready = false;
        add(&mut self.deps, deps);
        add(&mut self.secrets, secrets);
        if self.secrets.is_empty() {
            return self;
        }
        let secrets = self.secrets.clone();
        let sealed = |spec: &Json| {
            let mut value = spec.value();
            seal_at(&mut value, &secrets, key);
            Ok::<_, Infallible>(Json::from(&value))
        };
        let Ok(object) = self.with_specs(sealed);
        object
    }

    /// Whether a create left it unfinished.
    pub fn is_made_by_half(&self) -> bool {
        !self.ready && self.seen.is_none() && self.updates == 0
    }
}

/// A spec that was read, beside the one that was sent. Most services give back what they were sent: that is kept once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenSpec {
    /// It is the same.
    AsApplied,
    /// It is another.
    Otherwise(Json),
}

impl SeenSpec {
    /// What was read, beside what was sent.
    pub fn of(seen: Json, applied: &Json) -> Self {
        if seen == *applied { Self::AsApplied } else { Self::Otherwise(seen) }
    }
}

/// An object that we made or took over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// How often it was replaced before: 1 for the first.
    pub generation: u32,
    /// Its name at the service.
    pub name: PhysicalName,
    /// The service's id of it.
    pub id: ObjectId,
    /// The version of the kind that wrote the specs and the state.
    pub version: u32,
    /// The spec that was sent last.
    pub applied: Json,
    /// The spec that was read right after; none if that has not happened yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenSpec>,
    /// What it looked like then, in ways that its spec may not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// It bore our mark then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub marked: bool,
    /// It bore another stack's owner tag when it was imported, and is ours nevertheless.
    #[serde(default, skip_serializing_if = "is_false")]
    pub foreign: bool,
    /// What the service reported.
    pub state: Json,
    /// Where in the specs plain values are secret, because they were made from secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Path>,
    /// The resources that it was made from; it is deleted before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<Address>,
    /// It was seen to work since the last change.
    pub ready: bool,
    /// The last wait for it failed: it is not only waited for again, its settings are sent again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wait_failed: bool,
    /// How often it was changed since it was made.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub updates: u64,
    /// What `.replace_on` said when it was made: another value needs another object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Value>,
}

impl Record {
    /// A record without an object yet.
    pub fn new(id: RecordId, provider: ProviderName) -> Self {
        Self {
            id,
            provider,
            object: None,
            old: Vec::new(),
            left: Vec::new(),
            protect: false,
            keep_on_delete: false,
            dies_with: None,
            retain_with: Vec::new(),
            moved_from: None,
        }
    }

    /// From now on, this is what the program says of its end.
    pub fn end_as(&mut self, Ending { protect, keep_on_delete, dies_with, retain_with }: Ending) {
        (self.protect, self.keep_on_delete) = (protect, keep_on_delete);
        (self.dies_with, self.retain_with) = (dies_with, retain_with);
    }

    /// What the program said last of its end.
    pub(crate) fn ending(&self) -> Ending {
        Ending {
            protect: self.protect,
            keep_on_delete: self.keep_on_delete,
            dies_with: self.dies_with.clone(),
            retain_with: self.retain_with.clone(),
        }
    }

    /// Makes place for a new current object of this generation. The one before it is still to be deleted; but if it has the
    /// same generation, it has gone, and the new object takes its place.
    pub(crate) fn make_place(&mut self, generation: u32) {
        let before = self.object.take();
        self.old.extend(before.filter(|before| before.generation != generation));
    }

    /// An object that is recorded twice: then deleting one of them would drop the other from the record.
    pub(crate) fn recorded_twice(&self) -> Option<&Object> {
        // There are few of them.
        let is_before =
            |(at, object): &(usize, &Object)| self.objects().take(*at).any(|other| object.is(&other.which()));
        if self.old.is_empty() { None } else { self.objects().enumerate().find(is_before).map(|(_, object)| object) }
    }

    /// All its objects, the current one first.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.object.iter().chain(&self.old)
    }

    /// The record without one of its objects, which was replaced and stays where it is.
    #[must_use]
    pub(crate) fn leaving(&self, which: &Which) -> Self {
        let mut record = self.without(which);
        let left = self.objects().filter(|object| object.is(which));
        record.left.extend(left.map(|object| LeftObject { name: object.name.clone(), id: object.id.clone() }));
        record
    }

    /// The record without one of its objects.
    #[must_use]
    pub fn without(&self, which: &Which) -> Self {
        let mut record = self.clone();
        record.object.take_if(|object| object.is(which));
        record.old.retain(|object| !object.is(which));
        record
    }
}

fn add<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    let new: Vec<T> = more.iter().filter(|one| !all.contains(one)).cloned().collect();
    all.extend(new);
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::conformance;

    #[test]
    fn an_object_is_made_by_half_until_it_is_ready_seen_or_changed() {
        let object = conformance::large(1).records.into_values().next().unwrap().object.unwrap();
        for (ready, seen, updates, is_half) in [
            (false, None, 0, true),
            (true, None, 0, false),
            (false, Some(SeenSpec::AsApplied), 0, false),
            (false, None, 1, false),
        ] {
            let object = Object { ready, seen, updates, ..object.clone() };
            assert_eq!(object.is_made_by_half(), is_half, "{object:?}");
        }
    }
}
