//! Vault for Sprocket: mounts, policies, secrets. It speaks to HashiCorp's Vault and to OpenBao, whose API is the same.
//!
//! - [`Vault`] is the provider: a server that is open, and the token for it.
//! - [`VaultMount`], [`VaultPolicy`] and [`KvSecret`] are the kinds; each is in a file of its own.
//! - [`VaultError`] is what their calls fail with.

mod address;
mod client;
mod error;
mod kv;
mod mark;
mod mount;
mod policy;
mod provider;

pub use address::VaultAddress;
pub use error::{VaultAnswer, VaultError, WhyClosed};
pub use kv::{KvData, KvSecret, KvSecretDraft, KvSecretSpec, KvSecretState};
pub use mount::{VaultMount, VaultMountDraft, VaultMountSpec, VaultMountState};
pub use policy::{VaultPolicy, VaultPolicyDraft, VaultPolicySpec, VaultPolicyState};
pub use provider::{Vault, VaultConfig, VaultCredentials, VaultDraft};
