//! The kinds, tried: `plan` needs nothing; `conformance` and `converge` run against a real engine that is a swarm manager
//! with the image `sprocket-stand-in/busy`, when `SPROCKET_LIVE` is set.

mod conformance;
mod converge;
mod engine;
mod plan;
mod support;
mod wire;
