//! Authentication of states: a chain of MACs under a key that is derived from the stack's key.
//!
//! Each snapshot and each batch of the journal has a MAC over all of its bytes. A batch's MAC also covers the MAC before
//! it, so that none can be left out, repeated, or put elsewhere. Stack, environment, lineage and serial are among the bytes.
//! The end of a journal can be cut off, and a whole earlier state can be put back: both are states that there were, and
//! it takes [freshness](super::Freshness) to notice them.
//!
//! Stores have no key. They write with a [`Signer`], and hand out a [`Proof`] with what they load; the engine checks it as
//! soon as it has opened the key, before it asks anything of any service.

use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::value::StackKey;

/// A message authentication code: 128 bits of HMAC-SHA-256, as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mac([u8; 16]);

/// How many digits a [`Mac`] has.
pub(super) const DIGITS: usize = 32;

impl Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Mac {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        // One text for each.
        match text.chars().position(|digit| digit.is_ascii_uppercase()) {
            Some(index) => Err(hex::FromHexError::InvalidHexCharacter { c: 'A', index }),
            None => Ok(Self(bytes)),
        }
    }
}

/// Signs what a store writes, with a key that is derived from the stack's. Nothing of it is in what it writes.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(secret)")
    }
}

/// Whether a part of a state is a snapshot, or a batch on top of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Snapshot,
    /// With the MAC before it.
    Batch(Mac),
}

/// A snapshot or a batch, as far as its MAC needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    part: Part,
    /// The serial of a snapshot, or of a batch's first entry.
    serial: u64,
    /// The serial that the state has with it.
    last: u64,
    digest: [u8; 32],
    /// None if it has none, which is as good as a wrong one.
    mac: Option<Mac>,
}

impl Signer {
    /// The signer of a stack's state.
    pub fn of(key: &StackKey) -> Self {
        Self(Hmac::new_from_slice(key.derive("sprocket state").bytes()).expect("BUG: HMAC takes any key"))
    }

    fn mac(&self, part: Part, digest: &[u8; 32]) -> Mac {
        let mut mac = self.0.clone();
        match part {
            Part::Snapshot => mac.update(b"snapshot"),
            Part::Batch(Mac(before)) => {
                mac.update(b"batch");
                mac.update(&before);
            }
        }
        mac.update(digest);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Mac(bytes)
    }

    pub(super) fn snapshot(&self, serial: u64, digest: Sha256) -> Link {
        self.link(Part::Snapshot, serial, serial, digest.finalize().into())
    }

    pub(super) fn batch(&self, before: Mac, serial: u64, last: u64, digest: [u8; 32]) -> Link {
        self.link(Part::Batch(before), serial, last, digest)
    }

    fn link(&self, part: Part, serial: u64, last: u64, digest: [u8; 32]) -> Link {
        Link { part, serial, last, digest, mac: Some(self.mac(part, &digest)) }
    }
}

impl Link {
    /// A snapshot as it was read.
    pub(super) fn of_snapshot(serial: u64, digest: [u8; 32], mac: Option<Mac>) -> Self {
        Self { part: Part::Snapshot, serial, last: serial, digest, mac }
    }

    /// A batch as it was read.
    pub(super) fn of_batch(before: Mac, serial: u64, last: u64, digest: [u8; 32], mac: Mac) -> Self {
        Self { part: Part::Batch(before), serial, last, digest, mac: Some(mac) }
    }

    /// What the next batch follows on.
    pub fn mac(&self) -> Mac {
        self.mac.unwrap_or_default()
    }
}

/// The MACs of a state as it was loaded, to be checked by [`verify`](Self::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof(Vec<Link>);

impl Proof {
    /// That of a snapshot alone.
    pub fn of(snapshot: Link) -> Self {
        Self(vec![snapshot])
    }

    /// Adds a batch, which must follow on what there is.
    pub fn push(&mut self, batch: Link) {
        self.0.push(batch);
    }

    /// What the next batch follows on.
    pub fn head(&self) -> Mac {
        self.0.last().map(Link::mac).unwrap_or_default()
    }

    /// Whether all of a state with this serial was written with this signer, and in this order.
    ///
    /// # Errors
    /// The first part that was not.
    pub fn verify(&self, signer: &Signer, serial: u64) -> Result<(), Unproven> {
        let mut before = None;
        for link in &self.0 {
            let follows = match link.part {
                Part::Snapshot => before.is_none(),
                Part::Batch(mac) => before == Some(mac),
            };
            if !follows || link.mac != Some(signer.mac(link.part, &link.digest)) {
                return Err(match link.part {
                    Part::Snapshot => Unproven::Snapshot { serial: link.serial },
                    Part::Batch(_) => Unproven::Batch { serial: link.serial },
                });
            }
            before = link.mac;
        }
        match self.0.last() {
            Some(link) if link.last == serial => Ok(()),
            Some(link) => Err(Unproven::Batch { serial: link.last + 1 }),
            None => Err(Unproven::Snapshot { serial }),
        }
    }
}

/// A part of a state that was not written by a holder of its key, or not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The snapshot.
    #[error("its snapshot, of serial {serial}, was not written with the stack's key")]
    Snapshot {
        /// Its serial.
        serial: u64,
    },
    /// Entries of the journal.
    #[error("its entries from {serial} on were not written with the stack's key, or not after those before them")]
    Batch {
        /// The serial of the first.
        serial: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_at_the_end_begins_after_the_last_part() {
        let signer = Signer::of(&StackKey::from_bytes([7; 64]));
        let mut proof = Proof::of(signer.snapshot(5, Sha256::new()));
        assert_eq!(proof.verify(&signer, 5), Ok(()));
        assert_eq!(proof.verify(&signer, 8), Err(Unproven::Batch { serial: 6 }));
        proof.push(signer.batch(proof.head(), 6, 7, [0; 32]));
        assert_eq!(proof.verify(&signer, 7), Ok(()));
        assert_eq!(proof.verify(&signer, 8), Err(Unproven::Batch { serial: 8 }));
    }
}
