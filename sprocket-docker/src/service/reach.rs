//! Where this program reaches a service's ports: on the host of the engine, as the engine's address names it.
//!
//! That is another place than [`Service::host`](super::Service::host), which is for other services: their networks are not
//! the program's.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use super::policy::Port;
use crate::provider::EngineAddress;

/// Where this program reaches a port of a service: `127.0.0.1:8200`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The host's name or address: that of the engine, as seen from this program.
    pub host: String,
    /// The port that is published there.
    pub port: u16,
}

impl Reach {
    /// A port of the engine's host: 127.0.0.1 for an engine that is reached through a socket.
    pub(crate) fn on(engine: &EngineAddress, published: u16) -> Self {
        Self { host: engine.host().to_owned(), port: published }
    }

    /// As a URL, such as `http://127.0.0.1:8200`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{self}")
    }
}

impl Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The number that a container's port is published under.
pub(crate) fn published(ports: &[Port], target: u16) -> Result<u16, String> {
    let mut found = ports.iter().filter(|port| port.target == target).peekable();
    if found.peek().is_none() {
        if let Some(port) = ports.iter().find(|port| port.published == Some(target)) {
            let inside = port.target;
            return Err(format!("port {target} is where its port {inside} is published: ask for port {inside}"));
        }
        return Err(format!("port {target} is not published: add `.publish(Port::host({target}))` to the service"));
    }
    found.find_map(|port| port.published).ok_or_else(|| {
        format!("port {target} is published under a number that the engine chooses: give it one, such as `Port::host({target})`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_reached_where_it_is_published() {
        let ports = [Port::host(18_200).to(8200), Port::ingress(443), Port { published: None, ..Port::ingress(81) }];
        let check = |engine: &str, target, expect: Result<&str, &str>| {
            let reach = published(&ports, target).map(|port| Reach::on(&engine.parse().unwrap(), port).url("http"));
            assert_eq!(reach.as_deref().map_err(|error| error.split(':').next().unwrap()), expect);
        };
        check("unix:///var/run/docker.sock", 8200, Ok("http://127.0.0.1:18200"));
        check("tcp://manager.example:2375", 443, Ok("http://manager.example:443"));
        check("tcp://[fd00::1]:2375", 443, Ok("http://[fd00::1]:443"));
        check("tcp://manager", 18_200, Err("port 18200 is where its port 8200 is published"));
        check("tcp://manager", 8201, Err("port 8201 is not published"));
        check("tcp://manager", 81, Err("port 81 is published under a number that the engine chooses"));
    }
}
