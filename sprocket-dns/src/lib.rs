//! DNS for Sprocket: records of a zone, over dynamic updates (RFC 2136) signed with TSIG (RFC 8945).
//!
//! - [`Dns`] is the provider: one zone, at its primary name server.
//! - [`DnsRecord`] is the kind: all records of one type at one name.
//! - [`DnsError`] is what their calls fail with.

mod client;
mod error;
mod name;
mod owner_tag;
mod provider;
mod record;
mod server;
mod tsig;
mod update;
mod value;
mod zone;

pub use error::{DnsError, ServerAnswer, TsigRefusal};
pub use name::ZoneName;
pub use provider::{Dns, DnsConfig, DnsDraft};
pub use record::{DnsRecord, DnsRecordDraft, DnsRecordSpec, DnsRecordState};
pub use server::ServerAddress;
pub use tsig::{TsigAlgorithm, TsigKey};
pub use value::{RecordType, RecordValue};
