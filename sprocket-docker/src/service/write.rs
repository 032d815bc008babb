//! From a spec to what the engine is sent.
//!
//! **Invariant:** what [`read`](super::read) makes of an answer with this body is the spec again. Every default is sent.
//! `ForceUpdate` is handed on: another number would restart every task.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sprocket_core::kind::{OwnerTag, PhysicalName};

use super::policy::{Health, HealthTest, Port, Rollback, Update};
use super::spec::{MountSource, MountSpec, ResourcesSpec, ServiceSpec};
use super::values::Timespan;
use crate::owner_tag::{self, PREFIX};

/// What failures may take to show, unless the program says so: the health check's patience, or the engine's own 5 s.
pub(crate) fn monitor(health: Option<&Health>) -> Timespan {
    let own = Timespan::secs(5);
    match health {
        Some(Health::Check(check)) => check.patience().max(own),
        _ => own,
    }
}

/// The body of a create or an update.
pub(crate) fn body(name: &PhysicalName, spec: &ServiceSpec, owner: &OwnerTag, force_update: u64) -> Value {
    let labels = owner_tag::labels(&spec.labels, owner, spec.ports.iter().filter_map(note));
    let mode =
        if spec.global { json!({ "Global": {} }) } else { json!({ "Replicated": { "Replicas": spec.replicas } }) };
    let ports: Vec<_> = spec.ports.iter().map(port).collect();
    let monitor = monitor(spec.health.as_ref());
    json!({
        "Name": name,
        "Labels": labels,
        "TaskTemplate": task(spec, force_update),
        "Mode": mode,
        "UpdateConfig": update(&spec.update, monitor),
        "RollbackConfig": rollback(&spec.rollback, monitor),
        "EndpointSpec": { "Mode": spec.endpoint, "Ports": ports },
    })
}

fn task(spec: &ServiceSpec, force_update: u64) -> Value {
    let networks: Vec<_> =
        spec.networks.iter().map(|net| json!({ "Target": net.network, "Aliases": net.aliases })).collect();
    let platforms: Vec<_> =
        spec.platforms.iter().map(|is| json!({ "OS": is.os, "Architecture": is.architecture })).collect();
    let constraints: Vec<_> = spec.constraints.iter().map(ToString::to_string).collect();
    let restart = &spec.restart;
    let mut task = json!({
        "ContainerSpec": container(spec),
        "Resources": { "Limits": resources(&spec.limits), "Reservations": resources(&spec.reservations) },
        "RestartPolicy": {
            "Condition": restart.condition,
            "Delay": restart.delay.nanos(),
            "MaxAttempts": restart.max_attempts,
            "Window": restart.window.nanos(),
        },
        "Placement": { "Constraints": constraints, "MaxReplicas": spec.max_per_node.unwrap_or(0), "Platforms": platforms },
        "Networks": networks,
        "ForceUpdate": force_update,
        "Runtime": "container",
    });
    if let Some(log) = &spec.log {
        task["LogDriver"] = json!({ "Name": log.name, "Options": log.options });
    }
    task
}

fn container(spec: &ServiceSpec) -> Value {
    let file = |name: &str, uid: u32, gid: u32, mode: u32| json!({ "Name": name, "UID": uid.to_string(), "GID": gid.to_string(), "Mode": mode });
    let configs: Vec<_> = spec
        .configs
        .iter()
        .map(|shown| {
            let file = file(&shown.path, shown.uid, shown.gid, shown.mode);
            json!({ "File": file, "ConfigID": shown.config.id, "ConfigName": shown.config.name })
        })
        .collect();
    let secrets: Vec<_> = spec
        .secrets
        .iter()
        .map(|shown| {
            let file = file(&shown.file, shown.uid, shown.gid, shown.mode);
            json!({ "File": file, "SecretID": shown.secret.id, "SecretName": shown.secret.name })
        })
        .collect();
    let mut container = json!({
        "Image": spec.image,
        "Labels": spec.container_labels,
        "Env": env(&spec.env),
        "Mounts": spec.mounts.iter().map(mount).collect::<Vec<_>>(),
        "StopGracePeriod": spec.stop_grace_period.nanos(),
        "Configs": configs,
        "Secrets": secrets,
    });
    set(&mut container, "Command", (!spec.command.is_empty()).then_some(&spec.command));
    set(&mut container, "Args", (!spec.args.is_empty()).then_some(&spec.args));
    set(&mut container, "User", spec.user.as_ref());
    set(&mut container, "Dir", spec.dir.as_ref());
    set(&mut container, "Hostname", spec.hostname.as_ref());
    set(&mut container, "Healthcheck", spec.health.as_ref().map(health));
    container
}

fn set(object: &mut Value, key: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        object[key] = json!(value);
    }
}

fn env(env: &BTreeMap<String, String>) -> Vec<String> {
    env.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn mount(mount: &MountSpec) -> Value {
    let mut sent = json!({ "Target": mount.target, "ReadOnly": mount.read_only });
    match &mount.source {
        MountSource::Volume(name) => {
            sent["Type"] = "volume".into();
            sent["Source"] = json!(name);
        }
        MountSource::Bind(path) => {
            sent["Type"] = "bind".into();
            sent["Source"] = json!(path);
        }
        MountSource::Tmpfs { size } => {
            sent["Type"] = "tmpfs".into();
            if let Some(size) = size {
                sent["TmpfsOptions"] = json!({ "SizeBytes": size });
            }
        }
    }
    sent
}

fn health(health: &Health) -> Value {
    let check = match health {
        Health::Disabled => return json!({ "Test": ["NONE"] }),
        Health::Check(check) => check,
    };
    let test: Vec<&str> = match &check.test {
        HealthTest::Image => Vec::new(),
        HealthTest::Cmd(program) => std::iter::once("CMD").chain(program.iter().map(String::as_str)).collect(),
        HealthTest::Shell(line) => vec!["CMD-SHELL", line],
    };
    json!({
        "Test": test,
        "Interval": check.interval.nanos(),
        "Timeout": check.timeout.nanos(),
        "Retries": check.retries,
        "StartPeriod": check.start_period.nanos(),
    })
}

fn resources(amount: &ResourcesSpec) -> Value {
    let mut sent = Map::new();
    if let Some(memory) = amount.memory {
        sent.insert("MemoryBytes".into(), json!(memory));
    }
    if let Some(cpus) = amount.cpus {
        sent.insert("NanoCPUs".into(), json!(cpus.nano));
    }
    Value::Object(sent)
}

fn update(update: &Update, monitor: Timespan) -> Value {
    json!({
        "Parallelism": update.parallelism,
        "Delay": update.delay.nanos(),
        "FailureAction": update.on_failure,
        "Monitor": update.monitor.unwrap_or(monitor).nanos(),
        "MaxFailureRatio": update.max_failure_ratio.value(),
        "Order": update.order,
    })
}

fn rollback(rollback: &Rollback, monitor: Timespan) -> Value {
    json!({
        "Parallelism": rollback.parallelism,
        "Delay": rollback.delay.nanos(),
        "FailureAction": rollback.on_failure,
        "Monitor": rollback.monitor.unwrap_or(monitor).nanos(),
        "MaxFailureRatio": rollback.max_failure_ratio.value(),
        "Order": rollback.order,
    })
}

fn port(port: &Port) -> Value {
    let mut sent = json!({ "Protocol": port.transport, "TargetPort": port.target, "PublishMode": port.mode });
    set(&mut sent, "PublishedPort", port.published);
    sent
}

/// What is spoken on a port is noted in a label: the engine has no place for it.
fn note(port: &Port) -> Option<(String, String)> {
    let protocol = port.speaks.as_ref()?;
    Some((speaks_key(port), json!(protocol).to_string()))
}

pub(crate) fn speaks_key(port: &Port) -> String {
    let transport = json!(port.transport);
    format!("{PREFIX}speaks.{}.{}", port.target, transport.as_str().unwrap_or_default())
}
