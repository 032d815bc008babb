//! An S3 server: buckets with versions, tags and lifecycles, objects with conditional writes, signed with [`S3_KEY`].
//!
//! - [`account`]: what is kept.
//! - [`api`]: the calls.
//!
//! Requests are read, their signatures checked and answers written by the crate `s3s`. Buckets are named in the path. Rules of a
//! lifecycle are kept and never carried out.

mod account;
mod api;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Result, s3_error};

use self::account::Account;
use crate::error::SandboxError;
use crate::faults::{Fault, Faults};
use crate::service::Service;
use crate::world::{Kept, World};

/// The id of the access key that requests are signed with.
pub const S3_KEY: &str = "sandbox";

/// The secret of that key.
pub const S3_SECRET: &str = "sandbox-secret";

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct S3 {
    account: Arc<Kept<Account>>,
}

impl Service for S3 {
    const NAME: &'static str = "s3";

    async fn start(world: &World, faults: &Faults) -> Result<SocketAddr, SandboxError> {
        let s3 = Self { account: Arc::new(world.kept(Self::NAME)?) };
        let mut builder = S3ServiceBuilder::new(s3);
        builder.set_auth(Keys);
        let (service, faults) = (builder.build(), faults.clone());
        let listener = world.listen(Self::NAME).await?;
        let address = listener.local_addr().map_err(|source| SandboxError::Start { service: Self::NAME, source })?;
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                // An answer is several packets, and none waits until the client has taken the one before.
                let _ = stream.set_nodelay(true);
                let (service, faults) = (service.clone(), faults.clone());
                tokio::spawn(async move {
                    let answer = service_fn(|request| respond(&service, &faults, request));
                    // A connection that was cut, by a client or by a fault, is nobody's error here.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Ok(address)
    }
}

/// The access keys: one.
struct Keys;

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, id: &str) -> S3Result<SecretKey> {
        if id == S3_KEY {
            return Ok(S3_SECRET.into());
        }
        Err(s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records."))
    }
}

/// An error cuts the connection.
async fn respond(service: &S3Service, faults: &Faults, request: Request<Incoming>) -> io::Result<Response<s3s::Body>> {
    let call = format!("{} {}", request.method(), request.uri());
    let fault = faults.take(S3::NAME, &call);
    match fault {
        Some(Fault::Cut) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Fail) => {
            let mut failed = Response::new(s3s::Body::empty());
            *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(failed);
        }
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::LoseAnswer) | None => {}
    }
    let answer =
        service.call(request.map(s3s::Body::from)).await.map_err(|error| io::Error::other(format!("{error:?}")))?;
    if fault == Some(Fault::LoseAnswer) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(answer)
}
