//! Owner tags that somebody else has written: everybody who sees an object sees its tag.

use sprocket_core::kind::OwnerTag;
use sprocket_core::program::{DraftExt as _, Stack};

use super::simulated_service::{Net, NetSpec};
use super::story::{Story, assert_snapshot, edge};

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
