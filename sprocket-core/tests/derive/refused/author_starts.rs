//! Words that don't fit the type of their field.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Spec;
use sprocket_core::program::Secret;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Limits)]
struct LimitsSpec {
    #[spec(flag)]
    memory: u64,
    #[spec(flag, default = true)]
    swap: bool,
    #[spec(default = 1)]
    cpus: Option<u64>,
    #[spec(default)]
    tags: Vec<String>,
    #[spec(each = "label")]
    labels: String,
    #[spec(each = "part")]
    parts: Option<Vec<String>>,
    #[spec(default = "eight")]
    pids: u64,
    // These are facts of a resource's whole setting.
    #[spec(replaces)]
    driver: String,
    #[spec(write_only)]
    password: Secret<String>,
    #[spec(key)]
    name: String,
}

fn main() {}
