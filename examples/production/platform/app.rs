//! What all applications have in common: an image, a JSON file, password files, a way to be asked whether they are well.
//!
//! What an application uses, it is given as a whole: [`App::redis`] brings the network, the password's file and, for the
//! stand-in, the variables. So no application mentions a server that it can't reach.

use serde::Serialize;
use sprocket::docker::{Health, ServiceDraft};
use sprocket::prelude::*;

use super::datastores::{Datastores, RABBITMQ_USER, Store};
use crate::site::{AppName, Image, Output as Goes, S3Account, Site};

/// Where applications look for their secrets.
pub const SECRETS: &str = "/app/secret";
const SETTINGS: &str = "/app/config/production.json";

/// An application that is being put together.
pub struct App<'s> {
    name: AppName,
    site: &'s Site,
    draft: ServiceDraft,
}

/// How to ask a published image whether it is well. The stand-in has a program of its own for it.
#[derive(Clone, Copy, Debug)]
pub enum Probe {
    /// It serves HTTP on this port.
    Http(u16),
    /// It serves nothing. It ends when it loses RabbitMQ, and is started again.
    Nothing,
}

impl<'s> App<'s> {
    /// An application, and its settings as a file at this path.
    pub fn at<T: Serialize + 'static>(
        stack: &mut Stack,
        site: &'s Site,
        name: AppName,
        probe: Probe,
        path: &str,
        settings: &Output<T>,
    ) -> Self {
        let text = settings.try_map(|settings| serde_json::to_string_pretty(&settings));
        let config = stack.add(SwarmConfig::new(name.as_str(), text));
        let draft = site
            .service(name.as_str(), Image::App(name), Goes::Collected)
            .config(&config, path)
            .env("NODE_ENV", "production")
            .health(health(site, probe))
            .limits(Resources::default().memory("512MiB").cpus(1.0))
            // A store that is away for long is waited for, without filling the disk with stopped containers.
            .restart(Restart::default().delay(Timespan::secs(10)))
            .stop_grace_period(Timespan::secs(20))
            // It has no data: the new one runs before the old one stops, and if it does not, the old one stays.
            .update(Update::start_first())
            .max_per_node(2_u64);
        let draft = if site.has_stand_ins() { stand_in(draft, name, probe, path) } else { draft };
        let more = site.variables.get(&name).into_iter().flatten();
        let draft = more.fold(draft, |draft, (key, value)| draft.env(key.as_str(), value.as_str()));
        Self { name, site, draft }
    }

    /// The same, with its file where most of them look for it.
    pub fn new<T: Serialize + 'static>(
        stack: &mut Stack,
        site: &'s Site,
        name: AppName,
        probe: Probe,
        settings: &Output<T>,
    ) -> Self {
        Self::at(stack, site, name, probe, SETTINGS, settings)
    }

    /// Lets it use Redis.
    pub fn redis(self, stores: &Datastores) -> Self {
        let (site, file) = (self.site, "redis-password.txt");
        let mut app = self.store(&stores.redis, file);
        if site.has_stand_ins() {
            app.draft =
                app.draft.env("REDIS", address(&stores.redis)).env("REDIS_PASSWORD_FILE", format!("{SECRETS}/{file}"));
        }
        app
    }

    /// Lets it use RabbitMQ, and puts it on the network of both.
    pub fn rabbitmq(self, stores: &Datastores) -> Self {
        let (site, file) = (self.site, "rabbitmq-password.txt");
        let mut app = self.network(&stores.network).store(&stores.rabbitmq, file);
        if site.has_stand_ins() {
            app.draft = app
                .draft
                .env("RABBITMQ", address(&stores.rabbitmq))
                .env("RABBITMQ_USER", RABBITMQ_USER)
                .env("RABBITMQ_PASSWORD_FILE", format!("{SECRETS}/{file}"));
        }
        app
    }

    fn store(self, store: &Store, file: &str) -> Self {
        self.secret(&store.password, file)
    }

    pub fn network(mut self, network: &Network) -> Self {
        self.draft = self.draft.network(network);
        self
    }

    /// Gives it a secret as a file of this name.
    pub fn secret(mut self, secret: &SwarmSecret, file: &str) -> Self {
        self.draft = self.draft.secret(secret, format!("{SECRETS}/{file}"));
        self
    }

    /// Gives it a secret of somebody else's as a file of this name.
    pub fn given(self, stack: &mut Stack, secret: &Secret<String>, file: &str) -> Self {
        let stem = file.split('.').next().unwrap_or(file);
        let name = format!("{}-{stem}", self.name.as_str());
        let secret = stack.add(SwarmSecret::new(name, secret.clone()));
        self.secret(&secret, file)
    }

    /// Gives it the keys of the buckets.
    pub fn s3(self, stack: &mut Stack) -> Self {
        let S3Account { access_key, secret_key, .. } = &self.site.s3;
        self.given(stack, secret_key, "minio-secret.txt").given(stack, access_key, "minio-access.txt")
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.draft = self.draft.env(name, value);
        self
    }

    /// The service, for what only this one has.
    pub fn draft(self) -> ServiceDraft {
        self.draft
    }
}

fn address(store: &Store) -> Output<String> {
    let port = store.port;
    store.host.map(move |host| format!("{host}:{port}"))
}

fn health(site: &Site, probe: Probe) -> Health {
    let check = match probe {
        _ if site.has_stand_ins() => Health::cmd(["/stand-in", "health"]).interval(Timespan::secs(1)),
        Probe::Http(port) => {
            let ask = format!(
                "fetch('http://127.0.0.1:{port}/').then(r => process.exit(r.status < 500 ? 0 : 1), () => process.exit(1))"
            );
            Health::cmd(["node", "-e", ask.as_str()])
        }
        Probe::Nothing => return Health::Disabled,
    };
    // Its stores work before it is made. It is short, since an update takes at least as long as a broken container can
    // pass for one that is starting.
    Health::Check(check.timeout(Timespan::secs(3)).start_period(Timespan::secs(20)))
}

/// What the stand-in is told by its environment. The published images take no notice of it, and are not given it.
fn stand_in(draft: ServiceDraft, name: AppName, probe: Probe, path: &str) -> ServiceDraft {
    let draft = draft.env("NAME", name.as_str()).env("CONFIG", path);
    match probe {
        Probe::Http(port) => draft.env("PORT", port.to_string()),
        Probe::Nothing => draft,
    }
}
