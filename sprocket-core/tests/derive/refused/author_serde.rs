//! Attributes of serde's with which a record would differ from its spec.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Spec;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[spec(draft = Limits)]
struct LimitsSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    #[serde(rename(serialize = "c", deserialize = "c"), alias = "cores")]
    cpus: u64,
    #[serde(flatten)]
    more: MoreSpec,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct MoreSpec {}

fn main() {}
