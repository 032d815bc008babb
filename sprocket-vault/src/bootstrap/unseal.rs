//! The third stage: `vault:unseal`, a Vault that is open.
//!
//! A sealed server is drift, and an update unseals it, with the shares as they were delivered. Unsealing begins with a
//! reset, because a wrong share counts and shows only with the last; a crash between two shares is harmless. There is no
//! object to be marked or found: opening an open Vault does nothing.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CheckResult, CreateRequest, Deadline, FailureOf, Handle, Kind, KindFlags, Live,
    ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::Output;

use super::server::VaultServer;
use super::stop::BootstrapStop;
use crate::error::VaultError;

/// That a Vault is open.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:unseal", provider = VaultServer, naming = fixed)]
pub struct VaultUnseal {
    /// The id of its cluster. Unknown while the Vault has to be unsealed: what needs it open waits.
    #[output(state.cluster, volatile)]
    pub cluster: Output<String>,
    this: ResourceRef<Self>,
}

/// What it must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultUnseal)]
pub struct VaultUnsealSpec {
    /// Whether it is sealed.
    #[spec(default = false)]
    pub sealed: bool,
}

/// What the server reports about itself once it is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultUnsealState {
    /// The id of its cluster.
    pub cluster: String,
}

/// How long a Vault may take from its last share until it serves.
const OPENS: Duration = Duration::from_secs(60);

impl VaultUnseal {
    pub(super) fn draft(name: impl Into<String>) -> VaultUnsealDraft {
        VaultUnsealDraft::new(name)
    }
}

impl Kind for VaultUnseal {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(server: &VaultServer, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let ReadRequest::Recorded(recorded) = find else { return Ok(Vec::new()) };
        let status = server.client.seal_status().await?;
        let cluster = match status.cluster_id {
            Some(cluster) if !status.sealed && cluster != recorded.state.cluster => {
                let difference = format!("its cluster is {cluster}, and was {}", recorded.state.cluster);
                let (address, place) = (server.address(), server.custody.place());
                return Err(BootstrapStop::SplitBrain { address, place, difference }.into());
            }
            _ => recorded.state.cluster.clone(),
        };
        let (spec, state) = (VaultUnsealSpec { sealed: status.sealed }, VaultUnsealState { cluster });
        Ok(vec![Live { spec, state, ..recorded.as_live() }])
    }

    async fn create(server: &VaultServer, _: &CreateRequest<'_, Self>) -> CallResult<Self> {
        open(server).await.map_err(CallFailure::from)
    }

    async fn update(server: &VaultServer, _: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        open(server).await.map_err(CallFailure::from)
    }

    /// A Vault that is given up need not be sealed.
    async fn delete(_: &VaultServer, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        Ok(())
    }

    async fn verify(server: &VaultServer, _: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match server.client.seal_status().await {
            Ok(status) if !status.sealed => None,
            Ok(_) => Some("it is sealed".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: "is unsealed".into(), failure }]
    }
}

async fn open(server: &VaultServer) -> Result<VaultUnsealState, VaultError> {
    if server.client.seal_status().await?.sealed {
        unseal(server).await?;
    }
    let deadline = Deadline::after(OPENS);
    loop {
        // Only an active server answers this with 200; one that has just been unsealed still starts.
        let health = server.client.get("say whether it serves", "sys/health").await;
        let cluster = server.client.seal_status().await?.cluster_id;
        match (health, cluster) {
            (Ok(_), Some(cluster)) => return Ok(VaultUnsealState { cluster }),
            (Err(error), _) if deadline.is_over() => return Err(error),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

pub(super) async fn unseal(server: &VaultServer) -> Result<(), VaultError> {
    let (custody, place) = (&server.custody, server.custody.place());
    let Some(intent) = custody.intent().await? else {
        return Err(BootstrapStop::Foreign { address: server.address(), place }.into());
    };
    let mut shares = Vec::new();
    for number in 1..=intent.shares {
        shares.extend(custody.share(number).await?);
    }
    let there = u8::try_from(shares.len()).unwrap_or(u8::MAX);
    if there < intent.threshold {
        return Err(BootstrapStop::TooFewShares { there, needed: intent.threshold, place }.into());
    }
    let what = "unseal it";
    server.client.ask(what, Method::POST, "sys/unseal", Some(&json!({ "reset": true }))).await?;
    for held in shares.iter().take(intent.threshold.into()) {
        let given = server.client.ask(what, Method::POST, "sys/unseal", Some(&json!({ "key": held.share }))).await;
        match given {
            Ok(status) if status["sealed"] == false => return Ok(()),
            Ok(_) => {}
            Err(VaultError::Call(CallError::Refused { source, .. })) if (400..=500).contains(&source.status) => {
                return Err(BootstrapStop::ShareDoesNotFit { address: server.address(), place }.into());
            }
            Err(error) => return Err(error),
        }
    }
    let difference = format!("{} shares do not open it", intent.threshold);
    Err(BootstrapStop::SplitBrain { address: server.address(), place, difference }.into())
}
