//! Verifying: what fails a check, and what can't be asked.

use std::time::Duration;

use sprocket_core::program::Stack;

use super::fake_kinds::Post;
use super::fake_service::Trouble;
use super::simulated_service::{Lab, Net};
use super::story::{Story, assert_snapshot};

#[test]
fn a_check_that_panics_or_hangs_is_a_failed_check() {
    let mut story = Story::in_yard();
    story.world.settings.call_limit = Duration::from_millis(80);
    let posts = |stack: &mut Stack| {
        for name in ["a", "b", "c"] {
            stack.add(Post::new(name));
        }
    };
    story.apply(posts);
    story.yard.trouble("verify", "a", Trouble::Panic);
    story.yard.trouble("verify", "b", Trouble::Hang);
    let (engine, stack) = (story.world.engine(), story.stack(posts));
    let verdict = story.world.block_on(engine.verify(&stack)).unwrap();
    let line = |(address, check): &(sprocket_core::kind::Address, sprocket_core::kind::CheckResult)| {
        format!("{address} {}: {}", check.what, check.failure.as_deref().unwrap_or("passed"))
    };
    let lines: Vec<String> = verdict.checks.iter().map(line).collect();
    assert_snapshot!(lines.join("\n"), @"
    yard:post/a can be checked: the provider panicked; this is a bug of the provider
    yard:post/b can be checked: there was no answer within 0.08 s
    yard:post/c stands: passed
    ");
    assert!(!verdict.passed());
}

#[test]
fn a_resource_that_can_not_be_checked_is_told() {
    let story = Story::new();
    let yard = story.yard.clone();
    let program = move |address: Option<&'static str>| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            stack.connect(yard.gate("ann"));
            let post = stack.add(Post::new("gate").text("x"));
            match address {
                Some(address) => drop(stack.connect(Lab::at(address))),
                None => drop(stack.connect(Lab::at(post.version.map(|version| version.to_string())))),
            }
            stack.add(Net::new("a"));
        }
    };
    let mut world = story.world;
    world.apply(program(Some("here")));
    let engine = world.engine();
    // The post has gone, and with it what the lab's address is made of.
    world.block_on(engine.forget("yard:post/gate")).unwrap();
    let stack = world.stack(program(None));
    let verdict = world.block_on(engine.verify(&stack)).unwrap();
    let unchecked: Vec<String> =
        verdict.unchecked.iter().map(|unchecked| format!("{}: {}", unchecked.address, unchecked.reason)).collect();
    assert_snapshot!(unchecked.join("\n"), @"lab:net/a: `lab` is not open yet: its settings wait for other resources");
}
