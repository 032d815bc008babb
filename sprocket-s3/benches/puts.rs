//! How many PUTs a run makes on a state in a bucket, counted between the engine and the server.
//!
//! ```text
//! cargo bench -p sprocket-s3                    # the sandbox's S3
//! SPROCKET_LIVE=1 cargo bench -p sprocket-s3    # and the server of `scripts/services up s3`
//! ```
//!
//! The bar is the length of the longest path of steps, and two more: what ends last must be recorded too, and a long run ends
//! with a snapshot. The lock's own writes are counted apart: it is taken and given back.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a bench fails where it panics")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/fake.rs"]
mod fake;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/support.rs"]
mod support;

use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal, Settings, Stop};
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::state::{KeySource, generate_identity};
use sprocket_s3::{S3Store, StateLocation};

use crate::fake::{Fake, Fate, Request};
use crate::support::{Hand, each};

/// What is made: resources without a server, so that nothing but state is written.
#[derive(Clone, Copy)]
enum Shape {
    /// All at once.
    Independent,
    /// In layers of this width: each waits for two of the layer above.
    Lanes(usize),
    /// One after the other.
    Chain,
}

impl Shape {
    fn declare(self, count: usize) -> Stack {
        let mut stack = Stack::new();
        let mut made: Vec<Password> = Vec::with_capacity(count);
        for place in 0..count {
            let draft = Password::new(format!("p-{place:05}"));
            let draft = match self {
                Self::Lanes(width) if place >= width => {
                    let above = (place / width - 1) * width;
                    draft.after(&made[above + place % width]).after(&made[above + (place + 1) % width])
                }
                Self::Chain if place > 0 => draft.after(&made[place - 1]),
                _ => draft,
            };
            made.push(stack.add(draft));
        }
        stack
    }

    /// How many steps wait for each other.
    fn path(self, count: usize) -> usize {
        match self {
            Self::Independent => 1,
            Self::Lanes(width) => count.div_ceil(width),
            Self::Chain => count,
        }
    }
}

fn main() {
    each(|hand| {
        hand.make(&hand.name);
        println!("{}", hand.endpoint);
        for (what, shape, count) in [
            ("independent", Shape::Independent, 1_000),
            ("in 50 layers", Shape::Lanes(20), 1_000),
            ("a chain", Shape::Chain, 20),
            ("a chain", Shape::Chain, 200),
        ] {
            let runs = Runs::new(&hand, &format!("{}-{count}", what.replace(' ', "-")));
            let path = shape.path(count);
            runs.count(&format!("{count} creates, {what}"), path, &shape.declare(count));
            runs.count(&format!("{count} with nothing to do"), 0, &shape.declare(count));
            runs.destroy(&format!("{count} deletes, {what}"), path);
        }
    });
}

/// Runs of an engine on one state, through a door that counts.
struct Runs<'h> {
    hand: &'h Hand,
    door: Fake,
    engine: Engine,
}

impl<'h> Runs<'h> {
    fn new(hand: &'h Hand, name: &str) -> Self {
        let door = Fake::before(&hand.endpoint, |_| Fate::Through);
        let place: StateLocation = format!("s3://{}/{name}?endpoint={}", hand.name, door.endpoint).parse().unwrap();
        let store = hand.run(async |_| S3Store::open(&place, &hand.keys()).await.unwrap());
        let engine = Engine::new(Arc::new(store), Settings::new(KeySource::identity(generate_identity(), "bench")));
        Self { hand, door, engine }
    }

    fn puts(&self, part: &str) -> usize {
        self.door.count(|request: &Request| request.is("PUT") && request.path().contains(part))
    }

    fn count(&self, what: &str, path: usize, stack: &Stack) {
        self.reach(what, path, stack, Goal::Declared);
    }

    fn destroy(&self, what: &str, path: usize) {
        self.reach(what, path, &Stack::new(), Goal::Destroyed { include_kept: true });
    }

    fn reach(&self, what: &str, path: usize, stack: &Stack, goal: Goal) {
        let (log, locks) = (self.puts("/log/"), self.puts("lock.json"));
        let report = self.hand.run(async |_| {
            let plan = self.engine.plan(stack, goal).await.unwrap();
            assert_eq!(self.puts("/log/"), log, "a plan writes nothing");
            self.engine.apply(stack, &plan, &Stop::default()).await.unwrap()
        });
        assert!(report.succeeded(), "{report:#?}");
        let (log, locks) = (self.puts("/log/") - log, self.puts("lock.json") - locks);
        println!("  {what:32} {log:>4} PUTs of the state, bar {:>4}; {locks} of the lock", path + 2);
    }
}
