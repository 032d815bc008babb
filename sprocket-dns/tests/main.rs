//! The kind, tried: `plan` needs nothing; the others run against the real name server of `scripts/services up dns`, when
//! `SPROCKET_LIVE` is set.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod messages;
mod plan;
mod scenarios;
mod suite;
mod support;
