//! Settings that are left to others (`.ignore`): neither what the program says of them counts, nor what others make of them.

use sprocket_core::program::{DraftExt as _, Stack};

use super::fake_kinds::Post;
use super::simulated_service::App;
use super::story::{Story, assert_snapshot, nothing};

#[test]
fn a_setting_that_is_left_to_others_is_neither_changed_nor_put_back() {
    let mut story = Story::new();
    let scaled = |replicas: u64, image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image).replicas(replicas).ignore("replicas"));
        }
    };
    story.apply(scaled(1, "app:1"));
    story.world.change::<App>("web", |spec| spec.replicas = 5);
    assert!(story.plan(scaled(2, "app:1")).starts_with("Nothing to do"));
    story.apply(scaled(2, "app:2"));
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 5);
    // It is ours again, and what the program says counts again.
    let ours = |stack: &mut Stack| drop(stack.add(App::new("web", "app:2").replicas(1)));
    assert_snapshot!(story.plan(ours), @"
    ~ lab:app/web  (changed by somebody else)
        replicas: 5 → 1
    1 to update.
    ");
    assert_eq!(story.apply(ours), ["update lab:app/web"]);
    assert_eq!(story.world.spec::<App>("web").unwrap().replicas, 1);
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
