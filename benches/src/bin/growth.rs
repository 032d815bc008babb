//! Prints, in one run: the engine's bars and what was measured against them, and how each cost grows with size.
//!
//! `cargo run --release -p sprocket-benches --bin growth [bars|growth] [FILTER]`
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use sprocket_benches::measure::{Took, exponent};
use sprocket_benches::shapes::Shape;
use sprocket_benches::{Ground, Kept, run};
use sprocket_core::state::{Entry, Event, Holder, Record, Snapshot, StateStore};
use sprocket_core::{Address, Goal};

const SIZES: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
const DESTROYED: Goal = Goal::Destroyed { include_kept: false };

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next();
    let filter = arguments.next().unwrap_or_default();
    let wanted = |part: &str, name: &str| what.as_deref().is_none_or(|what| what == part) && name.contains(&filter);
    for (name, measure) in BARS {
        if wanted("bars", name) {
            println!("{name:<62} {}", measure());
        }
    }
    for (name, measure) in GROWTH {
        if wanted("growth", name) {
            grow(name, *measure);
        }
    }
}

type Bar = (&'static str, fn() -> String);

const BARS: &[Bar] = &[
    ("pure plan, 10000 independent, nothing to do (50 ms)", || pure_plan(Shape::Independent, 10_000, false, 20)),
    ("pure plan, 10000 in lanes, nothing to do", || pure_plan(Shape::Lanes, 10_000, false, 20)),
    ("pure plan, 100000 in lanes, one change (1 s)", || pure_plan(Shape::Lanes, 100_000, true, 7)),
    ("pure plan, 10000 to create", pure_create),
    ("declaring 10000 independent", || declare(Shape::Independent, 10_000)),
    ("declaring 10000 in lanes", || declare(Shape::Lanes, 10_000)),
    ("whole plan, 10000 independent, nothing to do (500 ms)", || whole_plan(Shape::Independent, 10_000)),
    ("whole plan, 10000 in lanes, nothing to do", || whole_plan(Shape::Lanes, 10_000)),
    ("whole apply, 10000 independent creates, fsync (2 s)", || whole_apply(Shape::Independent, 10_000)),
    ("whole apply, 10000 creates in lanes, fsync", || whole_apply(Shape::Lanes, 10_000)),
    ("destroy of a chain of 10000, state in memory", || destroy(Shape::Chain, 10_000, 3).to_string()),
    ("bytes written to state per step, of stacks of 100 to 30000", bytes_per_step),
];

type Growth = fn(usize) -> Took;

const GROWTH: &[(&str, Growth)] = &[
    ("declare, independent", |count| declaring(Shape::Independent, count, 5)),
    ("declare, lanes", |count| declaring(Shape::Lanes, count, 5)),
    ("declare, fan-in", |count| declaring(Shape::FanIn, count, 5)),
    ("pure plan, independent", |count| planning(Shape::Independent, count, false, 7)),
    ("pure plan, lanes, one change", |count| planning(Shape::Lanes, count, true, 7)),
    ("pure plan, chain, one change", |count| planning(Shape::Chain, count, true, 5)),
    ("pure plan, fan-in, one change", |count| planning(Shape::FanIn, count, true, 5)),
    ("pure plan, fan-out, one change", |count| planning(Shape::FanOut, count, true, 5)),
    ("journal: append, 64 entries a batch, fsync", append),
    ("journal: load", load),
    ("snapshot: load", load_snapshot),
    ("apply, independent, state in memory", |count| apply(Shape::Independent, count, 3)),
    ("apply, lanes, state in memory", |count| apply(Shape::Lanes, count, 3)),
    ("apply, chain, state in memory", |count| apply(Shape::Chain, count, 3)),
    ("apply, fan-in, state in memory", |count| apply(Shape::FanIn, count, 3)),
    ("destroy, independent, state in memory", |count| destroy(Shape::Independent, count, 3)),
    ("destroy, lanes, state in memory", |count| destroy(Shape::Lanes, count, 3)),
    ("destroy, chain, state in memory", |count| destroy(Shape::Chain, count, 3)),
    ("destroy, fan-in, state in memory", |count| destroy(Shape::FanIn, count, 3)),
    ("destroy, fan-out, state in memory", |count| destroy(Shape::FanOut, count, 3)),
];

/// Measures something at each size, and prints how it grows.
fn grow(name: &str, measure: Growth) {
    println!("{name}");
    let mut wall = Vec::new();
    let mut cpu = Vec::new();
    for count in SIZES {
        let took = measure(count);
        println!("  {count:>7}  {took}  {:.2} µs CPU each", took.cpu.as_secs_f64() * 1e6 / count as f64);
        wall.push((count, took.wall.as_secs_f64()));
        cpu.push((count, took.cpu.as_secs_f64()));
    }
    println!("  grows with the power {:.2} (wall), {:.2} (CPU)", exponent(&wall), exponent(&cpu));
}

fn planning(shape: Shape, count: usize, changed: bool, times: usize) -> Took {
    let ground = Ground::in_memory().with(shape, count);
    let stack = if changed { shape.changed(&ground.world, count) } else { shape.stack(&ground.world, count) };
    let observation = run(ground.engine.observe(&stack)).expect("the world is observed");
    assert_eq!(observation.plan(Goal::Declared).steps.len(), usize::from(changed));
    Took::of(times, || (), |()| observation.plan(Goal::Declared))
}

fn pure_plan(shape: Shape, count: usize, changed: bool, times: usize) -> String {
    planning(shape, count, changed, times).to_string()
}

fn pure_create() -> String {
    let ground = Ground::in_memory();
    let stack = Shape::Lanes.stack(&ground.world, 10_000);
    let observation = run(ground.engine.observe(&stack)).expect("the world is observed");
    Took::of(10, || (), |()| observation.plan(Goal::Declared)).to_string()
}

fn declaring(shape: Shape, count: usize, times: usize) -> Took {
    let ground = Ground::in_memory();
    Took::of(times, || (), |()| shape.stack(&ground.world, count))
}

fn declare(shape: Shape, count: usize) -> String {
    declaring(shape, count, 10).to_string()
}

/// The program, the load, the refresh, the plan, and its text.
fn whole_plan(shape: Shape, count: usize) -> String {
    let ground = Ground::in_folder().with(shape, count);
    let plan = || {
        let stack = shape.stack(&ground.world, count);
        let text = run(ground.engine.plan(&stack, Goal::Declared)).expect("a plan is made").to_string();
        assert_eq!(text, format!("Nothing to do: {count} resources are as declared."));
    };
    Took::of(10, || (), |()| plan()).to_string()
}

/// The program, the plan, and its application to nothing, which makes the plan again.
fn whole_apply(shape: Shape, count: usize) -> String {
    let apply = |ground: &mut Ground| {
        let stack = shape.stack(&ground.world, count);
        ground.reach(&stack, Goal::Declared);
    };
    Took::of(5, Ground::in_folder, apply).to_string()
}

fn apply(shape: Shape, count: usize, times: usize) -> Took {
    let prepare = || {
        let ground = Ground::in_memory();
        let stack = shape.stack(&ground.world, count);
        (ground, stack)
    };
    Took::of(times, prepare, |(ground, stack)| ground.reach(stack, Goal::Declared))
}

fn destroy(shape: Shape, count: usize, times: usize) -> Took {
    let prepare = || {
        let ground = Ground::in_memory().with(shape, count);
        let stack = shape.stack(&ground.world, count);
        (ground, stack)
    };
    Took::of(times, prepare, |(ground, stack)| {
        let report = ground.reach(stack, DESTROYED);
        assert!(ground.world.is_empty());
        report
    })
}

fn recorded(count: usize) -> Snapshot {
    let ground = Ground::in_memory().with(Shape::Lanes, count);
    let Kept::InMemory(store) = &ground.kept else { unreachable!("it is kept in memory") };
    store.state().expect("a state has begun")
}

/// What the end of each step writes.
fn entries(snapshot: &Snapshot) -> Vec<Entry> {
    let done = |(address, record): (&Address, &Record)| {
        let event = Event::Done { record: Some(Box::new(record.clone())) };
        Entry { address: address.clone(), event }
    };
    snapshot.records.iter().map(done).collect()
}

fn holder() -> Holder {
    Holder {
        id: "benches".into(),
        who: "benches".into(),
        command: "append".into(),
        since: "2026-01-01T00:00:00Z".parse().expect("a time"),
    }
}

/// An empty state in a folder, and these entries in its journal.
fn journalled(ground: &Ground, entries: &[Entry]) {
    let Kept::InFolder(_, store) = &ground.kept else { unreachable!("it is kept in a folder") };
    run(async {
        let lock = store.lock(&holder()).await.expect("it is locked");
        lock.compact(&Snapshot::new("lineage".into())).await.expect("it is written");
        for batch in entries.chunks(64) {
            lock.append(batch).await.expect("it is written");
        }
        lock.release().await.expect("it is released");
    });
}

fn append(count: usize) -> Took {
    let entries = entries(&recorded(count));
    Took::of(3, Ground::in_folder, |ground| journalled(ground, &entries))
}

fn loading(ground: &Ground) -> Took {
    let Kept::InFolder(_, store) = &ground.kept else { unreachable!("it is kept in a folder") };
    Took::of(5, || (), |()| run(store.load()).expect("it is loaded"))
}

fn load(count: usize) -> Took {
    let ground = Ground::in_folder();
    journalled(&ground, &entries(&recorded(count)));
    loading(&ground)
}

fn load_snapshot(count: usize) -> Took {
    let ground = Ground::in_folder().with(Shape::Lanes, count);
    loading(&ground)
}

/// Of a run that changes one resource: what went into the journal, and into the snapshot at its end.
fn bytes_per_step() -> String {
    let mut text = String::new();
    for count in [100, 1_000, 10_000, 30_000] {
        let (ground, written) = Ground::counted();
        let ground = ground.with(Shape::Lanes, count);
        let made = written.take();
        ground.reach(&Shape::Lanes.changed(&ground.world, count), Goal::Declared);
        let changed = written.take();
        text += &format!(
            "\n  {count:>6}: each create {} B journal, {} B snapshot; one update {} B journal, {} B snapshot",
            made.journal / count as u64,
            made.snapshots / count as u64,
            changed.journal,
            changed.snapshots,
        );
    }
    text
}
