//! A user forgets to add a draft, and to keep what a setter returns.
#![deny(unused_must_use)]

#[path = "../docker.rs"]
mod docker;

use docker::{Docker, Resources, Service};

fn main() {
    Service::new("b", "b:1");
    Docker::at("tcp://10.0.0.1:2375");
    let mut draft = Service::new("b", "b:1");
    if true {
        draft.clone().env("A", "1");
    }
    draft = draft.arg("x");
    Resources::default().memory(1);
    let _ = draft;
}
