//! Programs as people meet them: what they print, and how they exit.

#![allow(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod configuration;
mod docker;
mod documents;
mod environments;
mod json;
mod kit;
mod providers;
mod runs;
#[cfg(unix)]
mod signals;
mod states;
