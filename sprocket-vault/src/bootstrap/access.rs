//! The fourth stage: `vault:access`, a token for the program, in place of the root token.
//!
//! It has a policy of its own and a period: each run that uses it renews it, and without runs it ends. It is drawn by us and
//! in custody before the server is asked to make it, so that no crash leaves a token that nobody knows. Its mark is kept
//! with it, and in the token's metadata. Of its policy, the text can change later: the token may write policies.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CheckResult, CreateRequest, Deadline, Entropy, ErrorKind, FailureOf, Handle,
    Kind, KindFlags, Live, ObjectId, OwnerTag, PhysicalName, ProviderError as _, ReadRequest, ReadResult, Recorded,
    ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{Output, Secret};

use super::init;
use super::server::VaultServer;
use super::stop::BootstrapStop;
use crate::client::Client;
use crate::custody::HeldToken;
use crate::error::VaultError;

/// A token for the program.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:access", provider = VaultServer, naming = fixed)]
pub struct VaultAccess {
    /// The server's id of the token, by which it can be revoked and not used.
    #[output(state.accessor)]
    pub accessor: Output<String>,
    this: ResourceRef<Self>,
}

/// What the token may do, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultAccess)]
pub struct VaultAccessSpec {
    /// The text of its policy.
    #[spec(default = POLICY)]
    pub policy: String,
    /// How long it lasts unless it is used: `768h` is 32 days.
    #[spec(default = "768h", replaces)]
    pub period: String,
}

/// What the server reports about the token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultAccessState {
    /// The server's id of it.
    pub accessor: String,
}

/// What the kinds of this crate need: mounts, policies, and the secrets in mounts whose paths have one part.
const POLICY: &str = r#"path "sys/mounts" { capabilities = ["read"] }
path "sys/mounts/*" { capabilities = ["create", "read", "update", "delete"] }
path "sys/policies/acl" { capabilities = ["list"] }
path "sys/policies/acl/*" { capabilities = ["create", "read", "update", "delete"] }
path "sys/policy/*" { capabilities = ["create", "read", "update", "delete"] }
path "+/config" { capabilities = ["read"] }
path "+/data/*" { capabilities = ["create", "update"] }
path "+/metadata/*" { capabilities = ["create", "read", "update", "delete", "list"] }
"#;

impl VaultAccess {
    pub(super) fn draft(name: impl Into<String>) -> VaultAccessDraft {
        VaultAccessDraft::new(name)
    }
}

impl Kind for VaultAccess {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(server: &VaultServer, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let (name, recorded) = (PhysicalName::from(find.name()), find.recorded());
        let Some(held) = server.custody.token().await? else { return Ok(Vec::new()) };
        let status = server.client.seal_status().await?;
        if status.sealed {
            // A sealed server says nothing of its tokens.
            return Ok(Vec::from_iter(recorded.map(Recorded::as_live)));
        }
        let client = server.with(&Secret::new(held.token))?;
        let token = match client.get("look up our token", "auth/token/lookup-self").await {
            Ok(found) => found["data"].clone(),
            Err(error) if error.kind() == ErrorKind::Denied => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let policy =
            client.get("read our policy", &format!("sys/policies/acl/{}", name.as_str().to_lowercase())).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let period = format!("{}h", token["period"].as_u64().unwrap_or_default() / 3600);
        let accessor = text(&token["accessor"]);
        Ok(vec![Live {
            id: accessor.as_str().into(),
            name,
            spec: VaultAccessSpec { policy: text(&policy["data"]["policy"]), period },
            state: VaultAccessState { accessor },
            owner: Some(held.owner),
        }])
    }

    async fn create(server: &VaultServer, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        create(server, make).await.map_err(CallFailure::from)
    }

    async fn update(server: &VaultServer, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        update(server, change).await.map_err(CallFailure::from)
    }

    /// The token is revoked, and gone from custody.
    async fn delete(server: &VaultServer, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        delete(server).await.map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &VaultAccessState) -> ObjectId {
        state.accessor.as_str().into()
    }

    fn validate(spec: &VaultAccessSpec) -> sprocket_core::kind::Diagnostics {
        let mut findings = sprocket_core::kind::Diagnostics::default();
        let hours = spec.period.strip_suffix('h').and_then(|hours| hours.parse::<u32>().ok());
        if hours.is_none_or(|hours| hours == 0) {
            findings.errors.push(format!("`{}` is not a period in hours, such as `768h`", spec.period).into());
        }
        findings
    }

    async fn verify(server: &VaultServer, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match Self::read(server, ReadRequest::Recorded(record)).await {
            Ok(lives) if lives.is_empty() => Some("the server does not know it".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: "its token is accepted".into(), failure }]
    }
}

/// The root token, while there is one.
pub(super) async fn root(server: &VaultServer, what: &str) -> Result<Secret<String>, VaultError> {
    let found = server.custody.intent().await?.zip(server.custody.answer().await?);
    let root = found.and_then(|(intent, answer)| init::root(&intent, &answer));
    root.ok_or_else(|| BootstrapStop::RootGone { what: what.to_owned() }.into())
}

async fn create(server: &VaultServer, make: &CreateRequest<'_, VaultAccess>) -> Result<VaultAccessState, VaultError> {
    let what = "make a token for the program";
    let root = server.with(&root(server, what).await?)?;
    let name = make.name.as_str().to_lowercase();
    write_policy(&root, &name, &make.spec.policy).await?;
    let held = match server.custody.token().await? {
        // Of an earlier try, which may or may not have reached the server.
        Some(held) if held.owner == *make.owner => held,
        _ => draw(make.owner, make.entropy),
    };
    server.custody.put_token(&held).await?;
    let ours = server.with(&Secret::new(held.token.clone()))?;
    let accessor = match ours.get("look up our token", "auth/token/lookup-self").await {
        Ok(found) => accessor(&found["data"]),
        Err(error) if error.kind() == ErrorKind::Denied => {
            let body = json!({
                "id": held.token,
                "policies": [name],
                "period": make.spec.period,
                "display_name": name,
                "meta": { "sprocket.lineage": make.owner.lineage, "sprocket.record": make.owner.record },
            });
            accessor(&root.ask(what, Method::POST, "auth/token/create-orphan", Some(&body)).await?["auth"])
        }
        Err(error) => return Err(error),
    };
    let held = HeldToken { accessor: Some(accessor.clone()), ..held };
    server.custody.put_token(&held).await?;
    Ok(VaultAccessState { accessor })
}

fn accessor(token: &Value) -> String {
    token["accessor"].as_str().unwrap_or_default().to_owned()
}

fn draw(owner: &OwnerTag, entropy: &Entropy) -> HeldToken {
    HeldToken {
        token: format!("sprocket-{}", hex::encode(entropy.bytes::<24>())),
        accessor: None,
        owner: owner.clone(),
    }
}

async fn write_policy(client: &Client, name: &str, text: &str) -> Result<(), VaultError> {
    let body = json!({ "policy": text });
    client.ask("write our policy", Method::POST, &format!("sys/policies/acl/{name}"), Some(&body)).await.map(drop)
}

/// The policy, with the token itself; taking it over is recorded with it.
async fn update(server: &VaultServer, change: &UpdateRequest<'_, VaultAccess>) -> Result<VaultAccessState, VaultError> {
    let Some(held) = server.custody.token().await? else {
        return Err(CallError::Changed { what: "update the policy of our token".into() }.into());
    };
    let held = HeldToken { owner: change.owner.clone(), ..held };
    server.custody.put_token(&held).await?;
    let name = change.live.name.as_str().to_lowercase();
    write_policy(&server.with(&Secret::new(held.token))?, &name, &change.spec.policy).await?;
    Ok(change.live.state.clone())
}

async fn delete(server: &VaultServer) -> Result<(), VaultError> {
    if let Some(held) = server.custody.token().await? {
        if server.client.seal_status().await?.sealed {
            // It goes with its Vault, which nobody can ask.
            return Ok(server.custody.remove_token().await?);
        }
        let client = server.with(&Secret::new(held.token))?;
        match client.ask("revoke our token", Method::POST, "auth/token/revoke-self", Some(&json!({}))).await {
            Err(error) if error.kind() != ErrorKind::Denied => return Err(error),
            _ => server.custody.remove_token().await?,
        }
    }
    Ok(())
}
