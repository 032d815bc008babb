//! Words that the derive doesn't know, or knows in another form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Spec;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Limits, rename = "limits")]
struct LimitsSpec {
    #[spec(replace)]
    memory: u64,
    #[spec(default, default = 1)]
    cpus: u64,
    #[spec(default = 1 cpus)]
    half: u64,
    #[spec(each = tag)]
    tags: Vec<String>,
    #[spec(each = "add label")]
    labels: BTreeMap<String, String>,
    #[spec(draft)]
    inner: Option<InnerSpec>,
    #[spec(flag = true)]
    on: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Inner)]
struct InnerSpec {}

fn main() {}
