//! Whatever is computed from an exposed secret is secret, however it got out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sprocket_core::engine::silence_foreign_panics;
use sprocket_core::kind::Lookup;
use sprocket_core::program::{DraftExt as _, Neighbours, Output, Secret, Stack};
use sprocket_core::state::{KeySource, MemoryStore, Signer, StateStore};
use sprocket_core::testing::leaks;

use super::fake_kinds::Post;
use super::fake_service::Trouble;
use super::secrets::is_clean_of;
use super::simulated_service::{App, Conf, Lab, LabError};
use super::story::{Story, assert_snapshot};

const ONE: &str = "hunter2-one";

const TWO: &str = "hunter2-two";

/// What another program shows, or a service answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Edge {
    network: String,
    token: Secret<String>,
}

fn edge() -> Edge {
    Edge { network: "net-one".into(), token: Secret::new(ONE.into()) }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct EdgeOf {
    name: String,
}

impl Lookup for EdgeOf {
    const WHAT: &'static str = "edge";
    type Provider = Lab;
    type Answer = Edge;

    async fn look(&self, _: &Lab) -> Result<Option<Edge>, LabError> {
        Err(LabError)
    }
}

/// The ways in which a value gets out of a secret, as texts.
fn ways(edge: &Output<Edge>) -> Vec<(&'static str, Output<String>)> {
    let token = edge.map(|edge| edge.token);
    let other = Output::known("public".to_owned());
    vec![
        ("map", edge.map(|edge| edge.token.expose().clone())),
        ("format", edge.map(|edge| format!("https://{}@host", edge.token.expose()))),
        ("upper", token.map(|token| token.expose().to_uppercase())),
        ("zip", other.zip(&token).map(|(other, token)| format!("{other}{}", token.expose()))),
        ("try_map", token.try_map(|token| Ok::<_, String>(token.expose().chars().rev().collect()))),
        ("exposed", token.exposed().map(|token| token + "!")),
        ("mapped", edge.map(|edge| edge.token.map(|token| token + "?").expose().clone())),
        ("compared", edge.map(|edge| format!("is it? {}", edge.token == Secret::new(ONE.into())))),
        (
            "twice",
            token
                .map(|token| token.expose().clone())
                .map(|text| format!("{text}{text}"))
                .zip(&other)
                .map(|(one, _)| one),
        ),
    ]
}

#[track_caller]
fn check(story: &mut Story, edge: impl Fn(&mut Stack) -> Output<Edge>) {
    let program = |stack: &mut Stack| {
        let edge = edge(stack);
        let mut web = App::new("web", "app:1").env("NET", edge.map(|edge| edge.network));
        for (way, output) in ways(&edge) {
            web = web.env(way, &output);
            stack.output(way, &output);
        }
        stack.add(web);
        stack.add(Conf::new("motd", ways(&edge)[0].1.clone()).replace_on(&ways(&edge)[1].1));
        stack.output("all", &edge);
    };
    let reversed: String = ONE.chars().rev().collect();
    let text = is_clean_of(story, &program, &[ONE, &ONE.to_uppercase(), &reversed]);
    assert!(text.contains("NET: net-one"), "what is made of the rest is shown: {text}");
    assert!(!text.contains("is it?"), "{text}");
}

#[test]
fn secrecy_sticks_to_what_is_made_of_a_known_secret() {
    check(&mut Story::new(), |_| Output::known(edge()));
}

#[test]
fn secrecy_sticks_to_what_is_made_of_an_answer() {
    let mut story = Story::new();
    story.world.answer::<EdgeOf>(edge());
    check(&mut story, |stack| stack.look(EdgeOf { name: "edge".into() }));
}

#[test]
fn secrecy_sticks_to_what_another_stack_shows() {
    let mut other = Story::new();
    other.apply(|stack| stack.output("edge", &Output::known(edge())));
    let (snapshot, key) = (other.world.snapshot().unwrap(), other.world.settings.key.clone());
    let KeySource::Given(stack_key) = &key else { panic!("tests are given theirs") };
    let store = Arc::new(MemoryStore::of(snapshot, &Signer::of(stack_key))) as Arc<dyn StateStore>;
    let neighbours = Neighbours::new(move |_| {
        let place: (Arc<dyn StateStore>, KeySource) = (Arc::clone(&store), key.clone());
        async move { Ok(place) }
    });
    let mut story = Story::in_yard();
    let program = move |stack: &mut Stack| {
        stack.neighbours(neighbours.clone());
        let edge = stack.output_of::<Edge>("infrastructure", "edge");
        let mut gate = Post::new("gate").tag("net", edge.map(|edge| edge.network));
        for (way, output) in ways(&edge) {
            gate = gate.tag(way, &output);
        }
        stack.add(gate);
    };
    is_clean_of(&mut story, &program, &[ONE, &ONE.to_uppercase()]);
}

#[test]
fn secrecy_sticks_to_settings_of_providers() {
    let program = |stack: &mut Stack| {
        let address = Output::known(edge()).map(|edge| format!("tcp://{}@lab", edge.token.expose()));
        let lab = stack.connect(Lab::at(address).named("far"));
        stack.on(&lab).add(App::new("web", "app:1"));
    };
    let mut story = Story::new();
    is_clean_of(&mut story, &program, &[ONE]);
    // The program forgets it: it is opened as it was recorded.
    story.calls();
    story.world.settings.forgotten = vec!["lab/far".into()];
    assert_eq!(story.apply(|_| ()), ["delete lab:app/web"]);
}

#[test]
fn an_error_about_an_exposed_secret_says_nothing_of_it() {
    let program = |stack: &mut Stack| {
        let port = Output::known(edge()).try_map(|edge| {
            edge.token.expose().parse::<u16>().map_err(|_| format!("no port: {}", edge.token.expose()))
        });
        stack.add(Post::new("gate").text(port.map(|port| port.to_string())));
    };
    let mut story = Story::in_yard();
    let refused = story.run(program).unwrap_err();
    assert!(refused.to_string().contains("the value is not valid (it is secret)"), "{refused}");
    assert_eq!(leaks(refused.to_string(), &[ONE]), [""; 0]);
}

#[test]
fn a_closure_sees_the_same_in_a_plan_and_in_a_run() {
    let program = |stack: &mut Stack| {
        let text = Output::known(edge()).map(|edge| serde_json::to_string(&edge).unwrap());
        stack.add(Post::new("gate").text(&text));
    };
    let mut story = Story::in_yard();
    assert_snapshot!(is_clean_of(&mut story, &program, &[ONE]), @"
    + yard:post/gate
        text: (secret)
    1 to create.
    ");
    assert_eq!(story.yard.spec::<Post>("gate").text, r#"{"network":"net-one","token":"(secret)"}"#);
}

#[test]
fn a_rotated_secret_in_a_question_asks_again() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Guarded {
        key: Secret<String>,
    }
    impl Lookup for Guarded {
        const WHAT: &'static str = "guarded";
        type Provider = super::fake_service::Gate;
        type Answer = String;

        async fn look(&self, _: &super::fake_service::Gate) -> Result<Option<String>, super::fake_service::YardError> {
            Ok(Some(format!("{} long", self.key.expose().len())))
        }
    }
    // The question is known before the run, and another one after the step.
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let gate = stack.add(Post::new("gate").text(text));
            let key =
                gate.version.map(|version| Guarded { key: Secret::new("x".repeat(usize::try_from(version).unwrap())) });
            let answer = stack.look(key);
            stack.add(Post::new("sign").text(answer));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("a"));
    assert_eq!(story.yard.spec::<Post>("sign").text, "1 long");
    story.apply(program("b"));
    assert_eq!(story.yard.spec::<Post>("sign").text, "2 long");
}

#[test]
fn a_mistake_in_an_output_is_a_problem_of_the_plan() {
    let program = |stack: &mut Stack| {
        stack.add(Post::new("gate"));
        stack.output("port", &Output::known("eighty".to_owned()).try_map(|text| text.parse::<u16>()));
        stack.output("first", &Output::known(Vec::<u8>::new()).map(|list| list[0]));
    };
    let mut story = Story::in_yard();
    let plan = story.plan(program);
    assert!(plan.contains("problem: `output first`: the closure panicked"), "{plan}");
    assert!(plan.contains("problem: `output port`: invalid digit found in string"), "{plan}");
}

#[test]
fn a_mistake_in_an_output_that_shows_late_fails_the_run() {
    let program = |stack: &mut Stack| {
        let gate = stack.add(Post::new("gate"));
        stack.output("port", &gate.id.try_map(|id| id.parse::<u16>()));
        stack.output("id", &gate.id);
    };
    let mut story = Story::in_yard();
    let report = story.run(program).unwrap();
    assert!(!report.succeeded());
    assert_eq!(report.to_string(), "1 created, 1 output failed. State is saved; run again to continue.");
    assert_eq!(report.output_problems[0].message, "invalid digit found in string");
    assert_eq!(story.world.snapshot().unwrap().outputs.keys().collect::<Vec<_>>(), ["id"]);
}

#[test]
fn panics_of_closures_and_providers_print_nothing() {
    let printed = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&printed);
    std::panic::set_hook(Box::new(move |info| sink.lock().unwrap().push_str(&format!("{info}\n"))));
    silence_foreign_panics();
    let program = |stack: &mut Stack| {
        let text = Output::known(edge()).map(|edge| -> String { panic!("hunter2-panic: {}", edge.token.expose()) });
        stack.add(Post::new("gate").text(&text));
    };
    let mut story = Story::in_yard();
    assert!(story.run(program).is_err());
    for call in ["read", "create", "connect"] {
        story.yard.trouble(call, if call == "connect" { "yard" } else { "post" }, Trouble::Panic);
        let ended = story.run(|stack| drop(stack.add(Post::new("post"))));
        assert!(!ended.is_ok_and(|report| report.succeeded()), "{call}");
    }
    let _ = std::thread::spawn(|| panic!("another panic")).join();
    let _ = std::panic::take_hook();
    let printed = printed.lock().unwrap();
    assert!(!printed.contains("hunter2-panic"), "{printed}");
    assert!(printed.contains("another panic"), "others are printed: {printed}");
}

#[test]
fn credentials_are_kept_out_of_errors() {
    #[derive(Debug)]
    struct Shop;
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sprocket_core::kind::Spec)]
    #[spec(provider = Shop)]
    struct ShopSpec {
        #[spec(default)]
        street: String,
    }
    #[derive(Debug, thiserror::Error)]
    #[error("denied: {0}")]
    struct Denied(String);
    impl sprocket_core::kind::ProviderError for Denied {
        fn kind(&self) -> sprocket_core::kind::ErrorKind {
            sprocket_core::kind::ErrorKind::Denied
        }
    }
    impl sprocket_core::kind::Provider for Shop {
        const NAME: &'static str = "shop";
        type Draft = ShopDraft;
        type Config = ShopSpec;
        type Credentials = Secret<String>;
        type Error = Denied;

        async fn connect(_: &ShopSpec, token: Secret<String>) -> Result<Self, Denied> {
            Err(Denied(format!("Authorization: Bearer {}", token.expose())))
        }
        fn ambient() -> Result<Secret<String>, Denied> {
            Ok(Secret::new(TWO.into()))
        }
        async fn identity(&self) -> Result<sprocket_core::kind::Identity, Denied> {
            Err(Denied("no".into()))
        }
        fn kinds(_: &mut impl sprocket_core::kind::Kinds<Self>) {}
    }
    let mut story = Story::in_yard();
    let refused =
        story.run(|stack| _ = stack.connect(ShopDraft::new().credentials(Secret::new(ONE.to_owned())))).unwrap_err();
    assert!(super::story::said(&refused).contains("Bearer (secret)"), "{}", super::story::said(&refused));
    let refused = story.run(|stack| _ = stack.connect(ShopDraft::new())).unwrap_err();
    assert!(super::story::said(&refused).contains("Bearer (secret)"), "{}", super::story::said(&refused));
}

#[test]
fn secrets_without_outputs_cost_nothing_and_stay_single() {
    // A typed secret in a map is sealed by itself, and its neighbours are shown.
    let all = || BTreeMap::from([("open".to_owned(), edge())]);
    let mut story = Story::in_yard();
    let text = is_clean_of(&mut story, &move |stack: &mut Stack| stack.output("all", &Output::known(all())), &[ONE]);
    assert_snapshot!(text, @"
    output all: (none) → {open: {network: net-one, token: (secret)}}
    Only outputs and old objects change.
    ");
}

/// All words of sixteen hexadecimal digits or more, in order.
fn hashes(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_hash_of_a_secret_is_made_without_the_key() {
    // Everything that a run leaves, with this secret and this key, and everything else the same.
    let artefacts = |secret: &'static str, key: u8| {
        let program = move |stack: &mut Stack| {
            let secret = Output::known(secret.to_owned()).secret();
            stack.add(App::new("web", "app:1").env("TOKEN", &secret).replace_on(&secret));
            stack.add(Conf::new("motd", &secret));
            stack.add(super::simulated_service::Note::new("login", &secret));
            stack.output("token", &secret);
        };
        let mut story = Story::new();
        story.world.settings.key = KeySource::Given(sprocket_core::state::StackKey::from_bytes([key; 64]));
        story.apply(program);
        story.world.change::<App>("web", |spec| spec.replicas = 3);
        let connected: &dyn Fn(&mut Stack) = &program;
        let plan = story.plan_of(connected);
        let saved = story.world.block_on(story.world.engine().save(&plan, "this")).unwrap();
        [
            serde_json::to_string(&story.world.snapshot()).unwrap(),
            serde_json::to_string(&plan).unwrap(),
            serde_json::to_string(&saved).unwrap(),
            format!("{plan:?}"),
            serde_json::to_string(&story.world.events()).unwrap(),
        ]
    };
    let (one, other, rekeyed) = (artefacts(ONE, 1), artefacts(TWO, 1), artefacts(ONE, 2));
    let mut compared = 0;
    for ((one, other), rekeyed) in one.iter().zip(&other).zip(&rekeyed) {
        let (one, other, rekeyed) = (hashes(one), hashes(other), hashes(rekeyed));
        assert_eq!((one.len(), one.len()), (other.len(), rekeyed.len()));
        for ((one, other), rekeyed) in one.iter().zip(&other).zip(&rekeyed) {
            if one != other {
                compared += 1;
                assert_ne!(one, rekeyed, "a hash of the secret that needs no key");
            }
        }
    }
    assert!(compared > 0, "witnesses are among them");
}

#[test]
fn what_a_program_exposes_while_it_declares_is_secret_too() {
    let program = |stack: &mut Stack| {
        let token = Secret::new(ONE.to_owned());
        let gate = Post::new("gate").text(token.expose()).beside(format!("--pass={}", token.expose())).beside("public");
        stack.add(
            gate.tag("a", "public").tag(format!("key-{}", token.expose()), "x").replace_on(token.expose().as_str()),
        );
        stack.add(Post::new("post").text("public"));
        stack.output("token", &Output::known(token.expose().clone()));
    };
    let mut story = Story::in_yard();
    assert_snapshot!(is_clean_of(&mut story, &program, &[ONE]), @"
    + yard:post/gate
        neighbours: [(secret), public]
        tags:       (secret)
        text:       (secret)
    + yard:post/post
        text: public
    output token: (none) → (secret)
    2 to create.
    ");
    let spec = story.yard.spec::<Post>("gate");
    assert_eq!((spec.text.as_str(), spec.neighbours[0].as_str()), (ONE, "--pass=hunter2-one"));
    assert_eq!(spec.tags.len(), 2);
    // Nor are settings of providers kept in clear.
    let on_lab = |stack: &mut Stack| {
        let lab = stack.connect(Lab::at(format!("tcp://{}@lab", Secret::new(ONE.to_owned()).expose())).named("far"));
        stack.on(&lab).add(App::new("web", "app:1"));
    };
    is_clean_of(&mut Story::new(), &on_lab, &[ONE]);
    // A mistake says nothing of it either.
    let refused = story
        .run(|stack| drop(stack.add(Post::new(Secret::new(ONE.to_owned()).expose().as_str()).text("a b").ignore(""))))
        .unwrap_err();
    assert_eq!(leaks(refused.to_string(), &[ONE]), [""; 0], "{refused}");
}

#[test]
fn plain_settings_beside_weak_secrets_stay_plain() {
    const PLAIN: [&str; 4] = ["guest access to web 7 on 80", "webserver", "is-true", "a80"];
    for weak in ["a", "7", "80", "443", "web", "true", "guest"] {
        let program = move |stack: &mut Stack| {
            let gate = Post::new("gate").note(Secret::new(weak.to_owned()));
            stack.add(gate.text(PLAIN[0]).beside(PLAIN[1]).tag(PLAIN[2], PLAIN[3]));
        };
        let mut story = Story::in_yard();
        let shows_all = |text: &str| {
            for plain in PLAIN {
                assert!(text.contains(plain), "beside the secret `{weak}`, `{plain}` is not in {text}");
            }
        };
        shows_all(&story.plan(program));
        story.apply(program);
        shows_all(&serde_json::to_string(&story.world.snapshot()).unwrap());
        // What others make of them is shown too.
        story.yard.change::<Post>("gate", |spec, _| spec.text = "guest access to web 7 on 81".into());
        let plan = story.plan(program);
        assert!(plan.contains("7 on 81") && plan.contains("7 on 80"), "beside the secret `{weak}`: {plan}");
        assert_eq!(story.apply_alone(program), ["update yard:post/gate"]);
        shows_all(&serde_json::to_string(&story.world.snapshot()).unwrap());
    }
}

#[test]
fn the_name_of_a_secret_content_is_not_shown_before_the_key_is_decided() {
    let program = |stack: &mut Stack| {
        let secret = Output::known(Secret::new("hunter2".to_owned()));
        stack.add(Conf::new("motd", secret.map(|secret| secret.expose().clone())));
        stack.add(Conf::new("plain", "hello"));
    };
    let mut story = Story::new();
    let text = story.plan(program);
    assert!(!text.contains("motd-") && text.contains("plain-"), "{text}");
    story.apply(program);
    assert!(story.objects().iter().any(|object| object.starts_with("lab:conf/motd-")), "{:?}", story.objects());
}

#[test]
fn output_that_can_not_be_made_after_the_run_shows_no_secret() {
    let mut story = Story::in_yard();
    let report = story.run(|stack| {
        let gate = stack.add(Post::new("gate").note(Secret::new(ONE.into())));
        stack.output("version", &gate.version.try_map(|_| Err::<u64, _>(format!("`{ONE}` is no version"))));
    });
    let report = report.unwrap();
    let messages: Vec<&str> = report.output_problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["`(secret)` is no version"]);
}
