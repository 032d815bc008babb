//! What a plan is asked for: a slip is told, and what is left out is not harmed.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::program::Stack;

use super::yard::{Base, Post};
use super::{Story, told};

#[test]
fn a_target_that_others_stand_on_is_not_deleted() {
    let program = |width: u64| {
        move |stack: &mut Stack| {
            let a = stack.add(Post::new("a").base(Base::default().width(width)));
            stack.add(Post::new("b").on(&a.id));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    let two = program(2);
    let two = story.connected(&two);
    let plan = story.world.try_plan(two, Request::from(Goal::Declared).only(["yard:post/a"])).unwrap().to_string();
    let told = "would be deleted to be made anew, and `yard:post/b`, which this plan leaves out, was made from it";
    assert!(plan.contains(told), "{plan}");
}

#[test]
fn a_fixed_name_stays_if_an_update_is_enough() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let a = stack.add(Post::new("a").text(text));
            let base = Base::default().layer(a.version.map(|_| "same".to_owned()));
            stack.add(Post::new("b").text(a.version.map(|version| version.to_string())).base(base));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.calls();
    let report = story.run(program("two")).unwrap();
    assert!(told(&report).contains("it turned out to need an update only"), "{}", told(&report));
    assert_eq!(story.calls(), ["update yard:post/a"]);
    assert_eq!(story.apply_alone(program("two")), ["update yard:post/b"]);
}

#[test]
fn patterns_that_match_nothing_are_problems() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| drop(stack.add(Post::new("web")));
    let connected = story.connected(&program);
    for request in [
        Request::from(Goal::Declared).only(["yard:post/wbe"]),
        Request::from(Goal::Declared).without(["yard:post/wbe"]),
        Request::from(Goal::Declared).replace(["wbe"]),
        Request::from(Goal::Declared).allow(["yard:post/wbe"]),
        Request::from(Goal::Destroyed { include_kept: false }).without(["yard:psot/*"]),
    ] {
        let plan = story.world.try_plan(&connected, request).unwrap();
        let [problem] = &plan.problems[..] else { panic!("{plan}") };
        assert_eq!(problem.hint.as_deref(), Some("did you mean `yard:post/web`?"), "{plan}");
    }
    let far = Request::from(Goal::Declared).only(["something:else/entirely"]);
    let plan = story.world.try_plan(&connected, far).unwrap();
    assert_eq!(plan.problems[0].hint.as_deref(), Some("`state list` and `graph` show the addresses that there are"));
    // What a request may name: what is declared, recorded, or was before a move.
    let known = Request::from(Goal::Declared).allow(["yard:post/web"]).without(["yard:*"]);
    assert!(story.world.try_plan(&connected, known).unwrap().problems.is_empty());
}
