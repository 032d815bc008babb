//! Hosts and guests (`.dies_with`): what goes with its host, and what of it needs a call.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{Budget, DraftExt as _, Output, Stack};
use sprocket_core::testing::{Crash, Fail};

use super::fake_kinds::{Base, Pipe, Post};
use super::fake_service::Trouble;
use super::simulated_service::{App, Disk, Net};
use super::story::{Story, assert_snapshot, at_each_kill, told};

#[test]
fn what_goes_with_its_host_is_not_deleted_by_itself() {
    let mut story = Story::new();
    story.apply(|stack| {
        let host = stack.add(Net::new("host"));
        stack.add(App::new("guest", "app:1").dies_with(&host));
    });
    assert_snapshot!(story.plan(|_| ()), @"
    - lab:app/guest  (goes with its host)
    - lab:net/host  (not declared any more)
    1 to delete, 1 to forget.
    ");
    assert_eq!(story.apply(|_| ()), ["delete lab:net/host"]);
}

/// A host that is replaced when its width changes, with a guest, and a user of that.
fn fixed(width: u64) -> impl Fn(&mut Stack) {
    move |stack| {
        let host = stack.add(Post::new("host").base(Base::default().width(width)));
        let guest = stack.add(Post::new("guest").tag("inside", &host.name).dies_with(&host));
        stack.add(Post::new("user").beside(&guest.id));
    }
}

#[test]
fn guests_of_a_host_with_a_fixed_name_are_replaced_with_it() {
    let mut story = Story::in_yard();
    story.apply(fixed(1));
    let plan = story.plan(fixed(2));
    assert!(plan.ends_with("1 to update, 2 to replace."), "{plan}");
    assert!(plan.contains("± yard:post/guest  (a new one takes its place, as its host is replaced)"), "{plan}");
    assert_eq!(
        story.apply_alone(fixed(2)),
        ["delete yard:post/host", "create yard:post/host", "create yard:post/guest", "update yard:post/user",]
    );
}

#[test]
fn guests_of_a_host_with_generations_go_with_the_old_one() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            let guest = stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
            stack.add(Pipe::new("inner").tag("inside", &guest.name).dies_with(&guest));
            stack.add(Post::new("user").beside(&guest.id));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_eq!(
        story.apply_alone(program(2)),
        [
            "create yard:pipe/host-2",
            "create yard:pipe/guest-2",
            "create yard:pipe/inner-2",
            "update yard:post/user",
            "delete yard:pipe/host",
        ]
    );
}

#[test]
fn a_guest_with_a_fixed_name_makes_room_on_a_host_with_generations() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            stack.add(Post::new("guest").beside(&host.id).dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_eq!(
        story.apply_alone(program(2)),
        ["create yard:pipe/host-2", "delete yard:post/guest", "create yard:post/guest", "delete yard:pipe/host",]
    );
}

#[test]
fn a_guest_that_must_stay_refuses_the_replacement_of_its_host() {
    let said = |guest: &dyn Fn(&mut Stack, &Post)| {
        let program = |width: u64| {
            move |stack: &mut Stack| {
                let host = stack.add(Post::new("host").base(Base::default().width(width)));
                guest(stack, &host);
            }
        };
        let mut story = Story::new();
        story.apply(program(1));
        story.plan(program(2))
    };
    let plan = said(&|stack, host| drop(stack.add(Post::new("guest").dies_with(host).protect())));
    let protected = "`yard:post/guest`: is protected, and it goes with `yard:post/host`, which would be replaced";
    assert!(plan.contains(protected), "{plan}");
    let plan = said(&|stack, host| drop(stack.add(Disk::new("guest").dies_with(host))));
    let data =
        "`lab:disk/guest`: holds data that would be lost: it goes with `yard:post/host`, which would be replaced";
    assert!(plan.contains(data), "{plan}");
    let plan = said(&|stack, host| drop(stack.add(Pipe::new("guest").dies_with(host).keep_on_delete())));
    let kept = "`yard:pipe/guest`: is left in place when it is deleted (`keep_on_delete`), and it goes with \
                `yard:post/host`, which would be replaced";
    assert!(plan.contains(kept), "{plan}");
}

#[test]
fn budgets_count_guests_that_are_replaced_with_their_host() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            stack.budget(Budget::default().replaces(1));
            fixed(width)(stack);
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let plan = story.plan(program(2));
    assert!(plan.contains("would be replaced, one of 2; this program allows 1 in a plan"), "{plan}");
}

#[test]
fn a_host_that_needs_no_replacement_after_all_keeps_its_guests() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").text(text));
            let layer = first.version.map(|_| "same".to_owned());
            let host = stack.add(Post::new("host").base(Base::default().layer(&layer)));
            stack.add(Post::new("guest").dies_with(&host));
            let host = stack.add(Pipe::new("host").base(Base::default().layer(layer)));
            stack.add(Pipe::new("guest").dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.calls();
    let plan = story.plan(program("two"));
    assert!(plan.ends_with("1 to update, 4 to replace."), "{plan}");
    assert_eq!(story.apply_alone(program("two")), ["update yard:post/first"]);
}

#[test]
fn a_killed_replacement_of_a_host_is_finished_by_the_next_run() {
    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        story.apply(fixed(1));
        story.world.crash_at(boundary, crash);
        let two = fixed(2);
        let ended = story.try_run(&two, Goal::Declared).unwrap();
        if let Some(report) = &ended {
            assert!(report.succeeded(), "{}", told(report));
        }
        story.apply(fixed(2));
        assert_eq!(story.objects().len(), 3);
        ended.is_none()
    });
}

#[test]
fn guests_of_a_host_whose_replacement_was_killed_are_replaced_by_the_next_run() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            // An update is enough for another neighbour; it moves nothing.
            stack.add(Post::new("guest").beside(&host.id).tag("inside", &host.name).dies_with(&host));
            stack.add(Pipe::new("second").beside(&host.id).tag("inside", &host.name).dies_with(&host));
        }
    };
    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        story.apply(program(1));
        story.world.crash_at(boundary, crash);
        let two = program(2);
        let ended = story.try_run(two, Goal::Declared).unwrap();
        story.apply(two);
        assert_eq!(story.objects(), ["yard:pipe/host-2", "yard:pipe/second-2", "yard:post/guest"]);
        ended.is_none()
    });
}

#[test]
fn an_object_that_may_not_be_in_its_host_is_deleted_by_a_call() {
    // The update that puts it there is killed before it is sent.
    let program = |is_inside: bool| {
        move |stack: &mut Stack| {
            let host = stack.add(Post::new("host"));
            let guest = Post::new("guest").text(if is_inside { "in" } else { "out" });
            stack.add(if is_inside { guest.tag("inside", &host.name).dies_with(&host) } else { guest });
        }
    };
    let wide = |stack: &mut Stack| {
        let host = stack.add(Post::new("host").base(Base::default().width(2)));
        stack.add(Post::new("guest").text("in").tag("inside", &host.name).dies_with(&host));
    };
    let killed = || {
        let mut story = Story::in_yard();
        story.apply(program(false));
        story.world.crash_at(0, Crash::After);
        let inside = program(true);
        assert!(story.try_run(inside, Goal::Declared).unwrap().is_none());
        story.calls();
        story
    };
    let mut story = killed();
    assert_eq!(story.apply(|_| ()), ["delete yard:post/guest", "delete yard:post/host"]);
    let mut story = killed();
    story.destroy(|_| ());
    assert!(story.objects().is_empty());
    let mut story = killed();
    story.apply(wide);
    assert_eq!(story.objects(), ["yard:post/guest", "yard:post/host"]);
}

#[test]
fn a_host_stays_as_long_as_something_left_out_was_made_from_its_guest() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            let guest = stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
            stack.add(Post::new("user").beside(&guest.id));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let two = program(2);
    let without = Request::from(Goal::Declared).without(["yard:post/user"]);
    let report = story.try_run(two, without).unwrap().unwrap();
    assert!(report.succeeded(), "{}", told(&report));
    assert!(story.objects().contains(&"yard:pipe/guest".to_owned()), "{:?}", story.objects());
    story.apply(two);
    assert_eq!(story.objects(), ["yard:pipe/guest-2", "yard:pipe/host-2", "yard:post/user"]);
}

#[test]
fn who_stands_on_a_guest_goes_before_its_host() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Post::new("host").base(Base::default().width(width)));
            let guest = stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
            stack.add(Pipe::new("user").on(&guest.id));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_eq!(
        story.apply_alone(program(2)),
        [
            "delete yard:pipe/user",
            "delete yard:post/host",
            "create yard:post/host",
            "create yard:pipe/guest-2",
            "create yard:pipe/user-2",
        ]
    );
}

#[test]
fn changed_dies_with_only_updates_the_record() {
    let program = |with_other: bool| {
        move |stack: &mut Stack| {
            let (one, other) = (stack.add(Net::new("one")), stack.add(Net::new("other")));
            let app = App::new("k", "1").net(&one.id).net(&other.id);
            stack.add(if with_other { app.dies_with(&other) } else { app.dies_with(&one) });
        }
    };
    let mut story = Story::new();
    story.apply(program(false));
    insta::assert_snapshot!(story.plan(program(true)), @"
    · lab:app/k  (only its record changes)
    1 to record, 2 unchanged.
    ");
    assert_eq!(story.apply_alone(program(true)), [""; 0]);
}

#[test]
fn guests_of_guests_go_with_a_host_that_makes_room() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Post::new("host").base(Base::default().width(width)));
            let guest = stack.add(Post::new("guest").tag("inside", &host.name).dies_with(&host));
            stack.add(Pipe::new("inner").tag("inside", &guest.name).dies_with(&guest));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_eq!(
        story.apply_alone(program(2)),
        ["delete yard:post/host", "create yard:post/host", "create yard:post/guest", "create yard:pipe/inner-2"]
    );
    // The host needs no successor after all, and nothing goes.
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").text(text));
            let layer = first.version.map(|_| "same".to_owned());
            let host = stack.add(Post::new("host").base(Base::default().layer(layer)));
            let guest = stack.add(Post::new("guest").tag("inside", &host.name).dies_with(&host));
            stack.add(Pipe::new("inner").tag("inside", &guest.name).dies_with(&guest));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    assert_eq!(story.apply_alone(program("two")), ["update yard:post/first"]);
}

#[test]
fn what_a_left_out_user_was_made_from_refuses_to_be_made_anew() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").base(Base::default().width(width)));
            stack.add(Post::new("user").beside(&first.id));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let two = program(2);
    let without = Request::from(Goal::Declared).without(["yard:post/user"]);
    let plan = story.try_plan(two, without).unwrap().to_string();
    let told = "`yard:post/first`: would be deleted to be made anew, and `yard:post/user`, which this plan leaves out, was \
                made from it";
    assert!(plan.contains(told), "{plan}");
    assert!(plan.contains("hint: plan `yard:post/user` too, or leave `yard:post/first` out"), "{plan}");
}

#[test]
fn a_destroyed_host_takes_its_guests_along() {
    let mut story = Story::in_yard();
    story.apply(fixed(1));
    story.calls();
    let calls = story.destroy(fixed(1));
    assert!(!calls.contains(&"delete yard:pipe/guest".to_owned()), "{calls:?}");
    assert_eq!(story.objects(), [""; 0]);
}

#[test]
fn guests_are_deleted_by_calls_where_their_replaced_host_stays() {
    let program = |width: u64, kept: bool| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
            stack.add(Pipe::new("elsewhere").base(Base::default().width(width)));
            if kept {
                stack.add(Post::new("kept").beside(&host.id).keep_on_delete());
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, true));
    let calls = story.apply_alone(program(2, false));
    assert!(calls.contains(&"delete yard:pipe/guest".to_owned()), "{calls:?}");
    let left = ["elsewhere-2", "guest-2", "host", "host-2"].map(|name| format!("yard:pipe/{name}"));
    assert_eq!(story.objects(), [&left[..], &["yard:post/kept".to_owned()]].concat());
}

/// A host, a guest in it, and an inner one in that. They know their hosts by names that do not change.
fn nest(stack: &mut Stack, base: Base, text: &Output<String>) {
    let host = stack.add(Post::new("host").base(base));
    let guest = stack.add(Post::new("guest").text(text).tag("inside", "host").dies_with(&host));
    stack.add(Post::new("inner").text(text).tag("inside", "guest").dies_with(&guest));
}

#[test]
fn unfinished_guest_is_deleted_by_a_call_before_its_host_makes_room() {
    let text = Output::known("same".to_owned());
    let program = |width: u64| {
        let text = text.clone();
        move |stack: &mut Stack| nest(stack, Base::default().width(width), &text)
    };
    for half in ["guest", "inner"] {
        let mut story = Story::in_yard();
        story.yard.trouble("create", half, Trouble::Half);
        assert!(!story.run(program(1)).unwrap().succeeded());
        story.calls();
        let mut calls = story.apply(program(2));
        calls.retain(|call| call.starts_with("delete"));
        assert_eq!(calls, [format!("delete yard:post/{half}"), "delete yard:post/host".into()]);
    }
}

#[test]
fn unfinished_guest_of_a_host_that_needs_no_replacement_stays() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").text(text));
            let same = first.version.map(|_| "same".to_owned());
            nest(stack, Base::default().layer(&same), &same);
        }
    };
    for half in ["guest", "inner"] {
        let mut story = Story::in_yard();
        story.world.settings.continue_on_error = true;
        story.yard.trouble("create", half, Trouble::Half);
        assert!(!story.run(program("one")).unwrap().succeeded());
        story.calls();
        // The first one leaves the guest as it is, and the next one finishes it.
        story.run(program("two")).unwrap();
        let report = story.run(program("two")).unwrap();
        assert!(report.succeeded(), "{}", told(&report));
        let calls = story.calls();
        assert!(!calls.iter().any(|call| call.starts_with("delete")), "{calls:?}");
        assert!(story.plan(program("two")).starts_with("Nothing to do"), "{calls:?}");
    }
}

#[test]
fn guest_stays_though_it_is_not_known_yet_whether_its_host_is_replaced() {
    let program = |first: &'static str, guest: &'static str| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").text(first));
            let same = first.version.map(|_| "same".to_owned());
            let host = stack.add(Post::new("host").base(Base::default().layer(&same)));
            stack.add(Post::new("guest").text(guest).tag("inside", "host").dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one", "a"));
    // The guest has changed, and no record says so.
    story.world.crash_at(1, Crash::Before);
    assert!(story.try_run(program("one", "b"), Goal::Declared).unwrap().is_none());
    story.calls();
    // It turns out to need an update only, which the next plan has.
    story.run(program("two", "b")).unwrap();
    let calls = story.apply(program("two", "b"));
    assert!(!calls.iter().any(|call| call.starts_with("delete")), "{calls:?}");
}

#[test]
fn guest_is_recorded_until_every_object_of_its_host_is_deleted() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            stack.add(Pipe::new("guest").tag("inside", &host.name).dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.apply(program(1));
    // The guest is still in the first object of the host.
    story.world.fail("create", "guest-2", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(program(2)).unwrap().succeeded());
    assert_eq!(story.objects(), ["yard:pipe/guest", "yard:pipe/host", "yard:pipe/host-2"]);
    story.world.fail("delete", "host", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(|_| ()).unwrap().succeeded());
    assert!(story.objects().contains(&"yard:pipe/guest".to_owned()), "{:?}", story.objects());
    assert!(story.world.snapshot().unwrap().records.contains_key(&"yard:pipe/guest".into()));
    story.apply(|_| ());
    assert!(story.objects().is_empty());
}

/// A host with generations that is replaced when its width changes, with a guest in it.
fn pipes(width: u64, text: &'static str) -> impl Fn(&mut Stack) {
    move |stack| {
        let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
        stack.add(Pipe::new("guest").text(text).tag("inside", &host.name).dies_with(&host));
    }
}

/// The host was replaced, and the old one, with the old guest in it, could not be deleted.
fn replaced_by_half() -> Story {
    let mut story = Story::in_yard();
    story.apply(pipes(1, "a"));
    story.world.fail("delete", "host", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(pipes(2, "a")).unwrap().succeeded());
    assert_eq!(story.calls(), ["create yard:pipe/host-2", "create yard:pipe/guest-2"]);
    story
}

#[test]
fn guest_in_the_earlier_object_of_its_host_is_used_again_with_that() {
    let mut story = replaced_by_half();
    assert_eq!(story.apply(pipes(1, "a")), ["delete yard:pipe/host-2"]);
    assert_eq!(story.objects(), ["yard:pipe/guest", "yard:pipe/host"]);
}

#[test]
fn guest_in_an_old_object_of_its_host_is_not_used_again_in_another() {
    let mut story = replaced_by_half();
    story.apply(pipes(3, "a"));
    assert_eq!(story.objects(), ["yard:pipe/guest-3", "yard:pipe/host-3"]);
}

#[test]
fn guest_in_the_new_object_of_its_host_is_updated_while_the_old_one_goes() {
    let mut story = replaced_by_half();
    let mut calls = story.apply(pipes(2, "b"));
    calls.sort();
    assert_eq!(calls, ["delete yard:pipe/guest", "delete yard:pipe/host", "update yard:pipe/guest-2"]);
}

#[test]
fn guest_that_knows_its_host_by_name_only_moves_after_a_killed_replacement() {
    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        story.apply(pipes(1, "a"));
        story.world.crash_at(boundary, crash);
        let two = pipes(2, "a");
        let ended = story.try_run(&two, Goal::Declared).unwrap();
        story.apply(&two);
        assert_eq!(story.objects(), ["yard:pipe/guest-2", "yard:pipe/host-2"], "{crash:?} {boundary}");
        ended.is_none()
    });
}

#[test]
fn destroyed_guest_needs_no_call_unless_its_host_stays() {
    let program = |keeps: bool| {
        move |stack: &mut Stack| {
            let host = stack.add(Post::new("host"));
            stack.add(Post::new("guest").tag("inside", &host.name).dies_with(&host));
            if keeps {
                stack.add(Pipe::new("kept").beside(&host.id).keep_on_delete());
            }
        }
    };
    let destroyed = |keeps| {
        let mut story = Story::in_yard();
        story.apply(program(keeps));
        story.calls();
        story.destroy(program(keeps))
    };
    assert_eq!(destroyed(false), ["delete yard:post/host"]);
    assert_eq!(destroyed(true), ["delete yard:post/guest"]);
}

#[test]
fn what_goes_with_its_host_and_what_is_left_is_told_with_its_name() {
    let mut story = Story::in_yard();
    story.apply(|stack| {
        let host = stack.add(Post::new("host"));
        stack.add(Pipe::new("guest").named("inner").dies_with(&host));
        stack.add(Pipe::new("kept").named("elder").keep_on_delete());
    });
    let plan = story.plan_of(|_: &mut Stack| ());
    let told: Vec<_> =
        plan.steps.iter().map(|step| (step.action.verb(), step.name.as_ref().unwrap().as_str())).collect();
    assert_eq!(told, [("drop", "inner"), ("leave", "elder"), ("delete", "host")]);
}

#[test]
fn guest_that_does_not_say_where_it_is_is_used_again_with_the_earlier_object_of_its_host() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let host = stack.add(Pipe::new("host").base(Base::default().width(width)));
            stack.add(Pipe::new("guest").dies_with(&host));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    story.world.fail("delete", "host", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(program(2)).unwrap().succeeded());
    let plan = story.plan(program(1));
    assert!(plan.contains("± yard:pipe/guest  (the earlier one is used again)"), "{plan}");
}

#[test]
fn guest_in_the_one_of_several_old_objects_that_its_host_is_again_stays_in_it() {
    let mut story = replaced_by_half();
    story.world.settings.parallel = 1;
    story.world.fail("create", "guest-3", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(pipes(3, "a")).unwrap().succeeded());
    story.calls();
    let calls = story.apply(pipes(2, "a"));
    assert!(calls.iter().all(|call| call.starts_with("delete")), "{calls:?}");
    assert_eq!(story.objects(), ["yard:pipe/guest-2", "yard:pipe/host-2"]);
}
