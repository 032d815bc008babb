//! Prints, in one run: the engine's bars and what was measured against them, and how each cost grows with size.
//!
//! `cargo run --release -p sprocket-benches --bin growth [bars|growth] [FILTER]`, or `… once ROW SIZE` to run one row of
//! the growth once, for a profiler.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::time::{Duration, Instant};

use sprocket_benches::measure::{Took, exponent};
use sprocket_benches::shapes::Shape;
use sprocket_benches::{Ground, Kept, run};
use sprocket_core::engine::{Goal, Stop};
use sprocket_core::kind::Address;
use sprocket_core::state::StackKey;
use sprocket_core::state::{Entry, Holder, JournalEvent, Record, Signer, Snapshot, StateStore};

const SIZES: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
const DESTROYED: Goal = Goal::Destroyed { include_kept: false };

fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next();
    let filter = arguments.next().unwrap_or_default();
    if what.as_deref() == Some("once") {
        let (_, _, measure) = GROWTH.iter().find(|(name, ..)| *name == filter).expect("the name of a row");
        let size = arguments.next().and_then(|size| size.parse().ok()).expect("a size");
        println!("{filter:<40} {size:>7} {}", measure(size, 1));
        return;
    }
    let wanted = |part: &str, name: &str| what.as_deref().is_none_or(|what| what == part) && name.contains(&filter);
    for (name, measure) in BARS {
        if wanted("bars", name) {
            println!("{name:<62} {}", measure());
        }
    }
    for (name, times, measure) in GROWTH {
        if wanted("growth", name) {
            grow(name, |size| measure(size, *times));
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
    ("overlap, 1000 in lanes, calls of 100 ms (1.05)", || overlap(Shape::Lanes, 1_000, 50)),
    ("overlap, chain of 50, calls of 100 ms (1.05)", || overlap(Shape::Chain, 50, 50)),
    ("bytes written to state per step, of stacks of 100 to 30000", bytes_per_step),
];

/// The name of a row, how many times each size is run, and what is run that many times at a size.
type Growth = (&'static str, usize, fn(usize, usize) -> Took);

const GROWTH: &[Growth] = &[
    ("declare, independent", 5, |count, times| declaring(Shape::Independent, count, times)),
    ("declare, lanes", 5, |count, times| declaring(Shape::Lanes, count, times)),
    ("declare, fan-in", 5, |count, times| declaring(Shape::FanIn, count, times)),
    ("pure plan, independent", 7, |count, times| planning(Shape::Independent, count, false, times)),
    ("pure plan, lanes, one change", 7, |count, times| planning(Shape::Lanes, count, true, times)),
    ("pure plan, chain, one change", 5, |count, times| planning(Shape::Chain, count, true, times)),
    ("pure plan, fan-in, one change", 5, |count, times| planning(Shape::FanIn, count, true, times)),
    ("pure plan, fan-out, one change", 5, |count, times| planning(Shape::FanOut, count, true, times)),
    ("journal: append, 64 entries a batch, fsync", 3, append),
    ("journal: load", 5, load),
    ("snapshot: load", 5, load_snapshot),
    ("move all at once, lanes", 5, moving),
    ("apply, independent, state in memory", 3, |count, times| apply(Shape::Independent, count, times)),
    ("apply, lanes, state in memory", 3, |count, times| apply(Shape::Lanes, count, times)),
    ("apply, chain, state in memory", 3, |count, times| apply(Shape::Chain, count, times)),
    ("apply, fan-in, state in memory", 3, |count, times| apply(Shape::FanIn, count, times)),
    ("destroy, independent, state in memory", 3, |count, times| destroy(Shape::Independent, count, times)),
    ("destroy, lanes, state in memory", 3, |count, times| destroy(Shape::Lanes, count, times)),
    ("destroy, chain, state in memory", 3, |count, times| destroy(Shape::Chain, count, times)),
    ("destroy, fan-in, state in memory", 3, |count, times| destroy(Shape::FanIn, count, times)),
    ("destroy, fan-out, state in memory", 3, |count, times| destroy(Shape::FanOut, count, times)),
];

/// Measures something at each size, and prints how it grows.
fn grow(name: &str, measure: impl Fn(usize) -> Took) {
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
        let event = JournalEvent::Done { record: Some(Box::new(record.clone())) };
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
    let signer = Signer::of(&StackKey::from_bytes([7; 64]));
    run(async {
        let lock = store.lock(&holder()).await.expect("it is locked");
        lock.compact(&Snapshot::new("lineage".into()), &signer).await.expect("it is written");
        for batch in entries.chunks(64) {
            lock.append(batch, &signer).await.expect("it is written");
        }
        lock.release().await.expect("it is released");
    });
}

fn append(count: usize, times: usize) -> Took {
    let entries = entries(&recorded(count));
    Took::of(times, Ground::in_folder, |ground| journalled(ground, &entries))
}

fn loading(ground: &Ground, times: usize) -> Took {
    let Kept::InFolder(_, store) = &ground.kept else { unreachable!("it is kept in a folder") };
    Took::of(times, || (), |()| run(store.load()).expect("it is loaded"))
}

fn load(count: usize, times: usize) -> Took {
    let ground = Ground::in_folder();
    journalled(&ground, &entries(&recorded(count)));
    loading(&ground, times)
}

fn load_snapshot(count: usize, times: usize) -> Took {
    let ground = Ground::in_folder().with(Shape::Lanes, count);
    loading(&ground, times)
}

/// All that is recorded gets another address.
fn moving(count: usize, times: usize) -> Took {
    let snapshot = recorded(count);
    let moved = |address: &Address| (address.clone(), Address::from(format!("{address}-moved")));
    let moves = JournalEvent::Moved { moves: snapshot.records.keys().map(moved).collect() };
    let entry = Entry { address: "stack".into(), event: moves };
    Took::of(times, || snapshot.clone(), |snapshot| snapshot.take(entry.clone()))
}

/// How long a run takes, for each second that its longest path takes. The state is in memory: its writes take no time.
fn overlap(shape: Shape, count: usize, path: u32) -> String {
    const CALL: Duration = Duration::from_millis(100);
    let ratio = || {
        let ground = Ground::in_memory();
        ground.world.set_latency(CALL);
        let stack = shape.stack(&ground.world, count);
        let plan = run(ground.engine.plan(&stack, Goal::Declared)).expect("a plan is made");
        let began = Instant::now();
        let report = run(ground.engine.apply(&stack, &plan, &Stop::default())).expect("it is applied");
        assert!(report.succeeded(), "{:#?}", report.failures().next());
        began.elapsed().as_secs_f64() / (CALL * path).as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..5).map(|_| ratio()).collect();
    ratios.sort_by(f64::total_cmp);
    format!("{:.3} to {:.3} of the longest path, median {:.3}", ratios[0], ratios[4], ratios[2])
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
