//! A service's settings.
//!
//! Every default is in them, and all of them are sent with every call: the engine replaces a service's settings as a
//! whole. Two specs are equal if they mean the same: the order of what is a set does not count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Spec;
use sprocket_core::program::{Input, IntoInput, Output};

use super::Service;
use super::policy::{EndpointMode, Health, LogDriver, Port, Restart, Rollback, Update};
use super::values::{Constraint, Cpus, ImageRef, Memory, Timespan};
use crate::config::ConfigRef;
use crate::secret::SecretRef;
use crate::volume::VolumeName;
use crate::{Network, NetworkId};

/// A service's settings. Only `global` replaces; the rest is updated in place, task by task where tasks change.
#[derive(Clone, Debug, Serialize, Deserialize, Spec)]
#[spec(resource = Service)]
pub struct ServiceSpec {
    /// The image its containers run.
    pub image: ImageRef,
    /// What its containers run in place of the image's entrypoint.
    pub command: Vec<String>,
    /// Arguments for what its containers run, in place of the image's.
    #[spec(each = "arg")]
    pub args: Vec<String>,
    /// The environment of its containers.
    #[spec(each = "env")]
    pub env: BTreeMap<String, String>,
    /// The user its containers run as, by name or number, with a group if `user:group`.
    pub user: Option<String>,
    /// The folder its containers start in.
    pub dir: Option<String>,
    /// The host name its containers see; may be a template such as `{{.Node.Hostname}}`.
    pub hostname: Option<String>,
    /// Marks it for people and tools; no container sees it, and no task changes with it.
    #[spec(each = "label")]
    pub labels: BTreeMap<String, String>,
    /// Marks its containers.
    #[spec(each = "container_label")]
    pub container_labels: BTreeMap<String, String>,
    /// Puts it on a network.
    #[spec(each = "network", draft = Attachment)]
    pub networks: Vec<AttachmentSpec>,
    /// Mounts a volume or a folder.
    #[spec(each = "mount_with", draft = Mount)]
    pub mounts: Vec<MountSpec>,
    /// Shows its containers a config, as a file.
    #[spec(each = "config_with", draft = ConfigFile)]
    pub configs: Vec<ConfigFileSpec>,
    /// Shows its containers a secret, as a file.
    #[spec(each = "secret_with", draft = SecretFile)]
    pub secrets: Vec<SecretFileSpec>,
    /// How to tell that a container is well; unless set, as the image says.
    pub health: Option<Health>,
    /// How many tasks run at once; 1. It says nothing where `global` is set.
    #[spec(default = 1_u64)]
    pub replicas: u64,
    /// Runs one task on every node that may run it, instead of a number of them.
    #[spec(flag, replaces)]
    pub global: bool,
    /// How many tasks a node may run.
    pub max_per_node: Option<u64>,
    /// Which nodes may run it; all of the constraints hold.
    #[spec(each = "constraint")]
    pub constraints: Vec<Constraint>,
    /// Which platforms it runs on; one of them will do.
    #[spec(each = "platform")]
    pub platforms: Vec<Platform>,
    /// What a container may use at most.
    #[spec(default, draft = Resources)]
    pub limits: ResourcesSpec,
    /// What a node must have left for a container.
    #[spec(default, draft = Resources)]
    pub reservations: ResourcesSpec,
    /// How tasks are replaced.
    #[spec(default)]
    pub update: Update,
    /// How tasks go back to what was before an update that failed.
    #[spec(default)]
    pub rollback: Rollback,
    /// When tasks that have ended are started again.
    #[spec(default)]
    pub restart: Restart,
    /// How long a container may take to stop, before it is killed; 10 s.
    #[spec(default = Timespan::secs(10))]
    pub stop_grace_period: Timespan,
    /// Where the output of its containers goes; unless set, where the engine sends it.
    pub log: Option<LogDriver>,
    /// What its name leads to, for other services; one address for all of its tasks.
    #[spec(default)]
    pub endpoint: EndpointMode,
    /// Makes a port reachable from outside.
    #[spec(each = "publish")]
    pub ports: Vec<Port>,
}

impl PartialEq for ServiceSpec {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl ServiceSpec {
    /// As text, with sets in order. It is compared only where the specs as written differ.
    fn canonical(&self) -> serde_json::Value {
        let mut spec = self.clone();
        spec.networks.iter_mut().for_each(|network| network.aliases.sort());
        spec.networks.sort_by(|a, b| a.network.cmp(&b.network));
        spec.mounts.sort_by(|a, b| a.target.cmp(&b.target));
        spec.configs.sort_by(|a, b| a.path.cmp(&b.path));
        spec.secrets.sort_by(|a, b| a.file.cmp(&b.file));
        spec.constraints.sort();
        spec.platforms.sort();
        spec.ports.sort();
        if spec.global {
            spec.replicas = 1;
        }
        serde_json::to_value(&spec).expect("BUG: a spec serialises")
    }
}

impl super::ServiceDraft {
    /// Mounts a volume or a folder at a path.
    #[track_caller]
    pub fn mount(self, source: impl IntoInput<MountSource>, target: impl IntoInput<String>) -> Self {
        self.mount_with(Mount::of(source, target))
    }

    /// Shows its containers a config as this file: a path, which begins with `/`.
    #[track_caller]
    pub fn config(self, config: impl IntoInput<ConfigRef>, path: impl IntoInput<String>) -> Self {
        self.config_with(ConfigFile::of(config, path))
    }

    /// Shows its containers a secret as a file of this name in `/run/secrets`.
    #[track_caller]
    pub fn secret(self, secret: impl IntoInput<SecretRef>, file: impl IntoInput<String>) -> Self {
        self.secret_with(SecretFile::of(secret, file))
    }

    /// All of its ports, once all are known. Mistakes among them are reported with the draft.
    pub(super) fn published(&self) -> Output<Vec<Port>> {
        self.ports.iter().fold(Output::known(Vec::new()), |ports, port| {
            let port = match port {
                Input::Mistake(_) => return ports,
                port => port.clone().output(),
            };
            ports.zip(&port).map(|(ports, port)| ports.into_iter().chain([port]).collect())
        })
    }
}

/// A network a service is on, and what it answers to there besides its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Spec)]
#[spec(draft = Attachment)]
pub struct AttachmentSpec {
    /// The network.
    pub network: NetworkId,
    /// A further name it answers to there. On a network that stacks share, use long ones: a name that two services have
    /// leads to either.
    #[spec(each = "alias")]
    pub aliases: Vec<String>,
}

impl Attachment {
    /// On this network.
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// A volume. Where there is none of that name on a task's node, an empty one is made.
    Volume(VolumeName),
    /// A folder or file of the node, which must exist there.
    Bind(String),
    /// Memory, which is lost with the task.
    Tmpfs {
        /// How much at most.
        size: Option<Memory>,
    },
}

impl MountSource {
    /// A folder or file of the node.
    pub fn bind(path: impl Into<String>) -> Self {
        Self::Bind(path.into())
    }

    /// Memory, without a limit of its own.
    pub fn tmpfs() -> Self {
        Self::Tmpfs { size: None }
    }
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Spec)]
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
    /// Mounts a source at a path.
    #[track_caller]
    pub fn of(source: impl IntoInput<MountSource>, target: impl IntoInput<String>) -> Self {
        Self::new(source, target)
    }
}

/// A config shown as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Spec)]
#[spec(draft = ConfigFile)]
pub struct ConfigFileSpec {
    /// The config.
    pub config: ConfigRef,
    /// The file's path.
    pub path: String,
    /// The number of the user who owns the file; root.
    #[spec(default = 0_u32)]
    pub uid: u32,
    /// The number of the group that owns the file; root.
    #[spec(default = 0_u32)]
    pub gid: u32,
    /// The file's mode; all may read it.
    #[spec(default = 0o444_u32)]
    pub mode: u32,
}

impl ConfigFile {
    /// Shows a config as the file at this path.
    #[track_caller]
    pub fn of(config: impl IntoInput<ConfigRef>, path: impl IntoInput<String>) -> Self {
        Self::new(config, path)
    }
}

/// A secret shown as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Spec)]
#[spec(draft = SecretFile)]
pub struct SecretFileSpec {
    /// The secret.
    pub secret: SecretRef,
    /// The file's name in `/run/secrets`, or its path.
    pub file: String,
    /// The number of the user who owns the file; root.
    #[spec(default = 0_u32)]
    pub uid: u32,
    /// The number of the group that owns the file; root.
    #[spec(default = 0_u32)]
    pub gid: u32,
    /// The file's mode; all in the container may read it.
    #[spec(default = 0o444_u32)]
    pub mode: u32,
}

impl SecretFile {
    /// Shows a secret as a file of this name.
    #[track_caller]
    pub fn of(secret: impl IntoInput<SecretRef>, file: impl IntoInput<String>) -> Self {
        Self::new(secret, file)
    }
}

/// A platform that nodes have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system: `linux`.
    pub os: String,
    /// The processor: `amd64`, `arm64`.
    pub architecture: String,
}

impl Platform {
    /// Such as `Platform::linux("amd64")`.
    pub fn linux(architecture: impl Into<String>) -> Self {
        Self { os: "linux".into(), architecture: architecture.into() }
    }
}

/// An amount of what a node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Spec)]
#[spec(draft = Resources)]
pub struct ResourcesSpec {
    /// Memory.
    pub memory: Option<Memory>,
    /// Processors, and parts of them.
    pub cpus: Option<Cpus>,
}
