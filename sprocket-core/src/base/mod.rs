//! What everything else is made of: names and ids, JSON as text, hashes, randomness. It knows nothing of this crate.

mod effect;
mod entropy;
mod error_chain;
mod escape;
pub(crate) mod hash;
mod ids;
mod json;
mod owner_tag;
mod revision;
mod source_location;
mod stop;
pub mod visible;

pub use effect::Effect;
pub use entropy::Entropy;
pub use error_chain::with_causes;
pub(crate) use escape::{
    escape_key, has_marks, is_engines, marked, may_have_marks, plain_key, read, read_tree, to_tree, unescape, write_to,
    written,
};
pub use ids::{Address, Identity, Lineage, NoAddress, ObjectId, PhysicalName, ProviderName, RecordId};
pub(crate) use ids::{is_name, is_part};
pub use json::Json;
pub use owner_tag::OwnerTag;
pub use revision::Revision;
pub use source_location::Place;
pub use stop::{Stop, Stopping};
