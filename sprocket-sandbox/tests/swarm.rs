//! What the sandbox's swarm has beside what the suites of its kinds ask of it: tasks that are told to fail, ports that
//! answer, and a world that is found again.

#![allow(clippy::unwrap_used, reason = "clippy takes the helpers of tests for a library")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sprocket_sandbox::Sandbox;

fn exchange(address: SocketAddr, question: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Who does not close the connection has said all after a moment.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn ask(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let question = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let answer = exchange(sandbox.addresses().swarm, &question);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 20"), "{method} {path}: {answer}");
    serde_json::from_str(body).unwrap_or_default()
}

fn start(sandbox: &Sandbox, name: &str, container: &Value, port: Option<(u16, u16)>) {
    let ports = port.map(|(published, target)| {
        json!([{ "PublishedPort": published, "TargetPort": target, "PublishMode": "host", "Protocol": "tcp" }])
    });
    let template = json!({ "ContainerSpec": container, "RestartPolicy": { "Condition": "any", "Delay": 0 } });
    let spec = json!({ "Name": name, "TaskTemplate": template, "EndpointSpec": { "Ports": ports } });
    ask(sandbox, "POST", "/services/create", &spec);
}

/// The states that a service's tasks are in.
fn states(sandbox: &Sandbox) -> Vec<String> {
    let tasks = ask(sandbox, "GET", "/tasks", &Value::Null);
    tasks.as_array().unwrap().iter().map(|task| task["Status"]["State"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A port that was free a moment ago.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn tasks_fail_when_told_to_until_they_are_mended() {
    let sandbox = Sandbox::in_memory().unwrap();
    start(&sandbox, "web", &json!({ "Image": "web:1" }), None);
    eventually("it runs", || states(&sandbox) == ["running"]);
    sandbox.faults().end_tasks("web", 3);
    eventually("it fails", || states(&sandbox).contains(&"failed".to_owned()));
    let tasks = ask(&sandbox, "GET", "/tasks", &Value::Null);
    assert_eq!(tasks[0]["Status"]["Err"], "task: non-zero exit (3)");
    assert_eq!(tasks[0]["Status"]["ContainerStatus"]["ExitCode"], 3);
    sandbox.faults().mend_tasks("web");
    eventually("it runs again", || states(&sandbox).last().is_some_and(|state| state == "running"));
}

#[test]
fn published_ports_answer_in_the_protocol_of_the_image() {
    let sandbox = Sandbox::in_memory().unwrap();
    // "requirepass hunter2\n"
    let secret = json!({ "Name": "conf", "Data": "cmVxdWlyZXBhc3MgaHVudGVyMgo=" });
    let secret = ask(&sandbox, "POST", "/secrets/create", &secret)["ID"].clone();
    let shown = ask(&sandbox, "GET", "/secrets", &Value::Null);
    assert!(!shown.to_string().contains("cmVxdWly"), "{shown}");
    let redis = json!({
        "Image": "redis:7", "Args": ["redis-server", "/run/secrets/redis.conf"],
        "Secrets": [{ "File": { "Name": "redis.conf" }, "SecretID": secret, "SecretName": "conf" }],
    });
    let (web, store, queue) = (free(), free(), free());
    start(&sandbox, "web", &json!({ "Image": "web:1" }), Some((web, 80)));
    start(&sandbox, "redis", &redis, Some((store, 6379)));
    start(&sandbox, "rabbitmq", &json!({ "Image": "rabbitmq:3" }), Some((queue, 5672)));
    eventually("all run", || states(&sandbox) == ["running"; 3]);
    let at = |port: u16, question: &str| exchange(SocketAddr::from(([127, 0, 0, 1], port)), question);
    assert!(at(web, "GET / HTTP/1.1\r\nHost: web\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
    assert!(at(store, "PING\r\n").starts_with("-NOAUTH"));
    assert!(at(store, "AUTH other\r\n").starts_with("-WRONGPASS"));
    assert_eq!(at(store, "AUTH hunter2\r\nPING\r\n"), "+OK\r\n+PONG\r\n");
    assert!(at(queue, "AMQP\0\0\u{9}\u{1}").starts_with("\u{1}\0\0\0\0\0"), "a method frame on channel 0");
}

#[test]
fn what_a_service_publishes_is_free_once_it_is_deleted() {
    let sandbox = Sandbox::in_memory().unwrap();
    let port = free();
    start(&sandbox, "web", &json!({ "Image": "web:1" }), Some((port, 80)));
    eventually("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    ask(&sandbox, "DELETE", "/services/web", &Value::Null);
    eventually("its tasks are gone", || states(&sandbox).is_empty());
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
}

#[test]
fn services_run_again_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let open = |folder: &Path| Sandbox::start(folder.join("world")).unwrap();
    let port = free();
    let first = open(folder.path());
    start(&first, "web", &json!({ "Image": "web:1" }), Some((port, 80)));
    eventually("it runs", || states(&first) == ["running"]);
    let before = ask(&first, "GET", "/services", &Value::Null);
    drop(first);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "its ports end with it");
    let second = open(folder.path());
    assert_eq!(ask(&second, "GET", "/services", &Value::Null), before);
    eventually("it runs again", || states(&second) == ["running"]);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
}
