//! A production platform, in three layers: one program, one stack, a module for each layer.
//!
//! ```text
//! cargo run --example production -- --env local apply      # on this machine's engine, with the stand-in images
//! cargo run --example production -- --env local outputs --reveal
//! cargo run --example production -- --env production plan  # lists the secrets that are missing
//! ```
//!
//! - [`site`]: what differs between environments, and nothing else does.
//! - [`edge`]: layer 1, what everything is reached through: Traefik and its view of the swarm.
//! - [`data`]: layer 2, what environments could share: the network for measurements, InfluxDB.
//! - [`platform`]: layer 3: Redis, RabbitMQ, and the applications.
//!
//! A layer is a function that takes the layers below as structs and returns its own: what one hands to the next is typed,
//! and nothing refers to a resource by its name.

#![allow(unreachable_pub, reason = "a program's modules say what they offer each other")]

mod data;
mod edge;
mod platform;
mod routing;
mod site;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use site::Site;
use sprocket::prelude::*;

fn production(stack: &mut Stack, site: &Site) {
    stack.connect(Docker::from_env());
    let edge = edge::edge(stack, site);
    let data = data::data(stack, site, &edge);
    platform::platform(stack, site, &edge, &data);
}

fn main() -> ExitCode {
    sprocket::run("production", production)
}
