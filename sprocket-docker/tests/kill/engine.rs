//! What the engine has, by its own command line.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every object of a swarm, by kind and name, with the record that its mark names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inventory(pub(crate) BTreeMap<&'static str, BTreeSet<(String, String)>>);

impl Inventory {
    pub(crate) fn of_the_engine() -> Self {
        Self(["config", "network", "secret", "service", "volume"].map(|kind| (kind, list(kind))).into())
    }

    /// How many objects of each kind there are more than before.
    pub(crate) fn ours(&self, before: &Self) -> BTreeMap<&'static str, usize> {
        self.0.iter().map(|(kind, all)| (*kind, all.difference(&before.0[kind]).count())).collect()
    }

    /// Whether there is an object of this name with the mark of this record.
    pub(crate) fn has(&self, kind: &str, name: &str, record: &str) -> bool {
        self.0.get(kind).is_some_and(|all| all.contains(&(name.to_owned(), record.to_owned())))
    }
}

fn list(kind: &str) -> BTreeSet<(String, String)> {
    let ids = docker(&[kind, "ls", "--quiet"]);
    let ids: BTreeSet<&str> = ids.split_whitespace().collect();
    let labels = if matches!(kind, "network" | "volume") { ".Labels" } else { ".Spec.Labels" };
    let name = if matches!(kind, "network" | "volume") { ".Name" } else { ".Spec.Name" };
    let format = format!("{{{{{name}}}}} {{{{index {labels} \"sprocket.record\"}}}} {{{{.ID}}}}");
    let format = if kind == "volume" { format.replace(" {{.ID}}", "") } else { format };
    let mut found = BTreeSet::new();
    for id in ids {
        // It may have gone since it was listed.
        let line = docker_try(&[kind, "inspect", "--format", &format, id]).unwrap_or_default();
        let mut words = line.split(' ').map(str::trim);
        let (name, tag) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // What follows the record is its proof.
        let record = tag.split('.').next().unwrap_or_default();
        if !name.is_empty() {
            // Networks may share a name; their ids tell them apart where they are not ours.
            found.insert((name.to_owned(), record.to_owned()));
        }
    }
    found
}

fn docker(args: &[&str]) -> String {
    docker_try(args).unwrap_or_else(|error| panic!("docker {args:?}: {error}"))
}

fn docker_try(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(args).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
