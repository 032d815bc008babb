//! HTTP for the services that speak it: calls in, answers out, faults in between.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::faults::{Fault, Faults};

/// A request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Decoded.
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// How faults and messages name it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { status, headers, body: body.to_string().into() }
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }
}

/// What answers.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The name of the service, for faults.
    const NAME: &'static str;
    /// Answers a call.
    fn answer(&self, call: Call) -> impl Future<Output = Answer> + Send;
    /// An error in the form of the service.
    fn error(&self, status: StatusCode, message: &str) -> Answer {
        Answer::json(status, &json!({ "message": message }))
    }
    /// The answer to a call that the sandbox does not know.
    fn unknown(&self, call: &Call) -> Answer {
        self.error(StatusCode::NOT_IMPLEMENTED, &format!("the sandbox has no `{}`", call.name()))
    }
}

/// Serves until the runtime ends.
pub(crate) fn serve<H: Handler>(listener: TcpListener, faults: Faults, handler: Arc<H>) {
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let (handler, faults) = (Arc::clone(&handler), faults.clone());
            tokio::spawn(async move {
                let service = service_fn(|request| respond(&*handler, &faults, request));
                // A connection that was cut, by a client or by a fault, is nobody's error here.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

/// An error cuts the connection.
async fn respond<H: Handler>(
    handler: &H,
    faults: &Faults,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let query = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
    });
    let call = Call {
        method: parts.method,
        path: decode(parts.uri.path()),
        query: query.collect(),
        headers: parts.headers,
        body,
    };
    let fault = faults.take(H::NAME, &call.name());
    match fault {
        Some(Fault::Cut) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Fail) => {
            return Ok(response(handler.error(StatusCode::INTERNAL_SERVER_ERROR, "the sandbox was told to fail")));
        }
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::LoseAnswer) | None => {}
    }
    let answer = handler.answer(call).await;
    if fault == Some(Fault::LoseAnswer) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(response(answer))
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Text of a path or a query, as it was before it was percent-encoded.
fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let digits = others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                rest = &others[2..];
            }
            _ => {
                decoded.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
