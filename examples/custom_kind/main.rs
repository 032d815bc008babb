//! A kind of one's own: text files in a folder, with everything that kinds have: plans, drift, adoption, crashes.
//!
//! ```text
//! cargo run --example custom_kind                 # writes target/custom-kind/{motd,index}
//! cargo run --example custom_kind -- verify
//! cargo run --example custom_kind -- destroy
//! ```

#![allow(unreachable_pub, reason = "a kind would be a crate's, and its items public")]

mod text_file;

use std::process::ExitCode;

use serde::Deserialize;
use sprocket::Program;
use sprocket::prelude::*;
use text_file::{Folder, TextFile};

#[derive(Deserialize)]
struct Config {
    folder: String,
    greeting: String,
}

fn files(stack: &mut Stack, config: &Config) {
    stack.connect(Folder::at(config.folder.as_str()));
    let motd = stack.add(TextFile::new("motd", format!("{}\n", config.greeting)));
    // A setting can be made of what another resource reports: this file is written after the other.
    let index = motd.path.map(|path| format!("greeting {path}\n"));
    stack.add(TextFile::new("index", index).comment(";").read_only());
    stack.output("greeting", &motd.path);
}

fn main() -> ExitCode {
    // It knows the kind even when no file is declared any more, and can still delete what there is.
    Program::new("files").knowing::<Folder>().run(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sprocket::core::testing::{KindSuite, Variant};

    use super::*;

    /// Created, put back, updated, killed at every boundary of its journal, taken over, moved, deleted twice.
    #[test]
    fn it_does_what_the_engine_relies_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files");
        let motd = path.join("motd");
        KindSuite {
            address: "folder:file/motd",
            program: Box::new(|stack, variant| {
                stack.connect(Folder::at(path.display().to_string()));
                match variant {
                    Variant::First | Variant::Replaced => stack.add(TextFile::new("motd", "hello\n")),
                    Variant::Updated => stack.add(TextFile::new("motd", "bye\n").comment("//").read_only()),
                    Variant::Moved => stack.add(TextFile::new("hail", "hello\n").moved_from("motd").named("motd")),
                };
            }),
            inventory: Box::new(|| {
                let entries = fs::read_dir(&path).into_iter().flatten();
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
            }),
            drift: Some(Box::new(|| fs::write(&motd, fs::read_to_string(&motd).unwrap() + "P.S.\n").unwrap())),
            remove: Some(Box::new(|| fs::remove_file(&motd).unwrap())),
            updates: true,
            // Nothing about a file needs another one.
            replaces: false,
            marked: true,
            kills: None,
        }
        .run();
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("motd"), "mine\n").unwrap();
        let program = |stack: &mut Stack| {
            stack.connect(Folder::at(folder.path().display().to_string()));
            stack.add(TextFile::new("motd", "hello\n"));
        };
        let mut world = sprocket::core::testing::World::of_real_services();
        insta::assert_snapshot!(world.plan(program), @"
        problem: `folder:file/motd`: an object named `motd` exists already, and this stack does not own it  (examples/custom_kind/main.rs:85)
          hint: take it over with `.adopt()` or `import folder:file/motd motd`
        1 problem: nothing can be applied until it is solved.
        ");
        assert!(world.try_apply(program).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("motd")).unwrap(), "mine\n");
    }

    #[test]
    fn mistakes_are_found_before_anything_is_written() {
        let program = |stack: &mut Stack| {
            stack.connect(Folder::at("/nowhere"));
            stack.add(TextFile::new("motd", "hello").comment("# #"));
        };
        insta::assert_snapshot!(sprocket::core::testing::world().plan(program), @"
        + folder:file/motd
            comment: # #
            text:    hello
        warning: `folder:file/motd`: its last line has no end  (examples/custom_kind/main.rs:101)
        problem: `folder:file/motd`: `comment` is what begins a comment, such as `#` or `//`  (examples/custom_kind/main.rs:101)
        1 problem: nothing can be applied until it is solved.
        ");
    }

    #[test]
    fn an_unreadable_file_fails_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        let program = |stack: &mut Stack| {
            stack.connect(Folder::at(folder.path().display().to_string()));
            stack.add(TextFile::new("motd", "hello\n"));
        };
        let mut world = sprocket::core::testing::World::of_real_services();
        world.apply(program);
        let motd = folder.path().join("motd");
        fs::remove_file(&motd).unwrap();
        std::os::unix::fs::symlink(&motd, &motd).unwrap(); // reading it fails, also for root
        let refused = world.try_plan(program, sprocket::core::engine::Goal::Declared).unwrap_err().to_string();
        assert!(refused.contains("could not read"), "{refused}");
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["/etc/motd", "../motd", ".."] {
            let program = |stack: &mut Stack| {
                stack.connect(Folder::at(folder.path().join("files").display().to_string()));
                stack.add(TextFile::new("motd", "hello\n").named(name));
            };
            let mut world = sprocket::core::testing::World::of_real_services();
            assert!(world.try_apply(program).is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
    }
}
