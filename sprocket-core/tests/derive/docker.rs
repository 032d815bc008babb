//! A provider as an author writes one, without its calls: networks, volumes, secrets and services.

#![allow(dead_code, missing_debug_implementations, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
pub use sprocket_core::kind::{
    CallResult, CreateRequest, Draft, ErrorKind, FailureOf, Handle, Identity, Kind, Kinds, Provider, ProviderError,
    ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
pub use sprocket_core::program::{Input, IntoInput, Output, Secret};

#[derive(Debug)]
pub struct Docker;

/// Where the engine is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Docker)]
pub struct DockerConfig {
    /// The engine's address.
    pub host: String,
    /// Speaks to it in this version of its API.
    pub version: Option<u32>,
    /// Does not ask for certificates.
    #[spec(flag)]
    pub plain: bool,
}

impl Docker {
    #[track_caller]
    pub fn at(host: impl IntoInput<String>) -> DockerDraft {
        DockerDraft::new(host)
    }
}

/// What the engine wants to see: neither printed nor written.
#[derive(Clone, PartialEq)]
pub struct Certificate(pub String);

impl IntoInput<Certificate> for &str {
    fn into_input(self) -> Input<Certificate> {
        Input::checked(if self.is_empty() {
            Err("a certificate is not empty")
        } else {
            Ok(Certificate(self.to_owned()))
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no engine")]
pub struct NoEngine;

impl ProviderError for NoEngine {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }
}

impl Provider for Docker {
    const NAME: &'static str = "docker";
    type Draft = DockerDraft;
    type Config = DockerConfig;
    type Credentials = Certificate;
    type Error = NoEngine;

    async fn connect(_: &DockerConfig, _: Certificate) -> Result<Self, NoEngine> {
        Err(NoEngine)
    }
    fn ambient() -> Result<Certificate, NoEngine> {
        Err(NoEngine)
    }
    async fn identity(&self) -> Result<Identity, NoEngine> {
        Err(NoEngine)
    }
    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Network>().with::<Volume>().with::<SwarmSecret>().with::<Service>();
    }
}

/// What the service reports of any of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    pub id: String,
}

macro_rules! kind {
    ($handle:ident) => {
        impl Kind for $handle {
            async fn read(_: &Docker, _: ReadRequest<'_, Self>) -> ReadResult<Self> {
                Err(NoEngine)
            }
            async fn create(_: &Docker, _: &CreateRequest<'_, Self>) -> CallResult<Self> {
                Err(NoEngine.into())
            }
            async fn update(_: &Docker, _: &UpdateRequest<'_, Self>) -> CallResult<Self> {
                Err(NoEngine.into())
            }
            async fn delete(_: &Docker, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
                Err(NoEngine.into())
            }
        }
    };
}

/// What the swarm calls a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkId(pub String);

/// A network.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:network", provider = Docker, naming = generation, state = Reported)]
pub struct Network {
    /// Its id, known once it exists.
    #[output(this.computed(|state| NetworkId(state.id.clone())))]
    pub id: Output<NetworkId>,
    this: ResourceRef<Self>,
}

/// A network's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Network)]
pub struct NetworkSpec {
    /// How it is made.
    #[spec(replaces, default = "overlay")]
    pub driver: String,
    /// Marks it for people and tools.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
}

impl Network {
    pub fn new(name: impl Into<String>) -> NetworkDraft {
        NetworkDraft::new(name)
    }
}

kind!(Network);

impl IntoInput<NetworkId> for &Network {
    fn into_input(self) -> Input<NetworkId> {
        Input::Output(self.id.clone())
    }
}

/// A volume's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VolumeName(pub String);

/// A volume.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:volume", provider = Docker, naming = generation, state = Reported)]
pub struct Volume {
    /// Its name, known while planning.
    #[output(this.constant(VolumeName(draft.name().to_owned())))]
    pub name: Output<VolumeName>,
    this: ResourceRef<Self>,
}

/// A volume's settings: none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Volume)]
pub struct VolumeSpec {}

impl Volume {
    pub fn new(name: impl Into<String>) -> VolumeDraft {
        VolumeDraft::new(name)
    }
}

kind!(Volume);

/// What the swarm calls a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretId(pub String);

/// A secret of the swarm.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:secret", provider = Docker, naming = generation, state = Reported)]
pub struct SwarmSecret {
    /// Its id, known once it exists.
    #[output(this.computed(|state| SecretId(state.id.clone())))]
    pub id: Output<SecretId>,
    this: ResourceRef<Self>,
}

/// A secret's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = SwarmSecret)]
pub struct SwarmSecretSpec {
    /// What it contains.
    #[spec(write_only, replaces)]
    pub content: Secret<String>,
}

impl SwarmSecret {
    #[track_caller]
    pub fn new(name: impl Into<String>, content: impl IntoInput<Secret<String>>) -> SwarmSecretDraft {
        SwarmSecretDraft::new(name, content)
    }
}

kind!(SwarmSecret);

impl IntoInput<SecretId> for &SwarmSecret {
    fn into_input(self) -> Input<SecretId> {
        Input::Output(self.id.clone())
    }
}

/// A service.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:service", provider = Docker, naming = generation, state = Reported)]
pub struct Service {
    /// Its host name, known while planning.
    #[output(this.constant(draft.name().to_owned()))]
    pub host: Output<String>,
    this: ResourceRef<Self>,
}

/// A service's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Service)]
pub struct ServiceSpec {
    /// The image its containers run.
    pub image: ImageRef,
    /// What its containers run, if not what the image says.
    #[spec(each = "arg")]
    pub command: Vec<String>,
    /// The environment of its containers.
    #[spec(each = "env")]
    pub env: BTreeMap<String, String>,
    /// Marks it for people and tools.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
    /// Puts it on a network.
    #[spec(each = "network", draft = Attachment)]
    pub networks: Vec<AttachmentSpec>,
    /// Mounts a volume or a folder.
    #[spec(each = "mount_with", draft = Mount)]
    pub mounts: Vec<MountSpec>,
    /// Makes a port reachable from outside.
    #[spec(each = "publish")]
    pub ports: Vec<Port>,
    /// Shows its containers a secret, as a file.
    #[spec(each = "secret_with", draft = SecretFile)]
    pub secrets: Vec<SecretFileSpec>,
    /// How to tell that a container is well.
    pub health: Option<Health>,
    /// How many containers run at once.
    #[spec(default = 1)]
    pub replicas: u64,
    /// What a container may use.
    #[spec(default, draft = Resources)]
    pub resources: ResourcesSpec,
    /// How its containers are replaced.
    #[spec(draft = Rollout)]
    pub rollout: Option<RolloutSpec>,
    /// The password for the image's registry.
    #[spec(write_only)]
    pub registry_password: Option<Secret<String>>,
    /// Runs one container on every node, instead of a number of them.
    #[spec(flag, replaces)]
    pub global: bool,
}

impl Service {
    #[track_caller]
    pub fn new(name: impl Into<String>, image: impl IntoInput<ImageRef>) -> ServiceDraft {
        ServiceDraft::new(name, image)
    }
}

impl ServiceDraft {
    /// Mounts a volume at a path.
    #[track_caller]
    pub fn mount(self, source: impl IntoInput<MountSource>, target: impl IntoInput<String>) -> Self {
        self.mount_with(Mount::of(source, target))
    }
    /// Shows its containers a secret, as a file of this name.
    #[track_caller]
    pub fn secret(self, secret: impl IntoInput<SecretId>, file: impl IntoInput<String>) -> Self {
        self.secret_with(SecretFile::new(secret, file))
    }
}

kind!(Service);

/// An image, such as `hashicorp/vault:1.20`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRef(pub String);

impl FromStr for ImageRef {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.contains(char::is_whitespace) || text.is_empty() {
            true => Err(format!("`{text}` is not an image")),
            false => Ok(Self(text.to_owned())),
        }
    }
}

impl IntoInput<ImageRef> for &str {
    fn into_input(self) -> Input<ImageRef> {
        Input::checked(self.parse())
    }
}

/// A network a service is on, and the names it answers to there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Attachment)]
pub struct AttachmentSpec {
    /// The network.
    pub network: NetworkId,
    /// A further name it answers to there.
    #[spec(each = "alias")]
    pub aliases: Vec<String>,
}

impl Attachment {
    #[track_caller]
    pub fn to(network: impl IntoInput<NetworkId>) -> Self {
        Self::new(network)
    }
}

impl From<&Network> for Attachment {
    fn from(network: &Network) -> Self {
        Self::to(network)
    }
}

/// Where a mount comes from. An enum is a plain value: outputs are mapped into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    Volume(VolumeName),
    Bind(String),
    Tmpfs { size: Option<u64> },
}

impl IntoInput<MountSource> for &Volume {
    fn into_input(self) -> Input<MountSource> {
        Input::Output(self.name.map(MountSource::Volume))
    }
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Mount)]
pub struct MountSpec {
    /// What is mounted.
    pub source: MountSource,
    /// Where in the container.
    pub target: String,
    /// Forbids writing.
    #[spec(flag)]
    pub read_only: bool,
}

impl Mount {
    #[track_caller]
    pub fn of(source: impl IntoInput<MountSource>, target: impl IntoInput<String>) -> Self {
        Self::new(source, target)
    }
}

/// A secret shown as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = SecretFile)]
pub struct SecretFileSpec {
    /// The secret.
    pub secret: SecretId,
    /// The file's name.
    pub file: String,
    /// The file's mode.
    #[spec(default = 0o444)]
    pub mode: u32,
}

/// A published port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    pub target: u16,
    pub published: u16,
    pub host: bool,
}

impl Port {
    pub fn host(port: u16) -> Self {
        Self { target: port, published: port, host: true }
    }
}

/// How to tell that a container is well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    pub test: Vec<String>,
    pub interval_s: u64,
}

/// What a container may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Resources)]
pub struct ResourcesSpec {
    /// At most this much memory, in bytes.
    pub memory: Option<u64>,
    /// At most this share of a CPU.
    pub cpus: Option<f64>,
}

/// How containers are replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Rollout)]
pub struct RolloutSpec {
    /// So many at once.
    #[spec(default = 1)]
    pub parallel: u64,
    /// In this order.
    #[spec(default = "stop-first")]
    pub order: String,
}
