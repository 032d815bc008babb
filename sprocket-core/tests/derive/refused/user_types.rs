//! A user gives a setting what it can't take.

#[path = "../docker.rs"]
mod docker;

use docker::{Attachment, Network, NetworkDraft, Service, ServiceDraft};

fn program(draft: ServiceDraft, network: Network, undeclared: NetworkDraft, service: Service) {
    // A handle of the wrong kind, where a nested draft is made of it, and where an input is.
    let draft = draft.network(&service);
    let draft = draft.network(Attachment::to(&service));
    let draft = draft.mount(&network, "/data");
    // A resource that was not added.
    let draft = draft.network(&undeclared);
    // A plain value of the wrong type.
    let draft = draft.env("N", 5);
    let _ = draft.maybe_health(Some("true"));
}

fn main() {}
