//! The loop of a run: openings and calls go on beside each other.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sprocket_core::engine::{Event, Events};
use sprocket_core::program::Stack;
use sprocket_core::state::MemoryStore;
use sprocket_core::testing::Fail;

use super::fake_kinds::Post;
use super::simulated_service::{Lab, Net};
use super::story::{Story, assert_snapshot, told};

/// A lab whose address comes from a post, and what is in it.
pub(crate) fn lab_behind_a_post(story: &Story) -> impl Fn(&mut Stack) + use<> {
    let yard = story.yard.clone();
    move |stack| {
        stack.connect(yard.gate("ann"));
        let post = stack.add(Post::new("gate"));
        stack.connect(Lab::at(&post.id));
        stack.add(Net::new("a"));
        stack.add(Net::new("b"));
        let next = stack.add(Post::new("next").on(&post.id));
        stack.add(Post::new("last").on(&next.id));
    }
}

#[test]
fn an_opening_that_hangs_holds_up_no_other_call() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.world.settings.call_limit = Duration::from_millis(300);
    story.world.fail("connect", "lab", Fail::Hang);
    let begun = Instant::now();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&ended);
    story.world.settings.events = Events::to(move |event| {
        if let Event::StepEnded { address, .. } = event {
            sink.lock().unwrap().push((address.to_string(), begun.elapsed()));
        }
    });
    let program = lab_behind_a_post(&story);
    let report = story.run_beside(&MemoryStore::new(), program, async |_| ());
    assert_snapshot!(told(&report), @"
    create yard:post/gate Done
    create lab:net/a failed: could not reach `lab`: there was no answer within 0.3 s
    create lab:net/b failed: could not reach `lab`: there was no answer within 0.3 s
    create yard:post/next Done
    create yard:post/last Done
    ");
    let order: Vec<String> = ended.lock().unwrap().iter().map(|(address, _)| address.clone()).collect();
    assert_eq!(order[..3], ["yard:post/gate", "yard:post/next", "yard:post/last"], "they do not wait for the lab");
}

#[test]
fn one_call_and_one_wait_are_told_with_the_name_of_their_object() {
    let mut story = Story::in_yard();
    story.apply(|stack| drop(stack.add(super::fake_kinds::Tent::new("camp"))));
    let events = story.world.events();
    let started = events.iter().filter_map(|event| match event {
        Event::StepStarted { name, .. } => Some(name.as_ref().map(ToString::to_string)),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<_>>(), [Some("camp".to_owned())]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::StepWaiting { .. })).count(), 1);
}
