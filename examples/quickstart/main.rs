//! The shortest whole program: Redis on a network of its own, with a password that nobody has seen.
//!
//! ```text
//! cargo run --example quickstart                              # shows what it will do, asks, does it, proves that it works
//! cargo run --example quickstart                              # nothing to do
//! cargo run --example quickstart -- outputs --reveal          # the password
//! cargo run --example quickstart -- destroy
//! ```

use std::process::ExitCode;

use serde::Deserialize;
use sprocket::docker::Health;
use sprocket::prelude::*;

/// What differs between environments: the tables of `sprocket.toml`. A key that is not here is an error, with a suggestion.
#[derive(Deserialize)]
struct Config {
    image: String,
    port: u16,
}

/// Says what there is to be. Nothing is asked of Docker here: it is planned first, and then only what differs is done.
fn quickstart(stack: &mut Stack, config: &Config) {
    stack.connect(Docker::from_env());
    let network = stack.add(Network::overlay("quickstart"));

    // Drawn once, kept sealed in the state, and a file for Redis: no plan, log or `docker inspect` shows it.
    let password = stack.add(Password::new("quickstart-redis"));
    let settings = password.value.exposed().map(|password| format!("requirepass {password}\n"));
    let settings = stack.add(SwarmSecret::new("quickstart-redis-conf", settings));

    // Mentioning the network and the secret is enough: they are made before it, and go after it.
    let redis = stack.add(
        Service::new("quickstart-redis", config.image.as_str())
            .args(["redis-server", "/run/secrets/redis.conf"])
            .secret(&settings, "redis.conf")
            .network(&network)
            .endpoint(EndpointMode::Dnsrr)
            // A task counts as running once it answers; an update that does not get there goes back by itself.
            .health(Health::shell("redis-cli ping | grep -qE 'PONG|NOAUTH'").interval(Timespan::secs(1)))
            // After an apply, and on `verify`, somebody asks for a PONG on that port.
            .publish(Port::host(config.port).to(6379).speaks(Protocol::Redis)),
    );
    stack.output("host", &redis.name);
    stack.output("password", &password.value);
}

fn main() -> ExitCode {
    sprocket::run("quickstart", quickstart)
}

/// A deployment's tests need no Docker: the real engine plans on a world in memory.
#[test]
fn another_image_changes_nothing_but_the_service() {
    let with = |image: &str| {
        let config = Config { image: image.into(), port: 18380 };
        move |stack: &mut Stack| quickstart(stack, &config)
    };
    let mut world = sprocket::core::testing::world();
    world.apply(with("redis:7.2"));
    insta::assert_snapshot!(world.plan(with("redis:7.4")), @"
    ~ docker:service/quickstart-redis
        image: redis:7.2 → redis:7.4
    1 to update, 3 unchanged.
    ");
}
