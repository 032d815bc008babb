//! Faults: a failed call, with the types of its kind taken off.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::base::{Effect, Json};
use crate::kind::{CallFailure, Deadline, ErrorKind, ProviderError, State};
use crate::value::{StackKey, provider_call, sealing};

/// A failed call: why, what can be done about it, and what it left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    /// What was attempted, and then each cause.
    pub(crate) chain: Vec<String>,
    pub(crate) hint: Option<String>,
    pub(crate) effect: Effect,
    /// What the service reported of an object that exists in spite of the failure.
    pub(crate) partial: Option<Json>,
}

/// A provider that falls over while it reads has found out nothing. What it said may quote a secret, and is not repeated.
pub(crate) fn reading<'a, T: Send + 'a>(
    key: &StackKey,
    call: impl Future<Output = Result<T, Fault>> + Send + 'a,
) -> BoxFuture<'a, Result<T, Fault>> {
    let panicked = || Fault::new(ErrorKind::Invalid, "the provider panicked").hint("this is a bug of the provider");
    AssertUnwindSafe(provider_call(key, call))
        .catch_unwind()
        .map(move |ended| ended.unwrap_or_else(|_| Err(panicked())))
        .boxed()
}

/// A call that gives no answer in time has failed, and nobody knows with what effect.
pub(crate) async fn limited<T>(limit: Duration, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(no_answer(limit)))
}

/// The same, for a call that shares its limit with others before it.
pub(crate) async fn within<T>(limit: Deadline, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(limit.left(), call).await.unwrap_or_else(|_| Err(no_answer(limit.limit())))
}

fn no_answer(limit: Duration) -> Fault {
    Fault::new(ErrorKind::Unavailable, format!("there was no answer within {} s", limit.as_secs_f64()))
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let effect = if kind == ErrorKind::Unavailable { Effect::Unknown } else { Effect::None };
        Self { kind, chain: vec![message.into()], hint: None, effect, partial: None }
    }

    pub(crate) fn invalid(mistake: &crate::value::Mistake) -> Self {
        Self::new(ErrorKind::Invalid, mistake.to_string())
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn of<E: ProviderError>(error: &E) -> Self {
        let mut fault = Self::new(error.kind(), error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if fault.chain.last() != Some(&text) {
                fault.chain.push(text);
            }
            cause = error.source();
        }
        fault.hint = error.hint();
        fault
    }

    pub(super) fn failed<E: ProviderError, S: State>(failed: &CallFailure<E, S>, key: &StackKey) -> Self {
        let partial = failed.partial.as_ref().and_then(|state| sealing(key, || Json::of(state)).ok());
        Self { effect: failed.effect, partial, ..Self::of(&failed.error) }
    }

    /// The same, with the secrets that are known by now blotted out.
    pub(crate) fn redacted(mut self, key: &StackKey) -> Self {
        self.chain.iter_mut().for_each(|part| *part = key.redact(part));
        self.hint = self.hint.map(|hint| key.redact(&hint));
        self
    }

    /// The message, with its causes.
    pub(crate) fn message(&self) -> String {
        self.chain.join(": ")
    }
}
