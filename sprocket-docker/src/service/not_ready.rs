//! Why a service does not work, in words.

use std::error::Error;
use std::fmt::{self, Display};

/// A service exists, and does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// Its name.
    pub service: String,
    /// Why.
    pub cause: Cause,
}

/// Why a service does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Its image is not on the node, and can't be pulled.
    ImageMissing {
        /// The image.
        image: String,
    },
    /// No node may run it, or none has room.
    NoNode {
        /// What the scheduler says.
        error: String,
        /// What is asked of a node, and how many of the nodes have it.
        asked: Vec<String>,
    },
    /// Another service or process has its port.
    PortTaken {
        /// Its ports on the node.
        ports: Vec<u16>,
        /// What the engine says.
        error: String,
    },
    /// Its containers end again and again.
    CrashLoop {
        /// How often one of its slots failed.
        times: usize,
        /// What the last container ended with.
        exit_code: i64,
    },
    /// Its containers need more memory than they may use, and are killed.
    OutOfMemory {
        /// How often one of its slots failed.
        times: usize,
        /// What they may use, in bytes.
        limit: Option<u64>,
    },
    /// Its containers can't be started.
    Rejected {
        /// How often one of its slots failed.
        times: usize,
        /// What the engine says.
        error: String,
    },
    /// Its containers start, and its health check fails.
    Unhealthy {
        /// How often one of its slots failed.
        times: usize,
    },
    /// The engine took the update back, or stopped in the middle of it.
    NotUpdated {
        /// What the engine did: `rollback_completed`, `rollback_paused`, `paused`.
        state: String,
        /// What the last of its tasks failed with.
        because: Option<String>,
    },
    /// It took too long.
    TooSlow {
        /// The limit.
        seconds: u64,
        /// How many tasks run.
        running: u64,
        /// How many should.
        wanted: u64,
        /// What another one waits for.
        pending: Option<String>,
    },
    /// Somebody deleted it.
    Gone,
}

impl Error for NotReady {}

impl Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service `{}` does not work: {}", self.service, self.cause)
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageMissing { image } => {
                write!(f, "its image `{image}` is not on the node and can't be pulled")
            }
            Self::NoNode { error, asked } => {
                write!(f, "no node can run it: {error}")?;
                asked.iter().try_for_each(|asked| write!(f, "; {asked}"))
            }
            Self::PortTaken { ports, error } => {
                let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
                let s = if ports.len() == 1 { "" } else { "s" };
                write!(f, "its port{s} {} can't be had: {error}", ports.join(", "))
            }
            Self::CrashLoop { times: 1, exit_code } => write!(f, "its container ended with exit code {exit_code}"),
            Self::CrashLoop { times, exit_code } => {
                write!(f, "its container ended {times} times, the last time with exit code {exit_code}")
            }
            Self::OutOfMemory { limit: Some(limit), .. } => {
                write!(f, "its container needs more memory than the {limit} bytes it may use, and was killed")
            }
            Self::OutOfMemory { limit: None, .. } => {
                f.write_str("its node has too little memory: its container was killed")
            }
            Self::Rejected { error, .. } => write!(f, "its container can't be started: {error}"),
            Self::Unhealthy { times: 1 } => write!(f, "its health check says that its container is not well"),
            Self::Unhealthy { times } => write!(f, "its health check gave up on its container {times} times"),
            Self::NotUpdated { state, because } => {
                match state.as_str() {
                    "rollback_completed" => {
                        f.write_str("its update failed, and the engine went back to what was before")?
                    }
                    "rollback_paused" => f.write_str("its update failed, and so did the way back")?,
                    _ => f.write_str("its update failed, and the engine stopped in the middle of it")?,
                }
                because.iter().try_for_each(|because| write!(f, ": {because}"))
            }
            Self::TooSlow { seconds, running, wanted, pending } => {
                write!(f, "after {seconds} s, {running} of {wanted} tasks run")?;
                pending.iter().try_for_each(|pending| write!(f, "; {pending}"))
            }
            Self::Gone => f.write_str("it was deleted by somebody else"),
        }
    }
}

impl NotReady {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> String {
        let name = &self.service;
        match &self.cause {
            Cause::ImageMissing { image } => {
                format!("is the name right, and does the node have a login? `docker pull {image}` there says more")
            }
            Cause::NoNode { .. } => {
                "`docker node ls` lists the nodes, `docker node inspect NODE` what they have".into()
            }
            Cause::PortTaken { .. } => "`docker service ls` and `ss -ltnp` on the node say who has it".into(),
            Cause::CrashLoop { .. } | Cause::Unhealthy { .. } | Cause::NotUpdated { .. } => {
                format!("its output says more: `docker service logs {name}`")
            }
            Cause::OutOfMemory { .. } => "raise its limit, or lower what it keeps in memory".into(),
            Cause::Rejected { .. } | Cause::TooSlow { .. } => {
                format!("its tasks say more: `docker service ps --no-trunc {name}`")
            }
            Cause::Gone => "plan again".into(),
        }
    }
}
