//! Redaction: keeping secrets out of texts that come from elsewhere.
//!
//! A service may quote a secret in an error. Whatever was sealed, opened or exposed in a run is known here, and is blotted out
//! of every text before anybody sees it: as it is, in parts, and in the encodings that services answer in.
//!
//! **Contract:** of everything that [`Redactor::redact`] finds nothing stays, also where two secrets overlap or one begins
//! with another. It finds
//! - texts of five characters or more anywhere, of three or four only as a word of their own, shorter ones never;
//! - numbers of three digits or more as a word of their own; truth values never;
//! - lines of texts with several lines, values in texts that are JSON, the password in an address with one;
//! - the beginning of a longer text that was cut after twelve characters or more; other fragments not;
//! - each of them plain, in JSON or Rust escapes, in the quotes of a shell, SQL or YAML, in XML, in a URL, as hexadecimal
//!   digits and as base64 at any offset. Other encodings, such as compressed texts, not.

mod forms;
mod index;

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

pub(crate) use self::forms::forms;
use self::index::Index;

/// The secrets of a run. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    knows_any: AtomicBool,
    known: Mutex<KnownSecret>,
}

#[derive(Default)]
struct KnownSecret {
    /// Hashes of what was learnt: the same is sealed again and again.
    learnt: HashSet<u64>,
    hasher: RandomState,
    /// What is not in the index yet. Most runs never look anything up.
    pending: Vec<Learnt>,
    index: Index,
}

/// The texts that a program exposed while it declared its stack: what it gives in clear from then on is not. Clones share
/// them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposed {
    texts: Arc<Mutex<Vec<Zeroizing<Vec<u8>>>>>,
    redactor: Redactor,
}

/// A program exposes few; what runs for months and exposes more on the same thread is not kept for ever.
const MOST_EXPOSED: usize = 10_000;

impl Exposed {
    pub(super) fn add(&self, text: &[u8]) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if texts.len() < MOST_EXPOSED && self.redactor.learn_text(text) {
            texts.push(Zeroizing::new(text.to_vec()));
        }
    }

    /// Lets a run know them too.
    pub(crate) fn tell(&self, run: &Redactor) {
        for text in self.texts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            run.learn_text(text);
        }
    }

    /// Whether one of them is in a text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.redactor.is_in(text)
    }

    /// The text without them.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }
}

/// Something secret.
enum Learnt {
    /// A JSON value, as text.
    Json(Zeroizing<Vec<u8>>),
    /// The same, made from a secret: its parts are looked for in messages only.
    Derived(Zeroizing<Vec<u8>>),
    Text(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Remembers a JSON value.
    pub(super) fn learn(&self, json: &[u8]) {
        self.add(0, json, Learnt::Json);
    }

    /// Remembers a JSON value that was made from a secret.
    pub(super) fn learn_derived(&self, json: &[u8]) {
        self.add(2, json, Learnt::Derived);
    }

    /// Remembers a text, or bytes. Answers whether it is new.
    pub(super) fn learn_text(&self, text: &[u8]) -> bool {
        self.add(1, text, Learnt::Text)
    }

    fn add(&self, sort: u8, bytes: &[u8], learnt: impl FnOnce(Zeroizing<Vec<u8>>) -> Learnt) -> bool {
        let mut known = self.known();
        let hash = known.hasher.hash_one((sort, bytes));
        let is_new = known.learnt.insert(hash);
        if is_new {
            known.pending.push(learnt(Zeroizing::new(bytes.to_vec())));
            self.0.knows_any.store(true, Ordering::Release);
        }
        is_new
    }

    fn known(&self) -> MutexGuard<'_, KnownSecret> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is nothing to find.
    pub(crate) fn is_empty(&self) -> bool {
        !self.0.knows_any.load(Ordering::Acquire)
    }

    /// The text without what is secret in it.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let mut result = String::with_capacity(text.len());
        let mut rest = 0;
        for found in self.known().indexed().find(text) {
            result.push_str(&text[rest..found.start]);
            result.push_str("(secret)");
            rest = found.end;
        }
        result.push_str(&text[rest..]);
        result
    }

    /// Whether a secret, or a whole value in one, is in a setting. Lines of secret texts and short values do not count: many
    /// other settings have the same.
    pub(crate) fn is_in(&self, setting: &str) -> bool {
        !self.is_empty() && self.known().indexed().has_whole(setting)
    }
}

impl KnownSecret {
    fn indexed(&mut self) -> &Index {
        for learnt in std::mem::take(&mut self.pending) {
            match learnt {
                Learnt::Json(json) => {
                    if let Ok(value) = serde_json::from_slice(&json) {
                        forms::of_value(&value, &mut self.index);
                    }
                }
                Learnt::Derived(json) => {
                    if let Ok(value) = serde_json::from_slice(&json) {
                        forms::of_derived(&value, &mut self.index);
                    }
                }
                Learnt::Text(text) => forms::of_bytes(&text, true, &mut self.index),
            }
        }
        &self.index
    }
}

#[cfg(test)]
mod tests;
