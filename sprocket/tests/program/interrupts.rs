//! Runs that a person interrupts: what is told, and how the next one goes on. The signals themselves are in `signals.rs`.

use insta::assert_snapshot;
use sprocket::core::engine::Stop;
use sprocket::core::program::Stack;

use super::kit::{LOCAL, Place, Thing, pantry};

#[test]
fn an_interrupted_run_finishes_what_runs_and_goes_on_later() {
    let mut place = Place::new("interrupted", LOCAL);
    place.world().stops = Some(("jar".into(), place.stop.clone(), false));
    assert_snapshot!(place.run("--yes", pantry), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        lock: (secret)
        text: plums
    + shelf:thing/spoon
        beside: jar
    output weight: (none) → (known after shelf:thing/jar)
    2 to create.
    … create shelf:thing/jar
    ! interrupted: nothing more starts, and what runs is waited for; again to stop at once
    ✓ shelf:thing/jar created [1/2]
    1 created, 1 not started. Interrupted. State is saved; run again to continue.
    exit 130
    ");
    assert_eq!(place.things(), ["jar"]);
    place.world().stops = None;
    place.stop = Stop::default();
    assert_snapshot!(place.run("--yes", pantry), @"
    pantry/local of sprocket.toml
    + shelf:thing/spoon
        beside: jar
    1 to create, 1 unchanged.
    … create shelf:thing/spoon
    ✓ shelf:thing/spoon created [1/1]
    1 created.
    Verified: 2 checks passed.
    exit 0
    ");
}

#[test]
fn an_interrupt_during_the_last_step_keeps_from_the_checks() {
    let place = Place::new("last-step", LOCAL);
    place.world().stops = Some(("jar".into(), place.stop.clone(), false));
    let program = |stack: &mut Stack| {
        stack.add(Thing::new("jar"));
    };
    assert_snapshot!(place.run("--yes", program), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
    1 to create.
    … create shelf:thing/jar
    ! interrupted: nothing more starts, and what runs is waited for; again to stop at once
    ✓ shelf:thing/jar created [1/1]
    1 created.
    Interrupted: everything is applied, but was not asked whether it works; `verify` asks.
    exit 130
    ");
}

#[test]
fn a_run_that_is_interrupted_twice_leaves_its_call_to_the_next_one() {
    let mut place = Place::new("cut", LOCAL);
    place.world().stops = Some(("jar".into(), place.stop.clone(), true));
    assert_snapshot!(place.run("--yes", pantry), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        lock: (secret)
        text: plums
    + shelf:thing/spoon
        beside: jar
    output weight: (none) → (known after shelf:thing/jar)
    2 to create.
    … create shelf:thing/jar
    1 cut off, 1 not started. Interrupted. The next run finds out what came of it; run again to continue.
    exit 130
    ");
    place.world().stops = None;
    place.stop = Stop::default();
    assert_snapshot!(place.run("--yes", pantry), @"
    pantry/local of sprocket.toml
    ! shelf:thing/jar was not done by an interrupted run
    + shelf:thing/jar
        lock: (secret)
        text: plums
    + shelf:thing/spoon
        beside: jar
    output weight: (none) → (known after shelf:thing/jar)
    2 to create.
    … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/2]
    … create shelf:thing/spoon
    ✓ shelf:thing/spoon created [2/2]
    2 created.
    Verified: 2 checks passed.
    exit 0
    ");
}
