//! The sandbox: all services, started together and ended together.
//!
//! They run on threads of the sandbox's own, so that programs and tests with any runtime, or none, can use them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;

use tokio::runtime::{Builder, Runtime};

use crate::dns::Dns;
use crate::error::SandboxError;
use crate::faults::Faults;
use crate::s3::S3;
use crate::service::Service as _;
use crate::swarm::Swarm;
use crate::vault::Vault;
use crate::world::World;

/// Running services. They end when it is dropped.
///
/// ```
/// # use sprocket_sandbox::Sandbox;
/// let sandbox = Sandbox::in_memory()?;
/// println!("DOCKER_HOST=tcp://{}", sandbox.addresses().swarm);
/// # Ok::<_, sprocket_sandbox::SandboxError>(())
/// ```
#[derive(Debug)]
pub struct Sandbox {
    addresses: Addresses,
    faults: Faults,
    _threads: Threads,
    /// Holds its folder, for as long as its threads run.
    _world: World,
}

/// Where the services listen: ports of 127.0.0.1, the same at each start from a folder if they are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addresses {
    /// A name server, over UDP and TCP. It takes updates that are signed with [`DNS_KEY`](crate::DNS_KEY).
    pub dns: SocketAddr,
    /// An S3 server, without TLS. Requests are signed with [`S3_KEY`](crate::S3_KEY).
    pub s3: SocketAddr,
    /// The API of a Docker engine that is the manager of a swarm, without TLS.
    pub swarm: SocketAddr,
    /// A Vault, without TLS; not initialised in an empty world.
    pub vault: SocketAddr,
}

impl Sandbox {
    /// Starts the services, with the world of this folder. An empty world begins where there is no folder.
    ///
    /// # Errors
    /// If the folder can't be used, is used by another process, or holds what no sandbox wrote.
    pub fn start(folder: impl Into<PathBuf>) -> Result<Self, SandboxError> {
        Self::of(World::in_folder(folder.into())?)
    }

    /// Starts the services with an empty world, which ends with the sandbox: for tests.
    ///
    /// # Errors
    /// If no port of loopback can be had.
    pub fn in_memory() -> Result<Self, SandboxError> {
        Self::of(World::in_memory())
    }

    fn of(world: World) -> Result<Self, SandboxError> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("sandbox").enable_all().build();
        let runtime = runtime.map_err(|source| SandboxError::Start { service: "runtime", source })?;
        let threads = Threads(Some(runtime));
        let faults = Faults::default();
        let (sender, receiver) = mpsc::channel();
        let (told, kept) = (faults.clone(), world.clone());
        // Not `block_on`: who starts a sandbox may be in a runtime.
        threads.spawn(async move {
            // If nobody waits any more, nobody needs the answer.
            let _ = sender.send(start(&kept, &told).await);
        });
        let addresses = receiver.recv().expect("BUG: starting the services panicked")?;
        Ok(Self { addresses, faults, _threads: threads, _world: world })
    }

    /// Where the services listen.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What is to go wrong.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

async fn start(world: &World, faults: &Faults) -> Result<Addresses, SandboxError> {
    // The containers of the swarm lead to the Vault.
    let vault = Vault::start(world, faults).await?;
    Ok(Addresses {
        dns: Dns::start(world, faults).await?,
        s3: S3::start(world, faults).await?,
        swarm: Swarm::start(world, faults).await?,
        vault,
    })
}

/// What the services run on.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Threads {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.as_ref().expect("BUG: the sandbox's threads have ended").spawn(task);
    }
}

impl Drop for Threads {
    /// Ports and folder are free when this returns. A runtime can't wait for the end of another one: a thread does.
    fn drop(&mut self) {
        let runtime = self.0.take();
        let ended = std::thread::spawn(move || drop(runtime)).join();
        debug_assert!(ended.is_ok(), "BUG: the sandbox's threads could not be ended");
    }
}
