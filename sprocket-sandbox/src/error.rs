//! What starting a sandbox, and keeping its world, can fail with.

use std::io;
use std::path::PathBuf;

/// Why a sandbox can't be started, or its world not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Another process has it.
    #[error("the sandbox in {} is in use by another process", folder.display())]
    InUse {
        /// The sandbox's folder.
        folder: PathBuf,
    },
    /// A file or folder of its world can't be used.
    #[error("could not {what} {}", path.display())]
    File {
        /// What was attempted.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of its world is not what a sandbox writes.
    #[error("could not read {}: delete its folder to begin with an empty world", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A service can't be started.
    #[error("could not start the sandbox's {service}")]
    Start {
        /// The service.
        service: &'static str,
        /// Why.
        source: io::Error,
    },
}
