//! The engine's own suite for kinds, on a real Docker engine and in the sandbox: lives, drift, lost answers, kills at every boundary of the
//! journal. After each of them, plan again: nothing to do; in the end, nothing is left.

use serde_json::{Value, json};
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::{KindSuite, Variant, World};
use sprocket_docker::{Docker, Health, Network, Service, SwarmConfig, SwarmSecret, Timespan, Volume};

use crate::support::{Engine, sweep, unique};

/// Runs these tests in the sandbox, and on a real engine if `SPROCKET_LIVE` is set; the slow ones only then in both.
macro_rules! both {
    ($($test:ident),*; slowly: $($slow:ident),*) => {
        mod sandbox {
            $(#[test]
            fn $test() {
                super::$test(&super::Names::of(crate::support::Engine::sandbox()));
            })*
            $(#[test]
            fn $slow() {
                if crate::support::is_live() {
                    super::$slow(&super::Names::of(crate::support::Engine::sandbox()));
                }
            })*
        }

        mod live {
            $(#[test]
            fn $test() {
                if let Some(engine) = crate::support::Engine::live() {
                    super::$test(&super::Names::of(engine));
                }
            })*
            $(#[test]
            fn $slow() {
                if let Some(engine) = crate::support::Engine::live() {
                    super::$slow(&super::Names::of(engine));
                }
            })*
        }
    };
}

both!(networks, volumes, configs, secrets, what_a_service_uses_is_replaced_under_it; slowly: services);

/// An engine, a name that only this test has there, and its broom.
pub(crate) struct Names {
    pub(crate) engine: Engine,
    pub(crate) name: String,
}

impl Names {
    pub(crate) fn of(engine: Engine) -> Self {
        Self { engine, name: unique() }
    }

    /// All objects of a kind that this test has: their names, and by what they are deleted.
    fn found(&self, kind: &str) -> Vec<(String, String)> {
        let listed = self.engine.ask("GET", &format!("/{kind}"), &Value::Null);
        let objects = listed.get("Volumes").unwrap_or(&listed).as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let named = objects.iter().filter_map(|object| {
            let name = text(&object["Name"]).or_else(|| text(&object["Spec"]["Name"]))?;
            let id = text(&object["Id"]).or_else(|| text(&object["ID"])).unwrap_or_else(|| name.clone());
            Some((name, id))
        });
        let mut found: Vec<_> = named.filter(|(name, _)| name.starts_with(&self.name)).collect();
        found.sort();
        found
    }

    fn names(&self, kind: &str) -> Vec<String> {
        self.found(kind).into_iter().map(|(name, _)| name).collect()
    }

    fn remove(&self, kind: &str) {
        for (_, id) in self.found(kind) {
            self.engine.ask("DELETE", &format!("/{kind}/{id}"), &Value::Null);
        }
    }

    pub(crate) fn connect<'s>(&self, stack: &'s mut Stack) -> &'s mut Stack {
        stack.connect(Docker::at(self.engine.address()));
        stack
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        if let Engine::Real(_) = self.engine {
            sweep(&self.name);
        }
    }
}

/// Labels a config or secret, as somebody else.
fn label(names: &Names, kind: &str) {
    names.engine.edit(kind, &names.names(kind)[0], |spec| spec["Labels"]["by"] = "hand".into());
}

fn networks(names: &Names) {
    let name = names.name.as_str();
    KindSuite {
        address: &format!("docker:network/{name}"),
        program: Box::new(|stack, variant| {
            let stack = names.connect(stack);
            match variant {
                Variant::First | Variant::Updated => stack.add(Network::overlay(name)),
                Variant::Replaced => stack.add(Network::overlay(name).attachable()),
                Variant::Moved => stack.add(Network::overlay("moved").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.names("networks")),
        drift: None,
        remove: Some(Box::new(|| names.remove("networks"))),
        updates: false,
        replaces: true,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

fn volumes(names: &Names) {
    let name = names.name.as_str();
    KindSuite {
        address: &format!("docker:volume/{name}"),
        program: Box::new(|stack, variant| {
            let stack = names.connect(stack);
            match variant {
                Variant::Moved => stack.add(Volume::new("moved").moved_from(name).named(name)),
                _ => stack.add(Volume::new(name)),
            };
        }),
        inventory: Box::new(|| names.names("volumes")),
        drift: None,
        remove: Some(Box::new(|| names.remove("volumes"))),
        updates: false,
        replaces: false,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

fn configs(names: &Names) {
    let name = names.name.as_str();
    KindSuite {
        address: &format!("docker:config/{name}"),
        program: Box::new(|stack, variant| {
            let stack = names.connect(stack);
            match variant {
                Variant::First => stack.add(SwarmConfig::new(name, "hello")),
                Variant::Updated => stack.add(SwarmConfig::new(name, "hello").label("team", "platform")),
                Variant::Replaced => stack.add(SwarmConfig::new(name, "bye")),
                Variant::Moved => stack.add(SwarmConfig::new("moved", "hello").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.names("configs")),
        drift: Some(Box::new(|| label(names, "configs"))),
        remove: Some(Box::new(|| names.remove("configs"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

fn secrets(names: &Names) {
    let name = names.name.as_str();
    KindSuite {
        address: &format!("docker:secret/{name}"),
        program: Box::new(|stack, variant| {
            let stack = names.connect(stack);
            match variant {
                Variant::First => stack.add(SwarmSecret::new(name, "hunter2-one")),
                Variant::Updated => stack.add(SwarmSecret::new(name, "hunter2-one").label("team", "platform")),
                Variant::Replaced => stack.add(SwarmSecret::new(name, "hunter2-two")),
                Variant::Moved => stack.add(SwarmSecret::new("moved", "hunter2-one").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.names("secrets")),
        drift: Some(Box::new(|| label(names, "secrets"))),
        remove: Some(Box::new(|| names.remove("secrets"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

fn services(names: &Names) {
    let name = names.name.as_str();
    let busy = |name: &str| {
        let health = Health::cmd(["true"]).interval(Timespan::secs(1));
        Service::new(name, "sprocket-stand-in/busy:1").stop_grace_period("1s").health(health).replicas(0_u64)
    };
    KindSuite {
        address: &format!("docker:service/{name}"),
        program: Box::new(|stack, variant| {
            let stack = names.connect(stack);
            match variant {
                Variant::First => stack.add(busy(name)),
                Variant::Updated => stack.add(busy(name).env("A", "b")),
                Variant::Replaced => stack.add(busy(name).replicas(1_u64).global()),
                Variant::Moved => stack.add(busy("moved").moved_from(name).named(name)),
            };
        }),
        inventory: Box::new(|| names.names("services")),
        drift: Some(Box::new(|| {
            let env = |spec: &mut Value| spec["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["C=d"]);
            names.engine.edit("services", name, env);
        })),
        remove: Some(Box::new(|| names.remove("services"))),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

/// Another content, another subnet: the new objects are made first, the service moves over and works, the old ones go.
fn what_a_service_uses_is_replaced_under_it(names: &Names) {
    let name = names.name.as_str();
    let program = |stack: &mut Stack, content: &str, password: &str, subnet: &str| {
        let stack = names.connect(stack);
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
    let before = ["configs", "secrets", "networks"].map(|kind| names.names(kind));

    let second = |stack: &mut Stack| program(stack, "two", "hunter2-two", "10.214.2.0/24");
    let report = world.apply(second);
    assert!(report.succeeded(), "{report:#?}");
    let after = ["configs", "secrets", "networks"].map(|kind| names.names(kind));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.len(), after.len()), (1, 1), "{before:?} {after:?}");
        assert_ne!(before, after);
    }
    let plan = world.plan(second);
    assert!(plan.is_empty(), "{plan}");
    let shown = names.engine.ask("GET", &format!("/services/{name}"), &Value::Null);
    let shown = shown["Spec"]["TaskTemplate"]["ContainerSpec"].to_string();
    assert!(shown.contains(&after[0][0]) && shown.contains(&after[1][0]) && !shown.contains("hunter2"), "{shown}");
    let report = world.destroy(second);
    assert!(report.succeeded(), "{report:#?}");
}
