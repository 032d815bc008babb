//! Providers: whose credentials count, which of two servers is meant, and what is asked of them.

use sprocket_core::engine::Goal;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::Crash;

use super::fake_service::{Base, Leads, Pipe, Post, Sign, Trouble, Yard};
use super::simulated_service::{App, ExistingNet, Lab, LabState, Net};
use super::story::{Story, assert_snapshot, said, told};

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

#[test]
fn a_look_up_of_what_is_replaced_is_asked_again_when_that_is_there() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let main = stack.add(Pipe::new("main").base(Base::default().width(width)));
            let sign = stack.look(main.id.map(|id| Sign { id }));
            stack.add(Post::new("board").text(&sign));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_eq!(story.yard.spec::<Post>("board").text, "sign of id-1");
    assert_snapshot!(story.plan(program(2)), @"
    ± yard:pipe/main `main-2`  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:pipe/main  (replaced)
    ~ yard:post/board
        text: sign of id-1 → (known after yard:pipe/main)
    1 to update, 1 to replace.
    ");
    story.apply(program(2));
    assert_eq!(story.yard.spec::<Post>("board").text, "sign of id-3");
}

#[test]
fn a_look_up_of_what_there_is_not_is_a_mistake_of_its_line() {
    let mut story = Story::in_yard();
    let program = |stack: &mut Stack| {
        let sign = stack.look(Sign { id: "nobody".into() });
        stack.add(Post::new("board").text(&sign));
    };
    assert_snapshot!(story.plan(program), @r#"
    problem: `yard:post/board`: there is no such sign: Sign { id: "nobody" }  (FILE:LINE)
    1 problem: nothing can be applied until it is solved.
    "#);
    assert!(story.run(program).is_err());
    // Where it is asked during the run, it fails the step that needs it.
    let later = |stack: &mut Stack| {
        let main = stack.add(Pipe::new("main"));
        let sign = stack.look(main.id.map(|id| Sign { id: format!("not {id}") }));
        stack.add(Post::new("board").text(&sign));
    };
    assert_snapshot!(told(&story.run(later).unwrap()), @r#"
    create yard:pipe/main Done
    create yard:post/board failed: there is no such sign: Sign { id: "not id-1" }  (FILE:LINE)
    "#);
    assert_eq!(story.objects(), ["yard:pipe/main"]);
}

#[test]
fn a_look_up_that_mentions_what_does_not_change_is_answered_by_the_plan() {
    let mut story = Story::new();
    let program = |image: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge"));
            let peer = stack.look(edge.id.map(|name| ExistingNet { name }));
            stack.add(App::new("web", image).net(peer.map(|net| net.id)));
        }
    };
    story.world.answer::<ExistingNet>(LabState { id: "net#7".into(), version: 1 });
    story.apply(program("app:1"));
    assert_snapshot!(story.plan(program("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    1 to update, 1 unchanged.
    ");
    story.world.answer::<ExistingNet>(LabState { id: "net#8".into(), version: 1 });
    assert_snapshot!(story.plan(program("app:1")), @"
    ~ lab:app/web
        nets[0]: net#7 → net#8
    1 to update, 1 unchanged.
    ");
    story.apply(program("app:1"));
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
fn resources_of_a_provider_with_unknown_settings_are_deferred() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |first: &'static str, posts: &'static [&'static str]| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let first = stack.on(&near).add(Post::new(first));
            let far = stack.connect(yard.gate("ann").named("far").street(&first.id));
            for name in posts {
                stack.on(&far).add(Post::new(name));
            }
        }
    };
    story.world.apply(program("a", &["x", "y"]));
    story.calls();
    let other = program("b", &["y", "z"]);
    assert_snapshot!(story.world.plan(&other), @"
    + yard:post/b
    + yard:post/z
    = yard:post/a stays as `a`: a resource that is planned later depends on it
    … 2 resources of `yard/far` are read after `yard:post/b`
    2 to create, 2 to read later.
    ");
    story.world.apply(&other);
    assert_eq!(story.calls(), ["create yard:post/b", "create yard:post/z"]);
    assert_snapshot!(story.world.plan(&other), @"
    · yard:post/y  (only its record changes)
    - yard:post/a  (not declared any more)
    - yard:post/x  (not declared any more)
    2 to delete, 1 to record, 2 unchanged.
    ");
    story.world.apply(&other);
    assert_eq!(story.calls(), ["delete yard:post/x", "delete yard:post/a"]);
}

#[test]
fn provider_with_a_looked_up_address_is_read_when_planning() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |posts: &'static [&'static str]| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let first = stack.on(&near).add(Post::new("a"));
            let sign = stack.on(&near).look(first.id.map(|id| Sign { id }));
            let far = stack.connect(yard.gate("ann").named("far").street(&sign));
            for name in posts {
                stack.on(&far).add(Post::new(name));
            }
        }
    };
    story.world.apply(program(&["x", "y"]));
    story.calls();
    yard.remove::<Post>("y");
    assert_snapshot!(story.world.plan(program(&["y"])), @"
    + yard:post/y  (it has gone)
    - yard:post/x  (not declared any more)
    1 to create, 1 to delete, 1 unchanged.
    ");
    story.world.apply(program(&["y"]));
    assert_eq!(story.calls(), ["create yard:post/y", "delete yard:post/x"]);
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
    use sprocket_core::testing::Crash::{After, Before};
    for crash in [Before, After] {
        for boundary in 0.. {
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
            if ended.is_some() {
                break;
            }
        }
    }
}

#[test]
fn hanging_look_up_for_an_address_refuses_the_plan() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |posts: &'static [&'static str]| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let first = stack.on(&near).add(Post::new("a"));
            let sign = stack.on(&near).look(first.id.map(|id| Sign { id }));
            let far = stack.connect(yard.gate("ann").named("far").street(&sign));
            for name in posts {
                stack.on(&far).add(Post::new(name));
            }
        }
    };
    story.world.apply(program(&["x", "y"]));
    story.calls();
    let before = story.world.snapshot();
    story.world.settings.call_limit = std::time::Duration::from_millis(50);
    story.yard.trouble("look", "id-1", Trouble::Hang);
    let refused = story.world.try_apply(program(&["y"])).unwrap_err();
    assert_snapshot!(said(&refused), @"
    could not read sign from `yard/near`: there was no answer within 0.05 s
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert_eq!(story.calls(), [""; 0]);
    assert_eq!(story.world.snapshot(), before);
    story.world.apply(program(&["y"]));
    assert_eq!(story.calls(), ["delete yard:post/x"]);
}

#[test]
fn mistake_in_an_address_shows_no_secret() {
    let program = |yard: Yard, is_looked_up: bool, fails: bool| {
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let first = stack.on(&near).add(Post::new("a"));
            let key = match is_looked_up {
                true => {
                    let sign = stack.on(&near).look(first.id.map(|id| Sign { id }));
                    sign.zip(&first.key).map(|(_, key)| key)
                }
                false => first.key,
            };
            let street = key.try_map(move |key| match fails {
                true => Err(format!("`{}` is no street", key.expose())),
                false => Ok("Elm Street".to_owned()),
            });
            let far = stack.connect(yard.gate("ann").named("far").street(&street));
            stack.on(&far).add(Post::new("x"));
        }
    };
    let told = |is_looked_up: bool| {
        let mut story = Story::in_yard();
        story.world.apply(program(story.yard.clone(), is_looked_up, false));
        match story.world.try_plan(program(story.yard.clone(), is_looked_up, true), Goal::Declared) {
            Ok(plan) => plan.to_string(),
            Err(refused) => said(&refused),
        }
    };
    assert_snapshot!(told(false), @"
    could not reach `yard/far`: the value is not valid (it is secret)  (FILE:LINE)
    hint: nothing was changed, and nothing was dropped from state
    ");
    assert_snapshot!(told(true), @"
    problem: `yard/far`: has resources in state, but no step of this plan makes its settings known: the value is not valid (it is secret)  (FILE:LINE)
      hint: connect it with settings that are already known, or include the resources they come from in this plan
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn dependency_of_a_resource_declared_at_a_deferred_provider_stays() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |is_far: bool| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            if is_far {
                let first = stack.on(&near).add(Post::new("a"));
                let far = stack.connect(yard.gate("ann").named("far").street(&first.id));
                stack.on(&far).add(Pipe::new("p"));
            } else {
                let b = stack.on(&near).add(Post::new("b"));
                stack.on(&near).add(Pipe::new("p").on(&b.id));
            }
        }
    };
    story.world.apply(program(false));
    assert_snapshot!(story.world.plan(program(true)), @"
    + yard:post/a
    = yard:post/b stays as `b`: a resource that is planned later depends on it
    … yard:pipe/p is read after `yard:post/a`
    1 to create, 1 to read later.
    ");
    story.world.apply(program(true));
    story.calls();
    story.world.apply(program(true));
    assert_eq!(story.calls(), ["create yard:pipe/p-2", "delete yard:pipe/p", "delete yard:post/b"]);
    assert!(story.world.plan(program(true)).is_empty());
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
    let connected = story.connected(&two);
    assert!(story.world.run(connected, Goal::Declared).unwrap().is_none());
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

#[test]
fn dependents_of_a_pending_create_at_a_deferred_provider_wait() {
    use sprocket_core::testing::Crash::{After, Before};
    let program = |yard: &Yard, first: &'static str, with_far: bool, is_beside: bool| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let first = stack.on(&near).add(Post::new(first));
            let pipe = Pipe::new("p");
            if !with_far {
                let base = stack.on(&near).add(Post::new("base"));
                stack.on(&near).add(pipe.on(&base.id));
                return;
            }
            let far = stack.connect(yard.gate("ann").named("far").street(&first.id));
            let x = stack.on(&far).add(Post::new("x"));
            let pipe = stack.on(&near).add(if is_beside { pipe.beside(&x.id) } else { pipe.on(&x.id) });
            stack.on(&near).add(Post::new("user").beside(&pipe.id));
        }
    };
    for (crash, is_beside) in [(Before, false), (After, false), (Before, true), (After, true)] {
        for boundary in 0.. {
            let mut story = Story::in_yard();
            let yard = story.yard.clone();
            story.world.apply(program(&yard, "a", false, is_beside));
            story.world.crash_at(boundary, crash);
            let ended = story.world.run(program(&yard, "a", true, is_beside), Goal::Declared).unwrap();
            let last = program(&yard, "b", true, is_beside);
            story.world.apply(&last);
            story.world.apply(&last);
            story.world.apply(&last);
            assert!(story.world.plan(&last).is_empty(), "{crash:?} {boundary}");
            assert_eq!(story.objects().len(), 4, "{crash:?} {boundary}: {:?}", story.objects());
            if ended.is_some() {
                break;
            }
        }
    }
}

#[test]
fn pending_create_at_a_deferred_provider_is_not_forgotten_when_its_resource_moves_to_another() {
    use sprocket_core::testing::Crash::{After, Before};
    for crash in [Before, After] {
        for boundary in 0.. {
            let (north, south) = (Yard::default(), Yard::default());
            (north.inside().name, south.inside().name) = ("north".into(), "south".into());
            let program = |first: &'static str, x_is_near: bool| {
                let (north, south) = (north.clone(), south.clone());
                move |stack: &mut Stack| {
                    let near = stack.connect(north.gate("ann").named("near"));
                    let first = stack.on(&near).add(Post::new(first));
                    let far = stack.connect(south.gate("ann").named("far").street(&first.id));
                    stack.on(if x_is_near { &near } else { &far }).add(Post::new("x"));
                }
            };
            let mut story = Story::in_yard();
            story.world.apply(|stack| {
                stack.connect(north.gate("ann").named("near"));
            });
            story.world.crash_at(boundary, crash);
            let ended = story.world.run(program("a", false), Goal::Declared).unwrap();
            story.world.run(program("b", true), Goal::Declared).unwrap();
            let plan = story.world.plan(program("b", true)).to_string();
            if !south.objects().is_empty() {
                assert!(north.objects().contains(&"yard:post/a".to_owned()), "{crash:?} {boundary}: {plan}");
                assert!(
                    plan.to_string().contains("`yard:post/x`: was made with `yard/far`"),
                    "{crash:?} {boundary}: {plan}"
                );
            }
            if ended.is_some() {
                break;
            }
        }
    }
}

#[test]
fn replacement_in_place_waits_for_a_deferred_resource_that_was_made_from_it() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |first: &'static str, width: u64, with_y: bool| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let base = stack.on(&near).add(Post::new("base").base(Base::default().width(width)));
            let first = stack.on(&near).add(Post::new(first));
            let far = stack.connect(yard.gate("ann").named("far").street(&first.id));
            if with_y {
                stack.on(&far).add(Post::new("y").on(&base.id));
            }
        }
    };
    for with_y in [true, false] {
        story.world.apply(program("a", 1, true));
        story.calls();
        let next = program("b", 2, with_y);
        let plan = story.world.plan(&next).to_string();
        assert!(plan.contains("… 2 resources of `yard/far` are read after `yard:post/b`"), "{plan}");
        story.world.apply(&next);
        assert_eq!(story.calls(), ["create yard:post/b"]);
        story.world.apply(&next);
        let calls = story.calls();
        assert_eq!(calls[..2], ["delete yard:post/y", "delete yard:post/base"], "{calls:?}");
        assert!(story.world.plan(&next).is_empty());
        story.world.destroy(&next);
    }
}

#[test]
fn provider_behind_a_pending_create_at_a_deferred_provider_is_deferred_too() {
    use sprocket_core::testing::Crash::{After, Before};
    for crash in [Before, After] {
        for boundary in 0.. {
            let mut story = Story::in_yard();
            let yard = story.yard.clone();
            let program = |first: &'static str, is_behind: bool| {
                let yard = yard.clone();
                move |stack: &mut Stack| {
                    let near = stack.connect(yard.gate("ann").named("near"));
                    let first = stack.on(&near).add(Post::new(first));
                    let far = stack.connect(yard.gate("ann").named("far").street(&first.id));
                    let x = match is_behind {
                        true => stack.on(&far).add(Post::new("x")).id,
                        false => first.id,
                    };
                    let behind = stack.connect(yard.gate("ann").named("behind").street(&x));
                    stack.on(&behind).add(Post::new("y"));
                }
            };
            story.world.apply(program("a", false));
            story.world.crash_at(boundary, crash);
            let ended = story.world.run(program("a", true), Goal::Declared).unwrap();
            let last = program("b", true);
            for _ in 0..3 {
                let plan = story.world.plan(&last);
                assert!(plan.problems.is_empty(), "{crash:?} {boundary}: {plan}");
                story.world.apply(&last);
            }
            assert!(story.world.plan(&last).is_empty(), "{crash:?} {boundary}");
            assert_eq!(story.objects(), ["yard:post/b", "yard:post/x", "yard:post/y"], "{crash:?} {boundary}");
            if ended.is_some() {
                break;
            }
        }
    }
}

/// A resource at a provider whose address is the id of an object, or is looked up there.
fn reached_by_an_object(yard: &Yard, is_looked_up: bool) -> impl Fn(&mut Stack) + use<> {
    let yard = yard.clone();
    move |stack: &mut Stack| {
        let near = stack.connect(yard.gate("ann").named("near"));
        let first = stack.on(&near).add(Post::new("a"));
        let gate = yard.gate("ann").named("far");
        let far = if is_looked_up {
            let sign = stack.on(&near).look(first.id.map(|id| Sign { id }));
            stack.connect(gate.street(sign.map(|sign| sign.trim_start_matches("sign of ").to_owned())))
        } else {
            stack.connect(gate.street(&first.id))
        };
        stack.on(&far).add(Post::new("y"));
    }
}

#[test]
fn provider_reached_by_way_of_an_object_whose_create_was_cut_off_is_read_by_the_next_run() {
    use sprocket_core::testing::Crash::{After, Before};
    let all = [Before, After].map(|crash| [false, true].map(|is_looked_up| (crash, is_looked_up)));
    let all =
        all.into_iter().flatten().flat_map(|case| [Leads::Nowhere, Leads::ToAnotherYard].map(|leads| (case, leads)));
    for ((crash, is_looked_up), leads) in all {
        for boundary in 0.. {
            let mut story = Story::in_yard();
            let yard = story.yard.clone();
            yard.inside().other_streets = leads;
            let program = reached_by_an_object(&yard, is_looked_up);
            story.world.apply(&program);
            yard.remove::<Post>("a");
            story.world.crash_at(boundary, crash);
            let ended = story.world.run(&program, Goal::Declared).unwrap();
            for _ in 0..2 {
                let plan = story.world.plan(&program);
                assert!(plan.problems.is_empty(), "{crash:?} {boundary}: {plan}");
                story.world.apply(&program);
            }
            assert!(story.world.plan(&program).is_empty(), "{crash:?} {boundary}");
            assert_eq!(story.objects(), ["yard:post/a", "yard:post/y"], "{crash:?} {boundary}");
            if ended.is_some() {
                break;
            }
        }
    }
}

#[test]
fn provider_is_reached_by_what_its_object_reports_now() {
    let cases =
        [false, true].map(|is_looked_up| [Leads::Nowhere, Leads::ToAnotherYard].map(|leads| (is_looked_up, leads)));
    for (is_looked_up, leads) in cases.into_iter().flatten() {
        let mut story = Story::in_yard();
        let yard = story.yard.clone();
        yard.inside().other_streets = leads;
        let program = reached_by_an_object(&yard, is_looked_up);
        story.world.apply(&program);
        yard.give_another_id::<Post>("a");
        yard.remove::<Post>("y");
        let plan = story.world.plan(&program);
        assert!(plan.problems.is_empty(), "{plan}");
        story.world.apply(&program);
        story.world.apply(&program);
        assert!(story.world.plan(&program).is_empty());
        assert_eq!(story.objects(), ["yard:post/a", "yard:post/y"]);
    }
}

#[test]
fn guest_of_a_deferred_provider_keeps_its_host_until_it_is_planned() {
    let mut story = Story::in_yard();
    let yard = story.yard.clone();
    let program = |first: &'static str, with_host: bool| {
        let yard = yard.clone();
        move |stack: &mut Stack| {
            let near = stack.connect(yard.gate("ann").named("near"));
            let first = stack.on(&near).add(Post::new(first));
            let far = stack.connect(yard.gate("ann").named("far").street(&first.id));
            let guest = Pipe::new("guest");
            if with_host {
                let host = stack.on(&near).add(Pipe::new("host"));
                stack.on(&far).add(guest.tag("inside", &host.name).dies_with(&host));
            } else {
                stack.on(&far).add(guest.base(Base::default().width(2)));
            }
        }
    };
    story.world.apply(program("a", true));
    story.calls();
    let last = program("b", false);
    story.world.apply(&last);
    assert_eq!(story.calls(), ["create yard:post/b"]);
    story.world.apply(&last);
    let calls = story.calls();
    assert_eq!(calls.first().map(String::as_str), Some("create yard:pipe/guest-2"), "{calls:?}");
    assert_eq!(story.objects(), ["yard:pipe/guest-2", "yard:post/b"]);
    assert!(story.world.plan(&last).is_empty());
}
