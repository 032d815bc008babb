//! Values of a service's settings that are more than text or a number.
//!
//! Each is written in state as people write it: `"1m30s"`, `"node.role == manager"`, bytes as a number.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::as_text;
use sprocket_core::program::{Input, IntoInput};

/// An image: `redis:7`, `ghcr.io/team/app:2@sha256:…`.
///
/// The engine is sent it as it is, and asks no registry about it: a tag is looked up by each node that pulls it, so pin a
/// digest where all nodes must run the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef(String);
as_text!(ImageRef);

impl ImageRef {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The registry that it is in; `docker.io` unless it says so.
    pub fn registry(&self) -> &str {
        match self.0.split_once('/') {
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
            _ => "docker.io",
        }
    }

    /// The digest that it is pinned to: `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, digest)| digest)
    }

    /// Whether it is pinned to a tag other than `latest`, or to a digest.
    pub fn is_pinned(&self) -> bool {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        self.digest().is_some() || name.split_once(':').is_some_and(|(_, tag)| tag != "latest")
    }
}

impl FromStr for ImageRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an image, such as `redis:7`");
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let path = name.rsplit('/').next().unwrap_or_default();
        let (last, tag) = path.split_once(':').map_or((path, None), |(last, tag)| (last, Some(tag)));
        let legal = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c))
        };
        let parts = &name[..name.len() - path.len()];
        let parts = parts.strip_suffix('/').unwrap_or(parts);
        let parts_legal = parts.is_empty() || parts.split('/').all(|part| legal(&part.replacen(':', "", 1)));
        if !parts_legal || !legal(last) || tag.is_some_and(|tag| !legal(tag)) || last.chars().any(char::is_uppercase) {
            return Err(wrong());
        }
        let digest_legal = |digest: &str| {
            digest
                .strip_prefix("sha256:")
                .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
        };
        if digest.is_some_and(|digest| !digest_legal(digest)) {
            return Err(format!("`{text}` has no valid digest: `sha256:` and 64 hexadecimal digits"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A length of time: `10s`, `1m30s`, `500ms`. It is also made of a [`Duration`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timespan(Duration);
as_text!(Timespan);

const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Timespan {
    /// That many seconds.
    pub const fn secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// As the engine's API takes it.
    pub(crate) fn nanos(self) -> i64 {
        i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX)
    }

    pub(crate) fn of_nanos(nanos: i64) -> Self {
        Self(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
    }
}

impl From<Duration> for Timespan {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl IntoInput<Timespan> for Duration {
    fn into_input(self) -> Input<Timespan> {
        Input::Value(self.into())
    }
}

impl FromStr for Timespan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a length of time, such as `10s` or `1m30s`");
        let (mut rest, mut nanos) = (text, 0_u128);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            nanos += number.parse::<u64>().map(u128::from).map_err(|_| wrong())? * size;
            rest = tail;
        }
        if text.is_empty() {
            return Err(wrong());
        }
        u64::try_from(nanos).map(|nanos| Self(Duration::from_nanos(nanos))).map_err(|_| wrong())
    }
}

impl Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in UNITS {
            if nanos >= size {
                write!(f, "{}{unit}", nanos / size)?;
                nanos %= size;
            }
        }
        Ok(())
    }
}

/// An amount of memory, in bytes: `Memory::mib(256)`, or `"256MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(pub u64);

impl Memory {
    /// That many times 1,048,576 bytes.
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// That many times 1,073,741,824 bytes.
    pub const fn gib(gib: u64) -> Self {
        Self(gib << 30)
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim() {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return Err(format!("`{text}` is not an amount of memory, such as `256MiB` or `2GiB`")),
        };
        let number = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        number.map(Self).ok_or_else(|| format!("`{text}` is not an amount of memory, such as `256MiB`"))
    }
}

impl IntoInput<Memory> for &str {
    fn into_input(self) -> Input<Memory> {
        Input::checked(self.parse())
    }
}

/// A share of processors, in billionths: `Cpus::of(0.25)` is a quarter of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Cpus {
    pub(crate) nano: i64,
}

impl Cpus {
    /// That many processors.
    pub fn of(cpus: f64) -> Self {
        // Billionths of any sensible number of processors are exact in an `f64`.
        #[allow(clippy::cast_possible_truncation)]
        Self { nano: (cpus * 1e9).round() as i64 }
    }
}

impl From<f64> for Cpus {
    fn from(cpus: f64) -> Self {
        Self::of(cpus)
    }
}

impl From<Cpus> for f64 {
    fn from(cpus: Cpus) -> Self {
        #[allow(clippy::cast_precision_loss)]
        let nano = cpus.nano as f64;
        nano / 1e9
    }
}

impl IntoInput<Cpus> for f64 {
    fn into_input(self) -> Input<Cpus> {
        Input::Value(Cpus::of(self))
    }
}

/// A share of tasks that may fail: 0 is none, 1 is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(f64);

impl Ratio {
    /// This share; below 0 is 0, above 1 is 1.
    pub fn of(share: f64) -> Self {
        Self(share.clamp(0.0, 1.0))
    }

    pub(crate) fn value(self) -> f64 {
        self.0
    }
}

/// Which nodes may run it: `node.role == manager`, `node.labels.disk != slow`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    pub(crate) key: String,
    pub(crate) equals: bool,
    pub(crate) value: String,
}
as_text!(Constraint);

impl Constraint {
    /// Managers only.
    pub fn manager() -> Self {
        Self::equal("node.role", "manager")
    }

    /// Nodes with this label.
    pub fn node_label(label: &str, value: &str) -> Self {
        Self::equal(&format!("node.labels.{label}"), value)
    }

    fn equal(key: &str, value: &str) -> Self {
        Self { key: key.to_owned(), equals: true, value: value.to_owned() }
    }
}

const KEYS: [&str; 6] = ["node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch"];

impl FromStr for Constraint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (equals, parts) = match (text.split_once("=="), text.split_once("!=")) {
            (Some(parts), None) => (true, parts),
            (None, Some(parts)) => (false, parts),
            _ => return Err(format!("`{text}` is not a constraint, such as `node.role == manager`")),
        };
        let (key, value) = (parts.0.trim(), parts.1.trim());
        let labels = ["node.labels.", "engine.labels."];
        let known = KEYS.iter().any(|known| key.eq_ignore_ascii_case(known))
            || labels.iter().any(|prefix| key.to_ascii_lowercase().starts_with(prefix) && key.len() > prefix.len());
        if !known {
            return Err(format!(
                "`{key}` says nothing about a node: a constraint is on {}, node.labels.… or engine.labels.…",
                KEYS.join(", ")
            ));
        }
        if value.is_empty() || value.contains(char::is_whitespace) {
            return Err(format!("the constraint `{text}` has no value that the engine takes"));
        }
        Ok(Self { key: key.to_owned(), equals, value: value.to_owned() })
    }
}

impl Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.key, if self.equals { "==" } else { "!=" }, self.value)
    }
}

/// A name that containers on a common network reach a service by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostName(pub(crate) String);

impl HostName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_and_mistakes_are_told() {
        let check = |text: &str, registry: &str, pinned| {
            let image = text.parse::<ImageRef>().unwrap();
            assert_eq!((image.registry(), image.is_pinned(), image.as_str()), (registry, pinned, text));
        };
        let digest = format!("sha256:{}", "0".repeat(64));
        check("redis", "docker.io", false);
        check("redis:latest", "docker.io", false);
        check("team/app:1", "docker.io", true);
        check("ghcr.io/team/app", "ghcr.io", false);
        check("localhost:5000/app:1.2-a_b", "localhost:5000", true);
        check(&format!("traefik:v2.11@{digest}"), "docker.io", true);
        for wrong in ["", "a b", "redis:", ":1", "a//b", "Redis", "a@sha256:12", "a:1:2", "a/b c/d"] {
            assert!(wrong.parse::<ImageRef>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_written_as_people_write_them() {
        for text in ["0s", "10s", "1m30s", "1h", "500ms", "1s500ms", "1ns"] {
            assert_eq!(text.parse::<Timespan>().unwrap().to_string(), text);
        }
        assert_eq!("90s".parse::<Timespan>().unwrap().to_string(), "1m30s");
        for wrong in ["", "10", "s", "10x", "-1s", "1 s", "99999999999h"] {
            assert!(wrong.parse::<Timespan>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn memory_cpus_and_constraints() {
        assert_eq!("256MiB".parse(), Ok(Memory::mib(256)));
        assert!("256MB".parse::<Memory>().is_err());
        assert_eq!(serde_json::to_string(&Cpus::of(0.25)).unwrap(), "0.25");
        assert_eq!(serde_json::from_str::<Cpus>("0.25").unwrap().nano, 250_000_000);
        assert_eq!("node.role==manager".parse::<Constraint>().unwrap(), Constraint::manager());
        assert_eq!("node.labels.a!=b".parse::<Constraint>().unwrap().to_string(), "node.labels.a != b");
        for wrong in ["role == manager", "node.role = manager", "node.role ==", "node.labels. == a"] {
            assert!(wrong.parse::<Constraint>().is_err(), "{wrong}");
        }
    }
}
