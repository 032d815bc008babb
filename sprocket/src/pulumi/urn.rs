//! URNs: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`.
//!
//! What is in the middle depends on the names of classes in the program that Pulumi ran, so it changes with every renaming
//! there. Only the last part, the name that somebody gave the resource, says what it is.

use std::fmt::{self, Display};

/// A URN that has all of its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Urn(String);

impl Urn {
    /// The URN, if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.strip_prefix("urn:pulumi:")?.splitn(4, "::").collect();
        (parts.len() == 4 && parts.iter().all(|part| !part.is_empty())).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What somebody called the resource.
    pub(crate) fn name(&self) -> &str {
        self.0.splitn(4, "::").nth(3).unwrap_or_default()
    }
}

impl Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_is_the_name() {
        let check =
            |text: &str, expect: Option<&str>| assert_eq!(Urn::parse(text).as_ref().map(Urn::name), expect, "{text}");
        check("urn:pulumi:prod::shop::docker:index/network:Network::edge", Some("edge"));
        check("urn:pulumi:prod::shop::shop:Edge$docker:index/service:Service::traefik", Some("traefik"));
        check("urn:pulumi:prod::shop::docker:index/secret:Secret::a::b", Some("a::b"));
        check("urn:pulumi:prod::shop::docker:index/network:Network", None);
        check("urn:pulumi:prod::shop::docker:index/network:Network::", None);
        check("urn:aws:prod::shop::a::b", None);
        check("", None);
    }
}
