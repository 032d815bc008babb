//! Replacements: what goes first, what they drag along, what forbids them, and what a failure in the midst of one leaves.

use sprocket_core::engine::Goal;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Pipe, Post};
use super::lifecycle::{estate, estate_with};
use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, at_each_kill, told};

#[test]
fn a_new_subnet_makes_a_new_network_and_moves_the_app_over() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.1.0/24", "app:1", "hello");
    assert_snapshot!(story.plan(next), @"
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.0.0/24 → 10.0.1.0/24  (needs a new one)
    - lab:net/edge  (replaced)
    ~ lab:app/web
        nets[0]: net#4 → (known after lab:net/edge)
    1 to update, 1 to replace, 4 unchanged.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"
    create lab:net/edge-2
    update lab:app/web
    delete lab:net/edge
    ");
}

#[test]
fn a_new_content_has_a_new_name_and_the_old_goes_last() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.0.0/24", "app:1", "bye");
    assert_snapshot!(story.plan(next), @"
    ± lab:conf/motd `motd-47ed1e102d8b0051`  (a new one takes its place)
        data: hello → bye  (needs a new one)
    - lab:conf/motd `motd-1b8417811209c2cb`  (replaced)
    ~ lab:app/web
        used[1]: conf#2 → (known after lab:conf/motd)
    1 to update, 1 to replace, 4 unchanged.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"
    create lab:conf/motd-47ed1e102d8b0051
    update lab:app/web
    delete lab:conf/motd-1b8417811209c2cb
    ");
}

#[test]
fn what_has_a_fixed_name_is_deleted_before_it_is_made_again() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(App::new("web", "app:1"));
    });
    let next = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1").global());
    };
    assert_snapshot!(story.plan(next), @"
    - lab:app/web  (before the new one is made)
    ± lab:app/web  (a new one takes its place)
        global: false → true  (needs a new one)
    1 to replace.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"
    delete lab:app/web
    create lab:app/web
    ");
}

#[test]
fn a_step_whose_unknown_turns_out_to_be_the_old_value_becomes_nothing() {
    let program = |image: &'static str| {
        move |stack: &mut Stack| {
            let web = stack.add(App::new("web", image));
            stack.add(App::new("proxy", "proxy:1").env("BACKEND", web.version.map(|version| format!("v{version}"))));
        }
    };
    let mut story = Story::new();
    story.apply(program("app:1"));
    assert_snapshot!(story.plan(program("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    ~ lab:app/proxy
        env.BACKEND: v1 → (known after lab:app/web)
    2 to update.
    ");
    assert_eq!(story.apply(program("app:2")), ["update lab:app/web"]);
}

/// Posts, of which `a` has this width: another one needs another `a`.
pub(crate) fn posts(width: u64, more: impl Fn(&mut Stack, Post)) -> impl Fn(&mut Stack) {
    move |stack| {
        let a = stack.add(Post::new("a").base(Base::default().width(width)));
        more(stack, a);
    }
}

#[test]
fn a_change_deep_in_a_setting_that_replaces_needs_a_new_object_and_another_setting_does_not() {
    let pipe = |layer: &'static str, text: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Pipe::new("main").base(Base::default().layer("sand").layer(layer)).text(text));
        }
    };
    let mut story = Story::in_yard();
    story.apply(pipe("gravel", "one"));
    assert_snapshot!(story.plan(pipe("gravel", "two")), @"
    ~ yard:pipe/main
        text: one → two
    1 to update.
    ");
    assert_snapshot!(story.plan(pipe("clay", "one")), @"
    ± yard:pipe/main `main-2`  (a new one takes its place)
        base.layers[1]: gravel → clay  (needs a new one)
    - yard:pipe/main  (replaced)
    1 to replace.
    ");
    assert_eq!(story.apply(pipe("clay", "one")), ["create yard:pipe/main-2", "delete yard:pipe/main"]);
}

#[test]
fn who_stands_on_what_is_replaced_goes_before_it_and_is_made_after_it() {
    let program = |width| {
        posts(width, |stack, a| {
            stack.add(Post::new("b").on(&a.id));
        })
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_snapshot!(story.plan(program(2)), @"
    - yard:post/a  (before the new one is made)
    ± yard:post/a  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    - yard:post/b  (before the new one is made)
    ± yard:post/b  (a new one takes its place)
        on: id-1 → (known after yard:post/a)  (needs a new one)
    2 to replace.
    ");
    let calls = ["delete yard:post/b", "delete yard:post/a", "create yard:post/a", "create yard:post/b"];
    assert_eq!(story.apply(program(2)), calls);
}

#[test]
fn who_only_mentions_what_is_replaced_is_updated_and_who_only_follows_it_is_left_alone() {
    let program = |width| {
        posts(width, |stack, a| {
            stack.add(Post::new("mentions").beside(&a.id));
            stack.add(Post::new("names").beside(&a.name));
            stack.add(Post::new("follows").after(&a));
        })
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_snapshot!(story.plan(program(2)), @"
    - yard:post/a  (before the new one is made)
    ± yard:post/a  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    ~ yard:post/mentions
        neighbours[0]: id-1 → (known after yard:post/a)
    1 to update, 1 to replace, 2 unchanged.
    ");
    assert_eq!(story.apply(program(2)), ["delete yard:post/a", "create yard:post/a", "update yard:post/mentions"]);
}

#[test]
fn who_stands_on_two_that_are_replaced_is_replaced_once() {
    let program = |width| {
        posts(width, |stack, a| {
            let b = stack.add(Post::new("b").on(&a.id));
            let c = stack.add(Post::new("c").on(&a.id));
            stack.add(Post::new("d").on(b.id.zip(&c.id).map(|(b, c)| format!("{b} and {c}"))));
        })
    };
    let mut story = Story::in_yard();
    story.world.settings.parallel = 1;
    story.apply(program(1));
    assert_snapshot!(story.apply(program(2)).join("\n"), @"
    delete yard:post/d
    delete yard:post/b
    delete yard:post/c
    delete yard:post/a
    create yard:post/a
    create yard:post/b
    create yard:post/c
    create yard:post/d
    ");
}

#[test]
fn what_has_a_fixed_name_goes_before_what_was_made_from_it_is_made_anew() {
    let program = |width| {
        posts(width, |stack, a| {
            stack.add(Pipe::new("main").on(&a.id));
        })
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_snapshot!(story.apply(program(2)).join("\n"), @"
    delete yard:pipe/main
    delete yard:post/a
    create yard:post/a
    create yard:pipe/main-2
    ");
}

#[test]
fn a_replacement_whose_delete_fails_is_tried_again_from_its_beginning() {
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(if image == "app:1" { App::new("web", image) } else { App::new("web", image).global() });
        }
    };
    let mut story = Story::new();
    story.apply(app("app:1"));
    let planned = story.plan(app("app:2"));
    story.world.fail("delete", "web", Fail::Before(ErrorKind::Denied));
    assert_snapshot!(told(&story.run(app("app:2")).unwrap()), @"
    delete lab:app/web failed: the test refused `delete` of `web`
    create lab:app/web NotStarted
    ");
    assert!(story.world.snapshot().unwrap().pending.is_empty());
    assert_eq!(story.plan(app("app:2")), planned);
    assert!(story.plan(app("app:1")).starts_with("Nothing to do"), "nothing of it was done");
    assert_eq!(story.apply(app("app:2")), ["delete lab:app/web", "create lab:app/web"]);
}

#[test]
fn a_replacement_whose_create_fails_goes_on_with_the_create() {
    let program = |width| posts(width, |_, _| ());
    let mut story = Story::in_yard();
    story.apply(program(1));
    story.world.fail("create", "a", Fail::Before(ErrorKind::Invalid));
    assert!(!story.run(program(2)).unwrap().succeeded());
    assert_eq!(story.calls(), ["delete yard:post/a"]);
    assert_snapshot!(story.plan(program(2)), @"
    + yard:post/a
        base: {width: 2}
    1 to create.
    ");
    assert_eq!(story.apply(program(2)), ["create yard:post/a"]);
}

#[test]
fn a_value_that_turns_out_to_be_the_old_one_replaces_nothing() {
    let program = |image: &'static str| {
        move |stack: &mut Stack| {
            let web = stack.add(App::new("web", image));
            stack.add(Net::new("edge").subnet(web.version.map(|version| format!("10.0.{version}.0/24"))));
        }
    };
    let mut story = Story::new();
    story.apply(program("app:1"));
    assert_snapshot!(story.plan(program("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.1.0/24 → (known after lab:app/web)  (needs a new one)
    - lab:net/edge  (replaced)
    1 to update, 1 to replace.
    ");
    assert_eq!(story.apply(program("app:2")), ["update lab:app/web"]);
}

/// A post `b` that stands on something that a change of `a` may change.
fn post_on(text: &'static str, on: fn(u64) -> String) -> impl Fn(&mut Stack) {
    move |stack| {
        let a = stack.add(Post::new("a").text(text));
        stack.add(Post::new("b").on(a.version.map(on)));
    }
}

#[test]
fn what_makes_room_for_its_successor_stays_until_it_is_known_what_that_is() {
    let program = |text| post_on(text, |version| format!("version {version}"));
    let mut story = Story::in_yard();
    story.apply(program("one"));
    assert_snapshot!(story.plan(program("two")), @"
    ~ yard:post/a
        text: one → two
    - yard:post/b  (before the new one is made)
    ± yard:post/b  (a new one takes its place)
        on: version 1 → (known after yard:post/a)  (needs a new one)
    1 to update, 1 to replace.
    ");
    story.world.fail("update", "a", Fail::Before(ErrorKind::Denied));
    assert_snapshot!(told(&story.run(program("two")).unwrap()), @"
    update yard:post/a failed: the test refused `update` of `a`
    delete yard:post/b NotStarted
    create yard:post/b NotStarted
    ");
    assert_eq!(story.objects(), ["yard:post/a", "yard:post/b"], "it is not deleted for nothing");
    let calls = ["update yard:post/a", "delete yard:post/b", "create yard:post/b"];
    assert_eq!(story.apply(program("two")), calls);
}

#[test]
fn what_was_to_make_room_stays_if_it_needs_no_successor() {
    let program = |text| post_on(text, |version| format!("version {}", version.min(1)));
    let mut story = Story::in_yard();
    story.apply(program("one"));
    let before = story.world.snapshot().unwrap().records[&"yard:post/b".into()].clone();
    assert_eq!(story.apply(program("two")), ["update yard:post/a"]);
    assert_eq!(story.world.snapshot().unwrap().records[&"yard:post/b".into()], before);
}

#[test]
fn a_killed_replacement_makes_and_deletes_once() {
    let program = |subnet: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge").subnet(subnet));
            stack.add(App::new("web", "app:1").net(&edge.id));
        }
    };
    at_each_kill(|crash, boundary| {
        let mut story = Story::new();
        story.apply(program("10.0.0.0/24"));
        story.world.crash_at(boundary, crash);
        let killed = story.try_run(program("10.0.1.0/24"), Goal::Declared).unwrap().is_none();
        let mut calls = story.calls();
        calls.extend(story.apply(program("10.0.1.0/24")));
        // Whole settings are sent, so doing that twice does no harm.
        calls.dedup();
        assert_eq!(
            calls,
            ["create lab:net/edge-2", "update lab:app/web", "delete lab:net/edge"],
            "a kill {crash:?} boundary {boundary}"
        );
        killed
    });
}

#[test]
fn what_only_mentions_what_makes_room_is_deleted_after_its_successor_is_made() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let post = stack.add(Post::new("post").base(Base::default().width(width)));
            stack.add(Pipe::new("pipe").beside(&post.id).base(Base::default().width(width)));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let calls = ["delete yard:post/post", "create yard:post/post", "create yard:pipe/pipe-2", "delete yard:pipe/pipe"];
    assert_eq!(story.apply_alone(program(2)), calls);
}
