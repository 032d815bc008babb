//! Failures and kills: what is tried again, what is left, and that the same command then finishes.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use sprocket_core::engine::{Event, Events, Goal, Refused};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::state::{Fault, MemoryStore};
use sprocket_core::testing::{Crash, Fail};

use super::simulated_service::{App, Conf, Disk, Net, Note};
use super::story::{Story, assert_snapshot, told};

/// An estate, before and after a change of almost everything in it.
fn estate(is_new: bool) -> impl Fn(&mut Stack) {
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
    for crash in [Crash::Before, Crash::After] {
        for boundary in 0.. {
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
            if !killed {
                break;
            }
        }
    }
    assert!(survived >= 4, "{survived}");
}

#[test]
fn a_state_that_can_not_be_written_stops_the_run_and_loses_nothing() {
    let program = estate(true);
    let mut expected = Story::new();
    expected.apply(&program);
    for fault in [Fault::Before, Fault::After, Fault::Full, Fault::LostBefore, Fault::LostAfter] {
        for write in 1.. {
            let (story, store) = (Story::new(), MemoryStore::new());
            store.fail(write, fault);
            let first = story.run_on(&store, &program);
            if store.writes() < write {
                assert!(first.unwrap().succeeded() && write > 5);
                break;
            }
            match &first {
                Ok(report) => assert!(report.state_failure.is_some() && !report.succeeded(), "{report:#?}"),
                Err(refused) => assert!(matches!(refused, Refused::Store(_)), "{refused:?}"),
            }
            store.make_room();
            let again = story.run_on(&store, &program).unwrap();
            assert!(again.succeeded(), "{fault:?} at write {write}:\n{}", told(&again));
            assert_eq!(story.objects(), expected.objects(), "{fault:?} at write {write}");
            let last = story.run_on(&store, &program).unwrap();
            assert!(last.steps.is_empty(), "{fault:?} at write {write}:\n{}", told(&last));
        }
    }
}

#[test]
fn a_run_whose_snapshot_can_not_be_written_has_recorded_what_it_did() {
    let program = estate(true);
    let (story, store) = (Story::new(), MemoryStore::new());
    assert!(story.run_on(&store, &program).unwrap().succeeded());
    let last = store.writes();
    // The same again, but for the last write: it is the snapshot.
    let (story, store) = (Story::new(), MemoryStore::new());
    store.fail(last, Fault::Before);
    let report = story.run_on(&store, &program).unwrap();
    assert!(report.state_failure.is_some());
    let state = store.state().unwrap();
    assert!(state.pending.is_empty(), "{:?}", state.pending.keys());
    assert_eq!(state.records.len(), report.steps.len());
}

#[test]
fn what_keeps_the_state_from_being_written_is_told() {
    let (mut story, store) = (Story::new(), MemoryStore::new());
    story.world.settings.parallel = 1;
    store.fail(3, Fault::Full);
    let report = story.run_on(&store, &estate(false)).unwrap();
    assert_snapshot!(report.state_failure.as_ref().unwrap(), @"could not append to the journal in memory: no storage space");
    assert_snapshot!(told(&report), @"
    create lab:net/edge Abandoned
    create lab:net/rim NotStarted
    create lab:conf/motd NotStarted
    create lab:app/web NotStarted
    create lab:app/api NotStarted
    create lab:net/hub NotStarted
    create lab:conf/old NotStarted
    create lab:app/old NotStarted
    ");
    store.make_room();
    store.fail(2, Fault::LostBefore);
    let report = story.run_on(&store, &estate(false)).unwrap();
    assert_snapshot!(report.state_failure.unwrap(), @"the lock on the state was lost");
    assert!(story.run_on(&store, &estate(false)).unwrap().succeeded());
}

#[test]
fn a_call_that_gets_no_answer_is_tried_again_so_often_and_one_that_is_refused_is_not() {
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge"));
    };
    let tries = |fail: Fail| {
        let mut story = Story::new();
        story.world.settings.retries = 3;
        for _ in 0..6 {
            story.world.fail("create", "edge", fail);
        }
        let report = story.run(program).unwrap();
        let retried = |event: &Event| matches!(event, Event::StepRetried { .. });
        let retries = story.world.events().into_iter().filter(retried).count();
        assert!(story.world.snapshot().unwrap().records.is_empty(), "what was not made is not recorded");
        format!("{}, tried again {retries} times", told(&report))
    };
    assert_snapshot!(tries(Fail::NoAnswer), @"create lab:net/edge failed: the answer to `create` was lost, tried again 3 times");
    assert_snapshot!(tries(Fail::Before(ErrorKind::Unavailable)), @"create lab:net/edge failed: the test refused `create` of `edge`, tried again 3 times");
    assert_snapshot!(tries(Fail::Before(ErrorKind::Invalid)), @"create lab:net/edge failed: the test refused `create` of `edge`, tried again 0 times");
    assert_snapshot!(tries(Fail::Before(ErrorKind::Conflict)), @"create lab:net/edge failed: the test refused `create` of `edge`, tried again 0 times");
}

#[test]
fn a_resource_may_have_a_time_limit_of_its_own() {
    let program = |limit: Option<u64>| {
        move |stack: &mut Stack| {
            let app = App::new("web", "app:1");
            let limit = limit.map(Duration::from_millis);
            stack.add(if let Some(limit) = limit { app.time_limit(limit) } else { app });
        }
    };
    let causes = |general: u64, own: Option<u64>| {
        let mut story = Story::new();
        story.world.settings.call_limit = Duration::from_millis(general);
        story.world.fail("create", "web", Fail::Hang);
        story.apply(program(own));
        let events = story.world.events().into_iter();
        let causes = events.filter_map(|event| match event {
            Event::StepRetried { cause, .. } => Some(cause),
            _ => None,
        });
        causes.collect::<Vec<_>>()
    };
    // The engine's limit is for who has none; else it would be waited for an hour.
    assert_snapshot!(causes(20, None).join("\n"), @"there was no answer within 0.02 s");
    assert_snapshot!(causes(3_600_000, Some(20)).join("\n"), @"there was no answer within 0.02 s");
}

#[test]
fn an_object_that_is_replaced_is_deleted_within_its_own_time_limit() {
    let app = |global: bool| {
        move |stack: &mut Stack| {
            let app = App::new("web", "app:1").time_limit(Duration::from_millis(20));
            stack.add(if global { app.global() } else { app });
        }
    };
    let mut story = Story::new();
    story.apply(app(false));
    let hour = Duration::from_secs(3600);
    (story.world.settings.call_limit, story.world.settings.ready_limit) = (hour, hour);
    story.world.fail("delete", "web", Fail::Hang);
    assert_eq!(story.apply(app(true)), ["delete lab:app/web", "create lab:app/web"]);
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

#[test]
fn retries_of_calls_that_failed_together_are_spread_out() {
    let mut story = Story::new();
    story.world.settings.retry_wait = Duration::from_millis(20);
    let names: Vec<String> = (0..8).map(|number| format!("net-{number}")).collect();
    names.iter().for_each(|name| story.world.fail("create", name, Fail::NoAnswer));
    story.apply(|stack| names.iter().for_each(|name| drop(stack.add(Net::new(name)))));
    let waits = story.world.events().into_iter().filter_map(|event| match event {
        Event::StepRetried { wait, .. } => Some(wait),
        _ => None,
    });
    let waits: Vec<Duration> = waits.collect();
    let (first, last) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
    assert_eq!(waits.len(), 8);
    assert!(first >= Duration::from_millis(10) && last <= Duration::from_millis(20), "{waits:?}");
    assert!(last - first > Duration::from_millis(3), "{waits:?}");
}

#[test]
fn id_of_what_has_gone_is_that_of_another_resource_whose_owner_tag_it_bears() {
    use super::fake_service::Post;
    let posts = |names: &'static [&'static str]| {
        move |stack: &mut sprocket_core::program::Stack| names.iter().for_each(|name| drop(stack.add(Post::new(name))))
    };
    let mut story = super::story::Story::in_yard();
    story.apply(posts(&["a"]));
    story.yard.remove::<Post>("a");
    story.yard.mint_again();
    story.world.settings.continue_on_error = true;
    story.world.fail("create", "a", sprocket_core::testing::Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    assert!(!story.run(posts(&["a", "b"])).unwrap().succeeded());
    assert_eq!(story.calls(), ["create yard:post/b"]);
    let ids = |story: &super::story::Story| {
        let records = story.world.snapshot().unwrap().records;
        records.values().filter_map(|record| Some(record.object.as_ref()?.id.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(ids(&story), ["id-1", "id-1"]);
    assert_eq!(story.apply(posts(&["a", "b"])), ["create yard:post/a"]);
}
