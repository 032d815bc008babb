//! The examples of Sprocket. Each is a program of its own, run from the root of the repository:
//!
//! - `cargo run --example quickstart`: one screen.
//! - `cargo run --example production -- --env local`: a whole platform in three layers, on this machine's Docker engine.
//! - `cargo run --example custom_kind`: a provider and a kind of one's own, in one file; it needs no server.
//! - `cargo run --example custom_tooling`: the engine inside of a service, which shows plans over HTTP and applies exactly those.
