//! A user misspells a setting, and forgets one that is required.

#[path = "../docker.rs"]
mod docker;

use docker::{Network, Service, ServiceDraft};

fn program(draft: ServiceDraft, network: Network) {
    let _ = Service::new("b");
    let _ = draft.clone().netwrok(&network);
    // An item of a map is a key and a value.
    let _ = draft.env("A");
}

fn main() {}
