//! Objects with this stack's owner tag that no record has: found again, deleted, or told of.

use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal, Stop};
use sprocket_core::kind::OwnerTag;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::state::{KeySource, MemoryStore, Signer, Snapshot};

use super::fake_kinds::{Base, Pipe, Post, Tent};
use super::simulated_service::{App, Conf, Disk, DiskSpec, Net, NetSpec};
use super::story::{Story, assert_snapshot};

fn net(subnet: &'static str) -> impl Fn(&mut Stack) {
    move |stack| drop(stack.add(Net::new("edge").subnet(subnet)))
}

const ONE: &str = "10.0.0.0/24";
const TWO: &str = "10.0.1.0/24";

/// The owner tag of a resource, or of one that nobody has recorded.
fn tag(story: &Story, address: &str) -> Option<OwnerTag> {
    let snapshot = story.world.snapshot().unwrap();
    let record = snapshot.records.get(&address.into()).map_or("nobody".into(), |record| record.id.clone());
    Some(story.world.owner_tag(address.split_once('/').unwrap().0, &record))
}

/// The same object with another id, as from a backup.
fn restored() -> Story {
    let mut story = Story::new();
    story.apply(net(ONE));
    let owner = tag(&story, "lab:net/edge");
    story.world.remove("lab:net", "edge");
    story.world.put::<Net>("edge", NetSpec::of(ONE));
    story.world.set_owner("lab:net", "edge", owner);
    story
}

/// An engine whose state is an earlier one.
fn engine_on(story: &Story, snapshot: Snapshot) -> Engine {
    let KeySource::Given(key) = &story.world.settings.key else { panic!("tests are given theirs") };
    Engine::new(Arc::new(MemoryStore::of(snapshot, &Signer::of(key))), story.world.settings.clone())
}

#[test]
fn orphan_of_no_record_is_told_in_every_plan() {
    let mut story = Story::new();
    story.apply(net(ONE));
    for name in ["late-2", "late", "early"] {
        story.world.put::<Net>(name, NetSpec::of(ONE));
        story.world.set_owner("lab:net", name, tag(&story, "lab:net/late"));
    }
    let plan = story.plan(net(ONE));
    assert_snapshot!(plan, @"
    warning: `lab:net/early`: `early` (`net#4`) at `lab` has this stack's owner tag, and no record has it
      hint: to keep it, declare a resource for it and run `import ADDRESS net#4`; to delete it, take the declaration away again after that, or delete it at its service
    warning: `lab:net/late`: `late` (`net#3`) at `lab` has this stack's owner tag, and no record has it
      hint: to keep it, declare a resource for it and run `import ADDRESS net#3`; to delete it, take the declaration away again after that, or delete it at its service
    warning: `lab:net/late-2`: `late-2` (`net#2`) at `lab` has this stack's owner tag, and no record has it
      hint: to keep it, declare a resource for it and run `import ADDRESS net#2`; to delete it, take the declaration away again after that, or delete it at its service
    Nothing to do: 1 resource is as declared.
    ");
    assert_eq!(story.plan(net(ONE)), plan, "the same again");
    // Who declares it has it.
    let program = |stack: &mut Stack| {
        net(ONE)(stack);
        ["late", "late-2", "early"].into_iter().for_each(|name| drop(stack.add(Net::new(name))));
    };
    story.apply(program);
    assert_eq!(story.plan(program), "Nothing to do: 4 resources are as declared.");
}

#[test]
fn orphan_with_the_tag_of_a_lost_object_is_that_object() {
    let mut story = restored();
    assert_snapshot!(story.plan(net(ONE)), @"
    ! lab:net/edge has its object again: `edge` has its owner tag
    1 unchanged.
    ");
    assert_eq!(story.apply(net(ONE)), [""; 0]);
    assert_eq!(story.destroy(net(ONE)), ["delete lab:net/edge"]);

    let mut story = restored();
    assert_snapshot!(story.plan(net(TWO)), @"
    ! lab:net/edge has its object again: `edge` has its owner tag
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.0.0/24 → 10.0.1.0/24  (needs a new one)
    - lab:net/edge  (replaced)
    1 to replace.
    ");
    assert_eq!(story.apply(net(TWO)), ["create lab:net/edge-2", "delete lab:net/edge"]);
    // Also what is not declared any more, and of a kind that is read one by one.
    let mut story = restored();
    assert_eq!(story.apply(|_| ()), ["delete lab:net/edge"]);
    assert!(story.objects().is_empty());
}

#[test]
fn orphan_that_a_restored_state_does_not_know_is_recorded() {
    let programs: [(&'static str, &'static [&'static str]); 2] =
        [(TWO, &[]), (ONE, &["create lab:net/edge-3", "update lab:app/web", "delete lab:net/edge-2"])];
    let app = |subnet: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge").subnet(subnet));
            stack.add(App::new("web", "app:1").net(&edge.id));
        }
    };
    for (subnet, calls) in programs {
        let mut story = Story::new();
        story.apply(app(ONE));
        let old = story.world.snapshot().unwrap();
        story.apply(app(TWO));
        let engine = engine_on(&story, old);
        let stack = story.stack(app(subnet));
        let plan = story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap();
        let report = story.world.block_on(engine.apply(&stack, &plan, &Stop::default())).unwrap();
        assert!(report.succeeded(), "{plan}");
        let made = story.calls();
        assert!(calls.iter().all(|call| made.contains(&(*call).to_owned())), "{plan}\n{made:?}");
        let again = story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap();
        assert!(again.is_empty(), "{again}");
        assert_eq!(story.objects().len(), 2, "{:?}", story.objects());
    }
}

#[test]
fn orphan_with_the_tag_of_a_recorded_object_is_a_duplicate() {
    let mut story = Story::new();
    story.apply(net(ONE));
    let owner = tag(&story, "lab:net/edge");
    story.world.put::<Net>("edge-copy", NetSpec::of(ONE));
    story.world.set_owner("lab:net", "edge-copy", owner);
    assert_snapshot!(story.plan(net(ONE)), @"
    ! lab:net/edge has a duplicate: `edge-copy` has its owner tag too
    - lab:net/edge `edge-copy`  (replaced)
    1 unchanged.
    ");
    assert_eq!(story.apply(net(ONE)), ["delete lab:net/edge-copy"]);
    assert_eq!(story.objects(), ["lab:net/edge"]);
}

#[test]
fn orphan_with_the_tag_of_recorded_data_is_told() {
    let disk = |stack: &mut Stack| drop(stack.add(Disk::new("data")));
    let mut story = Story::new();
    story.apply(disk);
    let owner = tag(&story, "lab:disk/data");
    story.world.put::<Disk>("data-copy", DiskSpec { driver: "local".into() });
    story.world.set_owner("lab:disk", "data-copy", owner);
    assert_snapshot!(story.plan(disk), @"
    warning: `lab:disk/data-copy`: `data-copy` at `lab` has this stack's owner tag, and `lab:disk/data`, whose tag it is, has another object and holds data
      hint: to keep it, declare a resource for it and run `import ADDRESS data-copy`; to delete it, take the declaration away again after that, or delete it at its service
    Nothing to do: 1 resource is as declared.
    ");
}

#[test]
fn orphan_of_other_content_does_not_become_the_object() {
    let conf = |text: &'static str| move |stack: &mut Stack| drop(stack.add(Conf::new("motd", text)));
    for text in ["one", "two"] {
        let mut story = Story::new();
        story.apply(conf("one"));
        let old = story.world.snapshot().unwrap();
        story.apply(conf("two"));
        let engine = engine_on(&story, old);
        let stack = story.stack(conf(text));
        let plan = story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap();
        let report = story.world.block_on(engine.apply(&stack, &plan, &Stop::default())).unwrap();
        assert!(report.succeeded(), "{plan}");
        let again = story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap();
        assert!(again.is_empty(), "{again}");
        assert_eq!(story.objects().len(), 1, "{text}: {:?}", story.objects());
        let name = story.objects()[0].strip_prefix("lab:conf/").unwrap().to_owned();
        assert_eq!(story.world.spec::<Conf>(&name).unwrap().data, text);
    }
}

#[test]
fn orphan_is_looked_for_by_name_where_a_kind_can_not_be_listed() {
    let post = |stack: &mut Stack| drop(stack.add(Post::new("gate")));
    let mut story = Story::in_yard();
    story.apply(post);
    story.yard.give_another_id::<Post>("gate");
    assert_eq!(story.apply(post), [""; 0]);
    story.yard.give_another_id::<Post>("gate");
    assert_eq!(story.apply(|_| ()), ["delete yard:post/gate"]);
}

#[test]
fn orphan_in_place_of_a_retained_object_is_told() {
    let program = |subnet: &'static str| {
        move |stack: &mut Stack| drop(stack.add(Net::new("edge").subnet(subnet).keep_on_delete()))
    };
    let mut story = Story::new();
    story.apply(program(ONE));
    story.apply(program(TWO));
    assert_eq!(story.objects(), ["lab:net/edge", "lab:net/edge-2"]);
    assert!(!story.plan(program(TWO)).contains("edge`"), "what was left is not told again");
    let owner = tag(&story, "lab:net/edge");
    story.world.remove("lab:net", "edge");
    story.world.put::<Net>("edge", NetSpec::of(ONE));
    story.world.set_owner("lab:net", "edge", owner);
    let plan = story.plan(program(TWO));
    assert!(plan.contains("lab:net/edge"), "{plan}");
}

#[test]
fn renamed_object_that_has_lost_its_owner_tag_is_still_the_recorded_one() {
    let mut story = Story::new();
    story.apply(net(ONE));
    story.world.set_owner("lab:net", "edge", None);
    let mut snapshot = story.world.snapshot().unwrap();
    let record = snapshot.records.get_mut(&"lab:net/edge".into()).unwrap();
    record.object.as_mut().unwrap().name = "edge-before".into();
    let engine = engine_on(&story, snapshot);
    let stack = story.stack(net(ONE));
    assert_snapshot!(story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap(), @"
    ~ lab:net/edge `edge-before`  (changed by somebody else)
        owner tag: (none) → this stack's
    1 to update.
    ");
}

#[test]
fn owner_tag_of_a_resource_of_another_kind_makes_no_duplicate() {
    let program = |stack: &mut Stack| {
        net(ONE)(stack);
        stack.add(App::new("web", "app:1"));
    };
    let mut story = Story::new();
    story.apply(program);
    let record = story.world.snapshot().unwrap().records[&"lab:net/edge".into()].id.clone();
    story.world.put::<App>("stray", story.world.spec::<App>("web").unwrap());
    let owner = story.world.owner_tag("lab:app", &record);
    story.world.set_owner("lab:app", "stray", Some(owner));
    let plan = story.plan(program);
    assert!(!plan.contains("duplicate") && plan.ends_with("Nothing to do: 2 resources are as declared."), "{plan}");
}

#[test]
fn orphan_of_other_content_is_an_old_object() {
    let conf = |text: &'static str| move |stack: &mut Stack| drop(stack.add(Conf::new("motd", text)));
    let mut story = Story::new();
    story.apply(conf("one"));
    let old = story.world.snapshot().unwrap();
    story.apply(conf("two"));
    let engine = engine_on(&story, old);
    let plans = ["one", "two", "three"].map(|text| {
        let stack = story.stack(conf(text));
        story.world.block_on(engine.plan(&stack, Goal::Declared)).unwrap().to_string()
    });
    assert_snapshot!(plans.join("\n"), @"
    ! lab:conf/motd has a duplicate: `motd-e6ec49da6c13a5a5` has its owner tag too
    - lab:conf/motd `motd-e6ec49da6c13a5a5`  (replaced)
    + lab:conf/motd `motd-eba6d8217c557433`  (it has gone)
        data: one
    1 to create.
    ! lab:conf/motd has a duplicate: `motd-e6ec49da6c13a5a5` has its owner tag too
    ± lab:conf/motd `motd-e6ec49da6c13a5a5`  (the earlier one is used again)
    ~ lab:conf/motd `motd-e6ec49da6c13a5a5`
    - lab:conf/motd `motd-eba6d8217c557433`  (it has gone)
    1 to update, 1 to restore, 1 to forget.
    ! lab:conf/motd has a duplicate: `motd-e6ec49da6c13a5a5` has its owner tag too
    - lab:conf/motd `motd-e6ec49da6c13a5a5`  (replaced)
    + lab:conf/motd `motd-01634e9b4283badf`  (it has gone)
        data: three
    1 to create.
    ");
}

#[test]
fn object_that_is_found_again_is_waited_for_if_it_takes_time_until_it_works() {
    let tent = |stack: &mut Stack| drop(stack.add(Tent::new("camp")));
    let mut story = Story::in_yard();
    story.apply(tent);
    story.yard.give_another_id::<Tent>("camp");
    assert_snapshot!(story.plan(tent), @"
    ! yard:tent/camp has its object again: `camp` has its owner tag
    ~ yard:tent/camp  (not seen to work yet)
    1 to wait for.
    ");
    assert_eq!(story.apply_alone(tent), [""; 0]);
}

#[test]
fn duplicate_at_a_server_with_two_names_is_told_once() {
    let program = |stack: &mut Stack| {
        let (one, two) = (
            stack.connect(super::simulated_service::Lab::local().named("one")),
            stack.connect(super::simulated_service::Lab::local().named("two")),
        );
        stack.on(&one).add(Net::new("edge"));
        stack.on(&two).add(Net::new("rim"));
    };
    let mut story = Story::new();
    story.world.apply(program);
    let owner = tag(&story, "lab:net/edge");
    story.world.put::<Net>("copy", NetSpec::of(ONE));
    story.world.set_owner("lab:net", "copy", owner);
    let plan = story.world.plan(program).to_string();
    assert!(plan.contains("`lab:net/edge` has a duplicate") || plan.contains("lab:net/edge has a duplicate"), "{plan}");
    assert!(!plan.contains("warning"), "{plan}");
    story.world.apply(program);
    assert_eq!(story.objects(), ["lab:net/edge", "lab:net/rim"]);
}

#[test]
fn object_with_the_id_of_one_that_was_left_in_place_is_found_again() {
    let program = |width: u64| {
        move |stack: &mut Stack| drop(stack.add(Pipe::new("a").base(Base::default().width(width)).keep_on_delete()))
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    story.apply(program(2));
    // What was left has gone, and its service gives its id to what it restores.
    story.yard.remove::<Pipe>("a");
    story.yard.change::<Pipe>("a-2", |_, state| state.id = "id-1".into());
    assert!(story.plan(program(2)).contains("yard:pipe/a has its object again"), "{}", story.plan(program(2)));
    assert_eq!(story.apply_alone(program(2)), [""; 0]);
}
