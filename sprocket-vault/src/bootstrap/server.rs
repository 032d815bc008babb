//! The provider of the bootstrap: a server that need not be initialised, and the custody of its keys.
//!
//! It asks only what anyone may ask, and uses the root token and our own for single calls. A server that is not initialised
//! has no identity; its custody has one, its place. That server and custody belong together is found out by reading.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{Identity, Kinds, Provider, Spec};
use sprocket_core::program::{IntoInput, Secret};

use super::standing::{Evidence, Standing, standing};
use super::{VaultAccess, VaultInit, VaultRootRevoked, VaultShare, VaultUnseal};
use crate::address::VaultAddress;
use crate::client::Client;
use crate::custody::{Custody, Keeper};
use crate::error::VaultError;

/// A Vault that may have to be initialised and unsealed first. [`Bootstrap`](super::Bootstrap) declares what that takes.
#[derive(Debug)]
pub struct VaultServer {
    pub(crate) client: Client,
    pub(crate) custody: Keeper,
}

/// Where the server is, and the custody of its keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = VaultServer)]
pub struct VaultServerConfig {
    /// The address of this very server, not of a load balancer.
    pub address: VaultAddress,
    /// The folder of its custody.
    pub custody: String,
    /// What the custody is sealed to.
    pub passphrase: Secret<String>,
}

impl VaultServer {
    /// The server at this address, whose keys are in this custody.
    #[track_caller]
    pub fn at(address: impl IntoInput<VaultAddress>, custody: &Custody) -> VaultServerDraft {
        VaultServerDraft::new(address, &custody.folder, &custody.passphrase)
    }

    pub(super) fn address(&self) -> String {
        self.client.address().to_string()
    }

    /// The same server, asked with a token.
    pub(super) fn with(&self, token: &Secret<String>) -> Result<Client, VaultError> {
        Client::new(self.client.address(), Some(token))
    }

    /// How things stand.
    pub(super) async fn standing(&self, recorded: bool) -> Result<Standing, VaultError> {
        let server = self.client.seal_status().await?;
        let intent = self.custody.intent().await?;
        let shares = intent.as_ref().map_or(u8::MAX, |intent| intent.shares);
        let evidence = Evidence {
            address: self.address(),
            place: self.custody.place(),
            server,
            answer: self.custody.answer().await?,
            delivered: self.custody.delivered(shares).await?,
            intent,
            recorded,
        };
        Ok(standing(evidence)?)
    }
}

impl Provider for VaultServer {
    const NAME: &'static str = "vault-server";
    type Draft = VaultServerDraft;
    type Config = VaultServerConfig;
    type Credentials = ();
    type Error = VaultError;

    async fn connect(config: &VaultServerConfig, (): ()) -> Result<Self, VaultError> {
        let client = Client::new(&config.address, None)?;
        client.first_seal_status().await?;
        Ok(Self { client, custody: Keeper::folder(&config.custody, &config.passphrase) })
    }

    fn ambient() -> Result<(), VaultError> {
        Ok(())
    }

    async fn identity(&self) -> Result<Identity, VaultError> {
        Ok(format!("custody {}", self.custody.place()).into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds
            .with::<VaultInit>()
            .with::<VaultShare>()
            .with::<VaultUnseal>()
            .with::<VaultAccess>()
            .with::<VaultRootRevoked>();
    }
}
