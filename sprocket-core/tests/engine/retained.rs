//! What is left in place when it is not wanted any more (`.keep_on_delete`, `.retain_with`), and what it was made from.

use sprocket_core::engine::{Goal, Reason, Request, StepId};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Pipe, Post};
use super::lifecycle::estate;
use super::simulated_service::{App, Disk, Net, Note};
use super::story::{Story, assert_snapshot, at_each_kill};

#[test]
fn what_is_kept_on_delete_is_left_in_place() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Net::new("edge").keep_on_delete());
    });
    assert_eq!(story.apply(|_| ()), Vec::<String>::new());
    assert_eq!(story.world.objects(), ["lab:net/edge"]);
}

#[test]
fn destroy_keeps_data_and_the_secret_that_is_retained_with_it() {
    let mut story = Story::new();
    story.apply(estate);
    let plan = story.try_plan(estate, Goal::Destroyed { include_kept: false }).unwrap();
    assert_snapshot!(plan, @"
    - lab:app/web
    - lab:conf/motd `motd-1b8417811209c2cb`
    - lab:net/edge
    - lab:note/login
    = lab:disk/data stays as `data`: it holds data
    = random:password/redis stays as `redis`: `lab:disk/data` stays, and this is retained with it
    4 to delete.
    ");
    story.world.destroy(story.connected(&estate));
    // The record says so: whoever used the data has gone.
    story.world.destroy(story.connected(&estate));
    assert!(story.world.snapshot().unwrap().records.contains_key(&"random:password/redis".into()));
    assert_eq!(story.world.objects(), ["lab:disk/data"]);
    story.apply(estate);
}

#[test]
fn what_is_retained_keeps_what_it_needs_and_what_is_retained_with_it() {
    let program = |stack: &mut Stack| {
        let disk = stack.add(Disk::new("data"));
        let secret = stack.add(Password::new("secret"));
        let login = stack.add(Note::new("login", &secret.value).retain_with(&disk));
        stack.add(Password::new("recovery").retain_with(&login));
        let other = stack.add(Password::new("other"));
        stack.add(Password::new("goes").retain_with(&other));
    };
    let mut story = Story::new();
    story.apply(program);
    let plan = |story: &mut Story, program: fn(&mut Stack), request: Request| {
        story.try_plan(program, request).unwrap().to_string()
    };
    let destroyed = || Request::from(Goal::Destroyed { include_kept: false });
    assert_snapshot!(plan(&mut story, program, destroyed()), @"
    - random:password/goes
    - random:password/other
    = lab:disk/data stays as `data`: it holds data
    = lab:note/login stays as `login`: `lab:disk/data` stays, and this is retained with it
    = random:password/recovery stays as `recovery`: `lab:note/login` stays, and this is retained with it
    = random:password/secret stays as `secret`: `lab:note/login` stays, and needs it
    2 to delete.
    ");
    // What the request leaves out stays too.
    let with = |stack: &mut Stack| {
        let net = stack.add(Net::new("net"));
        stack.add(Password::new("key").retain_with(&net));
    };
    let mut story = Story::new();
    story.apply(with);
    assert_snapshot!(plan(&mut story, with, destroyed().without(["lab:net/net"])), @"
    = random:password/key stays as `key`: `lab:net/net` stays, and this is retained with it
    Nothing to do: nothing is left to destroy; 1 left out.
    ");
}

#[test]
fn what_is_retained_with_data_from_now_on_is_recorded() {
    let program = |retained: bool| {
        move |stack: &mut Stack| {
            let disk = stack.add(Disk::new("data"));
            let secret = Password::new("secret");
            stack.add(if retained { secret.retain_with(&disk) } else { secret });
        }
    };
    let mut story = Story::new();
    story.apply(program(false));
    assert_snapshot!(story.plan(program(true)), @"
    · random:password/secret  (only its record changes)
    1 to record, 1 unchanged.
    ");
    story.apply(program(true));
    story.world.destroy(story.connected(&program(true)));
    assert!(story.world.snapshot().unwrap().records.contains_key(&"random:password/secret".into()));
    story.apply(program(false));
    story.world.destroy(story.connected(&program(false)));
    assert!(!story.world.snapshot().unwrap().records.contains_key(&"random:password/secret".into()));
}

#[test]
fn a_retained_object_that_is_replaced_is_left() {
    let program = |width: u64| {
        move |stack: &mut Stack| drop(stack.add(Pipe::new("a").base(Base::default().width(width)).keep_on_delete()))
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let plan = story.plan(program(2));
    assert!(plan.contains("left in place"), "{plan}");
    story.calls();
    assert_eq!(story.apply_alone(program(2)), ["create yard:pipe/a-2"]);
    assert_eq!(story.objects(), ["yard:pipe/a", "yard:pipe/a-2"]);
}

#[test]
fn a_retained_object_that_is_replaced_is_left_by_a_run_that_is_killed() {
    let program = |width: u64| {
        move |stack: &mut Stack| drop(stack.add(Pipe::new("a").base(Base::default().width(width)).keep_on_delete()))
    };
    at_each_kill(|crash, boundary| {
        let mut story = Story::new();
        story.apply(program(1));
        story.world.crash_at(boundary, crash);
        let two = program(2);
        let ended = story.try_run(two, Goal::Declared).unwrap();
        story.apply(program(2));
        assert_eq!(story.objects().len(), 2, "{:?}", story.objects());
        ended.is_none()
    });
}

#[test]
fn a_retained_object_with_a_fixed_name_is_not_replaced() {
    let program = |width: u64| {
        move |stack: &mut Stack| drop(stack.add(Post::new("a").base(Base::default().width(width)).keep_on_delete()))
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let plan = story.plan(program(2));
    assert!(plan.contains("is left in place when it is deleted (`keep_on_delete`), and a change of"), "{plan}");
    assert!(plan.contains("hint: take `.keep_on_delete()` away and apply that first, or undo the change"), "{plan}");
}

#[test]
fn what_a_retained_object_was_made_from_is_left_too() {
    let mut story = Story::new();
    story.apply(|stack| {
        let a = stack.add(Net::new("a"));
        stack.add(App::new("k", "1").net(&a.id).keep_on_delete());
        stack.add(Net::new("free"));
    });
    let plan = story.plan(|_| ());
    assert!(plan.contains("= lab:net/a") && plan.contains("- lab:net/free"), "{plan}");
    story.apply(|_| ());
    assert_eq!(story.objects().len(), 2);
}

#[test]
fn what_a_retained_object_was_made_from_is_left_by_a_run_that_is_killed() {
    // It is forgotten only once nothing that stays uses it any more.
    let before = |stack: &mut Stack| {
        let a = stack.add(Pipe::new("a"));
        stack.add(Pipe::new("kept").beside(&a.id).keep_on_delete());
        stack.add(Post::new("user").beside(&a.id));
    };
    let after = |stack: &mut Stack| drop(stack.add(Post::new("user")));
    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        story.apply(before);
        story.world.crash_at(boundary, crash);
        let ended = story.try_run(after, Goal::Declared).unwrap();
        story.apply(after);
        assert_eq!(story.objects(), ["yard:pipe/a", "yard:pipe/kept", "yard:post/user"], "{crash:?} {boundary}");
        ended.is_none()
    });
}

#[test]
fn the_host_of_data_is_left_too() {
    let mut story = Story::new();
    story.apply(|stack| {
        let host = stack.add(Net::new("host"));
        stack.add(Disk::new("data").dies_with(&host));
    });
    let plan = story.plan(|_| ());
    assert!(plan.contains("= lab:disk/data") && plan.contains("= lab:net/host"), "{plan}");
    assert!(!plan.contains("- lab:"), "{plan}");
}

#[test]
fn a_retained_object_is_left_alone_when_nothing_is_retained_any_more() {
    let program = |width: u64, is_retained: bool| {
        move |stack: &mut Stack| {
            let pipe = Pipe::new("a").base(Base::default().width(width));
            stack.add(if is_retained { pipe.keep_on_delete() } else { pipe });
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, true));
    story.apply(program(2, true));
    story.apply(program(2, false));
    story.apply(program(3, false));
    assert_eq!(story.objects(), ["yard:pipe/a", "yard:pipe/a-3"]);
    story.destroy(program(3, false));
    assert_eq!(story.objects(), ["yard:pipe/a"]);
}

/// A net, and an app on it that is left in place when it is replaced.
fn retained(subnet: &'static str) -> impl Fn(&mut Stack) {
    move |stack| {
        let net = stack.add(Net::new("a").subnet(subnet));
        let pipe = Pipe::new("k").on(&net.id);
        stack.add(pipe.keep_on_delete());
    }
}

#[test]
fn what_a_retained_object_was_made_from_is_left_when_both_are_replaced() {
    at_each_kill(|crash, boundary| {
        let mut story = Story::new();
        story.apply(retained("10.0.0.0/24"));
        let (before, next) = (story.objects(), retained("10.1.0.0/24"));
        story.world.crash_at(boundary, crash);
        let ended = story.try_run(&next, Goal::Declared).unwrap();
        story.apply(&next);
        let now = story.objects();
        assert!(now.len() == 4 && before.iter().all(|object| now.contains(object)), "{now:?}");
        ended.is_none()
    });
}

#[test]
fn what_an_undeclared_retained_object_was_made_from_is_left_when_it_is_replaced() {
    let mut story = Story::in_yard();
    story.apply(|stack| {
        let pipe = stack.add(Pipe::new("pipe"));
        let post = stack.add(Post::new("post"));
        stack.add(Post::new("kept").beside(&pipe.id).keep_on_delete());
        stack.add(Post::new("more").beside(&post.id).keep_on_delete());
    });
    let wide = |with: bool| {
        move |stack: &mut Stack| {
            let base = || Base::default().width(2);
            stack.add(Pipe::new("pipe").base(base()));
            let post = stack.add(if with { Post::new("post") } else { Post::new("post").base(base()) });
            if with {
                stack.add(Post::new("more").beside(&post.id).keep_on_delete());
            }
        }
    };
    let plan = story.plan(wide(false));
    let told = "would be deleted to be made anew, and `yard:post/more`, which is left in place, was made from it";
    assert!(plan.contains(told), "{plan}");
    assert_eq!(story.apply_alone(wide(true)), ["create yard:pipe/pipe-2"]);
    assert_eq!(
        story.objects(),
        ["yard:pipe/pipe", "yard:pipe/pipe-2", "yard:post/kept", "yard:post/more", "yard:post/post"]
    );
}

#[test]
fn what_is_left_does_not_wait_for_itself() {
    let program = |width: u64, with: bool| {
        move |stack: &mut Stack| {
            let a = stack.add(Pipe::new("a").base(Base::default().width(width)));
            let b = stack.add(Pipe::new("b").beside(&a.id));
            if with {
                stack.add(Pipe::new("kept").beside(&a.id).beside(&b.id).keep_on_delete());
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, true));
    assert_eq!(story.apply_alone(program(2, false)), ["create yard:pipe/a-2", "update yard:pipe/b"]);
    assert_eq!(story.objects(), ["yard:pipe/a", "yard:pipe/a-2", "yard:pipe/b", "yard:pipe/kept"]);
}

#[test]
fn what_a_retained_object_was_made_from_is_not_destroyed_either() {
    let program = |stack: &mut Stack| {
        let base = stack.add(Post::new("base"));
        let first = stack.add(Post::new("first").beside(&base.id));
        stack.add(Pipe::new("second").on(&first.id).keep_on_delete());
        stack.add(Pipe::new("other"));
    };
    let mut story = Story::in_yard();
    story.apply(program);
    story.calls();
    assert_eq!(story.destroy(program), ["delete yard:pipe/other"]);
    assert_eq!(story.objects(), ["yard:pipe/second", "yard:post/base", "yard:post/first"]);
}

#[test]
fn what_is_left_in_place_is_told_at_its_line() {
    let mut story = Story::new();
    story.apply(retained("10.0.0.0/24"));
    let next = retained("10.1.0.0/24");
    let plan = story.plan_of(next);
    let left: Vec<_> = plan.steps.iter().filter(|step| step.reason == Reason::Retained).collect();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|step| step.at.is_some()), "{left:?}");
}

#[test]
fn retained_object_that_needs_no_replacement_after_all_stays_recorded() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").text(text));
            let layer = first.version.map(|_| "same".to_owned());
            stack.add(Pipe::new("kept").base(Base::default().layer(layer)).keep_on_delete());
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    assert!(story.plan(program("two")).contains("± yard:pipe/kept"));
    assert_eq!(story.apply_alone(program("two")), ["update yard:post/first"]);
    assert!(story.world.snapshot().unwrap().records[&"yard:pipe/kept".into()].object.is_some());
}

#[test]
fn what_was_left_is_forgotten_after_what_was_made_from_it() {
    let mut story = Story::new();
    story.apply(retained("10.0.0.0/24"));
    let next = retained("10.1.0.0/24");
    let plan = story.plan_of(next);
    let forgets = |address: &str| {
        let is_it =
            |step: &sprocket_core::engine::Step| step.reason == Reason::Retained && step.address.as_str() == address;
        plan.steps.iter().position(is_it).unwrap()
    };
    let (net, pipe) = (forgets("lab:net/a"), forgets("yard:pipe/k"));
    let waits = |one: usize, other: usize| plan.steps[one].after.contains(&StepId::of(other));
    assert!(waits(pipe, net) != waits(net, pipe), "{:#?}", plan.steps);
}

#[test]
fn guest_of_a_retained_host_that_is_replaced_is_deleted_by_a_call() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)).keep_on_delete());
            stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let calls = ["create yard:pipe/host-2", "create yard:pipe/guest-2", "delete yard:pipe/guest"];
    assert_eq!(story.apply_alone(program(2)), calls);
    assert_eq!(story.objects(), ["yard:pipe/guest-2", "yard:pipe/host", "yard:pipe/host-2"]);
}

#[test]
fn guest_moves_out_of_a_retained_host_though_the_first_run_failed() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)).keep_on_delete());
            stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    story.world.fail("create", "guest-2", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(program(2)).unwrap().succeeded());
    assert_eq!(story.apply_alone(program(2)), ["create yard:pipe/guest-2", "delete yard:pipe/guest"]);
    assert_eq!(story.objects(), ["yard:pipe/guest-2", "yard:pipe/host", "yard:pipe/host-2"]);
}

#[test]
fn retained_guests_refuse_the_replacement_of_a_host_with_generations() {
    let host = |stack: &mut Stack, width: u64| stack.add(Pipe::new("host").base(Base::default().width(width)));
    let mut story = Story::in_yard();
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = host(stack, width);
            stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host).keep_on_delete());
        }
    };
    story.apply(program(1));
    let plan = story.plan(program(2));
    assert!(plan.contains("! yard:pipe/guest`") || plan.contains("`keep_on_delete`), and it goes with"), "{plan}");
    let plan = story.plan(|stack| drop(host(stack, 2)));
    let told = "would be left in place, and goes with `yard:pipe/host`, which would be replaced";
    assert!(plan.contains(told), "{plan}");
}

#[test]
fn retained_guest_that_is_not_declared_any_more_is_told_once_of_a_host_that_makes_room() {
    let host = |stack: &mut Stack, width: u64| stack.add(Post::new("host").base(Base::default().width(width)));
    let mut story = Story::in_yard();
    story.apply(|stack| {
        let host = host(stack, 1);
        stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host).keep_on_delete());
    });
    let alone = |stack: &mut Stack| drop(host(stack, 2));
    let plan = story.plan_of(alone);
    let told: Vec<_> = plan.problems.iter().map(|problem| problem.address.as_str()).collect();
    assert_eq!(told, ["yard:pipe/guest"], "{plan}");
}
