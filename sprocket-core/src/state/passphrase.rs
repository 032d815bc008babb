//! What a passphrase protects.
//!
//! A passphrase is stretched with PBKDF2-HMAC-SHA256 to a key, and the content is encrypted with that key by AES-SIV. Not
//! with scrypt, which is harder to try out on graphics cards: compiled without optimisation, as programs are while they are
//! written, it takes a hundred times as long. This PBKDF2 is assembler, and takes a fifth of a second in every build.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::pbkdf2;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::value::{Sealed, Secret, StackKey};

/// How often the passphrase is hashed, as OWASP's password storage cheat sheet wants for PBKDF2-HMAC-SHA256.
const ITERATIONS: u32 = 600_000;
/// More is not opened: a file could ask for hours.
const MOST_ITERATIONS: u32 = 20_000_000;
/// For tests, which open many.
const IN_TESTS: u32 = 100;

/// Bytes that a passphrase opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    iterations: u32,
    /// Sixteen random bytes, as hexadecimal digits.
    salt: String,
    content: Sealed,
}

/// It is damaged, or another passphrase's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// It was wrapped with another passphrase, or changed since.
    Passphrase,
    /// It asks for work that nothing of ours does.
    Damaged,
}

impl Wrapped {
    /// Encrypts bytes. It takes a fifth of a second of work, so not on a thread that others wait for.
    pub fn new(content: &[u8], passphrase: &Secret<String>) -> Self {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).expect("the operating system gives random bytes");
        let (iterations, salt) = (if cfg!(test) { IN_TESTS } else { ITERATIONS }, hex::encode(salt));
        let content = stretch(passphrase, &salt, iterations).seal_unlearnt(content);
        Self { iterations, salt, content }
    }

    /// The bytes. It takes a fifth of a second of work, once per process.
    ///
    /// # Errors
    /// With another passphrase.
    pub fn open(&self, passphrase: &Secret<String>) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        if self.iterations > MOST_ITERATIONS {
            return Err(NotOpened::Damaged);
        }
        let key = stretch(passphrase, &self.salt, self.iterations);
        key.open(&self.content).map(Zeroizing::new).ok_or(NotOpened::Passphrase)
    }
}

/// Keys that this process has stretched, by what they were stretched from.
static STRETCHED: Mutex<Vec<([u8; 32], StackKey)>> = Mutex::new(Vec::new());

/// The key that comes of a passphrase. Who asks for the same while it is being made waits for it.
fn stretch(passphrase: &Secret<String>, salt: &str, iterations: u32) -> StackKey {
    let from = fingerprint(passphrase, salt, iterations);
    let mut stretched = stretched();
    if let Some((_, key)) = stretched.iter().find(|(known, _)| *known == from) {
        return key.afresh();
    }
    let mut drawn = Zeroizing::new([0; 32]);
    let iterations = iterations.try_into().unwrap_or(std::num::NonZeroU32::MIN);
    let text = passphrase.reveal().as_bytes();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt.as_bytes(), text, &mut *drawn);
    let mut bytes = [0; 64];
    let expanded = Hkdf::<Sha256>::new(None, &*drawn).expand(b"sprocket passphrase", &mut bytes);
    expanded.expect("BUG: 64 bytes are two blocks");
    let key = StackKey::from_bytes(bytes);
    stretched.push((from, key.clone()));
    key
}

fn stretched() -> MutexGuard<'static, Vec<([u8; 32], StackKey)>> {
    STRETCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Never leaves the process.
fn fingerprint(passphrase: &Secret<String>, salt: &str, iterations: u32) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [passphrase.reveal().as_bytes(), salt.as_bytes(), &iterations.to_le_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_passphrase_opens_what_it_wrapped_and_no_other_does() {
        let wrapped = Wrapped::new(b"hunter2", &text("correct horse"));
        assert_eq!(**wrapped.open(&text("correct horse")).unwrap(), b"hunter2"[..]);
        for other in ["", "correct horse ", "Correct horse"] {
            assert_eq!(wrapped.open(&text(other)), Err(NotOpened::Passphrase));
        }
        let twice = Wrapped::new(b"hunter2", &text("correct horse"));
        assert_ne!(wrapped, twice, "equal contents can't be told");
    }

    #[test]
    fn a_passphrase_is_stretched_once_per_process() {
        let passphrase = text("battery staple");
        let wrapped = Wrapped::new(b"hunter2", &passphrase);
        let known = || {
            let from = fingerprint(&passphrase, &wrapped.salt, wrapped.iterations);
            stretched().iter().filter(|(known, _)| *known == from).count()
        };
        assert_eq!(known(), 1);
        wrapped.open(&passphrase).unwrap();
        assert_eq!(known(), 1);
    }

    /// Of RFC 7914, section 11, by the way that this file takes.
    #[test]
    fn stretching_is_pbkdf2_of_hmac_sha256() {
        let mut drawn = [0; 32];
        let iterations = 80_000.try_into().unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, b"NaCl", b"Password", &mut drawn);
        assert_eq!(hex::encode(drawn), "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let wrapped = Wrapped::new(b"hunter2", &text("correct horse"));
        let changed = [
            Wrapped { iterations: wrapped.iterations + 1, ..wrapped.clone() },
            Wrapped { salt: wrapped.salt.replace(|_| true, "0"), ..wrapped.clone() },
            Wrapped { content: Sealed("AAAA".into()), ..wrapped.clone() },
        ];
        for changed in changed {
            assert_eq!(changed.open(&text("correct horse")), Err(NotOpened::Passphrase), "{changed:?}");
        }
        let long = Wrapped { iterations: u32::MAX, ..wrapped };
        assert_eq!(long.open(&text("correct horse")), Err(NotOpened::Damaged));
    }

    #[test]
    fn the_most_iterations_are_opened_and_more_are_not() {
        let passphrase = text("correct horse");
        let key = StackKey::from_bytes([7; 64]);
        let content = key.seal_unlearnt(b"hunter2");
        let most = Wrapped { iterations: MOST_ITERATIONS, salt: "salt".into(), content };
        // As if it had been stretched, which takes seconds.
        stretched().push((fingerprint(&passphrase, &most.salt, most.iterations), key));
        assert_eq!(**most.open(&passphrase).unwrap(), b"hunter2"[..]);
        let more = Wrapped { iterations: MOST_ITERATIONS + 1, ..most };
        assert_eq!(more.open(&passphrase), Err(NotOpened::Damaged));
    }
}
