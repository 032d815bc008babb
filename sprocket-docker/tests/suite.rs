//! The engine's own suite for kinds, on a real Docker engine: lives, drift, lost answers, kills at every boundary of the
//! journal. After each of them, plan again: nothing to do; in the end, nothing is left.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use sprocket_core::testing::{KindSuite, Variant, World};
use sprocket_core::{DraftExt as _, Stack};
use sprocket_docker::{Docker, Health, Network, Service, SwarmConfig, SwarmSecret, Timespan, Volume};

use crate::support::{docker, is_live, sweep, unique};

/// A name that only this test has, and its broom.
struct Names(String);

impl Names {
    fn live() -> Option<Self> {
        is_live().then(|| Self(unique()))
    }

    /// All objects of a kind that this test has.
    fn of(&self, kind: &str) -> Vec<String> {
        let listed = docker(&[kind, "ls", "--format={{.Name}}"]).unwrap();
        let mut names: Vec<_> =
            listed.lines().filter(|name| name.starts_with(&self.0)).map(ToOwned::to_owned).collect();
        names.sort();
        names
    }

    fn remove(&self, kind: &str) {
        for name in self.of(kind) {
            docker(&[kind, "rm", &name]).unwrap();
        }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        sweep(&self.0);
    }
}

/// A request to the engine that shares nothing with the client under test.
fn raw(method: &str, path: &str, body: &str) -> Value {
    let mut stream = UnixStream::connect("/var/run/docker.sock").unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.lines().next().unwrap().contains(" 20"), "{answer}");
    serde_json::from_str(body).unwrap_or_default()
}

/// Labels a config or secret, as somebody else.
fn label(kind: &str, name: &str) {
    let found = raw("GET", &format!("/{kind}/{name}"), "");
    let mut spec = found["Spec"].clone();
    spec["Labels"]["by"] = "hand".into();
    let (id, version) = (found["ID"].as_str().unwrap(), &found["Version"]["Index"]);
    raw("POST", &format!("/{kind}/{id}/update?version={version}"), &spec.to_string());
}

fn connected(stack: &mut Stack) -> &mut Stack {
    stack.connect(Docker::from_env());
    stack
}

#[test]
fn networks() {
    let Some(names) = Names::live() else { return };
    let name = names.0.as_str();
    KindSuite {
        address: &format!("docker:network/{name}"),
        program: Box::new(|stack, variant| {
            let stack = connected(stack);
            match variant {
                Variant::First | Variant::Updated => stack.add(Network::overlay(name)),
                Variant::Replaced => stack.add(Network::overlay(name).attachable()),
                Variant::Moved => stack.add(Network::overlay("moved").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.of("network")),
        drift: None,
        remove: Some(Box::new(|| names.remove("network"))),
        updates: false,
        replaces: true,
        marked: true,
        kills: None,
    }
    .run();
}

#[test]
fn volumes() {
    let Some(names) = Names::live() else { return };
    let name = names.0.as_str();
    KindSuite {
        address: &format!("docker:volume/{name}"),
        program: Box::new(|stack, variant| {
            let stack = connected(stack);
            match variant {
                Variant::Moved => stack.add(Volume::new("moved").moved_from(name).named(name)),
                _ => stack.add(Volume::new(name)),
            };
        }),
        inventory: Box::new(|| names.of("volume")),
        drift: None,
        remove: Some(Box::new(|| names.remove("volume"))),
        updates: false,
        replaces: false,
        marked: true,
        kills: None,
    }
    .run();
}

#[test]
fn configs() {
    let Some(names) = Names::live() else { return };
    let name = names.0.as_str();
    KindSuite {
        address: &format!("docker:config/{name}"),
        program: Box::new(|stack, variant| {
            let stack = connected(stack);
            match variant {
                Variant::First => stack.add(SwarmConfig::new(name, "hello")),
                Variant::Updated => stack.add(SwarmConfig::new(name, "hello").label("team", "platform")),
                Variant::Replaced => stack.add(SwarmConfig::new(name, "bye")),
                Variant::Moved => stack.add(SwarmConfig::new("moved", "hello").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.of("config")),
        drift: Some(Box::new(|| label("configs", &names.of("config")[0]))),
        remove: Some(Box::new(|| names.remove("config"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
    }
    .run();
}

#[test]
fn secrets() {
    let Some(names) = Names::live() else { return };
    let name = names.0.as_str();
    KindSuite {
        address: &format!("docker:secret/{name}"),
        program: Box::new(|stack, variant| {
            let stack = connected(stack);
            match variant {
                Variant::First => stack.add(SwarmSecret::new(name, "hunter2-one")),
                Variant::Updated => stack.add(SwarmSecret::new(name, "hunter2-one").label("team", "platform")),
                Variant::Replaced => stack.add(SwarmSecret::new(name, "hunter2-two")),
                Variant::Moved => stack.add(SwarmSecret::new("moved", "hunter2-one").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.of("secret")),
        drift: Some(Box::new(|| label("secrets", &names.of("secret")[0]))),
        remove: Some(Box::new(|| names.remove("secret"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
    }
    .run();
}

#[test]
fn services() {
    let Some(names) = Names::live() else { return };
    let name = names.0.as_str();
    let busy = |name: &str| {
        let health = Health::cmd(["true"]).interval(Timespan::secs(1));
        Service::new(name, "sprocket-stand-in/busy:1").stop_grace_period("1s").health(health).replicas(0_u64)
    };
    KindSuite {
        address: &format!("docker:service/{name}"),
        program: Box::new(|stack, variant| {
            let stack = connected(stack);
            match variant {
                Variant::First => stack.add(busy(name)),
                Variant::Updated => stack.add(busy(name).env("A", "b")),
                Variant::Replaced => stack.add(busy(name).replicas(1_u64).global()),
                Variant::Moved => stack.add(busy("moved").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.of("service")),
        drift: Some(Box::new(|| {
            docker(&["service", "update", "--detach", "--no-resolve-image", "--env-add=C=d", name]).unwrap();
        })),
        remove: Some(Box::new(|| names.remove("service"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
    }
    .run();
}

/// Another content, another subnet: the new objects are made first, the service moves over and works, the old ones go.
#[test]
fn what_a_service_uses_is_replaced_under_it() {
    let Some(names) = Names::live() else { return };
    let name = names.0.as_str();
    let program = |stack: &mut Stack, content: &str, password: &str, subnet: &str| {
        let stack = connected(stack);
        let net = stack.add(Network::overlay(name).subnet(subnet));
        let config = stack.add(SwarmConfig::new(name, content));
        let secret = stack.add(SwarmSecret::new(name, password));
        let health = Health::shell("test -f /etc/app.toml").interval(Timespan::secs(1));
        let service = Service::new(name, "sprocket-stand-in/busy:1").stop_grace_period("1s").health(health);
        let monitored = service.update(sprocket_docker::Update::default().monitor(Timespan::secs(1)));
        stack.add(monitored.network(&net).config(&config, "/etc/app.toml").secret(&secret, "password"));
    };
    let mut world = World::of_real_services();
    let report = world.apply(|stack| program(stack, "one", "hunter2-one", "10.214.1.0/24"));
    assert!(report.succeeded(), "{report:#?}");
    let before = ["config", "secret", "network"].map(|kind| names.of(kind));

    let second = |stack: &mut Stack| program(stack, "two", "hunter2-two", "10.214.2.0/24");
    let report = world.apply(second);
    assert!(report.succeeded(), "{report:#?}");
    let after = ["config", "secret", "network"].map(|kind| names.of(kind));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.len(), after.len()), (1, 1), "{before:?} {after:?}");
        assert_ne!(before, after);
    }
    let plan = world.plan(second);
    assert!(plan.is_empty(), "{plan}");
    let shown = docker(&["service", "inspect", "--format={{json .Spec.TaskTemplate.ContainerSpec}}", name]).unwrap();
    assert!(shown.contains(&after[0][0]) && shown.contains(&after[1][0]) && !shown.contains("hunter2"), "{shown}");
    let report = world.destroy(second);
    assert!(report.succeeded(), "{report:#?}");
}
