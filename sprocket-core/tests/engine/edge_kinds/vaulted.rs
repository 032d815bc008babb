//! `memory:vaulted`: a secret that can be written, and never read. A version counts the writes, so that a write by somebody
//! else shows.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallResult, CreateRequest, FailureOf, Handle, Kind, Live, PhysicalName, ReadRequest, ReadResult, Recorded,
    ResourceRef, Revision, Spec, UpdateRequest,
};
use sprocket_core::program::{IntoInput, Secret};

use super::service::{Memory, MemoryError, Stored};

#[derive(Clone, Debug, Handle)]
#[handle(kind = "memory:vaulted", provider = Memory, naming = fixed)]
pub(crate) struct Vaulted {
    this: ResourceRef<Self>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Vaulted)]
pub(crate) struct VaultedSpec {
    #[spec(write_only)]
    pub(crate) data: Option<Secret<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VaultedState {
    version: u64,
}

impl Vaulted {
    pub(crate) fn new(name: &str, data: impl IntoInput<Secret<String>>) -> VaultedDraft {
        VaultedDraft::new(name).data(data)
    }
}

fn live((name, stored): (&String, &Stored)) -> Live<Vaulted> {
    Live {
        id: name.as_str().into(),
        name: name.as_str().into(),
        spec: VaultedSpec { data: None },
        state: VaultedState { version: stored.version },
        owner: stored.owner.clone(),
    }
}

impl Kind for Vaulted {
    async fn read(memory: &Memory, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = PhysicalName::from(find.name());
        Ok(Vec::from_iter(memory.0.with(|all| all.get_key_value(name.as_str()).map(live))))
    }

    async fn create(memory: &Memory, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let name = make.name.to_string();
        let data = make.spec.data.as_ref().map(|data| data.expose().clone()).unwrap_or_default();
        memory.0.with(|all| {
            if all.contains_key(&name) {
                return Err(MemoryError { attempt: "write", name: name.clone() }.into());
            }
            all.insert(name.clone(), Stored { data, version: 1, owner: Some(make.owner.clone()), ..Stored::default() });
            Ok(VaultedState { version: 1 })
        })
    }

    async fn update(memory: &Memory, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        memory.0.change(change.live.name.as_str(), |stored| {
            if !memory.0.only_counts {
                stored.data = change.spec.data.as_ref().map(|data| data.expose().clone()).unwrap_or_default();
            }
            stored.version += 1;
            stored.owner = Some(change.owner.clone());
        });
        Ok(VaultedState { version: change.live.state.version + 1 })
    }

    async fn delete(memory: &Memory, recorded: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        memory.0.with(|all| all.remove(recorded.name.as_str()));
        Ok(())
    }

    /// The value can't be read; that somebody wrote another one shows in the count.
    fn revision(live: &Live<Self>) -> Option<Revision> {
        Some(Revision::of(&live.id, &live.state))
    }
}
