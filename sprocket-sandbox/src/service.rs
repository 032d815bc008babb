//! What a service of the sandbox is to the rest of it.

use std::future::Future;
use std::net::SocketAddr;

use crate::error::SandboxError;
use crate::faults::Faults;
use crate::world::World;

/// A service: it listens on loopback, keeps its part of the world, and does what the faults say.
pub(crate) trait Service {
    /// Its name: of its files in the world's folder, and for [`Faults`].
    const NAME: &'static str;

    /// Loads its part of the world, binds its address ([`World::listen`]) and serves in tasks of the current runtime, which
    /// ends with the sandbox. Returns once it can be asked.
    fn start(world: &World, faults: &Faults) -> impl Future<Output = Result<SocketAddr, SandboxError>> + Send;
}
