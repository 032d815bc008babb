//! Interrupts of the process. The test runs itself again as the program that is interrupted.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use sprocket::core::Stack;
use sprocket::{Program, Surroundings};

use super::kit::{Place, Shelf, ShelfDraft, Thing, world};

const FOLDER: &str = "SIGNALS_FOLDER";
const TAKES: &str = "SIGNALS_TAKES";

/// The program; as a test of its own it does nothing.
#[test]
fn program() {
    let (Ok(folder), Ok(takes)) = (std::env::var(FOLDER), std::env::var(TAKES)) else { return };
    world("signals").takes = Duration::from_millis(takes.parse().unwrap());
    let mut around = Surroundings::with_args(["--yes", "--file", "sprocket.toml"]);
    around.directory = folder.into();
    around.err = Box::new(std::io::stderr());
    around.out = Box::new(std::io::stderr());
    around.signals = true;
    let exit = Program::new("pantry").knowing::<Shelf>().run_in(around, |stack: &mut Stack, (): &()| {
        stack.connect(ShelfDraft::new("signals"));
        let jar = stack.add(Thing::new("jar"));
        stack.add(Thing::new("spoon").beside(&jar.name));
    });
    std::process::exit(exit.code().into());
}

/// Interrupts the program as soon as its first step runs: its exit code, and what it printed from then on.
fn interrupted(takes: u32, signals: &[&str]) -> (Option<i32>, String) {
    let place = Place::new("signals", "default = 'local'\n[local]\n");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signals::program", "--nocapture"])
        .env(FOLDER, place.folder.path())
        .env(TAKES, takes.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("… create") {
        line.clear();
        assert!(screen.read_line(&mut line).unwrap() > 0, "it ended before its first step");
    }
    for (place, signal) in signals.iter().enumerate() {
        if place > 0 {
            line.clear();
            screen.read_line(&mut line).unwrap();
            assert!(line.starts_with("! interrupted"), "{line}");
        }
        let killed = Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap();
        assert!(killed.success());
    }
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn the_first_interrupt_lets_what_runs_finish() {
    let done = "1 created, 1 not started. Interrupted. State is saved; run again to continue.";
    assert_eq!(interrupted(500, &["-INT"]), (Some(130), done.to_owned()));
    assert_eq!(interrupted(500, &["-TERM"]), (Some(130), done.to_owned()));
}

#[test]
fn the_second_interrupt_ends_at_once() {
    let done = "1 cut off, 1 not started. Interrupted. The next run finds out what came of it; run again to continue.";
    assert_eq!(interrupted(600_000, &["-INT", "-INT"]), (Some(130), done.to_owned()));
}
