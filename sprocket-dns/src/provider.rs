//! The provider: one zone, at the name server that takes its updates.
//!
//! [`Dns::connect`] does not speak to the server. Its address and the zone are recorded in state, the key never is.

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{Identity, Kinds, Provider, Spec};
use sprocket_core::program::IntoInput;

use hickory_proto::rr::{RData, RecordType as Wire};

use crate::client::Client;
use crate::error::DnsError;
use crate::name::ZoneName;
use crate::record::DnsRecord;
use crate::server::ServerAddress;
use crate::tsig::TsigKey;

/// A zone, at its primary name server: bind, Knot, PowerDNS, or whatever else takes dynamic updates (RFC 2136).
///
/// Updates are signed with a [`TsigKey`]. Without one from the program it is `RFC2136_TSIG_KEY` (its name),
/// `RFC2136_TSIG_SECRET` (base64) and `RFC2136_TSIG_ALGORITHM` (`hmac-sha256` unless set) of the environment. What is read is
/// asked by ordinary questions, without the key. Everything goes over TCP.
///
/// ```
/// # use sprocket_core::program::Stack;
/// # use sprocket_dns::{Dns, DnsRecord, TsigKey};
/// # let mut stack = Stack::new();
/// stack.connect(Dns::zone("example.org", "ns1.example.org"));
/// let internal = stack.connect(
///     Dns::zone("internal.example.org", "192.0.2.53:5353")
///         .named("internal")
///         .credentials(TsigKey::sha256("deploy", "aHVudGVyMg==")),
/// );
/// stack.on(&internal).add(DnsRecord::a("db", "10.0.0.5"));
/// # stack.check().unwrap();
/// ```
#[expect(missing_debug_implementations, reason = "it holds the key")]
pub struct Dns {
    pub(crate) client: Client,
}

/// Which zone, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Dns)]
pub struct DnsConfig {
    /// The zone: `example.org`.
    pub zone: ZoneName,
    /// Its primary name server: `ns1.example.org`, `192.0.2.1:5353`.
    pub server: ServerAddress,
}

impl Dns {
    /// The zone of this name, at this name server.
    #[track_caller]
    pub fn zone(zone: impl IntoInput<ZoneName>, server: impl IntoInput<ServerAddress>) -> DnsDraft {
        DnsDraft::new(zone, server)
    }
}

impl Provider for Dns {
    const NAME: &'static str = "dns";
    type Draft = DnsDraft;
    type Config = DnsConfig;
    type Credentials = TsigKey;
    type Error = DnsError;

    async fn connect(config: &DnsConfig, key: TsigKey) -> Result<Self, DnsError> {
        let DnsConfig { zone, server } = config.clone();
        Ok(Self { client: Client { server, zone, signer: key.signer()? } })
    }

    fn ambient() -> Result<TsigKey, DnsError> {
        TsigKey::from_env()
    }

    /// The zone, and the primary that its SOA record names.
    async fn identity(&self) -> Result<Identity, DnsError> {
        let zone = self.client.zone.name();
        let what = format!("read the SOA record of `{}`", self.client.zone);
        let answers = self.client.ask(&what, &[(zone, Wire::SOA)]).await?;
        match answers[0].first().map(|record| &record.data) {
            Some(RData::SOA(soa)) => {
                let primary = soa.mname.to_ascii().to_lowercase();
                Ok(format!("{} of {}", self.client.zone, primary.trim_end_matches('.')).into())
            }
            _ => Err(self.client.not_served()),
        }
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<DnsRecord>();
    }
}
