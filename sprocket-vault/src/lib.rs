//! Vault for Sprocket: bootstrap and custody, mounts, policies, secrets. It speaks to HashiCorp's Vault and to OpenBao, whose
//! API is the same.
//!
//! - [`Bootstrap`] declares what it takes to open a new Vault, on the provider [`VaultServer`]; [`Custody`] keeps its keys.
//! - [`Vault`] is the provider for the rest: a server that is open, and the token for it.
//! - [`VaultMount`], [`VaultPolicy`] and [`KvSecret`] are its kinds; each is in a file of its own.
//! - [`VaultError`] is what their calls fail with.

mod address;
mod bootstrap;
mod client;
mod custody;
mod error;
mod fault;
mod kv;
mod mount;
mod owner_tag;
mod path_name;
mod policy;
mod provider;

pub use address::VaultAddress;
pub use bootstrap::{
    Bootstrap, BootstrapStop, Opened, VaultAccess, VaultAccessDraft, VaultAccessSpec, VaultAccessState, VaultInit,
    VaultInitDraft, VaultInitSpec, VaultInitState, VaultRootRevoked, VaultRootRevokedDraft, VaultRootRevokedSpec,
    VaultRootRevokedState, VaultServer, VaultServerConfig, VaultServerDraft, VaultShare, VaultShareDraft,
    VaultShareSpec, VaultShareState, VaultUnseal, VaultUnsealDraft, VaultUnsealSpec, VaultUnsealState,
};
pub use custody::{Custodian, Custody, CustodyError, FailureDomain, Item, SealedFolder};
pub use error::{Cause, VaultAnswer, VaultError, WhyClosed};
pub use kv::{KvData, KvSecret, KvSecretDraft, KvSecretSpec, KvSecretState};
pub use mount::{VaultMount, VaultMountDraft, VaultMountSpec, VaultMountState};
pub use policy::{VaultPolicy, VaultPolicyDraft, VaultPolicySpec, VaultPolicyState};
pub use provider::{Vault, VaultConfig, VaultCredentials, VaultDraft};
