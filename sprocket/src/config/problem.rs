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
}
