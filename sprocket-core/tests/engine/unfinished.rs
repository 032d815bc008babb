//! What a call leaves half done: made or changed by half, or made by nobody knows whom.

use sprocket_core::program::Stack;
use sprocket_core::testing::Fail;

use super::fake_kinds::{Post, Stone, Tent};
use super::fake_service::Trouble;
use super::recovery::killed_before_it_is_recorded;
use super::story::{Story, assert_snapshot, told};

pub(crate) fn post(stack: &mut Stack) {
    stack.add(Post::new("gate").text("open"));
}

#[test]
fn what_was_made_by_half_is_recorded_and_finished_by_the_next_run() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "gate", Trouble::Half);
    let report = story.run(post).unwrap();
    assert_snapshot!(told(&report), @"create yard:post/gate failed: `gate` stands, but only half of it");
    assert_eq!(story.calls(), ["create yard:post/gate"]);
    let recorded = story.world.snapshot().unwrap().records[&"yard:post/gate".into()].object.clone().unwrap();
    assert_eq!((recorded.id.as_str(), recorded.ready), ("id-1", false));
    assert_eq!(story.yard.spec::<Post>("gate").text, "");
    assert_snapshot!(story.plan(post), @"
    ~ yard:post/gate  (made or changed by half)
    1 to update.
    ");
    assert_eq!(story.apply(post), ["update yard:post/gate"]);
    assert_eq!(story.yard.spec::<Post>("gate").text, "open");
}

#[test]
fn what_was_made_by_half_can_be_given_up() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "gate", Trouble::Half);
    assert!(!story.run(post).unwrap().succeeded());
    story.calls();
    assert_eq!(story.apply(|_| ()), ["delete yard:post/gate"]);
    assert_eq!(story.objects(), [""; 0]);
}

#[test]
fn what_a_killed_run_made_by_half_is_finished_too() {
    let mut story = killed_before_it_is_recorded(post, |story| {
        story.yard.trouble("create", "gate", Trouble::Half);
    });
    story.calls();
    assert_snapshot!(story.plan(post), @"
    ! yard:post/gate was made by an interrupted run
    ~ yard:post/gate  (made or changed by half)
    1 to update.
    ");
    assert_eq!(story.apply(post), ["update yard:post/gate"]);
    assert_eq!(story.yard.spec::<Post>("gate").text, "open");
}

#[test]
fn what_was_made_by_half_without_an_answer_is_finished_at_once() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "gate", Trouble::HalfUnheard);
    assert_eq!(story.apply(post), ["create yard:post/gate", "update yard:post/gate"]);
    assert_eq!(story.yard.spec::<Post>("gate").text, "open");
}

pub(crate) fn stone(stack: &mut Stack) {
    stack.add(Stone::new("mile").text("12"));
}

#[test]
fn what_was_changed_by_half_is_finished_by_the_next_run() {
    let mut story = Story::in_yard();
    story.apply(post);
    let shut = |stack: &mut Stack| drop(stack.add(Post::new("gate").text("shut")));
    story.yard.trouble("update", "gate", Trouble::Half);
    assert_snapshot!(told(&story.run(shut).unwrap()), @"update yard:post/gate failed: `gate` stands, but only half of it");
    assert_snapshot!(story.plan(shut), @"
    ~ yard:post/gate  (made or changed by half)
    1 to update.
    ");
    story.calls();
    assert_eq!(story.apply(shut), ["update yard:post/gate"]);
}

#[test]
fn object_of_an_unanswered_create_is_recorded_if_it_can_not_be_finished() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "gate", Trouble::HalfUnheard);
    story.yard.trouble("update", "gate", Trouble::Quote);
    assert!(!story.run(post).unwrap().succeeded());
    let state = story.world.snapshot().unwrap();
    let object = state.records[&"yard:post/gate".into()].object.clone().expect("it is there");
    assert_eq!((object.id.as_str(), object.ready, state.pending.len()), ("id-1", false, 0));
    assert_snapshot!(story.plan(post), @"
    ~ yard:post/gate  (made or changed by half)
    1 to update.
    ");
    story.calls();
    assert_eq!(story.apply(post), ["update yard:post/gate"]);
}

#[test]
fn object_without_owner_tag_that_a_second_attempt_made_by_half_is_recorded() {
    let mut story = Story::in_yard();
    story.world.fail("create", "mile", Fail::NoAnswer);
    story.yard.trouble("create", "mile", Trouble::Half);
    assert_snapshot!(told(&story.run(stone).unwrap()), @"create yard:stone/mile failed: `mile` stands, but only half of it");
    assert_eq!(story.calls(), ["create yard:stone/mile"]);
    assert_eq!(story.apply(stone), ["update yard:stone/mile"]);
}

#[test]
fn duplicate_of_an_unanswered_create_is_recorded_as_it_was_found() {
    let tent = |stack: &mut Stack| drop(stack.add(Tent::new("camp").text("for two")));
    let mut story = Story::in_yard();
    story.yard.trouble("create", "camp", Trouble::TwiceUnheard);
    let report = story.run(tent).unwrap();
    assert!(report.succeeded(), "{}", told(&report));
    let record = story.world.snapshot().unwrap().records[&"yard:tent/camp".into()].clone();
    assert_eq!(record.object.unwrap().id.as_str(), "id-1");
    let [double] = &record.old[..] else { panic!("{:?}", record.old) };
    assert_eq!((double.id.as_str(), double.name.as_str(), double.marked), ("id-2", "camp-double", true));
    assert!(double.seen.is_some() && double.revision.is_some(), "{double:?}");
    story.calls();
    assert_eq!(story.apply(tent), ["delete yard:tent/camp-double"]);
    assert_eq!(story.objects(), ["yard:tent/camp"]);
}

#[test]
fn what_takes_time_is_waited_for_after_an_update_too() {
    let tent = |text: &'static str| move |stack: &mut Stack| drop(stack.add(Tent::new("camp").text(text)));
    let mut story = Story::in_yard();
    story.apply(tent("for two"));
    story.yard.trouble("ready", "camp", Trouble::Panic);
    assert_eq!(story.run(tent("for three")).unwrap().failures().count(), 1);
    story.apply(tent("for three"));
}

#[test]
fn create_without_an_answer_that_left_something_without_owner_tag_is_not_tried_again() {
    let mut story = Story::in_yard();
    story.yard.trouble("create", "mile", Trouble::HalfUnheard);
    assert_snapshot!(told(&story.run(stone).unwrap()), @"create yard:stone/mile failed: nobody heard anything");
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1, "whether it is ours is for a person to say");
}
