//! Layer 1: what everything else is reached through.
//!
//! Traefik has no access to the engine: a proxy in front of the socket lets it read what it needs and nothing more.

use std::collections::BTreeMap;

use serde::Serialize;
use sprocket::docker::{Health, HostName, MountSource};
use sprocket::prelude::*;

use crate::routing::{self, Access, RESOLVER, Route, Target, WEB, WEB_SECURE};
use crate::site::{Certificates, Host, Image, Output as Goes, Site};

/// What the layers above use of this one.
#[derive(Debug)]
pub struct Edge {
    /// On which Traefik comes to what it routes to.
    pub ingress: Network,
    /// Traefik itself: who goes by a route waits for it.
    pub traefik: Service,
}

/// The part of the engine's API that Traefik reads.
const READS: [&str; 6] = ["CONTAINERS", "NETWORKS", "NODES", "SERVICES", "SWARM", "TASKS"];
const SOCKET: &str = "/var/run/docker.sock";
const PROXY_PORT: u16 = 2375;

pub fn edge(stack: &mut Stack, site: &Site) -> Edge {
    let behind = stack.add(Network::overlay("traefik-socket-proxy"));
    let proxy = READS
        .into_iter()
        .fold(site.service("traefik-socket-proxy", Image::SocketProxy, Goes::Kept), |service, part| {
            service.env(part, "1")
        });
    let proxy = stack.add(
        proxy
            .network(&behind)
            .mount_with(Mount::of(MountSource::bind(SOCKET), SOCKET).read_only())
            // Only a manager's engine knows the swarm.
            .constraint(Constraint::manager())
            .health(
                Health::cmd(["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:2375/_ping"])
                    .interval(Timespan::secs(2)),
            )
            .limits(Resources::default().memory("64MiB").cpus(0.25))
            .restart(Restart::default())
            .stop_grace_period(Timespan::secs(5))
            .update(Update::start_first()),
    );

    let ingress = stack.add(Network::overlay("traefik-ingress"));
    let settings = proxy.host().zip(&ingress.name);
    let (certificates, ports) = (site.certificates.clone(), site.ports.clone());
    let settings = settings.try_map(move |(proxy, ingress)| {
        serde_json::to_string_pretty(&settings_of(&proxy, ingress, certificates.as_ref()))
    });
    // JSON is YAML too.
    let settings = stack.add(SwarmConfig::new("traefik", settings));
    // With the certificates in it, of which only so many are given out in a week.
    let data = stack.add(site.volume("traefik-data"));

    let traefik = site
        .service("traefik", Image::Traefik, Goes::Kept)
        .arg("--configFile=/static.yaml")
        .config(&settings, "/static.yaml")
        .mount(&data, "/data")
        .network(&behind)
        .network(&ingress)
        .health(Health::cmd(["traefik", "healthcheck", "--configFile=/static.yaml"]).interval(Timespan::secs(2)))
        .limits(Resources::default().memory("256MiB").cpus(1.0))
        .restart(Restart::default())
        .stop_grace_period(Timespan::secs(20))
        // A port of the node is free only when the old task has stopped.
        .update(Update::default())
        .publish(Port::host(ports.http).to(80).speaks(Protocol::Http { path: "/".into() }));
    let traefik = match ports.https {
        Some(port) => traefik.publish(Port::host(port).to(443)),
        None => traefik,
    };
    // The certificates and the ports are on one node: it must be the same one tomorrow.
    let traefik = traefik.constraint(Constraint::manager());
    let dashboard = Route { host: Host::Dashboard, to: Target::Dashboard, access: Access::Only("SprocketAdmin") };
    let labels = routing::labels(site, "traefik-dashboard", dashboard);
    let traefik = stack.add(labels.into_iter().fold(traefik, |service, (key, value)| service.label(key, value)));
    Edge { ingress, traefik }
}

/// Traefik's settings, as far as they are used.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    entry_points: BTreeMap<&'static str, EntryPoint>,
    api: Api,
    ping: Ping,
    providers: Providers,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    certificates_resolvers: BTreeMap<&'static str, Resolver>,
    log: Log,
}

#[derive(Serialize)]
struct EntryPoint {
    address: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<OnHttp>,
}

#[derive(Serialize)]
struct OnHttp {
    redirections: Redirections,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Redirections {
    entry_point: Redirection,
}

#[derive(Serialize)]
struct Redirection {
    to: &'static str,
    scheme: &'static str,
}

#[derive(Serialize)]
struct Api {
    dashboard: bool,
}

#[derive(Serialize)]
struct Ping {}

#[derive(Serialize)]
struct Providers {
    swarm: SwarmProvider,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SwarmProvider {
    endpoint: String,
    exposed_by_default: bool,
    network: String,
    refresh_seconds: u32,
}

#[derive(Serialize)]
struct Resolver {
    acme: Acme,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Acme {
    email: String,
    storage: &'static str,
    tls_challenge: TlsChallenge,
}

#[derive(Serialize)]
struct TlsChallenge {}

#[derive(Serialize)]
struct Log {
    level: &'static str,
}

fn settings_of(proxy: &HostName, ingress: String, certificates: Option<&Certificates>) -> Settings {
    // Where there are certificates, nothing is said in the clear.
    let redirections = Redirections { entry_point: Redirection { to: WEB_SECURE, scheme: "https" } };
    let http = certificates.map(|_| OnHttp { redirections });
    let mut entry_points = BTreeMap::from([(WEB, EntryPoint { address: ":80", http })]);
    let mut certificates_resolvers = BTreeMap::new();
    if let Some(Certificates { email }) = certificates {
        entry_points.insert(WEB_SECURE, EntryPoint { address: ":443", http: None });
        let storage = "/data/le-tls.json";
        let acme = Acme { email: email.clone(), storage, tls_challenge: TlsChallenge {} };
        certificates_resolvers.insert(RESOLVER, Resolver { acme });
    }
    Settings {
        entry_points,
        api: Api { dashboard: true },
        ping: Ping {},
        providers: Providers {
            swarm: SwarmProvider {
                endpoint: format!("tcp://{proxy}:{PROXY_PORT}"),
                exposed_by_default: false,
                network: ingress,
                refresh_seconds: 5,
            },
        },
        certificates_resolvers,
        log: Log { level: "INFO" },
    }
}
