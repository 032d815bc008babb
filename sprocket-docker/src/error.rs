//! What a call to the engine can fail with.
//!
//! A message says what was attempted; its source is what the engine answered, and no message repeats its source. The
//! mapping of the engine's answers to [`ErrorKind`]s is in one place, [`classify`]. Nothing here holds a body of a request
//! or an answer other than the engine's error message.

use std::error::Error;
use std::fmt::{self, Display};
use std::io;

use sprocket_core::kind::{CallError, ErrorKind, ProviderError};

use crate::service::NotReady;

const ENGINE: &str = "the Docker engine";

/// Why a call to the Docker engine failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerError {
    /// What a call to any service can fail with.
    #[error(transparent)]
    Call(#[from] CallError<EngineAnswer>),
    /// An object was deleted, and is still there.
    #[error("{what} was deleted, and is still there after {seconds} s")]
    Lingers {
        /// The object.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The engine is not a manager of a swarm.
    #[error("the Docker engine at {address} is not a manager of a swarm")]
    NotManager {
        /// The engine's address.
        address: String,
    },
    /// A service was created or updated, and does not work.
    #[error(transparent)]
    NotReady(#[from] Box<NotReady>),
}

/// What the engine answered in place of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The engine's message, without the names of its internals.
    pub message: String,
}

impl Display for EngineAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() { write!(f, "status {}", self.status) } else { f.write_str(&self.message) }
    }
}

impl Error for EngineAnswer {}

impl EngineAnswer {
    fn hint(&self) -> Option<&'static str> {
        let says = |text: &str| self.message.contains(text);
        if says("not a swarm manager") {
            return Some(MANAGER_HINT);
        }
        if says("volume is in use") {
            return Some("the containers of stopped tasks keep it: `docker ps --all --filter volume=NAME` names them");
        }
        says("in use by service").then_some("remove it from that service first")
    }
}

impl DockerError {
    pub(crate) fn refused(what: &str, status: u16, message: &str) -> Self {
        let kind = classify(status, message);
        let message = match message.split_once(" desc = ") {
            Some((rpc, rest)) if rpc.starts_with("rpc error: code = ") => rest,
            _ => message,
        };
        let source = EngineAnswer { status, message: message.trim().to_owned() };
        CallError::Refused { what: what.to_owned(), kind, source }.into()
    }

    pub(crate) fn no_answer(what: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        CallError::NoAnswer { server: ENGINE.into(), what: what.to_owned(), source: source.into() }.into()
    }

    pub(crate) fn unreadable(what: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        CallError::Unreadable { service: ENGINE, what: what.to_owned(), source: source.into() }.into()
    }

    /// An error of bollard's, about a request that went through it.
    pub(crate) fn of(error: bollard::errors::Error, what: &str, address: &str) -> Self {
        use bollard::errors::Error as Bollard;
        match error {
            // Our own transport makes these, and only when it can't connect.
            Bollard::IOError { err } => {
                CallError::Connect { service: ENGINE, address: address.to_owned(), source: err.into() }.into()
            }
            Bollard::DockerResponseServerError { status_code, message } => Self::refused(what, status_code, &message),
            error @ (Bollard::JsonDataError { .. } | Bollard::JsonSerdeError { .. }) => Self::unreadable(what, error),
            error => Self::no_answer(what, error),
        }
    }

    /// What the engine answered, if it refused.
    pub(crate) fn answer(&self) -> Option<&EngineAnswer> {
        match self {
            Self::Call(error) => error.answer(),
            _ => None,
        }
    }

    /// Something that the request mentions is missing, not its subject: trying again won't help.
    pub(crate) fn about_settings(self) -> Self {
        match self {
            Self::Call(CallError::Refused { what, kind: ErrorKind::NotFound, source }) => {
                CallError::Refused { what, kind: ErrorKind::Invalid, source }.into()
            }
            other => other,
        }
    }
}

/// What sort of refusal an answer is. The engine's statuses alone don't tell: swarm errors come as 400 or 500 with the
/// name of their code in the text.
fn classify(status: u16, message: &str) -> ErrorKind {
    let says = |text: &str| message.contains(text);
    if says("update out of sequence") {
        return ErrorKind::Conflict;
    }
    if says("not a swarm manager") {
        return ErrorKind::Denied;
    }
    if says("in use") || says("has active endpoints") {
        return ErrorKind::Conflict;
    }
    if says("already exists") || says("code = AlreadyExists") {
        return ErrorKind::AlreadyExists;
    }
    match status {
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        401 | 403 => ErrorKind::Denied,
        400..=499 => ErrorKind::Invalid,
        _ if says("code = InvalidArgument") => ErrorKind::Invalid,
        // A service that mentions a network that is not there is answered with 500, and no code.
        _ if says("code = NotFound") || message.ends_with(" not found") => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    }
}

impl ProviderError for DockerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Call(error) => error.kind(),
            Self::NotManager { .. } => ErrorKind::Denied,
            Self::NotReady(_) | Self::Lingers { .. } => ErrorKind::Unready,
        }
    }

    fn is_unsent(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_unsent())
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Call(CallError::Connect { address, source, .. }) => Some(connect_hint(address, source.as_ref())),
            Self::Call(CallError::Refused { source, .. }) => source.hint().map(str::to_owned),
            Self::Call(CallError::Changed { .. }) => Some("plan again".into()),
            Self::NotManager { .. } => Some(MANAGER_HINT.into()),
            Self::NotReady(not_ready) => Some(not_ready.hint()),
            _ => None,
        }
    }
}

pub(crate) const MANAGER_HINT: &str = "make it one with `docker swarm init`, or point `DOCKER_HOST` at a node that is";

pub(crate) fn connect_hint(address: &str, error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref().map(io::Error::kind) {
        Some(io::ErrorKind::PermissionDenied) => {
            format!("this user may not open {address}: add it to the group `docker`, or run as one that may")
        }
        _ => "is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_engine_are_told_apart() {
        let check = |status, message, kind| assert_eq!(classify(status, message), kind, "{status} {message}");
        check(404, "network nope not found", ErrorKind::NotFound);
        check(409, "network with name edge already exists", ErrorKind::AlreadyExists);
        check(409, "rpc error: code = AlreadyExists desc = config motd already exists", ErrorKind::AlreadyExists);
        check(409, "remove data: volume is in use - [50d6]", ErrorKind::Conflict);
        check(400, "rpc error: code = FailedPrecondition desc = network n is in use by service s", ErrorKind::Conflict);
        check(403, "error while removing network: network edge has active endpoints", ErrorKind::Conflict);
        check(400, "rpc error: code = InvalidArgument desc = config data must be larger than 0", ErrorKind::Invalid);
        check(500, "rpc error: code = Unknown desc = update out of sequence", ErrorKind::Conflict);
        check(503, "This node is not a swarm manager.", ErrorKind::Denied);
        check(503, "rpc error: code = DeadlineExceeded desc = context deadline exceeded", ErrorKind::Unavailable);
        check(500, "", ErrorKind::Unavailable);
    }

    #[test]
    fn the_engines_internals_are_not_shown() {
        let error = DockerError::refused("create a config", 400, "rpc error: code = InvalidArgument desc = too large");
        assert_eq!(error.to_string(), "could not create a config");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("too large"));
    }
}
