//! Interrupts of the process. The test runs itself again as the program that is interrupted.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use sprocket::core::program::Stack;
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

/// The program, in this place; its calls take so many milliseconds.
fn start(place: &Place, takes: u32) -> (Child, BufReader<ChildStderr>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signals::program", "--nocapture"])
        .env(FOLDER, place.folder.path())
        .env(TAKES, takes.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let screen = BufReader::new(child.stderr.take().unwrap());
    (child, screen)
}

/// Reads until a line begins so.
fn wait_for(screen: &mut impl BufRead, beginning: &str) {
    let mut line = String::new();
    while !line.starts_with(beginning) {
        line.clear();
        assert!(screen.read_line(&mut line).unwrap() > 0, "it ended before it said `{beginning}`");
    }
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
}

/// Its exit code, and the last line that it printed.
fn end(mut child: Child, mut screen: impl Read) -> (Option<i32>, String) {
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest.lines().last().unwrap_or_default().to_owned())
}

fn place() -> Place {
    Place::new("signals", "default = 'local'\n[local]\n")
}

/// Interrupts the program as soon as its first step runs.
fn interrupted(takes: u32, signals: &[&str]) -> (Option<i32>, String) {
    let place = place();
    let (child, mut screen) = start(&place, takes);
    wait_for(&mut screen, "… create");
    for (number, signal) in signals.iter().enumerate() {
        if number > 0 {
            wait_for(&mut screen, "! interrupted");
        }
        send(signal, &child);
    }
    end(child, screen)
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

/// What services that run jobs do to one that is cancelled: an interrupt; 7.5 s later, shortened here, SIGTERM; and 2.5 s
/// later SIGKILL.
#[test]
fn a_cancelled_job_has_ended_by_itself_before_it_would_be_killed() {
    let place = place();
    let (child, mut screen) = start(&place, 600_000);
    wait_for(&mut screen, "… create");
    send("-INT", &child);
    wait_for(&mut screen, "! interrupted");
    std::thread::sleep(Duration::from_millis(750));
    send("-TERM", &child);
    let asked = Instant::now();
    let cut = "1 cut off, 1 not started. Interrupted. The next run finds out what came of it; run again to continue.";
    assert_eq!(end(child, screen), (Some(130), cut.to_owned()));
    assert!(asked.elapsed() < Duration::from_millis(2500), "it would have been killed");
    // The next job goes on from there: no lock is left, and nothing is in doubt.
    let (child, screen) = start(&place, 0);
    assert_eq!(end(child, screen), (Some(0), "Verified: 2 checks passed.".to_owned()));
}

#[test]
fn a_job_that_was_killed_is_finished_by_the_next_one() {
    let place = place();
    let (mut child, mut screen) = start(&place, 600_000);
    wait_for(&mut screen, "… create");
    send("-KILL", &child);
    assert_eq!(child.wait().unwrap().code(), None);
    let (child, screen) = start(&place, 0);
    assert_eq!(end(child, screen), (Some(0), "Verified: 2 checks passed.".to_owned()));
}
