//! `memory:motd`: a text whose name is its content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallResult, CreateRequest, ErrorOf, FailureOf, Handle, Kind, Listing, Live, PhysicalName, ReadRequest, ReadResult,
    Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::IntoInput;

use super::service::{Memory, MemoryError, Stored};

#[derive(Clone, Debug, Handle)]
#[handle(kind = "memory:motd", provider = Memory, naming = content)]
pub(crate) struct Motd {
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Motd)]
pub(crate) struct MotdSpec {
    #[spec(replaces)]
    pub(crate) data: String,
    #[spec(each = "label")]
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MotdState {}

impl Motd {
    pub(crate) fn new(name: &str, data: impl IntoInput<String>) -> MotdDraft {
        MotdDraft::new(name, data)
    }
}

fn live((name, stored): (&String, &Stored)) -> Live<Motd> {
    Live {
        id: name.as_str().into(),
        name: name.as_str().into(),
        spec: MotdSpec { data: stored.data.clone(), labels: stored.labels.clone() },
        state: MotdState {},
        owner: stored.owner.clone(),
    }
}

impl Kind for Motd {
    async fn read(memory: &Memory, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = PhysicalName::from(find.name());
        Ok(Vec::from_iter(memory.0.with(|all| all.get_key_value(name.as_str()).map(live))))
    }

    async fn list(memory: &Memory, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let all = memory.0.with(|all| all.iter().map(live).collect::<Vec<_>>());
        Ok(Some(all.into_iter().filter(|live| wanted.wants(&live.name, live.owner.as_ref())).collect()))
    }

    async fn create(memory: &Memory, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let name = make.name.to_string();
        memory.0.with(|all| {
            if all.contains_key(&name) {
                return Err(MemoryError { attempt: "make", name: name.clone() }.into());
            }
            let (data, labels) = (make.spec.data.clone(), make.spec.labels.clone());
            all.insert(name.clone(), Stored { data, labels, version: 1, owner: Some(make.owner.clone()) });
            Ok(MotdState {})
        })
    }

    async fn update(memory: &Memory, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        memory.0.change(change.live.name.as_str(), |stored| {
            stored.labels.clone_from(&change.spec.labels);
            stored.owner = Some(change.owner.clone());
        });
        Ok(MotdState {})
    }

    async fn delete(memory: &Memory, recorded: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        memory.0.with(|all| all.remove(recorded.name.as_str()));
        Ok(())
    }
}
