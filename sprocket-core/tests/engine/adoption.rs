//! What exists already: taken over, looked up, or in the way.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::kind::{ErrorKind, OwnerTag};
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Post};
use super::simulated_service::{App, Conf, ConfSpec, Net, NetSpec};
use super::story::{Story, assert_snapshot, edge, said, told};

#[test]
fn an_object_of_somebody_else_is_not_touched() {
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    assert_snapshot!(story.plan(edge), @"
    problem: `lab:net/edge`: an object named `edge` exists already, and this stack does not own it  (FILE:LINE)
      hint: take it over with `.adopt()` or `import lab:net/edge net#1`
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(edge).is_err());
    assert_eq!(story.world.calls(), Vec::<String>::new());
}

#[test]
fn an_object_without_an_owner_is_taken_over_when_asked_for() {
    let mut story = Story::new();
    let mut live = NetSpec::of("10.0.0.0/24");
    live.labels.insert("by".into(), "hand".into());
    story.world.put::<Net>("edge", live);
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge").adopt());
    };
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge  (taken over)
        labels.by: hand → (none)
    1 to take over.
    ");
    assert_eq!(story.apply(program), ["update lab:net/edge"]);
    assert_eq!(story.world.spec::<Net>("edge"), Some(NetSpec::of("10.0.0.0/24")));
}

#[test]
fn what_can_not_become_as_declared_is_not_taken_over() {
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.9.0.0/24"));
    let program = |stack: &mut Stack| {
        stack.add(Net::new("edge").adopt());
    };
    assert_snapshot!(story.plan(program), @"
    problem: `lab:net/edge`: `edge` can't be taken over: its `subnet` is different, and can't be changed  (FILE:LINE)
      hint: declare it as it is, or choose another name with `.named(…)`
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn what_somebody_made_in_the_meantime_is_told_when_it_is_in_the_way() {
    let mut story = Story::new();
    // Between the plan and the run: nothing is called.
    let plan = story.plan_of(edge);
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    let refused = story.world.apply_plan(story.connected(&edge), &plan).unwrap_err();
    assert_snapshot!(said(&refused), @"
    the plan is stale: `lab:net/edge`: an object named `edge` exists already, and this stack does not own it
    hint: nothing was changed; plan again
    ");
    assert_eq!(story.calls(), [""; 0]);

    // During the run: the step fails, and the next plan says what to do.
    let mut story = Story::new();
    story.world.fail("create", "edge", Fail::Before(ErrorKind::AlreadyExists));
    let report = story.run(edge).unwrap();
    assert_snapshot!(told(&report), @"create lab:net/edge failed: the test refused `create` of `edge`");
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    assert_snapshot!(story.plan(edge), @"
    problem: `lab:net/edge`: an object named `edge` exists already, and this stack does not own it  (FILE:LINE)
      hint: take it over with `.adopt()` or `import lab:net/edge net#1`
    1 problem: nothing can be applied until it is solved.
    ");
    story.apply(|stack| {
        stack.add(Net::new("edge").adopt());
    });
}

#[test]
fn what_has_gone_and_left_its_name_to_another_is_a_problem_of_the_plan() {
    let mut story = Story::new();
    story.apply(edge);
    story.world.remove("lab:net", "edge");
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    assert_snapshot!(story.plan(edge), @"
    problem: `lab:net/edge`: has gone, and another object is named `edge` now  (FILE:LINE)
      hint: remove that; or take it over: `state forget lab:net/edge`, and declare it with `.adopt()`
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(edge).is_err());
    let engine = story.world.engine();
    story.world.block_on(engine.forget("lab:net/edge")).unwrap();
    assert_eq!(story.apply(|stack| drop(stack.add(Net::new("edge").adopt()))), ["update lab:net/edge"]);

    // Also of a kind that is read one by one.
    let post = |stack: &mut Stack| drop(stack.add(Post::new("gate")));
    let mut one = Story::in_yard();
    let mut other = Story::in_yard_of(&one);
    one.apply(post);
    one.yard.remove::<Post>("gate");
    other.apply(post);
    assert_snapshot!(one.plan(post), @"
    problem: `yard:post/gate`: has gone, and another object is named `gate` now  (FILE:LINE)
      hint: another stack owns that: remove it there, or choose another name here: `state forget` this one, and `.named(…)`
    1 problem: nothing can be applied until it is solved.
    ");
    assert_eq!(other.destroy(post), ["delete yard:post/gate"]);
    assert_eq!(one.apply(post), ["create yard:post/gate"]);
}

#[test]
fn a_new_name_that_another_has_is_a_problem_of_the_plan() {
    let program = |subnet: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge").subnet(subnet));
            stack.add(App::new("web", "app:1").net(&edge.id));
        }
    };
    let mut story = Story::new();
    story.apply(program("10.0.0.0/24"));
    story.world.put::<Net>("edge-2", NetSpec::of("10.0.0.0/24"));
    assert_snapshot!(story.plan(program("10.0.1.0/24")), @"
    problem: `lab:net/edge`: is to be replaced by `edge-2`, and an object of that name exists already  (FILE:LINE)
      hint: remove it, take it over with `.adopt()`, or give this one another name with `.named(…)`
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(program("10.0.1.0/24")).is_err());
    assert!(story.plan(program("10.0.0.0/24")).starts_with("Nothing to do"));
    story.world.remove("lab:net", "edge-2");
    assert_eq!(
        story.apply(program("10.0.1.0/24")),
        ["create lab:net/edge-2", "update lab:app/web", "delete lab:net/edge"]
    );
    // The other one may be the stack's own.
    let two = |subnet: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Net::new("edge").subnet(subnet));
            stack.add(Net::new("edge-3"));
        }
    };
    story.apply(two("10.0.1.0/24"));
    assert!(
        story.plan(two("10.0.2.0/24")).contains("needs the name `edge-3`, and the object of `lab:net/edge-3` has it")
    );
}

#[test]
fn a_name_that_is_pinned_now_counts_for_the_next_object_and_the_plan_says_so() {
    let pinned = |stack: &mut Stack| {
        stack.add(Post::new("gate").named("main-gate"));
    };
    let mut story = Story::in_yard();
    story.apply(|stack| drop(stack.add(Post::new("gate"))));
    assert_snapshot!(story.plan(pinned), @"
    warning: `yard:post/gate`: stays as `gate` until it is replaced, whatever `.named` says now  (FILE:LINE)
      hint: `--replace yard:post/gate` makes a new one of that name
    Nothing to do: 1 resource is as declared.
    ");
    let program = story.connected(&pinned);
    let request = Request::from(Goal::Declared).replace(["yard:post/gate"]);
    let plan = story.world.try_plan(&program, request).unwrap();
    story.world.apply_plan(program, &plan).unwrap();
    assert_eq!(story.objects(), ["yard:post/main-gate"]);
    assert_snapshot!(story.plan(pinned), @"Nothing to do: 1 resource is as declared.");
}

#[test]
fn what_another_stack_owns_is_left_to_it_even_when_it_is_asked_for() {
    let post = |stack: &mut Stack| {
        stack.add(Post::new("gate"));
    };
    let adopting = |stack: &mut Stack| {
        stack.add(Post::new("gate").adopt());
    };
    let mut one = Story::in_yard();
    let mut other = Story::in_yard_of(&one);
    one.apply(post);
    assert_snapshot!(other.plan(adopting), @"
    problem: `yard:post/gate`: an object named `gate` exists already, and another stack owns it  (FILE:LINE)
      hint: choose another name with `.named(…)`, or remove it from the other stack first
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(other.run(adopting).is_err());
    assert_eq!(other.calls(), [""; 0]);
    // The owner has nothing to do about it, and may give it up.
    assert_eq!(one.apply(|_| ()), ["delete yard:post/gate"]);
    assert_eq!(other.apply(adopting), ["create yard:post/gate"]);
}

#[test]
fn adoption_looks_for_the_names_of_contents() {
    let conf = |text: &'static str, adopt: bool| {
        move |stack: &mut Stack| {
            let conf = Conf::new("motd", text);
            stack.add(if adopt { conf.adopt() } else { conf });
        }
    };
    let name = {
        let mut story = Story::new();
        story.apply(conf("hello", false));
        story.objects()[0].strip_prefix("lab:conf/").unwrap().to_owned()
    };
    let content = || ConfSpec { data: "hello".into(), labels: [].into() };
    let theirs = || Some(OwnerTag { lineage: "theirs".into(), record: "1".into() });
    for has_earlier in [false, true] {
        let mut story = Story::new();
        if has_earlier {
            story.apply(conf("bye", false));
        }
        story.world.put::<Conf>(&name, content());
        story.calls();
        let problem = |story: &mut Story, adopt| {
            let program = conf("hello", adopt);
            let plan = story.plan_of(program);
            assert_eq!(plan.problems.len(), 1, "{plan}");
            assert!(story.run(program).is_err());
            plan.problems[0].message.clone()
        };
        story.world.set_owner("lab:conf", &name, theirs());
        assert!(problem(&mut story, false).contains(&name));
        assert!(problem(&mut story, true).contains(&name));
        story.world.set_owner("lab:conf", &name, None);
        assert!(problem(&mut story, false).contains(&name));
        let calls = story.apply(conf("hello", true));
        assert_eq!(calls.len(), 1 + usize::from(has_earlier), "{calls:?}");
        assert_eq!(story.objects(), [format!("lab:conf/{name}")]);
    }
}

#[test]
fn objects_of_one_name_are_not_adopted() {
    let mut story = Story::new();
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    story.world.put::<Net>("edge", NetSpec::of("10.0.0.0/24"));
    let program = |stack: &mut Stack| drop(stack.add(Net::new("edge").adopt()));
    let plan = story.plan(program);
    assert!(plan.contains("`lab:net/edge`: 2 objects are named `edge`"), "{plan}");
    assert!(plan.contains("hint: delete all but one, or choose another name with `.named(…)`"), "{plan}");
    assert!(story.run(program).is_err());
}

#[test]
fn content_that_was_left_in_place_is_taken_back_when_it_is_wanted_again() {
    let conf = |text: &'static str| move |stack: &mut Stack| drop(stack.add(Conf::new("motd", text).keep_on_delete()));
    let mut story = Story::new();
    story.apply(conf("one"));
    story.apply(conf("two"));
    let both = story.objects();
    assert_eq!(both.len(), 2);
    story.apply(conf("one"));
    assert_eq!(story.objects(), both);
}

#[test]
fn content_that_is_replaced_stays_until_another_is_taken_over() {
    let conf = |text: &'static str| move |stack: &mut Stack| drop(stack.add(Conf::new("motd", text).adopt()));
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(conf("hello"));
    let name = story.objects()[0].strip_prefix("lab:conf/").unwrap().to_owned();
    story.apply(conf("bye"));
    story.world.put::<Conf>(&name, ConfSpec { data: "hello".into(), labels: [].into() });
    let both = story.objects();
    story.world.fail("update", &name, Fail::Before(ErrorKind::Denied));
    assert!(!story.run(conf("hello")).unwrap().succeeded());
    assert_eq!(story.objects(), both);
    story.apply(conf("hello"));
    assert_eq!(story.objects().len(), 1);
}

#[test]
fn hint_of_a_taken_name_does_not_offer_what_the_program_says_already() {
    let mut story = Story::in_yard();
    let program = |width: u64, name: &'static str| {
        move |stack: &mut Stack| {
            drop(stack.add(Post::new("a").named(name).base(Base::default().width(width)).adopt()));
        }
    };
    story.apply(program(1, "a"));
    story.yard.copy::<Post>("a", "b");
    let plan = story.plan(program(2, "b"));
    assert!(plan.contains("hint: remove it, or give this one another name with `.named(…)`"), "{plan}");
}
