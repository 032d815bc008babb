//! Policies: `vault:policy`, what a token may do.
//!
//! A policy is a text; it is compared to the letter. Its mark is a comment, its first line. The API has no call that only
//! creates: whether there is one of the same name is asked right before.
//! <https://openbao.org/api-docs/system/policies/>

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CanonicalOf, CheckResult, CreateRequest, Deadline, Diagnostics, FailureOf,
    Handle, Kind, Live, OwnerTag, PhysicalName, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec,
    UpdateRequest,
};
use sprocket_core::program::{Input, IntoInput, Mistake, Output};

use crate::error::VaultError;
use crate::path_name;
use crate::provider::{Vault, VaultConfig};

/// A policy, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_vault::{Vault, VaultPolicy};
/// # let mut stack = Stack::new();
/// # stack.connect(Vault::at("http://127.0.0.1:8200"));
/// stack.add(VaultPolicy::new("core", "path \"apps/data/core\" { capabilities = [\"read\"] }\n"));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:policy", provider = Vault, naming = fixed)]
pub struct VaultPolicy {
    /// Its name at the server, known while planning.
    #[output(name)]
    pub name: Output<String>,
    this: ResourceRef<Self>,
}

impl VaultPolicy {
    /// A policy with this text. The server writes names in lower case, so this one must be.
    #[track_caller]
    pub fn new(name: impl Into<String>, text: impl IntoInput<String>) -> VaultPolicyDraft {
        let name = name.into();
        if name.chars().any(char::is_uppercase) {
            let mistake = Mistake::here(format!("the name of a policy is lower case, and `{name}` is not"));
            return VaultPolicyDraft::new(name, Input::Mistake(mistake));
        }
        VaultPolicyDraft::new(name, text)
    }
}

/// A policy's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultPolicy)]
pub struct VaultPolicySpec {
    /// Its text, in HCL.
    pub text: String,
}

/// The server reports nothing else about a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultPolicyState {}

/// The server writes the names of policies in lower case.
fn canonical(name: &PhysicalName, _: Option<&VaultConfig>) -> PhysicalName {
    name.as_str().to_lowercase().into()
}

impl Kind for VaultPolicy {
    const CANONICAL: Option<CanonicalOf<Self>> = Some(canonical);

    async fn read(vault: &Vault, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = find.name();
        Ok(Vec::from_iter(read(vault, name).await?))
    }

    async fn create(vault: &Vault, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let name = make.name.as_str();
        if read(vault, name).await?.is_some() {
            return Err(VaultError::from(CallError::Exists { what: format!("policy `{name}`") }).into());
        }
        write(vault, "create", name, &make.owner.in_comment(&make.spec.text)).await.map_err(CallFailure::from)
    }

    async fn update(vault: &Vault, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let text = change.owner.in_comment(&change.spec.text);
        write(vault, "update", change.live.name.as_str(), &text).await.map_err(CallFailure::from)
    }

    async fn delete(vault: &Vault, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let deleted = vaultrs::sys::policy::delete(vault.client.typed(), record.name.as_str()).await;
        match deleted.map_err(vault.client.failed(&format!("delete policy `{}`", record.name))) {
            Err(error) if !error.is_not_found() => Err(CallFailure::from(error)),
            _ => Ok(()),
        }
    }

    fn validate(spec: &VaultPolicySpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        if spec.text.trim().is_empty() {
            findings.errors.push("a policy can't be empty".into());
        }
        if spec.text.trim_start().starts_with('{') {
            findings.errors.push("its first line is the mark, a comment, which JSON has not: write it in HCL".into());
        }
        findings
    }

    fn validate_name(name: &PhysicalName, _: Option<&Self::Spec>) -> Diagnostics {
        path_name::validate(name)
    }

    async fn verify(vault: &Vault, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match read(vault, record.name.as_str()).await {
            Ok(Some(live)) if live.spec.text == record.spec.text => None,
            Ok(Some(_)) => Some("the server has another text".to_owned()),
            Ok(None) => Some("the server has none of this name".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: "has its text".into(), failure }]
    }
}

async fn read(vault: &Vault, name: &str) -> Result<Option<Live<VaultPolicy>>, VaultError> {
    let found = vaultrs::sys::policy::read(vault.client.typed(), name).await;
    match found.map_err(vault.client.failed(&format!("read policy `{name}`"))) {
        Ok(found) => {
            let (text, owner) = OwnerTag::from_comment(&found.rules);
            Ok(Some(Live {
                id: found.name.as_str().into(),
                name: found.name.into(),
                spec: VaultPolicySpec { text: text.to_owned() },
                state: VaultPolicyState {},
                owner,
            }))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn write(vault: &Vault, verb: &str, name: &str, text: &str) -> Result<VaultPolicyState, VaultError> {
    let written = vaultrs::sys::policy::set(vault.client.typed(), name, text).await;
    written.map_err(vault.client.failed(&format!("{verb} policy `{name}`")))?;
    Ok(VaultPolicyState {})
}
