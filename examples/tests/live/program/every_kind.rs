//! A program of the live tests: a small stack with every kind of the four crates, and a generated password.

use std::process::ExitCode;

use serde::Deserialize;
use serde_json::json;
use sprocket::docker::{Health, Protocol, ServiceDraft};
use sprocket::prelude::*;

const NAME: &str = "sprocket-every-kind";

#[derive(Deserialize)]
struct Config {
    /// Any text. With another one every kind has something to do but those of the bootstrap: what can be updated is, and
    /// the rest is replaced.
    motto: String,
    /// What the name `every-kind` leads to.
    address: String,
    s3: Keys,
    dns: Key,
}

#[derive(Deserialize)]
struct Keys {
    access_key: Secret<String>,
    secret_key: Secret<String>,
}

#[derive(Deserialize)]
struct Key {
    key: Secret<String>,
}

fn every_kind(stack: &mut Stack, config: &Config) {
    let motto = config.motto.as_str();
    let password = stack.add(Password::new(NAME).rotation(motto));

    stack.connect(Docker::from_env());
    let network = stack.add(Network::overlay(NAME).label("motto", motto));
    let file = stack.add(SwarmConfig::new(NAME, format!("{motto}\n")));
    let secret = stack.add(SwarmSecret::new(NAME, &password.value));
    stack.add(
        quick(Service::new(NAME, "sprocket-stand-in/busy:1"))
            .network(&network)
            .config(&file, "/motto")
            .secret(&secret, "password"),
    );

    let key = TsigKey::sha256("sprocket", config.dns.key.expose());
    stack.connect(Dns::zone("sprocket.localhost", "127.0.0.1:15353").credentials(key));
    stack.add(DnsRecord::a("every-kind", config.address.as_str()).ttl(60_u32));
    stack.add(DnsRecord::txt("every-kind", motto).ttl(60_u32));
    stack.add(DnsRecord::cname("every-kind-alias", "every-kind").ttl(60_u32));

    let keys = S3Credentials::keys(config.s3.access_key.expose(), config.s3.secret_key.clone());
    stack.connect(S3::at("http://127.0.0.1:18333").region("us-east-1").credentials(keys));
    stack.add(Bucket::new(NAME).versioned().tag("motto", motto));

    let opened = vault(stack);
    stack.connect(Vault::at(&opened.address).credentials(&opened));
    let mount = stack.add(VaultMount::kv2(NAME).description(motto));
    let reads = mount
        .path
        .zip(&Output::known(motto.to_owned()))
        .map(|(path, motto)| format!("# {motto}\npath \"{path}/data/*\" {{ capabilities = [\"read\"] }}\n"));
    stack.add(VaultPolicy::new(format!("{NAME}-read"), reads));
    stack.add(KvSecret::new("password", &mount).field("password", &password.value));
}

/// A Vault in the swarm, opened.
fn vault(stack: &mut Stack) -> Opened {
    const PORT: u16 = 8200;
    const RUNS: &str = "/v1/sys/seal-status";
    let name = format!("{NAME}-vault");
    let settings = json!({
        "listener": { "tcp": { "address": format!("0.0.0.0:{PORT}"), "tls_disable": true } },
        "storage": { "raft": { "path": "/vault/data", "node_id": "vault" } },
        "api_addr": format!("http://127.0.0.1:{PORT}"),
        "cluster_addr": "http://127.0.0.1:8201",
        "disable_mlock": true,
    });
    let settings = stack.add(SwarmConfig::new(name.as_str(), format!("{settings:#}")));
    let data = stack.add(Volume::new(name.as_str()));
    let runs = format!("http://127.0.0.1:{PORT}{RUNS}");
    let service = stack.add(
        quick(Service::new(name.as_str(), "sprocket-stand-in/vault:1"))
            .args(["server", "-config=/vault/config.json"])
            .config(&settings, "/vault/config.json")
            .mount(&data, "/vault/data")
            .health(
                Health::cmd(["wget", "-q", "-O", "/dev/null", runs.as_str()])
                    .interval(Timespan::secs(1))
                    .start_period(Timespan::secs(20)),
            )
            // Another one than that of the estate.
            .publish(Port::host(18201).to(PORT).speaks(Protocol::Http { path: RUNS.into() })),
    );
    let passphrase = stack.add(Password::new("vault-custody").length(64).protect());
    let custody = Custody::folder(stack.folder().join("custody").display().to_string(), &passphrase.value);
    stack.output("vault-custody", &passphrase.value);
    Bootstrap::new(name, service.reach(PORT).map(|reach| reach.url("http")), &custody)
        .shares(2, 2)
        .storage(data.identity.map(|identity| identity.to_string()))
        .on(stack)
}

/// One that is not long waited for.
fn quick(service: ServiceDraft) -> ServiceDraft {
    service
        // A kernel without IPVS carries nothing to virtual addresses.
        .endpoint(EndpointMode::Dnsrr)
        .update(Update::default().monitor(Timespan::secs(1)))
        .restart(Restart::default().delay(Timespan::secs(1)))
        .stop_grace_period(Timespan::secs(1))
}

fn main() -> ExitCode {
    sprocket::run("every_kind", every_kind)
}
