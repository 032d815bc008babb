//! Environments, keys and where the file is.

use insta::assert_snapshot;
use sprocket::core::program::Stack;

use super::kit::{Place, Thing};

const FILE: &str = "[local]\n[production]\n";

fn pantry(stack: &mut Stack) {
    stack.add(Thing::new("jar"));
}

#[test]
fn an_environment_must_be_chosen() {
    let place = Place::new("environments", FILE);
    assert_snapshot!(place.run("plan", pantry), @r#"
    error: no environment was chosen
      hint: sprocket.toml has `local`, `production`; add `--env NAME`, set SPROCKET_ENV, or write `default = "NAME"` in its first line
    exit 1
    "#);
    assert_snapshot!(place.run("plan --env prodution", pantry), @"
    error: there is no environment `prodution`
      hint: did you mean `production`? sprocket.toml has `local`, `production`
    exit 1
    ");
    assert!(place.run("plan --env local", pantry).ends_with("exit 0"));
    assert!(place.run("--env local plan", pantry).ends_with("exit 0"));
    assert!(place.with("SPROCKET_ENV", "local").run("plan", pantry).ends_with("exit 0"));
    assert_snapshot!(Place::new("environments", "").run("plan", pantry), @r#"
    error: no environment was chosen
      hint: sprocket.toml has no environments yet; one is a table: `[local]`; add `--env NAME`, set SPROCKET_ENV, or write `default = "NAME"` in its first line
    exit 1
    "#);
    assert_snapshot!(Place::new("environments", "default = 'prod'\n[local]\n").run("plan", pantry), @"
    error: there is no environment `prod`
      hint: sprocket.toml has `local`
    exit 1
    ");
    assert_snapshot!(Place::new("environments", "[\"../up\"]\n").run("plan --env ../up", pantry), @"
    error: `../up` can't be the name of an environment
      hint: it is the name of a folder too: letters, digits, `-` and `_`
    exit 1
    ");
}

#[test]
fn production_needs_a_key_before_anything_else() {
    let place = Place::new("keyless", "[production]\nunknown = 1\n");
    assert_snapshot!(place.run("plan --env production", pantry), @"
    error: environment `production` has no key, and its secrets could not be kept
      hint: set SPROCKET_PASSPHRASE; or SPROCKET_PASSPHRASE_FILE to a file that has it; or SPROCKET_IDENTITY_FILE to an age identity, which `age-keygen -o FILE` makes
    exit 1
    ");
    let place = place.with("SPROCKET_PASSPHRASE", "a").with("SPROCKET_IDENTITY_FILE", "b");
    assert_snapshot!(place.run("plan --env production", pantry), @"
    error: SPROCKET_PASSPHRASE and SPROCKET_IDENTITY_FILE are set; which one counts?
    exit 1
    ");
    let place = Place::new("keyless", "[production]\n").with("SPROCKET_IDENTITY_FILE", "nowhere.txt");
    assert_snapshot!(place.run("plan --env production", pantry), @"
    error: could not read nowhere.txt (from SPROCKET_IDENTITY_FILE): No such file or directory (os error 2)
    exit 1
    ");
}

#[test]
fn local_makes_a_key_beside_its_state_and_keeps_to_it() {
    let place = Place::new("own-key", FILE);
    place.run("--env local --yes", pantry);
    assert!(place.folder.path().join(".sprocket/pantry/local/key.txt").is_file());
    assert!(place.folder.path().join(".sprocket/.gitignore").is_file());
    let place = place.with("SPROCKET_PASSPHRASE", "of another environment");
    assert!(place.run("plan --env local", pantry).ends_with("exit 0"));
}

#[test]
fn another_identity_opens_nothing() {
    let write = |place: &Place, name: &str| {
        let identity = sprocket::core::state::generate_identity();
        std::fs::write(place.folder.path().join(name), identity.expose()).unwrap();
    };
    let place = Place::new("identities", FILE).with("SPROCKET_IDENTITY_FILE", "first.txt");
    write(&place, "first.txt");
    write(&place, "second.txt");
    assert!(place.run("--env production --yes", pantry).ends_with("exit 0"));
    let place = place.with("SPROCKET_IDENTITY_FILE", "second.txt");
    assert_snapshot!(place.run("plan --env production", pantry), @"
    pantry/production of sprocket.toml
    error: the age identity from second.txt is not one that the stack's key was protected for
      hint: let second.txt be the identity file with which the stack was first applied
    exit 1
    ");
}

#[test]
fn the_file_is_looked_for_beside_the_program_and_upwards() {
    let place = Place::new("looked-for", "default = 'local'\n[local]\n");
    let without = |place: Place| place.with("SPROCKET_FILE", "");
    let place = without(place);
    assert!(place.run("plan", pantry).ends_with("exit 0"), "in the working directory");
    std::fs::remove_file(place.folder.path().join("sprocket.toml")).unwrap();
    assert_snapshot!(place.run("plan", pantry), @"
    error: there is no sprocket.toml: not beside sprocket/tests/program/kit.rs, and not in FOLDER or above
      hint: write one next to the program, with a table for each environment: `[local]`; or `--file PATH`
    exit 1
    ");
    assert_snapshot!(place.run("plan --file other.toml", pantry), @"
    error: could not read other.toml: No such file or directory (os error 2)
    exit 1
    ");
    // Beside the source file, as a workspace and as a package see it.
    let source = std::path::Path::new(file!()).parent().unwrap();
    let beside = place.folder.path().join(source);
    std::fs::create_dir_all(&beside).unwrap();
    std::fs::write(beside.join("kit.rs"), "").unwrap();
    std::fs::write(beside.join("sprocket.toml"), "[other]\n").unwrap();
    assert_snapshot!(place.run("plan", pantry), @r#"
    error: no environment was chosen
      hint: sprocket/tests/program/sprocket.toml has `other`; add `--env NAME`, set SPROCKET_ENV, or write `default = "NAME"` in its first line
    exit 1
    "#);
    std::fs::rename(beside.join("sprocket.toml"), beside.parent().unwrap().join("sprocket.toml")).unwrap();
    assert!(place.run("plan --env other", pantry).contains("has no key"), "above it");
    std::fs::write(beside.join("Cargo.toml"), "").unwrap();
    assert!(place.run("plan --env other", pantry).contains("there is no sprocket.toml"), "not above its package");
}

#[test]
fn a_wrong_command_line_is_a_failure_and_help_is_none() {
    let place = Place::new("command-line", FILE);
    assert_snapshot!(place.run("aply", pantry), @"
    error: unrecognized subcommand 'aply'

      tip: a similar subcommand exists: 'apply'

    Usage: pantry [OPTIONS] [COMMAND]

    For more information, try '--help'.
    exit 1
    ");
    assert_snapshot!(place.run("--yes plan", pantry), @"
    error: options of a command stand after it
      hint: `--help` shows them
    exit 1
    ");
    assert_snapshot!(place.run("--help", pantry), @"
    Without a command: shows what is to be done, asks, does it, and verifies it.

    Usage: pantry [OPTIONS] [COMMAND]

    Commands:
      plan     Shows what is to be done; changes nothing
      apply    Shows what is to be done, asks, does it, and verifies it
      destroy  Deletes everything that is recorded, but for what is kept
      drift    Shows what others have changed; changes nothing, and exits like `plan`
      refresh  Records what others have changed as it is, without changing anything: it is no drift any more
      import   Records an object that exists as a resource of the program
      verify   Asks everything that is applied whether it works
      outputs  Shows the outputs
      graph    Shows the resources and what they wait for, in the language of Graphviz
      doctor   Looks for what would keep the program from working, with the remedy for each
      state    Looks at and mends what is recorded

    Options:
      -e, --env <NAME>              The environment: a table of sprocket.toml [variable: SPROCKET_ENV]
          --file <PATH>             The configuration, if it is not the sprocket.toml next to the program [variable: SPROCKET_FILE]
          --parallel <N>            How many calls are made at once, over all services
          --forgotten <PROVIDER>    Connect to this provider, which only the state knows any more, to delete what it made. Can be repeated
          --older                   Go on with an earlier state than the last one that was seen here
          --at-least <SERIAL>       Refuse a state with a lower serial: for machines that remember none
          --target <ADDRESS>        Only this resource and what it needs; `*` at the end stands for all that begin so. Can be repeated
          --exclude <ADDRESS>       Not this resource, nor what needs it; `*` at the end stands for all that begin so. Can be repeated
          --replace <ADDRESS>       Makes a new one of this resource, though nothing about it has changed. Can be repeated
          --allow <ADDRESS>         Lets this resource be deleted or replaced, though the program allows fewer. Can be repeated
          --plan <FILE>             Does what this plan says, which `plan --out` saved; refuses if it is another by now. Nobody is asked
      -y, --yes                     Does it without asking
          --continue-on-error       Goes on with what does not depend on a failure
          --lock-timeout <SECONDS>  How long to wait for somebody else's lock
          --json                    One JSON object a line; nobody is asked
      -h, --help                    Print help
      -V, --version                 Print version

    Exit codes: 0 done or nothing to do, 1 failed, 2 changes are pending (only with --detailed-exit-code),
    3 applied but not verified, 4 locked by somebody else, 130 interrupted.
    exit 0
    ");
}
