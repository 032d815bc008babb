//! The order of things: whatever ends first and however many run at once, the result is the same. And long chains.

use std::collections::BTreeMap;

use sprocket_core::Stack;

use super::Story;
use super::yard::{Base, Pipe, Post};

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
    const LINKS: usize = 2_000;
    const STACK: usize = 512 * 1024;
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
