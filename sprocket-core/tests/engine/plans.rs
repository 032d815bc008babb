//! A plan and its run: exactly that is done, or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sprocket_core::engine::{Event, Events, Plan, StepId, StepOutcome};
use sprocket_core::program::{DraftExt as _, Output, Stack};
use sprocket_core::testing::World;

use super::fake_kinds::{Base, Pipe, Post};
use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot, edge, said, told};

#[test]
fn a_world_that_moved_since_the_plan_is_refused() {
    let mut story = Story::new();
    story.apply(edge);
    let two = |stack: &mut Stack| {
        stack.add(Net::new("edge").label("a", "b"));
    };
    let plan = story.plan_of(two);
    story.world.change::<Net>("edge", |spec| spec.subnet = "10.7.0.0/24".into());
    let refused = story.world.apply_plan(story.connected(&two), &plan).unwrap_err();
    assert_snapshot!(refused, @"the plan is stale: `lab:net/edge` is not as it was when the plan was made");
    assert_eq!(story.world.calls(), Vec::<String>::new());
}

#[test]
fn a_plan_is_applied_once() {
    let mut story = Story::new();
    let plan = story.plan_of(edge);
    story.world.apply_plan(story.connected(&edge), &plan).unwrap();
    assert_snapshot!(story.world.apply_plan(story.connected(&edge), &plan).unwrap_err(), @"the plan is stale: the state has changed since it was made");
    let other = Story::new().world.plan(story.connected(&edge));
    assert_eq!(other.serial, 0);
    assert!(story.world.apply_plan(story.connected(&edge), &other).is_err());
}

#[test]
fn a_plan_has_one_digest_and_another_plan_another() {
    let mut story = Story::new();
    let app = |image: &'static str| {
        move |stack: &mut Stack| {
            stack.add(App::new("web", image));
        }
    };
    // Both propose a lineage and a key: the state of whichever is applied.
    assert_ne!(story.plan_of(app("app:1")).digest(), story.plan_of(app("app:1")).digest());
    story.apply(app("app:1"));
    let digest = |story: &mut Story, image| story.plan_of(app(image)).digest();
    let shown = digest(&mut story, "app:2");
    assert_eq!(digest(&mut story, "app:2"), shown);
    assert_ne!(digest(&mut story, "app:3"), shown);
    assert!(shown.len() == 32 && shown.chars().all(|c| c.is_ascii_hexdigit()), "{shown}");
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    assert_ne!(digest(&mut story, "app:2"), shown, "the world has moved");
}

#[test]
fn a_secret_that_changes_is_another_plan_and_looks_the_same() {
    let mut story = Story::new();
    let app = |token: &'static str| {
        move |stack: &mut Stack| {
            let token = sprocket_core::program::Output::known(token.to_owned()).secret();
            stack.add(App::new("web", "app:1").env("TOKEN", &token));
        }
    };
    story.apply(app("hunter2-one"));
    let [two, three] = ["hunter2-two", "hunter2-three"].map(|token| story.plan_of(app(token)));
    assert_ne!(two.digest(), three.digest());
    let document = |plan: &Plan| {
        let mut document = serde_json::to_value(plan).unwrap();
        document["digest"].take();
        document
    };
    assert_eq!(document(&two), document(&three));
    let change = &document(&two)["steps"][0]["changes"][0];
    let secret = serde_json::json!({ "$secret": true });
    assert_eq!((&change["before"], &change["after"]), (&secret, &secret));
    let text = document(&two).to_string();
    assert!(!text.contains("hunter2") && !text.contains("$sealed"), "{text}");
}

#[test]
fn another_program_than_the_plan_was_made_of_is_refused() {
    let web = |image: &'static str| {
        move |stack: &mut Stack| {
            edge(stack);
            stack.add(App::new("web", image));
        }
    };
    let mut story = Story::new();
    story.apply(edge);
    let plan = story.plan_of(web("app:1"));
    let mut refused = |program: &dyn Fn(&mut Stack)| {
        let program = story.connected(program);
        said(&story.world.apply_plan(program, &plan).unwrap_err())
    };
    assert_snapshot!(refused(&web("app:2")), @"
    the plan is stale: `lab:app/web` is not as it was when the plan was made
    hint: nothing was changed; plan again
    ");
    assert_snapshot!(refused(&edge), @"
    the plan is stale: `lab:app/web` is not as it was when the plan was made
    hint: nothing was changed; plan again
    ");
    let with_output = |stack: &mut Stack| {
        web("app:1")(stack);
        stack.output("more", &Output::known(1));
    };
    assert_snapshot!(refused(&with_output), @"
    the plan is stale: what is recorded or declared has changed
    hint: nothing was changed; plan again
    ");
    assert_eq!(story.calls(), [""; 0]);
    story.world.apply_plan(story.connected(&web("app:1")), &plan).unwrap();
    assert_eq!(story.calls(), ["create lab:app/web"]);
}

#[test]
fn setting_that_differs_from_the_plan_is_not_sent() {
    let is_made = Arc::new(AtomicBool::new(false));
    let program = |image: &'static str| {
        let is_made = Arc::clone(&is_made);
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge"));
            let (makes, asks) = (Arc::clone(&is_made), Arc::clone(&is_made));
            let known_later = edge.id.map(move |id| {
                makes.store(true, Ordering::Relaxed);
                id.to_string()
            });
            let first = stack.add(App::new("first", "app:1").env("EDGE", known_later));
            let image = Output::known(()).map(move |()| match asks.load(Ordering::Relaxed) {
                true => "app:2",
                false => image,
            });
            stack.add(App::new("second", image.map(|image| (*image).to_owned())).after(&first));
        }
    };
    let mut story = Story::new();
    let report = story.run(program("app:1")).unwrap();
    assert_snapshot!(told(&report), @"
    create lab:net/edge Done
    create lab:app/first Done
    create lab:app/second failed: `image` is not what the plan showed
    ");
    assert_eq!(story.calls(), ["create lab:net/edge", "create lab:app/first"]);
}

#[test]
fn a_plan_of_another_stack_is_refused() {
    let mut story = Story::new();
    story.apply(edge);
    let web = |stack: &mut Stack| {
        edge(stack);
        stack.add(App::new("web", "app:1"));
    };
    let mut other = Story::of(World::seeded(2));
    other.apply(edge);
    let plan = other.plan_of(web);
    let refused = story.world.apply_plan(story.connected(&web), &plan).unwrap_err();
    assert_snapshot!(said(&refused), @"
    the plan is stale: it was made for another state
    hint: nothing was changed; plan again
    ");
    // Also where nothing is recorded yet, and the plan was made where something was.
    let mut empty = Story::new();
    let refused = empty.world.apply_plan(empty.connected(&web), &plan).unwrap_err();
    assert_snapshot!(said(&refused), @"
    the plan is stale: the state that it was made for is gone
    hint: nothing was changed; plan again
    ");
    assert_eq!(empty.calls(), [""; 0]);
}

#[test]
fn the_same_world_gives_the_same_plan_and_looking_changes_nothing() {
    let mut story = Story::new();
    let program = |stack: &mut Stack| {
        edge(stack);
        stack.add(App::new("web", "app:1").env("A", "1"));
        stack.add(App::new("api", "app:1"));
    };
    story.apply(program);
    story.world.remove("lab:net", "edge");
    story.world.change::<App>("web", |spec| spec.replicas = 3);
    let before = story.world.snapshot();
    let one = story.plan_of(program);
    let other = story.plan_of(program);
    assert_eq!(one, other);
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
    assert_eq!(story.world.snapshot(), before);
    story.apply(program);
}

#[test]
fn a_run_does_the_steps_of_its_plan_and_tells_each_in_its_order() {
    let program = |image: &'static str, subnet: &'static str| {
        move |stack: &mut Stack| {
            let edge = stack.add(Net::new("edge").subnet(subnet));
            let web = stack.add(App::new("web", image).net(&edge.id));
            // Turns out to be as it was.
            stack.add(App::new("api", "app:1").env("WEB", web.version.map(|version| version.to_string())));
        }
    };
    let mut story = Story::new();
    story.apply(program("app:1", "10.0.0.0/24"));
    let plan = story.plan_of(program("app:2", "10.0.1.0/24"));
    story.world.events();
    let report = story.world.apply_plan(story.connected(&program("app:2", "10.0.1.0/24")), &plan).unwrap().unwrap();
    assert_eq!(report.steps.len(), plan.steps.len());
    let (mut started, mut ended) = (Vec::new(), Vec::new());
    for event in story.world.events() {
        match event {
            Event::StepStarted { step, .. } => {
                let waits = &plan.steps[step.index()].after;
                assert!(waits.iter().all(|before| ended.contains(before)), "step {step:?} waits for {waits:?}");
                started.push(step);
            }
            Event::StepWaiting { step, .. } => assert!(started.contains(&step) && !ended.contains(&step)),
            Event::StepEnded { step, outcome, .. } => {
                // What needs no call only ends.
                assert!(started.contains(&step) || plan.steps[step.index()].address.as_str() == "lab:app/api");
                assert_eq!(outcome, StepOutcome::Done);
                ended.push(step);
            }
            _ => {}
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, (0..plan.steps.len()).map(StepId::of).collect::<Vec<_>>(), "each ends once");
    assert!(story.plan(program("app:2", "10.0.1.0/24")).starts_with("Nothing to do"));
}

#[test]
fn what_somebody_changes_during_a_run_fails_its_step_and_what_depends_on_it() {
    let program = |text: &'static str| {
        move |stack: &mut Stack| {
            let a = stack.add(Post::new("a").text(text));
            let b = stack.add(Post::new("b").text(text).beside(a.version.map(|version| version.to_string())));
            stack.add(Post::new("c").beside(b.version.map(|version| version.to_string())));
        }
    };
    let change: [fn(&super::fake_service::Yard); 2] =
        [|yard| yard.change::<Post>("b", |spec, _| spec.text = "by hand".into()), |yard| yard.remove::<Post>("b")];
    let mut outcomes = Vec::new();
    for change in change {
        let mut story = Story::in_yard();
        story.apply(program("one"));
        let yard = story.yard.clone();
        story.world.settings.events = Events::to(move |event| {
            if matches!(event, Event::StepEnded { step, .. } if step.index() == 0) {
                change(&yard);
            }
        });
        let report = story.run(program("two")).unwrap();
        outcomes.push(told(&report));
        assert_eq!(story.calls(), ["update yard:post/a"]);
        story.world.settings.events = Events::default();
        story.apply(program("two"));
    }
    assert_snapshot!(outcomes.join("\n\n"), @"
    update yard:post/a Done
    update yard:post/b failed: it is not as it was when the plan was made
    update yard:post/c NotStarted

    update yard:post/a Done
    update yard:post/b failed: it has gone
    update yard:post/c NotStarted
    ");
}

#[test]
fn what_somebody_changes_during_a_run_is_not_deleted_once_it_is_replaced() {
    let program =
        |width: u64| move |stack: &mut Stack| drop(stack.add(Pipe::new("a").base(Base::default().width(width))));
    let mut story = Story::in_yard();
    story.apply(program(1));
    story.calls();
    let yard = story.yard.clone();
    story.world.settings.events = Events::to(move |event| {
        if matches!(event, Event::StepEnded { step, .. } if step.index() == 0) {
            yard.change::<Pipe>("a", |spec, _| spec.text = "by hand".into());
        }
    });
    let report = story.run(program(2)).unwrap();
    assert_snapshot!(told(&report), @"
    create yard:pipe/a Done
    delete yard:pipe/a failed: it is not as it was when the plan was made
    ");
    assert_eq!(story.objects(), ["yard:pipe/a", "yard:pipe/a-2"]);
    story.world.settings.events = Events::default();
    story.apply(program(2));
    assert_eq!(story.objects(), ["yard:pipe/a-2"]);
}

#[test]
fn what_somebody_changes_during_a_run_is_not_deleted_to_make_room() {
    let program = |text: &'static str, width: u64| {
        move |stack: &mut Stack| {
            let first = stack.add(Post::new("first").text(text));
            let layer = first.version.map(|version| version.to_string());
            stack.add(Post::new("a").base(Base::default().width(width).layer(layer)));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one", 1));
    story.calls();
    let yard = story.yard.clone();
    story.world.settings.events = Events::to(move |event| {
        if matches!(event, Event::StepEnded { step, .. } if step.index() == 0) {
            yard.change::<Post>("a", |spec, _| spec.text = "by hand".into());
        }
    });
    let report = story.run(program("two", 2)).unwrap();
    assert_snapshot!(told(&report), @"
    update yard:post/first Done
    delete yard:post/a failed: it is not as it was when the plan was made
    create yard:post/a NotStarted
    ");
    assert_eq!(story.calls(), ["update yard:post/first"]);
    story.world.settings.events = Events::default();
    story.apply(program("two", 2));
}

#[test]
fn setting_that_the_plan_did_not_show_is_not_sent_with_an_update() {
    let is_changed = Arc::new(AtomicBool::new(false));
    let program = |text: &'static str| {
        let is_changed = Arc::clone(&is_changed);
        move |stack: &mut Stack| {
            let (changes, asks) = (Arc::clone(&is_changed), Arc::clone(&is_changed));
            let sign = stack.add(Post::new("sign").text(text));
            let later = sign.version.map(move |version| {
                changes.store(version > 1, Ordering::Relaxed);
                version.to_string()
            });
            let first = stack.add(Post::new("first").tag("version", &later));
            let text = Output::known(()).map(move |()| if asks.load(Ordering::Relaxed) { "more" } else { "as ever" });
            let gate = Post::new("gate").tag("version", &later).text(text.map(|text| (*text).to_owned()));
            stack.add(gate.after(&first));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.calls();
    assert_snapshot!(told(&story.run(program("two")).unwrap()), @"
    update yard:post/sign Done
    update yard:post/first Done
    update yard:post/gate failed: `text` is not what the plan showed
    ");
    assert_eq!(story.calls(), ["update yard:post/sign", "update yard:post/first"]);
}

#[test]
fn setting_that_becomes_another_than_the_plan_showed_is_not_sent() {
    let is_changed = Arc::new(AtomicBool::new(false));
    let program = |text: &'static str| {
        let is_changed = Arc::clone(&is_changed);
        move |stack: &mut Stack| {
            let (changes, asks) = (Arc::clone(&is_changed), Arc::clone(&is_changed));
            let sign = stack.add(Post::new("sign").text(text));
            let later = sign.version.map(move |version| {
                changes.store(version > 1, Ordering::Relaxed);
                version.to_string()
            });
            let first = stack.add(Post::new("first").tag("version", &later));
            let shown = Output::known(()).map(move |()| if asks.load(Ordering::Relaxed) { "else" } else { text });
            let gate = Post::new("gate").tag("version", &later).text(shown.map(|shown| (*shown).to_owned()));
            stack.add(gate.after(&first));
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one"));
    story.calls();
    let report = told(&story.run(program("two")).unwrap());
    assert!(report.contains("update yard:post/gate failed: `text` is not what the plan showed"), "{report}");
    assert_eq!(story.yard.spec::<Post>("gate").text, "one");
}
