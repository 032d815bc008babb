//! The site: what differs between environments.
//!
//! It is a table of `sprocket.toml`. Layers ask it for decisions (which image, whether to publish a port), and never for
//! the environment's name: a new environment is a new table, and no condition in the program.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Deserialize;
use sprocket::docker::{ServiceDraft, VolumeDraft};
use sprocket::prelude::*;

/// An environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Site {
    /// Its one name. Queues, prefixes, databases and routers are named after it, all by [`Site::of_environment`].
    pub name: String,
    /// The domain that its hosts are in.
    pub domain: String,
    pub images: Images,
    /// Applications that run another version than the rest.
    #[serde(default)]
    pub versions: BTreeMap<AppName, String>,
    /// Variables that an application has here besides its own.
    #[serde(default)]
    pub variables: BTreeMap<AppName, BTreeMap<String, String>>,
    /// Any text: another one draws another password for Redis, and restarts it and who uses it.
    #[serde(default)]
    pub redis_password: String,
    /// How services are found by each other.
    pub endpoint: EndpointMode,
    pub logs: Logs,
    pub storage: Storage,
    pub ports: Ports,
    /// Who is told about certificates; without it, nothing is encrypted, and nothing redirected.
    pub certificates: Option<Certificates>,
    /// Who lets people into what is not public; without it, everybody is let in.
    pub forward_auth: Option<String>,
    pub s3: S3Account,
    pub dns: NameServer,
    /// What else it uses outside of the swarm.
    pub external: Option<External>,
}

/// Where images come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Images {
    /// Images that were built on this machine, and that speak the protocols of the real ones.
    StandIns,
    /// The public images; the applications' are in this namespace.
    Published { namespace: String, tag: String },
}

/// Where the output of containers goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logs {
    /// Where the engine sends it.
    Engine,
    /// To a Fluentd on each node.
    Collector { address: String },
}

/// Where data is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// In the engine's own folder.
    Engine,
    /// On a disk that the nodes of this role have. Each volume has a folder of its own in it, which must exist.
    Disk { folder: String, role: String },
}

/// What is published, on which ports of the node.
#[derive(Clone, Debug, Deserialize)]
pub struct Ports {
    pub http: u16,
    pub https: Option<u16>,
    /// Where this program reaches Vault; without it, at its host, as everybody does.
    pub vault: Option<u16>,
    /// A data store is public only where a port for it is asked for by name.
    pub redis: Option<u16>,
    pub rabbitmq: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Certificates {
    pub email: String,
}

/// The S3 server that the buckets are at.
#[derive(Clone, Debug, Deserialize)]
pub struct S3Account {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    pub region: String,
    pub access_key: Secret<String>,
    pub secret_key: Secret<String>,
}

impl S3Account {
    pub fn endpoint(&self) -> String {
        let Self { host, port, tls, .. } = self;
        format!("{}://{host}:{port}", if *tls { "https" } else { "http" })
    }
}

/// The name server that the domain is at, and what it is told.
#[derive(Clone, Debug, Deserialize)]
pub struct NameServer {
    pub server: String,
    /// The key that it takes updates from: its name, and its secret in base64.
    pub key_name: String,
    pub key: Secret<String>,
    /// Where the hosts of the platform are reached.
    pub address: Ipv4Addr,
}

/// What is not in the swarm, and must be there before.
#[derive(Clone, Debug, Deserialize)]
pub struct External {
    pub postgres: Postgres,
    pub chatwoot: Chatwoot,
    pub logins: Logins,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Postgres {
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: Secret<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Chatwoot {
    pub url: String,
    pub website_token: String,
    pub hmac_key: Secret<String>,
}

/// What others know the platform by, for logging in.
#[derive(Clone, Debug, Deserialize)]
pub struct Logins {
    pub discord_client: Secret<String>,
    pub discord_secret: Secret<String>,
    pub google_client: Secret<String>,
    pub google_secret: Secret<String>,
}

/// The images of the estate. Only [`Site::image`] knows what they are called.
#[derive(Clone, Copy, Debug)]
pub enum Image {
    Traefik,
    SocketProxy,
    Influx,
    Redis,
    RabbitMq,
    Vault,
    App(AppName),
}

/// The applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppName {
    Core,
    Web,
    Notification,
    Matchmaking,
    Submission,
    Analytics,
}

impl AppName {
    /// What its service is called, within the platform.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Web => "web",
            Self::Notification => "notification",
            Self::Matchmaking => "matchmaking",
            Self::Submission => "submission",
            Self::Analytics => "analytics",
        }
    }

    fn repository(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Web => "web",
            Self::Notification => "notification-service",
            Self::Matchmaking => "matchmaking-service",
            Self::Submission => "submission-service",
            Self::Analytics => "server-analytics-service",
        }
    }
}

/// What can be reached from outside, by its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    Web,
    Api,
    Dashboard,
    Influx,
    RabbitMq,
    Vault,
}

impl Host {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Web, Self::Api, Self::Dashboard, Self::Influx, Self::RabbitMq, Self::Vault];

    /// What stands before the domain; nothing for the domain itself.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::Web => None,
            Self::Api => Some("api"),
            Self::Dashboard => Some("traefik"),
            Self::Influx => Some("influx"),
            Self::RabbitMq => Some("rabbitmq"),
            Self::Vault => Some("vault"),
        }
    }
}

/// On which side of the log collector a service is.
#[derive(Clone, Copy, Debug)]
pub enum Output {
    /// It may send its output to the collector.
    Collected,
    /// It is below the collector, and must start without it: its output stays on the node.
    Kept,
}

impl Site {
    /// A name that belongs to this environment.
    pub fn of_environment(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// The image's name: the stand-in's column is what `scripts/services up` builds.
    pub fn image(&self, image: Image) -> String {
        let (stand_in, published) = match image {
            Image::Traefik => ("traefik:1", "traefik:v3.7"),
            Image::SocketProxy => ("socket-proxy:1", "tecnativa/docker-socket-proxy:0.3.0"),
            // From 2.7 on its first password can come from a file.
            Image::Influx => ("influx:1", "influxdb:2.7-alpine"),
            Image::Redis => ("redis:1", "redislabs/rejson:2.0.7"),
            Image::RabbitMq => ("rabbitmq:1", "rabbitmq:3.9.14-management-alpine"),
            Image::Vault => ("vault:1", "openbao/openbao:2.4.1"),
            Image::App(app) => return self.app_image(app),
        };
        match self.images {
            Images::StandIns => format!("sprocket-stand-in/{stand_in}"),
            Images::Published { .. } => published.to_owned(),
        }
    }

    fn app_image(&self, app: AppName) -> String {
        let own = self.versions.get(&app).map(String::as_str);
        match &self.images {
            Images::StandIns => format!("sprocket-stand-in/app:{}", own.unwrap_or("1")),
            Images::Published { namespace, tag } => {
                format!("{namespace}/{}:{}", app.repository(), own.unwrap_or(tag))
            }
        }
    }

    /// Whether the applications are the stand-in, which is told by its environment what to ask.
    pub fn has_stand_ins(&self) -> bool {
        matches!(self.images, Images::StandIns)
    }

    /// Where something is reached.
    pub fn host(&self, host: Host) -> String {
        match host.label() {
            None => self.domain.clone(),
            Some(label) => format!("{label}.{}", self.domain),
        }
    }

    /// The same, for a browser.
    pub fn url(&self, host: Host) -> String {
        let host = self.host(host);
        match (&self.certificates, self.ports.http) {
            (Some(_), _) => format!("https://{host}"),
            (None, 80) => format!("http://{host}"),
            (None, port) => format!("http://{host}:{port}"),
        }
    }

    /// A volume for data: kept when the program does not mention it any more, and never replaced.
    pub fn volume(&self, name: &str) -> VolumeDraft {
        match &self.storage {
            Storage::Engine => Volume::new(name),
            Storage::Disk { folder, .. } => Volume::bind(name, format!("{folder}/{name}")),
        }
    }

    /// What every service has: how it is found, and where its output goes.
    pub fn service(&self, name: &str, image: Image, output: Output) -> ServiceDraft {
        let draft = Service::new(name, self.image(image)).endpoint(self.endpoint);
        match (&self.logs, output) {
            (Logs::Engine, _) => draft,
            (Logs::Collector { .. }, Output::Kept) => {
                draft.log(LogDriver::json_file("5m", 5).option("compress", "true"))
            }
            (Logs::Collector { address }, Output::Collected) => draft.log(collector(address)),
        }
    }

    /// The same, for what has data: it runs where its disk is, and stops before another one starts.
    pub fn stateful(&self, name: &str, image: Image) -> ServiceDraft {
        let draft = self.service(name, image, Output::Collected).update(Update::default());
        match &self.storage {
            Storage::Engine => draft,
            Storage::Disk { role, .. } => draft.constraint(Constraint::node_label("role", role)),
        }
    }
}

/// The collector may be away: output is buffered, then dropped, and never holds a container up.
fn collector(address: &str) -> LogDriver {
    LogDriver::new("fluentd")
        .option("fluentd-address", address)
        .option("fluentd-async", "true")
        .option("fluentd-retry-wait", "1s")
        .option("fluentd-max-retries", "3")
        .option("mode", "non-blocking")
        .option("max-buffer-size", "4m")
        .option("tag", "docker.{{.FullID}}.{{.Name}}")
}
