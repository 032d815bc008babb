//! A production platform, in three layers: one program, one stack, a module for each layer.
//!
//! ```text
//! cargo run --example production                           # in the sandbox: no server is needed
//! cargo run --example production -- outputs --reveal
//! cargo run --example production -- --env local apply      # on this machine's engine, with the stand-in images
//! cargo run --example production -- --env production plan  # lists the secrets that are missing
//! ```
//!
//! - [`site`]: what differs between environments, and nothing else does.
//! - [`edge`]: layer 1, what everything is reached through: Traefik and its view of the swarm; and its [`names`].
//! - [`vault`], [`data`] and [`buckets`]: layer 2, what environments could share: Vault, InfluxDB and the network for
//!   measurements, S3.
//! - [`platform`]: layer 3: Redis, RabbitMQ, and the applications.
//!
//! A layer is a function that takes the layers below as structs and returns its own: what one hands to the next is typed,
//! and nothing refers to a resource by its name.

#![allow(unreachable_pub, reason = "a program's modules say what they offer each other")]

mod buckets;
mod data;
mod edge;
mod names;
mod platform;
mod routing;
mod site;
#[cfg(test)]
mod tests;
mod vault;

use std::process::ExitCode;

use site::Site;
use sprocket::prelude::*;

fn production(stack: &mut Stack, site: &Site) {
    stack.connect(Docker::from_env());
    let edge = edge::edge(stack, site);
    let names = names::names(stack, site);
    let vaulted = vault::vault(stack, site, &edge, &names);
    let data = data::data(stack, site, &edge, &vaulted);
    let buckets = buckets::buckets(stack, site);
    platform::platform(stack, site, &edge, &vaulted, &data, &buckets);
}

fn main() -> ExitCode {
    sprocket::run("production", production)
}
