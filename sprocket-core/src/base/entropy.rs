//! Randomness, as an argument: the operating system's, or a seeded one that tests repeat.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// Where random bytes come from.
#[derive(Clone)]
pub struct Entropy(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<(u64, u64)>>),
}

impl Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Entropy::system",
            Source::Seeded(_) => "Entropy::seeded",
        })
    }
}

impl Entropy {
    /// The operating system's.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The same bytes in every run: for tests only.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new((seed, 0)))))
    }

    /// Fills a buffer.
    ///
    /// # Panics
    /// If the operating system has no randomness to give.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Source::System => getrandom::fill(buffer).expect("the operating system gives random bytes"),
            Source::Seeded(counter) => {
                let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in buffer.chunks_mut(32) {
                    counter.1 += 1;
                    let block = Sha256::digest([counter.0.to_le_bytes(), counter.1.to_le_bytes()].concat());
                    chunk.copy_from_slice(&block[..chunk.len()]);
                }
            }
        }
    }

    /// That many bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random id of 26 hexadecimal digits.
    pub fn id(&self) -> String {
        hex::encode(self.bytes::<13>())
    }

    /// A number below `bound`, each with the same chance.
    pub fn below(&self, bound: u8) -> u8 {
        let fair = u8::MAX - (u8::MAX % bound + 1) % bound;
        loop {
            let [byte] = self.bytes::<1>();
            if byte <= fair {
                return byte % bound;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bytes_repeat_and_differ_by_seed() {
        assert_eq!(Entropy::seeded(7).bytes::<40>(), Entropy::seeded(7).bytes::<40>());
        assert_ne!(Entropy::seeded(7).bytes::<40>(), Entropy::seeded(8).bytes::<40>());
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let entropy = Entropy::seeded(1);
        let seen: std::collections::BTreeSet<u8> = (0..2000).map(|_| entropy.below(62)).collect();
        assert_eq!((seen.len(), seen.last()), (62, Some(&61)));
    }
}
