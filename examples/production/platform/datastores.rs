//! Redis and RabbitMQ: where the applications meet.
//!
//! Their passwords are generated, and reach servers and applications as files. No environment, argument or config has one.

use sprocket::docker::{Health, HostName};
use sprocket::prelude::*;

use crate::edge::Edge;
use crate::routing::{Access, Route, Target};
use crate::site::{Host, Image, Site};
use crate::vault::Vaulted;

/// What the applications use of them.
#[derive(Debug)]
pub struct Datastores {
    /// On which the applications reach them, and each other.
    pub network: Network,
    pub redis: Store,
    pub rabbitmq: Store,
}

/// A server, and the password that it asks for.
#[derive(Debug)]
pub struct Store {
    pub host: Output<HostName>,
    pub port: u16,
    /// As a file.
    pub password: SwarmSecret,
    pub password_value: Output<Secret<String>>,
}

/// Whom RabbitMQ knows.
pub const RABBITMQ_USER: &str = "sprocket";
const REDIS_PORT: u16 = 6379;
const AMQP_PORT: u16 = 5672;
const RABBITMQ_MANAGEMENT_PORT: u16 = 15672;

pub fn datastores(stack: &mut Stack, site: &Site, edge: &Edge, vaulted: &Vaulted) -> Datastores {
    let network = stack.add(Network::overlay("platform"));
    let redis = redis(stack, site, &network, vaulted);
    let rabbitmq = rabbitmq(stack, site, &network, edge, vaulted);
    Datastores { network, redis, rabbitmq }
}

fn redis(stack: &mut Stack, site: &Site, network: &Network, vaulted: &Vaulted) -> Store {
    let data = stack.add(site.volume("redis"));
    let password = Password::new("redis").length(64).rotation(site.redis_password.as_str()).retain_with(&data);
    let password = stack.add(password);
    let modules = if site.has_stand_ins() { "" } else { MODULES };
    let conf = password.value.exposed().map(move |password| {
        format!("requirepass {password}\nappendonly yes\ndir /data\nmaxmemory-policy noeviction\n{modules}")
    });
    let conf = stack.add(SwarmSecret::new("redis-conf", conf));
    let file = stack.add(SwarmSecret::new("redis-password", &password.value));
    stack.add(KvSecret::new("redis", &vaulted.platform).field("password", &password.value));
    let service = site
        .stateful("redis", Image::Redis)
        .args(["redis-server", "/run/secrets/redis.conf"])
        .secret(&conf, "redis.conf")
        .secret(&file, "redis-password")
        .mount(&data, "/data")
        .network(network)
        // It answers only to who knows the password, and not before its data is loaded.
        .health(
            Health::shell("REDISCLI_AUTH=\"$(cat /run/secrets/redis-password)\" redis-cli ping | grep -q PONG")
                .interval(Timespan::secs(2))
                .start_period(Timespan::secs(30)),
        )
        .limits(Resources::default().memory("512MiB").cpus(1.0))
        .restart(Restart::default())
        // Applications with another password are let in only when its update is over: it is not watched for as long as the
        // health check may take. A task that never becomes healthy still fails the update.
        .update(Update::default().monitor(Timespan::secs(2)))
        .stop_grace_period(Timespan::secs(30));
    let service = match site.ports.redis {
        Some(port) => service.publish(Port::host(port).to(REDIS_PORT).speaks(Protocol::Redis)),
        None => service,
    };
    let service = stack.add(service);
    Store { host: service.host(), port: REDIS_PORT, password: file, password_value: password.value.clone() }
}

/// What the estate's Redis has on board.
const MODULES: &str = "loadmodule /usr/lib/redis/modules/rejson.so\nloadmodule /usr/lib/redis/modules/redisearch.so\n";

fn rabbitmq(stack: &mut Stack, site: &Site, network: &Network, edge: &Edge, vaulted: &Vaulted) -> Store {
    // RabbitMQ takes it when its volume is empty, and never again: it stays as long as the volume does.
    let password = stack.add(Password::new("rabbitmq").length(64).protect());
    let user =
        password.value.exposed().map(|password| format!("default_user = {RABBITMQ_USER}\ndefault_pass = {password}\n"));
    let user = stack.add(SwarmSecret::new("rabbitmq-user", user));
    let file = stack.add(SwarmSecret::new("rabbitmq-password", &password.value));
    stack.add(
        KvSecret::new("rabbitmq", &vaulted.platform)
            .field("username", RABBITMQ_USER)
            .field("password", &password.value),
    );
    // Both ends say that they are there: who keeps a connection for days learns that it is dead.
    let settings = stack.add(SwarmConfig::new("rabbitmq", "heartbeat = 60\n"));
    let data = stack.add(site.volume("rabbitmq"));
    let service = site
        .stateful("rabbitmq", Image::RabbitMq)
        // The name of its node, and of the folder of its data, is made from it.
        .hostname("rabbitmq")
        .config(&settings, "/etc/rabbitmq/rabbitmq.conf")
        .secret(&user, "/etc/rabbitmq/conf.d/20-user.conf")
        .mount(&data, "/var/lib/rabbitmq")
        .network(network)
        // A ping tells that its machine runs. This tells that it takes connections, for which the applications wait.
        .health(
            Health::cmd(["rabbitmq-diagnostics", "-q", "check_port_connectivity"])
                .interval(Timespan::secs(5))
                .timeout(Timespan::secs(10))
                .start_period(Timespan::secs(30)),
        )
        .limits(Resources::default().memory("1GiB").cpus(1.0))
        .restart(Restart::default())
        .stop_grace_period(Timespan::secs(60));
    // Applications keep their connections for days, and a virtual address forgets the idle ones.
    let service = service.endpoint(EndpointMode::Dnsrr);
    let service = match site.ports.rabbitmq {
        Some(port) => service.publish(Port::host(port).to(AMQP_PORT).speaks(Protocol::Amqp)),
        None => service,
    };
    let route = Route {
        host: Host::RabbitMq,
        to: Target::Port(RABBITMQ_MANAGEMENT_PORT),
        access: Access::Only("SprocketAdmin"),
    };
    let service = stack.add(edge.expose(site, service, "rabbitmq", route));
    Store { host: service.host(), port: AMQP_PORT, password: file, password_value: password.value.clone() }
}
