//! Seeded bugs: each is put into a copy of the sources, and the suite that is named for it must fail.
//!
//! `SPROCKET_SEEDED_BUGS` says what is done: `fit` only finds out whether each still fits the sources, `table` prints them for
//! people, `all` tries all, and anything else those whose names contain it. Without it the list itself is read, no more.
//! `SPROCKET_SEEDED_PART=2/3` takes the second third of them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails where it panics, and this one is watched")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde::Deserialize;

#[derive(Deserialize)]
struct List {
    bug: Vec<Bug>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    /// What is wrong with it, for people.
    name: String,
    file: PathBuf,
    /// What stands there once,
    old: String,
    /// and what takes its place.
    new: String,
    /// The test program of `sprocket-core` that finds it: `lib` has the tests in the sources.
    suite: String,
    /// Only tests whose name contains this.
    #[serde(default)]
    test: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn list() -> Vec<Bug> {
    let text = fs::read_to_string(root().join("sprocket-core/tests/seeded-bugs.toml")).unwrap();
    toml::from_str::<List>(&text).unwrap().bug
}

impl Bug {
    /// The file with the bug in it; an error if the bug does not fit any more.
    fn put_into(&self, root: &Path) -> Result<String, String> {
        let text =
            fs::read_to_string(root.join(&self.file)).map_err(|error| format!("{}: {error}", self.file.display()))?;
        match text.matches(&self.old).count() {
            1 => Ok(text.replace(&self.old, &self.new)),
            count => Err(format!("`{}`: its text is {count} times in {}", self.name, self.file.display())),
        }
    }

    /// The command that must fail.
    fn command(&self) -> Vec<&str> {
        let suite = if self.suite == "lib" { vec!["--lib"] } else { vec!["--test", self.suite.as_str()] };
        let test = Some(self.test.as_str()).filter(|test| !test.is_empty());
        [&["test", "--quiet", "-p", "sprocket-core", "--all-features"][..], &suite, test.as_slice()].concat()
    }

    /// Whether its suite fails, in this copy of the sources.
    fn is_caught(&self, copy: &Path, target: &Path) -> Result<(), String> {
        let path = copy.join(&self.file);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, self.put_into(copy)?).unwrap();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        // What never ends is caught too, though not by a law.
        let mut command = Command::new("timeout");
        command.args(["900", &cargo]).args(self.command()).current_dir(copy);
        command.env("CARGO_TARGET_DIR", target).env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0");
        command.env_remove("SPROCKET_SEEDED_BUGS").env("SPROCKET_CHANCES", "400").env("INSTA_UPDATE", "no");
        let ran = command.output().unwrap();
        fs::write(&path, whole).unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        let has_failed = said.contains("test result: FAILED") || ran.status.code() == Some(124);
        match (ran.status.success(), has_failed) {
            (true, _) => Err(format!("`{}` is not caught by {}", self.name, self.suite)),
            (false, true) => Ok(()),
            (false, false) => Err(format!("`{}` does not compile, or does not end as a test does:\n{said}", self.name)),
        }
    }
}

/// The list as `docs/seeded-bugs.md` has it.
fn table(bugs: &[Bug]) -> String {
    let line = |bug: &Bug| {
        let test = if bug.test.is_empty() { String::new() } else { format!(" `{}`", bug.test) };
        format!("| {} | `{}` | `{}`{test} |\n", bug.name, bug.file.display(), bug.suite)
    };
    format!("| bug | file | suite |\n|---|---|---|\n{}", bugs.iter().map(line).collect::<String>())
}

#[test]
fn the_docs_list_all_seeded_bugs() {
    let text = fs::read_to_string(root().join("docs/seeded-bugs.md")).unwrap();
    assert!(
        text.ends_with(&table(&list())),
        "put what `scripts/seeded-bugs table` prints at the end of docs/seeded-bugs.md"
    );
}

/// The sources as git knows them, with what is not committed.
fn copy_to(copy: &Path) {
    let files = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    for file in String::from_utf8(files.stdout).unwrap().split_terminator('\0') {
        let (from, to) = (root().join(file), copy.join(file));
        let Ok(new) = fs::read(&from) else { continue };
        // What has not changed is not built again.
        if fs::read(&to).ok().as_ref() != Some(&new) {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, new).unwrap();
        }
    }
}

/// `2/3`: the second third.
fn is_in_part(place: usize) -> bool {
    let part = std::env::var("SPROCKET_SEEDED_PART").unwrap_or_else(|_| "1/1".to_owned());
    let (part, of) = part.split_once('/').expect("a part is `1/3`");
    let (part, of): (usize, usize) = (part.parse().unwrap(), of.parse().unwrap());
    place % of + 1 == part
}

#[test]
fn seeded_bugs_are_caught() {
    let bugs = list();
    let names: BTreeSet<&str> = bugs.iter().map(|bug| bug.name.as_str()).collect();
    assert_eq!(names.len(), bugs.len(), "two bugs have one name");
    let Ok(wanted) = std::env::var("SPROCKET_SEEDED_BUGS") else { return };
    if wanted == "table" {
        println!("{}", table(&bugs));
        return;
    }
    let mut wrong: Vec<String> = bugs.iter().filter_map(|bug| bug.put_into(&root()).err()).collect();
    if wanted != "fit" {
        let scratch = std::env::var_os("SPROCKET_SEEDED_SCRATCH")
            .map_or_else(|| root().join("target/seeded-bugs"), PathBuf::from);
        let (copy, target) = (scratch.join("sources"), scratch.join("target"));
        copy_to(&copy);
        let is_wanted = |bug: &Bug| wanted == "all" || bug.name.contains(&wanted);
        let fits = |bug: &&Bug| bug.put_into(&root()).is_ok();
        for (place, bug) in bugs.iter().enumerate().filter(|(place, bug)| is_in_part(*place) && is_wanted(bug)) {
            if !fits(&bug) {
                continue;
            }
            let start = Instant::now();
            let caught = bug.is_caught(&copy, &target);
            let verdict = if caught.is_ok() { "caught" } else { "NOT CAUGHT" };
            println!("{:2} {verdict} in {:3} s: {}", place + 1, start.elapsed().as_secs(), bug.name);
            wrong.extend(caught.err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
