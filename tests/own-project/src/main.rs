//! A web page on this machine's Docker engine.

use std::process::ExitCode;

use serde::Deserialize;
use sprocket::prelude::*;

#[derive(Deserialize)]
struct Config {
    image: String,
    port: u16,
}

fn page(stack: &mut Stack, config: &Config) {
    stack.connect(Docker::from_env());
    let network = stack.add(Network::overlay("own-project"));
    let page = stack.add(
        Service::new("own-project", config.image.as_str())
            .network(&network)
            .env("NAME", "own-project")
            .endpoint(EndpointMode::Dnsrr)
            .publish(Port::host(config.port).to(3000).speaks(Protocol::Http { path: "/".into() })),
    );
    stack.output("name", &page.name);
}

fn main() -> ExitCode {
    sprocket::run("own-project", page)
}

#[test]
fn another_image_updates_the_service() {
    let with = |image: &str| {
        let config = Config { image: image.into(), port: 18090 };
        move |stack: &mut Stack| page(stack, &config)
    };
    let mut world = sprocket::core::testing::world();
    world.apply(with("app:1"));
    insta::assert_snapshot!(world.plan(with("app:2")), @"
    ~ docker:service/own-project
        image: app:1 → app:2
    1 to update, 1 unchanged.
    ");
}
