//! Resources that have another address than before.

use insta::assert_snapshot;
use sprocket_core::{DraftExt as _, Stack};

use super::Story;
use super::kinds::{App, Net};

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
    let before = story.world.snapshot().unwrap().records[&"lab:net/a".into()].clone();
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
    assert_eq!(story.world.snapshot().unwrap().records[&"lab:net/c".into()], before, "it is the same record");
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

#[test]
fn what_is_still_declared_does_not_move() {
    let mut story = Story::new();
    story.apply(net("a", &[]));
    let both = |stack: &mut Stack| {
        net("a", &[])(stack);
        stack.add(Net::new("b").moved_from("a"));
    };
    assert_eq!(story.apply(both), ["create lab:net/b"]);
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
    problem: `lab:net/c`: was `lab:net/a`, it says, and `lab:net/b` says so too  (sprocket-core/tests/scenarios/moves.rs:98)
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(both).is_err());
    assert!(story.world.snapshot().unwrap().records.contains_key(&"lab:net/a".into()), "it has not moved");
    assert_eq!(story.calls(), [""; 0]);
}
