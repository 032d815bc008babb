//! Settings whose names a draft has in use.

#[macro_use]
#[path = "../docker.rs"]
mod docker;

use std::collections::BTreeMap;

use docker::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
struct Config {
    this: This<Self>,
}
kind!(Config, "docker:config", ConfigDraft, ConfigSpec, |_, this| Self { this });

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

#[derive(Clone, Debug)]
struct Policy {
    this: This<Self>,
}
kind!(Policy, "docker:policy", PolicyDraft, PolicySpec, |_, this| Self { this });

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
