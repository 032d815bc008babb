//! Layer 3: the platform itself.

mod app;
mod datastores;
mod services;
mod settings;

use sprocket::prelude::*;

use crate::buckets::Buckets;
use crate::data::Data;
use crate::edge::Edge;
use crate::site::{Host, Site};
use crate::vault::Vaulted;

pub fn platform(stack: &mut Stack, site: &Site, edge: &Edge, vaulted: &Vaulted, data: &Data, buckets: &Buckets) {
    // Addresses and names begin with it: `docker:service/sprocket/core`, `sprocket-core`.
    stack.scope("sprocket", |stack| {
        let stores = datastores::datastores(stack, site, edge, vaulted);
        services::services(stack, site, edge, vaulted, data, buckets, &stores);
        stack.output("redis-password", &stores.redis.password_value);
    });
    let urls: Vec<String> = Host::ALL.into_iter().map(|host| site.url(host)).collect();
    stack.output("urls", &Output::known(urls));
}
