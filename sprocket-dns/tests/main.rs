//! The kind, tried: `plan` needs nothing; the others run against the sandbox's name server and, when `SPROCKET_LIVE` is set,
//! against the real one of `scripts/services up dns`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod handover;
mod messages;
mod plan;
mod scenarios;
mod suite;
mod support;
