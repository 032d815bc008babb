//! The connection to an engine: one transport, and two ways to ask through it.
//!
//! [`typed`](Client::typed) is bollard, for what its models hold whole and what can't contain a secret: networks, volumes,
//! nodes, the engine itself. [`get`](Client::get) and its like take and give JSON as it is: for services, because
//! bollard's model loses the health check of each that it reads and encodes registry logins with the wrong alphabet; for
//! configs, secrets and tasks, because bollard writes bodies to the log.
//!
//! Each request has a connection of its own: that is cheap on a socket, no request can be lost on one that the engine is
//! closing, and a failure to connect is known to have had no effect.

use std::io;
use std::time::Duration;

use base64::Engine as _;
use bollard::BollardRequest;
use bollard::errors::Error as BollardError;
use http_body_util::{BodyExt as _, Collected, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use sprocket_core::kind::ProviderError;

use crate::error::DockerError;
use crate::provider::EngineAddress;

/// How long a connection may take. An engine answers at once or is not there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take. A manager that has lost its quorum answers after some 20 s.
const ANSWER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Client {
    address: EngineAddress,
    typed: bollard::Docker,
}

/// A request to be sent as JSON.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// From the version on: `/services/create?…`, percent-encoded.
    pub(crate) path: String,
    pub(crate) body: Option<&'a Value>,
    /// The registry login, in the form of the header `X-Registry-Auth`.
    pub(crate) registry_auth: Option<String>,
}

impl Client {
    /// Connects, and agrees on the newest version of the API that both sides speak.
    pub(crate) async fn connect(address: &EngineAddress) -> Result<Self, DockerError> {
        let what = "agree on a version of its API";
        let failed = |error| DockerError::of(error, what, &address.text());
        let at = address.clone();
        let transport = move |request: BollardRequest| {
            let at = at.clone();
            async move { exchange(&at, request).await }
        };
        let host = Some("http://docker");
        let docker = bollard::Docker::connect_with_custom_transport(
            transport,
            host,
            ANSWER.as_secs(),
            bollard::API_DEFAULT_VERSION,
        )
        .map_err(failed)?;
        let typed = docker.negotiate_version().await.map_err(failed)?;
        Ok(Self { address: address.clone(), typed })
    }

    pub(crate) fn address(&self) -> &EngineAddress {
        &self.address
    }

    /// The version of the API that was agreed on.
    pub(crate) fn version(&self) -> String {
        let version = self.typed.client_version();
        format!("{}.{}", version.major_version, version.minor_version)
    }

    pub(crate) fn typed(&self) -> &bollard::Docker {
        &self.typed
    }

    /// Names what failed.
    pub(crate) fn failed(&self, what: &str) -> impl FnOnce(BollardError) -> DockerError {
        move |error| DockerError::of(error, what, &self.address.text())
    }

    pub(crate) async fn get(&self, what: &str, path: String) -> Result<Value, DockerError> {
        self.ask(what, Ask { method: Method::GET, path, body: None, registry_auth: None }).await
    }

    pub(crate) async fn post(&self, what: &str, path: String, body: &Value) -> Result<Value, DockerError> {
        self.ask(what, Ask { method: Method::POST, path, body: Some(body), registry_auth: None }).await
    }

    /// Deletes, and succeeds if there is nothing to delete.
    pub(crate) async fn delete(&self, what: &str, path: String) -> Result<(), DockerError> {
        match self.ask(what, Ask { method: Method::DELETE, path, body: None, registry_auth: None }).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Sends a request, and reads the answer. An empty one is `null`.
    pub(crate) async fn ask(&self, what: &str, ask: Ask<'_>) -> Result<Value, DockerError> {
        let no_answer = |source: Box<dyn std::error::Error + Send + Sync>| DockerError::no_answer(what, source);
        let body = ask.body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = ask.method;
        let uri = format!("/v{}{}", self.version(), ask.path);
        *request.uri_mut() = uri.parse().map_err(|error| no_answer(Box::new(error)))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(auth) = ask.registry_auth {
            let mut value = HeaderValue::try_from(auth).map_err(|error| no_answer(Box::new(error)))?;
            value.set_sensitive(true);
            request.headers_mut().insert("X-Registry-Auth", value);
        }
        let answer = async {
            let response = exchange(&self.address, request)
                .await
                .map_err(|error| DockerError::of(error, what, &self.address.text()))?;
            let status = response.status();
            let body = whole(response.into_body()).await.map_err(no_answer)?;
            Ok::<_, DockerError>((status, body))
        };
        let (status, body) = timeout(ANSWER, answer).await.map_err(|error| no_answer(Box::new(error)))??;
        tracing::debug!(what, status = status.as_u16(), bytes = body.len(), "the engine answered");
        if !status.is_success() {
            let value: Value = serde_json::from_slice(&body).unwrap_or_default();
            let message = value["message"].as_str().unwrap_or_default();
            return Err(DockerError::refused(what, status.as_u16(), message));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| DockerError::unreadable(what, error))
    }
}

/// The longest answer that is read: an engine tells of thousands of services in less.
const LONGEST: usize = 64 << 20;

/// All of an answer, unless it is longer than any is.
async fn whole<B>(body: B) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    Limited::new(body, LONGEST)
        .collect()
        .await
        .map(Collected::to_bytes)
        .map_err(|error| if error.is::<LengthLimitError>() { "the answer is longer than 64 MiB".into() } else { error })
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

async fn open(address: &EngineAddress) -> io::Result<Box<dyn Io>> {
    let open = async {
        Ok(match address {
            EngineAddress::Unix(path) => Box::new(UnixStream::connect(path).await?) as Box<dyn Io>,
            EngineAddress::Tcp { host, port } => Box::new(TcpStream::connect((host.as_str(), *port)).await?),
        })
    };
    timeout(CONNECT, open).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Sends a request on a new connection. An [`BollardError::IOError`] means that there was none.
async fn exchange<B>(address: &EngineAddress, mut request: Request<B>) -> Result<Response<Incoming>, BollardError>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse()?;
    *request.uri_mut() = path;
    request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
    let stream = open(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // What ends it ends the request too, and is reported there.
        let _ = connection.await;
    });
    Ok(sender.send_request(request).await?)
}

/// Text as part of a path or a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The base64 that the engine expects in headers: the alphabet for URLs.
pub(crate) fn header_base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::URL_SAFE.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_paths_is_encoded() {
        assert_eq!(encode("a-b_c.d~e"), "a-b_c.d~e");
        assert_eq!(encode(r#"{"name":["ä/b"]}"#), "%7B%22name%22%3A%5B%22%C3%A4%2Fb%22%5D%7D");
    }

    #[test]
    fn logins_are_encoded_for_urls() {
        // The standard alphabet would give `+` and `/`, which the engine can't read.
        assert_eq!(header_base64(&[0xfb, 0xef, 0xff]), "--__");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        struct Endless;
        impl Body for Endless {
            type Data = Bytes;
            type Error = io::Error;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, io::Error>>> {
                std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(Bytes::from_static(&[b' '; 1 << 16])))))
            }
        }
        assert_eq!(whole(Endless).await.unwrap_err().to_string(), "the answer is longer than 64 MiB");
    }
}
