//! Specs in unusual places and with unusual names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{spec, what_is_shown_is_what_is_sent};

/// As the facade re-exports the core.
mod facade {
    pub(crate) use sprocket_core as core;
}

/// Nothing of the prelude is what it seems here, and the core is found where the spec says.
mod crowded {
    #![allow(dead_code)]
    use serde::{Deserialize, Serialize};

    struct Option;
    struct Vec;
    struct String;
    struct Result;
    trait Into {}
    trait Default {}

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, super::facade::core::kind::Spec)]
    #[spec(draft = Draft, crate = super::facade::core)]
    pub(super) struct Spec {
        #[spec(default = 3)]
        pub(super) tries: u64,
        pub(super) tags: std::vec::Vec<std::string::String>,
    }
}

#[test]
fn the_core_is_found_through_another_crate() {
    assert_eq!(spec(&crowded::Draft::default().tags(["a"])), crowded::Spec { tries: 3, tags: vec!["a".into()] });
}

/// A policy, in a language whose words are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sprocket_core::kind::Spec)]
#[serde(deny_unknown_fields)]
#[spec(draft = Policy)]
struct PolicySpec {
    r#type: String,
    #[spec(each = "move")]
    moves: Vec<String>,
    r#where: Option<String>,
    /// A name of its own item.
    #[spec(each = "r#in")]
    #[serde(default, alias = "inside")]
    r#in: BTreeMap<String, u64>,
}

#[test]
fn words_of_rust_are_recorded_without_their_prefix() {
    let policy = Policy::new("allow").r#move("a").moves(["b"]).maybe_where(Some("here")).r#in("x", 1);
    what_is_shown_is_what_is_sent(&policy);
    assert_eq!(
        serde_json::to_value(spec(&policy)).unwrap(),
        json!({ "type": "allow", "moves": ["a", "b"], "where": "here", "in": { "x": 1 } })
    );
}

/// A kind whose settings are in a file of their own.
mod lamp {
    use crate::docker::*;

    #[derive(Clone, Debug, Handle)]
    #[handle(kind = "docker:lamp", provider = Docker, naming = generation, state = Reported)]
    pub(super) struct Lamp {
        this: ResourceRef<Self>,
    }
    kind!(Lamp);

    impl Lamp {
        pub(super) fn new(name: &str) -> LampDraft {
            LampDraft::new(name, 60)
        }
    }

    mod spec {
        use serde::{Deserialize, Serialize};

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sprocket_core::kind::Spec)]
        #[spec(resource = super::Lamp)]
        pub(in super::super) struct LampSpec {
            pub(in super::super) watts: u64,
        }
    }
    pub(super) use spec::{LampDraft, LampSpec};
}

#[test]
fn a_draft_is_seen_where_its_spec_is() {
    assert_eq!(spec(&lamp::Lamp::new("desk").watts(40)), lamp::LampSpec { watts: 40 });
}

macro_rules! limits {
    ($spec:ident, $draft:ident, $($field:ident: $ty:ty = $start:expr),*) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sprocket_core::kind::Spec)]
        #[spec(draft = $draft)]
        struct $spec {
            $(#[spec(default = $start)] $field: $ty,)*
            more: Option<u64>,
        }
    };
}

limits!(PairSpec, Pair, soft: u64 = 1024, hard: u64 = 2 * 1024);

#[test]
fn a_spec_may_come_from_a_macro() {
    let pair = Pair::default().hard(4096).more(1);
    what_is_shown_is_what_is_sent(&pair);
    assert_eq!(spec(&pair), PairSpec { soft: 1024, hard: 4096, more: Some(1) });
}
