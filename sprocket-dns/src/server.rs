//! Where a name server listens.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::as_text;

/// A name server's address: `ns1.example.org`, `192.0.2.1:5353`, `[2001:db8::1]:53`. The port is 53 unless it says another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerAddress {
    /// The host's name or address.
    pub host: String,
    /// The port, for TCP.
    pub port: u16,
}
as_text!(ServerAddress);

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a name server's address: expected `HOST` or `HOST:PORT`");
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']').ok_or_else(wrong)? {
                (host, "") => (host, None),
                (host, rest) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
            },
            None if text.matches(':').count() > 1 => (text, None),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(53), |port| port.parse().map_err(|_| wrong()))?;
        if host.is_empty() || host.contains(|sign: char| sign.is_whitespace() || sign == '/') {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let check = |text: &str, written: &str| {
            let address = text.parse::<ServerAddress>().unwrap();
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address));
        };
        check("ns1.example.org", "ns1.example.org:53");
        check("127.0.0.1:15353", "127.0.0.1:15353");
        check("2001:db8::1", "[2001:db8::1]:53");
        check("[2001:db8::1]:5353", "[2001:db8::1]:5353");
        for wrong in ["", ":53", "host:x", "host:70000", "[::1", "[::1]x", "dns://host", "a b"] {
            assert!(wrong.parse::<ServerAddress>().is_err(), "{wrong}");
        }
    }
}
