//! Prints how much memory the planner takes at its most, beyond what it was given.
//!
//! `cargo run --release -p sprocket-benches --bin memory`
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use peak_alloc::PeakAlloc;
use sprocket_benches::shapes::Shape;
use sprocket_benches::{Ground, run};
use sprocket_core::engine::Goal;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

fn main() {
    for count in [10_000, 100_000] {
        let ground = Ground::in_memory().with(Shape::Lanes, count);
        let text: usize = run(ground.engine.snapshot())
            .expect("the state is read")
            .expect("a state has begun")
            .records
            .values()
            .flat_map(|record| &record.object)
            .map(|object| object.applied.text().len())
            .sum();
        let each = |bytes: usize| bytes / count;
        let before = ALLOCATED.current_usage();
        let stack = Shape::Lanes.changed(&ground.world, count);
        let declared = ALLOCATED.current_usage() - before;
        let observation = run(ground.engine.observe(&stack)).expect("the world is observed");
        let observed = ALLOCATED.current_usage() - before - declared;
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        let plan = observation.plan(Goal::Declared);
        let planner = ALLOCATED.peak_usage() - before;
        assert_eq!(plan.steps.len(), 1);
        println!(
            "{count} in lanes, one change: the planner takes {} B a resource at its most (2048 B). Given to it: the \
             program {} B, what was recorded and read {} B; a spec has {} B of text",
            each(planner),
            each(declared),
            each(observed),
            each(text),
        );
    }
}
