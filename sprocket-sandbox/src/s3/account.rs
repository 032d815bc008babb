//! What an account keeps: buckets, their settings, and every version of every object.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// All buckets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) buckets: BTreeMap<String, Bucket>,
}

/// A bucket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Bucket {
    pub(super) made: SystemTime,
    pub(super) region: Option<String>,
    pub(super) versioning: Versioning,
    pub(super) tags: Vec<(String, String)>,
    pub(super) lifecycle: Vec<Rule>,
    /// By key; of the versions of an object, the last is the current one.
    objects: BTreeMap<String, Vec<Version>>,
    /// How many versions there have been.
    counted: u64,
}

/// Whether versions are kept: once they were, they can only be suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Versioning {
    #[default]
    Never,
    Enabled,
    Suspended,
}

/// A rule of a lifecycle, as far as the sandbox knows them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) id: Option<String>,
    pub(super) enabled: bool,
    pub(super) prefix: String,
    pub(super) expire_days: Option<i32>,
    pub(super) noncurrent_days: Option<i32>,
    pub(super) keep_noncurrent: Option<i32>,
    pub(super) abort_days: Option<i32>,
}

/// A version of an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    /// `null` where versions are not kept.
    pub(super) id: String,
    pub(super) written: SystemTime,
    /// None: it says that the object was deleted.
    pub(super) body: Option<Bytes>,
    pub(super) etag: String,
}

/// Bytes, in files as base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        BASE64_STANDARD.decode(text).map(Self)
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        BASE64_STANDARD.encode(bytes.0)
    }
}

/// The id of a version where none are kept.
const ONLY: &str = "null";

impl Bucket {
    pub(super) fn new(region: Option<String>) -> Self {
        Self {
            made: SystemTime::now(),
            region,
            versioning: Versioning::default(),
            tags: Vec::new(),
            lifecycle: Vec::new(),
            objects: BTreeMap::new(),
            counted: 0,
        }
    }

    /// Nothing is in it, no older version either.
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The object, unless it was deleted.
    pub(super) fn current(&self, key: &str) -> Option<(&Version, &Bytes)> {
        let version = self.objects.get(key)?.last()?;
        Some((version, version.body.as_ref()?))
    }

    /// The objects that begin with this, after this one, in their order.
    pub(super) fn list(&self, prefix: &str, after: &str) -> impl Iterator<Item = (&str, &Version, &Bytes)> {
        let keys = self.objects.keys().filter(move |key| key.starts_with(prefix) && key.as_str() > after);
        keys.filter_map(|key| self.current(key).map(|(version, body)| (key.as_str(), version, body)))
    }

    /// All versions, the newest of each object first, and whether each is the current one.
    pub(super) fn versions(&self, prefix: &str) -> impl Iterator<Item = (&str, &Version, bool)> {
        let objects = self.objects.iter().filter(move |(key, _)| key.starts_with(prefix));
        objects.flat_map(|(key, versions)| {
            let newest_first = versions.iter().rev().enumerate();
            newest_first.map(move |(age, version)| (key.as_str(), version, age == 0))
        })
    }

    /// Writes an object.
    pub(super) fn write(&mut self, key: &str, body: Vec<u8>, etag: String) {
        self.push(key, Some(Bytes(body)), etag);
    }

    /// Deletes an object: where versions are kept, a marker says so.
    pub(super) fn delete(&mut self, key: &str) {
        if self.versioning == Versioning::Never {
            self.objects.remove(key);
        } else {
            self.push(key, None, String::new());
        }
    }

    /// Deletes a version for good.
    pub(super) fn delete_version(&mut self, key: &str, id: &str) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.retain(|version| version.id != id);
            if versions.is_empty() {
                self.objects.remove(key);
            }
        }
    }

    fn push(&mut self, key: &str, body: Option<Bytes>, etag: String) {
        self.counted += 1;
        let id = match self.versioning {
            Versioning::Enabled => format!("{:016x}", self.counted),
            Versioning::Never | Versioning::Suspended => ONLY.to_owned(),
        };
        let versions = self.objects.entry(key.to_owned()).or_default();
        versions.retain(|version| version.id != id);
        versions.push(Version { id, written: SystemTime::now(), body, etag });
    }
}
