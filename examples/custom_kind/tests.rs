//! A file of another owner, a file that can't be read, and names that lead out of the folder.

use std::fs;

use sprocket::prelude::*;

use super::text_file::{Folder, TextFile};

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("motd"), "mine\n").unwrap();
    let program = |stack: &mut Stack| {
        stack.connect(Folder::new(folder.path().display().to_string()));
        stack.add(TextFile::new("motd", "hello\n"));
    };
    let mut world = sprocket::core::testing::World::of_real_services();
    insta::assert_snapshot!(world.plan(program), @"
    problem: `folder:file/motd`: an object named `motd` exists already, and this stack does not own it  (examples/custom_kind/tests.rs:15)
      hint: take it over with `.adopt()` or `import folder:file/motd motd`
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(world.try_apply(program).is_err());
    assert_eq!(fs::read_to_string(folder.path().join("motd")).unwrap(), "mine\n");
}

#[test]
fn an_unreadable_file_fails_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let program = |stack: &mut Stack| {
        stack.connect(Folder::new(folder.path().display().to_string()));
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
            stack.connect(Folder::new(folder.path().join("files").display().to_string()));
            stack.add(TextFile::new("motd", "hello\n").named(name));
        };
        let mut world = sprocket::core::testing::World::of_real_services();
        assert!(world.try_apply(program).is_err(), "{name}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was written");
}
