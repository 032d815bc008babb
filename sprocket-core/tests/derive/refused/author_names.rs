//! Settings whose names a draft has in use.

#[macro_use]
#[path = "../docker.rs"]
mod docker;

use std::collections::BTreeMap;

use docker::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:config", provider = Docker, naming = generation, state = Reported)]
struct Config {
    this: ResourceRef<Self>,
}
kind!(Config);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Config)]
struct ConfigSpec {
    #[spec(key)]
    name: String,
    after: String,
    #[spec(each = "protect")]
    protections: Vec<String>,
    options: Vec<String>,
    new: Option<bool>,
    // Two setters of one name.
    #[spec(each = "label")]
    labels: BTreeMap<String, String>,
    label: String,
    maybe_title: String,
    title: Option<String>,
}

#[derive(Clone, Debug, Handle)]
#[handle(kind = "docker:policy", provider = Docker, naming = generation, state = Reported)]
struct Policy {
    this: ResourceRef<Self>,
}
kind!(Policy);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Policy)]
struct PolicySpec {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Attachment)]
struct AttachmentSpec {
    // Only drafts of resources have names and options.
    name: String,
    after: String,
    spec: String,
}

fn main() {}
