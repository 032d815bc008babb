//! A stack's outputs: added, changed, unknown, secret, removed.

use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{Output, Stack};
use sprocket_core::testing::Fail;

use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot};

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
