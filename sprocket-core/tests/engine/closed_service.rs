//! A service that is closed until an object of another one opens it: a strong-room behind a door.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallResult, CreateRequest, ErrorKind, FailureOf, Handle, Identity, Kind, Kinds, Live, OwnerTag, PhysicalName,
    Provider, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::Output;

/// The building: its door, and what is in the room behind it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Building(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
pub(crate) struct Inside {
    pub(crate) door: Option<(DoorSpec, OwnerTag)>,
    pub(crate) items: BTreeMap<String, (ItemSpec, OwnerTag)>,
    /// The room does not answer, whatever the door says.
    pub(crate) nobody_there: bool,
    /// How often the room was looked into.
    pub(crate) looks: usize,
}

impl Building {
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Inside) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    /// Somebody shuts the door.
    pub(crate) fn shut(&self) {
        self.with(|inside| inside.door.as_mut().unwrap().0.open = false);
    }

    pub(crate) fn items(&self) -> Vec<String> {
        self.with(|inside| inside.items.iter().map(|(name, (item, _))| format!("{name}: {}", item.text)).collect())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NoEntry {
    #[error("the door is shut")]
    Shut,
    #[error("nobody is at home")]
    NobodyThere,
}

impl ProviderError for NoEntry {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Shut => ErrorKind::Closed,
            Self::NobodyThere => ErrorKind::Unavailable,
        }
    }
    fn hint(&self) -> Option<String> {
        matches!(self, Self::Shut).then(|| "declare the door, so that it is opened".into())
    }
}

macro_rules! provider {
    ($provider:ident, $draft:ident, $spec:ident, $name:literal, $kind:ident, |$building:ident| $connect:expr) => {
        #[derive(Debug)]
        pub(crate) struct $provider(Building);

        impl Provider for $provider {
            const NAME: &'static str = $name;
            type Draft = $draft;
            type Config = $spec;
            type Credentials = Building;
            type Error = NoEntry;

            async fn connect(_: &$spec, $building: Building) -> Result<Self, NoEntry> {
                $connect
            }
            fn ambient() -> Result<Building, NoEntry> {
                Err(NoEntry::Shut)
            }
            async fn identity(&self) -> Result<Identity, NoEntry> {
                Ok($name.into())
            }
            fn kinds(kinds: &mut impl Kinds<Self>) {
                kinds.with::<$kind>();
            }
        }
    };
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Hall)]
pub(crate) struct HallSpec {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Room)]
pub(crate) struct RoomSpec {
    /// Which key opens it.
    #[spec(default)]
    pub(crate) key: String,
}

provider!(Hall, HallDraft, HallSpec, "hall", Door, |building| Ok(Self(building)));

provider!(Room, RoomDraft, RoomSpec, "room", Item, |building| {
    let door = |inside: &mut Inside| inside.door.as_ref().filter(|_| !inside.nobody_there).map(|(door, _)| door.open);
    match building.with(door) {
        Some(true) => Ok(Self(building)),
        Some(false) => Err(NoEntry::Shut),
        None => Err(NoEntry::NobodyThere),
    }
});

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Door)]
pub(crate) struct DoorSpec {
    #[spec(default = true)]
    pub(crate) open: bool,
}

#[derive(Clone, Debug, Handle)]
#[handle(kind = "hall:door", provider = Hall, naming = fixed, state = String)]
pub(crate) struct Door {
    #[output(state)]
    pub(crate) key: Output<String>,
    this: ResourceRef<Self>,
}

impl Kind for Door {
    async fn read(hall: &Hall, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = PhysicalName::from(find.name());
        let live = |(spec, owner)| {
            let id = name.as_str().into();
            Live { id, name, spec, state: "key".into(), owner: Some(owner) }
        };
        Ok(Vec::from_iter(hall.0.with(|inside| inside.door.clone()).map(live)))
    }
    async fn create(hall: &Hall, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        hall.0.with(|inside| inside.door = Some((make.spec.clone(), make.owner.clone())));
        Ok("key".into())
    }
    async fn update(hall: &Hall, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        hall.0.with(|inside| inside.door = Some((change.spec.clone(), change.owner.clone())));
        Ok("key".into())
    }
    async fn delete(hall: &Hall, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        hall.0.with(|inside| inside.door = None);
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Item)]
pub(crate) struct ItemSpec {
    pub(crate) text: String,
}

#[derive(Clone, Debug, Handle)]
#[handle(kind = "room:item", provider = Room, naming = fixed, state = ())]
pub(crate) struct Item {
    #[output(name)]
    pub(crate) name: Output<String>,
    this: ResourceRef<Self>,
}

impl Kind for Item {
    async fn read(room: &Room, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = PhysicalName::from(find.name());
        let found = room.0.with(|inside| {
            inside.looks += 1;
            inside.items.get(name.as_str()).cloned()
        });
        let live =
            |(spec, owner)| Live { id: name.as_str().into(), name: name.clone(), spec, state: (), owner: Some(owner) };
        Ok(Vec::from_iter(found.map(live)))
    }
    async fn create(room: &Room, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        room.0.with(|inside| inside.items.insert(make.name.to_string(), (make.spec.clone(), make.owner.clone())));
        Ok(())
    }
    async fn update(room: &Room, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let item = (change.spec.clone(), change.owner.clone());
        room.0.with(|inside| inside.items.insert(change.live.name.to_string(), item));
        Ok(())
    }
    async fn delete(room: &Room, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        room.0.with(|inside| inside.items.remove(record.name.as_str()));
        Ok(())
    }
}
