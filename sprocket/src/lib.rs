//! Infrastructure as a Rust program: what a user adds to a project.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use serde::Deserialize;
//! use sprocket::prelude::*;
//!
//! #[derive(Deserialize)]
//! struct Config {
//!     length: u16,
//! }
//!
//! fn main() -> ExitCode {
//!     sprocket::run("quickstart", |stack, config: &Config| {
//!         let password = stack.add(Password::new("redis").length(config.length));
//!         stack.output("password", &password.value);
//!     })
//! }
//! ```
//!
//! - [`run`] is the whole program: it reads `sprocket.toml`, and has the command line that `--help` describes.
//! - [`Program`] is the same in parts: for programs with providers of their own, and for tests of a program.
//! - [`prelude`] has what programs name; [`core`] is the engine, for tools and for authors of kinds.
//! - [`config`] tells how `sprocket.toml` and secrets are read, [`Exit`] what the exit codes mean.

mod cli;
mod commands;
pub mod config;
mod console;
mod doctor;
#[doc(hidden)]
pub mod fuzzing;
mod key;
mod memory;
mod memory_of_state;
mod output;
pub mod prelude;
mod program;
mod pulumi;
mod run;
mod sandbox;
mod session;
mod store;
mod surroundings;
mod trouble;

pub use console::Shared;
pub use doctor::{Finding, Wrong};
pub use program::{Declare, Exit, Program};
pub use run::run;
pub use sprocket_core as core;
#[cfg(feature = "dns")]
pub use sprocket_dns as dns;
#[cfg(feature = "docker")]
pub use sprocket_docker as docker;
#[cfg(feature = "s3")]
pub use sprocket_s3 as s3;
#[cfg(feature = "vault")]
pub use sprocket_vault as vault;
pub use surroundings::Surroundings;

/// The README's programs compile and do what it says.
#[cfg(all(doctest, feature = "docker"))]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;
