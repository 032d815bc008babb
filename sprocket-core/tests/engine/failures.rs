//! Failures: what is left, what is said, and that the same command then finishes.

use std::time::Duration;

use sprocket_core::engine::Goal;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::Stack;
use sprocket_core::testing::Fail;

use super::fake_kinds::{Post, Sign};
use super::fake_service::Trouble;
use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, said, told};
use super::unfinished::post;

/// `a` → `b` → `c`, and `d` on its own.
pub(crate) fn chain(stack: &mut Stack) {
    let a = stack.add(Net::new("a"));
    let b = stack.add(Net::new("b").parent(&a.id));
    stack.add(Net::new("c").parent(&b.id));
    stack.add(Net::new("d"));
}

#[test]
fn after_a_failure_nothing_new_starts() {
    let mut story = Story::new();
    story.world.settings.parallel = 1;
    story.world.fail("create", "b", Fail::Before(ErrorKind::Invalid));
    let report = story.run(chain).unwrap();
    assert_snapshot!(told(&report), @"
    create lab:net/a Done
    create lab:net/b failed: the test refused `create` of `b`
    create lab:net/c NotStarted
    create lab:net/d NotStarted
    ");
    story.apply(chain);
    assert_eq!(story.world.objects().len(), 4);
}

#[test]
fn independent_steps_go_on_if_that_is_asked_for() {
    let mut story = Story::new();
    story.world.settings.parallel = 1;
    story.world.settings.continue_on_error = true;
    story.world.fail("create", "b", Fail::Before(ErrorKind::Denied));
    let report = story.run(chain).unwrap();
    assert_snapshot!(told(&report), @"
    create lab:net/a Done
    create lab:net/b failed: the test refused `create` of `b`
    create lab:net/c NotStarted
    create lab:net/d Done
    ");
    story.apply(chain);
}

#[test]
fn a_failed_update_keeps_what_was_recorded() {
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image));
        }
    };
    let mut story = Story::new();
    story.apply(app("app:1"));
    story.world.fail("update", "web", Fail::Before(ErrorKind::Invalid));
    story.run(app("app:2")).unwrap();
    assert!(story.plan(app("app:1")).starts_with("Nothing to do"));
    assert_snapshot!(story.plan(app("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    1 to update.
    ");
    story.apply(app("app:2"));
}

#[test]
fn what_never_gets_ready_fails_and_is_waited_for_again() {
    let app = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1"));
    };
    let mut story = Story::new();
    story.world.fail("ready", "web", Fail::Before(ErrorKind::Unready));
    let report = story.run(app).unwrap();
    assert_snapshot!(told(&report), @"create lab:app/web failed: the test refused `ready` of `web`");
    assert_snapshot!(story.plan(app), @"
    ~ lab:app/web  (made or changed by half)
    1 to update.
    ");
    assert_eq!(story.world.calls(), ["create lab:app/web"]);
    assert_eq!(story.apply(app), ["update lab:app/web"], "a rollout that its service has paused goes on");
}

#[test]
fn an_unreachable_service_drops_nothing_from_state() {
    let mut story = Story::new();
    story.apply(chain);
    let before = story.world.snapshot();
    story.world.unreachable("lab", true);
    let refused = story.try_plan(chain, Goal::Declared).unwrap_err();
    assert_snapshot!(format!("{refused}\nhint: {}", refused.hint().unwrap()), @"
    could not reach `lab`: the test refused `connect` of `lab`
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert!(story.try_plan(|_| (), Goal::Declared).is_err(), "nor is it taken for gone");
    assert_eq!(story.world.snapshot(), before);
    story.world.unreachable("lab", false);
    assert!(story.plan(chain).starts_with("Nothing to do"));
}

#[test]
fn a_list_that_fails_is_not_an_empty_one() {
    let mut story = Story::new();
    story.apply(chain);
    story.world.fail("list", "lab:net", Fail::Before(ErrorKind::Denied));
    let refused = story.try_plan(chain, Goal::Declared).unwrap_err();
    assert_snapshot!(refused, @"could not read lab:net from `lab`: the test refused `list` of `lab:net`");
}

#[test]
fn a_delete_that_fails_stops_the_deletes_that_wait_for_it() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(chain);
    story.world.fail("delete", "b", Fail::Before(ErrorKind::Conflict));
    let report = story.try_run(|_| (), Goal::Declared).unwrap().unwrap();
    assert_snapshot!(told(&report), @"
    delete lab:net/a NotStarted
    delete lab:net/b failed: the test refused `delete` of `b`
    delete lab:net/c Done
    delete lab:net/d Done
    ");
    assert_eq!(story.world.objects(), ["lab:net/a", "lab:net/b"]);
    story.apply(|_| ());
    assert_eq!(story.world.objects(), Vec::<String>::new());
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
        said(&story.try_plan(program, Goal::Declared).unwrap_err())
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
        let refused = said(&story.try_plan(program, Goal::Declared).unwrap_err());
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

#[test]
fn what_was_not_made_is_not_recorded() {
    let mut story = Story::in_yard();
    story.world.fail("create", "gate", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(post).unwrap().succeeded());
    let state = story.world.snapshot().unwrap();
    assert!(state.records.is_empty() && state.pending.is_empty());
    assert_eq!(story.apply(post), ["create yard:post/gate"]);
}
