//! Hashes of texts: witnesses, names by content, checksums.

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
