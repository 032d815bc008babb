//! The connection to a server: one HTTP client, and two ways to ask through it.
//!
//! [`typed`](Client::typed) is vaultrs, for what it has and reads as the servers answer. [`ask`](Client::ask) takes and
//! gives JSON as it is: for what vaultrs lacks (seal status, tuning of mounts), what it can't read (OpenBao's health), and
//! for answers that have shares or tokens in them, which are read in one place. Nothing is sent twice by either.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use sprocket_core::kind::{CallError, Deadline};
use sprocket_core::program::Secret;
use vaultrs::client::{VaultClient, VaultClientSettingsBuilder};
use vaultrs::error::ClientError;

use crate::address::VaultAddress;
use crate::error::VaultError;
use crate::fault;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a server may take from its start until it listens.
const STARTS: Duration = Duration::from_secs(5);

/// A connection, with a token or without.
pub(crate) struct Client {
    address: VaultAddress,
    typed: VaultClient,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.address)
    }
}

/// What a server says of itself to anyone.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct SealStatus {
    pub(crate) initialized: bool,
    pub(crate) sealed: bool,
    /// How many shares open it.
    #[serde(rename = "t", default)]
    pub(crate) threshold: u64,
    /// How many shares there are.
    #[serde(rename = "n", default)]
    pub(crate) shares: u64,
    /// Only an open server says it.
    pub(crate) cluster_id: Option<String>,
}

impl Client {
    /// Speaks to nobody yet.
    pub(crate) fn new(address: &VaultAddress, token: Option<&Secret<String>>) -> Result<Self, VaultError> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            VaultError::no_connection(address.as_str(), crate::error::Cause::of(error))
        };
        let settings = VaultClientSettingsBuilder::default()
            .address(address.as_str())
            .token(token.map(|token| token.expose().clone()).unwrap_or_default())
            .timeout(Some(ANSWER))
            .build()
            .map_err(|error| failed(&error))?;
        let typed = VaultClient::new(settings).map_err(|error| failed(&error))?;
        Ok(Self { address: address.clone(), typed })
    }

    pub(crate) fn address(&self) -> &VaultAddress {
        &self.address
    }

    pub(crate) fn typed(&self) -> &VaultClient {
        &self.typed
    }

    /// Names what failed.
    pub(crate) fn failed(&self, what: &str) -> impl FnOnce(ClientError) -> VaultError {
        move |error| VaultError::of(error, what, self.address.as_str())
    }

    /// Sends a request, and reads the answer. An empty one is `null`.
    pub(crate) async fn ask(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, VaultError> {
        self.ask_within(ANSWER, what, method, path, body).await
    }

    pub(crate) async fn get(&self, what: &str, path: &str) -> Result<Value, VaultError> {
        self.ask(what, Method::GET, path, None).await
    }

    /// The same for what may take longer.
    pub(crate) async fn ask_within(
        &self,
        limit: Duration,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, VaultError> {
        let failed = |error: reqwest::Error| VaultError::of_http(&error, what, self.address.as_str());
        let url = format!("{}/v1/{path}", self.address);
        let mut request = self.typed.http.http.request(method, url).timeout(limit).header("X-Vault-Request", "true");
        if !self.typed.settings.token.is_empty() {
            request = request.header("X-Vault-Token", &self.typed.settings.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        fault::point("before a request");
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let text = whole(response, what).await?.map_err(failed)?;
        fault::point("after a request");
        if (200..300).contains(&status) {
            if text.trim().is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_str(&text).map_err(|_| VaultError::unreadable(what));
        }
        Err(VaultError::refused(what, status, messages(&text)))
    }

    /// The same when a provider is opened, which may be right after the server was started: it is waited for.
    pub(crate) async fn first_seal_status(&self) -> Result<SealStatus, VaultError> {
        let deadline = Deadline::after(STARTS);
        loop {
            let answer = self.seal_status().await;
            let is_starting = match &answer {
                Err(VaultError::Call(CallError::Connect { .. })) => true,
                // For a moment of its initialisation, which a killed run may have begun, a server fails to say.
                Err(VaultError::Call(CallError::Refused { source, .. })) => source.status == 500,
                _ => false,
            };
            if is_starting && !deadline.is_over() {
                // Nobody tells when it has started: it is asked again.
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            match answer {
                Err(VaultError::Call(CallError::Connect { address, source, .. })) => {
                    return Err(VaultError::NotUp { address, source });
                }
                other => return other,
            }
        }
    }

    /// Whether the server is initialised and open.
    pub(crate) async fn seal_status(&self) -> Result<SealStatus, VaultError> {
        let what = "say whether it is sealed";
        let answer = self.get(what, "sys/seal-status").await?;
        serde_json::from_value(answer).map_err(|_| VaultError::unreadable(what))
    }
}

/// The longest answer that is read.
const LONGEST: usize = 64 << 20;

/// All of an answer, unless it is longer than any is: what answers may be anybody.
async fn whole(mut response: reqwest::Response, what: &str) -> Result<Result<String, reqwest::Error>, VaultError> {
    let mut text = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if text.len() + chunk.len() > LONGEST => return Err(VaultError::too_long(what)),
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            Ok(None) => return String::from_utf8(text).map(Ok).map_err(|_| VaultError::unreadable(what)),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// The server's messages in an answer. What is not of its form is left out: nobody knows what is in it.
fn messages(text: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<String>,
    }
    serde_json::from_str::<Errors>(text).map(|found| found.errors).unwrap_or_default()
}
