//! Names: what a resource, a scope and a provider may be called, and which object has which name at its service.

use sprocket_core::engine::{Goal, Request, StepId};
use sprocket_core::kind::{Address, ErrorKind};
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Pipe, Post};
use super::fake_service::Yard;
use super::simulated_service::{App, Conf, Disk, Lab, Net, Note};
use super::story::{Story, assert_snapshot, edge, said};

#[test]
fn a_scope_prefixes_addresses_and_names() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.scope("elo", |stack| {
            edge(stack);
            stack.add(Net::new("pinned").named("exactly"));
        });
    };
    assert_snapshot!(story.plan(program), @"
    + lab:net/elo/edge `elo-edge`
    + lab:net/elo/pinned `exactly`
    2 to create.
    ");
    story.apply(program);
    assert_eq!(story.world.objects(), ["lab:net/elo-edge", "lab:net/exactly"]);
}

#[test]
fn names_of_scopes_and_providers_are_checked() {
    let mut story = Story::new();
    let refused = story.run(|stack: &mut Stack| {
        for scope in ["", "a b", "a/b", "a\n"] {
            stack.scope(scope, |_| ());
        }
        stack.connect(Lab::local().named("far away"));
        stack.connect(Lab::local().named("far/away"));
    });
    assert_snapshot!(said(&refused.unwrap_err()), @"
    `scope `: needs a name without spaces and slashes  (FILE:LINE1)
    `scope a b`: needs a name without spaces and slashes  (FILE:LINE1)
    `scope a/b`: needs a name without spaces and slashes  (FILE:LINE1)
    `scope a
    `: needs a name without spaces and slashes  (FILE:LINE1)
    `lab/far away`: needs a name without spaces and slashes  (FILE:LINE2)
    `lab/far/away`: needs a name without spaces and slashes  (FILE:LINE3)
    ");
}

#[test]
fn names_of_a_renamed_record_are_checked() {
    let story = Story::new();
    let mut world = story.world;
    world.apply(|stack| {
        stack.connect(Lab::local());
        stack.add(Net::new("a"));
    });
    let refused = |to| said(&world.block_on(world.engine().rename("lab:net/a", to)).unwrap_err());
    assert_snapshot!(["lab:net/", "lab:net", "b", "lab:net/b c", "lab:disk/b"].map(refused).join("\n"), @"
    `lab:net/a` can't become `lab:net/`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `lab:net`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `b`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `lab:net/b c`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `lab:disk/b`: a resource stays of its kind
    ");
    assert!(Address::parse("lab:net/scope/b").is_ok());
}

/// Two resources of one kind, with a physical name each.
fn posts(all: &'static [(&'static str, &'static str)]) -> impl Fn(&mut Stack) {
    move |stack| all.iter().for_each(|(name, physical)| drop(stack.add(Post::new(name).named(*physical))))
}

fn wide(width: u64, others: &'static [&'static str]) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.add(Pipe::new("edge").base(Base::default().width(width)));
        others.iter().for_each(|name| drop(stack.add(Pipe::new(name))));
    }
}

#[test]
fn names_of_generations_are_not_taken_twice() {
    let mut story = Story::in_yard();
    story.apply(wide(1, &[]));
    assert_snapshot!(story.plan(wide(2, &["edge-2"])), @"
    ± yard:pipe/edge `edge-2`  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:pipe/edge  (replaced)
    + yard:pipe/edge-2
    problem: `yard:pipe/edge-2`: is to be `edge-2` at its service, as `yard:pipe/edge` is  (FILE:LINE2)
      hint: give one of them another name with `.named(…)`; `yard:pipe/edge` is at FILE:LINE1
    1 problem: nothing can be applied until it is solved.
    ");
    story.apply(wide(2, &[]));
    assert_snapshot!(story.plan(wide(2, &["edge-2"])), @"
    + yard:pipe/edge-2
    problem: `yard:pipe/edge-2`: needs the name `edge-2`, and the object of `yard:pipe/edge` has it  (FILE:LINE2)
      hint: `--replace yard:pipe/edge` gives the name up in the same run; or give one of them another name with `.named(…)`; `yard:pipe/edge` is at FILE:LINE1
    1 problem: nothing can be applied until it is solved.
    ");
    // The name is free again once the other has another generation.
    assert_snapshot!(story.plan(wide(3, &["edge-2"])), @"
    ± yard:pipe/edge `edge-3`  (a new one takes its place)
        base.width: 2 → 3  (needs a new one)
    - yard:pipe/edge `edge-2`  (replaced)
    + yard:pipe/edge-2
    1 to create, 1 to replace.
    ");
    assert_snapshot!(story.apply(wide(3, &["edge-2"])).join("\n"), @"
    create yard:pipe/edge-3
    delete yard:pipe/edge-2
    create yard:pipe/edge-2
    ");
}

#[test]
fn names_are_kept_until_their_object_is_replaced() {
    let mut story = Story::in_yard();
    story.apply(posts(&[("a", "x")]));
    let program = posts(&[("a", "y"), ("b", "x")]);
    assert_snapshot!(story.plan(&program), @"
    + yard:post/b `x`
    warning: `yard:post/a`: stays as `x` until it is replaced, whatever `.named` says now  (FILE:LINE)
      hint: `--replace yard:post/a` makes a new one of that name
    problem: `yard:post/b`: needs the name `x`, and the object of `yard:post/a` has it  (FILE:LINE)
      hint: `--replace yard:post/a` gives the name up in the same run; or give one of them another name with `.named(…)`; `yard:post/a` is at FILE:LINE
    1 problem: nothing can be applied until it is solved.
    ");
    let connected = story.connected(&program);
    let plan = story.world.try_plan(&connected, Request::from(Goal::Declared).replace(["yard:post/a"])).unwrap();
    assert_snapshot!(plan, @"
    - yard:post/a `x`  (before the new one is made)
    ± yard:post/a `y`  (a new one takes its place, as asked for)
    + yard:post/b `x`
    1 to create, 1 to replace.
    ");
    story.world.apply_plan(&connected, &plan).unwrap();
    assert_eq!(story.calls(), ["delete yard:post/x", "create yard:post/y", "create yard:post/x"]);
    assert!(story.plan(&program).starts_with("Nothing to do"));
}

#[test]
fn names_stay_in_use_after_a_move() {
    let mut story = Story::in_yard();
    story.apply(|stack| drop(stack.add(Post::new("worker"))));
    let moved = |stack: &mut Stack| drop(stack.add(Post::new("jobs").moved_from("worker")));
    assert_eq!(story.apply(moved), [""; 0]);
    assert_snapshot!(story.plan(|stack| {
        moved(stack);
        stack.add(Post::new("worker"));
    }), @"
    + yard:post/worker
    problem: `yard:post/worker`: needs the name `worker`, and the object of `yard:post/jobs` has it  (FILE:LINE2)
      hint: `--replace yard:post/jobs` gives the name up in the same run; or give one of them another name with `.named(…)`; `yard:post/jobs` is at FILE:LINE1
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn names_of_one_object_under_two_addresses_propose_a_move() {
    let mut story = Story::in_yard();
    story.apply(posts(&[("a", "x")]));
    assert_snapshot!(story.plan(posts(&[("b", "x")])), @r#"
    + yard:post/b `x`
    - yard:post/a `x`  (not declared any more)
    problem: `yard:post/b`: is to be made as `x`, and the object of `yard:post/a`, which is not declared any more, has that name and is to be deleted  (FILE:LINE)
      hint: `.moved_from("yard:post/a")` keeps the object under this address; with `--replace yard:post/b` as well, a new one takes its place
    1 problem: nothing can be applied until it is solved.
    "#);
    assert!(story.run(posts(&[("b", "x")])).is_err());
    assert_eq!(story.objects(), ["yard:post/x"]);
    let moved = |stack: &mut Stack| drop(stack.add(Post::new("b").moved_from("a").named("x")));
    assert_eq!(story.apply(moved), [""; 0]);
    // Data is left in place when it is not declared any more, and keeps its name.
    let mut story = Story::new();
    story.apply(|stack| drop(stack.add(Disk::new("data"))));
    let renamed = |stack: &mut Stack| drop(stack.add(Disk::new("store").named("data")));
    assert_snapshot!(story.plan(renamed), @r#"
    + lab:disk/store `data`
    = lab:disk/data  (left in place, and no longer recorded)
    = lab:disk/data stays as `data`: it holds data; no longer recorded
    problem: `lab:disk/store`: is to be made as `data`, and the object of `lab:disk/data`, which is not declared any more, has that name and stays  (FILE:LINE)
      hint: `.moved_from("lab:disk/data")` keeps the object under this address
    1 problem: nothing can be applied until it is solved.
    "#);
    // A new one is made by who says so.
    let mut story = Story::in_yard();
    story.apply(posts(&[("a", "x")]));
    story.calls();
    let connected = story.connected(&moved);
    let plan = story.world.try_plan(&connected, Request::from(Goal::Declared).replace(["yard:post/b"])).unwrap();
    story.world.apply_plan(&connected, &plan).unwrap();
    assert_eq!(story.calls(), ["delete yard:post/x", "create yard:post/x"]);
}

#[test]
fn names_change_hands_in_order_but_not_in_circles() {
    let swap = |turn: bool, width: u64| {
        move |stack: &mut Stack| {
            let names = if turn { ["y", "x"] } else { ["x", "y"] };
            for (name, physical) in ["a", "b"].into_iter().zip(names) {
                stack.add(Post::new(name).named(physical).base(Base::default().width(width)));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(swap(false, 1));
    let calls = story.apply(swap(true, 2));
    assert_eq!(calls.len(), 4, "{calls:?}");
    assert!(calls[..2].iter().all(|call| call.starts_with("delete")), "{calls:?}");

    // Of a kind that makes the new one first, each would wait for the other.
    let swap = |turn: bool| {
        move |stack: &mut Stack| {
            let (names, width) = if turn { (["y", "x"], 2) } else { (["x-2", "y-2"], 1) };
            for (name, physical) in ["a", "b"].into_iter().zip(names) {
                stack.add(Pipe::new(name).named(physical).base(Base::default().width(width)));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(swap(false));
    assert_snapshot!(story.plan(swap(true)), @"
    ± yard:pipe/a `y-2`  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:pipe/a `x-2`  (replaced)
    ± yard:pipe/b `x-2`  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:pipe/b `y-2`  (replaced)
    problem: `yard:pipe/b`: needs the name `x-2`, which `yard:pipe/a` gives up only after this one is made  (FILE:LINE)
      hint: do it in two runs, first without this one; or choose another name with `.named(…)`
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn names_in_several_spellings_are_one() {
    let notes = |names: &'static [&'static str]| {
        move |stack: &mut Stack| {
            stack.connect(Lab::at("north"));
            names.iter().for_each(|name| drop(stack.add(Note::new(name, "hello"))));
        }
    };
    let mut world = Story::new().world;
    world.apply(notes(&["a", "b"]));
    world.calls();
    assert_snapshot!(world.plan(notes(&["b", "A@north"])), @"
    > lab:note/A@north was lab:note/a
    1 moved, 2 unchanged.
    ");
    world.apply(notes(&["b", "A@north"]));
    world.apply(notes(&["A", "B@north"]));
    // Back to the spelling that it was made with, and to others again.
    world.apply(notes(&["a", "b"]));
    world.apply(notes(&["A", "B@north"]));
    assert_eq!(world.calls(), [""; 0]);
    assert_snapshot!(world.plan(notes(&["A", "B", "b@north"])), @"
    > lab:note/b@north was lab:note/B@north
    + lab:note/B
        data: (secret)
    problem: `lab:note/b@north`: has the name `b@north` at its service, as `lab:note/B` has  (FILE:LINE)
      hint: give one of them another name with `.named(…)`; `lab:note/B` is at FILE:LINE
    problem: `lab:note/B`: needs the name `b`, and the object of `lab:note/b@north` has it  (FILE:LINE)
      hint: give one of them another name with `.named(…)`; `lab:note/b@north` is at FILE:LINE
    2 problems: nothing can be applied until they are solved.
    ");
    assert_snapshot!(world.plan(notes(&["A", "B", "b@south"])), @"
    > lab:note/B was lab:note/B@north
    + lab:note/b@south
        data: (secret)
    1 to create, 1 moved, 2 unchanged.
    ");
}

#[test]
fn names_of_contents_that_are_as_the_program_says_are_no_warning() {
    let program = |name: &'static str| move |stack: &mut Stack| drop(stack.add(Conf::new("motd", "hello").named(name)));
    let mut story = Story::new();
    story.apply(program("day"));
    assert!(!story.plan(program("day")).contains("warning"));
    assert!(story.plan(program("news")).contains("until it is replaced, whatever `.named` says now"));
}

/// A net whose third object is current, and whose first two could not be deleted.
fn two_left_behind() -> Story {
    let mut story = Story::new();
    story.world.settings.continue_on_error = true;
    story.apply(|stack| drop(stack.add(Net::new("edge"))));
    for (old, subnet) in [(&["edge"][..], "10.0.1.0/24"), (&["edge", "edge-2"], "10.0.2.0/24")] {
        old.iter().for_each(|name| story.world.fail("delete", name, Fail::Before(ErrorKind::Denied)));
        assert!(!story.run(|stack| drop(stack.add(Net::new("edge").subnet(subnet)))).unwrap().succeeded());
    }
    assert_eq!(story.objects(), ["lab:net/edge", "lab:net/edge-2", "lab:net/edge-3"]);
    story
}

#[test]
fn names_of_replaced_objects_are_free_once_these_have_gone() {
    let other = |stack: &mut Stack| {
        stack.add(Net::new("edge").subnet("10.0.2.0/24"));
        stack.add(Net::new("other").subnet("10.9.0.0/24").named("edge-2"));
    };
    let mut story = two_left_behind();
    story.world.remove("lab:net", "edge-2");
    story.calls();
    let mut calls = story.apply(other);
    calls.sort();
    assert_eq!(calls, ["create lab:net/edge-2", "delete lab:net/edge"]);
}

#[test]
fn names_of_replaced_objects_are_given_up_before_they_are_taken() {
    let other = |stack: &mut Stack| {
        stack.add(Net::new("edge").subnet("10.0.2.0/24"));
        stack.add(Net::new("other").subnet("10.9.0.0/24").named("edge-2"));
    };
    let mut story = two_left_behind();
    story.calls();
    let calls = story.apply(other);
    let at = |call: &str| calls.iter().position(|made| made == call).unwrap_or_else(|| panic!("{call}: {calls:?}"));
    assert!(at("delete lab:net/edge-2") < at("create lab:net/edge-2"), "{calls:?}");
}

#[test]
fn names_of_retained_objects_are_not_free() {
    let program = |width: u64, other: bool| {
        move |stack: &mut Stack| {
            stack.add(Pipe::new("a").base(Base::default().width(width)).keep_on_delete());
            if other {
                stack.add(Pipe::new("other").named("a-2"));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, false));
    story.apply(program(2, false));
    let plan = story.plan(program(3, true));
    assert!(plan.contains("needs the name `a-2`, and the object of `yard:pipe/a` has it"), "{plan}");
}

#[test]
fn name_in_use_is_compared_in_the_spelling_of_its_kind() {
    let program = |later: bool| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", "app:1"));
            let note = Note::new("a", "hello");
            stack.add(if later { note.named("b") } else { note.named("A") });
            if later {
                stack.add(Note::new("c", "hello").named("a"));
            }
        }
    };
    let mut story = Story::new();
    story.apply(program(false));
    let plan = story.plan(program(true));
    let told = "`lab:note/c`: needs the name `A`, and the object of `lab:note/a` has it";
    assert!(plan.contains(told), "{plan}");
}

#[test]
fn name_in_use_is_looked_for_at_the_server_of_its_provider() {
    let (north, south) = (Yard::default(), Yard::default());
    north.inside().name = "north".into();
    south.inside().name = "south".into();
    let program = |later: bool| {
        let (north, south) = (north.clone(), south.clone());
        move |stack: &mut Stack| {
            let north = stack.connect(north.gate("ann").named("north"));
            let south = stack.connect(south.gate("ann").named("south"));
            stack.on(&north).add(Post::new("a"));
            let post = Post::new("b");
            stack.on(&south).add(if later { post.named("x") } else { post });
            if later {
                stack.on(&south).add(Post::new("c").named("b"));
            }
        }
    };
    let mut world = Story::in_yard().world;
    world.apply(program(false));
    let plan = world.try_plan(program(true), Goal::Declared).unwrap().to_string();
    assert!(plan.contains("`yard:post/c`: needs the name `b`, and the object of `yard:post/b` has it"), "{plan}");
}

#[test]
fn declared_resource_is_not_moved_to_another_spelling_of_its_name() {
    let notes = |names: &'static [&'static str]| {
        move |stack: &mut Stack| names.iter().for_each(|name| drop(stack.add(Note::new(name, "hello"))))
    };
    let mut story = Story::new();
    story.apply(notes(&["a"]));
    let program = notes(&["a", "A"]);
    let plan = story.try_plan(program, Goal::Declared).unwrap();
    assert!(plan.moved.is_empty(), "{plan}");
    assert!(plan.to_string().contains("`lab:note/A`: has the name `A` at its service, as `lab:note/a` has"), "{plan}");
}

#[test]
fn object_in_another_spelling_moves_to_any_address() {
    let note = |address: &'static str, name: &'static str| {
        move |stack: &mut Stack| drop(stack.add(Note::new(address, "hello").named(name)))
    };
    let mut story = Story::new();
    story.apply(note("x", "a"));
    let mut plan = |address, name| {
        let program = note(address, name);
        story.try_plan(program, Goal::Declared).unwrap()
    };
    let respelled = plan("y", "A");
    assert_eq!((respelled.moved.len(), respelled.problems.len()), (1, 0), "{respelled}");
    // What has just the same name may be meant to be another.
    let same = plan("y", "a");
    assert_eq!((same.moved.len(), same.problems.len()), (0, 1), "{same}");
    assert_eq!(plan("X", "a").moved.len(), 1);
}

#[test]
fn name_of_what_has_none_at_a_service_warns_of_nothing() {
    let program = |name: &'static str| move |stack: &mut Stack| drop(stack.add(Password::new("key").named(name)));
    let mut story = Story::new();
    story.apply(program("one"));
    let plan = story.plan(program("two"));
    assert!(plan.starts_with("Nothing to do"), "{plan}");
}

#[test]
fn name_of_a_guest_is_free_once_its_replaced_host_is_deleted() {
    let program = |is_later: bool| {
        move |stack: &mut Stack| {
            let host = stack.add(Post::new("host").base(Base::default().width(1 + u64::from(is_later))));
            let guest = Post::new("guest").named(if is_later { "y" } else { "x" });
            stack.add(guest.tag("inside", &host.name).dies_with(&host));
            if is_later {
                stack.add(Post::new("other").named("x"));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(false));
    let calls = story.apply_alone(program(true));
    assert_eq!(calls[0], "delete yard:post/host");
    assert_eq!(story.objects(), ["host", "x", "y"].map(|name| format!("yard:post/{name}")));
}

#[test]
fn replacement_that_would_lose_data_is_not_proposed_to_free_a_name() {
    let mut story = Story::new();
    story.apply(|stack| drop(stack.add(Disk::new("data"))));
    let plan = story.plan(|stack| {
        stack.add(Disk::new("data").named("old"));
        stack.add(Disk::new("other").named("data"));
    });
    assert!(
        plan.contains("`lab:disk/other`: needs the name `data`, and the object of `lab:disk/data` has it"),
        "{plan}"
    );
    assert!(plan.contains("hint: give one of them another name with `.named(…)`; `lab:disk/data` is at"), "{plan}");
}

#[test]
fn recorded_resource_takes_no_object_of_another_spelling() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Note::new("x", "hello"));
        stack.add(Note::new("y", "hello").named("a"));
    });
    let program = |stack: &mut Stack| drop(stack.add(Note::new("x", "hello").named("A")));
    assert!(!story.plan(program).contains("> "), "{}", story.plan(program));
    assert!(story.run(program).unwrap().succeeded());
    assert_eq!(story.objects(), ["lab:note/x"]);
    assert!(story.world.snapshot().unwrap().records.contains_key(&"lab:note/x".into()));
}

#[test]
fn step_that_takes_a_name_lists_what_it_waits_for_in_order() {
    let program = |is_later: bool| {
        move |stack: &mut Stack| {
            let a = Post::new("a").base(Base::default().width(1 + u64::from(is_later)));
            stack.add(a.named(if is_later { "y" } else { "x" }));
            if is_later {
                let pipe = stack.add(Pipe::new("pipe"));
                stack.add(Post::new("c").named("x").beside(&pipe.id));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(false));
    let later = program(true);
    let plan = story.plan_of(later);
    assert_eq!(plan.steps.last().unwrap().after, [0, 2].map(StepId::of), "{plan}");
}

#[test]
fn name_that_tells_the_address_of_its_own_server_is_the_one_that_is_taken() {
    let program = |names: &'static [&'static str]| {
        move |stack: &mut Stack| {
            stack.connect(Lab::at("one"));
            for name in names {
                stack.add(Note::new(name, sprocket_core::program::Secret::new("hunter2".to_owned())));
            }
        }
    };
    let mut story = Story::new();
    story.world.apply(program(&["first"]));
    let data = sprocket_core::program::Secret::new("theirs".to_owned());
    story.world.put::<Note>("other@one", super::simulated_service::NoteSpec { data });
    let plan = story.world.plan(program(&["first", "other"])).to_string();
    assert!(plan.contains("`lab:note/other`: an object named `other@one` exists already"), "{plan}");
}
