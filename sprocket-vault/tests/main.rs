//! The kinds, tried: `plan` needs nothing; the others start servers of their own (`scripts/services up vault` fetches the
//! program) when `SPROCKET_LIVE` is set.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod imposter;
mod messages;
mod suite;
#[expect(dead_code, reason = "the tests of the bootstrap need more of it")]
mod support;
