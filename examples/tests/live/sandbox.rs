//! The estate in the sandbox: a program and an empty folder, with no server, no variable and no other program in reach.

use std::process::Command;

use crate::estate::configuration;
use crate::place::{Told, copied, run};

#[test]
fn the_estate_needs_nothing_but_its_program() {
    if std::env::var_os("SPROCKET_LIVE").is_none() {
        println!("skipped: the estate in the sandbox: it takes half a minute; set SPROCKET_LIVE");
        return;
    }
    let folder = tempfile::Builder::new().prefix("sprocket-sandbox-").tempdir().unwrap();
    std::fs::write(folder.path().join("sprocket.toml"), configuration("")).unwrap();
    let program = copied("production", folder.path());
    let estate = |args: &[&str]| -> Told {
        let mut command = Command::new(&program);
        command.args(args).current_dir(folder.path()).env_clear().env("SPROCKET_FILE", "sprocket.toml");
        let told = run(command);
        println!("sandbox {:>6.1} s  {}", told.took.as_secs_f64(), args.join(" "));
        told
    };
    let told = estate(&[]).exits(0);
    let end = told.out.split_once("\n73 created.\n").unwrap_or_else(|| panic!("{told}")).1;
    insta::assert_snapshot!(end, @"
    Verified: 47 checks passed.
    The sandbox ends with this command, and its world stays beside the state: the next command finds it.
    Look at `outputs`, `state list` and `graph`; change the program and run it again; `destroy` ends the world.
    ");
    insta::assert_snapshot!(estate(&[]).exits(0).out, @"
    Nothing to do: 73 resources are as declared.
    Verified: 47 checks passed.
    The sandbox ends with this command, and its world stays beside the state: the next command finds it.
    Look at `outputs`, `state list` and `graph`; change the program and run it again; `destroy` ends the world.
    ");
    estate(&["plan", "--detailed-exit-code"]).exits(0);
    assert!(estate(&["destroy", "--yes"]).exits(0).out.ends_with("\n73 deleted.\n"));
    assert!(estate(&["state", "list"]).exits(0).out.starts_with("0 resources in"));
    assert!(!folder.path().join(".sprocket/production/sandbox/world").exists());
    // And again, in a new world.
    estate(&[]).exits(0);
}
