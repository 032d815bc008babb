//! The life of resources: nothing, made, changed, left to others, taken away.

use sprocket_core::program::{DraftExt as _, Stack};

use super::fake_service::Post;
use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, nothing};

/// `a` → `b` → `c`, each made from the one before it.
fn chain(stack: &mut Stack) {
    let a = stack.add(Net::new("a"));
    let b = stack.add(Net::new("b").parent(&a.id));
    stack.add(Net::new("c").parent(&b.id));
}

#[test]
fn a_program_without_resources_is_one_too() {
    let mut story = Story::new();
    assert_snapshot!(story.plan(nothing), @"Nothing to do: 0 resources are as declared.");
    assert_eq!(story.apply(nothing), [""; 0]);
    let state = story.world.snapshot().unwrap();
    assert!(state.records.is_empty() && state.pending.is_empty() && state.outputs.is_empty(), "{state:#?}");
    assert_eq!(story.destroy(nothing), [""; 0]);
}

#[test]
fn what_is_as_declared_is_neither_called_nor_written_again() {
    let mut story = Story::new();
    story.apply(chain);
    let before = story.world.snapshot().unwrap();
    assert_eq!(story.apply(chain), [""; 0]);
    assert_eq!(story.world.snapshot().unwrap(), before, "not even its serial is another");
}

#[test]
fn a_chain_is_made_from_its_beginning_and_deleted_from_its_end() {
    let mut story = Story::new();
    let made = ["create lab:net/a", "create lab:net/b", "create lab:net/c"];
    let deleted = ["delete lab:net/c", "delete lab:net/b", "delete lab:net/a"];
    assert_eq!(story.apply(chain), made);
    assert_snapshot!(story.plan(nothing), @"
    - lab:net/a  (not declared any more)
    - lab:net/b  (not declared any more)
    - lab:net/c  (not declared any more)
    3 to delete.
    ");
    assert_eq!(story.apply(nothing), deleted);
    assert_eq!(story.objects(), [""; 0]);
    assert_eq!(story.apply(chain), made, "and it can be made again");
    assert_eq!(story.destroy(chain), deleted);
}

#[test]
fn a_destroy_needs_no_declarations() {
    let mut story = Story::new();
    story.apply(chain);
    assert_eq!(story.destroy(nothing).len(), 3);
    assert!(story.world.snapshot().unwrap().records.is_empty());
}

#[test]
fn an_update_keeps_the_object() {
    let mut story = Story::new();
    let labelled = |label: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Net::new("edge").label("tier", label));
        }
    };
    let recorded = |story: &Story| story.world.snapshot().unwrap().records[&"lab:net/edge".into()].clone();
    story.apply(labelled("one"));
    let before = recorded(&story);
    assert_eq!(story.apply(labelled("two")), ["update lab:net/edge"]);
    let after = recorded(&story);
    assert_eq!(after.id, before.id);
    assert_eq!(after.object.unwrap().id, before.object.unwrap().id);
}

#[test]
fn what_is_deleted_for_good_goes_before_what_it_was_made_from_changes() {
    let mut story = Story::new();
    story.apply(|stack| {
        let edge = stack.add(Net::new("edge"));
        stack.add(App::new("web", "app:1").net(&edge.id));
    });
    let calls = story.apply(|stack| {
        stack.add(Net::new("edge").label("tier", "two"));
    });
    assert_eq!(calls, ["delete lab:app/web", "update lab:net/edge"]);
}

#[test]
fn a_list_that_is_left_to_others_may_grow_shrink_and_go() {
    let app = |image: &'static str, nets: &'static [&'static str]| {
        move |stack: &mut Stack| {
            let app = App::new("web", image).ignore("nets");
            stack.add(nets.iter().fold(app, |app, net| app.net(*net)));
        }
    };
    let mut story = Story::new();
    story.apply(app("app:1", &["one", "two"]));
    let others: [(&str, &[&str]); 4] =
        [("app:2", &["one", "two", "three"]), ("app:3", &["two"]), ("app:4", &[]), ("app:5", &["four", "one"])];
    let mut before = "app:1";
    for (image, nets) in others {
        let nets: Vec<String> = nets.iter().map(|&net| net.to_owned()).collect();
        story.world.change::<App>("web", |spec| spec.nets.clone_from(&nets));
        assert!(story.plan(app(before, &["one", "two"])).starts_with("Nothing to do"), "others made it {nets:?}");
        assert!(story.plan(app(before, &["five"])).starts_with("Nothing to do"), "nor does the program's count");
        assert_eq!(story.apply(app(image, &["five"])), ["update lab:app/web"]);
        assert_eq!(story.world.spec::<App>("web").unwrap().nets, nets, "an update of the rest leaves it");
        before = image;
    }
}

#[test]
fn one_entry_of_a_map_may_be_left_to_others_and_the_rest_of_it_counts() {
    let post = |ours: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("gate").tag("tool", "first").tag("ours", ours).ignore_key("tags", "tool"));
        }
    };
    let mut story = Story::in_yard();
    story.apply(post("a"));
    assert_eq!(story.yard.spec::<Post>("gate").tags["tool"], "first", "it counts when the object is made");
    // Others change it, and it stays so, also when something else is changed.
    story.yard.change::<Post>("gate", |spec, _| drop(spec.tags.insert("tool".into(), "theirs".into())));
    assert!(story.plan(post("a")).starts_with("Nothing to do"));
    assert_eq!(story.apply(post("b")), ["update yard:post/gate"]);
    assert_eq!(story.yard.spec::<Post>("gate").tags["tool"], "theirs");
    // They take it away: it stays away.
    story.yard.change::<Post>("gate", |spec, _| drop(spec.tags.remove("tool")));
    assert_eq!(story.apply(post("c")), ["update yard:post/gate"]);
    assert_eq!(story.yard.spec::<Post>("gate").tags, [("ours".into(), "c".into())].into());
    // What is not named is put back.
    story.yard.change::<Post>("gate", |spec, _| drop(spec.tags.insert("ours".into(), "theirs".into())));
    assert_snapshot!(story.plan(post("c")), @"
    ~ yard:post/gate  (changed by somebody else)
        tags.ours: theirs → c
    1 to update.
    ");
}

#[test]
fn what_is_left_to_others_altogether_is_not_updated_but_deleted() {
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            let all = ["image", "env", "nets", "used", "replicas", "global"];
            stack.add(all.into_iter().fold(App::new("web", image), |app, setting| app.ignore(setting)));
        }
    };
    let mut story = Story::new();
    assert_eq!(story.apply(app("app:1")), ["create lab:app/web"]);
    assert_eq!(story.world.spec::<App>("web").unwrap().image, "app:1", "it is made with what the program says");
    assert_eq!(story.apply(app("app:2")), [""; 0]);
    assert_eq!(story.apply(nothing), ["delete lab:app/web"]);
}

#[test]
fn what_refers_to_something_forgotten_is_still_deleted() {
    let mut story = Story::new();
    story.apply(chain);
    let engine = story.world.engine();
    assert_eq!(story.world.block_on(engine.forget("lab:net/b")).unwrap(), ["b"]);
    assert_eq!(story.destroy(nothing), ["delete lab:net/a", "delete lab:net/c"]);
    assert_eq!(story.objects(), ["lab:net/b"], "it is nobody's now");
}
