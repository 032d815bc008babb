//! Where a Vault listens: an URL, without the API's `/v1`.

use std::fmt::{self, Display};
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use sprocket_core::kind::as_text;

/// A Vault's address: `https://vault.example:8200`, or `http://127.0.0.1:8200` where the network is trusted.
///
/// For https, `VAULT_CACERT` names a file of certificates to trust besides the system's, as for Vault's own tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultAddress(String);
as_text!(VaultAddress);

impl VaultAddress {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VaultAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected `https://HOST:PORT` or `http://HOST:PORT`";
        let trimmed = text.trim_end_matches('/');
        let url = Url::parse(trimmed).map_err(|_| format!("`{text}` is not a Vault's address: {expected}"))?;
        if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
            return Err(format!("`{text}` is not a Vault's address: {expected}"));
        }
        // Not quoted: it has a password in it.
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a Vault's address has no user in it: a token is given as the credentials".into());
        }
        if url.query().is_some() || url.fragment().is_some() || url.path().ends_with("/v1") {
            return Err(format!("`{text}` has more than a Vault's address: {expected}"));
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl Display for VaultAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let check = |text: &str, written: &str| assert_eq!(text.parse::<VaultAddress>().unwrap().as_str(), written);
        check("http://127.0.0.1:8200", "http://127.0.0.1:8200");
        check("https://vault.example:8200/", "https://vault.example:8200");
        check("https://example/vault", "https://example/vault");
        for wrong in ["vault:8200", "tcp://vault", "http://", "http://a/v1", "http://a?b=c", ""] {
            assert!(wrong.parse::<VaultAddress>().is_err(), "{wrong}");
        }
        let error = "http://ann:hunter2@vault".parse::<VaultAddress>().unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
