//! `run`: a program in one call.

use std::process::ExitCode;

use serde::de::DeserializeOwned;
use sprocket_core::program::Stack;

use crate::program::{Declare, Program};

/// Runs a program: its command line, in its process.
///
/// `name` is the stack's name; state is kept under it. `declare` says what there is to be, for one environment of
/// `sprocket.toml`, deserialised into a type of yours. It returns nothing, or a `Result` whose error is shown.
///
/// See [`config`](crate::config) for `sprocket.toml`, and [`Exit`](crate::Exit) for the exit codes.
#[track_caller]
pub fn run<C, D, R>(name: &str, declare: D) -> ExitCode
where
    C: DeserializeOwned,
    D: FnOnce(&mut Stack, &C) -> R,
    R: Declare,
{
    Program::new(name).run(declare)
}
