//! The bucket and the store, tried: `plan` needs nothing; the others run in the sandbox, and against a real S3 server, that of
//! `scripts/services up s3`, when `SPROCKET_LIVE` is set.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod bucket;
mod fake;
mod kill;
mod messages;
mod plan;
mod store;
mod support;
