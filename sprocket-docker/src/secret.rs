//! Swarm secrets: `docker:secret`.
//!
//! A secret is named by its content, under a key of the stack, and only its labels can change: another content is another
//! object, which is made before services move over to it. The engine never gives its content back: state keeps a keyed
//! fingerprint of what was sent, and reading it gives none. Its mark is in its labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{
    CallFailure, CallResult, CreateRequest, Diagnostics, ErrorOf, FailureOf, Handle, Kind, Listing, Live, ObjectId,
    PhysicalName, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{Input, IntoInput, Output, Secret};

use crate::content::{Collection, Content};
use crate::data::{Data, IntoSecretData};
use crate::name;
use crate::owner_tag::{self, Labels};
use crate::provider::Docker;

/// A secret of the swarm, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::{Password, Stack};
/// # use sprocket_docker::{Docker, Service, SwarmSecret};
/// # let mut stack = Stack::new();
/// # stack.connect(Docker::from_env());
/// let password = stack.add(Password::new("redis"));
/// let secret = stack.add(SwarmSecret::new("redis-password", &password.value));
/// stack.add(Service::new("core", "core:1").secret(&secret, "redis-password.txt"));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:secret", provider = Docker, naming = content)]
pub struct SwarmSecret {
    /// Its id and name, which services refer to.
    #[output(reference(&this))]
    pub reference: Output<SecretRef>,
    /// Its name at the engine: with a keyed hash of its content.
    #[output(name)]
    pub name: Output<String>,
    this: ResourceRef<Self>,
}

/// A secret, as a service refers to it: by both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretRef {
    /// The engine's id of it.
    pub id: String,
    /// Its name at the engine.
    pub name: String,
}

impl SwarmSecret {
    /// A secret with this content: text or bytes, 1 byte to 500 kB, exactly as given.
    #[track_caller]
    pub fn new(name: impl Into<String>, data: impl IntoSecretData) -> SwarmSecretDraft {
        SwarmSecretDraft::new(name, data.into_secret_data())
    }
}

/// A secret's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = SwarmSecret)]
pub struct SwarmSecretSpec {
    /// Its content.
    #[spec(replaces, write_only)]
    pub data: Secret<Data>,
    /// Marks it for people and tools.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
}

/// What the engine reports about a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwarmSecretState {
    /// The engine's id of it.
    pub id: String,
}

const SECRETS: Collection = Collection { path: "secrets", noun: "secret" };

/// The engine's limit, which it states in these words: "larger than 0 and less than 512000 bytes".
const LIMIT: usize = 512_000;

fn reference(this: &ResourceRef<SwarmSecret>) -> Output<SecretRef> {
    let name = this.from_name(ToString::to_string);
    this.computed(|state| state.id.clone()).zip(&name).map(|(id, name)| SecretRef { id, name })
}

impl Kind for SwarmSecret {
    async fn read(docker: &Docker, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let found = match find.recorded() {
            Some(recorded) => Vec::from_iter(SECRETS.by_id(docker, recorded.id.as_str()).await?),
            None => SECRETS.called(docker, find.name()).await?,
        };
        Ok(found.into_iter().map(live).collect())
    }

    async fn list(docker: &Docker, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let lives = SECRETS.all(docker).await?.into_iter().map(live);
        Ok(Some(lives.filter(|live| wanted.wants(&live.name, live.owner.as_ref())).collect()))
    }

    async fn create(docker: &Docker, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let labels = owner_tag::labels(&make.spec.labels, make.owner, None);
        let body = json!({ "Name": make.name, "Labels": labels, "Data": make.spec.data.expose().base64() });
        let id = SECRETS.create(docker, make.name.as_str(), &body).await?;
        Ok(SwarmSecretState { id })
    }

    async fn update(docker: &Docker, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let labels = owner_tag::labels(&change.spec.labels, change.owner, None);
        // Without data the engine keeps what it has.
        let body = json!({ "Name": change.live.name, "Labels": labels });
        let same = |content: &Content| content.labels.own == change.live.spec.labels;
        SECRETS.update(docker, change.live.id.as_str(), &body, same).await?;
        Ok(change.live.state.clone())
    }

    async fn delete(docker: &Docker, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        SECRETS.delete(docker, record.name.as_str(), record.id.as_str()).await.map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &SwarmSecretState) -> ObjectId {
        state.id.as_str().into()
    }

    fn validate(spec: &SwarmSecretSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        owner_tag::validate(&spec.labels, &mut findings);
        SECRETS.validate(spec.data.expose().bytes().len(), LIMIT, &mut findings);
        findings
    }

    fn validate_name(name: &PhysicalName, _: Option<&SwarmSecretSpec>) -> Diagnostics {
        name::content(name, "a secret")
    }
}

/// Its content is always read as empty: what is read twice is equal, and tells nothing.
fn live(content: Content) -> Live<SwarmSecret> {
    let Content { id, name, labels: Labels { own, owner, .. }, .. } = content;
    Live {
        id: id.as_str().into(),
        name: name.into(),
        spec: SwarmSecretSpec { data: Secret::new(Data::default()), labels: own },
        state: SwarmSecretState { id },
        owner,
    }
}

impl IntoInput<SecretRef> for &SwarmSecret {
    fn into_input(self) -> Input<SecretRef> {
        Input::Output(self.reference.clone())
    }
}
