//! What the applications read from their JSON files.
//!
//! They are types, never templates: a missing comma, a quoted number or an escaped `=` can't be written.

use serde::Serialize;
use sprocket::prelude::*;

use super::app::SECRETS;
use super::datastores::{Datastores, RABBITMQ_USER};
use crate::buckets::Buckets;
use crate::site::{AppName, S3Account, Site};

/// The way to the other applications: RabbitMQ, and the queues in it.
#[derive(Clone, Debug, Serialize)]
pub struct Transport {
    url: String,
    username: &'static str,
    password_file: String,
    matchmaking_queue: String,
    core_queue: String,
    analytics_queue: String,
    events_queue: String,
    submission_queue: String,
    notification_queue: String,
    /// Who it is, for events.
    events_application_key: String,
}

impl Transport {
    /// That of an application.
    pub fn of(app: AppName, site: &Site, stores: &Datastores) -> Output<Self> {
        let site = site.clone();
        let port = stores.rabbitmq.port;
        stores.rabbitmq.host.map(move |host| {
            let queue = |name| site.of_environment(name);
            Self {
                url: format!("amqp://{host}:{port}?heartbeat=60"),
                username: RABBITMQ_USER,
                password_file: format!("{SECRETS}/rabbitmq-password.txt"),
                matchmaking_queue: queue("matchmaking"),
                core_queue: queue("core"),
                analytics_queue: queue("analytics"),
                events_queue: queue("events"),
                submission_queue: queue("submissions"),
                notification_queue: queue("notifications"),
                events_application_key: site.of_environment(app.as_str()),
            }
        })
    }
}

/// Redis.
#[derive(Clone, Debug, Serialize)]
pub struct Redis {
    host: String,
    port: u16,
    /// What all its keys begin with.
    prefix: String,
    secure: bool,
}

impl Redis {
    pub fn of(site: &Site, stores: &Datastores) -> Output<Self> {
        let (port, prefix) = (stores.redis.port, site.name.clone());
        stores.redis.host.map(move |host| Self { host: host.to_string(), port, prefix: prefix.clone(), secure: false })
    }
}

/// What is logged.
#[derive(Clone, Debug, Serialize)]
pub struct Logger {
    pub levels: [&'static str; 3],
}

impl Default for Logger {
    fn default() -> Self {
        Self { levels: ["error", "warn", "log"] }
    }
}

/// The buckets.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Minio {
    end_point: String,
    port: u16,
    #[serde(rename = "useSSL")]
    use_ssl: bool,
    bucket_names: BucketNames,
}

#[derive(Clone, Debug, Serialize)]
struct BucketNames {
    replays: String,
    image_generation: String,
}

impl Minio {
    pub fn of(site: &Site, buckets: &Buckets) -> Output<Self> {
        let S3Account { host, port, tls, .. } = site.s3.clone();
        let names = buckets.replays.name.zip(&buckets.image_generation.name);
        names.map(move |(replays, image_generation)| Self {
            end_point: host.clone(),
            port,
            use_ssl: tls,
            bucket_names: BucketNames { replays, image_generation },
        })
    }
}

/// The database, where there is one.
#[derive(Clone, Debug, Serialize)]
pub struct Database {
    host: String,
    port: u16,
    username: String,
    database: String,
    enable_logs: bool,
}

impl Database {
    pub fn of(site: &Site) -> Option<Self> {
        let postgres = &site.external.as_ref()?.postgres;
        Some(Self {
            host: postgres.host.clone(),
            port: postgres.port,
            username: postgres.username.clone(),
            database: format!("sprocket_{}", site.name),
            enable_logs: false,
        })
    }
}

/// Where people are.
#[derive(Clone, Debug, Serialize)]
pub struct Web {
    pub url: String,
    pub api_root: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Core {
    pub transport: Transport,
    pub redis: Redis,
    pub logger: Logger,
    pub minio: Minio,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db: Option<Database>,
    pub gql: Gql,
    pub web: Web,
    pub auth: Auth,
    #[serde(rename = "defaultOrganizationId")]
    pub default_organization: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct Gql {
    pub playground: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Auth {
    pub discord: Callback,
    pub google: Callback,
    pub jwt_expiry: u32,
    pub access_expiry: &'static str,
    pub refresh_expiry: &'static str,
    pub frontend_callback: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Callback {
    pub callback_url: String,
}

/// The web client's file.
#[derive(Clone, Debug, Serialize)]
pub struct WebClient {
    pub client: Client,
    pub server: Nothing,
    pub stack: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    pub gql_url: String,
    pub secure: bool,
    pub chatwoot: ChatwootClient,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatwootClient {
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website_token: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Nothing {}

/// A service that works off a queue.
#[derive(Clone, Debug, Serialize)]
pub struct Worker {
    pub transport: Transport,
    pub redis: Redis,
    pub logger: Logger,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minio: Option<Minio>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Analytics {
    pub transport: Transport,
    pub logger: Logger,
    pub influx: Influx,
}

#[derive(Clone, Debug, Serialize)]
pub struct Influx {
    pub address: String,
    pub org: &'static str,
    pub bucket: String,
}
