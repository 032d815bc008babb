//! Swarm configs: `docker:config`.
//!
//! A config is named by its content, and only its labels can change: another content is another object, which is made
//! before services move over to it. Its content can be read by whoever may ask the engine; what must stay secret belongs
//! into a [`SwarmSecret`](crate::SwarmSecret). Its mark is in its labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sprocket_core::kind::{
    CallFailure, CallResult, CreateRequest, Diagnostics, ErrorOf, FailureOf, Handle, Kind, Listing, Live, ObjectId,
    PhysicalName, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{Input, IntoInput, Output};

use crate::content::{Collection, Content};
use crate::data::Data;
use crate::name;
use crate::owner_tag::{self, Labels};
use crate::provider::Docker;

/// A config of the swarm, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_docker::{Docker, Service, SwarmConfig};
/// # let mut stack = Stack::new();
/// # stack.connect(Docker::from_env());
/// let settings = stack.add(SwarmConfig::new("traefik", "log:\n  level: info\n"));
/// stack.add(Service::new("traefik", "traefik:v2.11").config(&settings, "/static.yaml"));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:config", provider = Docker, naming = content)]
pub struct SwarmConfig {
    /// Its id and name, which services refer to.
    #[output(reference(&this))]
    pub reference: Output<ConfigRef>,
    /// Its name at the engine: with a hash of its content.
    #[output(name)]
    pub name: Output<String>,
    this: ResourceRef<Self>,
}

/// A config, as a service refers to it: by both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConfigRef {
    /// The engine's id of it.
    pub id: String,
    /// Its name at the engine.
    pub name: String,
}

impl SwarmConfig {
    /// A config with this content: text or bytes, 1 byte to 1 MB.
    #[track_caller]
    pub fn new(name: impl Into<String>, data: impl IntoInput<Data>) -> SwarmConfigDraft {
        SwarmConfigDraft::new(name, data)
    }
}

/// A config's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = SwarmConfig)]
pub struct SwarmConfigSpec {
    /// Its content.
    #[spec(replaces)]
    pub data: Data,
    /// Marks it for people and tools.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
}

/// What the engine reports about a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwarmConfigState {
    /// The engine's id of it.
    pub id: String,
}

const CONFIGS: Collection = Collection { path: "configs", noun: "config" };

/// The engine's limit, which it states in these words: "larger than 0 and less than 1024000 bytes".
const LIMIT: usize = 1_024_000;

fn reference(this: &ResourceRef<SwarmConfig>) -> Output<ConfigRef> {
    let name = this.from_name(ToString::to_string);
    this.computed(|state| state.id.clone()).zip(&name).map(|(id, name)| ConfigRef { id, name })
}

impl Kind for SwarmConfig {
    async fn read(docker: &Docker, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let found = match find.recorded() {
            Some(recorded) => Vec::from_iter(CONFIGS.by_id(docker, recorded.id.as_str()).await?),
            None => CONFIGS.called(docker, find.name()).await?,
        };
        Ok(found.into_iter().map(live).collect())
    }

    async fn list(docker: &Docker, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let lives = CONFIGS.all(docker).await?.into_iter().map(live);
        Ok(Some(lives.filter(|live| wanted.wants(&live.name, live.owner.as_ref())).collect()))
    }

    async fn create(docker: &Docker, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let labels = owner_tag::labels(&make.spec.labels, make.owner, None);
        let body = json!({ "Name": make.name, "Labels": labels, "Data": make.spec.data.base64() });
        let id = CONFIGS.create(docker, make.name.as_str(), &body).await?;
        Ok(SwarmConfigState { id })
    }

    async fn update(docker: &Docker, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let labels = owner_tag::labels(&change.spec.labels, change.owner, None);
        let body = json!({ "Name": change.live.name, "Labels": labels, "Data": change.spec.data.base64() });
        let same = |content: &Content| content.labels.own == change.live.spec.labels;
        CONFIGS.update(docker, change.live.id.as_str(), &body, same).await?;
        Ok(change.live.state.clone())
    }

    async fn delete(docker: &Docker, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        CONFIGS.delete(docker, record.name.as_str(), record.id.as_str()).await.map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &SwarmConfigState) -> ObjectId {
        state.id.as_str().into()
    }

    fn validate(spec: &SwarmConfigSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        owner_tag::validate(&spec.labels, &mut findings);
        CONFIGS.validate(spec.data.bytes().len(), LIMIT, &mut findings);
        findings
    }

    fn validate_name(name: &PhysicalName, _: Option<&SwarmConfigSpec>) -> Diagnostics {
        name::content(name, "a config")
    }
}

fn live(content: Content) -> Live<SwarmConfig> {
    let Content { id, name, labels: Labels { own, owner, .. }, data } = content;
    let data = data.as_ref().and_then(Value::as_str).and_then(Data::of_base64).unwrap_or_default();
    Live {
        id: id.as_str().into(),
        name: name.into(),
        spec: SwarmConfigSpec { data, labels: own },
        state: SwarmConfigState { id },
        owner,
    }
}

impl IntoInput<ConfigRef> for &SwarmConfig {
    fn into_input(self) -> Input<ConfigRef> {
        Input::Output(self.reference.clone())
    }
}
