//! Programs as people meet them: what they print, and how they exit.

mod configuration;
mod environments;
mod json;
mod kit;
mod runs;
mod states;
