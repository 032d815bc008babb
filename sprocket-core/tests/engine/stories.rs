//! Stories of plans and runs.

use sprocket_core::engine::{Goal, Request};
use sprocket_core::program::{DraftExt as _, Password, Stack};

use super::simulated_service::{App, Conf, Disk, Net, Note};
use super::story::{Story, assert_snapshot};

fn estate(stack: &mut Stack) {
    estate_with(stack, "10.0.0.0/24", "app:1", "hello");
}

fn estate_with(stack: &mut Stack, subnet: &str, image: &str, motd: &str) {
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

#[test]
fn a_new_subnet_makes_a_new_network_and_moves_the_app_over() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.1.0/24", "app:1", "hello");
    assert_snapshot!(story.plan(next), @"
    ± lab:net/edge `edge-2`  (a new one takes its place)
        subnet: 10.0.0.0/24 → 10.0.1.0/24  (needs a new one)
    - lab:net/edge  (replaced)
    ~ lab:app/web
        nets[0]: net#4 → (known after lab:net/edge)
    1 to update, 1 to replace, 4 unchanged.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"
    create lab:net/edge-2
    update lab:app/web
    delete lab:net/edge
    ");
}

#[test]
fn a_new_content_has_a_new_name_and_the_old_goes_last() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.0.0/24", "app:1", "bye");
    assert_snapshot!(story.plan(next), @"
    ± lab:conf/motd `motd-47ed1e102d8b0051`  (a new one takes its place)
        data: hello → bye  (needs a new one)
    - lab:conf/motd `motd-1b8417811209c2cb`  (replaced)
    ~ lab:app/web
        used[1]: conf#2 → (known after lab:conf/motd)
    1 to update, 1 to replace, 4 unchanged.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"
    create lab:conf/motd-47ed1e102d8b0051
    update lab:app/web
    delete lab:conf/motd-1b8417811209c2cb
    ");
}

#[test]
fn what_has_a_fixed_name_is_deleted_before_it_is_made_again() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(App::new("web", "app:1"));
    });
    let next = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1").global());
    };
    assert_snapshot!(story.plan(next), @"
    - lab:app/web  (before the new one is made)
    ± lab:app/web  (a new one takes its place)
        global: false → true  (needs a new one)
    1 to replace.
    ");
    assert_snapshot!(story.apply(next).join("\n"), @"
    delete lab:app/web
    create lab:app/web
    ");
}

#[test]
fn a_step_whose_unknown_turns_out_to_be_the_old_value_becomes_nothing() {
    let program = |image: &'static str| {
        move |stack: &mut Stack| {
            let web = stack.add(App::new("web", image));
            stack.add(App::new("proxy", "proxy:1").env("BACKEND", web.version.map(|version| format!("v{version}"))));
        }
    };
    let mut story = Story::new();
    story.apply(program("app:1"));
    assert_snapshot!(story.plan(program("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    ~ lab:app/proxy
        env.BACKEND: v1 → (known after lab:app/web)
    2 to update.
    ");
    assert_eq!(story.apply(program("app:2")), ["update lab:app/web"]);
}

#[test]
fn destroy_keeps_data_and_the_secret_that_is_retained_with_it() {
    let mut story = Story::new();
    story.apply(estate);
    let plan = story.try_plan(estate, Goal::Destroyed { include_kept: false }).unwrap();
    assert_snapshot!(plan, @"
    - lab:app/web
    - lab:conf/motd `motd-1b8417811209c2cb`
    - lab:net/edge
    - lab:note/login
    = lab:disk/data stays as `data`: it holds data
    = random:password/redis stays as `redis`: `lab:disk/data` stays, and this is retained with it
    4 to delete.
    ");
    story.world.destroy(story.connected(&estate));
    // The record says so: whoever used the data has gone.
    story.world.destroy(story.connected(&estate));
    assert!(story.world.snapshot().unwrap().records.contains_key(&"random:password/redis".into()));
    assert_eq!(story.world.objects(), ["lab:disk/data"]);
    story.apply(estate);
}

#[test]
fn what_is_retained_keeps_what_it_needs_and_what_is_retained_with_it() {
    let program = |stack: &mut Stack| {
        let disk = stack.add(Disk::new("data"));
        let secret = stack.add(Password::new("secret"));
        let login = stack.add(Note::new("login", &secret.value).retain_with(&disk));
        stack.add(Password::new("recovery").retain_with(&login));
        let other = stack.add(Password::new("other"));
        stack.add(Password::new("goes").retain_with(&other));
    };
    let mut story = Story::new();
    story.apply(program);
    let plan = |story: &mut Story, program: fn(&mut Stack), request: Request| {
        story.try_plan(program, request).unwrap().to_string()
    };
    let destroyed = || Request::from(Goal::Destroyed { include_kept: false });
    assert_snapshot!(plan(&mut story, program, destroyed()), @"
    - random:password/goes
    - random:password/other
    = lab:disk/data stays as `data`: it holds data
    = lab:note/login stays as `login`: `lab:disk/data` stays, and this is retained with it
    = random:password/recovery stays as `recovery`: `lab:note/login` stays, and this is retained with it
    = random:password/secret stays as `secret`: `lab:note/login` stays, and needs it
    2 to delete.
    ");
    // What the request leaves out stays too.
    let with = |stack: &mut Stack| {
        let net = stack.add(Net::new("net"));
        stack.add(Password::new("key").retain_with(&net));
    };
    let mut story = Story::new();
    story.apply(with);
    assert_snapshot!(plan(&mut story, with, destroyed().without(["lab:net/net"])), @"
    = random:password/key stays as `key`: `lab:net/net` stays, and this is retained with it
    Nothing to do: nothing is left to destroy; 1 left out.
    ");
}

#[test]
fn what_is_retained_with_data_from_now_on_is_recorded() {
    let program = |retained: bool| {
        move |stack: &mut Stack| {
            let disk = stack.add(Disk::new("data"));
            let secret = Password::new("secret");
            stack.add(if retained { secret.retain_with(&disk) } else { secret });
        }
    };
    let mut story = Story::new();
    story.apply(program(false));
    assert_snapshot!(story.plan(program(true)), @"
    · random:password/secret  (only its record changes)
    1 to record, 1 unchanged.
    ");
    story.apply(program(true));
    story.world.destroy(story.connected(&program(true)));
    assert!(story.world.snapshot().unwrap().records.contains_key(&"random:password/secret".into()));
    story.apply(program(false));
    story.world.destroy(story.connected(&program(false)));
    assert!(!story.world.snapshot().unwrap().records.contains_key(&"random:password/secret".into()));
}
