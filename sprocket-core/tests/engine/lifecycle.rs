//! The life of resources: nothing, made, changed, taken away.

use sprocket_core::program::{DraftExt as _, Password, Stack};

use super::simulated_service::{App, Conf, Disk, Net, Note};
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
fn what_refers_to_something_forgotten_is_still_deleted() {
    let mut story = Story::new();
    story.apply(chain);
    let engine = story.world.engine();
    assert_eq!(story.world.block_on(engine.forget("lab:net/b")).unwrap(), ["b"]);
    assert_eq!(story.destroy(nothing), ["delete lab:net/a", "delete lab:net/c"]);
    assert_eq!(story.objects(), ["lab:net/b"], "it is nobody's now");
}

pub(crate) fn estate(stack: &mut Stack) {
    estate_with(stack, "10.0.0.0/24", "app:1", "hello");
}

pub(crate) fn estate_with(stack: &mut Stack, subnet: &str, image: &str, motd: &str) {
    let net = stack.add(Net::new("edge").subnet(subnet));
    let disk = stack.add(Disk::new("data"));
    let motd = stack.add(Conf::new("motd", motd));
    let password = stack.add(Password::new("redis").retain_with(&disk));
    let note = stack.add(Note::new("login", &password.value));
    stack.add(
        App::new("web", image)
            .net(&net.id)
            .uses(&disk.name)
            .uses(&motd.id)
            .env("NOTE", &note.name)
            .env("URL", password.value.exposed().map(|password| format!("redis://:{password}@redis"))),
    );
}

#[test]
fn a_first_plan_shows_everything_and_hides_secrets() {
    let mut story = Story::new();
    assert_snapshot!(story.plan(estate), @"
    + lab:net/edge
    + lab:disk/data
    + lab:conf/motd `motd-1b8417811209c2cb`
        data: hello
    + random:password/redis
    + lab:note/login
        data: (known after random:password/redis)
    + lab:app/web
        env:   {NOTE: login, URL: (known after random:password/redis)}
        image: app:1
        nets:  [(known after lab:net/edge)]
        used:  [data, (known after lab:conf/motd)]
    6 to create.
    ");
    assert_eq!(story.world.objects(), Vec::<String>::new(), "a plan makes nothing");
    assert!(story.world.snapshot().is_none(), "a plan writes nothing");
}

#[test]
fn an_estate_is_made_in_order_and_then_nothing_is_to_do() {
    let mut story = Story::new();
    assert_snapshot!(story.apply(estate).join("\n"), @"
    create lab:note/login
    create lab:conf/motd-1b8417811209c2cb
    create lab:disk/data
    create lab:net/edge
    create lab:app/web
    ");
}

#[test]
fn one_setting_changes_and_nothing_else_is_touched() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.0.0/24", "app:2", "hello");
    assert_snapshot!(story.plan(next), @"
    ~ lab:app/web
        image: app:1 → app:2
    1 to update, 5 unchanged.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"update lab:app/web");
}
