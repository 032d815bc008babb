//! Secrets: what is made of them is secret too, and what is compared is never shown.

use std::collections::BTreeMap;

use sprocket_core::program::{DraftExt as _, Output, Secret, Stack};
use sprocket_core::state::{KeySource, MemoryStore, SeenSpec, Signer};
use sprocket_core::testing::leaks;

use super::fake_kinds::{Base, Post, Stone};
use super::simulated_service::{App, Conf, Note};
use super::story::{Story, assert_snapshot};

#[test]
fn a_secret_that_changes_is_shown_as_a_change_and_not_as_a_value() {
    let note = |data: &'static str| {
        move |stack: &mut Stack| {
            let note = stack.add(Note::new("login", data));
            stack.add(App::new("web", "app:1").env("NOTE", &note.name));
        }
    };
    let mut story = Story::new();
    story.apply(note("hunter2-one"));
    assert!(story.plan(note("hunter2-one")).starts_with("Nothing to do"));
    assert_snapshot!(story.plan(note("hunter2-two")), @"
    ~ lab:note/login
        data: (secret) → (secret)
    1 to update, 1 unchanged.
    ");
    assert_eq!(story.apply(note("hunter2-two")), ["update lab:note/login"]);
    let state = serde_json::to_string(&story.world.snapshot()).unwrap();
    assert!(!state.contains("hunter2"), "{state}");
}

const ONE: &str = "hunter2-one";

const TWO: &str = "hunter2-two";

fn secret(value: &'static str) -> Output<String> {
    Output::known(value.to_owned()).secret()
}

/// The plan and all that it and its run leave has none of the secrets in it.
#[track_caller]
fn is_clean(story: &mut Story, program: &dyn Fn(&mut Stack)) -> String {
    is_clean_of(story, program, &[ONE, TWO])
}

#[track_caller]
pub(crate) fn is_clean_of(story: &mut Story, program: &dyn Fn(&mut Stack), secrets: &[&str]) -> String {
    let plan = story.plan_of(program);
    let report = story.run(program).unwrap();
    assert!(report.succeeded(), "{}", super::story::told(&report));
    let artefacts = [
        plan.to_string(),
        serde_json::to_string(&plan).unwrap(),
        format!("{report:?}"),
        serde_json::to_string(&story.world.events()).unwrap(),
        serde_json::to_string(&story.world.snapshot()).unwrap(),
    ];
    for artefact in artefacts {
        assert_eq!(leaks(&artefact, secrets), [""; 0], "{artefact}");
    }
    let again = story.plan(program);
    assert!(again.starts_with("Nothing to do"), "{again}");
    plan.to_string()
}

#[test]
fn what_is_made_of_a_secret_is_hidden_and_nothing_else() {
    let program = |value: &'static str| {
        move |stack: &mut Stack| {
            let secret = secret(value);
            let url = secret.map(|secret| format!("https://ann:{secret}@host"));
            let pair = Output::known("public".to_owned()).zip(&secret).map(|(one, other)| format!("{one}-{other}"));
            let gate = Post::new("gate").text(&url).beside("public").beside(&secret).tag("a", "public").tag("b", &pair);
            stack.add(gate.note(secret.map(|secret| secret.to_uppercase())));
            stack.output("url", &url);
            let all = BTreeMap::from([("open".to_owned(), "public".to_owned())]);
            stack.output(
                "all",
                &secret.map(move |secret| {
                    let mut all = all.clone();
                    all.insert("shut".into(), secret);
                    all
                }),
            );
        }
    };
    let mut story = Story::in_yard();
    assert_snapshot!(is_clean(&mut story, &program(ONE)), @"
    + yard:post/gate
        neighbours: [public, (secret)]
        note:       (secret)
        tags:       {a: public, b: (secret)}
        text:       (secret)
    output all: (none) → (secret)
    output url: (none) → (secret)
    1 to create.
    ");
    assert_eq!(story.yard.spec::<Post>("gate").text, "https://ann:hunter2-one@host", "the service has it in clear");
    assert_snapshot!(is_clean(&mut story, &program(TWO)), @"
    ~ yard:post/gate
        text:          (secret) → (secret)
        neighbours[1]: (secret) → (secret)
        tags.b:        (secret) → (secret)
        note:          (secret) → (secret)
    output all: (secret) → (secret)
    output url: (secret) → (secret)
    1 to update.
    ");
}

#[test]
fn a_secret_in_a_setting_that_replaces_replaces_and_stays_hidden() {
    let program = |value: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Post::new("gate").base(Base::default().layer("sand").layer(secret(value))));
        }
    };
    let mut story = Story::in_yard();
    is_clean(&mut story, &program(ONE));
    assert_snapshot!(is_clean(&mut story, &program(TWO)), @"
    - yard:post/gate  (before the new one is made)
    ± yard:post/gate  (a new one takes its place)
        base.layers[1]: (secret) → (secret)  (needs a new one)
    1 to replace.
    ");
}

#[test]
fn a_secret_that_becomes_public_does_not_show_what_it_was() {
    let public = |stack: &mut Stack| {
        stack.add(Post::new("gate").text("open").beside("public").tag("a", "b"));
    };
    let hidden = |stack: &mut Stack| {
        stack.add(Post::new("gate").text(secret(ONE)).beside(secret(TWO)).tag("a", secret(ONE)));
    };
    let mut story = Story::in_yard();
    is_clean(&mut story, &hidden);
    assert_snapshot!(is_clean(&mut story, &public), @"
    ~ yard:post/gate
        text:          (secret) → open
        neighbours[0]: (secret) → public
        tags.a:        (secret) → b
    1 to update.
    ");
    // What others make of a secret is hidden as well.
    is_clean(&mut story, &hidden);
    story.yard.change::<Post>("gate", |spec, _| spec.text = TWO.into());
    assert_snapshot!(is_clean(&mut story, &hidden), @"
    ~ yard:post/gate  (changed by somebody else)
        text: (secret) → (secret)
    1 to update.
    ");
}

#[test]
fn what_only_becomes_secret_is_not_sent_again_and_no_longer_kept_in_clear() {
    let plain = |stack: &mut Stack| {
        stack.add(Post::new("gate").text(ONE).tag("a", "b"));
    };
    let hidden = |stack: &mut Stack| {
        stack.add(Post::new("gate").text(secret(ONE)).tag("a", "b"));
    };
    let mut story = Story::in_yard();
    story.apply(plain);
    assert_snapshot!(is_clean(&mut story, &hidden), @"
    · yard:post/gate  (only its record changes)
    1 to record.
    ");
    assert_eq!(story.calls(), [""; 0]);
    // And back: it is public now.
    assert_snapshot!(story.plan(plain), @"
    · yard:post/gate  (only its record changes)
    1 to record.
    ");
    assert_eq!(story.apply(plain), [""; 0]);
}

#[test]
fn what_is_imported_is_sealed_where_the_program_says_that_it_is_secret() {
    let plain = |stack: &mut Stack| {
        stack.add(Post::new("gate").text(ONE).beside(TWO));
    };
    let hidden = |stack: &mut Stack| {
        stack.add(Post::new("gate").text(secret(ONE)).beside(secret(TWO)));
    };
    let mut maker = Story::in_yard();
    maker.apply(plain);
    let mut story = Story::in_yard_of(&maker);
    let stack = story.stack(hidden);
    story.world.block_on(story.world.engine().import(&stack, "yard:post/gate", "gate")).unwrap();
    let state = serde_json::to_string(&story.world.snapshot()).unwrap();
    assert_eq!(leaks(&state, &[ONE, TWO]), [""; 0], "{state}");
    assert!(is_clean(&mut story, &hidden).starts_with("Nothing to do"));
}

#[test]
fn the_same_secret_from_elsewhere_is_no_difference() {
    let program = |rotated: bool| {
        move |stack: &mut Stack| {
            let parts = Output::known("hunter2".to_owned()).secret().map(|first| format!("{first}-one"));
            let token = if rotated { parts } else { secret(ONE) };
            stack.add(App::new("web", "app:1").env("TOKEN", &token));
            stack.add(Conf::new("motd", &token));
            stack.output("token", &token);
        }
    };
    let mut story = Story::new();
    story.apply(program(false));
    let before = story.world.snapshot();
    assert_eq!(story.apply(program(true)), [""; 0]);
    assert_eq!(story.world.snapshot(), before, "sealed, it is the same too");
}

#[test]
fn a_secret_that_is_left_to_others_is_hidden_whoever_changes_it() {
    let program = |note: &'static str, is_theirs: bool| {
        move |stack: &mut Stack| {
            let gate = Post::new("gate").text(secret(ONE)).note(note);
            stack.add(if is_theirs { gate.ignore("text") } else { gate });
        }
    };
    let mut story = Story::in_yard();
    is_clean(&mut story, &program("a", true));
    story.yard.change::<Post>("gate", |spec, _| spec.text = TWO.into());
    is_clean(&mut story, &program("b", true));
    assert_eq!(story.yard.spec::<Post>("gate").text, TWO, "it is theirs");
    // It is ours again.
    assert_snapshot!(is_clean(&mut story, &program("b", false)), @"
    ~ yard:post/gate  (changed by somebody else)
        text: (secret) → (secret)
    1 to update.
    ");
    assert_eq!(story.yard.spec::<Post>("gate").text, ONE);
}

#[test]
fn what_becomes_secret_while_it_is_left_to_others_is_no_longer_kept_in_clear() {
    let program = |text: Output<String>, is_theirs: bool| {
        move |stack: &mut Stack| {
            let gate = Post::new("gate").text(&text).note("a");
            stack.add(if is_theirs { gate.ignore("text") } else { gate });
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(Output::known(ONE.to_owned()), true));
    story.yard.change::<Post>("gate", |spec, _| spec.text = TWO.into());
    is_clean(&mut story, &program(secret(ONE), true));
    assert_eq!(story.yard.spec::<Post>("gate").text, TWO, "it is theirs");
    assert_snapshot!(is_clean(&mut story, &program(secret(ONE), false)), @"
    ~ yard:post/gate  (changed by somebody else)
        text: (secret) → (secret)
    1 to update.
    ");
}

/// Plan text, JSON and state have nothing of these in them; and the plan's text.
#[track_caller]
fn plans_clean(story: &mut Story, program: &dyn Fn(&mut Stack), secrets: &[&str]) -> String {
    let plan = story.plan_of(program);
    let state = serde_json::to_string(&story.world.snapshot()).unwrap();
    for artefact in [plan.to_string(), serde_json::to_string(&plan).unwrap(), format!("{plan:?}"), state] {
        assert_eq!(leaks(&artefact, secrets), [""; 0], "{artefact}");
    }
    plan.to_string()
}

#[test]
fn adoption_does_not_show_the_secret_that_was_there() {
    let plain = |stack: &mut Stack| {
        stack.add(Stone::new("gate").text("q7z!").beside("--requirepass").beside("hunter2-old"));
    };
    let mut maker = Story::in_yard();
    maker.apply(plain);
    let mut story = Story::in_yard_of(&maker);
    let known = |stack: &mut Stack| {
        let new = secret(ONE);
        stack.add(Stone::new("gate").text(&new).beside("--requirepass").beside(&new).adopt());
    };
    // The second is too short to be known by its value.
    let secrets = &["hunter2-old", "q7z!", ONE];
    assert_snapshot!(plans_clean(&mut story, &known, secrets), @"
    + yard:stone/gate  (taken over)
        text:          (secret) → (secret)
        neighbours[1]: (secret) → (secret)
    1 to take over.
    ");
    let unknown = |stack: &mut Stack| {
        let password = stack.add(sprocket_core::program::Password::new("redis"));
        let gate = Stone::new("gate").text(password.value.exposed()).beside(password.value.exposed());
        stack.add(gate.beside("--requirepass").adopt());
    };
    let text = plans_clean(&mut story, &unknown, secrets);
    assert!(text.contains("text:          (secret) → (known after random:password/redis)"), "{text}");
    // Whether it will be a secret is not known either.
    let later = |stack: &mut Stack| {
        let first = stack.add(Post::new("first"));
        let text = first.id.map(|id| format!("{id}-{}", Secret::new(ONE.to_owned()).expose()));
        stack.add(Stone::new("gate").text(text).adopt());
    };
    let text = plans_clean(&mut story, &later, secrets);
    assert!(text.contains("(secret) → (known after yard:post/first)"), "{text}");
    is_clean_of(&mut story, &known, secrets);
}

#[test]
fn drift_hides_a_secret_wherever_somebody_has_put_it() {
    let program = |stack: &mut Stack| {
        stack.add(
            Post::new("gate").text("open").beside("--requirepass").beside(secret(ONE)).beside("--port").tag("a", "b"),
        );
    };
    type Change = fn(&mut super::fake_kinds::PostSpec);
    let changes: [(&str, Change); 8] = [
        ("put before", |spec| spec.neighbours.insert(0, "--verbose".into())),
        ("exchanged", |spec| spec.neighbours.swap(0, 1)),
        ("exchanged for another", |spec| {
            spec.neighbours[1] = "--requirepass".into();
            spec.neighbours[0] = TWO.into();
        }),
        ("another put before", |spec| {
            spec.neighbours[1] = TWO.into();
            spec.neighbours.insert(0, "--verbose".into());
        }),
        ("removed the last", |spec| drop(spec.neighbours.pop())),
        ("copied", |spec| drop(spec.tags.insert("old".into(), ONE.into()))),
        ("copied into a name", |spec| drop(spec.tags.insert(format!("token-{ONE}"), "x".into()))),
        ("copied into a text", |spec| spec.text = format!("https://ann:{ONE}@host")),
    ];
    for (what, change) in changes {
        let mut story = Story::in_yard();
        story.apply(program);
        story.yard.change::<Post>("gate", |spec, _| change(spec));
        let text = plans_clean(&mut story, &program, &[ONE, TWO]);
        assert!(text.starts_with("~ yard:post/gate  (changed by somebody else)"), "{what}: {text}");
        // Accepted, it is recorded, and not in clear.
        let stack = story.stack(program);
        let engine = story.world.engine();
        let plan = story.world.block_on(engine.plan(&stack, sprocket_core::engine::Goal::Declared)).unwrap();
        story.world.block_on(engine.accept(&stack, &plan)).unwrap();
        let text = plans_clean(&mut story, &program, &[ONE, TWO]);
        assert!(text.starts_with("~ yard:post/gate\n"), "{what}, accepted: {text}");
        // And put back.
        story.apply(program);
        plans_clean(&mut story, &program, &[ONE, TWO]);
    }
}

#[test]
fn drift_of_a_value_that_becomes_secret_is_hidden() {
    let program = |is_secret: bool| {
        move |stack: &mut Stack| {
            let text = Output::known(ONE.to_owned());
            stack.add(Post::new("gate").text(if is_secret { text.secret() } else { text }));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(false));
    story.yard.change::<Post>("gate", |spec, _| spec.text = TWO.into());
    let plan = story.plan_of(program(true));
    assert_eq!(leaks(plan.to_string() + &serde_json::to_string(&plan).unwrap(), &[ONE, TWO]), [""; 0], "{plan}");
    is_clean(&mut story, &program(true));
    // Nor does a plan show what it was when both change, also if that is too short to be known by its value.
    story.apply(|stack| drop(stack.add(Post::new("gate").text("q7z!"))));
    let other = |stack: &mut Stack| drop(stack.add(Post::new("gate").text(secret(TWO))));
    assert_snapshot!(story.plan(other), @"
    ~ yard:post/gate
        text: (secret) → (secret)
    1 to update.
    ");
}

#[test]
fn a_record_that_has_lost_its_secrets_shows_none() {
    let program = |stack: &mut Stack| drop(stack.add(Post::new("gate").text(secret(ONE)).beside(secret(TWO))));
    let mut story = Story::in_yard();
    story.apply(program);
    let mut snapshot = story.world.snapshot().unwrap();
    let object = snapshot.records.values_mut().next().unwrap().object.as_mut().unwrap();
    object.secrets.clear();
    let mut seen = object.seen_spec().unwrap().value();
    (seen["text"], seen["neighbours"]) = ("x".into(), serde_json::json!(["x"]));
    (object.seen, object.applied) = (Some(SeenSpec::AsApplied), (&seen).into());
    let KeySource::Given(key) = &story.world.settings.key else { panic!("tests are given theirs") };
    let store = std::sync::Arc::new(MemoryStore::of(snapshot, &Signer::of(key)));
    let engine = sprocket_core::engine::Engine::new(store, story.world.settings.clone());
    let stack = story.stack(program);
    let plan = story.world.block_on(engine.plan(&stack, sprocket_core::engine::Goal::Declared)).unwrap();
    assert!(!plan.is_empty());
    assert_eq!(leaks(plan.to_string() + &serde_json::to_string(&plan).unwrap(), &[ONE, TWO]), [""; 0], "{plan}");
}

#[test]
fn generated_secret_is_recorded_as_seen() {
    let mut story = Story::new();
    story.apply(|stack| drop(stack.add(sprocket_core::program::Password::new("key"))));
    let record = story.world.snapshot().unwrap().records[&"random:password/key".into()].clone();
    assert!(record.object.unwrap().seen.is_some());
}
