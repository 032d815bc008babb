//! Services: what is sent is kept in the engine's form, with what it fills in and without what it drops.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::book::{Book, check_dns_name, in_sequence, list as items, place, text, touch};
use super::contents::{CONFIGS, SECRETS};
use super::networks;
use super::refusal::Refusal;
use super::{Given, found};

/// From here on the engine chooses ports that services publish without a number.
const FIRST_PORT: u64 = 30_000;

pub(crate) fn list(book: &Book) -> Given {
    found(json!(book.services))
}

pub(crate) fn at(book: &Book, key: &str) -> Result<usize, Refusal> {
    let place = place(&book.services, key, &["ID"], &["Spec", "Name"]);
    place.ok_or_else(|| Refusal::not_found(format!("service {key} not found")))
}

pub(crate) fn inspect(book: &Book, key: &str) -> Given {
    found(book.services[at(book, key)?].clone())
}

pub(crate) fn create(book: &mut Book, body: &Value) -> Given {
    let spec = normalised(book, body)?;
    let name = text(&spec, &["Name"]);
    check_dns_name(name)?;
    if book.services.iter().any(|service| service["Spec"]["Name"] == name) {
        return Err(Refusal::exists(format!("name conflicts with an existing object: service {name} already exists")));
    }
    check(book, &spec, "")?;
    let mut service = book.object(spec);
    service["Endpoint"] = endpoint(book, &service);
    let id = service["ID"].clone();
    book.services.push(service);
    Ok((StatusCode::CREATED, json!({ "ID": id })))
}

pub(crate) fn update(book: &mut Book, key: &str, version: Option<&String>, body: &Value) -> Given {
    let place = at(book, key)?;
    in_sequence(&book.services[place], version)?;
    let spec = normalised(book, body)?;
    let service = &book.services[place];
    if spec["Name"] != service["Spec"]["Name"] {
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "renaming services is not supported"));
    }
    let mode = |spec: &Value| spec["Mode"].as_object().and_then(|mode| mode.keys().next().cloned());
    if mode(&spec) != mode(&service["Spec"]) {
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "service mode change is not allowed"));
    }
    check(book, &spec, text(service, &["ID"]))?;
    let index = book.next();
    let mut service = book.services[place].clone();
    let previous = std::mem::replace(&mut service["Spec"], spec);
    service["PreviousSpec"] = previous;
    service["Endpoint"] = endpoint(book, &service);
    if let Some(service) = service.as_object_mut() {
        service.remove("UpdateStatus");
    }
    touch(&mut service, index);
    book.services[place] = service;
    found(json!({ "Warnings": null }))
}

pub(crate) fn delete(book: &mut Book, key: &str) -> Given {
    let place = at(book, key)?;
    book.services.remove(place);
    Ok((StatusCode::OK, Value::Null))
}

/// Takes an update back: its settings become those of before it.
pub(crate) fn roll_back(book: &mut Book, id: &str) {
    let index = book.next();
    if let Some(service) = book.services.iter_mut().find(|service| service["ID"] == id)
        && let Some(previous) = service.as_object_mut().and_then(|service| service.remove("PreviousSpec"))
    {
        service["Spec"] = previous;
        touch(service, index);
    }
}

/// What swarmkit does not take.
fn check(book: &Book, spec: &Value, own: &str) -> Result<(), Refusal> {
    let container = &spec["TaskTemplate"]["ContainerSpec"];
    SECRETS.check(book, container)?;
    CONFIGS.check(book, container)?;
    for port in items(&spec["EndpointSpec"]["Ports"]).filter(|port| is_ingress(port)) {
        let Some(number) = port["PublishedPort"].as_u64() else { continue };
        let others = book.services.iter().filter(|service| service["ID"] != own);
        let mut taken = others.filter(|service| {
            items(&service["Endpoint"]["Ports"]).any(|other| is_ingress(other) && other["PublishedPort"] == number)
        });
        if let Some(other) = taken.next() {
            let (name, id) = (text(other, &["Spec", "Name"]), text(other, &["ID"]));
            let message = format!("port '{number}' is already in use by service '{name}' ({id}) as an ingress port");
            return Err(Refusal::invalid(message));
        }
    }
    Ok(())
}

pub(crate) fn is_ingress(port: &Value) -> bool {
    text(port, &["PublishMode"]) != "host"
}

/// Its ports, with those that the engine chose; it keeps what it chose before.
fn endpoint(book: &Book, service: &Value) -> Value {
    let own = &service["Endpoint"]["Ports"];
    let others = book.services.iter().filter(|other| other["ID"] != service["ID"]);
    let mut taken: Vec<u64> = others
        .flat_map(|other| items(&other["Endpoint"]["Ports"]))
        .chain(items(&service["Spec"]["EndpointSpec"]["Ports"]))
        .filter_map(|port| port["PublishedPort"].as_u64())
        .collect();
    let mut ports: Vec<Value> = items(&service["Spec"]["EndpointSpec"]["Ports"]).cloned().collect();
    for port in ports.iter_mut().filter(|port| is_ingress(port) && port["PublishedPort"].is_null()) {
        let same = |before: &&Value| {
            before["TargetPort"] == port["TargetPort"] && before["Protocol"] == port["Protocol"] && is_ingress(before)
        };
        let kept = items(own).find(same).and_then(|before| before["PublishedPort"].as_u64());
        let number = kept.filter(|number| !taken.contains(number));
        let number = number.or_else(|| (FIRST_PORT..).find(|number| !taken.contains(number))).unwrap_or(FIRST_PORT);
        taken.push(number);
        port["PublishedPort"] = number.into();
    }
    json!({ "Spec": service["Spec"]["EndpointSpec"], "Ports": ports })
}

/// What was sent, as the engine shows it.
fn normalised(book: &Book, body: &Value) -> Result<Value, Refusal> {
    let mut spec = body.clone();
    let template = &mut spec["TaskTemplate"];
    let container = &mut template["ContainerSpec"];
    if text(container, &["Image"]).is_empty() {
        return Err(Refusal::invalid("ContainerSpec: image reference must be provided"));
    }
    container.get_mut("Healthcheck").into_iter().for_each(prune);
    container.get_mut("Mounts").and_then(Value::as_array_mut).into_iter().flatten().for_each(prune);
    prune(container);
    container["Isolation"] = "default".into();
    let amounts = template.get_mut("Resources").and_then(Value::as_object_mut);
    amounts.into_iter().flat_map(|amounts| amounts.values_mut()).for_each(prune);
    for part in ["Placement", "LogDriver"] {
        template.get_mut(part).into_iter().for_each(prune);
    }
    template["Runtime"] = "container".into();
    if template["ForceUpdate"].is_null() {
        template["ForceUpdate"] = 0.into();
    }
    if let Some(networks) = template.get_mut("Networks").and_then(Value::as_array_mut) {
        for attached in networks.iter_mut() {
            let target = text(attached, &["Target"]);
            if matches!(target, "none" | "host" | "bridge" | "default" | "nat") {
                let message =
                    format!("could not find the corresponding predefined swarm network: network {target} not found");
                return Err(Refusal::not_found(message));
            }
            let network = networks::find(book, target)
                .ok_or_else(|| Refusal::internal(&format!("network {target} not found")))?;
            attached["Target"] = network["Id"].clone();
            prune(attached);
        }
    }
    prune(template);
    for policy in ["UpdateConfig", "RollbackConfig"] {
        let policy = spec.get_mut(policy).and_then(Value::as_object_mut);
        if let Some(policy) = policy.filter(|policy| policy.get("Delay") == Some(&json!(0))) {
            policy.remove("Delay");
        }
    }
    let ports = spec["EndpointSpec"].get_mut("Ports").and_then(Value::as_array_mut);
    ports.into_iter().flatten().for_each(prune);
    prune(&mut spec["EndpointSpec"]);
    if spec["EndpointSpec"]["Mode"].is_null() {
        spec["EndpointSpec"]["Mode"] = "vip".into();
    }
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        fields.entry("Labels").or_insert_with(|| json!({}));
    }
    Ok(spec)
}

/// Drops the fields that say nothing. Fields of what is inside stay as they are: an empty label is a label.
fn prune(value: &mut Value) {
    let says_nothing = |key: &str, value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty() && key != "Limits" && key != "Placement",
        Value::Number(number) => number.as_u64() == Some(0) && key != "ForceUpdate",
        Value::Bool(true) => false,
    };
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|key, value| !says_nothing(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_reads_as_the_engine_shows_it() {
        let sent = json!({
            "Name": "app", "Labels": { "a": "" },
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": "app:1", "Labels": {}, "Env": [], "Mounts": [{ "Target": "/t", "ReadOnly": false, "Type": "tmpfs" }],
                    "Configs": [], "StopGracePeriod": 2,
                },
                "Resources": { "Limits": {}, "Reservations": { "MemoryBytes": 7 } },
                "RestartPolicy": { "Condition": "any", "Delay": 1, "MaxAttempts": 0, "Window": 0 },
                "Placement": { "Constraints": [], "MaxReplicas": 0 }, "Networks": [], "ForceUpdate": 0,
            },
            "Mode": { "Replicated": { "Replicas": 1 } },
            "UpdateConfig": { "Parallelism": 0, "Delay": 0, "MaxFailureRatio": 0.0 },
            "EndpointSpec": { "Mode": "vip", "Ports": [{ "TargetPort": 80, "PublishedPort": 0 }] },
        });
        let shown = json!({
            "Name": "app", "Labels": { "a": "" },
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": "app:1", "Mounts": [{ "Target": "/t", "Type": "tmpfs" }], "StopGracePeriod": 2, "Isolation": "default",
                },
                "Resources": { "Limits": {}, "Reservations": { "MemoryBytes": 7 } },
                "RestartPolicy": { "Condition": "any", "Delay": 1, "MaxAttempts": 0, "Window": 0 },
                "Placement": {}, "ForceUpdate": 0, "Runtime": "container",
            },
            "Mode": { "Replicated": { "Replicas": 1 } },
            "UpdateConfig": { "Parallelism": 0, "MaxFailureRatio": 0.0 },
            "EndpointSpec": { "Mode": "vip", "Ports": [{ "TargetPort": 80 }] },
        });
        let found = normalised(&Book::default(), &sent).map_err(|refusal| refusal.message);
        assert_eq!(found, Ok(shown));
    }
}
