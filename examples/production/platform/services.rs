//! The applications.

use sprocket::prelude::*;

use super::app::{App, Probe};
use super::datastores::Datastores;
use super::settings;
use super::settings::{Callback, ChatwootClient, Database, Gql, Logger, Minio, Nothing, Redis, Transport};
use crate::buckets::Buckets;
use crate::data::{Data, INFLUX_ORG, INFLUX_PORT};
use crate::edge::Edge;
use crate::routing::{Access, Route, Target};
use crate::site::{AppName, Host, Site};
use crate::vault::Vaulted;

const CORE_PORT: u16 = 3001;
const WEB_PORT: u16 = 3000;

pub fn services(
    stack: &mut Stack,
    site: &Site,
    edge: &Edge,
    vaulted: &Vaulted,
    data: &Data,
    buckets: &Buckets,
    stores: &Datastores,
) {
    core(stack, site, edge, vaulted, buckets, stores);
    web(stack, site, edge, stores);
    worker(stack, site, stores, AppName::Notification, None);
    worker(stack, site, stores, AppName::Matchmaking, None);
    worker(stack, site, stores, AppName::Submission, Some(buckets));
    analytics(stack, site, data, stores);
}

fn core(stack: &mut Stack, site: &Site, edge: &Edge, vaulted: &Vaulted, buckets: &Buckets, stores: &Datastores) {
    let api = site.url(Host::Api);
    let callback = |path: &str| Callback { callback_url: format!("{api}{path}") };
    let auth = settings::Auth {
        discord: callback("/login"),
        google: callback("/authentication/google/login"),
        jwt_expiry: 12_000,
        access_expiry: "6h",
        refresh_expiry: "7d",
        frontend_callback: format!("{}/auth/callback", site.url(Host::Web)),
    };
    let web = settings::Web { url: site.url(Host::Web), api_root: api };
    let db = Database::of(site);
    let links = Transport::of(AppName::Core, site, stores).zip(&Redis::of(site, stores)).zip(&Minio::of(site, buckets));
    let settings = links.map(move |((transport, redis), minio)| settings::Core {
        transport,
        redis,
        logger: Logger::default(),
        minio,
        db: db.clone(),
        gql: Gql { playground: false },
        web: web.clone(),
        auth: auth.clone(),
        default_organization: 2,
    });
    // Who is logged in shows a token that was signed with it; another one logs everybody out.
    let jwt = stack.add(Password::new("jwt").length(128).protect());
    stack.add(KvSecret::new("jwt", &vaulted.platform).field("secret", &jwt.value));
    let jwt = stack.add(SwarmSecret::new("jwt", &jwt.value));
    let mut app = App::new(stack, site, AppName::Core, Probe::Http(CORE_PORT), &settings)
        .rabbitmq(stores)
        .redis(stores)
        .secret(&jwt, "jwtSecret.txt")
        .s3(stack);
    if let Some(external) = &site.external {
        app = app
            .given(stack, &external.postgres.password, "db-password.txt")
            .given(stack, &external.logins.discord_client, "discord-client.txt")
            .given(stack, &external.logins.discord_secret, "discord-secret.txt")
            .given(stack, &external.logins.google_client, "googleClientId.txt")
            .given(stack, &external.logins.google_secret, "googleSecret.txt");
    }
    let route = Route { host: Host::Api, to: Target::Port(CORE_PORT), access: Access::Everybody };
    stack.add(edge.expose(site, app.draft(), "core", route));
}

fn web(stack: &mut Stack, site: &Site, edge: &Edge, stores: &Datastores) {
    let chatwoot = site.external.as_ref().map(|external| &external.chatwoot);
    let settings = settings::WebClient {
        client: settings::Client {
            gql_url: site.host(Host::Api),
            secure: site.certificates.is_some(),
            chatwoot: ChatwootClient {
                enabled: chatwoot.is_some(),
                url: chatwoot.map(|chatwoot| chatwoot.url.clone()),
                website_token: chatwoot.map(|chatwoot| chatwoot.website_token.clone()),
            },
        },
        server: Nothing {},
        stack: site.name.clone(),
    };
    let folder = "/app/clients/web/config";
    let path = format!("{folder}/production.json");
    let settings = Output::known(settings);
    let mut app = App::at(stack, site, AppName::Web, Probe::Http(WEB_PORT), &path, &settings)
        .network(&stores.network)
        .env("NODE_CONFIG_DIR", folder);
    if let Some(chatwoot) = chatwoot {
        app = app.given(stack, &chatwoot.hmac_key, "chatwoot-hmac-key.txt");
    }
    let route = Route { host: Host::Web, to: Target::Port(WEB_PORT), access: Access::Everybody };
    stack.add(edge.expose(site, app.draft(), "web", route));
}

/// Notification, matchmaking and submission: each works off a queue, and remembers in Redis; some have files.
fn worker(stack: &mut Stack, site: &Site, stores: &Datastores, name: AppName, buckets: Option<&Buckets>) {
    let minio = match buckets {
        Some(buckets) => Minio::of(site, buckets).map(Some),
        None => Output::known(None),
    };
    let links = Transport::of(name, site, stores).zip(&Redis::of(site, stores)).zip(&minio);
    let settings = links.map(|((transport, redis), minio)| settings::Worker {
        transport,
        redis,
        logger: Logger::default(),
        minio,
    });
    let app = App::new(stack, site, name, Probe::Nothing, &settings).rabbitmq(stores).redis(stores);
    let app = if buckets.is_some() { app.s3(stack) } else { app };
    stack.add(app.draft());
}

fn analytics(stack: &mut Stack, site: &Site, data: &Data, stores: &Datastores) {
    let bucket = format!("sprocket_{}", site.name);
    let links = Transport::of(AppName::Analytics, site, stores).zip(&data.influx);
    let settings = links.map(move |(transport, influx)| settings::Analytics {
        transport,
        logger: Logger::default(),
        influx: settings::Influx {
            address: format!("http://{influx}:{INFLUX_PORT}"),
            org: INFLUX_ORG,
            bucket: bucket.clone(),
        },
    });
    let app = App::new(stack, site, AppName::Analytics, Probe::Nothing, &settings)
        .rabbitmq(stores)
        .network(&data.monitoring)
        .secret(&data.influx_token, "influx-token");
    stack.add(app.draft());
}
