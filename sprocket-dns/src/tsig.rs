//! The key that updates are signed with: TSIG (RFC 8945).
//!
//! The secret is shared with the server, which maps the key's name to what it may change. It is never recorded.

use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::rr::rdata::tsig;
use hickory_proto::rr::{Name, TSigner};
use sprocket_core::program::Secret;

use crate::error::DnsError;
use crate::name;

/// How far the clocks of server and client may be apart, in seconds (RFC 8945, section 10).
const FUDGE: u16 = 300;

/// A key that a name server accepts updates from: its name, its algorithm, and the secret that `tsig-keygen` prints.
///
/// ```
/// # use sprocket_dns::TsigKey;
/// let key = TsigKey::sha256("deploy", "aHVudGVyMg==");
/// assert_eq!(format!("{key:?}"), "TsigKey(hmac-sha256 deploy)");
/// ```
#[derive(Clone)]
pub struct TsigKey {
    name: String,
    algorithm: TsigAlgorithm,
    secret: Secret<String>,
}

impl TsigKey {
    /// A key of this name and algorithm, with its secret in base64.
    pub fn new(name: impl Into<String>, algorithm: TsigAlgorithm, secret: impl Into<Secret<String>>) -> Self {
        Self { name: name.into(), algorithm, secret: secret.into() }
    }

    /// A key for `hmac-sha256`, which is what `tsig-keygen` makes unless told otherwise.
    pub fn sha256(name: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::new(name, TsigAlgorithm::Sha256, Secret::new(secret.into()))
    }

    /// The key in the environment, under the names that other tools use for it: `RFC2136_TSIG_KEY`, its name;
    /// `RFC2136_TSIG_SECRET`, in base64; `RFC2136_TSIG_ALGORITHM`, `hmac-sha256` unless set.
    pub(crate) fn from_env() -> Result<Self, DnsError> {
        let get = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(name), Some(secret)) = (get("RFC2136_TSIG_KEY"), get("RFC2136_TSIG_SECRET")) else {
            return Err(DnsError::NoKey);
        };
        let algorithm = match get("RFC2136_TSIG_ALGORITHM") {
            Some(text) => text.parse().map_err(|problem| DnsError::BadKey { key: name.clone(), problem })?,
            None => TsigAlgorithm::Sha256,
        };
        Ok(Self::new(name, algorithm, Secret::new(secret)))
    }

    /// Its name at the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn signer(&self) -> Result<TSigner, DnsError> {
        let bad = |problem: &str| DnsError::BadKey { key: self.name.clone(), problem: problem.to_owned() };
        let name = name::checked(&self.name).map_err(|_| bad("its name is not one in the DNS"))?;
        let name = Name::from_ascii(name).map_err(|_| bad("its name is not one in the DNS"))?;
        let secret = STANDARD.decode(self.secret.expose().trim()).map_err(|_| bad("its secret is not base64"))?;
        if secret.is_empty() {
            return Err(bad("its secret is empty"));
        }
        TSigner::new(secret, self.algorithm.wire(), name, FUDGE).map_err(|_| bad("its algorithm can't be used"))
    }
}

impl Debug for TsigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TsigKey({} {})", self.algorithm, self.name)
    }
}

/// How the key signs (RFC 8945, section 6). MD5 and SHA-1 are left out: they are not to be used any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TsigAlgorithm {
    /// `hmac-sha256`.
    #[default]
    Sha256,
    /// `hmac-sha384`.
    Sha384,
    /// `hmac-sha512`.
    Sha512,
}

impl TsigAlgorithm {
    fn wire(self) -> tsig::TsigAlgorithm {
        match self {
            Self::Sha256 => tsig::TsigAlgorithm::HmacSha256,
            Self::Sha384 => tsig::TsigAlgorithm::HmacSha384,
            Self::Sha512 => tsig::TsigAlgorithm::HmacSha512,
        }
    }
}

impl Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        })
    }
}

impl FromStr for TsigAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim_end_matches('.').to_lowercase().as_str() {
            "hmac-sha256" => Ok(Self::Sha256),
            "hmac-sha384" => Ok(Self::Sha384),
            "hmac-sha512" => Ok(Self::Sha512),
            _ => Err(format!("`{text}` is none of hmac-sha256, hmac-sha384, hmac-sha512")),
        }
    }
}
