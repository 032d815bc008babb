//! The first stage: `vault:init`, the one call that makes a Vault's keys.
//!
//! Keys of ours and the intent are durable in custody before the call; the call is made once, and has the server encrypt
//! shares and root token to those keys; its answer is durable, in one write, before anything else is done with it. So a
//! crash at any moment leaves the keys in custody, or leaves a Vault that nobody can ever have opened: then the evidence has
//! two readings, and the next run stops.
//!
//! Its mark is in the intent. It can't be deleted, only given up: its custody is put aside.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CheckResult, CreateRequest, Deadline, Diagnostics, Effect, Entropy, ErrorKind,
    FailureOf, Handle, Kind, KindFlags, Live, ObjectId, OwnerTag, PhysicalName, ProviderError, ReadRequest, ReadResult,
    Recorded, ResourceRef, Spec, UpdateRequest,
};
use sprocket_core::program::{Output, Secret};

use super::pgp::Key;
use super::server::VaultServer;
use super::standing::Standing;
use super::stop::BootstrapStop;
use crate::custody::{Answer, Intent};
use crate::error::{Cause, VaultError};

/// A Vault's initialisation.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "vault:init", provider = VaultServer, naming = fixed)]
pub struct VaultInit {
    /// The fingerprints of its shares, in order.
    #[output(state.fingerprints)]
    pub fingerprints: Output<Vec<String>>,
    this: ResourceRef<Self>,
}

/// How a Vault is initialised. None of it can change afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = VaultInit)]
pub struct VaultInitSpec {
    /// How many shares its key is split into: 1 to 255.
    #[spec(default = 5, replaces)]
    pub shares: u8,
    /// How many of them open it.
    #[spec(default = 3, replaces)]
    pub threshold: u8,
    /// The identity of its storage: a new Vault in another storage is another Vault.
    #[spec(replaces)]
    pub storage: Option<String>,
}

/// What is known of an initialisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaultInitState {
    /// Tells it from all others.
    pub nonce: String,
    /// The keyed fingerprints of the shares, in order.
    pub fingerprints: Vec<String>,
}

/// How long the server may take. On raft storage it takes seconds; after five of them, others gave up and lost the keys.
const ANSWER: Duration = Duration::from_secs(120);

impl VaultInit {
    pub(super) fn draft(name: impl Into<String>) -> VaultInitDraft {
        VaultInitDraft::new(name)
    }
}

impl Kind for VaultInit {
    const FLAGS: KindFlags = KindFlags::new().stateful();

    async fn read(server: &VaultServer, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let (name, recorded) = (PhysicalName::from(find.name()), find.recorded());
        // It was given up, and a crash came before its record went.
        if recorded.is_some() && server.custody.is_retired().await? {
            return Ok(Vec::new());
        }
        let Standing::Ours(ours) = server.standing(recorded.is_some()).await? else { return Ok(Vec::new()) };
        let (intent, answer) = *ours;
        if recorded.is_some_and(|recorded| recorded.state.nonce != intent.nonce) {
            let (address, place) = (server.address(), server.custody.place());
            let difference = format!("custody is of one that was initialised at {}", intent.at);
            return Err(BootstrapStop::SplitBrain { address, place, difference }.into());
        }
        let fingerprints = fingerprints(server, &intent, &answer)?;
        let Intent { nonce, owner, shares, threshold, storage, .. } = intent;
        Ok(vec![Live {
            id: nonce.as_str().into(),
            name,
            spec: VaultInitSpec { shares, threshold, storage },
            state: VaultInitState { nonce, fingerprints },
            owner: Some(owner),
        }])
    }

    async fn create(server: &VaultServer, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        match server.standing(false).await? {
            Standing::Fresh | Standing::Unsent => {}
            // An earlier try of this very create: what it left is told as after a crash.
            Standing::Ours(ours) => {
                let (intent, answer) = *ours;
                let fingerprints = fingerprints(server, &intent, &answer)?;
                return Ok(VaultInitState { nonce: intent.nonce, fingerprints });
            }
        }
        server.custody.probe().await.map_err(VaultError::from)?;
        let intent = intend(make.spec, make.owner, make.entropy);
        server.custody.put_intent(&intent).await.map_err(VaultError::from)?;
        let answer = initialise(server, &intent).await?;
        server.custody.put_answer(&answer).await.map_err(|error| CallFailure {
            error: error.into(),
            partial: None,
            effect: Effect::Unknown,
        })?;
        // Only now: whatever it is, it is kept.
        let fingerprints = fingerprints(server, &intent, &answer).map_err(|error| CallFailure {
            error,
            partial: None,
            effect: Effect::Unknown,
        })?;
        Ok(VaultInitState { nonce: intent.nonce, fingerprints })
    }

    /// Nothing of it can change; taking it over is recorded in custody.
    async fn update(server: &VaultServer, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        if let Some(intent) = server.custody.intent().await.map_err(VaultError::from)? {
            let intent = Intent { owner: change.owner.clone(), ..intent };
            server.custody.put_intent(&intent).await.map_err(VaultError::from)?;
        }
        Ok(change.live.state.clone())
    }

    async fn delete(server: &VaultServer, _: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        server.custody.retire().await.map_err(VaultError::from).map_err(CallFailure::from)
    }

    fn id(_: &PhysicalName, state: &VaultInitState) -> ObjectId {
        state.nonce.as_str().into()
    }

    fn validate(spec: &VaultInitSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        let VaultInitSpec { shares, threshold, .. } = *spec;
        if shares == 0 || threshold == 0 || threshold > shares || (threshold == 1 && shares > 1) {
            findings.errors.push(
                format!("{threshold} of {shares} shares can't open a Vault: 1 of 1, or at least 2 of as many or more")
                    .into(),
            );
        }
        if shares > 1 {
            findings.warnings.push(
                format!("all {shares} shares are kept in one place: this split protects against loss, not theft")
                    .into(),
            );
        }
        findings
    }

    async fn verify(server: &VaultServer, _: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match server.standing(true).await {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        vec![CheckResult { what: "is initialised, and its keys are in custody".into(), failure }]
    }
}

fn intend(spec: &VaultInitSpec, owner: &OwnerTag, entropy: &Entropy) -> Intent {
    let keys = (0..=spec.shares).map(|_| Key::generate().write()).collect();
    Intent {
        nonce: hex::encode(entropy.bytes::<16>()),
        at: Timestamp::now(),
        owner: owner.clone(),
        shares: spec.shares,
        threshold: spec.threshold,
        storage: spec.storage.clone(),
        fingerprint_key: hex::encode(entropy.bytes::<32>()),
        keys,
    }
}

/// The call. It is made once: whatever happens to it, nobody asks again before it is known what became of it.
async fn initialise(server: &VaultServer, intent: &Intent) -> Result<Answer, CallFailure<VaultError, VaultInitState>> {
    let keys: Vec<_> = intent.keys.iter().filter_map(|key| Key::read(key).ok()).map(|key| key.public()).collect();
    let (root, shares) = keys.split_last().expect("BUG: an intent has a key for the root token");
    let body = json!({
        "secret_shares": intent.shares,
        "secret_threshold": intent.threshold,
        "pgp_keys": shares,
        "root_token_pgp_key": root,
    });
    let what = "initialise it";
    match server.client.ask_within(ANSWER, what, Method::POST, "sys/init", Some(&body)).await {
        Ok(answer) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let shares = answer["keys"].as_array().into_iter().flatten().map(text).collect();
            Ok(Answer { shares, root: Some(text(&answer["root_token"])), fingerprints: Vec::new() })
        }
        Err(error) if error.is_unsent() => Err(error.into()),
        // It refused what it was sent.
        Err(error @ VaultError::Call(CallError::Refused { kind: ErrorKind::Invalid, .. })) => {
            Err(CallFailure { error, partial: None, effect: Effect::Unknown })
        }
        Err(error) => {
            let stop = BootstrapStop::NoAnswer { address: server.address(), source: Cause::of(&error) };
            Err(CallFailure { error: stop.into(), partial: None, effect: Effect::Unknown })
        }
    }
}

/// The fingerprints of the shares in an answer. What is not encrypted to our keys is no answer to us.
fn fingerprints(server: &VaultServer, intent: &Intent, answer: &Answer) -> Result<Vec<String>, VaultError> {
    if !answer.fingerprints.is_empty() {
        return Ok(answer.fingerprints.clone());
    }
    let numbers = 1..=intent.shares;
    let opened: Option<Vec<_>> = numbers.map(|number| share(intent, answer, number)).collect();
    let whole = answer.shares.len() == usize::from(intent.shares) && root(intent, answer).is_some();
    match opened {
        Some(shares) if whole => Ok(shares.iter().map(|share| intent.fingerprint(share.expose())).collect()),
        _ => Err(BootstrapStop::KeysIgnored { address: server.address(), place: server.custody.place() }.into()),
    }
}

/// A share, opened with its key.
pub(super) fn share(intent: &Intent, answer: &Answer, number: u8) -> Option<Secret<String>> {
    let place = usize::from(number.checked_sub(1)?);
    let message = hex::decode(answer.shares.get(place)?).ok()?;
    Key::read(intent.keys.get(place)?).ok()?.decrypt(&message).ok()
}

/// The root token, opened with its key.
pub(super) fn root(intent: &Intent, answer: &Answer) -> Option<Secret<String>> {
    let message = STANDARD.decode(answer.root.as_ref()?).ok()?;
    Key::read(intent.keys.get(usize::from(intent.shares))?).ok()?.decrypt(&message).ok()
}
