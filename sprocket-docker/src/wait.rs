//! Waiting for what the engine finishes later.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::DockerError;

/// How often the engine is asked.
pub(crate) const PACE: Duration = Duration::from_millis(250);

/// Why a try did not do.
#[derive(Debug)]
pub(crate) enum Retry {
    /// It will, later.
    Later(DockerError),
    /// It never will.
    Never(DockerError),
}

/// Tries until it gives something; past the limit, the last refusal counts.
pub(crate) async fn until<T, F>(limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T, DockerError>
where
    F: Future<Output = Result<T, Retry>>,
{
    let end = Instant::now() + limit;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(Retry::Never(error)) => return Err(error),
            Err(Retry::Later(error)) if Instant::now() >= end => return Err(error),
            Err(Retry::Later(_)) => sleep(PACE).await,
        }
    }
}

/// Waits until something that was deleted is no longer there.
pub(crate) async fn gone<F>(limit: Duration, what: &str, mut is_gone: impl FnMut() -> F) -> Result<(), DockerError>
where
    F: Future<Output = Result<bool, DockerError>>,
{
    until(limit, || {
        let asked = is_gone();
        async {
            match asked.await {
                Ok(true) => Ok(()),
                Ok(false) => {
                    Err(Retry::Later(DockerError::Lingers { what: what.to_owned(), seconds: limit.as_secs() }))
                }
                Err(error) => Err(Retry::Never(error)),
            }
        }
    })
    .await
}
