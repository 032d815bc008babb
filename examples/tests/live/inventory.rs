//! The stack with every kind: what is recorded of it, what its four services have of it, and what a kill interrupted.

use std::fmt;
use std::process::Command;

use serde_json::Value;
use sprocket::core::kind::Address;
use sprocket::core::state::{Action, Entry, FileStore, JournalEvent, Snapshot, StateStore as _};

use crate::engine::Object;
use crate::place::Place;
use crate::servers::{VaultByHand, buckets, records};

/// The program.
pub(crate) const PROGRAM: &str = "every_kind";
/// What the names of its buckets begin with.
pub(crate) const BUCKET: &str = "sprocket-every-kind";
/// The service that is its Vault.
pub(crate) const VAULT: &str = "sprocket-every-kind-vault";
/// Its zone, in which nobody else has names while a live test runs.
pub(crate) const ZONE: &str = "sprocket.localhost";

/// What is recorded and what is under way; nothing, before the first apply has begun.
pub(crate) fn snapshot(place: &Place) -> Option<Snapshot> {
    let store = FileStore::new(place.state().join(PROGRAM).join("local"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store.load()).unwrap().map(|loaded| loaded.snapshot)
}

/// Everything that should be there by the record: `docker:volume sprocket-every-kind-vault`.
pub(crate) fn recorded(snapshot: &Snapshot) -> Vec<String> {
    let of_each = snapshot.records.iter();
    sorted(
        of_each
            .flat_map(|(address, record)| record.objects().flat_map(|object| listed_as(address, object.name.as_str()))),
    )
}

/// What its service lists for an object. Passwords, and what is in custody, are listed by none.
fn listed_as(address: &Address, name: &str) -> Vec<String> {
    match address.kind() {
        "dns:record" => {
            let (label, record_type) = name.rsplit_once(':').unwrap();
            let owner = format!("_owner-{}.{label}", record_type.to_lowercase());
            vec![format!("dns:record {label}.{ZONE}. {record_type}"), format!("dns:record {owner}.{ZONE}. TXT")]
        }
        // Our token has a policy of its name.
        "vault:access" => vec![format!("vault:policy {name}")],
        kind @ ("s3:bucket" | "vault:mount" | "vault:policy" | "vault:kv") => vec![format!("{kind} {name}")],
        kind if kind.starts_with("docker:") => vec![format!("{kind} {name}")],
        _ => Vec::new(),
    }
}

/// Everything that is there, in Vault too, which has to be open. What is there twice is listed twice.
pub(crate) fn there(place: &Place) -> Vec<String> {
    let vault = VaultByHand::of(place, PROGRAM, VAULT);
    let listed = |args: &[&str]| -> Value { serde_json::from_str(&vault.bao(args)).unwrap() };
    let mut found = outside_of_vault(place);
    for (path, mount) in listed(&["secrets", "list", "-format=json"]).as_object().unwrap() {
        // The others are the server's own.
        if mount["type"] == "kv" {
            found.push(format!("vault:mount {}", path.trim_end_matches('/')));
            let names = listed(&["list", "-format=json", &format!("{path}metadata")]);
            found.extend(words(&names).map(|name| format!("vault:kv {path}{name}")));
        }
    }
    let policies = listed(&["policy", "list", "-format=json"]);
    let ours = words(&policies).filter(|name| !matches!(*name, "default" | "root"));
    found.extend(ours.map(|name| format!("vault:policy {name}")));
    sorted(found)
}

fn words(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap())
}

/// What is there beside Vault, which may be sealed, or not be there.
pub(crate) fn outside_of_vault(place: &Place) -> Vec<String> {
    let engine = place.made().into_iter().map(|Object { kind, name, .. }| format!("docker:{kind} {name}"));
    let names = records(ZONE).into_iter().map(|record| format!("dns:record {record}"));
    let buckets = buckets().into_iter().filter(|name| name.starts_with(BUCKET));
    sorted(engine.chain(names).chain(buckets.map(|name| format!("s3:bucket {name}"))))
}

fn sorted(all: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = all.into_iter().collect();
    all.sort();
    all
}

/// How often the Vault was initialised, by its own log.
pub(crate) fn initialisations() -> usize {
    let told = Command::new("docker").args(["service", "logs", VAULT]).output().unwrap();
    let count = |text: &[u8]| String::from_utf8_lossy(text).matches("security barrier initialized").count();
    count(&told.stdout) + count(&told.stderr)
}

/// Where in a step a kill fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The step is begun in the journal, and its service shows nothing of it.
    BeforeTheEffect,
    /// Its service shows it, and the journal does not.
    AfterTheEffect,
    /// The object is there and recorded, and was being waited for.
    InTheWait,
    /// An update, or something in custody or in Vault: nobody tells whether it had arrived.
    InACall,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeTheEffect => "before its effect",
            Self::AfterTheEffect => "between its effect and its record",
            Self::InTheWait => "in the wait",
            Self::InACall => "in a call whose effect is not listed",
        })
    }
}

/// The steps that a kill interrupted, each with its phase; none between steps.
pub(crate) fn under_way(place: &Place) -> Vec<(Address, Phase)> {
    let Some(snapshot) = snapshot(place) else { return Vec::new() };
    let there = outside_of_vault(place);
    let steps = snapshot.pending.iter();
    steps.map(|(address, entry)| (address.clone(), phase(&snapshot, address, entry, &there))).collect()
}

fn phase(snapshot: &Snapshot, address: &Address, entry: &Entry, there: &[String]) -> Phase {
    let JournalEvent::Begin { action } = &entry.event else { panic!("{address} is pending without a beginning") };
    let (name, makes) = match action {
        Action::Ready => return Phase::InTheWait,
        Action::Update { .. } => return Phase::InACall,
        Action::Create { intent } => (&intent.name, true),
        Action::Delete { object } => {
            let object = snapshot.records[address].objects().find(|other| other.is(object)).unwrap();
            (&object.name, false)
        }
    };
    let listed = listed_as(address, name.as_str());
    let is_there = match address.kind() {
        "vault:init" => initialisations() > 0,
        kind if kind.starts_with("vault:") || listed.is_empty() => return Phase::InACall,
        _ => listed.iter().all(|object| there.contains(object)),
    };
    if is_there == makes { Phase::AfterTheEffect } else { Phase::BeforeTheEffect }
}
