//! The order of things: whatever ends first, however many run at once, in whichever order they are declared and in whichever
//! process, the result is the same. And long chains.

use std::collections::BTreeMap;
use std::process::Command;

use sprocket_core::engine::Goal;
use sprocket_core::kind::ErrorKind;
use sprocket_core::program::{Password, Stack};
use sprocket_core::testing::Fail;

use super::fake_kinds::{Base, Pipe, Post};
use super::simulated_service::{App, Conf, Net, Note};
use super::story::Story;

/// Some layers of things, each made from two of the layer above.
fn layers(width: u64, text: &'static str) -> impl Fn(&mut Stack) {
    move |stack| {
        let mut above: Vec<_> = (0..4)
            .map(|at| stack.add(Pipe::new(&format!("0-{at}")).base(Base::default().width(width))))
            .map(|pipe| (pipe.name, pipe.id))
            .collect();
        for layer in 1..6 {
            let mut here = Vec::new();
            for at in 0..4_usize {
                let ((name, _), (_, id)) = (&above[at], &above[(at + 1) % 4]);
                // Ids are given in the order of completion: this one is waited for, and is not told.
                let there = id.map(|_| "there".to_owned());
                let post = Post::new(&format!("{layer}-{at}")).text(text).beside(name).beside(there);
                let post = stack.add(post);
                here.push((post.name, post.id));
            }
            above = here;
        }
    }
}

/// What is recorded, without what each run draws or counts.
fn meaning(story: &Story) -> BTreeMap<String, String> {
    let records = story.world.snapshot().unwrap().records;
    let told = records.iter().map(|(address, record)| {
        let object = record.object.as_ref().unwrap();
        let told = format!("{} {} {:?} {}", object.name, object.applied.text(), object.deps, object.ready);
        (address.to_string(), told)
    });
    told.collect()
}

#[test]
fn the_order_of_completion_and_the_number_of_calls_at_once_do_not_show_in_the_result() {
    let run = |parallel: usize, seed: usize| {
        let mut story = Story::in_yard();
        story.world.settings.parallel = parallel;
        let shuffle = |story: &Story, by: usize| {
            story.yard.inside().turns = (0..400).map(|call| (call * 7919 + by * 104_729) % 17).collect();
        };
        let mut plans = Vec::new();
        for program in [layers(1, "one"), layers(1, "two"), layers(2, "two")] {
            shuffle(&story, seed);
            plans.push(story.plan(&program));
            story.apply(&program);
        }
        (plans, story.objects(), meaning(&story))
    };
    let expected = run(1, 0);
    for (parallel, seed) in [(1, 1), (3, 2), (10, 3), (10, 4), (1000, 5), (1000, 6)] {
        assert_eq!(run(parallel, seed), expected, "{parallel} at once, shuffled by {seed}");
    }
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    // A call for each link, one inside of the other, would not fit.
    const LINKS: usize = 600;
    const STACK: usize = 320 * 1024;
    let chain = |stack: &mut Stack| {
        let mut last: Option<Post> = None;
        for number in 0..LINKS {
            let next = Post::new(&format!("post-{number}"));
            last = Some(stack.add(if let Some(last) = &last { next.on(&last.id) } else { next }));
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let mut story = Story::in_yard();
        story.apply(chain);
        assert_eq!(story.world.snapshot().unwrap().records.len(), LINKS);
        story.destroy(chain);
        assert!(story.world.snapshot().unwrap().records.is_empty());
    });
    thread.unwrap().join().unwrap();
}

const ORDER: &str = "PROGRAM_ORDER";

/// Things that have nothing to do with each other, declared in this order; of some there are others already.
fn unrelated(story: &mut Story, order: &[usize]) -> impl Fn(&mut Stack) + use<> {
    for name in 0..20 {
        let labels = (0..6).map(|label| (format!("label-{label}"), format!("{name}"))).collect();
        let net = super::simulated_service::NetSpec { subnet: "10.0.0.0/24".into(), labels, parent: None };
        story.world.put::<Net>(&format!("net-{name}"), net);
    }
    let order = order.to_vec();
    move |stack| {
        for &number in &order {
            let (name, text) = (format!("{}", number / 4), format!("text {number}"));
            match number % 4 {
                0 => drop(stack.add(Net::new(&format!("net-{name}")).subnet("10.0.1.0/24"))),
                1 => drop(stack.add(App::new(&name, "app:1").env("A", text.clone()).env("B", text))),
                2 => drop(stack.add(Conf::new(&name, text))),
                _ => drop(stack.add(Note::new(&name, text))),
            }
        }
    }
}

/// The program, in a process of its own; as a test of its own it does nothing.
#[test]
#[allow(clippy::print_stdout, reason = "the other process reads it")]
fn program() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let order: Vec<usize> = order.split(',').map(|number| number.parse().unwrap()).collect();
    let mut story = Story::new();
    let declare = unrelated(&mut story, &order);
    let with_password = |stack: &mut Stack| {
        declare(stack);
        let password = stack.add(Password::new("last"));
        stack.output("password", &password.value);
    };
    // Somebody else's are in the way of a fourth of them.
    let program = story.connected(&with_password);
    let refused = story.world.try_plan(&program, Goal::Declared).unwrap();
    (0..20).for_each(|name| story.world.remove("lab:net", &format!("net-{name}")));
    let plan = story.world.plan(&program);
    println!("{refused}\n{}\n{plan}\n{}", refused.digest(), plan.digest());
    story.world.apply_plan(&program, &plan).unwrap();
    let state = story.world.snapshot().unwrap();
    println!("state: {}", serde_json::to_string(&state.records).unwrap());
    println!("meaning: {:?}", meaning(&story));
}

/// What the program says in a process of its own.
fn elsewhere(order: impl Iterator<Item = usize>) -> Vec<String> {
    let order: Vec<String> = order.map(|number| number.to_string()).collect();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "order::program", "--nocapture"])
        .env(ORDER, order.join(","))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("meaning: "), "{text}");
    // How long the test took is another each time.
    text.lines().filter(|line| !line.starts_with("test ")).map(str::to_owned).collect()
}

#[test]
fn another_process_makes_the_same_of_the_same_program_byte_for_byte() {
    // Tables of hashes have another order in each process.
    let expected = elsewhere(0..80);
    assert!(expected.len() > 80, "{expected:?}");
    for _ in 0..3 {
        assert_eq!(elsewhere(0..80), expected);
    }
}

#[test]
fn the_order_of_declaration_of_what_is_unrelated_is_that_of_the_plan_and_changes_nothing_else() {
    // What the plans say, in any order; and what comes of it, but for what each run draws or counts.
    let told = |lines: &[String]| {
        let mut lines: Vec<String> = lines.to_vec();
        let is_drawn = |line: &String| line.len() == 32 || line.starts_with("state: ");
        lines.retain(|line| !is_drawn(line));
        lines.sort();
        lines
    };
    let expected = told(&elsewhere(0..80));
    for step in [7, 11, 79] {
        assert_eq!(told(&elsewhere((0..80).map(|number| number * step % 80))), expected, "every {step}th");
    }
}

#[test]
fn what_goes_for_good_goes_before_what_it_was_made_from_makes_room() {
    let program = |width: u64, is_later: bool| {
        move |stack: &mut Stack| {
            let x = stack.add(Post::new("x").base(Base::default().width(width)));
            let y = stack.add(Post::new("y").base(Base::default().width(width)));
            if is_later {
                stack.add(Pipe::new("user").beside(&y.id));
            } else {
                let goes = stack.add(Pipe::new("goes").on(&x.id));
                stack.add(Pipe::new("user").beside(&goes.id));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, false));
    let calls = story.apply_alone(program(2, true));
    let at = |call: &str| calls.iter().position(|made| made == call).unwrap_or_else(|| panic!("{call}: {calls:?}"));
    assert!(at("create yard:post/y") < at("update yard:pipe/user"), "{calls:?}");
    assert!(at("update yard:pipe/user") < at("delete yard:pipe/goes"), "{calls:?}");
    assert!(at("delete yard:pipe/goes") < at("delete yard:post/x"), "{calls:?}");
}

#[test]
fn what_goes_for_good_goes_before_what_makes_room_though_others_change_places() {
    let program = |width: u64, is_later: bool| {
        move |stack: &mut Stack| {
            let x = stack.add(Post::new("x").base(Base::default().width(width)));
            let y = stack.add(Post::new("y").base(Base::default().width(width)));
            if is_later {
                stack.add(Pipe::new("other").beside(&x.id));
                stack.add(Pipe::new("user").beside(&y.id));
            } else {
                stack.add(Pipe::new("other").beside(&y.id));
                let goes = stack.add(Pipe::new("goes").on(&x.id));
                stack.add(Pipe::new("user").beside(&goes.id));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, false));
    let calls = story.apply_alone(program(2, true));
    let at = |call: &str| calls.iter().position(|made| made == call).unwrap_or_else(|| panic!("{call}: {calls:?}"));
    assert!(at("delete yard:pipe/goes") < at("delete yard:post/x"), "{calls:?}");
}

#[test]
fn dependent_moves_over_from_what_goes_for_good_to_what_that_was_made_from() {
    let program = |width: u64, is_later: bool| {
        move |stack: &mut Stack| {
            let x = stack.add(Post::new("x").base(Base::default().width(width)));
            if is_later {
                stack.add(Pipe::new("user").beside(&x.id));
            } else {
                let goes = stack.add(Pipe::new("goes").beside(&x.id));
                stack.add(Pipe::new("user").beside(&goes.id));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program(1, false));
    let calls = ["delete yard:post/x", "create yard:post/x", "update yard:pipe/user", "delete yard:pipe/goes"]
        .map(str::to_owned);
    assert_eq!(story.apply_alone(program(2, true)), calls);
}

#[test]
fn chain_that_goes_for_good_goes_before_what_it_was_made_from_is_changed() {
    let program = |text: &'static str, with: bool| {
        move |stack: &mut Stack| {
            let base = stack.add(Post::new("base").text(text));
            if with {
                let first = stack.add(Pipe::new("first").on(&base.id));
                stack.add(Pipe::new("second").on(&first.id));
            }
        }
    };
    let mut story = Story::in_yard();
    story.apply(program("one", true));
    let calls = ["delete yard:pipe/second", "delete yard:pipe/first", "update yard:post/base"];
    assert_eq!(story.apply_alone(program("two", false)), calls);
}

#[test]
fn replaced_objects_of_resources_that_change_places_are_deleted_in_the_order_of_each_age() {
    // Of the earlier objects, `c` was made from `b`, and `a` from `c`; of the later ones, only `b` from `a`.
    let program = |is_later: bool| {
        move |stack: &mut Stack| {
            let pipe = |name| Pipe::new(name).base(Base::default().width(1 + u64::from(is_later)));
            let [first, second, third] = if is_later { ["a", "b", "c"] } else { ["b", "c", "a"] };
            let first = stack.add(pipe(first));
            let second = stack.add(pipe(second).beside(&first.id));
            stack.add(if is_later { pipe(third) } else { pipe(third).beside(&second.id) });
        }
    };
    let mut story = Story::in_yard();
    story.world.settings.continue_on_error = true;
    story.apply(program(false));
    story.world.fail("delete", "a", Fail::Before(ErrorKind::Denied));
    assert!(!story.run(program(true)).unwrap().succeeded());
    assert_eq!(story.objects(), ["a", "a-2", "b", "b-2", "c", "c-2"].map(|name| format!("yard:pipe/{name}")));
    let calls = story.apply_alone(|_| ());
    let at = |name: &str| calls.iter().position(|call| *call == format!("delete yard:pipe/{name}")).unwrap();
    assert!(at("a") < at("c") && at("c") < at("b") && at("b-2") < at("a-2"), "{calls:?}");
}

#[test]
fn what_is_deleted_for_good_goes_before_what_it_was_made_from_changes() {
    let mut story = Story::new();
    story.apply(|stack| {
        let edge = stack.add(Net::new("edge"));
        stack.add(App::new("web", "app:1").net(&edge.id));
    });
    let calls = story.apply(|stack| {
        stack.add(Net::new("edge").label("tier", "two"));
    });
    assert_eq!(calls, ["delete lab:app/web", "update lab:net/edge"]);
}
