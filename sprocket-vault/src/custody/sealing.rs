//! How custody is sealed: an age identity is sealed to the passphrase, and everything else to that identity.
//!
//! So a passphrase costs its work once, not with every item; and `age --decrypt` opens all of it without Sprocket.

use std::io::Read as _;

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{Decryptor, Encryptor, scrypt, x25519};
use sprocket_core::Secret;

/// The exponent of scrypt's work: 64 MiB for a quarter of a second.
const WORK: u8 = if cfg!(test) { 8 } else { 16 };
/// More is not opened: a file could ask for hours.
const MOST_WORK: u8 = 22;

/// What items are sealed to, and opened with.
#[derive(Clone)]
pub(super) struct CustodyKey(x25519::Identity);

/// Something is not what was sealed, or not to this key.
#[derive(Debug)]
pub(super) struct NotOurs;

impl CustodyKey {
    /// A new one, and how it is kept.
    pub(super) fn new(passphrase: &Secret<String>) -> Result<(Self, Vec<u8>), NotOurs> {
        let key = x25519::Identity::generate();
        let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
        recipient.set_work_factor(WORK);
        let sealed = age::encrypt(&recipient, key.to_string().expose_secret().as_bytes()).map_err(|_| NotOurs)?;
        Ok((Self(key), sealed))
    }

    /// The one that was kept.
    pub(super) fn open(sealed: &[u8], passphrase: &Secret<String>) -> Result<Self, NotOurs> {
        let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
        identity.set_max_work_factor(MOST_WORK);
        let text = open(sealed, &identity)?;
        let text = String::from_utf8(text.expose().clone()).map_err(|_| NotOurs)?;
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

fn open(sealed: &[u8], identity: &dyn age::Identity) -> Result<Secret<Vec<u8>>, NotOurs> {
    let decryptor = Decryptor::new_buffered(sealed).map_err(|_| NotOurs)?;
    let mut reader = decryptor.decrypt(std::iter::once(identity)).map_err(|_| NotOurs)?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content).map_err(|_| NotOurs)?;
    Ok(Secret::new(content))
}
