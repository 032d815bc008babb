//! Specs that are no structs with named fields, or don't say whose settings they are.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::Spec;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Source)]
enum SourceSpec {
    Volume(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Name)]
struct NameSpec(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Nothing)]
struct NothingSpec;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Pair)]
struct PairSpec<T> {
    left: T,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
struct WhoseSpec {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Network, draft = Attachment)]
struct BothSpec {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = elsewhere::Attachment)]
struct ElsewhereSpec {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = "Attachment")]
struct QuotedSpec {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec]
struct EmptySpec {}

fn main() {}
