//! How custody is sealed: an age identity is wrapped with the passphrase, and everything else is sealed to that identity.
//!
//! So a passphrase costs its work once, not with every item. A passphrase that is an age identity itself can't be guessed:
//! nothing is stretched for it, and `age --decrypt` opens all of it without Sprocket.

use std::io::Read as _;

use age::armor::ArmoredReader;
use age::secrecy::ExposeSecret as _;
use age::{Decryptor, Encryptor, x25519};
use serde::{Deserialize, Serialize};
use sprocket_core::program::Secret;
use sprocket_core::state::Wrapped;

/// How the identity is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    /// Under a passphrase.
    Wrapped(Wrapped),
    /// To another identity, as an age file.
    Age(String),
}

/// What items are sealed to, and opened with.
#[derive(Clone)]
pub(super) struct CustodyKey(x25519::Identity);

/// Something is not what was sealed, or not to this key.
#[derive(Debug)]
pub(super) struct NotOurs;

impl CustodyKey {
    /// A new one, and how it is kept. It may take a fifth of a second of work.
    pub(super) fn new(passphrase: &Secret<String>) -> Result<(Self, Vec<u8>), NotOurs> {
        let key = x25519::Identity::generate();
        let text = key.to_string();
        let text = text.expose_secret().as_bytes();
        let kept = match drawn(passphrase) {
            Some(drawn) => Kept::Age(age::encrypt_and_armor(&drawn.to_public(), text).map_err(|_| NotOurs)?),
            None => Kept::Wrapped(Wrapped::new(text, passphrase)),
        };
        Ok((Self(key), serde_json::to_vec_pretty(&kept).map_err(|_| NotOurs)?))
    }

    /// The one that was kept. It may take a fifth of a second of work, the first time.
    pub(super) fn open(kept: &[u8], passphrase: &Secret<String>) -> Result<Self, NotOurs> {
        let text = match (serde_json::from_slice(kept).map_err(|_| NotOurs)?, drawn(passphrase)) {
            (Kept::Wrapped(wrapped), _) => Secret::new(wrapped.open(passphrase).map_err(|_| NotOurs)?.to_vec()),
            (Kept::Age(age), Some(drawn)) => open(age.as_bytes(), &drawn)?,
            (Kept::Age(_), None) => return Err(NotOurs),
        };
        let text = std::str::from_utf8(text.expose()).map_err(|_| NotOurs)?;
        Ok(Self(text.parse().map_err(|_| NotOurs)?))
    }

    pub(super) fn seal(&self, content: &Secret<Vec<u8>>) -> Result<Vec<u8>, NotOurs> {
        let recipient = self.0.to_public();
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|_| NotOurs)?;
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| NotOurs)?;
        std::io::Write::write_all(&mut writer, content.expose()).map_err(|_| NotOurs)?;
        writer.finish().map_err(|_| NotOurs)?;
        Ok(sealed)
    }

    pub(super) fn unseal(&self, sealed: &[u8]) -> Result<Secret<Vec<u8>>, NotOurs> {
        open(sealed, &self.0)
    }
}

/// The identity, if the passphrase is one.
fn drawn(passphrase: &Secret<String>) -> Option<x25519::Identity> {
    passphrase.expose().trim().parse().ok()
}

fn open(sealed: &[u8], identity: &dyn age::Identity) -> Result<Secret<Vec<u8>>, NotOurs> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(|_| NotOurs)?;
    let mut reader = decryptor.decrypt(std::iter::once(identity)).map_err(|_| NotOurs)?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content).map_err(|_| NotOurs)?;
    Ok(Secret::new(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_that_is_an_identity_is_not_stretched() {
        let identity = x25519::Identity::generate().to_string();
        let passphrase = Secret::new(identity.expose_secret().to_owned());
        let (key, kept) = CustodyKey::new(&passphrase).unwrap();
        assert!(matches!(serde_json::from_slice(&kept).unwrap(), Kept::Age(_)));
        let item = key.seal(&Secret::new(b"share".to_vec())).unwrap();
        let opened = CustodyKey::open(&kept, &passphrase).unwrap();
        assert_eq!(opened.unseal(&item).unwrap().expose(), b"share");
        let other = x25519::Identity::generate().to_string();
        for wrong in [other.expose_secret(), "correct horse"] {
            assert!(CustodyKey::open(&kept, &Secret::new(wrong.to_owned())).is_err());
        }
    }
}
