//! What the manager refuses, in the engine's words.

use std::fmt::Display;

use hyper::StatusCode;

/// A status and a message.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// What swarmkit finds invalid.
    pub(crate) fn invalid(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("rpc error: code = InvalidArgument desc = {message}"))
    }

    pub(crate) fn exists(message: impl Display) -> Self {
        Self::new(StatusCode::CONFLICT, format!("rpc error: code = AlreadyExists desc = {message}"))
    }

    /// Another version of an object than the present one was to be changed: 500, not 409.
    pub(crate) fn out_of_sequence() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "rpc error: code = Unknown desc = update out of sequence")
    }

    pub(crate) fn internal(error: &dyn Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}
