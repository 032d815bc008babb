//! Routes: which host leads to which port of a service.
//!
//! Traefik reads them from the services' labels. They are made here only, so that router, service and middleware of
//! a route have one name, which no other environment has.

use sprocket::docker::ServiceDraft;

use crate::edge::Edge;
use crate::site::{Host, Site};

/// The entry points of Traefik.
pub const WEB: &str = "web";
pub const WEB_SECURE: &str = "websecure";
/// Who gets certificates.
pub const RESOLVER: &str = "lets-encrypt";

/// A route to a service.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub host: Host,
    pub to: Target,
    pub access: Access,
}

/// What answers.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// This port of the service.
    Port(u16),
    /// Traefik's own dashboard.
    Dashboard,
}

/// Who may come in.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    Everybody,
    /// Whom this rule of the site's forward authentication lets in.
    Only(&'static str),
}

impl Edge {
    /// Makes a service reachable: labels for Traefik, and the network on which it comes.
    pub fn expose(&self, site: &Site, service: ServiceDraft, name: &str, route: Route) -> ServiceDraft {
        labels(site, name, route)
            .into_iter()
            .fold(service.network(&self.ingress), |service, (key, value)| service.label(key, value))
    }
}

/// The labels of a route.
pub fn labels(site: &Site, name: &str, route: Route) -> Vec<(String, String)> {
    let name = site.of_environment(name);
    let router = format!("traefik.http.routers.{name}");
    let mut labels = vec![
        ("traefik.enable".to_owned(), "true".to_owned()),
        (format!("{router}.rule"), format!("Host(`{}`)", site.host(route.host))),
    ];
    let port = match route.to {
        Target::Port(port) => port,
        Target::Dashboard => {
            labels.push((format!("{router}.service"), "api@internal".into()));
            // Traefik wants a port of every service, and never uses this one.
            9999
        }
    };
    labels.push((format!("traefik.http.services.{name}.loadbalancer.server.port"), port.to_string()));
    if site.certificates.is_some() {
        labels.push((format!("{router}.entrypoints"), WEB_SECURE.into()));
        labels.push((format!("{router}.tls.certresolver"), RESOLVER.into()));
    } else {
        labels.push((format!("{router}.entrypoints"), WEB.into()));
    }
    if let (Access::Only(rule), Some(address)) = (route.access, &site.forward_auth) {
        labels.push((format!("{router}.middlewares"), name.clone()));
        labels.push((format!("traefik.http.middlewares.{name}.forwardauth.address"), format!("{address}?rule={rule}")));
    }
    labels
}
