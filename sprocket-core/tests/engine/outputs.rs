//! A stack's outputs: added, changed, unknown, secret, removed; kept where a run fails.

use std::time::Duration;

use sprocket_core::engine::Goal;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{Output, Password, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Post, Sign};
use super::fake_service::Trouble;
use super::simulated_service::{App, Disk, Net};
use super::story::{Story, assert_snapshot, told};

#[test]
fn outputs_are_recorded_and_secret_ones_sealed() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let edge = stack.add(Net::new("edge"));
        let password = stack.add(Password::new("redis"));
        stack.output("network", &edge.id);
        stack.output("password", &password.value);
    };
    assert_snapshot!(story.plan(program), @"
    + lab:net/edge
    + random:password/redis
    output network: (none) → (known after lab:net/edge)
    output password: (none) → (known after random:password/redis)
    2 to create.
    ");
    story.apply(program);
    let engine = story.world.engine();
    let shown = story.world.block_on(engine.outputs(false)).unwrap();
    assert_eq!(shown["network"], "net#1");
    assert!(shown["password"].is_object(), "{shown:?}");
    let revealed = story.world.block_on(engine.outputs(true)).unwrap();
    assert_eq!(revealed["password"].as_str().map(str::len), Some(32));
}

fn outputs(story: &Story, reveal: bool) -> String {
    let outputs = story.world.block_on(story.world.engine().outputs(reveal)).unwrap();
    let shown = |value: &serde_json::Value| if value.is_object() { "(secret)".to_owned() } else { value.to_string() };
    outputs.iter().map(|(name, value)| format!("{name} = {}", shown(value))).collect::<Vec<_>>().join("\n")
}

#[test]
fn outputs_alone_are_worth_a_run() {
    let program = |port: u64, name: &'static str, token: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Net::new("edge"));
            stack.output("port", &Output::known(port));
            stack.output(name, &Output::known(token.to_owned()).secret());
        }
    };
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Net::new("edge"));
    });
    assert_snapshot!(story.plan(program(80, "token", "hunter2-one")), @"
    output port: (none) → 80
    output token: (none) → (secret)
    1 unchanged.
    ");
    assert_eq!(story.apply(program(80, "token", "hunter2-one")), [""; 0]);
    assert_snapshot!(outputs(&story, false), @"
    port = 80
    token = (secret)
    ");
    assert_snapshot!(outputs(&story, true), @r#"
    port = 80
    token = "hunter2-one"
    "#);
    assert_snapshot!(story.plan(program(81, "key", "hunter2-one")), @"
    output key: (none) → (secret)
    output port: 80 → 81
    output token: (secret) → (none)
    1 unchanged.
    ");
    story.apply(program(81, "key", "hunter2-two"));
    assert_snapshot!(outputs(&story, true), @r#"
    key = "hunter2-two"
    port = 81
    "#);
    story.destroy(|_| ());
    assert_eq!(outputs(&story, false), "", "nothing is left of them");
}

#[test]
fn an_output_that_is_not_known_keeps_its_value_until_it_is() {
    let program = |image: &'static str| {
        move |stack: &mut Stack| {
            let web = stack.add(App::new("web", image));
            stack.output("version", &web.version);
            stack.output("image", &Output::known(image));
        }
    };
    let mut story = Story::new();
    story.apply(program("app:1"));
    assert_snapshot!(story.plan(program("app:2")), @"
    ~ lab:app/web
        image: app:1 → app:2
    output image: app:1 → app:2
    output version: 1 → (known after lab:app/web)
    1 to update.
    ");
    story.world.fail("update", "web", Fail::Before(ErrorKind::Invalid));
    assert!(!story.run(program("app:2")).unwrap().succeeded());
    assert_snapshot!(outputs(&story, false), @r#"
    image = "app:2"
    version = 1
    "#);
    story.apply(program("app:2"));
    assert_snapshot!(outputs(&story, false), @r#"
    image = "app:2"
    version = 1
    "#);
}

fn names_of_outputs(story: &Story) -> Vec<String> {
    story.world.snapshot().unwrap().outputs.keys().cloned().collect()
}

#[test]
fn a_destroy_that_fails_or_keeps_something_keeps_the_outputs() {
    let program = |stack: &mut Stack| {
        let net = stack.add(Net::new("a"));
        stack.output("net", &net.id);
    };
    let mut story = Story::new();
    story.apply(program);
    story.world.fail("delete", "a", Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    let destroyed = Goal::Destroyed { include_kept: false };
    assert!(!story.try_run(program, destroyed).unwrap().unwrap().succeeded());
    assert_eq!(names_of_outputs(&story), ["net"], "other stacks still read it");
    story.destroy(program);
    assert_eq!(names_of_outputs(&story), [""; 0]);

    let program = |stack: &mut Stack| {
        let disk = stack.add(Disk::new("data"));
        stack.output("disk", &disk.name);
    };
    let mut story = Story::new();
    story.apply(program);
    story.destroy(program);
    assert_eq!(names_of_outputs(&story), ["disk"], "the disk is kept");
}

#[test]
fn a_failed_run_drops_no_output_that_is_not_declared_any_more() {
    let program = |name: &'static str, width: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("gate").text(width));
            stack.output(name, &Output::known(1));
        }
    };
    let mut story = Story::new();
    story.apply(program("port", "1"));
    story.world.fail("update", "gate", Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    assert!(!story.run(program("gate", "2")).unwrap().succeeded());
    assert_eq!(names_of_outputs(&story), ["gate", "port"]);
    story.apply(program("gate", "2"));
    assert_eq!(names_of_outputs(&story), ["gate"]);
}

#[test]
fn an_output_whose_look_up_fails_fails_the_run_and_no_step() {
    let program = |stack: &mut Stack| {
        let a = stack.add(Post::new("a"));
        let sign = stack.look(a.id.map(|id| Sign { id }));
        stack.output("sign", &sign);
    };
    let mut story = Story::in_yard();
    story.world.settings.call_limit = Duration::from_millis(50);
    story.yard.trouble("look", "id-1", Trouble::Hang);
    let report = story.run(program).unwrap();
    assert_snapshot!(told(&report), @"create yard:post/a Done");
    assert!(!report.succeeded());
    assert_snapshot!(report.output_problems[0].message, @"could not read sign from `yard`: there was no answer within 0.05 s");
    story.calls();
    assert_eq!(story.apply(program), [""; 0]);
    assert_eq!(story.world.snapshot().unwrap().outputs.len(), 1);
    // Nothing but the output needs it, and it is asked in the run that makes what it is about.
    let mut story = Story::in_yard();
    assert_eq!(story.apply(program), ["create yard:post/a"]);
}

#[test]
fn failed_run_looks_nothing_up_for_outputs() {
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.world.fail("create", "bell", Fail::Before(sprocket_core::kind::ErrorKind::Denied));
    let program = |stack: &mut Stack| {
        let gate = stack.add(Post::new("gate"));
        stack.add(Post::new("bell"));
        let sign = stack.look(gate.id.map(|id| Sign { id }));
        stack.output("sign", &sign);
    };
    assert!(!story.run(program).unwrap().succeeded());
    assert!(story.world.snapshot().unwrap().outputs.is_empty());
    story.apply(program);
    assert_eq!(story.world.snapshot().unwrap().outputs.len(), 1);
}
