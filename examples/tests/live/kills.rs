//! `kill -9` at random moments of the estate's apply, each time followed by the same command.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engine::{Object, docker, places};
use crate::estate::{configuration, end, place};
use crate::place::Place;
use crate::servers::container;

/// What the runs make of the estate, one after the other.
const JOBS: [(&str, &str); 3] = [
    ("the first apply", ""),
    ("new images and a variable", IMAGES),
    ("other passwords, and the images of before", "redis_password = \"second\"\n"),
];
const IMAGES: &str = "\
versions = { core = \"2\", web = \"2\", analytics = \"2\" }
variables = { submission = { MOTTO = \"another\" } }
";

#[test]
fn a_killed_apply_of_the_estate_is_finished_by_the_same_command() {
    let Some(place) = place("kills") else { return };
    // How long an apply takes is not known before; a kill that comes too late is tried again, sooner.
    let mut lasts = Duration::from_secs(20);
    for (what, more) in JOBS {
        place.configure(&configuration(more));
        let after = lasts.mul_f64(share()).max(Duration::from_millis(700));
        let mut run = place.start(&["apply", "--yes"]);
        std::thread::sleep(after);
        let was_running = run.try_wait().unwrap().is_none();
        run.kill().unwrap();
        run.wait().unwrap();
        let hit = if was_running { under_way(&place) } else { "nothing: it had ended".to_owned() };
        place.tell(&format!("kill -9 in {what}; it hit {hit}"), after);

        let began = Instant::now();
        finish(&place, "vault", hit.contains("vault:init"));
        lasts = if was_running { (after + began.elapsed()).min(Duration::from_secs(20)) } else { after.mul_f64(0.8) };
        place.run(&["plan", "--detailed-exit-code"]).exits(0);
        nothing_is_doubled_or_leaked(&place);
    }
    end(&place);
}

/// How a run was finished.
#[derive(PartialEq)]
pub(crate) enum Finish {
    /// By the same command.
    AtOnce,
    /// The initialisation of the Vault could not be decided, and its storage had to be emptied.
    AfterAStop,
}

/// Runs the same command again, which finishes what was killed.
pub(crate) fn finish(place: &Place, vault: &str, began_to_initialise: bool) -> Finish {
    let told = place.run(&["apply", "--yes"]);
    if !told.err.contains("is initialised, and its keys never arrived") {
        place.tell_apply(&told.exits(0));
        return Finish::AtOnce;
    }
    // The one case that is undecidable. Its message says which ways on there are; here, nobody else initialised it.
    assert!(began_to_initialise, "{told}");
    assert!(told.err.contains("it is safe to empty its storage: do so, and run the same command again"), "{told}");
    place.tell("stopped: the keys of the Vault never arrived; its storage is emptied", told.took);
    docker(&["exec", &container(vault), "sh", "-c", "rm -rf /vault/data/*"]);
    docker(&["service", "update", "--force", "--detach=false", "--quiet", vault]);
    place.tell_apply(&place.run(&["apply", "--yes"]).exits(0));
    Finish::AfterAStop
}

/// A random number between 0 and 1.
pub(crate) fn share() -> f64 {
    let [low, high] = sprocket::core::kind::Entropy::system().bytes::<2>();
    f64::from(u16::from_le_bytes([low, high])) / f64::from(u16::MAX)
}

/// The steps that the kill interrupted, as the journal has them.
fn under_way(place: &Place) -> String {
    let told = place.run(&["state", "list"]).exits(0);
    let all = told.out.lines().filter(|line| line.contains(':')).count().saturating_sub(1);
    let begun: Vec<&str> = told
        .out
        .lines()
        .filter(|line| line.contains("an interrupted run") || line.contains("not seen to work yet"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    match begun.len() {
        0 => format!("between steps, {all} recorded"),
        _ => format!("{}, {all} recorded", begun.join(" and ")),
    }
}

/// Each recorded object is there once, and nothing else is.
fn nothing_is_doubled_or_leaked(place: &Place) {
    let mut recorded: Vec<(String, String)> = Vec::new();
    let told = place.run(&["state", "list"]).exits(0);
    for address in told.out.lines().filter_map(|line| line.split_whitespace().next()) {
        let Some(kind) = address.strip_prefix("docker:").and_then(|rest| rest.split('/').next()) else { continue };
        let told = place.run(&["state", "show", address]).exits(0);
        let record: Value = serde_json::from_str(&told.out).unwrap();
        recorded.push((kind.to_owned(), record["object"]["name"].as_str().unwrap().to_owned()));
    }
    let mut there: Vec<(String, String)> =
        place.made().into_iter().map(|Object { kind, name, .. }| (kind.to_owned(), name)).collect();
    recorded.sort();
    there.sort();
    assert_eq!(there, recorded);
    for (_, name) in there.iter().filter(|(kind, _)| kind == "service") {
        assert_eq!(places(name), 1, "{name}");
    }
    println!("         {} objects, each once", there.len());
}
