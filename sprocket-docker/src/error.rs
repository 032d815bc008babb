//! What a call to the engine can fail with.
//!
//! A message says what was attempted; its source is what the engine answered, and no message repeats its source. The
//! mapping of the engine's answers to [`ErrorKind`]s is in one place, [`classify`]. Nothing here holds a body of a request
//! or an answer other than the engine's error message.

use std::error::Error;
use std::fmt::{self, Display};
use std::io;

use sprocket_core::kind::{Effect, ErrorKind, Failed, ProviderError};

use crate::service::NotReady;

/// Why a call to the Docker engine failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerError {
    /// There is no connection: nothing was sent, and so nothing was changed.
    #[error("could not connect to the Docker engine at {address}")]
    Connect {
        /// The engine's address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The request was sent, and no answer came: it may have had its effect.
    #[error("the Docker engine did not answer a request to {what}")]
    NoAnswer {
        /// What was attempted.
        what: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The engine refused.
    #[error("could not {what}")]
    Refused {
        /// What was attempted.
        what: String,
        /// What sort of refusal it is.
        kind: ErrorKind,
        /// What the engine answered.
        source: EngineAnswer,
    },
    /// The engine answered something that can't be read.
    #[error("could not read the Docker engine's answer to a request to {what}")]
    Unreadable {
        /// What was attempted.
        what: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The object changed after it was last read.
    #[error("could not {what}: it has changed since it was read")]
    Changed {
        /// What was attempted.
        what: String,
    },
    /// A volume of that name exists, and is not this one.
    #[error("could not create volume `{name}`: there is one of that name already")]
    VolumeExists {
        /// The volume.
        name: String,
    },
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

impl DockerError {
    pub(crate) fn refused(what: &str, status: u16, message: &str) -> Self {
        let kind = classify(status, message);
        let message = match message.split_once(" desc = ") {
            Some((rpc, rest)) if rpc.starts_with("rpc error: code = ") => rest,
            _ => message,
        };
        Self::Refused {
            what: what.to_owned(),
            kind,
            source: EngineAnswer { status, message: message.trim().to_owned() },
        }
    }

    /// An error of bollard's, about a request that went through it.
    pub(crate) fn of(error: bollard::errors::Error, what: &str, address: &str) -> Self {
        use bollard::errors::Error as Bollard;
        match error {
            // Our own transport makes these, and only when it can't connect.
            Bollard::IOError { err } => Self::Connect { address: address.to_owned(), source: err },
            Bollard::DockerResponseServerError { status_code, message } => Self::refused(what, status_code, &message),
            error @ (Bollard::JsonDataError { .. } | Bollard::JsonSerdeError { .. }) => {
                Self::Unreadable { what: what.to_owned(), source: Box::new(error) }
            }
            error => Self::NoAnswer { what: what.to_owned(), source: Box::new(error) },
        }
    }

    /// What the engine answered, if it refused.
    pub(crate) fn answer(&self) -> Option<&EngineAnswer> {
        match self {
            Self::Refused { source, .. } => Some(source),
            _ => None,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Something that the request mentions is missing, not its subject: trying again won't help.
    pub(crate) fn about_settings(self) -> Self {
        match self {
            Self::Refused { what, kind: ErrorKind::NotFound, source } => {
                Self::Refused { what, kind: ErrorKind::Invalid, source }
            }
            other => other,
        }
    }
}

/// A call that failed: where no connection was made, it is known to have had no effect.
pub(crate) fn failed<S>(error: DockerError) -> Failed<DockerError, S> {
    let connected = !matches!(error, DockerError::Connect { .. });
    let mut failed = Failed::from(error);
    if !connected {
        failed.effect = Effect::None;
    }
    failed
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
            Self::Refused { kind, .. } => *kind,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::VolumeExists { .. } => ErrorKind::AlreadyExists,
            Self::NotManager { .. } => ErrorKind::Denied,
            Self::NotReady(_) | Self::Lingers { .. } => ErrorKind::Unready,
            Self::Connect { .. } | Self::NoAnswer { .. } | Self::Unreadable { .. } => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Connect { address, source } => Some(connect_hint(address, source)),
            Self::NotManager { .. } => Some(MANAGER_HINT.into()),
            Self::Refused { source, .. } if source.message.contains("not a swarm manager") => Some(MANAGER_HINT.into()),
            Self::Refused { source, .. } if source.message.contains("volume is in use") => Some(
                "the containers of stopped tasks keep it: `docker ps --all --filter volume=NAME` names them".into(),
            ),
            Self::Refused { source, .. } if source.message.contains("in use by service") => {
                Some("remove it from that service first".into())
            }
            Self::Changed { .. } => Some("plan again".into()),
            Self::NotReady(not_ready) => Some(not_ready.hint()),
            _ => None,
        }
    }
}

pub(crate) const MANAGER_HINT: &str = "make it one with `docker swarm init`, or point `DOCKER_HOST` at a node that is";

pub(crate) fn connect_hint(address: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
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
    fn without_a_connection_nothing_was_changed() {
        let error = DockerError::Connect { address: "unix:///nowhere".into(), source: io::ErrorKind::NotFound.into() };
        assert_eq!(failed::<()>(error).effect, Effect::None);
        assert_eq!(failed::<()>(DockerError::refused("create a thing", 500, "")).effect, Effect::Unknown);
    }

    #[test]
    fn the_engines_internals_are_not_shown() {
        let error = DockerError::refused("create a config", 400, "rpc error: code = InvalidArgument desc = too large");
        assert_eq!(error.to_string(), "could not create a config");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("too large"));
    }
}
