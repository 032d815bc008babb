//! Hashes of texts: witnesses, names by content, checksums.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

/// The first half of a hash, as 32 hexadecimal digits.
pub(crate) fn half(hash: impl AsRef<[u8]>) -> String {
    let mut digits = [0; 32];
    hex::encode_to_slice(&hash.as_ref()[..16], &mut digits).expect("BUG: a byte has two digits");
    str::from_utf8(&digits).expect("BUG: digits are text").to_owned()
}

/// A hash of several texts, as 32 hexadecimal digits. Where one ends and the next begins counts.
pub(crate) fn short(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    half(hash.finalize())
}

/// A hash of a value as its `Hash` tells it, as 32 hexadecimal digits. It depends on the machine and the build.
pub(crate) fn of(value: &impl Hash) -> String {
    struct Telling(Sha256);
    impl Hasher for Telling {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("BUG: 64 bits are not enough")
        }
    }
    let mut telling = Telling(Sha256::new());
    value.hash(&mut telling);
    half(telling.0.finalize())
}
