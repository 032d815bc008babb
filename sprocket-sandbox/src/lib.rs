//! The services of a deployment, embedded in one process: each speaks its own protocol on loopback, so that clients can't
//! tell. It makes a whole estate run on a machine that has none of its servers, and has faults to inject.
//!
//! - [`Sandbox`] starts them; its world lives in a folder, and a second start finds it again.
//! - [`Faults`] are told what is to go wrong.
//!
//! It does what the conformance suites of the kinds exercise, and no more: any other call is answered with 501 and its name.
//! Where it and a real server differ, it is wrong. It depends on no provider: it speaks protocols, as servers do.
//!
//! A service is a module with a type that implements `service::Service`, and a line in [`Sandbox`].

mod dns;
mod error;
mod faults;
mod http;
mod s3;
mod sandbox;
mod service;
mod swarm;
mod vault;
mod world;

pub use dns::{DNS_KEY, DNS_SECRET};
pub use error::SandboxError;
pub use faults::{Fault, Faults};
pub use s3::{S3_KEY, S3_SECRET};
pub use sandbox::{Addresses, Sandbox};
