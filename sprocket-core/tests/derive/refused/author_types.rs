//! Settings whose types don't fit together. These errors are rustc's; they must show the field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Spec;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Inner)]
struct InnerSpec {
    size: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OtherSpec {}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Outer)]
struct OuterSpec {
    /// The draft of another spec.
    #[spec(draft = Inner)]
    other: OtherSpec,
    /// A draft that needs a size.
    #[spec(default, draft = Inner)]
    inner: InnerSpec,
    /// A key that can't be named in a mistake.
    #[spec(each = "entry")]
    entries: BTreeMap<Key, u64>,
}

/// A spec that was forgotten to be given its draft shows where it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Forgetful)]
struct ForgetfulSpec {
    inner: InnerSpec,
}

fn main() {
    let _ = Forgetful::new(Inner::new(1));
}
