//! Programs as people meet them: what they print, and how they exit.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "clippy takes the helpers of tests for a library")]

mod colours;
mod configuration;
mod docker;
mod documents;
mod environments;
mod estate;
mod foreign;
mod interrupts;
mod json;
mod kit;
mod neighbours;
mod providers;
mod pulumi;
mod runs;
mod s3;
mod sandbox;
mod saved;
#[cfg(unix)]
mod signals;
mod states;
