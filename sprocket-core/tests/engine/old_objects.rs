//! Old objects: what was replaced and could not be deleted is deleted later, whatever else happens.

use sprocket_core::engine::{Event, Events, Goal};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::Stack;
use sprocket_core::testing::Fail;

use super::simulated_service::{App, Conf, Net, NetSpec};
use super::story::{Story, assert_snapshot, at_each_kill, told};

#[test]
fn an_old_object_that_can_not_be_deleted_is_deleted_by_the_next_run() {
    let motd = |text: &'static str| {
        move |stack: &mut Stack| {
            let motd = stack.add(Conf::new("motd", text));
            stack.add(App::new("web", "app:1").uses(&motd.id));
        }
    };
    let mut story = Story::new();
    story.apply(motd("one"));
    let old = story.world.objects().into_iter().find(|name| name.contains("motd")).unwrap();
    story.world.fail("delete", old.rsplit('/').next().unwrap(), Fail::Before(ErrorKind::Denied));
    story.run(motd("two")).unwrap();
    assert_eq!(story.world.objects().len(), 3, "the new one is used, the old one is still there");
    assert_snapshot!(story.plan(motd("two")), @"
    - lab:conf/motd `motd-eba6d8217c557433`  (replaced)
    2 unchanged.
    ");
    assert_snapshot!(story.plan(motd("one")), @"
    ± lab:conf/motd `motd-eba6d8217c557433`  (the earlier one is used again)
        data: two → one  (needs a new one)
    - lab:conf/motd `motd-e6ec49da6c13a5a5`  (replaced)
    ~ lab:app/web
        used[0]: conf#3 → conf#1
    1 to update, 1 to restore.
    ");
    story.apply(motd("one"));
    assert_eq!(story.world.objects().len(), 2);
    assert!(story.world.objects().contains(&old), "the first content has its first name again");
}

/// The network of this subnet, and an app on it.
fn app_on(subnet: &'static str) -> impl Fn(&mut Stack) {
    move |stack| {
        let edge = stack.add(Net::new("edge").subnet(subnet));
        stack.add(App::new("web", "app:1").net(&edge.id));
    }
}

#[test]
fn several_old_objects_wait_to_be_deleted() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(app_on("10.0.0.0/24"));
    for (number, subnet) in (1..).zip(["10.0.1.0/24", "10.0.2.0/24"]) {
        for old in ["edge", "edge-2"].iter().take(number) {
            story.world.fail("delete", old, Fail::Before(ErrorKind::Conflict));
        }
        let report = story.run(app_on(subnet)).unwrap();
        assert_eq!(report.failures().count(), number, "{}", told(&report));
    }
    story.calls();
    assert_eq!(story.objects(), ["lab:app/web", "lab:net/edge", "lab:net/edge-2", "lab:net/edge-3"]);
    assert_snapshot!(story.plan(app_on("10.0.2.0/24")), @"
    - lab:net/edge  (replaced)
    - lab:net/edge `edge-2`  (replaced)
    2 unchanged.
    ");
    assert_eq!(story.apply(app_on("10.0.2.0/24")), ["delete lab:net/edge", "delete lab:net/edge-2"]);
}

#[test]
fn an_old_object_is_deleted_while_the_new_one_changes_and_neither_is_lost() {
    let labelled = |label: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Net::new("edge").subnet("10.0.1.0/24").label("tier", label));
        }
    };
    at_each_kill(|crash, boundary| {
        let mut story = Story::new();
        story.world.settings.continue_on_error = true;
        story.apply(|stack| {
            stack.add(Net::new("edge"));
        });
        story.world.fail("delete", "edge", Fail::Before(ErrorKind::Conflict));
        assert!(!story.run(labelled("one")).unwrap().succeeded());
        story.world.crash_at(boundary, crash);
        let killed = story.try_run(labelled("two"), Goal::Declared).unwrap().is_none();
        story.apply(labelled("two"));
        assert_eq!(story.objects(), ["lab:net/edge-2"], "a kill {crash:?} boundary {boundary}");
        assert_eq!(story.world.spec::<Net>("edge-2").unwrap().labels["tier"], "two");
        killed
    });
}

#[test]
fn an_old_object_that_has_gone_by_itself_is_no_longer_recorded() {
    let mut story = Story::new();
    story.apply(app_on("10.0.0.0/24"));
    story.world.fail("delete", "edge", Fail::Before(ErrorKind::Conflict));
    assert!(!story.run(app_on("10.0.1.0/24")).unwrap().succeeded());
    story.calls();
    story.world.remove("lab:net", "edge");
    assert_snapshot!(story.plan(app_on("10.0.1.0/24")), @"
    - lab:net/edge  (it has gone)
    1 to forget, 2 unchanged.
    ");
    assert_eq!(story.apply(app_on("10.0.1.0/24")), [""; 0]);
    assert_eq!(story.world.snapshot().unwrap().records[&"lab:net/edge".into()].old.len(), 0);
}

/// A message of the day whose first object could not be deleted, and an app that uses the second one.
fn left_behind(motd: impl Fn(&mut Stack, &'static str)) -> (Story, String) {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(|stack| motd(stack, "one"));
    let first = story.objects().iter().find_map(|object| object.strip_prefix("lab:conf/").map(str::to_owned)).unwrap();
    story.world.fail("delete", &first, Fail::Before(ErrorKind::Denied));
    assert!(!story.run(|stack| motd(stack, "two")).unwrap().succeeded());
    story.calls();
    (story, first)
}

#[test]
fn an_earlier_content_that_comes_back_gets_what_has_changed_since() {
    let motd = |label: &'static str| {
        move |stack: &mut Stack, text: &'static str| {
            let motd = stack.add(Conf::new("motd", text).label("tier", label));
            stack.add(App::new("web", "app:1").uses(&motd.id));
        }
    };
    let (mut story, first) = left_behind(motd("back"));
    let again = |stack: &mut Stack| motd("front")(stack, "one");
    assert_snapshot!(story.plan(again), @"
    ± lab:conf/motd `motd-eba6d8217c557433`  (the earlier one is used again)
        data: two → one  (needs a new one)
    ~ lab:conf/motd `motd-eba6d8217c557433`
        labels.tier: back → front
    - lab:conf/motd `motd-e6ec49da6c13a5a5`  (replaced)
    ~ lab:app/web
        used[0]: conf#3 → conf#1
    2 to update, 1 to restore.
    ");
    assert_snapshot!(story.apply(again).join("\n"), @"
    update lab:conf/motd-eba6d8217c557433
    update lab:app/web
    delete lab:conf/motd-e6ec49da6c13a5a5
    ");
    assert_eq!(story.world.spec::<Conf>(&first).unwrap().labels["tier"], "front");
}

#[test]
fn an_earlier_content_that_comes_back_and_has_gone_is_made_again() {
    let motd = |stack: &mut Stack, text: &'static str| {
        let motd = stack.add(Conf::new("motd", text));
        stack.add(App::new("web", "app:1").uses(&motd.id));
    };
    let (mut story, first) = left_behind(motd);
    story.world.remove("lab:conf", &first);
    let again = |stack: &mut Stack| motd(stack, "one");
    assert_snapshot!(story.plan(again), @"
    - lab:conf/motd `motd-eba6d8217c557433`  (it has gone)
    ± lab:conf/motd `motd-eba6d8217c557433`  (a new one takes its place)
        data: two → one  (needs a new one)
    - lab:conf/motd `motd-e6ec49da6c13a5a5`  (replaced)
    ~ lab:app/web
        used[0]: conf#3 → (known after lab:conf/motd)
    1 to update, 1 to replace, 1 to forget.
    ");
    story.apply(again);
    assert!(story.objects().contains(&format!("lab:conf/{first}")));
}

#[test]
fn an_earlier_content_that_somebody_has_changed_is_not_used_again() {
    let motd = |stack: &mut Stack, text: &'static str| drop(stack.add(Conf::new("motd", text)));
    let (mut story, first) = left_behind(motd);
    story.world.change::<Conf>(&first, |spec| spec.data = "three".into());
    assert_snapshot!(story.plan(|stack| motd(stack, "one")), @"
    - lab:conf/motd `motd-eba6d8217c557433`  (replaced)
    problem: `lab:conf/motd`: is to be `motd-eba6d8217c557433` again, and somebody else has changed `data` of that  (FILE:LINE)
      hint: remove that object, or change the content
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn old_generation_that_fits_again_is_used_again() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(app_on("10.0.0.0/24"));
    story.world.fail("delete", "edge", Fail::Before(ErrorKind::Conflict));
    assert!(!story.run(app_on("10.0.1.0/24")).unwrap().succeeded());
    story.calls();
    assert_snapshot!(story.plan(app_on("10.0.0.0/24")), @"
    ± lab:net/edge  (the earlier one is used again)
        subnet: 10.0.1.0/24 → 10.0.0.0/24  (needs a new one)
    - lab:net/edge `edge-2`  (replaced)
    ~ lab:app/web
        nets[0]: net#3 → net#1
    1 to update, 1 to restore.
    ");
    assert_eq!(story.apply(app_on("10.0.0.0/24")), ["update lab:app/web", "delete lab:net/edge-2"]);
    assert_eq!(story.objects(), ["lab:app/web", "lab:net/edge"]);
    // And forth again: a new one has the next name that is free.
    assert_eq!(
        story.apply(app_on("10.0.1.0/24")),
        ["create lab:net/edge-2", "update lab:app/web", "delete lab:net/edge"]
    );
}

#[test]
fn old_generation_is_not_used_again_where_a_new_one_is_asked_for() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(app_on("10.0.0.0/24"));
    story.world.fail("delete", "edge", Fail::Before(ErrorKind::Conflict));
    assert!(!story.run(app_on("10.0.1.0/24")).unwrap().succeeded());
    let wanted = app_on("10.0.0.0/24");
    let request = sprocket_core::engine::Request::from(Goal::Declared).replace(["lab:net/edge"]);
    let plan = story.try_plan(&wanted, request).unwrap();
    assert!(plan.to_string().contains("lab:net/edge `edge-3`"), "{plan}");
}

#[test]
fn old_objects_stay_with_what_is_imported() {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(app_on("10.0.0.0/24"));
    story.world.fail("delete", "edge", Fail::Before(ErrorKind::Conflict));
    assert!(!story.run(app_on("10.0.1.0/24")).unwrap().succeeded());
    // The current object goes, and that is accepted.
    story.world.remove("lab:net", "edge-2");
    let program = app_on("10.0.1.0/24");
    let stack = story.stack(&program);
    let engine = story.world.engine();
    let plan = story.plan_of(&program);
    story.world.block_on(engine.accept(&stack, &plan)).unwrap();
    story.world.put::<Net>("rim", NetSpec::of("10.0.1.0/24"));
    story.world.block_on(engine.import(&stack, "lab:net/edge", "rim")).unwrap();
    story.calls();
    story.apply(&program);
    assert_eq!(story.objects(), ["lab:app/web", "lab:net/rim"], "the old one is deleted");
}

#[test]
fn old_generation_that_is_used_again_leaves_no_other_behind() {
    let net = |subnet: &'static str| move |stack: &mut Stack| drop(stack.add(Net::new("edge").subnet(subnet)));
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(net("10.0.0.0/24"));
    for subnet in ["10.0.1.0/24", "10.0.2.0/24"] {
        for old in ["edge", "edge-2"] {
            story.world.fail("delete", old, Fail::Before(ErrorKind::Denied));
        }
        assert!(!story.run(net(subnet)).unwrap().succeeded());
    }
    assert_eq!(story.objects(), ["lab:net/edge", "lab:net/edge-2", "lab:net/edge-3"]);
    story.run(net("10.0.0.0/24")).unwrap();
    story.apply(net("10.0.0.0/24"));
    assert_eq!(story.objects(), ["lab:net/edge"]);
}

#[test]
fn old_generation_that_somebody_changes_during_a_run_is_not_updated() {
    use super::fake_kinds::{Base, Pipe};
    let pipe = |width: u64, text: &'static str| {
        move |stack: &mut Stack| drop(stack.add(Pipe::new("a").base(Base::default().width(width)).text(text)))
    };
    let mut story = Story::in_yard();
    story.apply(pipe(1, "one"));
    story.world.fail("delete", "a", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(pipe(2, "one")).unwrap().succeeded());
    let yard = story.yard.clone();
    story.world.settings.events = Events::to(move |event| {
        if matches!(event, Event::ApplyStarted { .. }) {
            yard.change::<Pipe>("a", |spec, _| spec.text = "by hand".into());
        }
    });
    let report = story.run(pipe(1, "two")).unwrap();
    assert!(told(&report).contains("update yard:pipe/a failed: it is not as it was"), "{}", told(&report));
    assert_eq!(story.yard.spec::<Pipe>("a").text, "by hand");
}
