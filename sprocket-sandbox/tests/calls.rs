//! What the sandbox says to calls that no suite makes.

#![allow(clippy::unwrap_used, reason = "clippy takes the helpers of tests for a library")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use sprocket_sandbox::{Fault, Sandbox, SandboxError};

fn ask(address: SocketAddr, call: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{call} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    // A connection that is cut ends with an error or with nothing.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_call_that_no_suite_makes_is_answered_with_501_and_its_name() {
    let sandbox = Sandbox::in_memory().unwrap();
    let answer = ask(sandbox.addresses().swarm, "GET /v1.41/plugins");
    assert!(answer.starts_with("HTTP/1.0 501"), "{answer}");
    assert!(answer.ends_with(r#"{"message":"the sandbox has no `GET /v1.41/plugins`"}"#), "{answer}");
}

#[test]
fn a_fault_hits_one_call() {
    let sandbox = Sandbox::in_memory().unwrap();
    let version = || ask(sandbox.addresses().swarm, "GET /version");
    for (fault, begins) in [(Fault::Fail, "HTTP/1.0 500"), (Fault::Cut, ""), (Fault::LoseAnswer, "")] {
        sandbox.faults().next("swarm", "GET /version", fault);
        let (hit, next) = (version(), version());
        assert!(hit.starts_with(begins) && (hit.is_empty() == begins.is_empty()), "{fault:?}: {hit}");
        assert!(next.starts_with("HTTP/1.0 200"), "{next}");
    }
}

#[test]
fn a_second_start_has_the_same_addresses_and_the_same_world() {
    let folder = tempfile::tempdir().unwrap();
    let first = Sandbox::start(folder.path().join("world")).unwrap();
    let addresses = first.addresses();
    let info = ask(addresses.swarm, "GET /info");
    let other = Sandbox::start(folder.path().join("world"));
    assert!(matches!(other, Err(SandboxError::InUse { .. })), "{other:?}");
    drop(first);
    let second = Sandbox::start(folder.path().join("world")).unwrap();
    assert_eq!(second.addresses(), addresses);
    assert_eq!(
        ask(addresses.swarm, "GET /info").split_once("\r\n\r\n").unwrap().1,
        info.split_once("\r\n\r\n").unwrap().1
    );
}
