//! What a call leaves half done: made by half, made by nobody knows whom, or by a provider that fell over.

use std::time::Duration;

use sprocket_core::engine::Goal;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Password, Secret, Stack};
use sprocket_core::testing::{Crash, Fail};

use super::fake_service::{Post, Sign, Stone, Tent, Trouble};
use super::simulated_service::Note;
use super::story::{Story, assert_snapshot, said, told};

fn post(stack: &mut Stack) {
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

#[test]
fn what_was_not_made_is_not_recorded() {
    let mut story = Story::in_yard();
    story.world.fail("create", "gate", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(post).unwrap().succeeded());
    let state = story.world.snapshot().unwrap();
    assert!(state.records.is_empty() && state.pending.is_empty());
    assert_eq!(story.apply(post), ["create yard:post/gate"]);
}

#[test]
fn a_provider_that_falls_over_fails_its_step_and_the_next_run_finds_out_what_it_did() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let gate = stack.add(Post::new("gate").text(text));
            stack.add(Post::new("bell").beside(&gate.id));
            stack.add(Post::new("bench"));
        }
    };
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.yard.trouble("create", "gate", Trouble::Panic);
    assert_snapshot!(told(&story.run(program("open")).unwrap()), @"
    create yard:post/gate failed: the provider panicked
    create yard:post/bell NotStarted
    create yard:post/bench Done
    ");
    assert_snapshot!(story.plan(program("open")), @"
    ! yard:post/gate was not done by an interrupted run
    + yard:post/gate
        text: open
    + yard:post/bell
        neighbours: [(known after yard:post/gate)]
    2 to create, 1 unchanged.
    ");
    story.apply(program("open"));
    story.yard.trouble("update", "gate", Trouble::Panic);
    assert_eq!(story.run(program("shut")).unwrap().failures().count(), 1);
    assert_eq!(story.apply(program("shut")), ["update yard:post/gate"]);
    story.yard.trouble("delete", "gate", Trouble::Panic);
    assert_eq!(story.run(|_| ()).unwrap().failures().count(), 1);
    story.apply(|_| ());
    assert_eq!(story.objects(), [""; 0]);
}

#[test]
fn a_provider_that_falls_over_while_it_reads_is_a_refusal_and_nothing_is_taken_for_gone() {
    let mut story = Story::in_yard();
    story.apply(post);
    let before = story.world.snapshot();
    let with_sign = |stack: &mut Stack| {
        let sign = stack.look(Sign { id: "id-1".into() });
        stack.add(Post::new("gate").text("open").tag("sign", &sign));
    };
    let mut refused = |call, name, program: &dyn Fn(&mut Stack)| {
        story.yard.trouble(call, name, Trouble::Panic);
        said(&story.world.try_plan(story.connected(program), Goal::Declared).unwrap_err())
    };
    assert_snapshot!(refused("read", "gate", &post), @"
    could not read yard:post from `yard`: the provider panicked
    hint: this is a bug of the provider
    ");
    assert_snapshot!(refused("connect", "yard", &post), @"
    could not reach `yard`: the provider panicked
    hint: this is a bug of the provider
    ");
    assert_snapshot!(refused("look", "id-1", &with_sign), @"
    could not read sign from `yard`: the provider panicked
    hint: this is a bug of the provider
    ");
    assert_eq!(story.world.snapshot(), before);
    assert_eq!(story.apply(post), [""; 0]);
}

#[test]
fn of_several_reads_that_fail_the_first_in_order_is_told_whichever_fails_sooner() {
    let mut story = Story::in_yard();
    let posts = |stack: &mut Stack| ["a", "b", "c"].into_iter().for_each(|name| drop(stack.add(Post::new(name))));
    story.apply(posts);
    story.world.settings.call_limit = Duration::from_millis(50);
    let sign = |stack: &mut Stack, id: &str| stack.look(Sign { id: id.into() });
    let with_signs = |stack: &mut Stack| {
        let (first, second) = (sign(stack, "id-1"), sign(stack, "id-2"));
        stack.add(Post::new("gate").tag("first", &first).tag("second", &second));
    };
    let mut refused = |call, [hangs, panics]: [&str; 2], program: &dyn Fn(&mut Stack)| {
        story.yard.trouble(call, hangs, Trouble::Hang);
        story.yard.trouble(call, panics, Trouble::Panic);
        let refused = said(&story.world.try_plan(story.connected(program), Goal::Declared).unwrap_err());
        story.yard.inside().forget_troubles();
        refused
    };
    assert_snapshot!(refused("read", ["a", "b"], &posts), @"
    could not read yard:post from `yard`: there was no answer within 0.05 s
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert_snapshot!(refused("look", ["id-1", "id-2"], &with_signs), @"
    could not read sign from `yard`: there was no answer within 0.05 s
    hint: nothing was changed, and nothing was dropped from state
    ");
}

#[test]
fn a_service_that_never_answers_is_not_waited_for_without_end() {
    let mut story = Story::in_yard();
    story.apply(post);
    let before = story.world.snapshot();
    story.world.settings.call_limit = Duration::from_millis(50);
    let mut refused = |call, name| {
        story.yard.trouble(call, name, Trouble::Hang);
        said(&story.try_plan(post, Goal::Declared).unwrap_err())
    };
    assert_snapshot!(refused("read", "gate"), @"
    could not read yard:post from `yard`: there was no answer within 0.05 s
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert_snapshot!(refused("connect", "yard"), @"
    could not reach `yard`: there was no answer within 0.05 s
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert_eq!(story.world.snapshot(), before);
    // What it is asked to do in a run is tried again; then the run ends, and the next one finds out.
    let painted = |stack: &mut Stack| drop(stack.add(Post::new("gate").text("painted")));
    story.world.settings.retries = 1;
    (0..2).for_each(|_| story.yard.trouble("update", "gate", Trouble::Hang));
    assert_snapshot!(told(&story.run(painted).unwrap()), @"update yard:post/gate failed: there was no answer within 0.05 s");
    assert_eq!(story.apply(painted), ["update yard:post/gate"]);
}

fn stone(stack: &mut Stack) {
    stack.add(Stone::new("mile").text("12"));
}

/// A first run that was killed after it had made something, and before that was recorded.
fn killed_before_it_is_recorded(program: fn(&mut Stack), prepare: impl Fn(&mut Story)) -> Story {
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
fn object_that_a_killed_run_deleted_is_not_recorded_any_more() {
    let key = |stack: &mut Stack| drop(stack.add(Password::new("key")));
    let programs: [&dyn Fn(&mut Stack); 2] = [&post, &key];
    let plans = programs.map(|program| {
        let mut story = Story::in_yard();
        story.apply(program);
        // What it had begun is durable, and what came of it is not.
        story.world.crash_at(1, Crash::Before);
        let nothing = story.connected(&|_: &mut Stack| ());
        assert!(story.world.run(nothing, Goal::Declared).unwrap().is_none());
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
fn look_up_of_what_is_not_ready_yet_is_asked_again_once_it_is() {
    let program = |stack: &mut Stack| {
        let tent = stack.add(Tent::new("tent"));
        let sign = stack.look(tent.id.map(|id| Sign { id }));
        stack.add(Post::new("board").text(&sign));
    };
    let is_waited_for = (0..10).any(|boundary| {
        let mut story = Story::in_yard();
        story.world.crash_at(boundary, Crash::After);
        story.try_run(program, Goal::Declared).unwrap();
        let plan = story.plan(program);
        story.apply(program);
        let is_waited_for = plan.contains("yard:tent/tent  (not seen to work yet)");
        assert!(!is_waited_for || plan.contains("text: (known after yard:tent/tent)"), "{plan}");
        is_waited_for
    });
    assert!(is_waited_for);
}

#[test]
fn interrupted_create_of_what_can_not_be_read_is_not_repeated() {
    let note = |stack: &mut Stack| drop(stack.add(Note::new("n", "hunter2")));
    for crash in [Crash::Before, Crash::After] {
        for boundary in 0.. {
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
            if ended.is_some() {
                break;
            }
        }
    }
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
