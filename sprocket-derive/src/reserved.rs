//! Reserved names: the setters that a draft must not have.
//!
//! A draft's own setter silently wins over the method of a trait: a setting `after` would disable the option `after`. So
//! the derive refuses them.
//!
//! **Invariant:** [`OPTIONS`] is the list of the methods of `sprocket_core::program::DraftExt`; a test reads it off the source.

use syn::Ident;
use syn::ext::IdentExt as _;

use crate::attributes::Errors;
use crate::model::Shape;

/// What every draft has: its constructor, and what the derives and `Fields` give it.
const ALL: [&str; 6] = ["clone", "default", "new", "slots", "spec", "starts"];

/// What the drafts of resources have besides: `Draft`, and the options of `DraftExt`.
const RESOURCE: [&str; 2] = ["name", "options"];
const OPTIONS: [&str; 12] = [
    "adopt",
    "after",
    "dies_with",
    "ignore",
    "ignore_key",
    "keep_on_delete",
    "moved_from",
    "named",
    "protect",
    "replace_on",
    "retain_with",
    "time_limit",
];

/// What the drafts of providers have besides.
const PROVIDER: [&str; 6] = ["credential_deps", "credentials", "holding", "name", "named", "set"];

/// Refuses a setter of such a name. True if it is one.
pub(crate) fn check(setter: &Ident, shape: &Shape, errors: &mut Errors) -> bool {
    let name = setter.unraw().to_string();
    let taken = |names: &[&str]| names.contains(&name.as_str());
    let whose = match shape {
        _ if taken(&ALL) => "every draft",
        Shape::Resource(_) if taken(&RESOURCE) || taken(&OPTIONS) => "every draft",
        Shape::Provider(_) if taken(&PROVIDER) => "every provider's draft",
        _ => return false,
    };
    errors.at(setter, format!("{whose} has a `{name}` already"));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_those_of_the_core() {
        let source = include_str!("../../sprocket-core/src/kind/options.rs");
        let (_, methods) = source.split_once("pub trait DraftExt").unwrap();
        let mut names: Vec<_> = methods
            .lines()
            .filter_map(|line| line.strip_prefix("    fn "))
            .filter_map(|line| line.split(['(', '<']).next())
            .collect();
        names.sort_unstable();
        assert_eq!(names, OPTIONS);
    }
}
