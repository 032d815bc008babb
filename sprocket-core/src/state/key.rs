//! The stack's key in custody of its owner: how a snapshot keeps it.
//!
//! A [`StackKey`] is wrapped with a passphrase, or is an age file encrypted to age identities, which `age --decrypt` opens
//! without Sprocket. Where the passphrase or the identity comes from is the caller's affair: it is passed in, with the words
//! to call it by in errors.
//!
//! **Invariant:** no error, and nothing that is printed, has a part of a passphrase, an identity or a key in it.

use std::fmt::{self, Debug};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use age::armor::ArmoredReader;
use age::secrecy::ExposeSecret;
use age::{DecryptError, Decryptor, Encryptor, x25519};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use zeroize::Zeroizing;

use super::passphrase::{NotOpened, Wrapped};
use crate::base::{Entropy, Lineage};
use crate::value::{Secret, StackKey};

/// A stack's key as a state has it: encrypted to its owners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectedKey {
    /// Under a passphrase. Who can encrypt with it can decrypt.
    Passphrase(Wrapped),
    /// To age identities, and tagged by them.
    ///
    /// To encrypt a key to an age identity takes nothing but the public half, which everybody may know. So that nobody can
    /// give a stack a key of his own, each identity adds a tag that only its secret half makes.
    Identities {
        /// An age file, which `age --decrypt` opens.
        age: String,
        /// Of each identity: its tag of the key, for this lineage.
        tags: Vec<String>,
    },
    /// It is kept nowhere: the state's reader is [given](KeySource::Given) it.
    Given,
}

/// What opens a stack's key: its owner's passphrase, or age identity.
#[derive(Clone)]
#[non_exhaustive]
pub enum KeySource {
    /// The key itself, kept nowhere: for tests, whose state is gone with them.
    Given(StackKey),
    /// A [passphrase](Self::passphrase).
    Passphrase(Custody),
    /// An age [identity](Self::identity).
    Identity(Custody),
}

/// A passphrase or an identity, and what it has opened.
#[derive(Clone)]
pub struct Custody {
    text: Secret<String>,
    origin: String,
    /// A run opens the same key several times, and what it learns of its secrets is one.
    opened: Arc<Mutex<Option<(ProtectedKey, StackKey)>>>,
}

impl Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(key) => write!(f, "KeySource({key:?})"),
            Self::Passphrase(custody) => write!(f, "KeySource(a passphrase from {})", custody.origin),
            Self::Identity(custody) => write!(f, "KeySource(an age identity from {})", custody.origin),
        }
    }
}

impl Debug for Custody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custody(from {})", self.origin)
    }
}

impl KeySource {
    /// A passphrase, to the letter: who reads it from a file takes the line's end off. `origin` says in errors where it
    /// came from: `SPROCKET_PASSPHRASE`.
    pub fn passphrase(text: Secret<String>, origin: impl Into<String>) -> Self {
        Self::Passphrase(Custody { text, origin: origin.into(), opened: Arc::default() })
    }

    /// The text of an age identity file: one or more `AGE-SECRET-KEY-1…`, each on a line, and comments. What is protected
    /// can be opened with each of them. `origin` says in errors which file it was.
    pub fn identity(text: Secret<String>, origin: impl Into<String>) -> Self {
        Self::Identity(Custody { text, origin: origin.into(), opened: Arc::default() })
    }

    /// A key for a stack that has none.
    pub(crate) fn new_key(&self, entropy: &Entropy) -> StackKey {
        match self {
            Self::Given(key) => key.clone(),
            Self::Passphrase(_) | Self::Identity(_) => StackKey::from_bytes(entropy.bytes()),
        }
    }

    /// Encrypts a stack's key, for [`Snapshot::key`](super::Snapshot::key) of this lineage. With a passphrase it takes a
    /// fifth of a second of work.
    ///
    /// # Errors
    /// If the passphrase is empty, or the identity is none.
    pub fn protect(&self, key: &StackKey, lineage: &Lineage) -> Result<ProtectedKey, KeyError> {
        let (custody, protected) = match self {
            Self::Given(_) => return Ok(ProtectedKey::Given),
            Self::Passphrase(custody) => {
                let wrapped = Wrapped::new(key.bytes(), custody.passphrase()?);
                (custody, ProtectedKey::Passphrase(wrapped))
            }
            Self::Identity(custody) => {
                let public: Vec<_> = custody.identities()?.iter().map(x25519::Identity::to_public).collect();
                let recipients: Vec<_> = public.iter().map(|recipient| recipient as &dyn age::Recipient).collect();
                let age = encrypt(&recipients, key);
                (custody, ProtectedKey::Identities { age, tags: self.tags(key, lineage)? })
            }
        };
        custody.remember(&protected, key);
        Ok(protected)
    }

    /// Whether each of the owners here has made the key its own: one that was added since can't open it yet.
    ///
    /// # Errors
    /// If the identity is none.
    pub(crate) fn all_own(
        &self,
        protected: &ProtectedKey,
        key: &StackKey,
        lineage: &Lineage,
    ) -> Result<bool, KeyError> {
        let tags = self.tags(key, lineage)?;
        Ok(match protected {
            ProtectedKey::Identities { tags: known, .. } => tags.iter().all(|tag| known.contains(tag)),
            ProtectedKey::Passphrase(_) | ProtectedKey::Given => tags.is_empty(),
        })
    }

    /// What only the holders of the identities can say of this key.
    fn tags(&self, key: &StackKey, lineage: &Lineage) -> Result<Vec<String>, KeyError> {
        let Self::Identity(custody) = self else { return Ok(Vec::new()) };
        Ok(custody.identities()?.iter().map(|identity| tag(identity, key, lineage)).collect())
    }

    /// Opens what [`protect`](Self::protect) made. With a passphrase it takes a fifth of a second of work the first time.
    ///
    /// # Errors
    /// If this is not what it was protected with, or something else is in it.
    pub fn open(&self, protected: &ProtectedKey, lineage: &Lineage) -> Result<StackKey, KeyError> {
        let custody = match self {
            // As another process opens it: with nothing known of its secrets.
            Self::Given(key) => return Ok(key.afresh()),
            Self::Passphrase(custody) | Self::Identity(custody) => custody,
        };
        let key = match (self, protected, custody.recall(protected)) {
            (_, _, Some(key)) => key,
            (Self::Passphrase(_), ProtectedKey::Passphrase(wrapped), None) => custody.unwrap(wrapped)?,
            (Self::Identity(_), ProtectedKey::Identities { age, .. }, None) => custody.decrypt(age)?,
            (Self::Passphrase(_), ProtectedKey::Identities { .. }, None) => {
                return Err(custody.other_kind(KeyKind::Identity, KeyKind::Passphrase));
            }
            (Self::Identity(_), ProtectedKey::Passphrase(_), None) => {
                return Err(custody.other_kind(KeyKind::Passphrase, KeyKind::Identity));
            }
            (_, ProtectedKey::Given, None) | (Self::Given(_), _, None) => return Err(KeyError::Damaged),
        };
        if let ProtectedKey::Identities { tags, .. } = protected
            && !self.tags(&key, lineage)?.iter().any(|tag| tags.contains(tag))
        {
            return Err(KeyError::NotTagged { origin: custody.origin.clone() });
        }
        custody.remember(protected, &key);
        Ok(key)
    }
}

impl Custody {
    fn empty(&self) -> KeyError {
        KeyError::Empty { origin: self.origin.clone() }
    }

    fn other_kind(&self, needed: KeyKind, given: KeyKind) -> KeyError {
        KeyError::OtherKind { needed, given, origin: self.origin.clone() }
    }

    fn passphrase(&self) -> Result<&Secret<String>, KeyError> {
        if self.text.reveal().is_empty() { Err(self.empty()) } else { Ok(&self.text) }
    }

    fn unwrap(&self, wrapped: &Wrapped) -> Result<StackKey, KeyError> {
        let opened = wrapped.open(self.passphrase()?).map_err(|refused| match refused {
            NotOpened::Passphrase => KeyError::WrongPassphrase { origin: self.origin.clone() },
            NotOpened::Damaged => KeyError::Damaged,
        })?;
        Ok(StackKey::from_bytes(opened.as_slice().try_into().map_err(|_| KeyError::Damaged)?))
    }

    fn decrypt(&self, age: &str) -> Result<StackKey, KeyError> {
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(age.as_bytes())).map_err(|_| KeyError::Damaged)?;
        let identities = self.identities()?;
        let opened = decryptor.decrypt(identities.iter().map(|identity| identity as &dyn age::Identity));
        let mut reader = opened.map_err(|error| match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => {
                KeyError::WrongIdentity { origin: self.origin.clone() }
            }
            _ => KeyError::Damaged,
        })?;
        let mut bytes = Zeroizing::new(Vec::new());
        reader.read_to_end(&mut bytes).map_err(|_| KeyError::Damaged)?;
        Ok(StackKey::from_bytes(bytes.as_slice().try_into().map_err(|_| KeyError::Damaged)?))
    }

    fn identities(&self) -> Result<Vec<x25519::Identity>, KeyError> {
        let mut identities = Vec::new();
        for (number, line) in self.text.reveal().lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let wrong = |_| KeyError::NotAnIdentity { origin: self.origin.clone(), line: number + 1 };
                identities.push(line.parse().map_err(wrong)?);
            }
        }
        if identities.is_empty() { Err(self.empty()) } else { Ok(identities) }
    }

    fn remember(&self, protected: &ProtectedKey, key: &StackKey) {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some((protected.clone(), key.clone()));
    }

    fn recall(&self, protected: &ProtectedKey) -> Option<StackKey> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.as_ref().filter(|(known, _)| known == protected).map(|(_, key)| key.clone())
    }
}

/// A tag that only the holder of an identity makes.
fn tag(identity: &x25519::Identity, key: &StackKey, lineage: &Lineage) -> String {
    let mut derived = [0; 32];
    let secret = identity.to_string();
    let expanded =
        Hkdf::<Sha256>::new(None, secret.expose_secret().as_bytes()).expand(b"sprocket/owner/1", &mut derived);
    expanded.expect("BUG: 32 bytes are one block");
    let mut mac = Hmac::<Sha256>::new_from_slice(&derived).expect("BUG: HMAC takes keys of any length");
    // The key's length is fixed, so that it is clear where the lineage begins.
    mac.update(key.bytes());
    mac.update(lineage.as_str().as_bytes());
    hex::encode(&mac.finalize().into_bytes()[..16])
}

fn encrypt(recipients: &[&dyn age::Recipient], key: &StackKey) -> String {
    let encryptor = Encryptor::with_recipients(recipients.iter().copied()).expect("BUG: recipients of one kind");
    armored(encryptor, key.bytes()).expect("BUG: writing to memory fails")
}

fn armored(encryptor: Encryptor, bytes: &[u8]) -> std::io::Result<String> {
    use std::io::Write as _;

    let armor = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armor)?;
    writer.write_all(bytes)?;
    String::from_utf8(writer.finish()?.finish()?).map_err(std::io::Error::other)
}

/// A new identity, as the text of a file that the age tools read too. Its randomness is the operating system's.
pub fn generate_identity() -> Secret<String> {
    let identity = x25519::Identity::generate();
    let (public, secret) = (identity.to_public(), identity.to_string());
    Secret::new(format!(
        "# The key of a Sprocket stack. Who has this file can open its secrets; without it nobody can.\n\
         # public key: {public}\n{}\n",
        secret.expose_secret()
    ))
}

/// The two ways to keep a stack's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Encrypted with a passphrase.
    Passphrase,
    /// Encrypted to an age identity.
    Identity,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "a passphrase",
            Self::Identity => "an age identity",
        })
    }
}

/// Why a stack's key could not be protected or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is nothing in it.
    #[error("{origin} is empty")]
    Empty {
        /// Where the passphrase or identity came from.
        origin: String,
    },
    /// The text is no identity.
    #[error("line {line} of {origin} is not an age identity")]
    NotAnIdentity {
        /// Where it came from.
        origin: String,
        /// Which line.
        line: usize,
    },
    /// The key was protected with another passphrase.
    #[error("the passphrase from {origin} is not the one that the stack's key was protected with")]
    WrongPassphrase {
        /// Where it came from.
        origin: String,
    },
    /// The key was protected to another identity.
    #[error("the age identity from {origin} is not one that the stack's key was protected for")]
    WrongIdentity {
        /// Where it came from.
        origin: String,
    },
    /// The key is encrypted to the identity, by somebody who does not have it.
    #[error("the stack's key in its state was not put there by a holder of the age identity from {origin}")]
    NotTagged {
        /// Where the identity came from.
        origin: String,
    },
    /// The key was protected in the other way.
    #[error("the stack's key was protected with {needed}, and {origin} is {given}")]
    OtherKind {
        /// What it was protected with.
        needed: KeyKind,
        /// What was given.
        given: KeyKind,
        /// Where that came from.
        origin: String,
    },
    /// The protected key can't be read.
    #[error("the protected key in the stack's state is damaged")]
    Damaged,
}

impl KeyError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Empty { origin } => format!("put a passphrase or an age identity into {origin}"),
            Self::NotAnIdentity { .. } => {
                "an identity is a line that begins with `AGE-SECRET-KEY-1`; `age-keygen` makes one".into()
            }
            Self::WrongPassphrase { origin } => {
                format!("set {origin} to the passphrase with which the stack was first applied")
            }
            Self::WrongIdentity { origin } => {
                format!("let {origin} be the identity file with which the stack was first applied")
            }
            Self::NotTagged { .. } => {
                "nothing was sealed with it, and nothing was asked of any service; put back an earlier \
                                       state, and find out who can write it"
                    .into()
            }
            Self::OtherKind { needed, origin, .. } => format!("give {needed} instead of {origin}"),
            Self::Damaged => "put back an earlier snapshot of the state: each has the key".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> KeySource {
        KeySource::passphrase(Secret::new(text.into()), "SPROCKET_PASSPHRASE")
    }

    fn identity(text: &str) -> KeySource {
        KeySource::identity(Secret::new(text.into()), "key.txt")
    }

    fn generated() -> KeySource {
        KeySource::identity(generate_identity(), "key.txt")
    }

    fn key() -> StackKey {
        StackKey::from_bytes(std::array::from_fn(|at| at as u8))
    }

    fn error(result: Result<StackKey, KeyError>) -> String {
        let error = result.unwrap_err();
        format!("{error}\nhint: {}", error.hint().unwrap())
    }

    #[test]
    fn a_key_comes_back_from_its_own_source() {
        for source in [passphrase("correct horse"), generated()] {
            let protected = source.protect(&key(), &"ours".into()).unwrap();
            match &protected {
                ProtectedKey::Identities { age, .. } => {
                    assert!(age.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"))
                }
                other => assert!(matches!(other, ProtectedKey::Passphrase(_))),
            }
            let later = match source {
                KeySource::Identity(custody) => KeySource::identity(custody.text, "elsewhere"),
                _ => passphrase("correct horse"),
            };
            assert_eq!(later.open(&protected, &"ours".into()).unwrap(), key());
        }
    }

    #[test]
    fn what_was_opened_once_is_not_worked_for_again() {
        let protected = passphrase("correct horse").protect(&key(), &"ours".into()).unwrap();
        let source = passphrase("correct horse");
        let KeySource::Passphrase(custody) = &source else { panic!("it is a passphrase") };
        assert_eq!(custody.recall(&protected), None);
        source.clone().open(&protected, &"ours".into()).unwrap();
        assert_eq!(custody.recall(&protected), Some(key()));
        assert_eq!(custody.recall(&ProtectedKey::Given), None);
    }

    #[test]
    fn a_wrong_source_says_which_one_and_what_to_set() {
        let protected = passphrase("correct horse").protect(&key(), &"ours".into()).unwrap();
        insta::assert_snapshot!(error(passphrase("battery staple").open(&protected, &"ours".into())), @r"
        the passphrase from SPROCKET_PASSPHRASE is not the one that the stack's key was protected with
        hint: set SPROCKET_PASSPHRASE to the passphrase with which the stack was first applied
        ");
        insta::assert_snapshot!(error(generated().open(&protected, &"ours".into())), @r"
        the stack's key was protected with a passphrase, and key.txt is an age identity
        hint: give a passphrase instead of key.txt
        ");
        let protected = generated().protect(&key(), &"ours".into()).unwrap();
        insta::assert_snapshot!(error(generated().open(&protected, &"ours".into())), @r"
        the age identity from key.txt is not one that the stack's key was protected for
        hint: let key.txt be the identity file with which the stack was first applied
        ");
        insta::assert_snapshot!(error(passphrase("correct horse").open(&protected, &"ours".into())), @r"
        the stack's key was protected with an age identity, and SPROCKET_PASSPHRASE is a passphrase
        hint: give an age identity instead of SPROCKET_PASSPHRASE
        ");
    }

    #[test]
    fn what_is_no_source_is_refused_before_anything_is_encrypted() {
        insta::assert_snapshot!(passphrase("").protect(&key(), &"ours".into()).unwrap_err(), @"SPROCKET_PASSPHRASE is empty");
        insta::assert_snapshot!(identity("# nothing\n\n").protect(&key(), &"ours".into()).unwrap_err(), @"key.txt is empty");
        insta::assert_snapshot!(identity("# a comment\nhunter2").protect(&key(), &"ours".into()).unwrap_err(), @"line 2 of key.txt is not an age identity");
    }

    #[test]
    fn each_identity_of_a_file_opens_what_the_file_protected() {
        let (first, second) = (generate_identity(), generate_identity());
        let both = identity(&format!("{}{}", first.expose(), second.expose()));
        let protected = both.protect(&key(), &"ours".into()).unwrap();
        for one in [first, second] {
            assert_eq!(identity(one.expose()).open(&protected, &"ours".into()).unwrap(), key());
        }
    }

    #[test]
    fn damage_is_not_taken_for_a_wrong_key() {
        let source = generated();
        let protected = source.protect(&key(), &"ours".into()).unwrap();
        let ProtectedKey::Identities { age, tags } = protected else { panic!("{protected:?}") };
        for text in ["", "nonsense", &age[..age.len() / 2], &age.replace('a', "b"), &format!("{age}x")] {
            let damaged = ProtectedKey::Identities { age: text.to_owned(), tags: tags.clone() };
            assert!(source.open(&damaged, &"ours".into()).is_err(), "{text}");
        }
        for source in [source, passphrase("correct horse")] {
            assert_eq!(source.open(&ProtectedKey::Given, &"ours".into()), Err(KeyError::Damaged));
        }
    }

    #[test]
    fn a_source_prints_where_it_came_from_and_no_more() {
        assert_eq!(format!("{:?}", passphrase("hunter2")), "KeySource(a passphrase from SPROCKET_PASSPHRASE)");
        assert_eq!(format!("{:?}", generated()), "KeySource(an age identity from key.txt)");
    }
}
