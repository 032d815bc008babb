//! What a call to any service can fail with: what the errors of providers have in common.

use std::error::Error;

use crate::kind::{ErrorKind, ProviderError};

/// Why something went wrong, where only its text is of use.
type Source = Box<dyn Error + Send + Sync>;

/// What a call to any service can fail with. `A` is what the service answers in place of a result.
///
/// A provider's error holds it beside what only that service can fail with, and says how an answer is to be read. No part of
/// it may hold a request, or more of an answer than the service's own message: there may be a secret in it.
#[derive(Debug, thiserror::Error)]
pub enum CallError<A: Error + Send + Sync + 'static> {
    /// There is no connection: nothing was sent, and so nothing was changed.
    #[error("could not connect to {service} at {address}")]
    Connect {
        /// What it is: `the Docker engine`.
        service: &'static str,
        /// The server's address.
        address: String,
        /// Why.
        source: Source,
    },
    /// The request was sent, and no answer came: it may have had its effect.
    #[error("{server} did not answer a request to {what}")]
    NoAnswer {
        /// The server, as people call it.
        server: String,
        /// What was attempted.
        what: String,
        /// Why.
        source: Source,
    },
    /// The server answered something that can't be read.
    #[error("could not read {service}'s answer to a request to {what}")]
    Unreadable {
        /// What it is: `the Docker engine`.
        service: &'static str,
        /// What was attempted.
        what: String,
        /// Why.
        source: Source,
    },
    /// The server refused.
    #[error("could not {what}")]
    Refused {
        /// What was attempted.
        what: String,
        /// What sort of refusal it is.
        kind: ErrorKind,
        /// What the server answered.
        source: A,
    },
    /// The object changed after it was last read.
    #[error("could not {what}: it has changed since it was read")]
    Changed {
        /// What was attempted.
        what: String,
    },
    /// An object of that name exists, and is not this one.
    #[error("could not create {what}: there is one of that name already")]
    Exists {
        /// The object.
        what: String,
    },
}

impl<A: Error + Send + Sync + 'static> CallError<A> {
    /// What the server answered, if it refused.
    pub fn answer(&self) -> Option<&A> {
        match self {
            Self::Refused { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl<A: Error + Send + Sync + 'static> ProviderError for CallError<A> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { kind, .. } => *kind,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::Exists { .. } => ErrorKind::AlreadyExists,
            Self::Connect { .. } | Self::NoAnswer { .. } | Self::Unreadable { .. } => ErrorKind::Unavailable,
        }
    }

    fn is_unsent(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::kind::{CallFailure, Effect};

    type Any = CallError<io::Error>;

    fn refused(kind: ErrorKind) -> Any {
        CallError::Refused { what: "create a thing".into(), kind, source: io::ErrorKind::Other.into() }
    }

    #[test]
    fn without_a_connection_nothing_was_changed() {
        let error: Any = CallError::Connect {
            service: "the service",
            address: "unix:///nowhere".into(),
            source: Box::new(io::Error::from(io::ErrorKind::NotFound)),
        };
        assert_eq!(error.to_string(), "could not connect to the service at unix:///nowhere");
        assert_eq!(CallFailure::<_, ()>::from(error).effect, Effect::None);
        let cut: Any =
            CallError::NoAnswer { server: "the service".into(), what: "create a thing".into(), source: "cut".into() };
        assert_eq!(cut.to_string(), "the service did not answer a request to create a thing");
        assert_eq!(CallFailure::<_, ()>::from(cut).effect, Effect::Unknown);
        assert_eq!(CallFailure::<_, ()>::from(refused(ErrorKind::Unavailable)).effect, Effect::Unknown);
        assert_eq!(CallFailure::<_, ()>::from(refused(ErrorKind::Invalid)).effect, Effect::None);
    }

    #[test]
    fn a_message_says_what_was_attempted_and_its_source_the_answer() {
        let error = refused(ErrorKind::NotFound);
        assert_eq!(error.to_string(), "could not create a thing");
        assert_eq!(error.source().map(ToString::to_string), error.answer().map(ToString::to_string));
        assert!(error.is_not_found() && !refused(ErrorKind::Denied).is_not_found());
    }
}
