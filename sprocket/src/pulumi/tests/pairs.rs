//! Which object is which resource.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

/// A network of Pulumi's: `URN name`, then its name at the service; `=` before it if somebody wrote that name.
fn network((logical, name): &(&str, &str)) -> Value {
    let (name, defaults) = name.strip_prefix('=').map_or((*name, json!(["name"])), |name| (name, json!([])));
    let token =
        if logical.starts_with("volume-") { "docker:index/volume:Volume" } else { "docker:index/network:Network" };
    json!({
        "urn": format!("urn:pulumi:a::b::{token}::{logical}"), "custom": true, "type": token, "id": format!("id-of-{name}"),
        "inputs": { "__defaults": defaults, "name": name },
    })
}

/// What is matched, as `address → id`; what is unclear, as `address ?`.
fn matched(declared: &[&str], networks: &[(&str, &str)], pairs: &[(&str, &str)]) -> String {
    let resources: Vec<Value> = networks.iter().map(network).collect();
    let whole = json!({ "version": 3, "deployment": { "resources": resources } }).to_string();
    let checkpoint = Checkpoint::read(whole.as_bytes()).unwrap();
    let pairs = pairs.iter().map(|(address, name)| {
        (Address::from(*address), format!("urn:pulumi:a::b::docker:index/network:Network::{name}"))
    });
    let wishes = Wishes { pairs: pairs.collect(), ..Wishes::default() };
    match adoption(&checkpoint, declared, &wishes) {
        Err(wrong) => wrong.join("; "),
        Ok(adoption) => {
            let pairs = adoption.imports.iter().map(|import| format!("{} → {}", import.address, import.id));
            let unclear = adoption.matching.unclear.iter();
            let unclear = unclear.map(|(place, _)| format!("{} ?", adoption.wanted[*place].address));
            pairs.chain(unclear).collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn the_strongest_word_counts_and_two_answers_are_none() {
    let check = |declared: &[&str], networks: &[(&str, &str)], expect: &str| {
        assert_eq!(matched(declared, networks, &[]), expect, "{declared:?} {networks:?}");
    };
    // By what somebody called it, and by its name without what Pulumi made up.
    check(&["docker:network/edge"], &[("edge", "edge-1a2b3c4")], "docker:network/edge → id-of-edge-1a2b3c4");
    check(&["docker:network/edge"], &[("the-edge", "edge-1a2b3c4")], "docker:network/edge → id-of-edge-1a2b3c4");
    check(&["docker:network/edge"], &[("edge", "=other")], "docker:network/edge → id-of-other");
    // A scope is a part of the name.
    check(
        &["docker:network/elo/edge"],
        &[("elo-edge", "elo-edge-1a2b3c4")],
        "docker:network/elo/edge → id-of-elo-edge-1a2b3c4",
    );
    check(&["docker:network/elo/edge"], &[("edge", "edge-1a2b3c4")], "");
    // The digits are seven, and Pulumi's.
    check(&["docker:network/edge"], &[("x", "edge-1a2b3c")], "");
    check(&["docker:network/edge"], &[("x", "edge-1a2b3cg")], "");
    check(&["docker:network/edge"], &[("x", "=edge-1a2b3c4")], "");
    check(
        &["docker:network/edge-1a2b3c4"],
        &[("x", "=edge-1a2b3c4")],
        "docker:network/edge-1a2b3c4 → id-of-edge-1a2b3c4",
    );
    check(&["docker:network/edge"], &[("x", "-1a2b3c4"), ("y", "1a2b3c4")], "");
    // A pinned name is the object's, whatever it was called.
    check(&["docker:network/edge=rim"], &[("edge", "edge-1a2b3c4"), ("x", "=rim")], "docker:network/edge → id-of-rim");
    check(&["docker:network/edge=rim"], &[("edge", "edge-1a2b3c4")], "");
    check(&["docker:network/edge=rim-1a2b3c4"], &[("x", "rim-1a2b3c4")], "docker:network/edge → id-of-rim-1a2b3c4");
    // Another kind is another thing.
    check(&["docker:volume/edge"], &[("edge", "edge-1a2b3c4")], "");
    check(
        &["docker:volume/volume-edge"],
        &[("volume-edge", "e-1a2b3c4")],
        "docker:volume/volume-edge → id-of-e-1a2b3c4",
    );
    // One to one, or not at all.
    check(&["docker:network/edge"], &[("edge", "=a"), ("x", "edge-1a2b3c4")], "docker:network/edge ?");
    check(
        &["docker:network/edge", "docker:network/rim"],
        &[("edge", "rim-1a2b3c4")],
        "docker:network/edge ?, docker:network/rim ?",
    );
    check(
        &["docker:network/edge", "docker:network/rim=rim-1a2b3c4"],
        &[("edge", "rim-1a2b3c4")],
        "docker:network/rim → id-of-rim-1a2b3c4",
    );
    check(
        &["docker:network/a", "docker:network/b", "docker:network/c"],
        &[("a", "a-1a2b3c4"), ("b", "c-1a2b3c4"), ("d", "d-1a2b3c4")],
        "docker:network/a → id-of-a-1a2b3c4, docker:network/b ?, docker:network/c ?",
    );
}

#[test]
fn what_a_person_says_counts_before_all() {
    let networks = [("edge", "rim-1a2b3c4"), ("other", "=other")];
    let both = ["docker:network/edge", "docker:network/rim"];
    let check =
        |pairs: &[(&str, &str)], expect: &str| assert_eq!(matched(&both, &networks, pairs), expect, "{pairs:?}");
    check(&[("docker:network/rim", "edge")], "docker:network/rim → id-of-rim-1a2b3c4");
    check(
        &[("docker:network/edge", "other")],
        "docker:network/edge → id-of-other, docker:network/rim → id-of-rim-1a2b3c4",
    );
    check(
        &[("docker:network/edge", "edge"), ("docker:network/rim", "edge")],
        "--as docker:network/rim: another resource is said to be this object",
    );
    check(
        &[("docker:network/edge", "edge"), ("docker:network/edge", "other")],
        "--as docker:network/edge: it is said to be two objects",
    );
    check(&[("docker:network/hub", "edge")], "--as docker:network/hub: it is not declared");
    check(&[("docker:network/rim", "gone")], "--as docker:network/rim: the checkpoint has no such URN");
}

#[test]
fn an_entry_that_can_not_be_meant_is_told_why() {
    let checkpoint = Checkpoint::read(ODD.as_bytes()).unwrap();
    let check = |address: &str, urn: &str, expect: &str| {
        let urn = format!("urn:pulumi:dev::orchard::{urn}");
        let wishes = Wishes { pairs: vec![(Address::from(address), urn)], ..Wishes::default() };
        let told = adoption(&checkpoint, &[address], &wishes).map_or_else(
            |wrong| wrong.join("; "),
            |adoption| adoption.imports.iter().map(|import| import.id.clone()).collect(),
        );
        assert_eq!(told, expect);
    };
    check("docker:network/x", "docker:index/network:Network::outside", "net0000000000000000000009");
    check(
        "docker:config/x",
        "docker:index/serviceConfig:ServiceConfig::twin",
        "--as docker:config/x: the URN is there more than once; `import docker:config/x ID` says which",
    );
    check("docker:config/x", "docker:index/serviceConfig:ServiceConfig::recipe", "cfg0000000000000000000001");
    check(
        "docker:service/x",
        "random:index/randomUuid:RandomUuid::batch",
        "--as docker:service/x: there is no kind for a random:index/randomUuid:RandomUuid",
    );
    check(
        "docker:service/x",
        "docker:index/volume:Volume::attic",
        "--as docker:service/x: that object is a docker:volume",
    );
    // Either URN of one object is that object.
    check("docker:service/x", "orchard:OldPress$docker:index/service:Service::press", "svc0000000000000000000001");
}

#[test]
fn what_is_recorded_is_not_looked_for_again() {
    let checkpoint = Checkpoint::read(ODD.as_bytes()).unwrap();
    let objects = BTreeSet::from([("docker:service".to_owned(), "svc0000000000000000000001".to_owned())]);
    let recorded = Recorded { addresses: BTreeSet::from([Address::from("docker:service/press")]), objects };
    let again = ("docker:service/press".into(), "urn:pulumi:dev::orchard::x::y".to_owned());
    let wishes = Wishes { pairs: vec![again], ..Wishes::default() };
    let adoption = Adoption::of(&checkpoint, vec![wanted("docker:service/label")], &recorded, &wishes).unwrap();
    assert_eq!(adoption.imports.len(), 1);
    assert_eq!(adoption.sorted.recorded.len(), 1);
}
