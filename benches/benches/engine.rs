//! The engine's bars, with statistics.
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sprocket_benches::shapes::Shape;
use sprocket_benches::{Ground, run};
use sprocket_core::engine::Goal;

fn pure_plan(criterion: &mut Criterion) {
    for (shape, count, changed) in [(Shape::Independent, 10_000, false), (Shape::Lanes, 100_000, true)] {
        let ground = Ground::in_memory().with(shape, count);
        let stack = if changed { shape.changed(&ground.world, count) } else { shape.stack(&ground.world, count) };
        let observation = run(ground.engine.observe(&stack)).expect("the world is observed");
        let steps = usize::from(changed);
        assert_eq!(observation.plan(Goal::Declared).steps.len(), steps);
        let what = if changed { "one change" } else { "nothing to do" };
        criterion.bench_function(&format!("pure plan, {count} {}, {what}", shape.name()), |bencher| {
            bencher.iter_with_large_drop(|| observation.plan(Goal::Declared));
        });
    }
}

fn whole_plan(criterion: &mut Criterion) {
    let ground = Ground::in_folder().with(Shape::Independent, 10_000);
    criterion.bench_function("whole plan, 10000 independent, nothing to do", |bencher| {
        bencher.iter(|| {
            let stack = Shape::Independent.stack(&ground.world, 10_000);
            run(ground.engine.plan(&stack, Goal::Declared)).expect("a plan is made").to_string()
        });
    });
}

fn whole_apply(criterion: &mut Criterion) {
    criterion.bench_function("whole apply, 10000 independent creates, fsync", |bencher| {
        bencher.iter_batched(
            Ground::in_folder,
            |ground| ground.with(Shape::Independent, 10_000),
            BatchSize::PerIteration,
        );
    });
}

criterion_group! {
    name = engine;
    config = Criterion::default().sample_size(10);
    targets = pure_plan, whole_plan, whole_apply
}
criterion_main!(engine);
