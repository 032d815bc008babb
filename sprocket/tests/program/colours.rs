//! Colours: there only where they are wanted, and never needed. The test runs itself again as the program.

use std::process::Command;

use sprocket::core::program::Stack;
use sprocket::{Program, Surroundings};

use super::kit::{Place, Shelf, ShelfDraft, Thing};

const FOLDER: &str = "COLOURS_FOLDER";

/// The program; as a test of its own it does nothing.
#[test]
fn program() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut around = Surroundings::process();
    around.args = ["plan", "--file", "sprocket.toml"].map(Into::into).to_vec();
    around.directory = folder.into();
    let exit = Program::new("pantry").knowing::<Shelf>().run_in(around, |stack: &mut Stack, (): &()| {
        stack.connect(ShelfDraft::new("colours"));
        stack.add(Thing::new("jar"));
    });
    std::process::exit(exit.code().into());
}

/// What it prints with these variables, but for the test's own lines.
fn printed(variables: &[(&str, &str)]) -> String {
    let place = Place::new("colours", "default = 'local'\n[local]\n");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "colours::program", "--nocapture"])
        .env(FOLDER, place.folder.path())
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    out.lines().filter(|line| line.contains("jar") || line.contains("create")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_colour_is_needed_to_understand_anything_and_who_wants_none_gets_none() {
    let plain = printed(&[]);
    assert_eq!(plain, "+ shelf:thing/jar\n1 to create.", "what is no terminal gets none");
    let coloured = printed(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "the words are the same");
    assert_eq!(printed(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}
