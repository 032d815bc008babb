//! Networks. The swarm gives an overlay its addresses; the node's own have longer ids.

use std::collections::BTreeSet;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::book::{Book, check_dns_name, list as items, local_id, now, place, swarm_id, text};
use super::refusal::Refusal;
use super::{Given, found};

const VXLAN: &str = "com.docker.network.driver.overlay.vxlanid_list";

pub(crate) fn list(book: &Book) -> Given {
    found(json!(book.networks))
}

pub(crate) fn find<'b>(book: &'b Book, key: &str) -> Option<&'b Value> {
    place(&book.networks, key, &["Id"], &["Name"]).map(|place| &book.networks[place])
}

pub(crate) fn inspect(book: &Book, key: &str) -> Given {
    found(find(book, key).ok_or_else(|| missing(key))?.clone())
}

fn missing(key: &str) -> Refusal {
    Refusal::not_found(format!("network {key} not found"))
}

pub(crate) fn create(book: &mut Book, body: &Value) -> Given {
    let (name, driver) = (text(body, &["Name"]), text(body, &["Driver"]));
    if name.trim().is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "network name can't be empty"));
    }
    if book.networks.iter().any(|network| network["Name"] == name) {
        return Err(Refusal::new(StatusCode::CONFLICT, format!("network with name {name} already exists")));
    }
    let of_swarm = match driver {
        "overlay" => true,
        "bridge" => false,
        _ => return Err(Refusal::not_found(format!("plugin \"{driver}\" not found"))),
    };
    if of_swarm {
        check_dns_name(name)?;
    }
    let taken: BTreeSet<&str> = book.networks.iter().map(subnet).collect();
    let asked = text(&body["IPAM"]["Config"][0], &["Subnet"]).to_owned();
    let subnet = match (asked.as_str(), of_swarm) {
        ("", true) => free(&taken, (1..=u16::MAX).map(|n| format!("10.{}.{}.0/24", n >> 8, n & 0xff))),
        ("", false) => free(&taken, (19..=31).map(|n| format!("172.{n}.0.0/16"))),
        (asked, _) => Some(asked.to_owned()),
    };
    let subnet =
        subnet.ok_or_else(|| Refusal::internal(&"could not find an available, non-overlapping address pool"))?;
    let gateway = subnet.split_once('/').and_then(|(base, _)| Some(format!("{}.1", base.rsplit_once('.')?.0)));
    let mut options = body["Options"].as_object().cloned().unwrap_or_default();
    let id = if of_swarm { swarm_id() } else { local_id() };
    if of_swarm {
        options.insert(VXLAN.into(), (4096 + book.next()).to_string().into());
    }
    let is_set = |key: &str| body[key].as_bool().unwrap_or(false);
    let network = json!({
        "Name": name, "Id": id, "Created": now(), "Scope": if of_swarm { "swarm" } else { "local" }, "Driver": driver,
        "EnableIPv6": false,
        "IPAM": { "Driver": "default", "Options": null, "Config": [{ "Subnet": subnet, "Gateway": gateway }] },
        "Internal": is_set("Internal"), "Attachable": is_set("Attachable"), "Ingress": false,
        "ConfigFrom": { "Network": "" }, "ConfigOnly": false, "Containers": null, "Options": options,
        "Labels": body["Labels"],
    });
    book.networks.push(network);
    Ok((StatusCode::CREATED, json!({ "Id": id, "Warning": "" })))
}

fn subnet(network: &Value) -> &str {
    text(&network["IPAM"]["Config"][0], &["Subnet"])
}

fn free(taken: &BTreeSet<&str>, mut candidates: impl Iterator<Item = String>) -> Option<String> {
    candidates.find(|candidate| !taken.contains(candidate.as_str()))
}

/// Deletes it, if neither a service mentions it nor a task is on it.
pub(crate) fn delete(book: &mut Book, key: &str, by_task: impl Fn(&str) -> Option<String>) -> Given {
    let place = place(&book.networks, key, &["Id"], &["Name"]).ok_or_else(|| missing(key))?;
    let id = text(&book.networks[place], &["Id"]).to_owned();
    let used = |user: String| {
        let message = format!("rpc error: code = FailedPrecondition desc = network {id} is in use by {user}");
        Refusal::new(StatusCode::BAD_REQUEST, message)
    };
    let mentions = |service: &&Value| {
        items(&service["Spec"]["TaskTemplate"]["Networks"]).any(|attached| attached["Target"] == id.as_str())
    };
    if let Some(service) = book.services.iter().find(mentions) {
        return Err(used(format!("service {}", text(service, &["ID"]))));
    }
    if let Some(task) = by_task(&id) {
        return Err(used(format!("task {task}")));
    }
    book.networks.remove(place);
    Ok((StatusCode::NO_CONTENT, Value::Null))
}
