//! What the engine has, by its own command line.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

const KINDS: [&str; 5] = ["service", "network", "config", "secret", "volume"];

/// An object of the engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) id: String,
    /// The stack that made it, if one did.
    pub(crate) lineage: String,
}

/// Every object of the engine.
pub(crate) fn listing() -> BTreeSet<Object> {
    KINDS.into_iter().flat_map(list).collect()
}

fn list(kind: &'static str) -> Vec<Object> {
    let ids = docker(&[kind, "ls", "--quiet"]);
    let ids: Vec<&str> = ids.split_whitespace().collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let (name, id, labels) = match kind {
        "network" => (".Name", ".Id", ".Labels"),
        // The time of its creation is that of the last file in it.
        "volume" => (".Name", ".Mountpoint", ".Labels"),
        _ => (".Spec.Name", ".ID", ".Spec.Labels"),
    };
    let format =
        format!("{{{{{name}}}}} {{{{{id}}}}} {{{{with index {labels} \"sprocket.lineage\"}}}}{{{{.}}}}{{{{end}}}}");
    // What has gone since it was listed is not told, and no failure.
    let told = Command::new("docker").args([kind, "inspect", "--format", &format]).args(ids).output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let object = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, id, lineage] = words[..] else { panic!("`docker {kind} inspect` told {line:?}") };
        Object { kind, name: name.to_owned(), id: id.to_owned(), lineage: lineage.to_owned() }
    };
    text.lines().filter(|line| !line.is_empty()).map(object).collect()
}

/// The tasks that run or are to run, by service: each with its place, `sprocket-core.1`, and its id.
pub(crate) fn tasks() -> BTreeMap<String, BTreeSet<(String, String)>> {
    let format = "{{.Name}} {{.ID}}";
    let told = docker(&["node", "ps", "self", "--no-trunc", "--filter", "desired-state=running", "--format", format]);
    let mut tasks: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for line in told.lines() {
        let (place, id) = line.split_once(' ').unwrap();
        let service = place.rsplit_once('.').map_or(place, |(service, _)| service);
        tasks.entry(service.to_owned()).or_default().insert((place.to_owned(), id.to_owned()));
    }
    tasks
}

/// How many places of a service run. An engine whose task fails just as an update begins may run two tasks in one.
pub(crate) fn places(service: &str) -> usize {
    let tasks = tasks().remove(service).unwrap_or_default();
    let places: BTreeSet<&String> = tasks.iter().map(|(place, _)| place).collect();
    if places.len() < tasks.len() {
        println!("         the engine runs two tasks in one place of {service}");
    }
    places.len()
}

/// Runs the docker command, as somebody behind the program's back would.
pub(crate) fn docker(args: &[&str]) -> String {
    docker_try(args).unwrap_or_else(|error| panic!("docker {args:?}: {error}"))
}

pub(crate) fn docker_try(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(args).output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Removes everything that a stack made, whatever state says of it.
pub(crate) fn remove_all_of(lineage: &str) {
    for kind in KINDS {
        // What tasks hold goes when their containers have gone.
        eventually(Duration::from_secs(90), || {
            let left: Vec<Object> = list(kind).into_iter().filter(|object| object.lineage == lineage).collect();
            for object in &left {
                let _ = docker_try(&[kind, "rm", &object.name]);
            }
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?} can't be removed")) }
        })
        .unwrap_or_else(|error| println!("{error}"));
    }
}

/// Asks until the answer is yes, or the time is over.
pub(crate) fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Result<T, String>) -> Result<T, String> {
    let until = Instant::now() + limit;
    loop {
        match ask() {
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(500)),
            answer => return answer,
        }
    }
}
