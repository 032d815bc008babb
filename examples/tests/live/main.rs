//! The built examples, as a user runs them, on the Docker engine of this machine.
//!
//! They run one after the other: they share an engine. Each leaves it as it was, and says so by its full listing.
//! `SPROCKET_LIVE` lets them run; `-- --nocapture` shows what they saw, and how long each part took.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]
#![allow(clippy::print_stdout, reason = "the stories tell what they saw")]

mod commands;
mod engine;
mod estate;
mod every_kind;
mod faults;
mod inventory;
mod kills;
mod leaks;
mod place;
mod pulumi;
mod sandbox;
mod servers;
mod stopped;
