//! Texts that others have written: what a service answers, what is in the state, who holds its lock.

use sprocket::core::program::{DraftExt as _, Stack};
use sprocket::core::state::{FileStore, Holder, StateStore as _};

use super::kit::{Place, Thing};

/// What moves a cursor, clears a screen, rings, and turns a line around.
const ACTS: &str = "a\u{1b}[2J\r\u{7}\u{202e}\u{200b}\u{9b}\n+ shelf:thing/forged";

/// Nothing of it is printed as it is, in any command.
fn is_clean(command: &str, printed: &str) {
    let acts =
        |character: char| (character.is_control() && character != '\n') || matches!(character, '\u{202e}' | '\u{200b}');
    assert!(!printed.contains(acts), "`{command}` printed {printed:?}");
    assert!(!printed.contains("\n+ shelf:thing/forged"), "`{command}` printed {printed:?}");
}

fn program(stack: &mut Stack) {
    let jar = stack.add(Thing::new("jar").text("jam"));
    stack.output("weight", &jar.weight);
    stack.output("said", &jar.weight.map(|weight| format!("{weight} {ACTS}")));
}

#[test]
fn no_text_of_others_moves_the_cursor() {
    let place = Place::new("foreign", "default = 'local'\n[local]\n");
    let run = |command: &str| {
        let printed = place.run(command, program);
        is_clean(command, &printed);
        printed
    };
    assert!(run("apply --yes").ends_with("exit 0"));
    // A service's answers, and what was recorded of them.
    place.world().things.get_mut("jar").unwrap().0.text = ACTS.to_owned();
    for command in ["plan", "drift", "refresh --accept --yes", "outputs", "state list", "state show shelf:thing/jar"] {
        let printed = run(command);
        assert!(!printed.contains("error: unexpected argument"), "{printed}");
    }
    assert!(run("plan").contains(r"\u{1b}[2J"), "it is shown");
    // A name that somebody asks for, and a failure that repeats it.
    let failing = |stack: &mut Stack| drop(stack.add(Thing::new("jar").text("jam").named(ACTS)));
    is_clean("plan", &place.run("plan", failing));
    for command in
        [format!("state show {}", ACTS.replace([' ', '\n', '\r'], "")), "state show shelf:thing/\u{202e}".into()]
    {
        run(&command);
    }
    // Who holds the lock.
    let folder = place.folder.path().join(".sprocket/pantry/local");
    let id = format!("x;{ACTS}");
    let holder = Holder { id, who: ACTS.into(), command: ACTS.into(), since: Default::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lock = runtime.block_on(FileStore::new(folder).lock(&holder)).unwrap();
    for command in ["apply --yes", "state unlock x", "doctor", "destroy --yes"] {
        let printed = run(command);
        assert!(!printed.contains("state unlock x;"), "no such id is a command to paste: {printed}");
    }
    runtime.block_on(lock.release()).unwrap();
    // A service that can't be reached, whose error is its own.
    place.world().is_gone = true;
    run("plan");
}
