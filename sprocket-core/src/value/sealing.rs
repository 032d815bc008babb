//! Sealing: how secrets are written.
//!
//! A secret is written as `{"$sealed": "…"}`, encrypted under the stack's key with AES-SIV (RFC 5297), which is
//! deterministic: equal secrets are equal when sealed, so plans compare and state keeps them without opening one. Its
//! first sixteen bytes are a keyed fingerprint of the value; of write-only settings nothing else is kept.
//!
//! **Invariant:** a [`Secret`](super::Secret) meets a serialiser only inside [`sealing`]; outside, it writes `"(secret)"`.

use std::cell::RefCell;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use super::redact::Redactor;
use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::evaluation::{is_foreign, taint};
use crate::base::marked;

/// The name of the enum under which a [`Secret`](super::Secret) asks a deserialiser for its value.
///
/// One that knows where secrets come from, and is not the file that mentions them, answers with the variant [`GIVEN`].
pub const SECRET: &str = "$secret";
/// The variant of [`SECRET`] that holds a value in clear. Nothing ever writes it.
pub const GIVEN: &str = "$given";
pub(crate) const SEALED: &str = "$sealed";
pub(crate) const FINGERPRINT: &str = "$fingerprint";

/// The key that a stack's secrets are sealed under. State keeps it only encrypted to the stack's owner.
///
/// It remembers what it sealed and opened, so that [`redact`](Self::redact) can keep that out of texts.
#[derive(Clone)]
pub struct StackKey {
    /// One place in memory for all clones.
    inner: Arc<Inner>,
    redactor: Redactor,
}

struct Inner {
    /// Overwritten when the last clone is dropped.
    bytes: Zeroizing<[u8; 64]>,
    /// The beginning of every keyed hash; thousands are made in a plan.
    hashing: OnceLock<Hmac<Sha256>>,
}

impl PartialEq for StackKey {
    fn eq(&self, other: &Self) -> bool {
        self.inner.bytes == other.inner.bytes
    }
}

impl Eq for StackKey {}

impl Hash for StackKey {
    /// Nothing of a key gets into a hash that others see.
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Debug for StackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StackKey(secret)")
    }
}

/// A sealed value: base64 of synthetic IV and ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub(crate) String);

/// What can be compared of a secret without opening it: a keyed hash, base64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub(crate) String);

const IV: usize = 16;

impl StackKey {
    /// A key of these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        let inner = Inner { bytes: Zeroizing::new(bytes), hashing: OnceLock::new() };
        Self { inner: Arc::new(inner), redactor: Redactor::default() }
    }

    /// The same key in a run that knows no secret yet.
    pub(crate) fn afresh(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), redactor: Redactor::default() }
    }

    /// A key for one purpose. What is done with it says nothing about what is done with another, and what it seals is no
    /// secret that texts are searched for.
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        let mut bytes = [0; 64];
        let expanded = Hkdf::<Sha256>::new(None, &self.inner.bytes[..]).expand(purpose.as_bytes(), &mut bytes);
        expanded.expect("BUG: 64 bytes are two blocks");
        Self::from_bytes(bytes)
    }

    /// Keyed hash of the concatenated texts, as 32 hexadecimal digits. Without the key, a guess of the texts cannot be verified.
    pub(crate) fn hash(&self, texts: &[&str]) -> String {
        let begin = || Hmac::new_from_slice(self.derive("sprocket hash").bytes()).expect("BUG: HMAC takes any key");
        let mut hash = self.inner.hashing.get_or_init(begin).clone();
        texts.iter().for_each(|text| hash.update(text.as_bytes()));
        crate::base::hash::half(hash.finalize().into_bytes())
    }

    /// What this key's run knows of its secrets.
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn bytes(&self) -> &[u8; 64] {
        &self.inner.bytes
    }

    /// Seals bytes. Equal bytes give equal results.
    pub fn seal(&self, plain: &[u8]) -> Sealed {
        self.redactor.learn(plain);
        self.seal_unlearnt(plain)
    }

    /// Seals a value that was made from a secret. Its parts need not be secret, so other settings may have them.
    pub(crate) fn seal_derived(&self, plain: &[u8]) -> Sealed {
        self.redactor.learn_derived(plain);
        self.seal_unlearnt(plain)
    }

    /// Seals a value that is hidden because it may contain a secret. It is not looked for elsewhere.
    pub(crate) fn seal_unlearnt(&self, plain: &[u8]) -> Sealed {
        let sealed = self.cipher().encrypt([b"sprocket" as &[u8]], plain).expect("BUG: AES-SIV can't fail in memory");
        Sealed(BASE64.encode(sealed))
    }

    /// Opens what [`seal`](Self::seal) made; `None` if it was sealed under another key, or changed since.
    pub fn open(&self, sealed: &Sealed) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(&sealed.0).ok()?;
        let plain = self.cipher().decrypt([b"sprocket" as &[u8]], &bytes).ok()?;
        self.redactor.learn(&plain);
        Some(plain)
    }

    /// The text, with every secret that was sealed or opened blotted out.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    fn cipher(&self) -> Aes256Siv {
        Aes256Siv::new_from_slice(&self.inner.bytes[..]).expect("BUG: the key's length is fixed")
    }
}

impl Sealed {
    /// The keyed fingerprint of the value.
    pub fn fingerprint(&self) -> Fingerprint {
        let bytes = BASE64.decode(&self.0).unwrap_or_default();
        Fingerprint(BASE64.encode(&bytes[..bytes.len().min(IV)]))
    }
}

thread_local! {
    static KEY: RefCell<Option<StackKey>> = const { RefCell::new(None) };
}

/// Runs `f`, in which secrets are written sealed and read opened.
pub(crate) fn sealing<R>(key: &StackKey, f: impl FnOnce() -> R) -> R {
    with(Some(key.clone()), f)
}

/// Runs `f`, which belongs to a program or a provider: in it secrets are written as `"(secret)"`, whatever the engine does
/// around it.
pub(super) fn suspended<R>(f: impl FnOnce() -> R) -> R {
    with(None, f)
}

fn with<R>(key: Option<StackKey>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<StackKey>);
    impl Drop for Restore {
        fn drop(&mut self) {
            KEY.set(self.0.take());
        }
    }
    let _restore = Restore(KEY.replace(key));
    f()
}

pub(super) fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    // The value's own code may look at the scope too.
    let key = KEY.with_borrow(Clone::clone);
    let sealed = key.map(|key| serde_json::to_vec(value).map(|plain| key.seal(&Zeroizing::new(plain)))).transpose();
    match sealed.map_err(S::Error::custom)? {
        Some(sealed) => marked(SEALED, &sealed.0, serializer),
        // A closure of the program writes it: its author meant the value.
        None => {
            if is_foreign() {
                taint();
            }
            serializer.serialize_str("(secret)")
        }
    }
}

pub(super) fn serialize_fingerprint<S: Serializer>(print: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
    marked(FINGERPRINT, &print.0, serializer)
}

pub(super) enum Opened<T> {
    Value(T),
    Fingerprint(Fingerprint),
}

pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(input: D) -> Result<Opened<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename = "$secret")]
    enum Written<T> {
        #[serde(rename = "$sealed")]
        Sealed(Sealed),
        #[serde(rename = "$fingerprint")]
        Fingerprint(Fingerprint),
        #[serde(rename = "$given")]
        Given(T),
    }
    match Written::deserialize(input).map_err(|_| D::Error::custom("a secret is not written in clear"))? {
        Written::Given(value) => Ok(Opened::Value(value)),
        Written::Fingerprint(fingerprint) => Ok(Opened::Fingerprint(fingerprint)),
        Written::Sealed(sealed) => {
            let plain = KEY
                .with_borrow(|key| key.as_ref().and_then(|key| key.open(&sealed)))
                .ok_or_else(|| D::Error::custom("a secret was sealed under another key"))?;
            // serde_json's errors quote what they read.
            serde_json::from_slice(&plain)
                .map(Opened::Value)
                .map_err(|_| D::Error::custom("a sealed secret has an unexpected form"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Secret;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Login {
        user: String,
        password: Secret<String>,
    }

    fn key(byte: u8) -> StackKey {
        StackKey::from_bytes([byte; 64])
    }

    fn login() -> Login {
        Login { user: "ann".into(), password: Secret::new("hunter2".into()) }
    }

    #[test]
    fn a_secret_is_written_sealed_and_read_back() {
        let text = sealing(&key(1), || serde_json::to_string(&login()).unwrap());
        assert!(text.contains(SEALED) && !text.contains("hunter2"), "{text}");
        assert_eq!(sealing(&key(1), || serde_json::from_str::<Login>(&text).unwrap()), login());
    }

    #[test]
    fn equal_secrets_are_equal_when_sealed_and_only_then() {
        let seal = |key: &StackKey, text: &str| key.seal(text.as_bytes());
        assert_eq!(seal(&key(1), "a"), seal(&key(1), "a"));
        assert_ne!(seal(&key(1), "a"), seal(&key(1), "b"));
        assert_ne!(seal(&key(1), "a").fingerprint(), seal(&key(2), "a").fingerprint());
    }

    #[test]
    fn another_key_opens_nothing_and_says_so() {
        let text = sealing(&key(1), || serde_json::to_string(&login()).unwrap());
        let error = sealing(&key(2), || serde_json::from_str::<Login>(&text).unwrap_err());
        assert!(error.to_string().starts_with("a secret was sealed under another key"), "{error}");
    }

    #[test]
    fn a_secret_asks_for_its_value_by_the_documented_names() {
        let error = Secret::<String>::deserialize(Asked).unwrap_err();
        assert_eq!(error.to_string(), "a secret is not written in clear");
        assert_eq!(ASKED.take(), [SECRET, SEALED, FINGERPRINT, GIVEN]);
    }

    thread_local! {
        static ASKED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    /// Notes what it is asked for.
    struct Asked;

    impl<'de> Deserializer<'de> for Asked {
        type Error = serde::de::value::Error;

        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(serde::de::Error::custom("not an enum"))
        }

        fn deserialize_enum<V: serde::de::Visitor<'de>>(
            self,
            name: &'static str,
            variants: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            ASKED.set([&[name], variants].concat());
            Err(serde::de::Error::custom("nothing to give"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map struct identifier ignored_any
        }
    }

    #[test]
    fn without_the_engine_a_secret_is_neither_written_nor_read() {
        let text = serde_json::to_string(&login()).unwrap();
        assert_eq!(text, r#"{"user":"ann","password":"(secret)"}"#);
        assert!(serde_json::from_str::<Login>(&text).is_err());
    }
}
