//! What a call to a Vault can fail with.
//!
//! A message says what was attempted; its source is what the server answered, and no message repeats its source. The
//! mapping of the server's answers to [`ErrorKind`]s is in one place, [`classify`]. Nothing here holds a body of a request
//! or an answer other than the server's own error messages: a body may have a token or a share in it.

use std::error::Error;
use std::fmt::{self, Display};

use crate::bootstrap::BootstrapStop;
use crate::custody::CustodyError;
use sprocket_core::kind::{CallError, ErrorKind, ProviderError};

const VAULT: &str = "the Vault";

/// Why a call to a Vault failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// What a call to any service can fail with.
    #[error(transparent)]
    Call(#[from] CallError<VaultAnswer>),
    /// No connection could be made when the provider was opened: the server may not have been started yet.
    #[error("could not connect to the Vault at {address}")]
    NotUp {
        /// The server's address.
        address: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server is there, and serves nothing yet.
    #[error("the Vault at {address} is {why}")]
    Closed {
        /// The server's address.
        address: String,
        /// Why.
        why: WhyClosed,
    },
    /// The token is not one of this server's.
    #[error("the Vault at {address} does not accept the token")]
    WrongToken {
        /// The server's address.
        address: String,
    },
    /// There is no token to identify with.
    #[error("there is no token for the Vault")]
    NoToken,
    /// Custody has no token, or one that is not accepted any more.
    #[error("the custody in {place} has no token that the Vault at {address} accepts")]
    TokenGone {
        /// The server's address.
        address: String,
        /// Where custody is.
        place: String,
    },
    /// Custody could not be used.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// A bootstrap can't go on.
    #[error(transparent)]
    Stop(#[from] BootstrapStop),
}

/// Why a server serves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyClosed {
    /// It has never been initialised.
    Uninitialised,
    /// It is sealed.
    Sealed,
}

impl Display for WhyClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uninitialised => "not initialised",
            Self::Sealed => "sealed",
        })
    }
}

/// The innermost cause of a failed exchange. What lies around it repeats what was attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self(innermost.to_string())
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Cause {}

/// What the server answered in place of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The server's messages.
    pub messages: Vec<String>,
}

impl Display for VaultAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Several errors come as one text: a line that counts them, and an item for each.
        let lines = self.messages.iter().flat_map(|message| message.lines());
        let said: Vec<_> = lines
            .map(|line| line.trim().trim_start_matches("* "))
            .filter(|line| !line.is_empty() && !line.ends_with("occurred:"))
            .collect();
        let said = said.join("; ");
        if said.is_empty() { write!(f, "status {}", self.status) } else { f.write_str(&said) }
    }
}

impl Error for VaultAnswer {}

impl VaultError {
    pub(crate) fn refused(what: &str, status: u16, messages: Vec<String>) -> Self {
        let source = VaultAnswer { status, messages };
        CallError::Refused { what: what.to_owned(), kind: classify(&source), source }.into()
    }

    pub(crate) fn too_long(what: &str) -> Self {
        Self::unread(what, Cause("it is longer than 64 MiB".into()))
    }

    pub(crate) fn unreadable(what: &str) -> Self {
        Self::unread(what, Cause("it is not what the API describes".into()))
    }

    fn unread(what: &str, source: Cause) -> Self {
        CallError::Unreadable { service: VAULT, what: what.to_owned(), source: source.into() }.into()
    }

    pub(crate) fn no_connection(address: &str, source: Cause) -> Self {
        CallError::Connect { service: VAULT, address: address.to_owned(), source: source.into() }.into()
    }

    fn no_answer(what: &str, source: Cause) -> Self {
        CallError::NoAnswer { server: VAULT.into(), what: what.to_owned(), source: source.into() }.into()
    }

    /// An error of the HTTP client.
    pub(crate) fn of_http(error: &reqwest::Error, what: &str, address: &str) -> Self {
        let source = Cause::of(error);
        if error.is_connect() || error.is_builder() {
            Self::no_connection(address, source)
        } else if error.is_decode() {
            Self::unreadable(what)
        } else if error.is_timeout() {
            Self::no_answer(what, Cause("the time is over".into()))
        } else {
            Self::no_answer(what, source)
        }
    }

    /// An error of vaultrs'.
    pub(crate) fn of(error: vaultrs::error::ClientError, what: &str, address: &str) -> Self {
        use vaultrs::error::ClientError as Typed;
        if let Typed::APIError { code, errors } = error {
            return Self::refused(what, code, errors);
        }
        let mut source: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = source {
            if let Some(http) = error.downcast_ref::<reqwest::Error>() {
                return Self::of_http(http, what, address);
            }
            source = error.source();
        }
        Self::unread(what, Cause::of(&error))
    }
}

/// What sort of refusal an answer is. Most refusals are a 400, and only the text tells them apart.
fn classify(answer: &VaultAnswer) -> ErrorKind {
    let says = |text: &str| answer.messages.iter().any(|message| message.contains(text));
    if says("path is already in use") || says("existing mount at") {
        return ErrorKind::AlreadyExists;
    }
    if says("check-and-set parameter did not match") {
        return ErrorKind::Conflict;
    }
    // A mount of version 2 answers so for a moment after it was made.
    if says("Upgrading from non-versioned to versioned data") {
        return ErrorKind::Unavailable;
    }
    match answer.status {
        404 => ErrorKind::NotFound,
        401 | 403 => ErrorKind::Denied,
        412 | 429 | 500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    }
}

impl ProviderError for VaultError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Call(error) => error.kind(),
            Self::WrongToken { .. } | Self::NoToken => ErrorKind::Denied,
            Self::Custody(error) => error.kind(),
            Self::Stop(stop) => stop.kind(),
            // The bootstrap makes a token, as it starts and unseals.
            Self::Closed { .. } | Self::NotUp { .. } | Self::TokenGone { .. } => ErrorKind::Closed,
        }
    }

    fn is_unsent(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_unsent())
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Call(CallError::Connect { address, .. }) | Self::NotUp { address, .. } => {
                format!("does it run, and is this its address? `curl {address}/v1/sys/seal-status` asks the same")
            }
            Self::Closed { why: WhyClosed::Sealed, .. } => {
                "unseal it, or declare its bootstrap in the program, which unseals it from custody".into()
            }
            Self::Closed { why: WhyClosed::Uninitialised, .. } => {
                "initialise it, or declare its bootstrap in the program, which initialises and unseals it".into()
            }
            Self::WrongToken { .. } => {
                "it has expired, was revoked, or is another server's: `VAULT_TOKEN=… vault token lookup` asks the same"
                    .into()
            }
            Self::NoToken => "set `VAULT_TOKEN`, or give the provider its `.credentials(…)`".into(),
            Self::Call(CallError::Refused { kind: ErrorKind::Denied, .. }) => {
                "no policy of the token allows it; `vault token capabilities PATH` says what it may".into()
            }
            Self::Call(CallError::Changed { .. }) => "plan again".into(),
            Self::TokenGone { .. } => "bring the custody back that has one".into(),
            Self::Custody(error) => return error.hint(),
            Self::Stop(stop) => stop.hint(),
            _ => return None,
        };
        Some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_server_are_told_apart() {
        let check = |status, message: &str, kind| {
            let answer = VaultAnswer { status, messages: vec![message.to_owned()] };
            assert_eq!(classify(&answer), kind, "{status} {message}");
        };
        check(400, "path is already in use at apps/", ErrorKind::AlreadyExists);
        check(400, "check-and-set parameter did not match the current version", ErrorKind::Conflict);
        check(400, "Upgrading from non-versioned to versioned data. This backend…", ErrorKind::Unavailable);
        check(400, "unknown backend type: \"nope\"", ErrorKind::Invalid);
        check(403, "permission denied", ErrorKind::Denied);
        check(404, "no handler for route \"nope/\"", ErrorKind::NotFound);
        check(429, "request path: rate limit quota exceeded", ErrorKind::Unavailable);
        check(503, "Vault is sealed", ErrorKind::Unavailable);
        check(500, "local node not active but active cluster node not found", ErrorKind::Unavailable);
    }

    #[test]
    fn an_answer_without_messages_says_its_status() {
        let error = VaultError::refused("read policy `a`", 404, Vec::new());
        assert_eq!(error.to_string(), "could not read policy `a`");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("status 404"));
    }

    #[test]
    fn several_messages_are_one_line() {
        let messages = vec!["2 errors occurred:\n\t* permission denied\n\t* path not found\n\n".to_owned()];
        assert_eq!(VaultAnswer { status: 403, messages }.to_string(), "permission denied; path not found");
    }
}
