//! What is on the servers beside the engine, asked and changed without the program: names, buckets, and what is in Vault.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use sprocket::core::program::Secret;
use sprocket::vault::{Custodian as _, Item, SealedFolder};

use crate::engine::docker;
use crate::place::Place;

/// Where `scripts/services` keeps the secrets of its servers.
pub(crate) fn secrets() -> PathBuf {
    services().join("secrets")
}

fn services() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../target/services").into()
}

const DNS: [&str; 3] = ["@127.0.0.1", "-p", "15353"];

/// What the name server answers for this name and type, a line for each.
pub(crate) fn answers(name: &str, kind: &str) -> Vec<String> {
    told(Command::new("dig").args(DNS).args(["+short", name, kind])).lines().map(ToOwned::to_owned).collect()
}

/// Every record of the zone but those of the zone itself: `api.sprocket.localhost. A`.
pub(crate) fn records(zone: &str) -> BTreeSet<String> {
    let key = services().join("dns/sprocket.key").display().to_string();
    let zone = told(Command::new("dig").args(DNS).args(["-k", &key, "+noall", "+answer", zone, "AXFR"]));
    let record = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _, _, kind, ..] = words[..] else { panic!("the server told {line:?}") };
        format!("{name} {kind}")
    };
    let is_of_the_zone =
        |record: &String| record.ends_with(" SOA") || record.ends_with(" NS") || record.starts_with("ns1.");
    zone.lines().filter(|line| !line.is_empty()).map(record).filter(|record| !is_of_the_zone(record)).collect()
}

/// Removes a name with all its records.
pub(crate) fn remove_name(name: &str) {
    let key = services().join("dns/sprocket.key");
    let mut command = Command::new("nsupdate");
    let mut update = command.arg("-k").arg(key).stdin(Stdio::piped()).spawn().unwrap();
    let text = format!("server 127.0.0.1 15353\nupdate delete {name}.\nsend\n");
    std::io::Write::write_all(&mut update.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(update.wait().unwrap().success());
}

/// The buckets of the S3 server, as its own file store lists them: their listing needs no key.
pub(crate) fn buckets() -> BTreeSet<String> {
    let listed =
        told(Command::new("curl").args(["-sS", "-H", "Accept: application/json", "http://127.0.0.1:18334/buckets/"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let entries = listed["Entries"].as_array().into_iter().flatten();
    let path = |entry: &Value| entry["FullPath"].as_str().unwrap().trim_start_matches("/buckets/").to_owned();
    // What begins with a dot is the server's own.
    entries.map(path).filter(|name| !name.starts_with('.')).collect()
}

/// Removes what a story left that failed.
pub(crate) fn clear(zone: &str, named: &[&str]) {
    for record in records(zone) {
        remove_name(record.split(". ").next().unwrap());
    }
    let there = buckets();
    for bucket in named.iter().filter(|bucket| there.contains(**bucket)) {
        told(Command::new("curl").args([
            "-sS",
            "-X",
            "DELETE",
            &format!("http://127.0.0.1:18334/buckets/{bucket}?recursive=true"),
        ]));
    }
}

/// A Vault in the swarm, as somebody uses it who has the program's own token.
pub(crate) struct VaultByHand {
    token: String,
    service: &'static str,
}

impl VaultByHand {
    /// Opens custody with its passphrase, which the program shows to who asks.
    pub(crate) fn of(place: &Place, program: &str, service: &'static str) -> Self {
        let passphrase = Secret::new(place.output("vault-custody"));
        let custody = SealedFolder::new(place.state().join(program).join("local/custody"), passphrase);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let token = runtime.block_on(custody.get(Item::Token)).unwrap().expect("the program has a token");
        let token: Value = serde_json::from_slice(token.expose()).unwrap();
        Self { token: token["token"].as_str().unwrap().to_owned(), service }
    }

    /// What Vault's own command says, in its container.
    pub(crate) fn bao(&self, args: &[&str]) -> String {
        let container = container(self.service);
        let mut command = Command::new("docker");
        command.args(["exec", "-e", "BAO_ADDR=http://127.0.0.1:8200", "-e", "BAO_TOKEN", &container, "bao"]).args(args);
        told(command.env("BAO_TOKEN", &self.token)).trim().to_owned()
    }

    /// A field of a secret.
    pub(crate) fn secret(&self, mount: &str, name: &str, field: &str) -> String {
        self.bao(&["kv", "get", &format!("-mount={mount}"), &format!("-field={field}"), name])
    }
}

/// The container that runs a service.
pub(crate) fn container(service: &str) -> String {
    docker(&["ps", "--quiet", "--filter", &format!("label=com.docker.swarm.service.name={service}")])
}

fn told(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    let args: Vec<_> = command.get_args().collect();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
