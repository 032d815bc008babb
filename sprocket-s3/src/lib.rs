//! S3 for Sprocket: buckets, and the state store on any S3-compatible server.
//!
//! - [`S3`] is the provider: an account of AWS or of a compatible server.
//! - [`Bucket`] is the kind.
//! - [`S3Store`] is the state store, in the place that a [`StateLocation`] names.
//! - [`S3Error`] is what calls fail with.

mod bucket;
mod client;
mod error;
mod owner_tag;
mod provider;
mod store;

pub use bucket::{Bucket, BucketDraft, BucketSpec, BucketState, Lifecycle, LifecycleSpec};
pub use error::{S3Answer, S3Error};
pub use provider::{Endpoint, S3, S3Config, S3Credentials, S3Draft};
pub use store::{S3Store, StateLocation};
