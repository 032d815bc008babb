//! Kills at every boundary of the journal: the same command converges, with nothing leaked or doubled.

use std::panic::AssertUnwindSafe;

use sprocket_core::engine::{Event, Events, Goal};
use sprocket_core::program::{DraftExt as _, Password, Secret, Stack};
use sprocket_core::testing::Crash;

use super::fake_kinds::Stone;
use super::simulated_service::{App, Conf, Disk, Net, Note};
use super::story::{Story, assert_snapshot, at_each_kill, nothing, said};
use super::unfinished::{post, stone};

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

/// An estate, before and after a change of almost everything in it.
pub(crate) fn estate(is_new: bool) -> impl Fn(&mut Stack) {
    move |stack| {
        let (subnet, motd, image) =
            if is_new { ("10.0.1.0/24", "bye", "app:2") } else { ("10.0.0.0/24", "hello", "app:1") };
        let edge = stack.add(Net::new("edge").subnet(subnet));
        let rim = Net::new("rim").parent(&edge.id);
        let rim = stack.add(if is_new { rim.label("tier", "two") } else { rim });
        let motd = stack.add(Conf::new("motd", motd));
        let web = App::new("web", image).net(&edge.id).uses(&motd.id);
        stack.add(if is_new { web.global() } else { web });
        stack.add(App::new("api", "api:1").net(&rim.id).uses(&motd.id).env("VERSION", image));
        if is_new {
            let password = stack.add(Password::new("redis"));
            let disk = stack.add(Disk::new("data"));
            let note = stack.add(Note::new("login", &password.value));
            let inner = stack.add(Net::new("inner").parent(&rim.id));
            for name in ["north", "south", "west"] {
                stack.add(Net::new(name).parent(&inner.id));
            }
            let conf = stack.add(Conf::new("inner", "none"));
            stack.add(
                App::new("redis", "redis:7").net(&inner.id).uses(&disk.name).uses(&conf.id).env("NOTE", &note.name),
            );
        } else {
            let hub = stack.add(Net::new("hub").parent(&rim.id));
            let conf = stack.add(Conf::new("old", "old"));
            stack.add(App::new("old", "old:1").net(&hub.id).uses(&conf.id));
        }
    }
}

#[test]
fn a_long_run_killed_at_any_boundary_is_finished_by_the_same_command() {
    let mut expected = Story::new();
    expected.apply(estate(false));
    let steps = expected.plan_of(estate(true)).steps.len();
    assert!(steps >= 20, "{steps} steps");
    expected.apply(estate(true));
    for crash in [Crash::Before, Crash::After] {
        for boundary in 0.. {
            let mut story = Story::new();
            // What runs side by side shares its writes.
            story.world.settings.parallel = 1;
            story.apply(estate(false));
            story.world.crash_at(boundary, crash);
            let killed = story.try_run(estate(true), Goal::Declared).unwrap().is_none();
            story.apply(estate(true));
            assert_eq!(story.objects(), expected.objects(), "a kill {crash:?} boundary {boundary}");
            if !killed {
                assert!(boundary > 20, "only {boundary} boundaries");
                break;
            }
        }
    }
}

#[test]
fn a_password_is_durable_before_it_is_used_and_never_drawn_again() {
    let program = |stack: &mut Stack| {
        let password = stack.add(Password::new("redis"));
        stack.add(Note::new("login", &password.value));
    };
    let drawn = |story: &Story| {
        let records = story.world.snapshot().map(|snapshot| snapshot.records).unwrap_or_default();
        records.get(&"random:password/redis".into()).map(|record| record.object.as_ref().unwrap().state.clone())
    };
    let mut survived = 0;
    at_each_kill(|crash, boundary| {
        let mut story = Story::new();
        story.world.crash_at(boundary, crash);
        let killed = story.try_run(program, Goal::Declared).unwrap().is_none();
        let before = drawn(&story);
        assert!(before.is_some() || story.objects().is_empty(), "it is used, and not durable");
        story.apply(program);
        if before.is_some() {
            assert_eq!(drawn(&story), before, "a kill {crash:?} boundary {boundary}");
            survived += 1;
        }
        killed
    });
    assert!(survived >= 4, "{survived}");
}

#[test]
fn a_listener_that_panics_leaves_the_state_and_the_lock_as_a_kill_does() {
    let mut story = Story::new();
    let quiet = story.world.settings.events.clone();
    story.world.settings.parallel = 1;
    story.world.settings.events = Events::to(|event| {
        assert!(!matches!(event, Event::StepEnded { step, .. } if step.index() == 1), "the listener falls over");
    });
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| story.run(estate(false))));
    assert!(panicked.is_err());
    story.world.settings.events = quiet;
    assert!(!story.world.snapshot().unwrap().records.is_empty(), "what was done is recorded");
    story.apply(estate(false));
    let mut expected = Story::new();
    expected.apply(estate(false));
    assert_eq!(story.objects(), expected.objects());
}

/// A first run that was killed after it had made something, and before that was recorded.
pub(crate) fn killed_before_it_is_recorded(program: fn(&mut Stack), prepare: impl Fn(&mut Story)) -> Story {
    let killed = |boundary| {
        let mut story = Story::in_yard();
        prepare(&mut story);
        story.world.crash_at(boundary, Crash::Before);
        assert!(story.try_run(program, Goal::Declared).unwrap().is_none(), "no kill comes between");
        story
    };
    (0..).map(killed).find(|story| !story.objects().is_empty()).unwrap()
}

/// A run that was killed after a stone was set, and before that was recorded: nothing on it says whose it is.
fn killed_while_a_stone_was_set() -> Story {
    let mut story = killed_before_it_is_recorded(stone, |_| ());
    assert_eq!(story.calls(), ["create yard:stone/mile"]);
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1);
    story
}

#[test]
fn what_has_no_mark_and_is_as_it_was_to_be_is_what_the_killed_run_made() {
    let mut story = killed_while_a_stone_was_set();
    assert_snapshot!(story.plan(stone), @"
    ! yard:stone/mile was made by an interrupted run
    1 unchanged.
    ");
    assert_eq!(story.apply(stone), [""; 0]);
    assert_eq!(story.objects(), ["yard:stone/mile"]);
}

#[test]
fn what_has_no_mark_and_is_otherwise_stops_the_next_run_until_a_person_decides() {
    let undecided = || {
        let mut story = killed_while_a_stone_was_set();
        story.yard.change::<Stone>("mile", |spec, _| spec.text = "13".into());
        let refused = story.try_plan(stone, Goal::Declared).unwrap_err();
        (story, said(&refused))
    };
    let (mut story, refused) = undecided();
    assert_snapshot!(refused, @"
    an interrupted run was making `yard:stone/mile`, and it can't be told whether `mile` is what it made
    hint: if it is, `import yard:stone/mile mile`; if it is not, `state forget yard:stone/mile` and choose another name
    ");
    assert!(story.run(stone).is_err());
    assert_eq!(story.calls(), [""; 0]);

    // It is what the run made.
    let stack = story.stack(stone);
    story.world.block_on(story.world.engine().import(&stack, "yard:stone/mile", "mile")).unwrap();
    assert_snapshot!(story.plan(stone), @"
    ~ yard:stone/mile
        text: 13 → 12
    1 to update.
    ");
    assert_eq!(story.apply(stone), ["update yard:stone/mile"]);

    // It is not.
    let (mut story, _) = undecided();
    story.world.block_on(story.world.engine().forget("yard:stone/mile")).unwrap();
    assert_snapshot!(story.plan(stone), @"
    problem: `yard:stone/mile`: an object named `mile` exists already, and this stack does not own it  (FILE:LINE)
      hint: take it over with `.adopt()` or `import yard:stone/mile id-1`
    1 problem: nothing can be applied until it is solved.
    ");
    let renamed = |stack: &mut Stack| {
        stack.add(Stone::new("mile").named("mile-2").text("12"));
    };
    assert_eq!(story.apply(renamed), ["create yard:stone/mile-2"]);
    assert_eq!(story.destroy(renamed), ["delete yard:stone/mile-2"]);
    assert_eq!(story.objects(), ["yard:stone/mile"]);
}

#[test]
fn a_secret_that_can_not_be_read_back_is_not_written_again_after_a_kill() {
    let program = |stack: &mut Stack| drop(stack.add(Note::new("login", Secret::new("hunter2".to_owned()))));
    for crash in [Crash::Before, Crash::After] {
        for boundary in 0.. {
            let mut story = Story::new();
            story.world.crash_at(boundary, crash);
            let ended = story.try_run(program, Goal::Declared).unwrap();
            story.apply(program);
            assert_eq!(story.objects(), ["lab:note/login"]);
            if ended.is_some() {
                break;
            }
            let text = story.plan(program);
            assert!(text.starts_with("Nothing to do"), "{crash:?} {boundary}: {text}");
        }
    }
}

#[test]
fn object_that_a_killed_run_deleted_is_not_recorded_any_more() {
    let key = |stack: &mut Stack| drop(stack.add(Password::new("key")));
    let programs: [&dyn Fn(&mut Stack); 2] = [&post, &key];
    let plans = programs.map(|program| {
        let mut story = Story::in_yard();
        story.apply(program);
        // What it had begun is durable, and what came of it is not.
        story.world.crash_at(1, Crash::Before);
        assert!(story.try_run(|_: &mut Stack| (), Goal::Declared).unwrap().is_none());
        assert_eq!((story.objects(), story.world.snapshot().unwrap().pending.len()), (vec![], 1));
        story.plan(|_| ())
    });
    assert_snapshot!(plans.join("\n"), @"
    ! yard:post/gate was deleted by an interrupted run
    Only outputs and old objects change.
    ! random:password/key was deleted by an interrupted run
    Only outputs and old objects change.
    ");
}

#[test]
fn interrupted_create_of_what_can_not_be_read_is_not_repeated() {
    let note = |stack: &mut Stack| drop(stack.add(Note::new("n", "hunter2")));
    at_each_kill(|crash, boundary| {
        let mut story = Story::new();
        story.world.crash_at(boundary, crash);
        let ended = story.try_run(note, Goal::Declared).unwrap();
        let is_pending = story.world.snapshot().is_some_and(|state| !state.pending.is_empty());
        if is_pending && !story.objects().is_empty() {
            story.world.change::<Note>("n", |spec| spec.data = Secret::new("********".into()));
        }
        let mut calls = story.calls();
        calls.extend(story.apply(note));
        assert_eq!(calls, ["create lab:note/n"], "{crash:?} {boundary}");
        ended.is_none()
    });
}
