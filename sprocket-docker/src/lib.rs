//! Docker Swarm for Sprocket: networks, volumes, configs, secrets, services.
//!
//! - [`Docker`] is the provider: an engine that is a manager of a swarm.
//! - [`Network`], [`Volume`], [`SwarmConfig`], [`SwarmSecret`] and [`Service`] are the kinds; each is in a file of its own.
//! - [`DockerError`] is what their calls fail with; [`NotReady`] is why a service does not work.
//! - [`check_engine`] asks what `doctor` wants to know.

mod check;
mod client;
mod config;
mod content;
mod data;
mod error;
mod name;
mod network;
mod owner_tag;
mod provider;
mod secret;
mod service;
mod subnet;
mod volume;
mod wait;

pub use check::{EngineCheck, EngineQuestion, Remedy, check_engine};
pub use config::{ConfigRef, SwarmConfig, SwarmConfigDraft, SwarmConfigSpec, SwarmConfigState};
pub use data::{Data, IntoSecretData};
pub use error::{DockerError, EngineAnswer};
pub use network::{Network, NetworkDraft, NetworkDriver, NetworkId, NetworkSpec, NetworkState};
pub use provider::{Docker, DockerConfig, DockerDraft, EngineAddress, RegistryLogins};
pub use secret::{SecretRef, SwarmSecret, SwarmSecretDraft, SwarmSecretSpec, SwarmSecretState};
pub use service::{
    Attachment, AttachmentSpec, Cause, ConfigFile, ConfigFileSpec, Constraint, Cpus, EndpointMode, Health, HealthCheck,
    HealthTest, HostName, ImageRef, LogDriver, Memory, Mount, MountSource, MountSpec, NotReady, OnFailure,
    OnRollbackFailure, Order, Platform, Port, Protocol, PublishMode, Ratio, Reach, Resources, ResourcesSpec, Restart,
    RestartOn, Rollback, SecretFile, SecretFileSpec, Service, ServiceDraft, ServiceId, ServiceSpec, ServiceState,
    Timespan, Transport, Update,
};
pub use subnet::Subnet;
pub use volume::{Volume, VolumeDraft, VolumeIdentity, VolumeName, VolumeSpec, VolumeState};
