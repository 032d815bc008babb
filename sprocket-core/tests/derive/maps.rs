//! A key that is given twice is a mistake, at the line of the second.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sprocket_core::__derive::{Known, NoValue};
use sprocket_core::kind::{Fields as _, Spec};
use sprocket_core::program::Output;

use crate::docker::{Resources, ResourcesSpec, Service, ServiceDraft};
use crate::{mistakes_of, spec, what_is_shown_is_what_is_sent};

fn service() -> ServiceDraft {
    Service::new("core", "core").env("DB", "postgres://db")
}

#[test]
fn a_second_value_for_a_key_is_a_mistake() {
    let (draft, line) = (service().env("DB", "postgres://other").env("LOG", "debug"), line!());
    assert_eq!(mistakes_of(&draft), [("`DB` is set already".to_owned(), line)]);
    assert!(matches!(draft.spec(&Known::default()), Err(NoValue::Ever(_))));

    let (draft, line) = (service().env(String::from("DB"), Output::known("postgres://db".to_owned())), line!());
    assert_eq!(mistakes_of(&draft), [("`DB` is set already".to_owned(), line)]);
}

#[test]
fn of_several_at_once_each_is_looked_at() {
    let shared = [("team", "platform"), ("tier", "1")];
    let (draft, line) = (service().label("team", "core").label("tier", "2").labels(shared), line!());
    assert_eq!(
        mistakes_of(&draft),
        [("`team` is set already".to_owned(), line), ("`tier` is set already".to_owned(), line)]
    );
}

#[test]
fn the_first_mistake_stays() {
    let (draft, line) = (service().env("DB", "1"), line!());
    assert_eq!(
        mistakes_of(&draft.env("DB", "2").env("DB", "postgres://db")),
        [("`DB` is set already".to_owned(), line)]
    );
}

#[test]
fn the_same_value_twice_is_no_mistake() {
    let draft = service().env("DB", "postgres://db");
    assert!(mistakes_of(&draft).is_empty());
    assert_eq!(spec(&draft), spec(&service()));
}

/// Limits of several containers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(draft = Limits)]
struct LimitsSpec {
    /// Those of one container.
    #[spec(each = "container", draft = Resources)]
    containers: BTreeMap<String, ResourcesSpec>,
    /// How many of each there are, by a number of theirs.
    counts: BTreeMap<u16, u64>,
}

#[test]
fn a_second_draft_for_a_key_is_a_mistake() {
    let draft = Limits::default().container("web", Resources::default().memory(1_u64)).counts([(8_u16, 1), (9, 2)]);
    what_is_shown_is_what_is_sent(&draft);
    assert!(mistakes_of(&draft).is_empty());

    let (draft, line) = (draft.container("web", Resources::default()).counts([(9_u16, 3)]), line!());
    assert_eq!(
        mistakes_of(&draft),
        [("`9` is set already".to_owned(), line), ("`web` is set already".to_owned(), line)]
    );
    assert!(matches!(draft.spec(&Known::default()), Err(NoValue::Ever(_))));
}
