//! The kinds, tried. `plan` needs nothing. The others run in the sandbox, and on a real engine that is a swarm manager and
//! has the stand-in images when `SPROCKET_LIVE` is set.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod conformance;
mod converge;
mod engine;
mod first_plan;
mod handover;
mod plan;
mod suite;
mod support;
mod wire;
