//! Names that the engine refuses, told when planned.
//!
//! Its rules: swarmkit's `manager/controlapi` for services, overlay networks, configs and secrets; the engine's
//! `volume/local` and `daemon/names` for volumes.

use sprocket_core::kind::{Diagnostics, PhysicalName};

fn finding(message: String) -> Diagnostics {
    Diagnostics { errors: vec![message.into()], ..Diagnostics::default() }
}

fn is_framed(name: &str, others: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(is_plain) && name.ends_with(is_plain) && name.chars().all(|c| is_plain(c) || others.contains(c))
}

/// Services and overlay networks: at most 63 letters, digits, `-` and `_`; a letter or digit first and last.
pub(crate) fn dns(name: &PhysicalName, what: &str) -> Diagnostics {
    let text = name.as_str();
    if text.len() > 63 {
        return finding(format!("the name of {what} has at most 63 characters, and `{name}` has {}", text.len()));
    }
    if !is_framed(text, "-_") {
        return finding(format!(
            "`{name}` can't be the name of {what}: letters, digits, `-` and `_`, and a letter or digit first and last"
        ));
    }
    Diagnostics::default()
}

/// Configs and secrets: at most 64 letters, digits, `-`, `_` and `.`; a letter or digit first and last.
pub(crate) fn content(name: &PhysicalName, what: &str) -> Diagnostics {
    let text = name.as_str();
    if text.len() > 64 {
        let own = "of which the hash of its content takes 17";
        return finding(format!("the name of {what} has at most 64 characters, {own}; `{name}` has {}", text.len()));
    }
    if !is_framed(text, "-_.") {
        return finding(format!(
            "`{name}` can't be the name of {what}: letters, digits, `-`, `_` and `.`, and a letter or digit first and last"
        ));
    }
    Diagnostics::default()
}

/// Volumes: at least two and at most 255 letters, digits, `-`, `_` and `.`; a letter or digit first.
pub(crate) fn volume(name: &PhysicalName) -> Diagnostics {
    let text = name.as_str();
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    if !(2..=255).contains(&text.len()) {
        return finding(format!("the name of a volume has 2 to 255 characters, and `{name}` has {}", text.len()));
    }
    if !text.starts_with(is_plain) || !text.chars().all(|c| is_plain(c) || "-_.".contains(c)) {
        return finding(format!(
            "`{name}` can't be the name of a volume: letters, digits, `-`, `_` and `.`, and a letter or digit first"
        ));
    }
    Diagnostics::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_engine_refuses_are_findings() {
        type Rule = fn(&PhysicalName) -> Diagnostics;
        let check = |rule: Rule, name: &str, is_good: bool| {
            assert_eq!(rule(&name.into()).errors.is_empty(), is_good, "{name}");
        };
        let service: Rule = |name| dns(name, "a service");
        let config: Rule = |name| content(name, "a config");
        for (rule, longest) in [(service, 63), (config, 64), (volume as Rule, 255)] {
            check(rule, "edge-2_b", true);
            check(rule, &"x".repeat(longest), true);
            check(rule, &"x".repeat(longest + 1), false);
            check(rule, "-edge", false);
            check(rule, "a/b", false);
            check(rule, "ä", false);
        }
        check(service, "a.b", false);
        check(config, "a.b", true);
        check(volume, "a.b", true);
        check(config, "a-", false);
        check(volume, "a-", true);
        check(volume, "a", false);
    }
}
