//! Secrets planted in every source: nothing that the engine shows, tells, logs or keeps has one in it, whatever happens.
//!
//! A case draws secrets, the places that they come from, what is made of them, and what goes wrong. Its program is planned,
//! fails, is applied, is changed by others, is accepted, applied again and destroyed; every artefact is searched.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use sprocket_core::engine::{Engine, Events, Goal, Stop};
use sprocket_core::kind::{ErrorKind, Lookup};
use sprocket_core::program::{DraftExt as _, Neighbours, Output, Secret, Stack};
use sprocket_core::state::{KeySource, MemoryStore, Signer, StateStore};
use sprocket_core::testing::{Fail, leaks};

use super::fake_kinds::{Post, PostSpec, Stone};
use super::fake_service::{Gate, Trouble, YardError, key_of};
use super::simulated_service::{App, Disk, Note};
use super::story::Story;

#[test]
fn no_artefact_of_a_run_has_a_secret_in_it() {
    let mut story = Story::new();
    let secrets = ["hunter2/one \"quoted\"", "hunter2-two"];
    let program = |stack: &mut Stack| {
        let note = stack.add(Note::new("login", secrets[0]));
        let token = Output::known(secrets[1].to_owned()).secret();
        stack.add(App::new("web", "app:1").env("NOTE", &note.name).env("TOKEN", &token).net(&token));
        stack.output("token", &token);
    };
    let plan = story.plan_of(program);
    let mut artefacts = vec![plan.to_string(), serde_json::to_string(&plan).unwrap()];
    let report = story.run(program).unwrap();
    artefacts.push(format!("{report:?} {}", serde_json::to_string(&report).unwrap()));
    artefacts.push(serde_json::to_string(&story.world.events()).unwrap());
    artefacts.push(serde_json::to_string(&story.world.snapshot()).unwrap());
    for artefact in &artefacts {
        assert_eq!(leaks(artefact, &secrets), Vec::<String>::new(), "{artefact}");
    }
    // The search finds what is there.
    artefacts[0].push_str("%20hunter2%2Fone%20%22quoted%22%20");
    assert_eq!(leaks(&artefacts[0], &secrets).len(), 1);
}

#[test]
fn a_service_that_quotes_a_secret_in_an_error_is_not_repeated() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        let name = Output::known("hunter2-token".to_owned()).secret();
        stack.add(Note::new("login", &name));
        stack.add(Disk::new("hunter2-token"));
    };
    story.world.fail("create", "hunter2-token", Fail::Before(ErrorKind::Denied));
    let report = story.run(program).unwrap();
    let (_, failure) = report.failures().next().unwrap();
    assert_eq!(failure.message, "the test refused `create` of `(secret)`");
}

/// A look-up that answers with the secret that it is asked with.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Echo {
    token: Secret<String>,
    is_known: bool,
}

impl Lookup for Echo {
    const WHAT: &'static str = "echo";
    type Provider = Gate;
    type Answer = Login;

    async fn look(&self, _: &Gate) -> Result<Option<Login>, YardError> {
        Ok(self.is_known.then(|| Login { user: "ann".into(), token: self.token.clone() }))
    }
}

/// What a service answers, or another stack shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Login {
    user: String,
    token: Secret<String>,
}

/// Where a secret comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Known,
    Flagged,
    Answer,
    Neighbour,
    Password,
    Reported,
}

/// What is made of it.
#[derive(Clone, Copy, Debug)]
enum Way {
    Plain,
    Url,
    Upper,
    Json,
    Zipped,
    Parsed,
}

/// Where it is put.
#[derive(Clone, Copy, Debug)]
enum Place {
    Text,
    Neighbour,
    Tag,
    Note,
    Layer,
    Trigger,
    Shown,
}

/// What others do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hand {
    Insert,
    Swap,
    Copy,
    Move,
    Another,
    Remove,
}

#[derive(Clone, Debug)]
struct Case {
    secrets: [String; 3],
    planted: Vec<(usize, Source, Way, Place)>,
    trouble: Option<(&'static str, Trouble)>,
    hands: Vec<Hand>,
    panics: bool,
    adopts: bool,
    asks_in_vain: bool,
}

const SOURCES: [Source; 6] =
    [Source::Known, Source::Flagged, Source::Answer, Source::Neighbour, Source::Password, Source::Reported];
const WAYS: [Way; 6] = [Way::Plain, Way::Url, Way::Upper, Way::Json, Way::Zipped, Way::Parsed];
const PLACES: [Place; 7] =
    [Place::Text, Place::Neighbour, Place::Tag, Place::Note, Place::Layer, Place::Trigger, Place::Shown];
const HANDS: [Hand; 6] = [Hand::Insert, Hand::Swap, Hand::Copy, Hand::Move, Hand::Another, Hand::Remove];

/// The secret that others put there, which no program knows.
const THEIRS: &str = "theirs-Qx7!hunter9";

fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9]{10,20}",
        r#"[A-Z][a-z0-9]{5}['"\\/+&<ü \n]{1,3}[a-z0-9]{6,10}"#,
        "-----BEGIN KEY-----\n[A-Za-z0-9+/]{24}\n[A-Za-z0-9+/]{24}\n-----END KEY-----\n",
        r"postgres://app:[A-Za-z0-9]{12}@db/x",
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let pick = |count: usize| 0..count;
    let planted = (pick(3), pick(SOURCES.len()), pick(WAYS.len()), pick(PLACES.len()))
        .prop_map(|(which, source, way, place)| (which, SOURCES[source], WAYS[way], PLACES[place]));
    let trouble = prop_oneof![
        Just(None),
        (
            prop_oneof![Just("create"), Just("read"), Just("connect")],
            prop_oneof![Just(Trouble::Quote), Just(Trouble::Panic)]
        )
            .prop_map(Some),
    ];
    (
        [secret(), secret(), secret()],
        prop::collection::vec(planted, 1..6),
        trouble,
        prop::collection::vec(pick(HANDS.len()).prop_map(|hand| HANDS[hand]), 0..4),
        prop::bool::weighted(0.2),
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(secrets, planted, trouble, hands, panics, adopts, asks_in_vain)| Case {
            secrets,
            planted,
            trouble,
            hands,
            panics,
            adopts,
            asks_in_vain,
        })
}

fn made(way: Way, token: &str) -> String {
    match way {
        Way::Plain => token.to_owned(),
        Way::Url => format!("https://ann:{token}@host/"),
        Way::Upper => token.to_uppercase(),
        Way::Json => serde_json::json!({ "user": "ann", "token": token }).to_string(),
        Way::Zipped => format!("ann {token}"),
        Way::Parsed => token.chars().rev().collect(),
    }
}

impl Case {
    fn declare(&self, stack: &mut Stack, fails: bool) {
        let password = stack.add(sprocket_core::program::Password::new("drawn"));
        let source = stack.add(Post::new("source"));
        let token = |stack: &mut Stack, which: usize, source_of: Source| -> Output<Secret<String>> {
            let text = self.secrets[which].clone();
            let secret = Secret::new(text.clone());
            match source_of {
                Source::Known => Output::known(secret),
                Source::Flagged => Output::known(text).secret().map(Secret::new),
                Source::Answer => stack.look(Echo { token: secret, is_known: true }).map(|login| login.token),
                Source::Neighbour => {
                    stack.output_of::<Login>("other", format!("login-{which}")).map(|login| login.token)
                }
                Source::Password => password.value.clone(),
                Source::Reported => source.key.clone(),
            }
        };
        let mut gate = Post::new("gate").beside("--first").beside("--second").tag("a", "b");
        let mut stone = Stone::new("stone").beside("--pass");
        for (at, (which, source_of, way, place)) in self.planted.iter().copied().enumerate() {
            let token = token(stack, which, source_of);
            let name = format!("t{at}");
            let value = match way {
                Way::Zipped => Output::known("ann".to_owned())
                    .zip(&token)
                    .map(|(user, token)| format!("{user} {}", token.expose())),
                Way::Parsed => token.try_map(|token| Ok::<_, String>(made(Way::Parsed, token.expose()))),
                way => token.map(move |token| made(way, token.expose())),
            };
            match place {
                Place::Text => gate = gate.text(&value),
                Place::Neighbour => {
                    gate = gate.beside(&value);
                    stone = stone.beside(&value);
                }
                Place::Tag => gate = gate.tag(name, &value),
                Place::Note => gate = gate.note(&value),
                Place::Layer => gate = gate.base(super::fake_kinds::Base::default().layer(&value)),
                Place::Trigger => gate = gate.replace_on(&value),
                Place::Shown => stack.output(name, &value),
            }
        }
        stack.add(gate);
        if self.adopts {
            stack.add(stone.adopt());
        }
        let first = Secret::new(self.secrets[0].clone());
        if fails && self.panics {
            let text = Output::known(first.clone()).map(|token| -> String { panic!("{}", token.expose()) });
            stack.output("panics", &text);
        }
        if fails && self.asks_in_vain {
            let login = stack.look(Echo { token: first, is_known: false });
            stack.output("vain", &login);
        }
    }

    fn change(&self, hand: Hand, spec: &mut PostSpec) {
        match hand {
            Hand::Insert => spec.neighbours.insert(0, "--verbose".into()),
            Hand::Swap => spec.neighbours.reverse(),
            Hand::Copy => {
                let copied: Vec<String> = spec.neighbours.iter().skip(2).chain([&spec.text]).cloned().collect();
                spec.tags.extend(copied.into_iter().enumerate().map(|(at, text)| (format!("copy{at}"), text)));
            }
            Hand::Move => {
                spec.neighbours.push(std::mem::take(&mut spec.text));
                spec.text = spec.neighbours.swap_remove(0);
            }
            Hand::Another => spec.neighbours.iter_mut().skip(2).for_each(|text| *text = THEIRS.into()),
            Hand::Remove => drop(spec.neighbours.pop()),
        }
    }

    /// Everything that may be nowhere.
    fn secrets(&self) -> Vec<String> {
        let mut all: Vec<String> = self.secrets.iter().map(|secret| secret.trim_end().to_owned()).collect();
        all.extend(self.planted.iter().map(|(which, _, way, _)| made(*way, self.secrets[*which].trim_end())));
        all.extend((1..9).map(|minted| key_of(minted).expose().clone()));
        // What others have taken out of a list of secrets again was never seen in it.
        let in_list = self.planted.iter().filter(|(.., place)| matches!(place, Place::Neighbour)).count();
        let neighbours: Vec<&str> = ["--first", "--second"].into_iter().chain(vec!["secret"; in_list]).collect();
        let base = serde_json::json!({ "width": 1, "layers": [] });
        let spec =
            serde_json::json!({ "text": "", "colour": "white", "neighbours": neighbours, "tags": {}, "base": base });
        let mut spec: PostSpec = serde_json::from_value(spec).unwrap();
        self.hands.iter().for_each(|hand| self.change(*hand, &mut spec));
        let is_seen = in_list > 0 && spec.neighbours.iter().any(|neighbour| neighbour == THEIRS);
        all.extend(is_seen.then(|| THEIRS.to_owned()));
        all
    }
}

/// Takes down all that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        span.record(&mut Noting(&self.0));
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Noting(&self.0));
    }
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Noting(&self.0));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

struct Noting<'a>(&'a Mutex<String>);

impl tracing::field::Visit for Noting<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        let _ = writeln!(self.0.lock().unwrap(), "{field}={value:?}");
    }
}

struct Search {
    secrets: Vec<String>,
    log: Log,
}

impl Search {
    fn in_text(&self, what: &str, text: impl AsRef<str>) {
        let found = leaks(text.as_ref(), &self.secrets);
        assert!(found.is_empty(), "{what} has {found:?}:\n{}", text.as_ref());
    }

    fn in_all(&self, what: &str, store: &MemoryStore, events: &Mutex<Vec<String>>) {
        self.in_text(&format!("{what}: state"), serde_json::to_string(&store.state()).unwrap());
        self.in_text(&format!("{what}: journal"), serde_json::to_string(&store.journal()).unwrap());
        self.in_text(&format!("{what}: state as Debug"), format!("{:?}", store.state()));
        self.in_text(&format!("{what}: events"), events.lock().unwrap().join("\n"));
        self.in_text(&format!("{what}: log"), self.log.0.lock().unwrap().as_str());
    }
}

fn play(case: &Case) {
    let mut other = Story::in_yard();
    other.apply(|stack| {
        for (which, secret) in case.secrets.iter().enumerate() {
            let login = Login { user: "ann".into(), token: Secret::new(secret.clone()) };
            stack.output(format!("login-{which}"), &Output::known(login));
        }
    });
    let key = other.world.settings.key.clone();
    let KeySource::Given(stack_key) = &key else { panic!("tests are given theirs") };
    let shown = MemoryStore::of(other.world.snapshot().unwrap(), &Signer::of(stack_key));
    let place = Arc::new(shown) as Arc<dyn StateStore>;
    let mut story = Story::in_yard();
    if case.adopts {
        let mut maker = Story::in_yard_of(&story);
        maker.apply(|stack| {
            stack.add(Stone::new("stone").text("a").beside("--pass").beside(THEIRS));
        });
    }
    let search = Search { secrets: case.secrets(), log: Log::default() };
    let _logging = tracing::subscriber::set_default(search.log.clone());
    let store = Arc::new(MemoryStore::new());
    let events = Arc::new(Mutex::new(Vec::new()));
    let mut settings = story.world.settings.clone();
    let sink = Arc::clone(&events);
    settings.events = Events::to(move |event| {
        sink.lock().unwrap().push(format!("{event:?} {}", serde_json::to_string(&event).unwrap()))
    });
    let stack = |story: &Story, fails: bool| {
        let program = |stack: &mut Stack| {
            let (place, key) = (Arc::clone(&place), key.clone());
            stack.neighbours(Neighbours::new(move |_| {
                let there: (Arc<dyn StateStore>, KeySource) = (Arc::clone(&place), key.clone());
                async move { Ok(there) }
            }));
            case.declare(stack, fails);
        };
        story.stack(program)
    };
    // Each command of a person is an engine of its own.
    let run = |story: &mut Story, what: &str, fails: bool| {
        let stack = stack(story, fails);
        let engine = Engine::new(Arc::clone(&store) as Arc<dyn StateStore>, settings.clone());
        let planned = story.world.block_on(engine.plan(&stack, Goal::Declared));
        let plan = match planned {
            Ok(plan) => plan,
            Err(refused) => return search.in_text(what, format!("{refused} {refused:?} {:?}", refused.hint())),
        };
        let json = serde_json::to_string(&plan).unwrap();
        search.in_text(&format!("{what}: plan"), format!("{plan}\n{json}\n{plan:?}"));
        if plan.problems.is_empty() {
            match story.world.block_on(engine.apply(&stack, &plan, &Stop::default())) {
                Ok(report) => {
                    let json = serde_json::to_string(&report).unwrap();
                    search.in_text(&format!("{what}: report"), format!("{report}\n{json}\n{report:?}"));
                    assert!(fails || report.succeeded(), "{what}: {report:?}");
                }
                Err(refused) => {
                    search.in_text(what, format!("{refused} {refused:?} {:?}", refused.hint()));
                    assert!(fails, "{what}: {refused}");
                }
            }
        } else {
            assert!(fails, "{what}: {plan}");
        }
        search.in_all(what, &store, &events);
    };
    if let Some((call, trouble)) = case.trouble {
        story.yard.trouble(call, if call == "connect" { "yard" } else { "gate" }, trouble);
    }
    run(&mut story, "the first run", true);
    story.yard.inside().forget_troubles();
    run(&mut story, "the second run", false);
    for hand in &case.hands {
        story.yard.change::<Post>("gate", |spec, _| case.change(*hand, spec));
    }
    let accepting = stack(&story, false);
    let engine = Engine::new(Arc::clone(&store) as Arc<dyn StateStore>, settings.clone());
    let plan = story.world.block_on(engine.plan(&accepting, Goal::Declared)).unwrap();
    search.in_text("drift", format!("{plan}\n{}\n{plan:?}", serde_json::to_string(&plan).unwrap()));
    story.world.block_on(engine.accept(&accepting, &plan)).unwrap();
    search.in_all("accepted", &store, &events);
    run(&mut story, "the run after that", false);
    let plan = story.world.block_on(engine.plan(&accepting, Goal::Declared)).unwrap();
    assert!(plan.is_empty(), "something is left to do:\n{plan}");
    let plan = story.world.block_on(engine.plan(&accepting, Goal::Destroyed { include_kept: true })).unwrap();
    search.in_text("to destroy", format!("{plan}\n{}", serde_json::to_string(&plan).unwrap()));
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn planted_secrets_are_in_no_artefact(case in case()) {
        play(&case);
    }
}
