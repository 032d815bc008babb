//! The provider: an engine that is a manager of a swarm, and the logins for the registries that its images are in.
//!
//! [`Docker::connect`] speaks to the engine, to agree on a version of the API. The address is recorded in state, logins
//! never are.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sprocket_core::kind::{Identity, Kinds, Provider, Spec, as_text};
use sprocket_core::program::{IntoInput, Secret};

use crate::client::{Client, header_base64};
use crate::error::DockerError;
use crate::service::{ImageRef, Service};
use crate::{Network, SwarmConfig, SwarmSecret, Volume};

/// A Docker engine that is a manager of a swarm.
///
/// ```
/// # use sprocket_core::program::{Secret, Stack};
/// # use sprocket_docker::{Docker, RegistryLogins};
/// # let mut stack = Stack::new();
/// stack.connect(Docker::from_env());
/// stack.connect(
///     Docker::at("tcp://manager.example:2375")
///         .named("far")
///         .credentials(RegistryLogins::none().with("ghcr.io", "robot", Secret::new("token".to_owned()))),
/// );
/// stack.check().unwrap();
/// ```
#[derive(Debug)]
pub struct Docker {
    pub(crate) client: Client,
    pub(crate) logins: RegistryLogins,
}

/// Where the engine is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Docker)]
pub struct DockerConfig {
    /// The engine's address: `unix:///var/run/docker.sock`, or `tcp://host:2375`.
    pub address: EngineAddress,
}

impl Docker {
    /// The engine that the environment names in `DOCKER_HOST`, or else the one on this machine, at
    /// `unix:///var/run/docker.sock`. It is looked up now, while the program declares its resources.
    #[track_caller]
    pub fn from_env() -> DockerDraft {
        match std::env::var("DOCKER_HOST") {
            Ok(address) if !address.is_empty() => Self::at(address),
            _ => Self::at(EngineAddress::default()),
        }
    }

    /// The engine at this address: `unix:///PATH` or `tcp://HOST:PORT`, without TLS. For one further away, forward its
    /// socket: `ssh -L /tmp/far.sock:/var/run/docker.sock far`.
    #[track_caller]
    pub fn at(address: impl IntoInput<EngineAddress>) -> DockerDraft {
        DockerDraft::new(address)
    }
}

impl Provider for Docker {
    const NAME: &'static str = "docker";
    type Draft = DockerDraft;
    type Config = DockerConfig;
    type Credentials = RegistryLogins;
    type Error = DockerError;

    async fn connect(config: &DockerConfig, logins: RegistryLogins) -> Result<Self, DockerError> {
        Ok(Self { client: Client::connect(&config.address).await?, logins })
    }

    fn ambient() -> Result<RegistryLogins, DockerError> {
        Ok(RegistryLogins::none())
    }

    async fn identity(&self) -> Result<Identity, DockerError> {
        let what = "say which swarm it is in";
        let info = self.client.typed().info().await.map_err(self.client.failed(what))?;
        let cluster = info.swarm.and_then(|swarm| swarm.cluster).and_then(|cluster| cluster.id);
        match cluster.filter(|id| !id.is_empty()) {
            Some(id) => Ok(id.into()),
            None => Err(DockerError::NotManager { address: self.client.address().to_string() }),
        }
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Network>().with::<Volume>().with::<SwarmConfig>().with::<SwarmSecret>().with::<Service>();
    }
}

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EngineAddress {
    /// A socket on this machine.
    Unix(PathBuf),
    /// A port, without TLS: for a network that is trusted, such as a tunnel.
    Tcp {
        /// The host's name or address.
        host: String,
        /// The port.
        port: u16,
    },
}
as_text!(EngineAddress);

impl Default for EngineAddress {
    fn default() -> Self {
        Self::Unix("/var/run/docker.sock".into())
    }
}

impl EngineAddress {
    /// As text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => format!("tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => format!("tcp://{host}:{port}"),
        }
    }

    /// The host that its ports are on, as seen from this program.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Unix(_) => "127.0.0.1",
            Self::Tcp { host, .. } => host,
        }
    }
}

impl FromStr for EngineAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected `unix:///PATH` or `tcp://HOST:PORT`";
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("tcp" | "http", rest)) => {
                let rest = rest.trim_end_matches('/');
                let (host, port) = match rest.rsplit_once(':') {
                    Some((host, port)) if !port.ends_with(']') => {
                        (host, port.parse().map_err(|_| format!("`{text}` has no valid port: {expected}"))?)
                    }
                    _ => (rest, 2375),
                };
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                if host.is_empty() {
                    return Err(format!("`{text}` names no host: {expected}"));
                }
                Ok(Self::Tcp { host, port })
            }
            Some(("ssh" | "https", _)) => Err(format!(
                "`{text}`: only sockets and plain TCP are spoken; forward the socket with `ssh -L`: {expected}"
            )),
            _ => Err(format!("`{text}` is not an engine's address: {expected}")),
        }
    }
}

impl Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The users and passwords for registries. The engine keeps the one of a service's registry with the service, and each
/// node pulls with it, also later: use tokens that last.
#[derive(Clone, Default)]
pub struct RegistryLogins(BTreeMap<String, (String, Secret<String>)>);

impl RegistryLogins {
    /// No logins: images are public, or are on the nodes already.
    pub fn none() -> Self {
        Self::default()
    }

    /// These, and one more. The registry is its host, with the port if it has one: `ghcr.io`, `registry.example:5000`;
    /// Docker Hub is `docker.io`, and answers to its other spellings.
    #[must_use]
    pub fn with(mut self, registry: &str, user: impl Into<String>, password: impl Into<Secret<String>>) -> Self {
        self.0.insert(registry_host(registry), (user.into(), password.into()));
        self
    }

    /// The header `X-Registry-Auth` for an image.
    pub(crate) fn header(&self, image: &ImageRef) -> Option<String> {
        let host = registry_host(image.registry());
        let (user, password) = self.0.get(&host)?;
        let login = json!({ "username": user, "password": password.expose(), "serveraddress": host });
        Some(header_base64(login.to_string().as_bytes()))
    }
}

impl Debug for RegistryLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(host, (user, _))| (host, user))).finish()
    }
}

/// A registry's host, from the spellings that people use for it.
fn registry_host(spelling: &str) -> String {
    let host = spelling.split_once("://").map_or(spelling, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default().to_lowercase();
    match host.as_str() {
        "" | "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io".into(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let check = |text: &str, written: &str| {
            let address = text.parse::<EngineAddress>().unwrap();
            assert_eq!(address.text(), written);
            assert_eq!(address.text().parse(), Ok(address));
        };
        check("unix:///var/run/docker.sock", "unix:///var/run/docker.sock");
        check("tcp://manager:2376", "tcp://manager:2376");
        check("tcp://manager", "tcp://manager:2375");
        check("tcp://[::1]:2375/", "tcp://[::1]:2375");
        for wrong in ["manager:2375", "ssh://manager", "unix://relative", "tcp://:1", "tcp://a:x"] {
            assert!(wrong.parse::<EngineAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_login_is_found_for_every_spelling_of_its_registry() {
        let check = |registry: &str, image: &str| {
            let logins = RegistryLogins::none().with(registry, "ann", "pässword?>".to_owned());
            assert!(logins.header(&image.parse().unwrap()).is_some(), "{registry} {image}");
            assert!(!format!("{logins:?}").contains("password"), "{logins:?}");
        };
        check("https://index.docker.io/v1/", "redis:7");
        check("docker.io", "library/redis:7");
        check("GHCR.io", "ghcr.io/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000");
        check("https://registry.example:5000/v2/", "registry.example:5000/a:1");
        check("localhost:5000", "localhost:5000/a");
        let hub = RegistryLogins::none().with("docker.io", "ann", "x".to_owned());
        assert!(hub.header(&"ghcr.io/a/b".parse().unwrap()).is_none());
    }
}
