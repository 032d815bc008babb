//! Plans and runs: what is shown, asked, done and told.

use insta::assert_snapshot;
use sprocket::core::program::{Budget, DraftExt as _, Stack};

use super::kit::{Chest, LOCAL, Place, Thing, pantry};

#[test]
fn a_program_is_planned_applied_verified_and_destroyed() {
    let place = Place::new("whole", LOCAL);
    assert_snapshot!(place.run("plan", pantry), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        lock: (secret)
        text: plums
    + shelf:thing/spoon
        beside: jar
    output weight: (none) → (known after shelf:thing/jar)
    2 to create.
    exit 0
    ");
    assert!(!place.folder.path().join(".sprocket").exists(), "a plan writes nothing");
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
    ✓ shelf:thing/jar created [1/2]
    … create shelf:thing/spoon
    ✓ shelf:thing/spoon created [2/2]
    2 created.
    Verified: 2 checks passed.
    exit 0
    ");
    assert_snapshot!(place.run("apply", pantry), @"
    pantry/local of sprocket.toml
    Nothing to do: 2 resources are as declared.
    Verified: 2 checks passed.
    exit 0
    ");
    assert_snapshot!(place.run("plan --detailed-exit-code", pantry), @"
    pantry/local of sprocket.toml
    Nothing to do: 2 resources are as declared.
    exit 0
    ");
    assert_snapshot!(place.run("destroy --yes", pantry), @"
    pantry/local of sprocket.toml
    - shelf:thing/jar
    - shelf:thing/spoon
    2 to delete.
    … delete shelf:thing/spoon
    ✓ shelf:thing/spoon deleted [1/2]
    … delete shelf:thing/jar
    ✓ shelf:thing/jar deleted [2/2]
    2 deleted.
    exit 0
    ");
    assert_eq!(place.things(), [""; 0]);
    assert_snapshot!(place.run("destroy", pantry), @"
    pantry/local of sprocket.toml
    Nothing to do: nothing is left to destroy.
    exit 0
    ");
}

#[test]
fn more_than_a_program_lets_go_is_allowed_by_name() {
    let place = Place::new("budget", LOCAL);
    place.run("--yes", pantry);
    let emptied = |stack: &mut Stack| stack.budget(Budget::default().deletes(1));
    assert_snapshot!(place.run("apply --yes", emptied), @"
    pantry/local of sprocket.toml
    - shelf:thing/jar  (not declared any more)
    - shelf:thing/spoon  (not declared any more)
    output weight: 5 → (none)
    problem: `shelf:thing/jar`: would be deleted, one of 2; this program allows 1 in a plan
      hint: if it is meant, name it: `--allow shelf:thing/jar`
    problem: `shelf:thing/spoon`: would be deleted, one of 2; this program allows 1 in a plan
      hint: if it is meant, name it: `--allow shelf:thing/spoon`
    2 problems: nothing can be applied until they are solved.
    error: the plan has 2 problems, and can't be applied; nothing was changed
    exit 1
    ");
    let allowed = "apply --yes --allow shelf:thing/jar";
    assert_snapshot!(place.run(allowed, emptied), @"
    pantry/local of sprocket.toml
    - shelf:thing/jar  (not declared any more)
    - shelf:thing/spoon  (not declared any more)
    output weight: 5 → (none)
    2 to delete.
    … delete shelf:thing/spoon
    ✓ shelf:thing/spoon deleted [1/2]
    … delete shelf:thing/jar
    ✓ shelf:thing/jar deleted [2/2]
    2 deleted.
    exit 0
    ");
    assert_eq!(place.things(), [""; 0]);
}

#[test]
fn changes_are_told_by_the_exit_code_only_when_asked() {
    let place = Place::new("codes", LOCAL);
    assert!(place.run("plan", pantry).ends_with("exit 0"));
    assert!(place.run("plan --detailed-exit-code", pantry).ends_with("exit 2"));
}

#[test]
fn without_a_terminal_the_plan_is_shown_and_what_to_add() {
    let place = Place::new("dumb", LOCAL);
    assert_snapshot!(place.run("", |stack| { stack.add(Thing::new("jar")); }), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
    1 to create.
    error: nothing was changed: there is no terminal to ask on
      hint: add `--yes` to do what is shown
    exit 1
    ");
    assert_eq!(place.things(), [""; 0]);
}

#[test]
fn a_person_is_asked() {
    let mut place = Place::new("asked", LOCAL);
    let program = |stack: &mut Stack| {
        stack.add(Thing::new("jar"));
    };
    place.typed = Some("no\n");
    assert_snapshot!(place.run("", program), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
    1 to create.
    Apply this to pantry/local? [y/N] error: not confirmed; nothing of this was done
    exit 1
    ");
    place.typed = Some("");
    assert!(place.run("", program).ends_with("exit 1"), "no answer is no");
    place.typed = Some("y\n");
    assert_snapshot!(place.run("", program), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
    1 to create.
    Apply this to pantry/local? [y/N] … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/1]
    1 created.
    Verified: 1 check passed.
    exit 0
    ");
    assert_eq!(place.things(), ["jar"]);
}

#[test]
fn mistakes_of_the_program_come_before_anything_else() {
    let place = Place::new("mistakes", LOCAL);
    assert_snapshot!(place.run("plan", |stack| {
        stack.add(Thing::new("two words"));
        stack.add(Thing::new("jar"));
        stack.add(Thing::new("jar"));
    }), @"
    pantry/local of sprocket.toml
    error: the program has mistakes; nothing was asked of any service
      `shelf:thing/two words`: needs a name without spaces  (sprocket/tests/program/runs.rs:LINE)
      `shelf:thing/jar`: is declared already at sprocket/tests/program/runs.rs:LINE; one of them needs another name  (sprocket/tests/program/runs.rs:LINE)
    exit 1
    ");
    let (exit, text, _) = place.start("plan", |_: &mut Stack, (): &()| Err::<(), _>("there is no moon tonight"));
    assert_snapshot!(format!("{text}exit {}", exit.code()), @"
    pantry/local of sprocket.toml
    error: the program gave up: there is no moon tonight
    exit 1
    ");
}

#[test]
fn a_failure_says_what_where_why_and_what_next() {
    let place = Place::new("failing", LOCAL);
    place.world().failing.insert("jar".into());
    let program = |stack: &mut Stack| {
        stack.add(Thing::new("cup"));
        let jar = stack.add(Thing::new("jar"));
        stack.add(Thing::new("spoon").beside(&jar.name));
    };
    assert_snapshot!(place.run("--yes --continue-on-error --parallel 1", program), @"
    pantry/local of sprocket.toml
    + shelf:thing/cup
    + shelf:thing/jar
    + shelf:thing/spoon
        beside: jar
    3 to create.
    … create shelf:thing/jar
    ✗ shelf:thing/jar could not create: `jar` does not fit onto the shelf [1/3]
    … create shelf:thing/cup
    ✓ shelf:thing/cup created [2/3]
    error: could not create `shelf:thing/jar`  (sprocket/tests/program/runs.rs:LINE)
      cause: `jar` does not fit onto the shelf
      hint: make it smaller
    1 created, 1 failed, 1 not started. State is saved; run again to continue.
    exit 1
    ");
    place.world().failing.clear();
    assert_snapshot!(place.run("--yes", program), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
    + shelf:thing/spoon
        beside: jar
    2 to create, 1 unchanged.
    … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/2]
    … create shelf:thing/spoon
    ✓ shelf:thing/spoon created [2/2]
    2 created.
    Verified: 3 checks passed.
    exit 0
    ");
}

#[test]
fn what_is_protected_is_a_problem_of_the_plan() {
    let place = Place::new("protected", LOCAL);
    place.run("--yes", |stack| {
        stack.add(Thing::new("jar").protect());
        stack.add(Thing::new("cup").protect());
        stack.add(Thing::new("spoon"));
    });
    assert_snapshot!(place.run("--yes", |_| {}), @"
    pantry/local of sprocket.toml
    - shelf:thing/spoon  (not declared any more)
    problem: `shelf:thing/cup`: is not declared any more, and is protected
      hint: `state unprotect shelf:thing/cup`; or declare it again without `.protect()`, and apply that
    problem: `shelf:thing/jar`: is not declared any more, and is protected
      hint: `state unprotect shelf:thing/jar`; or declare it again without `.protect()`, and apply that
    2 problems: nothing can be applied until they are solved.
    error: the plan has 2 problems, and can't be applied; nothing was changed
    exit 1
    ");
    assert_eq!(place.things(), ["cup", "jar", "spoon"]);
}

#[test]
fn destroy_says_what_stays_and_needs_the_name_to_take_it_too() {
    let mut place = Place::new("kept", LOCAL);
    let program = |stack: &mut Stack| {
        stack.add(Chest::new("linen"));
        stack.add(Thing::new("jar"));
    };
    place.run("--yes", program);
    assert_snapshot!(place.run("destroy --yes", program), @"
    pantry/local of sprocket.toml
    - shelf:thing/jar
    = shelf:chest/linen stays as `linen`: it holds data
    1 to delete.
    … delete shelf:thing/jar
    ✓ shelf:thing/jar deleted [1/1]
    1 deleted, 1 kept.
    exit 0
    ");
    assert_eq!(place.things(), ["linen"]);
    assert_snapshot!(place.run("destroy --include-kept --yes", program), @"
    pantry/local of sprocket.toml
    - shelf:chest/linen
    1 to delete.
    error: nothing was changed: there is no terminal to ask on
      hint: add `--confirm pantry` to do what is shown
    exit 1
    ");
    assert_snapshot!(place.run("destroy --include-kept --confirm other", program), @"
    pantry/local of sprocket.toml
    - shelf:chest/linen
    1 to delete.
    error: `other` is not the stack's name; nothing was changed
    exit 1
    ");
    place.typed = Some("pantries\n");
    assert_snapshot!(place.run("destroy --include-kept", program), @"
    pantry/local of sprocket.toml
    - shelf:chest/linen
    1 to delete.
    This deletes data of pantry/local for good. The stack's name: error: not confirmed; nothing of this was done
    exit 1
    ");
    assert_eq!(place.things(), ["linen"]);
    place.typed = None;
    assert_snapshot!(place.run("destroy --include-kept --confirm pantry", program), @"
    pantry/local of sprocket.toml
    - shelf:chest/linen
    1 to delete.
    … delete shelf:chest/linen
    ✓ shelf:chest/linen deleted [1/1]
    1 deleted.
    exit 0
    ");
    assert_eq!(place.things(), [""; 0]);
}

#[test]
fn applied_but_broken_has_an_exit_code_of_its_own() {
    let place = Place::new("broken", LOCAL);
    let program = |stack: &mut Stack| {
        stack.add(Thing::new("jar").text("broken"));
        stack.add(Thing::new("cup"));
    };
    assert_snapshot!(place.run("--yes", program), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        text: broken
    + shelf:thing/cup
    2 to create.
    … create shelf:thing/jar
    … create shelf:thing/cup
    ✓ shelf:thing/jar created [1/2]
    ✓ shelf:thing/cup created [2/2]
    2 created.
    ✗ shelf:thing/jar is whole: it is broken
    Not verified: 1 of 2 checks failed.
    exit 3
    ");
    assert_snapshot!(place.run("verify", program), @"
    pantry/local of sprocket.toml
    ✗ shelf:thing/jar is whole: it is broken
    ✓ shelf:thing/cup is whole
    Not verified: 1 of 2 checks failed.
    exit 3
    ");
    assert!(place.run("apply", program).ends_with("exit 3"), "also where nothing is to do");
}

#[test]
fn a_service_that_is_gone_changes_nothing() {
    let place = Place::new("gone", LOCAL);
    place.run("--yes", pantry);
    place.world().is_gone = true;
    assert_snapshot!(place.run("plan", pantry), @"
    pantry/local of sprocket.toml
    error: could not reach `shelf`: nobody answers at `gone`
      hint: put the shelf back
    exit 1
    ");
    assert_snapshot!(place.run("doctor", pantry), @"
    pantry/local of sprocket.toml
    ✓ configuration: complete
    ✓ state: 2 resources in .sprocket/pantry/local
    ✓ lock: free
    ✓ folder: .sprocket can be written
    ✗ shelf: could not reach `shelf`: nobody answers at `gone`
      remedy: put the shelf back
    1 thing to mend.
    exit 1
    ");
}

#[test]
fn drift_shows_what_others_changed_and_nothing_else() {
    let place = Place::new("drift", LOCAL);
    let program = |stack: &mut Stack| {
        stack.add(Thing::new("jar").text("plums"));
        stack.add(Thing::new("cup"));
        stack.add(Thing::new("spoon"));
    };
    place.run("--yes", program);
    assert_snapshot!(place.run("drift --detailed-exit-code", program), @"
    pantry/local of sprocket.toml
    Nothing has drifted.
    exit 0
    ");
    place.world().things.get_mut("jar").unwrap().0.text = "pears".into();
    place.world().things.remove("spoon");
    assert_snapshot!(place.run("drift --detailed-exit-code", |stack| {
        program(stack);
        stack.add(Thing::new("plate"));
    }), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/jar  (changed by somebody else)
        text: pears → plums
    + shelf:thing/spoon  (it has gone)
    2 resources drifted; an apply puts back what is shown.
    exit 2
    ");
}

#[test]
fn a_part_of_a_program_is_planned_applied_and_destroyed() {
    let place = Place::new("part", LOCAL);
    assert_snapshot!(place.run("plan --target shelf:thing/spoon", shelf), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        lock: (secret)
        text: plums
    + shelf:thing/spoon
        beside: jar
    output weight: (none) → (known after shelf:thing/jar)
    2 to create, 1 left out.
    exit 0
    ");
    assert_snapshot!(place.run("--yes --exclude shelf:thing/jar", shelf), @"
    pantry/local of sprocket.toml
    + shelf:thing/fork
    1 to create, 2 left out.
    … create shelf:thing/fork
    ✓ shelf:thing/fork created [1/1]
    1 created.
    Verified: 1 check passed.
    exit 0
    ");
    assert_snapshot!(place.run("apply --yes --target shelf:thing/sp*", shelf), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        lock: (secret)
        text: plums
    + shelf:thing/spoon
        beside: jar
    output weight: (none) → (known after shelf:thing/jar)
    2 to create, 1 left out.
    … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/2]
    … create shelf:thing/spoon
    ✓ shelf:thing/spoon created [2/2]
    2 created.
    Verified: 2 checks passed.
    exit 0
    ");
    assert_snapshot!(place.run("apply --yes --replace shelf:thing/fork", shelf), @"
    pantry/local of sprocket.toml
    - shelf:thing/fork  (before the new one is made)
    ± shelf:thing/fork  (a new one takes its place, as asked for)
    1 to replace, 2 unchanged.
    … delete shelf:thing/fork
    ✓ shelf:thing/fork deleted [1/2]
    … create shelf:thing/fork
    ✓ shelf:thing/fork created [2/2]
    1 created, 1 deleted.
    Verified: 3 checks passed.
    exit 0
    ");
    assert_snapshot!(place.run("destroy --yes --target shelf:thing/jar", shelf), @"
    pantry/local of sprocket.toml
    - shelf:thing/jar
    - shelf:thing/spoon
    2 to delete, 1 left out.
    … delete shelf:thing/spoon
    ✓ shelf:thing/spoon deleted [1/2]
    … delete shelf:thing/jar
    ✓ shelf:thing/jar deleted [2/2]
    2 deleted.
    exit 0
    ");
    assert_snapshot!(place.run("plan --target shelf:thing/knife --detailed-exit-code", shelf), @"
    pantry/local of sprocket.toml
    problem: `shelf:thing/knife`: no resource has this address
      hint: did you mean `shelf:thing/fork`?
    1 problem: nothing can be applied until it is solved.
    error: the plan has 1 problem, and can't be applied; nothing was changed
    exit 1
    ");
}

/// A fork of its own beside what is in the pantry.
fn shelf(stack: &mut Stack) {
    pantry(stack);
    stack.add(Thing::new("fork"));
}

#[test]
fn drift_is_recorded_as_it_is_when_that_is_wanted() {
    let place = Place::new("accept", LOCAL);
    place.run("--yes", pantry);
    place.world().things.get_mut("jar").unwrap().0.text = "prunes".into();
    assert_snapshot!(place.run("refresh", pantry), @"
    error: the following required arguments were not provided:
      --accept

    Usage: pantry refresh --accept

    For more information, try '--help'.
    exit 1
    ");
    assert_snapshot!(place.run("refresh --accept", pantry), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/jar  (changed by somebody else)
        text: prunes → plums
    error: nothing was changed: there is no terminal to ask on
      hint: add `--yes` to do what is shown
    exit 1
    ");
    assert_snapshot!(place.run("refresh --accept --yes", pantry), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/jar  (changed by somebody else)
        text: prunes → plums
    Recorded as it is: 1 resource. `plan` shows where the program says otherwise.
    exit 0
    ");
    assert_snapshot!(place.run("drift", pantry), @"
    pantry/local of sprocket.toml
    Nothing has drifted.
    exit 0
    ");
    assert_snapshot!(place.run("plan", pantry), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/jar
        text: prunes → plums
    output weight: 5 → 6
    1 to update, 1 unchanged.
    exit 0
    ");
}
