//! From what the engine says of a service to a spec.
//!
//! **Invariant:** what is absent means the engine's default, and reads as what this crate would have sent for it. What this
//! crate has no setting for is not read. What it can't understand is an error, never a guess.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sprocket_core::kind::Live;

use super::policy::{
    Health, HealthCheck, HealthTest, LogDriver, OnFailure, OnRollbackFailure, Order, Port, Restart, Rollback, Update,
};
use super::spec::{
    AttachmentSpec, ConfigFileSpec, MountSource, MountSpec, Platform, ResourcesSpec, SecretFileSpec, ServiceSpec,
};
use super::values::{Cpus, Memory, Ratio, Timespan};
use super::write::{monitor, speaks_key};
use super::{Service, ServiceId, ServiceState};
use crate::NetworkId;
use crate::config::ConfigRef;
use crate::owner_tag::{self, Labels};
use crate::secret::SecretRef;
use crate::volume::VolumeName;

type Read<T> = Result<T, String>;

/// A service, from the engine's JSON.
pub(crate) fn live(found: &Value) -> Read<Live<Service>> {
    let id = found["ID"].as_str().ok_or("it has no id")?;
    let sent = &found["Spec"];
    let labels = owner_tag::of_json(&sent["Labels"]);
    let spec = spec(sent, &labels)?;
    let state = ServiceState { id: ServiceId(id.to_owned()), digest: spec.image.digest().map(ToOwned::to_owned) };
    Ok(Live { id: id.into(), name: text(&sent["Name"]).into(), spec, state, owner: labels.owner })
}

/// How often its tasks were restarted by force.
pub(crate) fn force_update(found: &Value) -> u64 {
    found["Spec"]["TaskTemplate"]["ForceUpdate"].as_u64().unwrap_or(0)
}

fn spec(sent: &Value, labels: &Labels) -> Read<ServiceSpec> {
    let task = &sent["TaskTemplate"];
    let (container, placement) = (&task["ContainerSpec"], &task["Placement"]);
    let health = health(&container["Healthcheck"])?;
    let usual = monitor(health.as_ref());
    // Very old services have their networks beside the template.
    let networks = [&task["Networks"], &sent["Networks"]].into_iter().find(|networks| networks.is_array());
    Ok(ServiceSpec {
        image: text(&container["Image"]).parse()?,
        command: list(&container["Command"]).map(text).collect(),
        args: list(&container["Args"]).map(text).collect(),
        env: list(&container["Env"]).map(|line| variable(&text(line))).collect(),
        user: some_text(&container["User"]),
        dir: some_text(&container["Dir"]),
        hostname: some_text(&container["Hostname"]),
        labels: labels.own.clone(),
        container_labels: texts(&container["Labels"]),
        networks: networks.into_iter().flat_map(list).map(attachment).collect(),
        mounts: list(&container["Mounts"]).map(mount).collect::<Read<_>>()?,
        configs: list(&container["Configs"]).map(config).collect::<Read<_>>()?,
        secrets: list(&container["Secrets"]).map(secret).collect::<Read<_>>()?,
        replicas: sent["Mode"]["Replicated"]["Replicas"].as_u64().unwrap_or(1),
        global: global(&sent["Mode"])?,
        max_per_node: placement["MaxReplicas"].as_u64().filter(|max| *max > 0),
        constraints: list(&placement["Constraints"]).map(|is| text(is).parse()).collect::<Read<_>>()?,
        platforms: list(&placement["Platforms"]).map(platform).collect(),
        limits: resources(&task["Resources"]["Limits"]),
        reservations: resources(&task["Resources"]["Reservations"]),
        update: update(&sent["UpdateConfig"], usual)?,
        rollback: rollback(&sent["RollbackConfig"], usual)?,
        restart: restart(&task["RestartPolicy"])?,
        stop_grace_period: container["StopGracePeriod"].as_i64().map_or(Timespan::secs(10), Timespan::of_nanos),
        log: log(&task["LogDriver"]),
        endpoint: word(&sent["EndpointSpec"]["Mode"])?.unwrap_or_default(),
        ports: list(&sent["EndpointSpec"]["Ports"]).map(|found| port(found, labels)).collect::<Read<_>>()?,
        health,
    })
}

fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn some_text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}

/// One of the engine's words, if there is one.
fn word<T: DeserializeOwned>(value: &Value) -> Read<Option<T>> {
    match value.as_str() {
        None | Some("") => Ok(None),
        Some(word) => {
            serde_json::from_value(value.clone()).map(Some).map_err(|_| format!("the word `{word}` is not known here"))
        }
    }
}

fn nanos(value: &Value) -> Timespan {
    Timespan::of_nanos(value.as_i64().unwrap_or(0))
}

fn nanos_or(value: &Value, default: Timespan) -> Timespan {
    value.as_i64().filter(|nanos| *nanos > 0).map_or(default, Timespan::of_nanos)
}

/// `A=b`. A bare name is how the engine takes a variable away that the image sets; it reads as empty.
fn variable(line: &str) -> (String, String) {
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    (key.to_owned(), value.to_owned())
}

fn global(mode: &Value) -> Read<bool> {
    match mode.as_object().and_then(|mode| mode.keys().next()).map(String::as_str) {
        Some("Global") => Ok(true),
        Some("Replicated") | None => Ok(false),
        Some(other) => Err(format!("its mode is `{other}`: jobs are not known here")),
    }
}

fn attachment(found: &Value) -> AttachmentSpec {
    AttachmentSpec { network: NetworkId(text(&found["Target"])), aliases: list(&found["Aliases"]).map(text).collect() }
}

fn mount(found: &Value) -> Read<MountSpec> {
    let source = text(&found["Source"]);
    let source = match found["Type"].as_str().unwrap_or("bind") {
        "volume" => MountSource::Volume(VolumeName(source)),
        "bind" => MountSource::Bind(source),
        "tmpfs" => MountSource::Tmpfs { size: bytes(&found["TmpfsOptions"]["SizeBytes"]) },
        other => return Err(format!("a mount of type `{other}` is not known here")),
    };
    let read_only = found["ReadOnly"].as_bool().unwrap_or(false);
    Ok(MountSpec { source, target: text(&found["Target"]), read_only })
}

/// Where a file is shown, its owner, its group, and its mode.
fn file(found: &Value) -> Read<(String, u32, u32, u32)> {
    let file = &found["File"];
    let number = |value: &Value| match value.as_str() {
        None | Some("") => Ok(0),
        Some(text) => text.parse::<u32>().map_err(|_| format!("the owner `{text}` of a file is not a number")),
    };
    let mode = file["Mode"].as_u64().and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o444);
    Ok((text(&file["Name"]), number(&file["UID"])?, number(&file["GID"])?, mode))
}

fn config(found: &Value) -> Read<ConfigFileSpec> {
    let (path, uid, gid, mode) = file(found)?;
    let config = ConfigRef { id: text(&found["ConfigID"]), name: text(&found["ConfigName"]) };
    Ok(ConfigFileSpec { config, path, uid, gid, mode })
}

fn secret(found: &Value) -> Read<SecretFileSpec> {
    let (path, uid, gid, mode) = file(found)?;
    let secret = SecretRef { id: text(&found["SecretID"]), name: text(&found["SecretName"]) };
    Ok(SecretFileSpec { secret, file: path, uid, gid, mode })
}

fn health(found: &Value) -> Read<Option<Health>> {
    if !found.is_object() {
        return Ok(None);
    }
    let mut words = list(&found["Test"]).map(text);
    let test = match words.next().as_deref() {
        None => HealthTest::Image,
        Some("NONE") => return Ok(Some(Health::Disabled)),
        Some("CMD") => HealthTest::Cmd(words.collect()),
        Some("CMD-SHELL") => HealthTest::Shell(words.next().unwrap_or_default()),
        Some(other) => return Err(format!("a health check that begins with `{other}` is not known here")),
    };
    // Zero is how the engine writes its own defaults.
    let retries =
        found["Retries"].as_u64().and_then(|retries| u32::try_from(retries).ok()).filter(|retries| *retries > 0);
    Ok(Some(Health::Check(HealthCheck {
        test,
        interval: nanos_or(&found["Interval"], Timespan::secs(30)),
        timeout: nanos_or(&found["Timeout"], Timespan::secs(30)),
        retries: retries.unwrap_or(3),
        start_period: nanos(&found["StartPeriod"]),
    })))
}

fn platform(found: &Value) -> Platform {
    Platform { os: text(&found["OS"]), architecture: text(&found["Architecture"]) }
}

fn bytes(found: &Value) -> Option<Memory> {
    found.as_u64().filter(|bytes| *bytes > 0).map(Memory)
}

fn resources(found: &Value) -> ResourcesSpec {
    let cpus = found["NanoCPUs"].as_i64().filter(|nano| *nano > 0).map(|nano| Cpus { nano });
    ResourcesSpec { memory: bytes(&found["MemoryBytes"]), cpus }
}

/// A time that is what this crate would have chosen reads as not chosen.
fn chosen(found: &Value, usual: Timespan) -> Option<Timespan> {
    Some(nanos_or(found, Timespan::secs(5))).filter(|monitor| *monitor != usual)
}

fn ratio(found: &Value) -> Ratio {
    Ratio::of(found.as_f64().unwrap_or(0.0))
}

/// Without settings, the engine replaces one task at a time, and all at once where its number is zero.
fn parallelism(found: &Value) -> u64 {
    if found.is_object() { found["Parallelism"].as_u64().unwrap_or(0) } else { 1 }
}

fn update(found: &Value, usual: Timespan) -> Read<Update> {
    Ok(Update {
        parallelism: parallelism(found),
        delay: nanos(&found["Delay"]),
        order: word(&found["Order"])?.unwrap_or(Order::StopFirst),
        on_failure: word(&found["FailureAction"])?.unwrap_or(OnFailure::Pause),
        monitor: chosen(&found["Monitor"], usual),
        max_failure_ratio: ratio(&found["MaxFailureRatio"]),
    })
}

fn rollback(found: &Value, usual: Timespan) -> Read<Rollback> {
    Ok(Rollback {
        parallelism: parallelism(found),
        delay: nanos(&found["Delay"]),
        order: word(&found["Order"])?.unwrap_or(Order::StopFirst),
        on_failure: word(&found["FailureAction"])?.unwrap_or(OnRollbackFailure::Pause),
        monitor: chosen(&found["Monitor"], usual),
        max_failure_ratio: ratio(&found["MaxFailureRatio"]),
    })
}

fn restart(found: &Value) -> Read<Restart> {
    let usual = Restart::default();
    Ok(Restart {
        condition: word(&found["Condition"])?.unwrap_or(usual.condition),
        delay: found["Delay"].as_i64().map_or(usual.delay, Timespan::of_nanos),
        max_attempts: found["MaxAttempts"].as_u64().unwrap_or(0),
        window: nanos(&found["Window"]),
    })
}

fn log(found: &Value) -> Option<LogDriver> {
    let name = some_text(&found["Name"])?;
    Some(LogDriver { name, options: texts(&found["Options"]) })
}

fn port(found: &Value, labels: &Labels) -> Read<Port> {
    let number = |value: &Value| value.as_u64().and_then(|port| u16::try_from(port).ok());
    let mut port = Port {
        target: number(&found["TargetPort"]).ok_or("a port of it has no number")?,
        published: number(&found["PublishedPort"]).filter(|port| *port > 0),
        mode: word(&found["PublishMode"])?.unwrap_or_default(),
        transport: word(&found["Protocol"])?.unwrap_or_default(),
        speaks: None,
    };
    port.speaks = labels.notes.get(&speaks_key(&port)).and_then(|noted| serde_json::from_str(noted).ok());
    Ok(port)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sprocket_core::__derive::Known;
    use sprocket_core::kind::{Fields as _, OwnerTag};

    use super::super::{Attachment, Mount, Protocol, ServiceDraft, write};
    use super::*;

    /// What would be read if the engine kept exactly what it was sent.
    fn returned(draft: ServiceDraft) -> (ServiceSpec, Value) {
        let spec = draft.spec(&Known::default()).unwrap();
        let owner = OwnerTag { lineage: "l".into(), record: "r".into() };
        let body = write::body(&"app".into(), &spec, &owner, 7);
        (spec, json!({ "ID": "s1", "Spec": body }))
    }

    #[test]
    fn what_is_sent_reads_as_the_spec() {
        let health = Health::cmd(["true"]).interval(Timespan::secs(20));
        for draft in [
            Service::new("app", "app:1"),
            Service::new("app", "app:1").global(),
            Service::new("app", "app:1").health(health.clone()).update(Update::default().monitor(Timespan::secs(5))),
            Service::new("app", "app:1").health(Health::Disabled).publish(Port::host(80).speaks(Protocol::Redis)),
        ] {
            let (spec, found) = returned(draft);
            let live = live(&found).unwrap();
            assert_eq!(serde_json::to_value(&live.spec).unwrap(), serde_json::to_value(&spec).unwrap());
            assert_eq!(live.owner.map(|owner| owner.record.to_string()).as_deref(), Some("r"));
            assert_eq!(force_update(&found), 7);
        }
    }

    #[test]
    fn what_the_engine_leaves_out_are_its_defaults() {
        let found = json!({ "ID": "s1", "Spec": {
            "Name": "app", "Mode": { "Replicated": { "Replicas": 1 } },
            "TaskTemplate": { "ContainerSpec": { "Image": "app:1", "Isolation": "default" }, "Runtime": "container" },
        }});
        let live = live(&found).unwrap();
        let expect = Service::new("app", "app:1").update(Update::default().on_failure(OnFailure::Pause));
        assert_eq!(live.spec, expect.spec(&Known::default()).unwrap());
    }

    #[test]
    fn the_order_of_sets_does_not_count() {
        let net = |id: &str| Attachment::to(NetworkId(id.to_owned()));
        let mount = |target: &str| Mount::of(MountSource::tmpfs(), target);
        let one = Service::new("app", "app:1").network(net("a").alias("x").alias("y")).network(net("b"));
        let other = Service::new("app", "app:1").network(net("b")).network(net("a").alias("y").alias("x"));
        let spec = |draft: ServiceDraft| draft.spec(&Known::default()).unwrap();
        assert_eq!(spec(one.clone().mount_with(mount("/a"))), spec(other.clone().mount_with(mount("/a"))));
        assert_ne!(spec(one.mount_with(mount("/a"))), spec(other.mount_with(mount("/b"))));
        let args = |args: [&str; 2]| spec(Service::new("app", "app:1").args(args));
        assert_ne!(args(["a", "b"]), args(["b", "a"]));
    }

    #[test]
    fn what_is_not_known_here_is_an_error_and_no_guess() {
        let (_, mut found) = returned(Service::new("app", "app:1"));
        found["Spec"]["Mode"] = json!({ "ReplicatedJob": {} });
        assert_eq!(live(&found).unwrap_err(), "its mode is `ReplicatedJob`: jobs are not known here");
        let (_, mut found) = returned(Service::new("app", "app:1"));
        found["Spec"]["UpdateConfig"]["Order"] = "sideways".into();
        assert_eq!(live(&found).unwrap_err(), "the word `sideways` is not known here");
    }
}
