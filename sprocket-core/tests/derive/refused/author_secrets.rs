//! A write-only setting that would print.

#[macro_use]
#[path = "../docker.rs"]
mod docker;

use docker::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:login", provider = Docker, naming = generation, state = Reported)]
struct Login {
    this: ResourceRef<Self>,
}
kind!(Login);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Login)]
struct LoginSpec {
    #[spec(write_only)]
    password: String,
    #[spec(write_only)]
    keys: Vec<sprocket_core::program::Secret<String>>,
    #[spec(write_only)]
    token: Option<sprocket_core::program::Secret<String>>,
}

fn main() {}
