//! The kinds, tried: `plan` needs nothing; the others run against a real engine that is a swarm manager and has the image
//! `sprocket-stand-in/busy`, when `SPROCKET_LIVE` is set.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod conformance;
mod converge;
mod engine;
mod plan;
mod suite;
mod support;
mod wire;
