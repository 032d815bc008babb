//! The second stage: `vault:share`, one share with its custodian.
//!
//! It is taken from the answer, delivered, and read back. A share that is there already counts if it is the same; another
//! one is never overwritten. Its mark is kept with it. It goes only with all of its custody, when the Vault is given up.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallFailure, CallResult, CheckResult, CreateRequest, Deadline, FailureOf, Handle, Kind, KindFlags, Live,
    PhysicalName, ReadRequest, ReadResult, Recorded, ResourceRef, Spec, UpdateRequest,
};

use super::init;
use super::server::VaultServer;
use super::stop::BootstrapStop;
use crate::custody::HeldShare;
use crate::error::VaultError;

/// One share of a Vault's key, delivered.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:share", provider = VaultServer, naming = fixed)]
pub struct VaultShare {
    this: ResourceRef<Self>,
}

/// Which share it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultShare)]
pub struct VaultShareSpec {
    /// Its number. The first is 1.
    #[spec(replaces)]
    pub number: u8,
    /// Its keyed fingerprint.
    #[spec(replaces)]
    pub fingerprint: String,
}

/// Where a share is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultShareState {
    /// What its custodian can be lost, or stolen, together with.
    pub domain: String,
}

impl VaultShare {
    pub(super) fn draft(
        name: String,
        number: u8,
        fingerprint: impl sprocket_core::program::IntoInput<String>,
    ) -> VaultShareDraft {
        VaultShareDraft::new(name, number, fingerprint)
    }
}

impl Kind for VaultShare {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(server: &VaultServer, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let (name, number) = match find {
            ReadRequest::Recorded(recorded) => (recorded.name.clone(), Some(recorded.spec.number)),
            ReadRequest::Named(name) => (name.clone(), number_of(name.as_str())),
            ReadRequest::Import(text) => (text.into(), number_of(text)),
        };
        let Some(number) = number else { return Ok(Vec::new()) };
        Ok(Vec::from_iter(read(server, name, number).await?))
    }

    async fn create(server: &VaultServer, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        deliver(server, make).await.map_err(CallFailure::from)
    }

    /// Nothing of it can change; taking it over is recorded with it.
    async fn update(server: &VaultServer, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let custody = &server.custody;
        let number = change.live.spec.number;
        if let Some(held) = custody.share(number).await.map_err(VaultError::from)? {
            let held = HeldShare { owner: change.owner.clone(), ..held };
            custody.put_share(number, &held).await.map_err(VaultError::from)?;
        }
        Ok(change.live.state.clone())
    }

    async fn delete(_: &VaultServer, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        Ok(())
    }

    async fn verify(server: &VaultServer, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match read(server, record.name.clone(), record.spec.number).await {
            Ok(Some(_)) => None,
            Ok(None) => Some("it is not there".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: format!("is with its custodian, {}", record.state.domain), failure }]
    }
}

/// The number at the end of a name.
fn number_of(name: &str) -> Option<u8> {
    name.rsplit('-').next()?.parse().ok()
}

async fn read(server: &VaultServer, name: PhysicalName, number: u8) -> Result<Option<Live<VaultShare>>, VaultError> {
    let (custody, intent) = (&server.custody, server.custody.intent().await?);
    let (Some(held), Some(intent)) = (custody.share(number).await?, intent) else { return Ok(None) };
    let fingerprint = intent.fingerprint(&held.share);
    if let Some(answer) = custody.answer().await? {
        let given = match init::share(&intent, &answer, number) {
            Some(share) => Some(intent.fingerprint(share.expose())),
            None => answer.fingerprints.get(usize::from(number).saturating_sub(1)).cloned(),
        };
        if given.is_some_and(|given| given != fingerprint) {
            return Err(BootstrapStop::AnotherShare { number, place: custody.place() }.into());
        }
    }
    Ok(Some(Live {
        id: name.as_str().into(),
        name,
        spec: VaultShareSpec { number, fingerprint },
        state: VaultShareState { domain: custody.domain_of_share(number).to_string() },
        owner: Some(held.owner),
    }))
}

async fn deliver(server: &VaultServer, make: &CreateRequest<'_, VaultShare>) -> Result<VaultShareState, VaultError> {
    let VaultShareSpec { number, fingerprint } = make.spec;
    let (number, custody) = (*number, &server.custody);
    let gone = || BootstrapStop::ShareGone { number, place: custody.place() };
    let another = || BootstrapStop::AnotherShare { number, place: custody.place() };
    let intent = custody.intent().await?.ok_or_else(gone)?;
    let is_it = |held: &HeldShare| intent.fingerprint(&held.share) == *fingerprint;
    match custody.share(number).await? {
        Some(held) if !is_it(&held) => return Err(another().into()),
        Some(_) => {}
        None => {
            let answer = custody.answer().await?.ok_or_else(gone)?;
            let share = init::share(&intent, &answer, number).ok_or_else(gone)?;
            let held = HeldShare { share: share.expose().clone(), owner: make.owner.clone() };
            if !is_it(&held) {
                return Err(another().into());
            }
            custody.put_share(number, &held).await?;
        }
    }
    // What counts is what comes back.
    match custody.share(number).await? {
        Some(held) if is_it(&held) => Ok(VaultShareState { domain: custody.domain_of_share(number).to_string() }),
        _ => Err(another().into()),
    }
}
