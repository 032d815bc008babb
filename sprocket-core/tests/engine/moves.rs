//! Resources that have another address than before.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::program::{DraftExt as _, Stack};

use super::fake_kinds::{Base, Pipe, Post};
use super::simulated_service::{App, Disk, Net, NetSpec};
use super::story::{Story, assert_snapshot, at_each_kill, edge};

#[test]
fn a_renamed_resource_moves_without_a_call() {
    let mut story = Story::new();
    story.apply(edge);
    let renamed = |stack: &mut Stack| {
        let rim = stack.add(Net::new("rim").moved_from("edge").named("edge"));
        stack.add(App::new("web", "app:1").net(&rim.id));
    };
    assert_snapshot!(story.plan(renamed), @"
    > lab:net/rim was lab:net/edge
    + lab:app/web
        image: app:1
        nets:  [net#1]
    1 to create, 1 moved, 1 unchanged.
    ");
    assert_eq!(story.apply(renamed), ["create lab:app/web"]);
}

fn estate(stack: &mut Stack) {
    estate_on(stack, "edge");
}

fn estate_on(stack: &mut Stack, name: &str) {
    let net = stack.add(Net::new(name).named("edge"));
    stack.add(App::new("web", "app:1").net(&net.id));
}

#[test]
fn a_resource_gets_the_address_that_the_program_has_for_it_now() {
    let mut story = Story::new();
    story.apply(estate);
    let engine = story.world.engine();
    story.world.block_on(engine.rename("lab:net/edge", "lab:net/rim")).unwrap();
    let renamed = |stack: &mut Stack| estate_on(stack, "rim");
    assert_snapshot!(story.plan(renamed), @"Nothing to do: 2 resources are as declared.");
    assert_eq!(story.apply(renamed), [""; 0]);

    let refused = |from, to| story.world.block_on(engine.rename(from, to)).unwrap_err().to_string();
    assert_snapshot!(refused("lab:net/edge", "lab:net/new"), @"`lab:net/edge` is not recorded");
    assert_snapshot!(refused("lab:net/rim", "lab:app/web"), @"`lab:net/rim` can't become `lab:app/web`: something is recorded there");
    assert_snapshot!(refused("lab:net/rim", "lab:disk/rim"), @"`lab:net/rim` can't become `lab:disk/rim`: a resource stays of its kind");
}

fn net(name: &'static str, before: &'static [&'static str]) -> impl Fn(&mut Stack) {
    move |stack| {
        let net = before.iter().fold(Net::new(name), |net, old| net.moved_from(*old));
        stack.add(net.named("edge"));
    }
}

#[test]
fn a_name_may_change_again_and_again() {
    let mut story = Story::new();
    story.apply(net("a", &[]));
    let object = |story: &Story, address: &str| story.world.snapshot().unwrap().records[&address.into()].object.clone();
    let before = object(&story, "lab:net/a");
    assert_eq!(story.apply(net("b", &["a"])), [""; 0]);
    assert_eq!(story.apply(net("c", &["a", "b"])), [""; 0]);
    // A stack that was not applied in between gets there too.
    let mut late = Story::new();
    late.apply(net("a", &[]));
    assert_snapshot!(late.plan(net("c", &["a", "b"])), @"
    > lab:net/c was lab:net/a
    1 moved, 1 unchanged.
    ");
    assert_eq!(late.apply(net("c", &["a", "b"])), [""; 0]);
    for story in [&mut story, &mut late] {
        let records = story.world.snapshot().unwrap().records;
        assert_eq!(records.keys().map(|address| address.as_str()).collect::<Vec<_>>(), ["lab:net/c"]);
        // Once it has moved, nothing need say so any more.
        assert_eq!(story.apply(net("c", &[])), [""; 0]);
    }
    assert_eq!(object(&story, "lab:net/c"), before, "it is the same object");
}

#[test]
fn a_change_under_a_new_name_is_an_update() {
    let mut story = Story::new();
    story.apply(net("a", &[]));
    let renamed = |stack: &mut Stack| {
        stack.add(Net::new("b").moved_from("a").named("edge").label("tier", "two"));
    };
    assert_snapshot!(story.plan(renamed), @"
    > lab:net/b was lab:net/a
    ~ lab:net/b `edge`
        labels.tier: (none) → two
    1 to update, 1 moved.
    ");
    assert_eq!(story.apply(renamed), ["update lab:net/edge"]);
}

#[test]
fn a_whole_scope_may_move_and_what_is_in_it_keeps_its_names() {
    let shop = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        stack.add(App::new("web", "app:1").net(&edge.id));
    };
    let moved = |stack: &mut Stack| {
        stack.scope("north", |stack| {
            let edge = stack.add(Net::new("edge").moved_from("lab:net/shop/edge"));
            stack.add(App::new("web", "app:1").net(&edge.id).moved_from("lab:app/shop/web"));
        });
    };
    let mut story = Story::new();
    story.apply(|stack| stack.scope("shop", shop));
    let objects = story.objects();
    assert_snapshot!(story.plan(moved), @"
    > lab:net/north/edge was lab:net/shop/edge
    > lab:app/north/web was lab:app/shop/web
    2 moved, 2 unchanged.
    ");
    assert_eq!(story.apply(moved), [""; 0]);
    assert_eq!(story.objects(), objects);
    assert_eq!(story.destroy(|_| ()), ["delete lab:app/shop-web", "delete lab:net/shop-edge"]);
}

/// Resources of these names, with their earlier names and what they are made of: the physical name and the text.
type Renamed = (&'static str, &'static [&'static str], &'static str);

fn pipes(all: &'static [Renamed]) -> impl Fn(&mut Stack) {
    move |stack| {
        for (name, before, content) in all {
            let pipe = before.iter().fold(Pipe::new(name), |pipe, old| pipe.moved_from(*old));
            stack.add(pipe.named(*content).text(*content));
        }
    }
}

#[test]
fn moves_shift_swap_and_rotate_without_a_call() {
    let cases: [(&'static [Renamed], &'static [Renamed]); 5] = [
        // Each has the name that the next one had.
        (&[("a", &[], "1"), ("b", &[], "2")], &[("b", &["a"], "1"), ("c", &["b"], "2")]),
        (&[("b", &[], "2"), ("c", &[], "3")], &[("a", &["b"], "2"), ("b", &["c"], "3")]),
        (&[("a", &[], "1"), ("b", &[], "2")], &[("a", &["b"], "2"), ("b", &["a"], "1")]),
        (
            &[("a", &[], "1"), ("b", &[], "2"), ("c", &[], "3")],
            &[("b", &["a"], "1"), ("c", &["b"], "2"), ("a", &["c"], "3")],
        ),
        // Some were shifted in an earlier program, and were not applied since.
        (&[("a", &[], "1"), ("b", &[], "2")], &[("c", &["b", "a"], "2"), ("b", &["a"], "1")]),
    ];
    for (before, after) in cases {
        let mut story = Story::in_yard();
        story.apply(pipes(before));
        assert_eq!(story.apply(pipes(after)), [""; 0], "{after:?}");
        // Nothing moves again, however often it is planned.
        assert_eq!(story.apply(pipes(after)), [""; 0], "{after:?}");
        let records = story.world.snapshot().unwrap().records;
        for (name, _, content) in after {
            let address = format!("yard:pipe/{name}").as_str().into();
            assert_eq!(records[&address].object.as_ref().unwrap().name, (*content).into(), "{name} of {after:?}");
        }
    }
}

#[test]
fn moves_swap_again_after_moved_from_was_removed() {
    let mut story = Story::in_yard();
    let swapped: &[Renamed] = &[("a", &["b"], "2"), ("b", &["a"], "1")];
    story.apply(pipes(&[("a", &[], "1"), ("b", &[], "2")]));
    assert_eq!(story.apply(pipes(swapped)), [""; 0]);
    assert_eq!(story.apply(pipes(&[("a", &[], "2"), ("b", &[], "1")])), [""; 0]);
    assert_eq!(story.apply(pipes(&[("a", &["b"], "1"), ("b", &["a"], "2")])), [""; 0]);
}

#[test]
fn moves_of_a_swap_are_atomic_under_kills() {
    let swapped: &[Renamed] = &[("a", &["b"], "2"), ("b", &["a"], "1")];
    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        story.apply(pipes(&[("a", &[], "1"), ("b", &[], "2")]));
        story.world.crash_at(boundary, crash);
        let killed = story.try_run(pipes(swapped), Goal::Declared).unwrap().is_none();
        assert_eq!(story.apply(pipes(swapped)), [""; 0], "a kill {crash:?} boundary {boundary}");
        killed
    });
}

#[test]
fn moves_of_a_swap_are_followed_by_dependents() {
    let before = |stack: &mut Stack| {
        let a = stack.add(Net::new("a").named("one"));
        stack.add(Net::new("b").named("two"));
        stack.add(App::new("web", "app:1").net(&a.id));
    };
    let after = |stack: &mut Stack| {
        stack.add(Net::new("a").moved_from("b").named("two"));
        let b = stack.add(Net::new("b").moved_from("a").named("one"));
        stack.add(App::new("web", "app:1").net(&b.id));
    };
    let mut story = Story::new();
    story.apply(before);
    assert_eq!(story.apply(after), [""; 0]);
    let deps = story.world.snapshot().unwrap().records[&"lab:app/web".into()].object.as_ref().unwrap().deps.clone();
    assert_eq!(deps, ["lab:net/b".into()]);
}

#[test]
fn moves_from_a_declared_address_warn() {
    let mut story = Story::new();
    story.apply(net("a", &[]));
    let both = |stack: &mut Stack| {
        net("a", &[])(stack);
        stack.add(Net::new("b").moved_from("a"));
    };
    assert_snapshot!(story.plan(both), @"
    + lab:net/b
    warning: `lab:net/b`: `.moved_from` has no effect on the record of `lab:net/a`: `lab:net/a` is still declared, and keeps its object  (FILE:LINE2)
      hint: take `.moved_from` away, or the other declaration; `lab:net/a` is at FILE:LINE1
    1 to create, 1 unchanged.
    ");
    assert_eq!(story.apply(both), ["create lab:net/b"]);
}

#[test]
fn moves_onto_a_recorded_address_warn() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Net::new("a"));
        stack.add(Net::new("b"));
    });
    let program = |stack: &mut Stack| drop(stack.add(Net::new("b").moved_from("a")));
    assert_snapshot!(story.plan(program), @"
    - lab:net/a  (not declared any more)
    warning: `lab:net/b`: `.moved_from` has no effect on the record of `lab:net/a`: it has an object of its own  (FILE:LINE)
      hint: take `.moved_from` away; or, to have the object of `lab:net/a` here, `state forget lab:net/b` first
    1 to delete, 1 unchanged.
    ");
    assert_eq!(story.apply(program), ["delete lab:net/a"]);
    assert_eq!(story.plan(program), "Nothing to do: 1 resource is as declared.");
}

#[test]
fn moved_from_crosses_no_kinds_and_is_an_address() {
    let mut story = Story::new();
    story.apply(|stack| drop(stack.add(Disk::new("x"))));
    let refused = |old: &'static str| {
        let mut story = Story::new();
        let refused = story.run(move |stack: &mut Stack| drop(stack.add(Net::new("y").moved_from(old)))).unwrap_err();
        super::story::said(&refused)
    };
    let all = ["lab:disk/x", "x/y", "lab:net/", "", "a b", "lab:net/a b", "y", "lab:net/y"];
    assert_snapshot!(all.map(refused).join("\n"), @r#"
    `lab:net/y`: `.moved_from("lab:disk/x")` is of another kind: a resource stays a `lab:net`  (FILE:LINE)
    `lab:net/y`: `.moved_from("x/y")` is no address: write `lab:net/NAME`, or only the name if the scope is the same  (FILE:LINE)
    `lab:net/y`: `.moved_from("lab:net/")` is no address: write `lab:net/NAME`, or only the name if the scope is the same  (FILE:LINE)
    `lab:net/y`: `.moved_from("")` is no name  (FILE:LINE)
    `lab:net/y`: `.moved_from("a b")` is no name  (FILE:LINE)
    `lab:net/y`: `.moved_from("lab:net/a b")` is no address: write `lab:net/NAME`, or only the name if the scope is the same  (FILE:LINE)
    `lab:net/y`: `.moved_from("y")` is its own address: it names an earlier one  (FILE:LINE)
    `lab:net/y`: `.moved_from("lab:net/y")` is its own address: it names an earlier one  (FILE:LINE)
    "#);
}

#[test]
fn moves_are_selected_by_the_old_address() {
    let before = |stack: &mut Stack| drop(stack.add(Pipe::new("a").text("old")));
    let after = |stack: &mut Stack| drop(stack.add(Pipe::new("b").moved_from("a").named("a").text("new")));
    let requests = [
        Request::from(Goal::Declared).without(["yard:pipe/a"]),
        Request::from(Goal::Destroyed { include_kept: false }).without(["yard:pipe/a"]),
        Request::from(Goal::Declared).without(["yard:pipe/*"]),
    ];
    for request in requests {
        let mut story = Story::in_yard();
        story.apply(before);
        let plan = story.try_plan(after, request).unwrap();
        assert_eq!(plan.to_string(), "> yard:pipe/b was yard:pipe/a\n1 moved, 1 left out.");
    }
    let mut story = Story::in_yard();
    story.apply(before);
    let request = Request::from(Goal::Declared).only(["yard:pipe/a"]);
    let plan = story.try_plan(after, request).unwrap();
    assert_eq!((plan.steps.len(), plan.warnings.len()), (1, 0), "{plan}");
    let request = Request::from(Goal::Declared).replace(["yard:pipe/a"]);
    let plan = story.try_plan(after, request).unwrap();
    assert!(plan.problems.is_empty() && plan.to_string().contains("as asked for"), "{plan}");
}

#[test]
fn two_may_not_take_over_the_same() {
    let mut story = Story::new();
    story.apply(net("a", &[]));
    let both = |stack: &mut Stack| {
        stack.add(Net::new("b").moved_from("a").named("edge"));
        stack.add(Net::new("c").moved_from("a"));
    };
    assert_snapshot!(story.plan(both), @"
    > lab:net/b was lab:net/a
    problem: `lab:net/c`: was `lab:net/a`, it says, and `lab:net/b` says so too  (FILE:LINE2)
      hint: `lab:net/b` is at FILE:LINE1
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(both).is_err());
    assert!(story.world.snapshot().unwrap().records.contains_key(&"lab:net/a".into()), "it has not moved");
    assert_eq!(story.calls(), [""; 0]);
}

/// Two posts that change places, and are replaced.
fn posts(width: u64, are_swapped: bool) -> impl Fn(&mut Stack) {
    move |stack| {
        for (name, other, called, swapped) in [("a", "b", "one", "two"), ("b", "a", "two", "one")] {
            let post = Post::new(name).base(Base::default().width(width));
            stack.add(if are_swapped { post.moved_from(other).named(swapped) } else { post.named(called) });
        }
    }
}

#[test]
fn moves_of_a_swap_are_made_once_if_both_are_replaced() {
    let calls = ["delete yard:post/two", "delete yard:post/one", "create yard:post/two", "create yard:post/one"];
    let mut story = Story::in_yard();
    story.world.settings.parallel = 1;
    story.apply(posts(1, false));
    story.calls();
    assert_eq!(story.apply(posts(2, true)), calls);
    assert_eq!(story.apply(posts(2, true)), [""; 0]);
    // And if both are made with the program as it is.
    let mut story = Story::in_yard();
    story.apply(posts(2, true));
    assert_eq!(story.apply(posts(2, true)), [""; 0]);
}

#[test]
fn moves_of_a_swap_of_what_is_replaced_are_atomic_under_kills() {
    at_each_kill(|crash, boundary| {
        let mut story = Story::in_yard();
        story.apply(posts(1, false));
        story.world.crash_at(boundary, crash);
        let killed = story.try_run(posts(2, true), Goal::Declared).unwrap().is_none();
        story.apply(posts(2, true));
        let records = story.world.snapshot().unwrap().records;
        for (address, name) in [("yard:post/a", "two"), ("yard:post/b", "one")] {
            assert_eq!(records[&address.into()].object.as_ref().unwrap().name, name.into(), "{crash:?} {boundary}");
        }
        killed
    });
}

/// It failed at the service, and the plan had said nothing.
#[test]
fn what_has_moved_and_gone_is_not_made_again_over_somebody_elses() {
    let mut story = Story::new();
    story.apply(|stack| drop(stack.add(Net::new("edge"))));
    story.world.remove("lab:net", "edge");
    story.world.put::<Net>("border", NetSpec::of("10.0.0.0/24"));
    assert_snapshot!(story.plan(|stack| drop(stack.add(Net::new("border").moved_from("edge")))), @"
    > lab:net/border was lab:net/edge
    problem: `lab:net/border`: has gone, and another object is named `border` now  (FILE:LINE)
      hint: remove that; or take it over: `state forget lab:net/border`, and declare it with `.adopt()`
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn a_resource_with_a_choice_moves_from_what_is_not_declared_any_more() {
    let mut story = Story::in_yard();
    story.apply(|stack| {
        stack.add(Post::new("x"));
        stack.add(Post::new("y"));
    });
    story.calls();
    let program = |stack: &mut Stack| {
        stack.add(Post::new("x"));
        stack.add(Post::new("z").moved_from("x").moved_from("y").named("y"));
    };
    assert_eq!(story.apply(program), [""; 0]);
    assert_eq!(story.objects(), ["yard:post/x", "yard:post/y"]);
}
