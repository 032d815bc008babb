//! What only one resource can have, such as a port: two that want it are a problem, and what moves from one to another is
//! released before it is taken.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Booth, Pipe, Post, Stall};
use super::story::{Story, at_each_kill, told};

fn apply_with(parallel: usize, programs: &[&dyn Fn(&mut Stack)]) -> Story {
    let mut story = Story::in_yard();
    story.world.settings.parallel = parallel;
    for program in programs {
        story.calls();
        story.apply(program);
    }
    story
}

/// The calls of the last of some programs, the same however many are made at once.
#[track_caller]
fn calls_of(programs: &[&dyn Fn(&mut Stack)]) -> String {
    let calls = |parallel| {
        let mut story = apply_with(parallel, &programs[..programs.len() - 1]);
        story.apply(programs[programs.len() - 1]).join("\n")
    };
    let one = calls(1);
    assert_eq!(one, calls(64));
    one
}

#[test]
fn a_claim_moves_from_what_is_deleted_to_what_is_created() {
    let calls = calls_of(&[&|stack| drop(stack.add(Stall::new("web").tag("plot 80", "alone"))), &|stack| {
        drop(stack.add(Stall::new("site").tag("plot 80", "alone")))
    }]);
    assert_eq!(calls, "delete yard:stall/web\ncreate yard:stall/site");
}

#[test]
fn a_claim_moves_between_resources_that_stay() {
    let holder = |first: &'static str, second: &'static str, at: &'static str| {
        move |stack: &mut Stack| {
            for name in [first, second] {
                let stall = Stall::new(name).text(at);
                stack.add(if name == at { stall.tag("plot 80", "alone") } else { stall });
            }
        }
    };
    let calls = calls_of(&[&holder("b", "a", "a"), &holder("b", "a", "b")]);
    assert_eq!(calls, "update yard:stall/a\nupdate yard:stall/b");
    let calls = calls_of(&[&holder("a", "b", "b"), &holder("a", "b", "a")]);
    assert_eq!(calls, "update yard:stall/b\nupdate yard:stall/a");
}

#[test]
fn a_claim_moves_from_what_is_replaced() {
    let program = |width: u64, at: &'static str| {
        move |stack: &mut Stack| {
            for name in ["a", "b"] {
                let base = if name == "b" { width } else { 1 };
                let booth = Booth::new(name).base(Base::default().width(base));
                stack.add(if name == at { booth.tag("plot 80", "alone") } else { booth });
            }
        }
    };
    let calls = calls_of(&[&program(1, "b"), &program(2, "a")]);
    assert_eq!(calls, "create yard:booth/b-2\ndelete yard:booth/b\nupdate yard:booth/a");
}

#[test]
fn an_object_gives_up_its_claim_before_its_successor_takes_it() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let booth = Booth::new("a").tag("plot 80", "alone").base(Base::default().width(width));
            let booth = stack.add(booth);
            stack.add(Post::new("user").beside(&booth.name));
        }
    };
    let calls = calls_of(&[&program(1), &program(2)]);
    assert_eq!(calls, "delete yard:booth/a\ncreate yard:booth/a-2\nupdate yard:post/user");
}

#[test]
fn a_shared_claim_turns_into_an_exclusive_one_and_back() {
    let shared = |stack: &mut Stack| {
        (1..=20).for_each(|at| drop(stack.add(Stall::new(&format!("a{at}")).tag(format!("plot {at}"), "shared"))));
    };
    let alone = |stack: &mut Stack| {
        (1..=20).for_each(|at| drop(stack.add(Stall::new(&format!("c{at}")).tag(format!("plot {at}"), "alone"))));
    };
    for parallel in [1, 64] {
        apply_with(parallel, &[&shared, &alone, &shared]);
    }
}

#[test]
fn claims_that_are_swapped_are_a_problem() {
    let program = |a: &'static str, b: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Stall::new("a").tag(a, "alone"));
            stack.add(Stall::new("b").tag(b, "alone"));
        }
    };
    let mut story = apply_with(1, &[&program("plot 1", "plot 2")]);
    let plan = story.plan(program("plot 2", "plot 1"));
    let told = "`yard:stall/a`: needs plot 2, which `yard:stall/b` gives up only after that: `update yard:stall/b` waits for \
                `update yard:stall/a` waits for `update yard:stall/b`";
    assert!(plan.contains(told), "{plan}");
    let hint = "apply this with `yard:stall/a` left without plot 2, and give it plot 2 after that";
    assert!(plan.contains(hint), "{plan}");
    story.run(program("plot 2", "plot 1")).unwrap_err();
    // As it says.
    story.apply(|stack| {
        stack.add(Stall::new("a"));
        stack.add(Stall::new("b").tag("plot 1", "alone"));
    });
    story.apply(program("plot 2", "plot 1"));
}

#[test]
fn a_claim_of_what_stays_is_a_problem() {
    let mut story = apply_with(1, &[&|stack| drop(stack.add(Stall::new("web").tag("plot 80", "").keep_on_delete()))]);
    let site = |stack: &mut Stack| drop(stack.add(Stall::new("site").tag("plot 80", "")));
    let plan = story.plan(site);
    assert!(plan.contains("needs plot 80, which `yard:stall/web` has, and it is left in place"), "{plan}");
}

#[test]
fn a_claim_of_what_is_left_out_is_a_problem() {
    let mut story = apply_with(1, &[&|stack| drop(stack.add(Stall::new("web").tag("plot 80", "")))]);
    let both = story.connected(&|stack: &mut Stack| {
        stack.add(Stall::new("site").tag("plot 80", ""));
        stack.add(Stall::new("web"));
    });
    let plan = story.world.try_plan(&both, Request::from(Goal::Declared).only(["yard:stall/site"])).unwrap();
    let plan = plan.to_string();
    assert!(plan.contains("needs plot 80, which `yard:stall/web` has, and this plan leaves it out"), "{plan}");
}

#[test]
fn dependents_move_over_to_the_new_holder_of_a_claim() {
    let program = |name: &'static str| {
        move |stack: &mut Stack| {
            let stall = stack.add(Stall::new(name).tag("plot 80", ""));
            let user = stack.add(Post::new("user").beside(&stall.name));
            stack.add(Pipe::new("pipe").beside(user.version.map(|version| version.to_string())));
        }
    };
    let calls = calls_of(&[&program("web"), &program("site")]);
    let expected = "delete yard:stall/web\ncreate yard:stall/site\nupdate yard:post/user\nupdate yard:pipe/pipe";
    assert_eq!(calls, expected);
}

#[test]
fn a_new_holder_is_made_when_all_that_it_needs_is_there() {
    // The old one goes as late as it can.
    let calls = calls_of(&[&|stack| drop(stack.add(Stall::new("web").tag("plot 80", ""))), &|stack| {
        let pipe = stack.add(Pipe::new("pipe"));
        stack.add(Stall::new("site").tag("plot 80", "").beside(&pipe.id));
    }]);
    assert_eq!(calls, "create yard:pipe/pipe\ndelete yard:stall/web\ncreate yard:stall/site");
}

#[test]
fn a_killed_handover_is_finished_by_the_next_run() {
    let before = |stack: &mut Stack| drop(stack.add(Stall::new("web").tag("plot 80", "")));
    let after = |stack: &mut Stack| drop(stack.add(Stall::new("site").tag("plot 80", "")));
    at_each_kill(|crash, boundary| {
        let mut story = apply_with(1, &[&before]);
        story.world.crash_at(boundary, crash);
        let ended = story.try_run(after, Goal::Declared).unwrap();
        if let Some(report) = &ended {
            assert!(report.succeeded(), "{}", told(report));
        }
        story.apply(after);
        assert_eq!(story.objects(), ["yard:stall/site"]);
        ended.is_none()
    });
}

#[test]
fn a_claim_of_a_retained_replaced_object_is_a_problem() {
    let program = |width: u64, site: bool| {
        move |stack: &mut Stack| {
            let web = Booth::new("web").base(Base::default().width(width)).keep_on_delete();
            stack.add(if site { web } else { web.tag("plot 80", "alone") });
            if site {
                stack.add(Stall::new("site").tag("plot 80", "alone"));
            }
        }
    };
    let mut story = apply_with(1, &[&program(1, false)]);
    let plan = story.plan(program(2, true));
    assert!(
        plan.contains("`yard:stall/site`: needs plot 80, which `yard:booth/web` has, and it is left in place"),
        "{plan}"
    );
}

#[test]
fn a_claim_of_a_guest_is_free_once_its_replaced_host_is_deleted() {
    let program = |width: u64, site: bool| {
        move |stack: &mut Stack| {
            let host = stack.add(Post::new("host").base(Base::default().width(width)));
            let web = Stall::new("web").tag("inside", &host.name).dies_with(&host);
            stack.add(if site { web } else { web.tag("plot 80", "alone") });
            if site {
                stack.add(Stall::new("site").tag("plot 80", "alone"));
            }
        }
    };
    let mut story = apply_with(1, &[&program(1, false)]);
    assert_eq!(story.apply_alone(program(2, true))[0], "delete yard:post/host");
}

#[test]
fn a_replaced_object_that_gives_up_another_claim_is_deleted_last() {
    let program = |width: u64, plot: &'static str| {
        move |stack: &mut Stack| {
            drop(stack.add(Booth::new("web").base(Base::default().width(width)).tag(plot, "alone")));
        }
    };
    let calls = calls_of(&[&program(1, "plot 1"), &program(2, "plot 2")]);
    assert_eq!(calls, "create yard:booth/web-2\ndelete yard:booth/web");
    let calls = calls_of(&[&program(1, "plot 1"), &program(2, "plot 1")]);
    assert_eq!(calls, "delete yard:booth/web\ncreate yard:booth/web-2");
}

#[test]
fn a_claim_of_an_object_that_has_gone_is_free() {
    let mut story = apply_with(1, &[&|stack| drop(stack.add(Stall::new("web").tag("plot 80", "alone")))]);
    story.yard.remove::<Stall>("web");
    let calls = story.apply_alone(|stack| drop(stack.add(Stall::new("site").tag("plot 80", "alone"))));
    assert_eq!(calls, ["create yard:stall/site"]);
}

#[test]
fn a_claim_that_a_stall_only_stops_to_share_waits_for_nobody() {
    // Of the two only the record of one changes.
    let program = |retained: bool, plots: &'static [&'static str]| {
        move |stack: &mut Stack| {
            let web = Stall::new("web").tag("plot 80", "shared");
            stack.add(if retained { web.keep_on_delete() } else { web });
            for name in plots {
                stack.add(Stall::new(name).tag("plot 80", "shared"));
            }
        }
    };
    let calls = calls_of(&[&program(false, &["a"]), &program(true, &["a", "b"])]);
    assert_eq!(calls, "create yard:stall/b");
}

#[test]
fn dependent_that_gives_up_a_claim_is_deleted_before_what_it_was_made_from() {
    // Its own user moves over to what takes the claim of the other, and can't come before that.
    let before = |stack: &mut Stack| {
        let outer = stack.add(Stall::new("outer").tag("plot 2", "alone"));
        let inner = stack.add(Stall::new("inner").tag("plot 1", "alone").beside(&outer.id));
        stack.add(Post::new("user").beside(&inner.id));
    };
    let after = |stack: &mut Stack| {
        stack.add(Stall::new("site").tag("plot 1", "alone"));
        let outer = stack.add(Stall::new("zoo").tag("plot 2", "alone"));
        stack.add(Post::new("user").beside(&outer.id));
    };
    let mut story = apply_with(1, &[&before]);
    let mut calls = story.apply_alone(after);
    calls.retain(|call| call.starts_with("delete"));
    assert_eq!(calls, ["delete yard:stall/inner", "delete yard:stall/outer"]);
}

#[test]
fn claim_of_an_object_that_no_record_has_is_a_problem() {
    // It was left in place, and is to be adopted without its claim; another that is adopted wants that.
    let program = |plot: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("first"));
            stack.add(Stall::new("web"));
            stack.add(Stall::new("site").adopt().tag(plot, "alone"));
        }
    };
    let web = |stack: &mut Stack| drop(stack.add(Stall::new("web").tag("plot 80", "alone").keep_on_delete()));
    let mut story = apply_with(1, &[&web, &|_| ()]);
    story.yard.copy::<Stall>("web", "site");
    story.yard.change::<Stall>("site", |spec, _| spec.tags.clear());
    let plan = story.plan(program("plot 80"));
    let told = "`yard:stall/site`: needs plot 80, which `web` (`id-1`) has, and no record has that: one stall stands on a plot";
    assert!(plan.contains(told), "{plan}");
    assert!(plan.contains("delete it at its service, or `import` it"), "{plan}");
    let plan = story.plan(program("plot 81"));
    assert!(!plan.contains("problem"), "{plan}");
}

#[test]
fn claim_that_somebody_else_has_taken_away_is_free() {
    let web = |stack: &mut Stack| drop(stack.add(Stall::new("web").tag("plot 80", "alone").keep_on_delete()));
    let site = |stack: &mut Stack| drop(stack.add(Stall::new("site").tag("plot 80", "alone")));
    let mut story = apply_with(1, &[&web]);
    assert!(story.plan(site).contains("needs plot 80, which `yard:stall/web` has"));
    story.yard.change::<Stall>("web", |spec, _| spec.tags.clear());
    assert!(!story.plan(site).contains("problem"), "{}", story.plan(site));
}

#[test]
fn claim_of_an_object_that_has_gone_is_taken_at_once() {
    // What was made from that can only go once its own user has moved over to who takes the claim.
    let before = |stack: &mut Stack| {
        let web = stack.add(Stall::new("web").tag("plot 80", "alone"));
        let pipe = stack.add(Pipe::new("pipe").beside(&web.id));
        stack.add(Post::new("user").beside(&pipe.id));
    };
    let after = |stack: &mut Stack| {
        let site = stack.add(Stall::new("site").tag("plot 80", "alone"));
        stack.add(Post::new("user").beside(&site.id));
    };
    let mut story = apply_with(1, &[&before]);
    story.yard.remove::<Stall>("web");
    let calls = story.apply_alone(after);
    assert_eq!(calls, ["create yard:stall/site", "update yard:post/user", "delete yard:pipe/pipe"]);
}

#[test]
fn earlier_object_is_not_used_again_for_a_claim_of_the_current_one() {
    let program = |width: u64, with: bool| {
        move |stack: &mut Stack| {
            let booth = Booth::new("a").base(Base::default().width(width));
            stack.add(if with { booth.tag("plot 80", "alone") } else { booth });
        }
    };
    let mut story = apply_with(1, &[&program(1, false)]);
    story.world.fail("delete", "a", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(program(2, true)).unwrap().succeeded());
    let calls = story.apply_alone(program(1, true));
    assert_eq!(calls, ["delete yard:booth/a-2", "delete yard:booth/a", "create yard:booth/a-3"]);
}

#[test]
fn claim_of_a_current_object_is_not_free_once_an_earlier_one_is_deleted() {
    let web = |width: u64, with: bool| {
        move |stack: &mut Stack| {
            let booth = Booth::new("web").base(Base::default().width(width));
            stack.add(if with { booth.tag("plot 80", "alone") } else { booth });
        }
    };
    let mut story = apply_with(1, &[&web(1, false)]);
    story.world.fail("delete", "web", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(web(2, true)).unwrap().succeeded());
    let calls = story.apply_alone(|stack| {
        stack.add(Stall::new("site").tag("plot 80", "alone"));
        web(2, false)(stack);
    });
    let at = |call: &str| calls.iter().position(|made| made == call).unwrap_or_else(|| panic!("{call}: {calls:?}"));
    assert!(at("update yard:booth/web-2") < at("create yard:stall/site"), "{calls:?}");
}

#[test]
fn claim_of_an_object_that_has_gone_does_not_wait_until_it_is_made_again() {
    let web = |stack: &mut Stack| drop(stack.add(Stall::new("web").tag("plot 80", "alone")));
    let mut story = apply_with(1, &[&web]);
    story.yard.remove::<Stall>("web");
    let calls = story.apply_alone(|stack| {
        let site = stack.add(Stall::new("site").tag("plot 80", "alone"));
        stack.add(Stall::new("web").beside(&site.id));
    });
    assert_eq!(calls, ["create yard:stall/site", "create yard:stall/web"]);
}
