//! Bugs of a provider, each caught by the conformance suite of kinds.

use std::panic::AssertUnwindSafe;

use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::{KindSuite, Variant};

use super::shed::{Bug, DialDraft, PegDraft, PipeDraft, PostDraft, Settings, Shed};

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

/// Of which kind the suite is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KindName {
    /// Read one by one.
    Post,
    /// Listed.
    Pipe,
    /// Without its settings in its revision.
    Peg,
    /// With another revision at each read.
    Dial,
}

/// What the suite says of a kind of a shed with this bug.
fn said(bug: Option<Bug>, kind: KindName) -> Result<(), String> {
    let shed = Shed::default();
    shed.inside().bug = bug;
    let (address, program): (_, Program<'_>) = match kind {
        KindName::Post => ("shed:post/s1", Box::new(|stack, variant| declare!(PostDraft, shed, stack, variant))),
        KindName::Pipe => ("shed:pipe/s1", Box::new(|stack, variant| declare!(PipeDraft, shed, stack, variant))),
        KindName::Dial => ("shed:dial/s1", Box::new(|stack, variant| declare!(DialDraft, shed, stack, variant))),
        KindName::Peg => ("shed:peg/s1", Box::new(|stack, variant| declare!(PegDraft, shed, stack, variant))),
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
        drops: true,
    };
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| suite.run()));
    ran.map_err(|said| match said.downcast::<String>() {
        Ok(said) => *said,
        Err(said) => said.downcast_ref::<&str>().copied().unwrap_or("a panic").to_owned(),
    })
}

#[track_caller]
fn check(bug: Bug, kind: KindName, says: &str) {
    let said = said(Some(bug), kind).expect_err("the suite finds nothing");
    assert!(said.contains(says), "{bug:?}: {said}");
}

#[test]
fn the_suite_finds_nothing_wrong_with_a_shed_that_works() {
    assert_eq!((said(None, KindName::Post), said(None, KindName::Pipe)), (Ok(()), Ok(())));
}

#[test]
fn a_delete_that_deletes_nothing_is_caught() {
    check(Bug::DeletesNothing, KindName::Post, "what is destroyed has gone");
}

#[test]
fn a_delete_that_fails_on_what_has_gone_is_caught() {
    check(Bug::DeletesOnce, KindName::Post, "there is no `s1`");
    check(Bug::DeletesOnce, KindName::Pipe, "there is no `s1`");
}

#[test]
fn a_create_that_forgets_its_mark_is_caught() {
    check(Bug::ForgetsMarks, KindName::Post, "an object named `s1` exists already, and this stack does not own it");
}

#[test]
fn an_owner_tag_that_comes_after_the_first_effect_is_caught() {
    check(Bug::TagsLate, KindName::Post, "`s1` is there already");
}

#[test]
fn an_id_that_is_not_stable_is_caught() {
    check(Bug::GivesAnotherId, KindName::Post, "has its object again");
    check(Bug::ReadsAnotherId, KindName::Post, "right after it was applied");
}

#[test]
fn a_revision_that_changes_by_itself_is_caught() {
    let said = said(None, KindName::Dial).expect_err("the suite finds nothing");
    assert!(said.contains("is not as it was when the plan was made"), "{said}");
}

#[test]
fn a_create_that_ignores_that_its_name_is_taken_is_caught() {
    check(Bug::MakesNamesakes, KindName::Post, "another stack has its name, and it is made");
    check(Bug::Overwrites, KindName::Post, "another stack has its name, and it is made");
    check(Bug::Overwrites, KindName::Pipe, "another stack has its name, and it is made");
}

#[test]
fn a_read_that_drops_a_setting_is_caught() {
    check(Bug::ReadsNoTexts, KindName::Post, "a change by somebody else is not seen");
}

#[test]
fn an_update_that_makes_a_second_object_is_caught() {
    check(Bug::UpdatesADouble, KindName::Post, "taken over, not doubled");
}

#[test]
fn an_update_that_leaves_a_setting_as_it_was_is_caught() {
    check(Bug::ForgetsTexts, KindName::Post, "First is not as it is when it is made from nothing");
    check(Bug::ForgetsTexts, KindName::Pipe, "First is not as it is when it is made from nothing");
}

#[test]
fn an_update_of_what_is_not_as_it_was_planned_for_is_caught() {
    let said = said(None, KindName::Peg).expect_err("the suite finds nothing");
    assert!(said.contains("it was changed by somebody else after it was planned for"), "{said}");
}

#[test]
fn a_list_that_leaves_something_out_is_caught() {
    check(Bug::ListsNothing, KindName::Pipe, "`s1` is there already");
}

#[test]
fn what_says_after_a_lost_answer_that_nothing_was_made_is_caught() {
    check(Bug::SettlesNothing, KindName::Post, "`s1` is there already");
}

#[test]
fn what_says_after_a_lost_answer_that_something_was_made_is_caught() {
    check(Bug::SettlesMadeUp, KindName::Post, "right after it was applied");
}

#[test]
fn what_takes_for_its_own_what_another_stack_made_is_caught() {
    check(Bug::SettlesOthers, KindName::Post, "another stack has its name, and it is made");
}
