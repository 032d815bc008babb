//! Layer 2: what environments could share: measurements.

use sprocket::docker::{Health, HostName};
use sprocket::prelude::*;

use crate::edge::Edge;
use crate::routing::{Access, Route, Target};
use crate::site::{Host, Image, Site};
use crate::vault::Vaulted;

/// What the layers above use of this one.
#[derive(Debug)]
pub struct Data {
    /// On which measurements are sent.
    pub monitoring: Network,
    /// Where they are sent.
    pub influx: Output<HostName>,
    /// What who sends or reads them shows.
    pub influx_token: SwarmSecret,
}

pub const INFLUX_PORT: u16 = 8086;
const ADMIN: &str = "admin";
pub const INFLUX_ORG: &str = "sprocket";

pub fn data(stack: &mut Stack, site: &Site, edge: &Edge, vaulted: &Vaulted) -> Data {
    let monitoring = stack.add(Network::overlay("monitoring"));
    // InfluxDB takes them when its volume is empty, and never again: they stay as long as the volume does, so nothing
    // may draw others. To change them, change them in InfluxDB.
    let password = stack.add(Password::new("influx").length(64).protect());
    let token = stack.add(Password::new("influx-token").length(64).protect());
    stack.add(
        KvSecret::new("influx", &vaulted.infrastructure)
            .field("username", ADMIN)
            .field("password", &password.value)
            .field("token", &token.value),
    );
    let password = stack.add(SwarmSecret::new("influx-password", &password.value));
    let token = stack.add(SwarmSecret::new("influx-token", &token.value));
    let volume = stack.add(site.volume("influx"));

    let influx = site
        .stateful("influx", Image::Influx)
        .mount(&volume, "/var/lib/influxdb2")
        .secret(&password, "influx-password")
        .secret(&token, "influx-token")
        .env("DOCKER_INFLUXDB_INIT_MODE", "setup")
        .env("DOCKER_INFLUXDB_INIT_USERNAME", ADMIN)
        .env("DOCKER_INFLUXDB_INIT_PASSWORD_FILE", "/run/secrets/influx-password")
        .env("DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE", "/run/secrets/influx-token")
        .env("DOCKER_INFLUXDB_INIT_ORG", INFLUX_ORG)
        .env("DOCKER_INFLUXDB_INIT_BUCKET", "metrics")
        .env("DOCKER_INFLUXDB_INIT_RETENTION", "7d")
        .network(&monitoring)
        .health(
            Health::cmd(["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8086/ping"])
                .interval(Timespan::secs(3))
                .start_period(Timespan::secs(20)),
        )
        .limits(Resources::default().memory("1GiB").cpus(1.0))
        .restart(Restart::default())
        .stop_grace_period(Timespan::secs(30));
    let route = Route { host: Host::Influx, to: Target::Port(INFLUX_PORT), access: Access::Everybody };
    let influx = stack.add(edge.expose(site, influx, "influx", route));
    Data { monitoring, influx: influx.host(), influx_token: token }
}
