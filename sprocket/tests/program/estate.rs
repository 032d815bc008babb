//! A swarm whose objects Pulumi made, and what Pulumi wrote of them: for the tests of `import pulumi`.
//!
//! The objects are made by requests that share nothing with the program, as they were found in the wild: with made-up ends
//! of their names, and without our marks.
#![cfg(feature = "docker")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sprocket::prelude::*;
use sprocket_sandbox::Sandbox;

use super::kit::Place;

pub(crate) const PASSWORD: &str = "Xy7_drawn-by-Pulumi!";
const TOKEN: &str = "tok-hunter2-tok";

/// The estate, its place, and what Pulumi wrote of it.
pub(crate) struct Estate {
    sandbox: Sandbox,
    pub(crate) place: Place,
}

impl Estate {
    pub(crate) fn new(name: &'static str) -> Self {
        let (sandbox, place) = (Sandbox::in_memory().unwrap(), Place::new(name, "default = 'local'\n[local]\n"));
        let estate = Self { sandbox, place };
        let network = json!({ "Name": "edge-1a2b3c4", "Driver": "overlay", "Attachable": true });
        let edge = estate.ask("POST", "/networks/create", &network)["Id"].clone();
        estate.ask("POST", "/volumes/create", &json!({ "Name": "data-00ff00f", "Driver": "local" }));
        let motd = json!({ "Name": "motd-0123abc", "Data": base64("port = 80\n") });
        let motd = estate.ask("POST", "/configs/create", &motd)["ID"].clone();
        let token = json!({ "Name": "token-89abcde", "Data": base64(TOKEN) });
        let token = estate.ask("POST", "/secrets/create", &token)["ID"].clone();
        let redis = json!({ "Name": "redis-password-7654321", "Data": base64(PASSWORD) });
        let redis = estate.ask("POST", "/secrets/create", &redis)["ID"].clone();
        let file = |name: &str| json!({ "Name": name, "UID": "0", "GID": "0", "Mode": 0o444 });
        let container = json!({
            "Image": "web:1", "Env": [format!("REDIS_PASSWORD={PASSWORD}"), "MODE=fast"],
            "Mounts": [{ "Type": "volume", "Source": "data-00ff00f", "Target": "/data" }],
            "Configs": [{ "ConfigID": motd, "ConfigName": "motd-0123abc", "File": file("/motd") }],
            "Secrets": [
                { "SecretID": token, "SecretName": "token-89abcde", "File": file("token") },
                { "SecretID": redis, "SecretName": "redis-password-7654321", "File": file("redis") },
            ],
        });
        let service = json!({
            "Name": "web-d3127fd", "Mode": { "Replicated": { "Replicas": 2 } },
            "TaskTemplate": { "ContainerSpec": container, "Networks": [{ "Target": edge }] },
        });
        let web = estate.ask("POST", "/services/create", &service)["ID"].clone();
        estate.export(&json!([
            entry("pulumi:pulumi:Stack", "shop-prod", "", &json!({ "custom": false })),
            entry("pulumi:providers:docker", "default_4_11_0", "11111111-2222", &json!({})),
            entry("shop:web:Web", "web", "", &json!({ "custom": false })),
            entry("docker:index/network:Network", "edge", &text(&edge), &json!({
                "inputs": { "__defaults": ["name"], "name": "edge-1a2b3c4", "attachable": true },
                "outputs": { "name": "edge-1a2b3c4" },
            })),
            entry("docker:index/volume:Volume", "data", "data-00ff00f", &json!({
                "inputs": { "__defaults": ["name"], "name": "data-00ff00f" }, "protect": true, "retainOnDelete": true,
            })),
            entry("docker:index/serviceConfig:ServiceConfig", "motd", &text(&motd), &json!({
                "inputs": { "__defaults": ["name"], "name": "motd-0123abc", "data": base64("port = 80\n") },
            })),
            entry("docker:index/secret:Secret", "token", &text(&token), &json!({
                "inputs": { "__defaults": ["name"], "name": "token-89abcde", "data": sealed() },
            })),
            entry("docker:index/secret:Secret", "redis-password", &text(&redis), &json!({
                "inputs": { "__defaults": ["name"], "name": "redis-password-7654321", "data": clear(&base64(PASSWORD)) },
            })),
            entry("random:index/randomPassword:RandomPassword", "redis", "none", &json!({
                "inputs": { "__defaults": [], "length": 20 }, "outputs": { "length": 20, "result": sealed() },
            })),
            entry("docker:index/service:Service", "web", &text(&web), &json!({
                "inputs": {
                    "__defaults": ["name"], "name": "web-d3127fd",
                    "taskSpec": { "containerSpec": { "env": { "MODE": "fast", "REDIS_PASSWORD": sealed() } } },
                },
                "outputs": { "name": "web-d3127fd", "taskSpec": sealed(), "__meta": "{}" },
                "parent": "urn:pulumi:prod::shop::shop:old:Gone::gone",
            })),
            entry("docker:index/serviceConfig:ServiceConfig", "motd", "an-older-one", &json!({ "delete": true })),
            entry("postgresql:index/role:Role", "app", "app", &json!({})),
        ]));
        estate
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(self.sandbox.addresses().swarm).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 20"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_default()
    }

    /// All that the engine has, but for when.
    pub(crate) fn world(&self) -> Vec<Value> {
        ["services", "configs", "secrets", "networks", "volumes"]
            .map(|kind| self.ask("GET", &format!("/{kind}"), &Value::Null))
            .to_vec()
    }

    /// The tasks, once all that are to run do so.
    pub(crate) fn running(&self) -> Vec<(Value, Value)> {
        let start = Instant::now();
        loop {
            let tasks = self.ask("GET", "/tasks", &Value::Null);
            let states = tasks.as_array().unwrap().iter().map(|task| task["Status"]["State"] == "running");
            if states.clone().count() == 2 && states.clone().all(|is_running| is_running) {
                return self.tasks();
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{tasks}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The tasks, each with what it runs.
    fn tasks(&self) -> Vec<(Value, Value)> {
        let tasks = self.ask("GET", "/tasks", &Value::Null);
        tasks.as_array().unwrap().iter().map(|task| (task["ID"].clone(), task["Spec"].clone())).collect()
    }

    pub(crate) fn export(&self, resources: &Value) {
        let whole = json!({
            "version": 3,
            "deployment": {
                "manifest": { "time": "2026-02-08T10:11:12Z", "magic": "m", "version": "v3.215.0" },
                "secrets_providers": { "type": "service" }, "resources": resources, "metadata": {},
            },
        });
        std::fs::write(self.place.folder.path().join("prod.json"), whole.to_string()).unwrap();
    }

    pub(crate) fn run(&self, args: &str) -> String {
        self.run_with(args, shop)
    }

    /// Runs a program, and sees that no secret of the estate shows anywhere.
    pub(crate) fn run_with(&self, args: &str, declare: impl FnOnce(&mut Stack)) -> String {
        let address = format!("tcp://{}", self.sandbox.addresses().swarm);
        let (exit, text, _) = self.place.start(args, |stack: &mut Stack, (): &()| {
            stack.connect(Docker::at(address));
            declare(stack);
        });
        let state: String = self.state();
        for secret in [PASSWORD, TOKEN, &base64(PASSWORD), &base64(TOKEN)] {
            assert!(!text.contains(secret) && !state.contains(secret), "{secret} shows\n{text}\n{state}");
        }
        format!("{}exit {}", without_ids(&text), exit.code())
    }

    /// All that the program keeps.
    fn state(&self) -> String {
        let mut folders = vec![self.place.folder.path().join(".sprocket")];
        let mut state = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    state += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
                }
            }
        }
        state
    }
}

pub(crate) fn shop(stack: &mut Stack) {
    let edge = stack.add(Network::overlay("edge").attachable());
    let data = stack.add(Volume::new("data"));
    let motd = stack.add(SwarmConfig::new("motd", "port = 80\n"));
    let token = stack.add(SwarmSecret::new("token", TOKEN));
    let redis = stack.add(Password::new("redis").length(20));
    let file = stack.add(SwarmSecret::new("redis-password", &redis.value));
    let web = Service::new("web", "web:1").replicas(2_u64).network(&edge).mount(&data, "/data").config(&motd, "/motd");
    let web = web.secret(&token, "token").secret(&file, "redis").env("MODE", "fast");
    let web = web.update(Update::default().on_failure(OnFailure::Pause));
    stack.add(web.env("REDIS_PASSWORD", redis.value.map(|value| value.expose().clone())));
}

/// The engine's ids are others each time.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 25 && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let plain = words.map(|word| {
        let end = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(end) { format!("ID{}", &word[end.len()..]) } else { word.to_owned() }
    });
    plain.collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bytes = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for place in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
            out.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

pub(crate) fn entry(token: &str, name: &str, id: &str, more: &Value) -> Value {
    let mut entry = json!({
        "urn": format!("urn:pulumi:prod::shop::{token}::{name}"), "custom": true, "type": token, "id": id,
        "inputs": {}, "outputs": {},
    });
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry
}

fn sealed() -> Value {
    json!({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "AAABAEm0" })
}

fn clear(text: &str) -> Value {
    json!({
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": Value::from(text).to_string(),
    })
}
