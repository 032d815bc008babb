//! Bugs of a provider, each caught by the conformance suite of kinds. Not yet caught: an update that leaves a setting as it
//! was, since a service may write settings down in its own way.

use std::panic::AssertUnwindSafe;

use sprocket_core::testing::{KindSuite, Variant};
use sprocket_core::{DraftExt as _, Stack};

use super::shed::{Bug, PipeDraft, PostDraft, Settings, Shed};

macro_rules! declare {
    ($draft:ident, $shed:ident, $stack:ident, $variant:ident) => {{
        $stack.connect($shed.door());
        let draft = match $variant {
            Variant::First => $draft::new("s1").text("one"),
            Variant::Updated => $draft::new("s1").text("two"),
            Variant::Replaced => $draft::new("s1").text("one").base(1_u64),
            Variant::Moved => $draft::new("t1").text("one").moved_from("s1").named("s1"),
        };
        $stack.add(draft);
    }};
}
type Program<'a> = Box<dyn Fn(&mut Stack, Variant) + 'a>;

/// What the suite says of a shed with this bug: of a kind that is read one by one, or of one that is listed.
fn said(bug: Option<Bug>, is_listed: bool) -> Result<(), String> {
    let shed = Shed::default();
    shed.inside().bug = bug;
    let (address, program): (_, Program<'_>) = if is_listed {
        ("shed:pipe/s1", Box::new(|stack, variant| declare!(PipeDraft, shed, stack, variant)))
    } else {
        ("shed:post/s1", Box::new(|stack, variant| declare!(PostDraft, shed, stack, variant)))
    };
    let change =
        |change: &dyn Fn(&mut Settings)| shed.inside().things.iter_mut().for_each(|thing| change(&mut thing.set));
    let suite = KindSuite {
        address,
        program,
        inventory: Box::new(|| shed.inside().things.iter().map(|thing| thing.name.clone()).collect()),
        drift: Some(Box::new(|| change(&|set| set.text = "by others".into()))),
        remove: Some(Box::new(|| shed.inside().things.clear())),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
    };
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| suite.run()));
    ran.map_err(|said| said.downcast_ref::<String>().map_or("a panic", String::as_str).to_owned())
}

#[track_caller]
fn check(bug: Bug, is_listed: bool, says: &str) {
    let said = said(Some(bug), is_listed).expect_err("the suite finds nothing");
    assert!(said.contains(says), "{bug:?}: {said}");
}

#[test]
fn the_suite_finds_nothing_wrong_with_a_shed_that_works() {
    assert_eq!((said(None, false), said(None, true)), (Ok(()), Ok(())));
}

#[test]
fn a_delete_that_deletes_nothing_is_caught() {
    check(Bug::DeletesNothing, false, "what is destroyed has gone");
}

#[test]
fn a_create_that_forgets_its_mark_is_caught() {
    check(Bug::ForgetsMarks, false, "an object named `s1` exists already, and this stack does not own it");
}

#[test]
fn a_read_that_drops_a_setting_is_caught() {
    check(Bug::ReadsNoTexts, false, "a change by somebody else is not seen");
}

#[test]
fn an_update_that_makes_a_second_object_is_caught() {
    check(Bug::UpdatesADouble, false, "taken over, not doubled");
}

#[test]
fn a_list_that_leaves_something_out_is_caught() {
    check(Bug::ListsNothing, true, "it has gone");
}
