//! The provider: a Vault that is initialised and unsealed, and the token that it is asked with.
//!
//! [`Vault::connect`] asks whether the server is open and whether it knows the token, and renews the token if it is one
//! that can be. The address is recorded in state, a token never is.

use std::fmt::{self, Debug};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{CallError, ErrorKind, Identity, Kinds, Provider, Spec};
use sprocket_core::program::{Input, IntoInput, Output, Secret};

use crate::address::VaultAddress;
use crate::bootstrap::Opened;
use crate::client::{Client, SealStatus};
use crate::custody::Keeper;
use crate::error::{VaultError, WhyClosed};
use crate::kv::KvSecret;
use crate::mount::VaultMount;
use crate::policy::VaultPolicy;

/// A Vault, initialised and unsealed.
///
/// ```
/// # use sprocket_core::program::{Secret, Stack};
/// # use sprocket_vault::Vault;
/// # let mut stack = Stack::new();
/// stack.connect(Vault::at("https://vault.example:8200")); // the token is in `VAULT_TOKEN`
/// stack.connect(Vault::at("http://127.0.0.1:8200").named("far").credentials(Secret::new("s.token".to_owned())));
/// # stack.check().unwrap();
/// ```
#[derive(Debug)]
pub struct Vault {
    pub(crate) client: Client,
}

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Vault)]
pub struct VaultConfig {
    /// The server's address: `https://vault.example:8200`.
    pub address: VaultAddress,
}

impl Vault {
    /// The server at this address.
    #[track_caller]
    pub fn at(address: impl IntoInput<VaultAddress>) -> VaultDraft {
        VaultDraft::new(address)
    }
}

/// What a Vault is asked with.
#[derive(Clone)]
pub struct VaultCredentials(Where);

#[derive(Clone)]
enum Where {
    Here(Secret<String>),
    InCustody { folder: String, passphrase: Secret<String> },
}

impl VaultCredentials {
    /// A token.
    pub fn token(token: impl Into<Secret<String>>) -> Self {
        Self(Where::Here(token.into()))
    }

    /// The token that a bootstrap has put into custody.
    pub(crate) fn in_custody(folder: String, passphrase: Secret<String>) -> Self {
        Self(Where::InCustody { folder, passphrase })
    }

    async fn find(&self) -> Result<Option<Secret<String>>, VaultError> {
        match &self.0 {
            Where::Here(token) => Ok(Some(token.clone())),
            Where::InCustody { folder, passphrase } => {
                let held = Keeper::folder(folder, passphrase).token().await?;
                Ok(held.map(|held| Secret::new(held.token)))
            }
        }
    }

    /// What a token that is not accepted means: one from custody can be made again.
    fn refused(self, address: String) -> VaultError {
        match self.0 {
            Where::Here(_) => VaultError::WrongToken { address },
            Where::InCustody { folder: place, .. } => VaultError::TokenGone { address, place },
        }
    }
}

impl Debug for VaultCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Where::Here(_) => f.write_str("VaultCredentials(a token)"),
            Where::InCustody { folder, .. } => write!(f, "VaultCredentials(a token in {folder})"),
        }
    }
}

impl IntoInput<VaultCredentials> for Secret<String> {
    fn into_input(self) -> Input<VaultCredentials> {
        Input::Value(VaultCredentials::token(self))
    }
}

impl IntoInput<VaultCredentials> for Output<Secret<String>> {
    fn into_input(self) -> Input<VaultCredentials> {
        Input::Output(self.map(VaultCredentials::token))
    }
}

impl IntoInput<VaultCredentials> for &Output<Secret<String>> {
    fn into_input(self) -> Input<VaultCredentials> {
        Input::Output(self.map(VaultCredentials::token))
    }
}

impl IntoInput<VaultCredentials> for &Opened {
    fn into_input(self) -> Input<VaultCredentials> {
        Input::Output(self.credentials.clone())
    }
}

impl Provider for Vault {
    const NAME: &'static str = "vault";
    type Draft = VaultDraft;
    type Config = VaultConfig;
    type Credentials = VaultCredentials;
    type Error = VaultError;

    async fn connect(config: &VaultConfig, credentials: VaultCredentials) -> Result<Self, VaultError> {
        let address = config.address.to_string();
        let Some(token) = credentials.find().await? else { return Err(credentials.refused(address)) };
        let vault = Self { client: Client::new(&config.address, Some(&token))? };
        vault.open().await?;
        if !vault.accepts_token().await? {
            return Err(credentials.refused(address));
        }
        Ok(vault)
    }

    fn ambient() -> Result<VaultCredentials, VaultError> {
        match std::env::var("VAULT_TOKEN") {
            Ok(token) if !token.is_empty() => Ok(VaultCredentials::token(token)),
            _ => Err(VaultError::NoToken),
        }
    }

    /// The seal status tells it everybody.
    async fn answers(config: &VaultConfig) -> Result<Option<Identity>, VaultError> {
        Self { client: Client::new(&config.address, None)? }.identity().await.map(Some)
    }

    /// The id of the cluster, which its storage was given when it was initialised.
    async fn identity(&self) -> Result<Identity, VaultError> {
        match self.open().await?.cluster_id.filter(|id| !id.is_empty()) {
            Some(id) => Ok(id.into()),
            None => Err(VaultError::unreadable("say which cluster it is")),
        }
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<VaultMount>().with::<VaultPolicy>().with::<KvSecret>();
    }
}

impl Vault {
    /// What the server says, if it is open.
    async fn open(&self) -> Result<SealStatus, VaultError> {
        let status = self.client.first_seal_status().await?;
        let why = match status {
            SealStatus { initialized: false, .. } => WhyClosed::Uninitialised,
            SealStatus { sealed: true, .. } => WhyClosed::Sealed,
            open => return Ok(open),
        };
        Err(VaultError::Closed { address: self.client.address().to_string(), why })
    }

    /// Whether the server knows the token. One that can be renewed is.
    async fn accepts_token(&self) -> Result<bool, VaultError> {
        let looked_up = vaultrs::token::lookup_self(self.client.typed()).await;
        let token = match looked_up.map_err(self.client.failed("look up the token")) {
            Err(VaultError::Call(CallError::Refused { kind: ErrorKind::Denied, .. })) => return Ok(false),
            other => other?,
        };
        if token.renewable == Some(true) {
            let what = "renew the token";
            self.client.ask(what, Method::POST, "auth/token/renew-self", Some(&json!({}))).await?;
        }
        Ok(true)
    }
}
