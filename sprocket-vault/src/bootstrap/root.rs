//! The last stage: `vault:root-revoked`, a Vault without a root token.
//!
//! The root token is revoked, it is proven that it is not accepted any more, and the answer loses its ciphertext and that
//! of the shares, which have all been delivered. There is no object to be marked or found: doing it again does nothing.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{
    CallResult, CreateRequest, ErrorKind, FailureOf, Handle, Kind, KindFlags, ProviderError as _, ReadRequest,
    ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};

use super::init;
use super::server::VaultServer;
use super::stop::BootstrapStop;
use crate::custody::{Answer, Intent};
use crate::error::VaultError;

/// That a Vault's root token is revoked.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:root-revoked", provider = VaultServer, naming = fixed)]
pub struct VaultRootRevoked {
    this: ResourceRef<Self>,
}

/// There is nothing to be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultRootRevoked)]
pub struct VaultRootRevokedSpec {}

/// There is nothing to be reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultRootRevokedState {}

impl VaultRootRevoked {
    pub(super) fn draft(name: impl Into<String>) -> VaultRootRevokedDraft {
        VaultRootRevokedDraft::new(name)
    }
}

impl Kind for VaultRootRevoked {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(server: &VaultServer, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let ReadRequest::Recorded(recorded) = find else { return Ok(Vec::new()) };
        if server.custody.answer().await?.is_none_or(|answer| answer.root.is_some()) {
            return Ok(Vec::new());
        }
        Ok(vec![recorded.as_live()])
    }

    async fn create(server: &VaultServer, _: &CreateRequest<'_, Self>) -> CallResult<Self> {
        revoke(server).await?;
        Ok(VaultRootRevokedState {})
    }

    async fn update(server: &VaultServer, _: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        revoke(server).await?;
        Ok(VaultRootRevokedState {})
    }

    async fn delete(_: &VaultServer, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        Ok(())
    }
}

async fn revoke(server: &VaultServer) -> Result<(), VaultError> {
    let custody = &server.custody;
    let (Some(intent), Some(answer)) = (custody.intent().await?, custody.answer().await?) else {
        return Err(BootstrapStop::Foreign { address: server.address(), place: custody.place() }.into());
    };
    if let Some(root) = init::root(&intent, &answer) {
        // Each share must have been delivered before the only other copy goes.
        let mut fingerprints = Vec::new();
        for number in 1..=intent.shares {
            let held = custody.share(number).await?;
            let held = held.ok_or_else(|| BootstrapStop::ShareGone { number, place: custody.place() })?;
            fingerprints.push(intent.fingerprint(&held.share));
        }
        let client = server.with(&root)?;
        let revoked =
            client.ask("revoke the root token", Method::POST, "auth/token/revoke-self", Some(&json!({}))).await;
        match revoked {
            // It was revoked by an earlier try.
            Err(error) if error.kind() != ErrorKind::Denied => return Err(error),
            _ => {}
        }
        match client.get("look up the root token", "auth/token/lookup-self").await {
            Err(error) if error.kind() == ErrorKind::Denied => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(BootstrapStop::RootStays { address: server.address() }.into()),
        }
        custody.put_answer(&Answer { shares: Vec::new(), root: None, fingerprints }).await?;
    }
    if !intent.keys.is_empty() {
        custody.put_intent(&Intent { keys: Vec::new(), ..intent }).await?;
    }
    Ok(())
}
