//! Proof that a service works: it has converged, and answers on its ports in the protocol that it is said to speak.
//!
//! A bare connection proves nothing: on an ingress port the node itself accepts it. So bytes are exchanged, and a port
//! without a declared protocol is reported as not checked.

use std::time::Duration;

use serde_json::Value;
use sprocket_core::kind::{CheckResult, Deadline, Recorded, with_causes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::policy::{Port, Protocol, PublishMode};
use super::reach::Reach;
use super::{Service, converge};
use crate::error::DockerError;
use crate::provider::Docker;

const ANSWER: Duration = Duration::from_secs(5);
/// How long a service that runs may take until it listens.
const LISTENS: Duration = Duration::from_secs(10);

pub(crate) async fn verify(docker: &Docker, record: &Recorded<Service>, deadline: Deadline) -> Vec<CheckResult> {
    let tasks = match (record.spec.global, record.spec.replicas) {
        (true, _) => "on every node that may run it".to_owned(),
        (false, 1) => "with 1 task".to_owned(),
        (false, replicas) => format!("with {replicas} tasks"),
    };
    let converged = converge::wait(docker, record, deadline).await;
    let what = format!("runs {tasks}");
    if let Err(error) = converged {
        return vec![CheckResult { what, failure: Some(with_causes(&error)) }];
    }
    let mut checks = vec![CheckResult { what, failure: None }];
    if !record.spec.global && record.spec.replicas == 0 {
        return checks;
    }
    for port in &record.spec.ports {
        checks.push(check_port(docker, record, port, deadline).await);
    }
    checks
}

async fn check_port(docker: &Docker, record: &Recorded<Service>, port: &Port, deadline: Deadline) -> CheckResult {
    let (Some(published), Some(protocol)) = (port.published, &port.speaks) else {
        let what =
            format!("port {} is not checked: no protocol is declared for it", port.published.unwrap_or(port.target));
        return CheckResult { what, failure: None };
    };
    let reach = match reach(docker, record, port.mode, published).await {
        Ok(reach) => reach,
        Err(error) => {
            return CheckResult { what: format!("port {published} answers"), failure: Some(with_causes(&error)) };
        }
    };
    let what = format!("answers {} on {reach}", question(protocol));
    let end = Deadline::after(LISTENS.min(deadline.left()));
    loop {
        let asked = timeout(ANSWER, ask(&reach, protocol)).await;
        let failure = match asked {
            Ok(Ok(())) => return CheckResult { what, failure: None },
            Ok(Err(failure)) => failure,
            Err(_) => format!("no answer within {} s", ANSWER.as_secs()),
        };
        if end.is_over() {
            return CheckResult { what, failure: Some(failure) };
        }
        sleep(crate::wait::PACE).await;
    }
}

fn question(protocol: &Protocol) -> String {
    match protocol {
        Protocol::Http { path } => format!("GET {path}"),
        Protocol::Redis => "PING".into(),
        Protocol::Amqp => "an AMQP greeting".into(),
    }
}

/// Where a port is reached from here: on the engine's host, or on the node that a task runs on.
async fn reach(
    docker: &Docker,
    record: &Recorded<Service>,
    mode: PublishMode,
    published: u16,
) -> Result<Reach, DockerError> {
    let here = Reach::on(docker.client.address(), published);
    if mode == PublishMode::Ingress {
        return Ok(here);
    }
    let what = "say which node it is";
    let info = docker.client.typed().info().await.map_err(docker.client.failed(what))?;
    let own = info.swarm.and_then(|swarm| swarm.node_id).unwrap_or_default();
    let running = converge::running_nodes(docker, record).await?;
    if running.is_empty() || running.contains(&own) {
        return Ok(here);
    }
    let nodes = converge::nodes(docker).await?;
    let mut nodes = nodes.as_array().into_iter().flatten();
    let node = nodes.find(|node| node["ID"].as_str().is_some_and(|id| running.contains(id)));
    Ok(node
        .and_then(|node| node["Status"]["Addr"].as_str())
        .map_or(here, |host| Reach { host: host.to_owned(), port: published }))
}

/// Exchanges a question and the beginning of its answer.
async fn ask(at: &Reach, protocol: &Protocol) -> Result<(), String> {
    let failed = |what: &str, error: std::io::Error| format!("{what}: {error}");
    let mut stream =
        TcpStream::connect((at.host.as_str(), at.port)).await.map_err(|error| failed("no connection", error))?;
    let question = match protocol {
        Protocol::Http { path } => {
            format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").into_bytes()
        }
        Protocol::Redis => b"PING\r\n".to_vec(),
        Protocol::Amqp => b"AMQP\x00\x00\x09\x01".to_vec(),
    };
    stream.write_all(&question).await.map_err(|error| failed("it took no question", error))?;
    let mut answer = Vec::new();
    while answer.len() < 64 && !understood(protocol, &answer)? {
        let mut buffer = [0; 256];
        match stream.read(&mut buffer).await.map_err(|error| failed("it did not answer", error))? {
            0 => return Err(if answer.is_empty() { "it closed the connection".into() } else { strange(&answer) }),
            read => answer.extend_from_slice(&buffer[..read]),
        }
    }
    if understood(protocol, &answer)? { Ok(()) } else { Err(strange(&answer)) }
}

fn strange(answer: &[u8]) -> String {
    let first = answer.iter().take(40).flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from);
    format!("it answered something else: {}", first.collect::<String>())
}

/// Whether the answer proves the protocol; an error if it proves another.
fn understood(protocol: &Protocol, answer: &[u8]) -> Result<bool, String> {
    let begins = |with: &[u8]| {
        let both = answer.len().min(with.len());
        if answer[..both] == with[..both] { Ok(answer.len() >= with.len()) } else { Err(strange(answer)) }
    };
    match protocol {
        Protocol::Redis if answer.starts_with(b"-") => begins(b"-NOAUTH"),
        Protocol::Redis => begins(b"+PONG"),
        // A method frame on channel 0: Connection.Start, after its size.
        Protocol::Amqp => {
            begins(&[1, 0, 0])?;
            match answer.get(7..11) {
                Some([0, 10, 0, 10]) => Ok(true),
                Some(_) => Err(strange(answer)),
                None => Ok(false),
            }
        }
        Protocol::Http { .. } => {
            begins(b"HTTP/1.")?;
            let Some(status) = answer.get(9..12) else { return Ok(false) };
            match std::str::from_utf8(status).ok().and_then(|status| status.parse::<u16>().ok()) {
                Some(100..=499) => Ok(true),
                Some(status) => Err(format!("it answered with status {status}")),
                None => Err(strange(answer)),
            }
        }
    }
}

/// The nodes that tasks run on.
pub(super) fn nodes_of(tasks: &Value) -> std::collections::BTreeSet<String> {
    let tasks = tasks.as_array().into_iter().flatten();
    let running = tasks.filter(|task| task["Status"]["State"] == "running" && task["DesiredState"] == "running");
    running.filter_map(|task| task["NodeID"].as_str()).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_prove_their_protocol_or_another() {
        let http = Protocol::Http { path: "/".into() };
        assert_eq!(understood(&http, b"HTTP/1.1 404 Not Found"), Ok(true));
        assert_eq!(understood(&http, b"HTTP/1"), Ok(false));
        assert_eq!(understood(&http, b"HTTP/1.1 502 Bad"), Err("it answered with status 502".into()));
        assert!(understood(&http, b"-ERR unknown").is_err());
        assert_eq!(understood(&Protocol::Redis, b"+PONG\r\n"), Ok(true));
        assert_eq!(understood(&Protocol::Redis, b"-NOAUTH Authentication required."), Ok(true));
        assert_eq!(understood(&Protocol::Redis, b""), Ok(false));
        assert!(understood(&Protocol::Redis, b"-ERR max number of clients").is_err());
        assert_eq!(understood(&Protocol::Amqp, b"\x01\0\0\0\0\x01\xff\0\x0a\0\x0a"), Ok(true));
        assert!(understood(&Protocol::Amqp, b"AMQP\0\0\x09\x01").is_err());
    }
}
