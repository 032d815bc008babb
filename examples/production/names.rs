//! The names of the platform: a DNS record for each host that something is routed to.
//!
//! A host that is no [`Host`] can't be routed, and a [`Host`] has its record: none is forgotten, and none left behind.

use std::collections::BTreeMap;

use sprocket::dns::{Dns, TsigKey};
use sprocket::prelude::*;

use crate::site::{Host, NameServer, Site};

/// Short, so that a move is soon seen.
const TTL: u32 = 60;

/// What can be reached by its name.
#[derive(Debug)]
pub struct Names(BTreeMap<Host, DnsRecord>);

impl Names {
    /// Where a browser finds a host; whoever uses it waits until the name is answered.
    pub fn url(&self, site: &Site, host: Host) -> Output<String> {
        let url = site.url(host);
        self.0[&host].fqdn.map(move |_| url.clone())
    }
}

pub fn names(stack: &mut Stack, site: &Site) -> Names {
    let NameServer { server, key_name, key, address } = &site.dns;
    let key = TsigKey::sha256(key_name, key.expose());
    stack.connect(Dns::zone(site.domain.as_str(), server.as_str()).credentials(key));
    let mut record = |host: Host| stack.add(DnsRecord::a(host.label().unwrap_or("@"), *address).ttl(TTL));
    Names(Host::ALL.into_iter().map(|host| (host, record(host))).collect())
}
