//! What a call to a name server can fail with.
//!
//! A message says what was attempted; its source is what the server answered. The mapping of answers to [`ErrorKind`]s is in
//! one place, [`refused`].

use std::error::Error;
use std::fmt::{self, Display};

use hickory_proto::op::ResponseCode;
use sprocket_core::kind::{CallError, ErrorKind, ProviderError};

use crate::server::ServerAddress;

/// What is spoken to.
pub(crate) const SERVER: &str = "the name server";

/// Why a call to a name server failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// What a call to any service can fail with.
    #[error(transparent)]
    Call(#[from] CallError<ServerAnswer>),
    /// The server does not accept the key.
    #[error("TSIG rejected: the name server at {server} does not accept the key `{key}`")]
    Tsig {
        /// The server's address.
        server: ServerAddress,
        /// The key's name.
        key: String,
        /// Why.
        source: TsigRefusal,
    },
    /// The server does not answer for the zone.
    #[error("the name server at {server} does not serve the zone `{zone}`")]
    ZoneNotServed {
        /// The server's address.
        server: ServerAddress,
        /// The zone.
        zone: String,
    },
    /// A name can't be one of a record in the zone.
    #[error("could not {what}: {problem}")]
    Name {
        /// What was attempted.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There are records of that type at that name.
    #[error("could not {what}: it exists already")]
    Exists {
        /// What was attempted.
        what: String,
    },
    /// A mark says that it is somebody else's.
    #[error("could not {what}: the mark at `{place}` says that it belongs to {owner}")]
    Foreign {
        /// What was attempted.
        what: String,
        /// Where the mark is.
        place: String,
        /// Whose it is.
        owner: String,
    },
    /// The records have no mark and are not those that we made.
    #[error("could not {what}: it has lost its mark and is not as this stack made it")]
    NotOurs {
        /// What was attempted.
        what: String,
        /// Where the mark would be.
        place: String,
    },
    /// A name with a CNAME record has no others (RFC 1034, section 3.6.2).
    #[error("could not {what}: a CNAME can't be beside other records, and there is {others}")]
    CnameConflict {
        /// What was attempted.
        what: String,
        /// The types of the records that are there.
        others: String,
    },
    /// The server accepted an update, and does not answer with what it was sent.
    #[error("the name server accepted a request to {what}, and {seconds} s later it answers something else")]
    NotTaken {
        /// What was attempted.
        what: String,
        /// How long it was asked again.
        seconds: u64,
    },
    /// There is no key to sign updates with.
    #[error("no TSIG key was given for the updates")]
    NoKey,
    /// A key can't be used.
    #[error("could not use the TSIG key `{key}`: {problem}")]
    BadKey {
        /// Its name.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// What a server answered in place of a result: a code of RFC 1035 or RFC 2136.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerAnswer(pub(crate) ResponseCode);

impl Display for ServerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            ResponseCode::FormErr => "FORMERR: the server does not understand the request",
            ResponseCode::ServFail => "SERVFAIL: the server has a problem of its own",
            ResponseCode::NXDomain => "NXDOMAIN: a name that should be there is not",
            ResponseCode::NotImp => "NOTIMP: the server does not do this",
            ResponseCode::Refused => "REFUSED: the server does not allow it",
            ResponseCode::YXDomain => "YXDOMAIN: a name is in use",
            ResponseCode::YXRRSet => "YXRRSET: records are there that should not be",
            ResponseCode::NXRRSet => "NXRRSET: records that should be there are not",
            ResponseCode::NotAuth => "NOTAUTH: the server is not the zone's, or the key may not change it",
            ResponseCode::NotZone => "NOTZONE: a name is not in the zone",
            other => return write!(f, "code {}", u16::from(other)),
        };
        f.write_str(text)
    }
}

impl Error for ServerAnswer {}

/// Why a server does not accept a key (RFC 8945, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TsigRefusal {
    /// The secret is another one.
    #[error("BADSIG: the secret is not the one that the server has")]
    BadSecret,
    /// It has no such key, or one of another algorithm.
    #[error("BADKEY: the server knows no key of this name and algorithm, or none that may do this")]
    UnknownKey,
    /// The clocks differ.
    #[error("BADTIME: the clocks of this machine and the server differ by more than 5 minutes")]
    Clock,
    /// Something else.
    #[error("TSIG error {0}")]
    Other(u16),
}

impl ProviderError for DnsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Call(error) => error.kind(),
            Self::Tsig { .. } | Self::NoKey => ErrorKind::Denied,
            Self::ZoneNotServed { .. } | Self::Name { .. } | Self::BadKey { .. } => ErrorKind::Invalid,
            Self::Exists { .. } => ErrorKind::AlreadyExists,
            Self::Foreign { .. } | Self::NotOurs { .. } | Self::CnameConflict { .. } => ErrorKind::Conflict,
            // What is there decides: it is read before anything is tried again.
            Self::NotTaken { .. } => ErrorKind::Unavailable,
        }
    }

    fn is_unsent(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_unsent())
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Call(CallError::Connect { address, .. }) => {
                let ServerAddress { host, port } = address.parse().ok()?;
                format!("does the server listen there, for TCP too? `dig +tcp @{host} -p {port} SOA ZONE` asks the same")
            }
            Self::Call(CallError::Refused { kind: ErrorKind::Denied, .. }) => {
                "what the key may change is in the server's settings: in bind, the zone's `update-policy`; some servers say the \
                 same to a wrong secret"
                    .into()
            }
            Self::Tsig { source: TsigRefusal::Clock, .. } => "set the clock of whichever is wrong".into(),
            Self::Tsig { .. } => {
                "compare name, algorithm and secret of the key with those in the server's settings".into()
            }
            Self::ZoneNotServed { .. } => {
                "give the address of the zone's primary server, the first name in its SOA record".into()
            }
            Self::Exists { .. } => "take it over with `.adopt()`".into(),
            Self::Foreign { place, .. } => {
                format!("remove it from there first; if nobody owns it any more, delete the TXT record `{place}`")
            }
            Self::NotOurs { .. } => "let it be with `state forget`, or delete the records by hand".into(),
            Self::CnameConflict { .. } => "delete the one or the other, or choose another name".into(),
            Self::NoKey => {
                "give it with `.credentials(TsigKey::…)`, or set `RFC2136_TSIG_KEY` and `RFC2136_TSIG_SECRET`".into()
            }
            _ => return None,
        })
    }
}

/// An answer that can't be read.
pub(crate) fn unreadable(what: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> DnsError {
    CallError::Unreadable { service: SERVER, what: what.to_owned(), source: source.into() }.into()
}

/// A server's refusal of a request.
pub(crate) fn refused(what: &str, code: ResponseCode) -> DnsError {
    let kind = match code {
        ResponseCode::Refused | ResponseCode::NotAuth => ErrorKind::Denied,
        ResponseCode::YXDomain | ResponseCode::YXRRSet | ResponseCode::NXRRSet | ResponseCode::NXDomain => {
            ErrorKind::Conflict
        }
        // It may be over later, and the server may have done it.
        ResponseCode::ServFail => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    CallError::Refused { what: what.to_owned(), kind, source: ServerAnswer(code) }.into()
}
