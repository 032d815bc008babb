//! Owner tags: put back where they were taken away, and no proof where somebody else has written them. Everybody who sees an
//! object sees its tag.

use sprocket_core::engine::Goal;
use sprocket_core::kind::OwnerTag;
use sprocket_core::program::{DraftExt as _, Stack};

use super::simulated_service::{Net, NetSpec};
use super::story::{Story, assert_snapshot, edge};

#[test]
fn a_mark_that_was_taken_away_is_put_back() {
    let mut story = Story::new();
    story.apply(edge);
    story.world.set_owner("lab:net", "edge", None);
    assert_snapshot!(story.plan(edge), @"
    ~ lab:net/edge  (changed by somebody else)
        owner tag: (none) → this stack's
    1 to update.
    ");
    assert_eq!(story.apply(edge), ["update lab:net/edge"]);
}

#[test]
fn what_another_stack_has_marked_is_neither_changed_nor_deleted() {
    let mut story = Story::new();
    story.apply(edge);
    let theirs = OwnerTag { lineage: "another".into(), record: "r".into() };
    story.world.set_owner("lab:net", "edge", Some(theirs));
    assert_snapshot!(story.plan(edge), @"
    problem: `lab:net/edge`: another stack has marked `edge` as its own  (FILE:LINE)
      hint: leave it to that stack with `state forget lab:net/edge`; or forget it in both, and `import` it here; `--exclude lab:net/edge` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|_| ()), @"
    problem: `lab:net/edge`: another stack has marked `edge` as its own
      hint: leave it to that stack with `state forget lab:net/edge`; or forget it in both, and `import` it here; `--exclude lab:net/edge` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    let destroyed = Goal::Destroyed { include_kept: true };
    assert_snapshot!(story.try_plan(edge, destroyed).unwrap(), @"
    problem: `lab:net/edge`: another stack has marked `edge` as its own
      hint: leave it to that stack with `state forget lab:net/edge`; or forget it in both, and `import` it here; `--exclude lab:net/edge` applies the rest
    1 problem: nothing can be applied until it is solved.
    ");
    let engine = story.world.engine();
    // The first of the two ways on.
    story.world.block_on(engine.forget("lab:net/edge")).unwrap();
    assert_snapshot!(story.plan(|_| ()), @"Nothing to do: 0 resources are as declared.");
    // The other: it was forgotten there too.
    let stack = story.stack(edge);
    story.world.block_on(engine.import(&stack, "lab:net/edge", "edge")).unwrap();
    assert_snapshot!(story.plan(edge), @"Nothing to do: 1 resource is as declared.");
    assert_eq!(story.world.calls(), Vec::<String>::new());
}

/// What anybody can write who has seen a tag of this stack: its lineage, and a record.
fn forged(story: &Story, record: &str) -> Option<OwnerTag> {
    Some(OwnerTag { lineage: story.world.snapshot().unwrap().lineage, record: record.into() })
}

fn planted(story: &mut Story, name: &str, owner: Option<OwnerTag>) {
    story.world.put::<Net>(name, NetSpec::of("10.6.6.0/24"));
    story.world.set_owner("lab:net", name, owner);
}

fn with_late(stack: &mut Stack) {
    edge(stack);
    stack.add(Net::new("late").subnet("10.1.0.0/24"));
}

#[test]
fn tags_without_proof_are_no_reason_to_take_something_over() {
    let mut story = Story::new();
    story.apply(edge);
    let owner = forged(&story, "nobody");
    planted(&mut story, "late", owner);
    assert_snapshot!(story.plan(with_late), @"
    problem: `lab:net/late`: an object named `late` exists already, and its owner tag says without proof that it is this stack's  (FILE:LINE)
      hint: take it over with `.adopt()` or `import lab:net/late net#2`
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|stack| {
        edge(stack);
        stack.add(Net::new("late").subnet("10.6.6.0/24").adopt());
    }), @"
    + lab:net/late  (taken over)
    1 to take over, 1 unchanged.
    ");
}

#[test]
fn tags_of_other_records_are_no_proof() {
    let mut story = Story::new();
    story.apply(edge);
    // The tag of another object, as it is there, with another record in it.
    let own = story.world.owner_tag("lab:net", &"r1".into());
    let owner = Some(OwnerTag { record: own.record.as_str().replacen("r1", "r2", 1).into(), ..own });
    planted(&mut story, "late", owner);
    assert_snapshot!(story.plan(edge), @"Nothing to do: 1 resource is as declared.");
    assert_snapshot!(story.plan(with_late), @"
    problem: `lab:net/late`: an object named `late` exists already, and its owner tag says without proof that it is this stack's  (FILE:LINE)
      hint: take it over with `.adopt()` or `import lab:net/late net#2`
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn tags_of_recorded_objects_that_lost_their_proof_are_put_back() {
    let mut story = Story::new();
    story.apply(edge);
    let record = story.world.snapshot().unwrap().records[&"lab:net/edge".into()].id.clone();
    let owner = forged(&story, record.as_str());
    story.world.set_owner("lab:net", "edge", owner);
    assert_snapshot!(story.plan(edge), @"
    ~ lab:net/edge  (changed by somebody else)
        owner tag: without proof → this stack's
    1 to update.
    ");
    story.apply(edge);
    assert_snapshot!(story.plan(edge), @"Nothing to do: 1 resource is as declared.");
}

#[test]
fn object_that_bears_the_tag_of_another_resource_is_still_its_own() {
    let both = |stack: &mut Stack| {
        edge(stack);
        stack.add(Net::new("rim"));
    };
    let mut story = Story::new();
    story.apply(both);
    let record = story.world.snapshot().unwrap().records[&"lab:net/rim".into()].id.clone();
    let owner = story.world.owner_tag("lab:net", &record);
    story.world.set_owner("lab:net", "edge", Some(owner));
    assert_eq!(story.apply_alone(both), [""; 0]);
    assert_eq!(story.objects(), ["lab:net/edge", "lab:net/rim"]);
}

#[test]
fn id_of_what_has_gone_is_that_of_another_resource_whose_owner_tag_it_bears() {
    use super::fake_kinds::Post;
    let posts = |names: &'static [&'static str]| {
        move |stack: &mut sprocket_core::program::Stack| names.iter().for_each(|name| drop(stack.add(Post::new(name))))
    };
    let mut story = super::story::Story::in_yard();
    story.apply(posts(&["a"]));
    story.yard.remove::<Post>("a");
    story.yard.mint_again();
    story.world.settings.continue_on_error = true;
    story.world.fail("create", "a", sprocket_core::testing::Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    assert!(!story.run(posts(&["a", "b"])).unwrap().succeeded());
    assert_eq!(story.calls(), ["create yard:post/b"]);
    let ids = |story: &super::story::Story| {
        let records = story.world.snapshot().unwrap().records;
        records.values().filter_map(|record| Some(record.object.as_ref()?.id.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(ids(&story), ["id-1", "id-1"]);
    assert_eq!(story.apply(posts(&["a", "b"])), ["create yard:post/a"]);
}
