//! Two programs, of which one reads what the other shows.

use insta::assert_snapshot;
use serde::{Deserialize, Serialize};
use sprocket::core::program::{Output, Secret, Stack};
use sprocket::core::state::generate_identity;

use super::kit::{Place, Thing};

/// What the cellar hands to the pantry. Both programs have this type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cellar {
    shelf: String,
    lock: Secret<String>,
}

fn cellar(stack: &mut Stack) {
    let shelf = stack.add(Thing::new("deep-shelf"));
    let lock = Secret::from("hunter2".to_owned());
    stack.output("cellar", &shelf.name.map(move |shelf| Cellar { shelf, lock: lock.clone() }));
    stack.output("code", &Output::known("hunter3".to_owned()).secret());
}

fn pantry(stack: &mut Stack) {
    let cellar = stack.output_of::<Cellar>("cellar", "cellar");
    let (shelf, lock) = (cellar.map(|cellar| cellar.shelf), cellar.map(|cellar| cellar.lock));
    stack.add(Thing::new("jar").beside(shelf).lock(lock));
}

/// Runs one of them; the other's state is beside its own.
fn run(place: &mut Place, program: &'static str, args: &str, declare: fn(&mut Stack)) -> String {
    place.program = program;
    place.run(args, declare)
}

fn place(name: &'static str) -> Place {
    Place::new(name, "default = 'local'\n[local]\n[shared]\n")
}

#[test]
fn what_one_program_shows_another_reads_by_its_type() {
    for (name, env) in [("handed-local", "local"), ("handed-shared", "shared")] {
        let mut place = place(name);
        if env == "shared" {
            std::fs::write(place.folder.path().join("identity"), generate_identity().expose()).unwrap();
            place = place.with("SPROCKET_IDENTITY_FILE", "identity");
        }
        let apply = format!("apply --yes --env {env}");
        run(&mut place, "cellar", &apply, cellar);
        let out = run(&mut place, "pantry", &apply, pantry);
        assert!(out.contains("beside: deep-shelf") && out.contains("lock:   (secret)"), "{out}");
        assert!(out.ends_with("exit 0") && !out.contains("hunter2"), "{out}");
        let lock = place.world().things["jar"].0.lock.clone();
        assert_eq!(lock.unwrap().expose(), "hunter2");
        // As long as the other says the same, there is nothing to do; then it is a change.
        let plan = format!("plan --env {env}");
        assert!(run(&mut place, "pantry", &plan, pantry).contains("Nothing to do"));
        run(&mut place, "cellar", &apply, |stack| {
            let shelf = stack.add(Thing::new("high-shelf"));
            let lock = Secret::from("hunter2".to_owned());
            stack.output("cellar", &shelf.name.map(move |shelf| Cellar { shelf, lock: lock.clone() }));
        });
        let out = run(&mut place, "pantry", &plan, pantry);
        assert!(out.contains("beside: deep-shelf → high-shelf"), "{out}");
    }
}

#[test]
fn what_can_not_be_read_of_another_program_is_told_before_anything_is_done() {
    let mut place = place("handed-not");
    assert_snapshot!(run(&mut place, "pantry", "plan", pantry), @"
    pantry/local of sprocket.toml
    error: could not read output from `stacks`: the stack `cellar` has no state here
      hint: apply that one first, in the same environment
    exit 1
    ");
    run(&mut place, "cellar", "apply --yes", |stack| drop(stack.add(Thing::new("deep-shelf"))));
    assert_snapshot!(run(&mut place, "pantry", "plan", pantry), @"
    pantry/local of sprocket.toml
    problem: `shelf:thing/jar`: there is no such output: `cellar` of the stack `cellar`  (sprocket/tests/program/neighbours.rs:LINE)
    1 problem: nothing can be applied until it is solved.
    error: the plan has 1 problem, and can't be applied; nothing was changed
    exit 1
    ");
    run(&mut place, "cellar", "apply --yes", cellar);
    let as_text = |stack: &mut Stack| {
        let cellar = stack.output_of::<String>("cellar", "cellar");
        stack.add(Thing::new("jar").text(cellar));
    };
    assert_snapshot!(run(&mut place, "pantry", "plan", as_text), @"
    pantry/local of sprocket.toml
    error: could not read output from `stacks`: `cellar` of the stack `cellar` is not what this program takes it for: something in it has another type
      hint: what is secret there is a `Secret<…>` in the type
    exit 1
    ");
    let in_clear = |stack: &mut Stack| {
        let code = stack.output_of::<String>("cellar", "code");
        stack.add(Thing::new("jar").text(code));
    };
    assert_snapshot!(run(&mut place, "pantry", "plan", in_clear), @"
    pantry/local of sprocket.toml
    error: could not read output from `stacks`: `code` of the stack `cellar` is not what this program takes it for: something in it has another type
      hint: what is secret there is a `Secret<…>` in the type
    exit 1
    ");
    let sealed = |stack: &mut Stack| {
        let code = stack.output_of::<Secret<String>>("cellar", "code");
        stack.add(Thing::new("jar").lock(code));
    };
    assert_snapshot!(run(&mut place, "pantry", "plan", sealed), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        lock: (secret)
    1 to create.
    exit 0
    ");
    let nowhere = |stack: &mut Stack| {
        let code = stack.output_of::<String>("../cellar", "code");
        stack.add(Thing::new("jar").text(code));
    };
    assert_snapshot!(run(&mut place, "pantry", "plan", nowhere), @"
    pantry/local of sprocket.toml
    error: could not read output from `stacks`: could not read the state of the stack `../cellar`: a stack can't have this name
      hint: nothing was changed, and nothing was dropped from state
    exit 1
    ");
    assert_eq!(place.things(), ["deep-shelf"]);
}

/// Somebody copied a state: what `shared` shows is nothing for `local`.
#[test]
fn what_another_environment_shows_is_not_taken() {
    let mut place = place("handed-elsewhere");
    std::fs::write(place.folder.path().join("identity"), generate_identity().expose()).unwrap();
    place = place.with("SPROCKET_IDENTITY_FILE", "identity");
    run(&mut place, "cellar", "apply --yes --env shared", cellar);
    let states = place.folder.path().join(".sprocket/cellar");
    std::fs::rename(states.join("shared"), states.join("local")).unwrap();
    assert_snapshot!(run(&mut place, "pantry", "plan", pantry), @"
    pantry/local of sprocket.toml
    error: could not read output from `stacks`: could not read the state of the stack `cellar`: the state in .sprocket/cellar/local is of `cellar/shared` of the program `program`
      hint: nothing was changed, and nothing was dropped from state
    exit 1
    ");
}
