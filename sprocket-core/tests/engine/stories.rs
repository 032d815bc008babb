//! Stories of plans and runs.

use insta::assert_snapshot;
use sprocket_core::engine::Goal;
use sprocket_core::program::{Password, Secret, Stack};

use super::kinds::{App, Conf, Disk, Net, Note};
use super::{Story, on_lab};

fn estate(stack: &mut Stack) {
    estate_with(stack, "10.0.0.0/24", "app:1", "hello");
}

fn estate_with(stack: &mut Stack, subnet: &str, image: &str, motd: &str) {
    let net = stack.add(Net::new("edge").subnet(subnet));
    let disk = stack.add(Disk::new("data"));
    let motd = stack.add(Conf::new("motd", motd));
    let password = stack.add(Password::new("redis"));
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
fn destroy_keeps_data_and_the_secret_that_the_data_may_need() {
    let mut story = Story::new();
    story.apply(estate);
    let plan = story.world.try_plan(on_lab(estate), Goal::Destroyed { include_kept: false }).unwrap();
    assert_snapshot!(plan, @"
    - lab:app/web
    - lab:conf/motd `motd-1b8417811209c2cb`
    - lab:net/edge
    - lab:note/login
    = lab:disk/data stays as `data`: it holds data
    = random:password/redis stays as `redis`: `lab:disk/data` stays, and its data may need it
    4 to delete.
    ");
    story.world.destroy(on_lab(estate));
    // Whoever used the data has gone; what the data may need is still known.
    story.world.destroy(on_lab(estate));
    assert!(story.world.snapshot().unwrap().records.contains_key(&"random:password/redis".into()));
    assert_eq!(story.world.objects(), ["lab:disk/data"]);
    story.apply(estate);
}

#[test]
fn destroy_keeps_a_secret_for_the_data_of_its_nearest_user() {
    let program = |stack: &mut Stack| {
        let secret = stack.add(Password::new("shared"));
        let (near, far) = (stack.add(Disk::new("near")), stack.add(Disk::new("far")));
        let login = stack.add(Note::new("login", &secret.value));
        let mid = stack.add(Note::new("mid", login.name.map(Secret::new)));
        stack.add(App::new("a", "app:1").uses(&near.name).uses(&login.name));
        stack.add(App::new("b", "app:1").uses(&far.name).uses(&mid.name));
    };
    let mut story = Story::new();
    story.apply(program);
    let plan = story.world.try_plan(on_lab(program), Goal::Destroyed { include_kept: false }).unwrap().to_string();
    assert!(plan.contains("random:password/shared stays as `shared`: `lab:disk/near` stays"), "{plan}");
}

#[test]
fn destroy_keeps_a_secret_for_the_data_of_a_user_that_runs() {
    let program = |stack: &mut Stack| {
        let secret = stack.add(Password::new("shared"));
        let (rests, runs) = (stack.add(Disk::new("rests")), stack.add(Disk::new("runs")));
        let login = stack.add(Note::new("login", &secret.value));
        stack.add(Note::new("rests", secret.value.zip(&rests.name).map(|(secret, _)| secret)));
        stack.add(App::new("runs", "app:1").uses(&runs.name).uses(&login.name));
    };
    let mut story = Story::new();
    story.apply(program);
    let plan = story.world.try_plan(on_lab(program), Goal::Destroyed { include_kept: false }).unwrap().to_string();
    assert!(plan.contains("random:password/shared stays as `shared`: `lab:disk/runs` stays"), "{plan}");
}
