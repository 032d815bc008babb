//! Providers: whose credentials count, which of two servers is meant, and what is asked of them.

use sprocket_core::engine::Goal;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::Crash;

use super::fake_kinds::{Base, Pipe, Post};
use super::fake_service::{Trouble, Yard};
use super::simulated_service::{Lab, Net};
use super::story::{Story, assert_snapshot, at_each_kill, said};

#[test]
fn what_is_recorded_is_read_and_deleted_with_the_credentials_of_now() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |who: &'static str, street: &'static str, posts: &'static [&'static str]| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            stack.connect(yard.gate(who).street(street));
            for name in posts {
                stack.add(Post::new(name));
            }
        }
    };
    story.world.apply(program("ann", "Elm Street", &["a", "b"]));
    story.world.apply(program("bob", "Oak Street", &["b"]));
    assert_eq!(story.calls(), ["create yard:post/a", "create yard:post/b", "delete yard:post/a by bob"]);
    story.world.destroy(program("eve", "Oak Street", &[]));
    assert_eq!(story.calls(), ["delete yard:post/b by eve"]);
}

#[test]
fn of_two_servers_each_keeps_its_own() {
    let (north, south) = (Yard::default(), Yard::default());
    north.inside().name = "north".into();
    south.inside().name = "south".into();
    let program = |in_north: &'static [&'static str], in_south: &'static [&'static str]| {
        let (north, south) = (north.clone(), south.clone());
        move |stack: &mut Stack| {
            let first = stack.connect(north.gate("ann").named("north"));
            let second = stack.connect(south.gate("ann").named("south"));
            for name in in_north {
                stack.on(&first).add(Post::new(name));
            }
            for name in in_south {
                stack.on(&second).add(Post::new(name));
            }
        }
    };
    let mut story = Story::in_yard();
    story.world.apply(program(&["a"], &["b"]));
    assert_eq!((north.objects(), south.objects()), (vec!["yard:post/a".into()], vec!["yard:post/b".into()]));
    south.remove::<Post>("b");
    assert_snapshot!(story.world.plan(program(&["a"], &["b"])), @"
    + yard:post/b  (it has gone)
    1 to create, 1 unchanged.
    ");
    story.world.apply(program(&["a"], &["b"]));
    // What is to be at another server is another thing: it is not moved there.
    assert_snapshot!(story.world.plan(program(&[], &["a", "b"])), @"
    problem: `yard:post/a`: was made with `yard/north`, and is declared on `yard/south`, another server  (FILE:LINE)
      hint: declare it under another name there, and take this one away
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.world.try_apply(program(&[], &["a", "b"])).is_err());
    assert_eq!((north.objects().len(), south.objects().len()), (1, 1));
    story.world.apply(program(&[], &["b", "c"]));
    assert_eq!((north.objects().len(), south.objects().len()), (0, 2));
}

#[test]
fn one_server_under_two_names_is_the_same() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |names: &'static [&'static str]| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let gates: Vec<_> = names.iter().map(|name| stack.connect(yard.gate("ann").named(*name))).collect();
            stack.on(gates.last().unwrap()).add(Post::new("a"));
        }
    };
    story.world.apply(program(&["old"]));
    assert_snapshot!(story.world.plan(program(&["old", "new"])), @"
    · yard:post/a  (only its record changes)
    1 to record.
    ");
    story.world.apply(program(&["old", "new"]));
    // Nothing is recorded of the old name any more.
    assert!(story.world.plan(program(&["new"])).is_empty());
    assert_eq!(story.calls(), ["create yard:post/a"]);
}

#[test]
fn a_provider_may_get_another_name() {
    let mut story = Story::new();
    let program = |name: &'static str| {
        move |stack: &mut Stack| {
            let lab = stack.connect(Lab::local().named(name));
            stack.on(&lab).add(Net::new("edge"));
        }
    };
    story.world.apply(program("first"));
    assert_snapshot!(story.world.plan(program("second")), @"
    · lab:net/edge  (only its record changes)
    1 to record.
    ");
    story.world.apply(program("second"));
    assert!(story.world.plan(program("second")).is_empty());
    assert_eq!(story.calls(), ["create lab:net/edge"]);
}

#[test]
fn another_server_in_the_place_of_the_recorded_one_is_refused() {
    let mut story = Story::in_yard();
    let program = |stack: &mut Stack| {
        stack.add(Post::new("a"));
    };
    story.yard.inside().name = "north".into();
    story.apply(program);
    story.yard.inside().name = "south".into();
    let refused = story.try_plan(program, Goal::Declared).unwrap_err();
    assert_snapshot!(said(&refused), @"
    `yard` is another server than before: `south`, and the state was made with `north`
    hint: connect to the server that the state was made with; nothing was changed
    ");
    story.yard.inside().name = "north".into();
    assert_eq!(story.apply(program), [""; 0]);
}

/// That no call comes after it, the gate asserts.
#[test]
fn what_a_command_opened_is_closed_at_its_end_whatever_came_of_it() {
    let mut story = Story::in_yard();
    let program = |stack: &mut Stack| {
        let a = stack.add(Post::new("a"));
        stack.add(Post::new("b").text(&a.id));
    };
    let visits = |story: &Story| {
        let inside = story.yard.inside();
        (inside.visits, inside.within.len())
    };
    story.plan(program);
    assert_eq!(visits(&story), (1, 0));
    // To plan, and to run what was planned.
    story.yard.trouble("create", "b", Trouble::Panic);
    assert!(!story.run(program).unwrap().succeeded());
    assert_eq!(visits(&story), (3, 0));
    story.yard.trouble("identity", "yard", Trouble::Half);
    assert!(story.try_plan(program, Goal::Declared).is_err());
    assert_eq!(visits(&story), (4, 0));
    // What can't be closed is no failure: it has to expire.
    story.yard.trouble("close", "yard", Trouble::Panic);
    story.yard.trouble("close", "yard", Trouble::Panic);
    assert!(story.run(program).unwrap().succeeded());
    assert_eq!(visits(&story), (6, 2));
}

#[test]
fn providers_of_one_server_share_names() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |near: &'static [&'static str], far: &'static [(&'static str, &'static str)]| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let (one, other) =
                (stack.connect(yard.gate("ann").named("near")), stack.connect(yard.gate("ann").named("far")));
            for name in near {
                stack.on(&one).add(Pipe::new(name));
            }
            for (address, name) in far {
                stack.on(&other).add(Pipe::new(address).named(*name).adopt());
            }
        }
    };
    story.world.apply(program(&["a", "b"], &[]));
    assert_snapshot!(story.world.plan(program(&["a", "b"], &[("x", "a")])), @"
    problem: `yard:pipe/x`: has the name `a` at its service, as `yard:pipe/a` has  (FILE:LINE2)
      hint: give one of them another name with `.named(…)`; `yard:pipe/a` is at FILE:LINE1
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.world.plan(program(&["a"], &[("x", "b")])), @r#"
    + yard:pipe/x `b`
    - yard:pipe/b  (not declared any more)
    problem: `yard:pipe/x`: is to be made as `b`, and the object of `yard:pipe/b`, which is not declared any more, has that name and is to be deleted  (FILE:LINE)
      hint: `.moved_from("yard:pipe/b")` keeps the object under this address; with `--replace yard:pipe/x` as well, a new one takes its place
    1 problem: nothing can be applied until it is solved.
    "#);
    story.world.apply(program(&["a", "b"], &[("x", "c")]));
    assert!(story.world.plan(program(&["a", "b"], &[("x", "c")])).is_empty());
}

#[test]
fn guests_are_forgotten_in_the_same_write_as_their_host() {
    // Once the host is deleted, the address of the provider is unknown and the guests cannot be read.

    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        let yard = story.yard.clone();
        let program = |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let host = stack.on(&near).add(Pipe::new("host"));
            for name in ["a", "b", "c"] {
                stack.on(&near).add(Pipe::new(name));
            }
            let far = stack.connect(yard.gate("ann").named("far").street(&host.id));
            for name in ["x", "y"] {
                stack.on(&far).add(Pipe::new(name).tag("inside", &host.name).dies_with(&host));
            }
        };
        story.world.apply(program);
        story.world.crash_at(boundary, crash);
        let ended = story.world.run(program, Goal::Destroyed { include_kept: false }).unwrap();
        story.world.destroy(program);
        assert_eq!(story.objects(), [""; 0], "{crash:?} {boundary}");
        ended.is_none()
    });
}

#[test]
fn refusal_names_what_a_provider_that_is_connected_no_more_has_made_or_was_making() {
    let program = |posts: &'static [&'static str]| {
        move |stack: &mut Stack| posts.iter().for_each(|name| drop(stack.add(Post::new(name))))
    };
    let mut refusals = Vec::new();
    for posts in [&["a"][..], &["a", "b", "c"], &["a", "b", "c", "d"]] {
        let mut story = Story::in_yard();
        story.apply(program(posts));
        refusals.push(story.world.try_plan(|_| (), Goal::Declared).unwrap_err().to_string());
    }
    // A run that was killed while it made the first one.
    let mut story = Story::in_yard();
    story.world.settings.parallel = 1;
    story.world.crash_at(2, Crash::Before);
    let two = program(&["a", "b"]);
    assert!(story.try_run(two, Goal::Declared).unwrap().is_none());
    assert_eq!(story.world.snapshot().unwrap().pending.len(), 1);
    refusals.push(story.world.try_plan(|_| (), Goal::Declared).unwrap_err().to_string());
    assert_snapshot!(refusals.join("\n"), @"
    state has 1 resource (`yard:post/a`) of `yard`, and the program does not know this provider
    state has 3 resources (`yard:post/a`, `yard:post/b`, `yard:post/c`) of `yard`, and the program does not know this provider
    state has 4 resources (`yard:post/a`, `yard:post/b`, `yard:post/c`, …) of `yard`, and the program does not know this provider
    state has 1 resource (`yard:post/a`) of `yard`, and the program does not know this provider
    ");
}

#[test]
fn object_is_deleted_with_the_slots_of_the_provider_that_made_it() {
    let mut story = Story::in_yard();
    (story.world.settings.parallel, story.world.settings.call_limit) = (64, std::time::Duration::from_millis(50));
    let yard = story.yard.clone();
    let chains: Vec<[String; 3]> = (0..16).map(|at| ["a", "b", "c"].map(|name| format!("{name}{at}"))).collect();
    let program = |is_new: bool| {
        let (yard, chains) = (yard.clone(), chains.clone());
        move |stack: &mut Stack| {
            let [one, other] = ["one", "other"].map(|name| stack.connect(yard.gate("ann").named(name)));
            let gate = Post::new("gate").base(Base::default().width(if is_new { 2 } else { 1 }));
            stack.on(if is_new { &other } else { &one }).add(gate);
            for [a, b, c] in chains.iter().filter(|_| is_new) {
                let a = stack.on(&other).add(Post::new(a));
                let b = stack.on(&other).add(Post::new(b).beside(&a.id));
                stack.on(&other).add(Post::new(c).beside(&b.id));
            }
        }
    };
    story.world.apply(program(false));
    story.calls();
    chains.iter().for_each(|[a, ..]| story.yard.trouble("create", a, Trouble::Hang));
    story.world.apply(program(true));
    assert_eq!(story.calls()[0], "delete yard:post/gate", "all slots of the other provider are taken");
}
