//! Providers that can be reached only once a step is done, as their settings come from it: what is behind them is read and
//! planned after that.

use sprocket_core::engine::Goal;
use sprocket_core::program::{DraftExt as _, Stack};

use super::fake_kinds::{Base, Pipe, Post, Sign};
use super::fake_service::{Leads, Yard};
use super::simulated_service::{Conf, Lab, Net};
use super::story::{Story, assert_snapshot, at_each_kill, said};

#[test]
fn a_provider_made_by_the_program_is_opened_when_its_address_is_known() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let docker = stack.connect(Lab::local());
        let host = stack.on(&docker).add(Net::new("host"));
        let inner = stack.connect(Lab::at(host.id.map(|id| format!("http://{id}"))).named("inner"));
        stack.on(&inner).add(Conf::new("policy", "allow"));
    };
    assert_snapshot!(story.world.plan(program), @"
    + lab:net/host
    + lab:conf/policy `policy-f7cd6a313d0ee1eb`
        data: allow
    2 to create.
    ");
    story.world.apply(program);
    assert_snapshot!(story.world.plan(program), @"Nothing to do: 2 resources are as declared.");
    assert_snapshot!(story.world.calls().join("\n"), @"
    create lab:net/host
    create lab:conf/policy-f7cd6a313d0ee1eb
    ");
    story.world.destroy(program);
    assert_eq!(story.world.objects(), Vec::<String>::new());
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
    at_each_kill(|crash, boundary| {
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
        ended.is_none()
    });
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
    at_each_kill(|crash, boundary| {
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
        ended.is_none()
    });
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
