//! Look-ups: when they are asked, and whom it concerns that they fail.

use std::time::Duration;

use sprocket_core::engine::Goal;
use sprocket_core::program::Stack;
use sprocket_core::testing::Crash;

use super::fake_kinds::{Base, Pipe, Post, Sign, Tent};
use super::fake_service::Trouble;
use super::simulated_service::{App, ExistingNet, LabState, Net};
use super::story::{Story, assert_snapshot, said, told};

#[test]
fn a_look_up_is_answered_while_planning_or_when_what_it_mentions_is_there() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let backbone = stack.look(ExistingNet { name: "backbone".into() });
        let edge = stack.add(Net::new("edge").parent(backbone.map(|net| net.id)));
        let peer = stack.look(edge.id.map(|name| ExistingNet { name }));
        stack.add(App::new("web", "app:1").net(peer.map(|net| net.id)));
    };
    story.world.answer::<ExistingNet>(LabState { id: "net#77".into(), version: 3 });
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge
        parent: net#77
    + lab:app/web
        image: app:1
        nets:  [(known after lab:net/edge)]
    2 to create.
    ");
    story.apply(program);
    assert_eq!(story.world.spec::<App>("web").unwrap().nets, ["net#77"]);
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
fn a_failed_look_up_fails_only_the_steps_that_need_it() {
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.world.settings.call_limit = Duration::from_millis(50);
    story.yard.trouble("look", "id-1", Trouble::Hang);
    let program = |stack: &mut Stack| {
        let a = stack.add(Post::new("a"));
        let sign = stack.look(a.id.map(|id| Sign { id }));
        stack.add(Post::new("b").text(&sign));
        let c = stack.add(Post::new("c").on(&a.id));
        stack.add(Post::new("d").on(&c.id));
    };
    let report = story.run(program).unwrap();
    assert_snapshot!(told(&report), @"
    create yard:post/a Done
    create yard:post/b failed: could not read sign from `yard`: there was no answer within 0.05 s
    create yard:post/c Done
    create yard:post/d Done
    ");
    story.calls();
    assert_eq!(story.apply(program), ["create yard:post/b"]);
}

#[test]
fn look_up_of_what_is_not_ready_yet_is_asked_again_once_it_is() {
    let program = |stack: &mut Stack| {
        let tent = stack.add(Tent::new("tent"));
        let sign = stack.look(tent.id.map(|id| Sign { id }));
        stack.add(Post::new("board").text(&sign));
    };
    let is_waited_for = (0..10).any(|boundary| {
        let mut story = Story::in_yard();
        story.world.crash_at(boundary, Crash::After);
        story.try_run(program, Goal::Declared).unwrap();
        let plan = story.plan(program);
        story.apply(program);
        let is_waited_for = plan.contains("yard:tent/tent  (not seen to work yet)");
        assert!(!is_waited_for || plan.contains("text: (known after yard:tent/tent)"), "{plan}");
        is_waited_for
    });
    assert!(is_waited_for);
}
