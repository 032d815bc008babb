//! A kill at every boundary of the journal: the same command converges, with nothing leaked or doubled.

use sprocket_core::engine::Goal;
use sprocket_core::program::Stack;
use sprocket_core::testing::Crash;

use super::simulated_service::{App, Conf, Disk, Net, Note};
use super::story::{Story, nothing};

type Program = fn(&mut Stack);

fn small(stack: &mut Stack) {
    declare(stack, "10.0.0.0/24", "app:1", "hello", false);
}

fn declare(stack: &mut Stack, subnet: &str, image: &str, motd: &str, global: bool) {
    let net = stack.add(Net::new("edge").subnet(subnet));
    let motd = stack.add(Conf::new("motd", motd));
    let app = App::new("web", image).net(&net.id).uses(&motd.id);
    stack.add(if global { app.global() } else { app });
}

/// Kills the run from one program to another at each boundary in turn, and sees that the same command then converges.
fn check(from: Program, to: Program, goal: Goal) {
    check_after(from, |_| (), to, goal);
}

/// The same, after something has happened to the objects of the first program.
fn check_after(from: Program, happened: impl Fn(&mut Story), to: Program, goal: Goal) {
    let mut expected = Story::new();
    expected.apply(from);
    happened(&mut expected);
    expected.try_run(to, goal).unwrap();
    let mut boundaries = 0;
    for crash in [Crash::Before, Crash::After] {
        for boundary in 0.. {
            let mut story = Story::new();
            story.apply(from);
            happened(&mut story);
            story.world.crash_at(boundary, crash);
            let crashed = story.try_run(to, goal).unwrap().is_none();
            let again = story.try_run(to, goal).unwrap().expect("it is not killed twice");
            assert!(again.succeeded(), "after a kill {crash:?} boundary {boundary}: {again:#?}");
            assert_eq!(story.world.objects(), expected.world.objects(), "after a kill {crash:?} boundary {boundary}");
            let plan = story.try_plan(to, goal).unwrap();
            assert!(plan.is_empty(), "after a kill {crash:?} boundary {boundary}:\n{plan}");
            assert_eq!(recorded(&story), recorded(&expected), "after a kill {crash:?} boundary {boundary}");
            if !crashed {
                boundaries += boundary;
                break;
            }
        }
    }
    assert!(boundaries >= 6, "only {boundaries} boundaries");
}

/// The objects that are recorded, by resource.
fn recorded(story: &Story) -> Vec<String> {
    let records = story.world.snapshot().unwrap().records;
    let line = |(address, record): (&_, &sprocket_core::state::Record)| {
        format!("{address}: {:?}", record.objects().map(|object| &object.name).collect::<Vec<_>>())
    };
    records.iter().map(line).collect()
}

#[test]
fn create() {
    check(nothing, small, Goal::Declared);
}

#[test]
fn update() {
    check(small, |stack| declare(stack, "10.0.0.0/24", "app:2", "hello", false), Goal::Declared);
}

#[test]
fn replace_with_the_new_one_first() {
    check(small, |stack| declare(stack, "10.0.1.0/24", "app:1", "bye", false), Goal::Declared);
}

#[test]
fn replace_with_the_old_one_first() {
    check(small, |stack| declare(stack, "10.0.0.0/24", "app:1", "hello", true), Goal::Declared);
}

#[test]
fn delete() {
    check(small, nothing, Goal::Declared);
}

#[test]
fn destroy() {
    check(small, small, Goal::Destroyed { include_kept: false });
}

#[test]
fn objects_removed_by_hand_are_created_again() {
    let all = |stack: &mut Stack| {
        small(stack);
        stack.add(Disk::new("data"));
        stack.add(Note::new("token", "abc"));
    };
    let removed = |story: &mut Story| {
        let objects = story.world.objects();
        assert_eq!(objects.len(), 5, "{objects:?}");
        for object in objects {
            let (kind, name) = object.split_once('/').unwrap();
            story.world.remove(kind, name);
        }
    };
    check_after(all, removed, all, Goal::Declared);
}
