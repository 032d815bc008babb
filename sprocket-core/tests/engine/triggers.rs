//! Replacing what has not changed itself, because something else has.

use sprocket_core::engine::Goal;
use sprocket_core::program::{DraftExt as _, Output, Stack};
use sprocket_core::testing::Crash;

use super::fake_kinds::{Base, Pipe, Post};
use super::story::{Story, assert_snapshot};

/// A pipe that is replaced whenever the text, the width or the existence of a post changes.
fn pipe_on_post(text: &'static str, width: u64) -> impl Fn(&mut Stack) {
    move |stack| {
        let post = stack.add(Post::new("post").text(text).base(Base::default().width(width)));
        stack.add(Pipe::new("main").replace_on(&post));
    }
}

/// A pipe that is replaced whenever this value changes.
fn pipe_on(value: impl Fn() -> Output<Option<u64>>) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.add(Pipe::new("main").replace_on(&value()));
    }
}

#[test]
fn a_resource_that_changes_replaces_who_says_so_once() {
    let mut story = Story::in_yard();
    story.apply(pipe_on_post("one", 1));
    assert_snapshot!(story.plan(pipe_on_post("two", 1)), @"
    ~ yard:post/post
        text: one → two
    ± yard:pipe/main `main-2`  (a new one takes its place)
        replace_on: id-1 #0 → (known after yard:post/post)  (needs a new one)
    - yard:pipe/main  (replaced)
    1 to update, 1 to replace.
    ");
    let calls = ["update yard:post/post", "create yard:pipe/main-2", "delete yard:pipe/main"];
    assert_eq!(story.apply(pipe_on_post("two", 1)), calls);
    let replaced = "delete yard:pipe/main-2, delete yard:post/post, create yard:post/post, create yard:pipe/main-3";
    assert_eq!(story.apply(pipe_on_post("two", 2)).join(", "), replaced);
    story.yard.remove::<Post>("post");
    let again = "create yard:post/post, create yard:pipe/main-4, delete yard:pipe/main-3";
    assert_eq!(story.apply(pipe_on_post("two", 2)).join(", "), again);
}

#[test]
fn a_run_that_ends_after_the_trigger_still_replaces_in_the_next_one() {
    // At each moment of the run.
    for (boundary, crash) in (0..12).flat_map(|boundary| [(boundary, Crash::Before), (boundary, Crash::After)]) {
        let mut story = Story::in_yard();
        story.apply(pipe_on_post("one", 1));
        story.world.crash_at(boundary, crash);
        let changed = pipe_on_post("two", 1);
        let _ = story.try_run(&changed, Goal::Declared);
        assert!(story.run(pipe_on_post("two", 1)).unwrap().succeeded());
        let mut calls = story.calls();
        calls.sort();
        // A change whose end was not recorded is made again.
        calls.dedup();
        let expected = ["create yard:pipe/main-2", "delete yard:pipe/main", "update yard:post/post"];
        assert_eq!(calls, expected, "{crash:?} {boundary}");
        assert!(story.plan(pipe_on_post("two", 1)).starts_with("Nothing to do"));
    }
}

#[test]
fn a_value_that_changes_replaces_and_one_that_is_new_only_counts_from_now_on() {
    let known = |value| move || Output::known(value);
    let mut story = Story::in_yard();
    story.apply(|stack| drop(stack.add(Pipe::new("main"))));
    assert_eq!(story.apply(pipe_on(known(None))), [""; 0]);
    assert_snapshot!(story.plan(pipe_on(known(Some(1)))), @"
    ± yard:pipe/main `main-2`  (a new one takes its place)
        replace_on: (none) → 1  (needs a new one)
    - yard:pipe/main  (replaced)
    1 to replace.
    ");
    assert_eq!(story.apply(pipe_on(known(Some(1)))).len(), 2);
    assert_eq!(story.apply(pipe_on(known(Some(2)))).len(), 2);
    assert_eq!(story.apply(|stack| drop(stack.add(Pipe::new("main")))), [""; 0]);
}

#[test]
fn a_secret_value_replaces_and_is_not_shown() {
    let secret = |value| move || Output::known(Some(value)).secret();
    let mut story = Story::in_yard();
    story.apply(pipe_on(secret(271_828)));
    assert_snapshot!(story.plan(pipe_on(secret(314_159))), @"
    ± yard:pipe/main `main-2`  (a new one takes its place)
        replace_on: (secret) → (secret)  (needs a new one)
    - yard:pipe/main  (replaced)
    1 to replace.
    ");
    assert_eq!(story.apply(pipe_on(secret(314_159))).len(), 2);
    let state = serde_json::to_string(&story.world.snapshot().unwrap()).unwrap();
    assert!(!state.contains("271828") && !state.contains("314159"));
}

#[test]
fn a_value_that_is_not_known_replaces_only_if_it_turns_out_to_be_another() {
    let program = |text: &'static str, is_constant: bool| {
        move |stack: &mut Stack| {
            let post = stack.add(Post::new("post").text(text));
            let version = post.version.map(move |version| if is_constant { 0 } else { version });
            stack.add(Pipe::new("main").replace_on(&version));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one", true));
    assert_snapshot!(story.plan(program("two", true)), @"
    ~ yard:post/post
        text: one → two
    ± yard:pipe/main `main-2`  (a new one takes its place)
        replace_on: 0 → (known after yard:post/post)  (needs a new one)
    - yard:pipe/main  (replaced)
    1 to update, 1 to replace.
    ");
    assert_eq!(story.apply(program("two", true)), ["update yard:post/post"]);
    assert_eq!(story.apply(program("two", false)).len(), 2);
    assert_eq!(story.apply(program("three", false)).len(), 3);
}

#[test]
fn several_that_name_the_same_are_replaced_together() {
    let program = |rotation: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Pipe::new("a").replace_on(rotation).replace_on(7));
            stack.add(Pipe::new("b").replace_on(rotation));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("spring"));
    assert_snapshot!(story.plan(program("autumn")), @"
    ± yard:pipe/a `a-2`  (a new one takes its place)
        replace_on[0]: spring → autumn  (needs a new one)
    - yard:pipe/a  (replaced)
    ± yard:pipe/b `b-2`  (a new one takes its place)
        replace_on: spring → autumn  (needs a new one)
    - yard:pipe/b  (replaced)
    2 to replace.
    ");
    assert_eq!(story.apply(program("autumn")).len(), 4);
}

#[test]
fn a_resource_of_which_only_the_record_changes_replaces_nobody() {
    let program = |retained: bool| {
        move |stack: &mut Stack| {
            let post = Post::new("post");
            let post = stack.add(if retained { post.keep_on_delete() } else { post });
            stack.add(Pipe::new("main").replace_on(&post));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(false));
    assert_snapshot!(story.plan(program(true)), @"
    · yard:post/post  (only its record changes)
    1 to record, 1 unchanged.
    ");
    story.calls();
    assert_eq!(story.apply(program(true)), [""; 0]);
}
