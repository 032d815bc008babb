//! A session: what one command has open, and what it has read. All I/O, no decisions.

mod connections;
mod error;
mod orphans;
mod recovery;
mod refresh;
mod settings;
mod trust;

pub use self::connections::Reached;
pub(crate) use self::connections::{Connection, Connections, OpenProvider, Opener, ProviderTypes};
pub use self::error::Refused;
pub(crate) use self::recovery::recover;
pub(crate) use self::refresh::{look_up, observe};
pub use self::settings::Settings;
pub(crate) use self::trust::{Trusted, open, protect, trust};
