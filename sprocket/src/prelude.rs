//! What programs name, in one `use`.

pub use sprocket_core::kind::{Address, Spec};
pub use sprocket_core::program::{
    Assigned, Budget, Connected, DraftExt, Input, IntoInput, Layer, Output, Password, Secret, Stack,
};
#[cfg(feature = "dns")]
pub use sprocket_dns::{Dns, DnsRecord, TsigAlgorithm, TsigKey};
#[cfg(feature = "docker")]
pub use sprocket_docker::{
    Attachment, ConfigFile, Constraint, Cpus, Docker, EndpointMode, Health, HealthCheck, HostName, ImageRef, LogDriver,
    Memory, Mount, MountSource, Network, OnFailure, OnRollbackFailure, Order, Port, Protocol, RegistryLogins,
    Resources, Restart, RestartOn, Rollback, SecretFile, Service, Subnet, SwarmConfig, SwarmSecret, Timespan, Update,
    Volume,
};
#[cfg(feature = "s3")]
pub use sprocket_s3::{Bucket, Lifecycle, S3, S3Credentials};
#[cfg(feature = "vault")]
pub use sprocket_vault::{Bootstrap, Custody, KvSecret, Opened, Vault, VaultCredentials, VaultMount, VaultPolicy};
