//! Vault: layer 2, what the secrets of the platform are kept in and looked up by people and tools.
//!
//! It is made, initialised and unsealed by the program, and then filled by it: each is a step of its own. Its keys are in
//! custody beside the state, sealed to a password that is in the state, and that `outputs --reveal` shows: who has only one
//! of the two has nothing. What the services use they are still given as files: a sealed Vault takes none of them down.

use serde_json::json;
use sprocket::docker::{Health, Protocol};
use sprocket::prelude::*;
use sprocket::vault::{Bootstrap, Custody, Opened};

use crate::edge::Edge;
use crate::names::Names;
use crate::routing::{Access, Route, Target};
use crate::site::{Host, Image, Site};

/// What the layers above use of this one.
#[derive(Debug)]
pub struct Vaulted {
    /// What the tools of the estate are given.
    pub infrastructure: VaultMount,
    /// What the applications are given.
    pub platform: VaultMount,
}

const PORT: u16 = 8200;

/// Asks whether it runs, and not whether it is open: only a Vault that runs can be opened.
const RUNS: &str = "/v1/sys/seal-status";

pub fn vault(stack: &mut Stack, site: &Site, edge: &Edge, names: &Names) -> Vaulted {
    let opened = open(stack, site, edge, names);
    stack.connect(Vault::at(&opened.address).credentials(&opened));
    let infrastructure = stack.add(VaultMount::kv2("infrastructure").description("for the tools of the estate"));
    let platform = stack.add(VaultMount::kv2("platform").description("for the applications"));
    for (name, mount) in [("infrastructure", &infrastructure), ("platform", &platform)] {
        stack.add(VaultPolicy::new(format!("{name}-read"), reads(mount)));
    }
    Vaulted { infrastructure, platform }
}

fn open(stack: &mut Stack, site: &Site, edge: &Edge, names: &Names) -> Opened {
    let settings = json!({
        "listener": { "tcp": { "address": format!("0.0.0.0:{PORT}"), "tls_disable": true } },
        "storage": { "raft": { "path": "/vault/data", "node_id": "vault" } },
        "api_addr": format!("http://127.0.0.1:{PORT}"),
        "cluster_addr": "http://127.0.0.1:8201",
        // What is in memory is in swap only where there is swap.
        "disable_mlock": true,
        "ui": true,
    });
    let settings = stack.add(SwarmConfig::new("vault", format!("{settings:#}")));
    let data = stack.add(site.volume("vault"));
    let service = site
        .stateful("vault", Image::Vault)
        .args(["server", "-config=/vault/config.json"])
        .config(&settings, "/vault/config.json")
        .mount(&data, "/vault/data")
        .health(
            Health::cmd(["wget", "-q", "-O", "/dev/null", format!("http://127.0.0.1:{PORT}{RUNS}").as_str()])
                .interval(Timespan::secs(2))
                .start_period(Timespan::secs(20)),
        )
        .limits(Resources::default().memory("512MiB").cpus(1.0))
        .restart(Restart::default())
        .stop_grace_period(Timespan::secs(30));
    let service = match site.ports.vault {
        Some(port) => service.publish(Port::host(port).to(PORT).speaks(Protocol::Http { path: RUNS.into() })),
        None => service,
    };
    // It asks by itself who comes.
    let route = Route { host: Host::Vault, to: Target::Port(PORT), access: Access::Everybody };
    let service = stack.add(edge.expose(site, service, "vault", route));

    let passphrase = stack.add(Password::new("vault-custody").length(64).protect());
    let folder = stack.folder().join("custody");
    let custody = Custody::folder(folder.display().to_string(), &passphrase.value);
    stack.output("vault-custody", &passphrase.value);
    let address = match site.ports.vault {
        Some(_) => service.reach(PORT).map(|reach| reach.url("http")),
        None => names.url(site, Host::Vault).zip(&edge.traefik.host()).zip(&service.host()).map(|((url, _), _)| url),
    };
    Bootstrap::new("vault", address, &custody).storage(data.identity.map(|identity| identity.to_string())).on(stack)
}

/// Lets its holder look up what is in a mount.
fn reads(mount: &VaultMount) -> Output<String> {
    mount.path.map(|path| {
        format!(
            "path \"{path}/data/*\" {{ capabilities = [\"read\"] }}\npath \"{path}/metadata/*\" {{ capabilities = [\"list\", \"read\"] }}\n"
        )
    })
}
