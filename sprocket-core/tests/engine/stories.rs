//! Stories of plans and runs.

use insta::assert_snapshot;
use sprocket_core::{DraftExt as _, Goal, Password, Stack};

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
    assert_snapshot!(story.plan(estate), @"");
    assert_eq!(story.world.objects(), Vec::<String>::new(), "a plan makes nothing");
    assert!(story.world.snapshot().is_none(), "a plan writes nothing");
}

#[test]
fn an_estate_is_made_in_order_and_then_nothing_is_to_do() {
    let mut story = Story::new();
    assert_snapshot!(story.apply(estate).join("\n"), @"");
}

#[test]
fn one_setting_changes_and_nothing_else_is_touched() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.0.0/24", "app:2", "hello");
    assert_snapshot!(story.plan(next), @"");
    assert_snapshot!(story.apply(next).join("\n"), @"");
}

#[test]
fn a_new_subnet_makes_a_new_network_and_moves_the_app_over() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.1.0/24", "app:1", "hello");
    assert_snapshot!(story.plan(next), @"");
    assert_snapshot!(story.apply(next).join("\n"), @"");
}

#[test]
fn a_new_content_has_a_new_name_and_the_old_goes_last() {
    let mut story = Story::new();
    story.apply(estate);
    let next = |stack: &mut Stack| estate_with(stack, "10.0.0.0/24", "app:1", "bye");
    assert_snapshot!(story.plan(next), @"");
    assert_snapshot!(story.apply(next).join("\n"), @"");
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
    assert_snapshot!(story.plan(next), @"");
    assert_snapshot!(story.apply(next).join("\n"), @"");
}

#[test]
fn drift_is_shown_as_drift_and_put_back() {
    let mut story = Story::new();
    story.apply(estate);
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    story.world.remove("lab:conf", "motd-2cf24dba5f");
}

#[test]
fn destroy_keeps_data_and_the_secret_that_the_data_may_need() {
    let mut story = Story::new();
    story.apply(estate);
    let plan = story.world.try_plan(on_lab(estate), Goal::Destroyed { include_kept: false }).unwrap();
    assert_snapshot!(plan, @"");
    story.world.destroy(on_lab(estate));
    assert_eq!(story.world.objects(), ["lab:disk/data"]);
    story.apply(estate);
}
