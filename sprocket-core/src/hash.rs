//! Hashes of texts: witnesses, names by content, checksums.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

/// A hash of several texts, as 32 hexadecimal digits. Where one ends and the next begins counts.
pub(crate) fn short(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
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
    hex::encode(&telling.0.finalize()[..16])
}
