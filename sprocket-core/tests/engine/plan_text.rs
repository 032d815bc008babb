//! How a plan shows values of each shape.

use sprocket_core::program::{Output, Password, Stack};

use super::fake_kinds::{Base, Pipe, Post};
use super::simulated_service::App;
use super::story::{Story, assert_snapshot};

#[test]
fn each_shape_of_a_value_is_shown() {
    let mut story = Story::in_yard();
    let first = |stack: &mut Stack| {
        let password = stack.add(Password::new("lock"));
        stack.add(Post::new("bare"));
        let full = Post::new("full").text("two\nlines").colour("red").beside("a").beside("b, c").tag("tier", "edge");
        stack.add(full.tag("empty", "").note("hunter2-note").base(Base::default().width(2).layer("sand")).on("grass"));
        let unknown = password.value.exposed().map(|password| password.len().to_string());
        stack.add(Post::new("unknown").text(&unknown).beside("a").beside(&unknown).note(&password.value));
        stack.add(Post::new("json").text(r#"{"key": ["value", 1]}"#));
    };
    assert_snapshot!(story.plan(first), @r#"
    + random:password/lock
    + yard:post/bare
    + yard:post/full
        base:       {layers: [sand], width: 2}
        colour:     red
        neighbours: [a, b, c]
        note:       (secret)
        on:         grass
        tags:       {tier: edge}
        text:       two⏎lines
    + yard:post/unknown
        neighbours: [a, (known after random:password/lock)]
        note:       (known after random:password/lock)
        text:       (known after random:password/lock)
    + yard:post/json
        text: {"key": ["value", 1]}
    5 to create.
    "#);
    story.apply(first);
    let next = |stack: &mut Stack| {
        stack.add(Password::new("lock"));
        stack.add(Post::new("bare").text("\"quoted\"\tand so on").on("grass"));
        let full = Post::new("full").text("three\nmore\nlines").colour("blue").beside("a").tag("empty", "no more");
        stack.add(full.base(Base::default().width(3).layer("sand")).on("grass"));
        stack.add(Post::new("unknown").beside("a").beside("b"));
        stack.add(Post::new("json").text(r#"{"key": ["value", 2]}"#));
    };
    assert_snapshot!(story.plan(next), @r#"
    - yard:post/bare  (before the new one is made)
    ± yard:post/bare  (a new one takes its place)
        text: "" → "quoted"\tand so on
        on:   (none) → grass  (needs a new one)
    - yard:post/full  (before the new one is made)
    ± yard:post/full  (a new one takes its place)
        text:
            - two
            + three
            + more
        colour:     red → blue
        neighbours: [a, b, c] → [a]
        tags.empty: "" → no more
        tags.tier:  edge → (none)
        note:       (secret) → (none)
        base.width: 2 → 3  (needs a new one)
    ~ yard:post/unknown
        text:          (secret) → ""
        neighbours[1]: (secret) → b
        note:          (secret) → (none)
    ~ yard:post/json
        text:
            key[1]: 1 → 2
    2 to update, 2 to replace, 1 unchanged.
    "#);
    story.apply(next);
}

#[test]
fn a_long_value_is_cut_and_its_length_told() {
    let app = |end: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", "app:1").env("LONG", format!("{}{end}", "ü".repeat(300))));
        }
    };
    let mut story = Story::new();
    assert_snapshot!(story.plan(app("")), @"
    + lab:app/web
        env:   {LONG: üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü… (308 characters)
        image: app:1
    1 to create.
    ");
    story.apply(app(""));
    assert_snapshot!(story.plan(app("!")), @"
    ~ lab:app/web
        env.LONG: üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü… (300 characters) → üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü… (301 characters)
    1 to update.
    ");
    story.apply(app("!"));
}

#[test]
fn a_text_of_several_lines_is_compared_line_by_line() {
    let app = |text: String| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", "app:1").env("FILE", text.clone()));
        }
    };
    let mut story = Story::new();
    story.apply(app("[http]\nport = 80\nhost = \"a\"\n\n[log]\nlevel = 1\n".into()));
    assert_snapshot!(story.plan(app("[http]\nport = 443\nhost = \"a\"\n[log]\nlevel = 1\x1b[2K".into())), @r"
    ~ lab:app/web
        env.FILE:
            - port = 80
            + port = 443
            -
            - level = 1
            + level = 1\u{1b}[2K
    1 to update.
    ");
    assert_snapshot!(story.plan(app("[http]\nport = 80\nhost = \"a\"\n\n[log]\nlevel = 1".into())), @"
    ~ lab:app/web
        env.FILE:
            the same, but for ends of lines
    1 to update.
    ");
    let long = |to: u32| app((1..=to).map(|number| format!("{number}\n")).collect());
    story.apply(long(1));
    let plan = story.plan(long(100));
    assert!(plan.contains("+ 41\n        … and 59 lines more\n"), "{plan}");
}

#[test]
fn json_in_a_text_is_compared_part_by_part() {
    let app = |text: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", "app:1").env("JSON", text));
        }
    };
    let mut story = Story::new();
    story.apply(app(r#"{"ports": [80, 443], "log": {"level": "info", "file": "a"}}"#));
    assert_snapshot!(story.plan(app(r#"{"ports": [80, 8443], "log": {"file": "a"}, "new": {}}"#)), @"
    ~ lab:app/web
        env.JSON:
            log.level: info → (none)
            new: (none) → {}
            ports[1]: 443 → 8443
    1 to update.
    ");
    assert_snapshot!(story.plan(app(r#"{"log":{"level":"info","file":"a"},"ports":[80,443]}"#)), @"
    ~ lab:app/web
        env.JSON:
            the same, written otherwise
    1 to update.
    ");
}

#[test]
fn what_is_on_the_screen_can_not_be_made_to_look_otherwise() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.add(App::new("web", "app:1\r+ lab:net/fake\u{1b}[2K").env("A", "b\nc"));
    };
    assert_snapshot!(story.plan(program), @r"
    + lab:app/web
        env:   {A: b⏎c}
        image: app:1\r+ lab:net/fake\u{1b}[2K
    1 to create.
    ");
    story.apply(program);
}

#[test]
fn a_replacement_shows_what_forces_it() {
    let pipe = |width: u64, layer: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Pipe::new("main").base(Base::default().width(width).layer(layer)).text(layer));
        }
    };
    let mut story = Story::in_yard();
    story.apply(pipe(1, "sand"));
    assert_snapshot!(story.plan(pipe(2, "clay")), @"
    ± yard:pipe/main `main-2`  (a new one takes its place)
        text:           sand → clay
        base.layers[0]: sand → clay  (needs a new one)
        base.width:     1 → 2  (needs a new one)
    - yard:pipe/main  (replaced)
    1 to replace.
    ");
    story.apply(pipe(2, "clay"));
}

#[test]
fn an_output_shows_its_shape_too() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        stack.output("list", &Output::known(vec![1, 2]));
        stack.output("none", &Output::known(None::<u64>));
        stack.output("nested", &Output::known(vec![("a".to_owned(), true)]));
    };
    assert_snapshot!(story.plan(program), @"
    output list: (none) → [1, 2]
    output nested: (none) → [[a, true]]
    Only outputs and old objects change.
    ");
    story.apply(program);
}
