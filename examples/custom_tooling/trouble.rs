//! Trouble: why a request is not answered, with the status that HTTP has for it.

use axum::extract::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sprocket::core::document::Document;
use sprocket::core::engine::Refused;

/// Why a request is not answered.
pub enum Trouble {
    /// The engine refused: nothing was called.
    Refused(Refused),
    /// It was not understood.
    Request(StatusCode, String),
    /// A bug, here or in a kind.
    Broken,
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<JsonRejection> for Trouble {
    fn from(rejection: JsonRejection) -> Self {
        Self::Request(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Trouble {
    fn from(rejection: QueryRejection) -> Self {
        Self::Request(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let error =
            |reason, message: &str| Json(Document::new("error", json!({ "reason": reason, "message": message })));
        match self {
            Self::Refused(refused) => (status(&refused), Json(refused)).into_response(),
            Self::Request(status, message) => (status, error("request", &message)).into_response(),
            Self::Broken => {
                (StatusCode::INTERNAL_SERVER_ERROR, error("bug", "the run ended without a report")).into_response()
            }
        }
    }
}

fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Stale { .. } | Refused::Undecided { .. } | Refused::AnotherServer { .. } => StatusCode::CONFLICT,
        refused if refused.is_locked() => StatusCode::CONFLICT,
        Refused::Unreachable { .. } | Refused::Unreadable { .. } | Refused::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refused::Key(_) => StatusCode::INTERNAL_SERVER_ERROR,
        // The program, the plan, or what is recorded: asking again does not help.
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
