//! The estate in the sandbox: a program and an empty folder, with no server, no variable and no other program in reach.

use std::path::PathBuf;
use std::process::Command;

use crate::estate::configuration;
use crate::place::{Told, copied, run};

/// The estate's program in a folder of its own.
pub(crate) struct SandboxedEstate {
    folder: tempfile::TempDir,
    program: PathBuf,
}

impl SandboxedEstate {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sprocket-sandbox-").tempdir().unwrap();
        std::fs::write(folder.path().join("sprocket.toml"), configuration("")).unwrap();
        Self { program: copied("production", folder.path()), folder }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join(".sprocket/production/sandbox")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.folder.path()).env_clear().env("SPROCKET_FILE", "sprocket.toml");
        command
    }

    fn run(&self, args: &[&str]) -> Told {
        let told = run(self.command(args)).exits(0);
        println!("sandbox {:>6.1} s  {}", told.took.as_secs_f64(), args.join(" "));
        told
    }

    /// With everything in its log.
    pub(crate) fn loudly(&self, args: &[&str]) -> Told {
        let mut command = self.command(args);
        command.env("RUST_LOG", "trace");
        run(command).exits(0)
    }
}

#[test]
fn the_estate_needs_nothing_but_its_program() {
    if std::env::var_os("SPROCKET_LIVE").is_none() {
        println!("skipped: the estate in the sandbox: it takes half a minute; set SPROCKET_LIVE");
        return;
    }
    let estate = SandboxedEstate::new();
    let told = estate.run(&[]);
    let end = told.out.split_once("\n73 created.\n").unwrap_or_else(|| panic!("{told}")).1;
    insta::assert_snapshot!(end, @"
    Verified: 47 checks passed.
    The sandbox ends with this command, and its world stays beside the state: the next command finds it.
    Look at `outputs`, `state list` and `graph`; change the program and run it again; `destroy` ends the world.
    ");
    insta::assert_snapshot!(estate.run(&[]).out, @"
    Nothing to do: 73 resources are as declared.
    Verified: 47 checks passed.
    The sandbox ends with this command, and its world stays beside the state: the next command finds it.
    Look at `outputs`, `state list` and `graph`; change the program and run it again; `destroy` ends the world.
    ");
    estate.run(&["plan", "--detailed-exit-code"]);
    assert!(estate.run(&["destroy", "--yes"]).out.ends_with("\n73 deleted.\n"));
    assert!(estate.run(&["state", "list"]).out.starts_with("0 resources in"));
    assert!(!estate.state().join("world").exists());
    // And again, in a new world.
    estate.run(&[]);
}
