//! What is wrong with a configuration, and how that is said.

use std::fmt::{self, Display};
use std::ops::Range;

/// Everything that is wrong with the configuration of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    what: String,
    problems: Vec<String>,
}

impl ConfigError {
    pub(crate) fn new(what: impl Into<String>, problems: Vec<String>) -> Self {
        Self { what: what.into(), problems }
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where in the file.
    pub(crate) span: Option<Range<usize>>,
    pub(crate) message: String,
}

/// The one of the known names that was probably meant.
pub(crate) fn suggestion<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let near = |known: &'n str| (strsim::damerau_levenshtein(&plain(name), &plain(known)), known);
    let (distance, best) = known.into_iter().map(near).min_by_key(|(distance, _)| *distance)?;
    let shorter = name.chars().count().min(best.chars().count());
    (distance <= 1.max(shorter / 3)).then_some(best)
}

/// The address that was probably meant: one of the same name elsewhere, or a close one of the same kind.
pub(crate) fn meant_address<'n>(address: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let known: Vec<&str> = known.into_iter().collect();
    let name = |address: &'n str| address.rsplit('/').next().unwrap_or_default();
    let last = address.rsplit('/').next().unwrap_or_default();
    let kind = address.split_once('/').map_or("", |(kind, _)| kind);
    let elsewhere = known.iter().copied().find(|other| name(other) == last);
    elsewhere.or_else(|| {
        let same_kind =
            known.iter().copied().filter(|other| other.split_once('/').is_some_and(|(other, _)| other == kind));
        let close = suggestion(last, same_kind.clone().map(name))?;
        same_kind.into_iter().find(|other| name(other) == close)
    })
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_close_or_none() {
        let check = |name, expect| assert_eq!(suggestion(name, ["image", "replicas", "redis"]), expect, "{name}");
        check("imgae", Some("image"));
        check("Image", Some("image"));
        check("replica", Some("replicas"));
        check("radis", Some("redis"));
        check("volume", None);
        check("x", None);
    }

    #[test]
    fn an_address_is_meant_by_its_name() {
        let known = ["docker:network/edge", "docker:service/elo/bot", "docker:service/core"];
        let check = |address, expect| assert_eq!(meant_address(address, known), expect, "{address}");
        check("docker:service/bot", Some("docker:service/elo/bot"));
        check("network/edge", Some("docker:network/edge"));
        check("edge", Some("docker:network/edge"));
        check("docker:service/cor", Some("docker:service/core"));
        check("docker:service/replays", None);
    }
}
