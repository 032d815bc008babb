//! The commands on state: locks, lists, outputs, imports, the graph.

use std::sync::Arc;

use insta::assert_snapshot;
use sprocket::core::program::{DraftExt as _, Password, Stack};
use sprocket::core::state::{Holder, MemoryStore, StateStore};

use super::kit::{Chest, LOCAL, Place, Thing};

fn pantry(stack: &mut Stack) {
    let password = stack.add(Password::new("door"));
    let jar = stack.add(Thing::new("jar").text("plums").protect());
    stack.scope("lower", |stack| stack.add(Thing::new("spoon").beside(&jar.name).lock(&password.value)));
    stack.add(Chest::new("linen"));
    stack.output("weight", &jar.weight);
    stack.output("door", &password.value);
}

#[test]
fn what_is_recorded_can_be_listed_shown_and_forgotten() {
    let place = Place::new("recorded", LOCAL);
    assert_snapshot!(place.run("state list", pantry), @"
    Nothing is recorded of pantry/local yet.
    exit 0
    ");
    place.run("--yes", pantry);
    assert_snapshot!(place.run("state list", pantry), @"
    Not checked, as no key is asked for here: whoever can write the state may have written this.
    random:password/door  `door`
    shelf:chest/linen  `linen`
    shelf:thing/jar  `jar`  (protected)
    shelf:thing/lower/spoon  `lower-spoon`
    4 resources in .sprocket/pantry/local, serial 11.
    exit 0
    ");
    let shown = place.run("state show shelf:thing/lower/spoon", pantry);
    assert!(shown.contains("\"$secret\": true") && !shown.contains("$sealed"), "{shown}");
    assert_snapshot!(place.run("state show shelf:thing/spoon", pantry), @"
    error: `shelf:thing/spoon` is not recorded
      hint: did you mean `shelf:thing/lower/spoon`?
    exit 1
    ");
    assert_snapshot!(place.run("state forget shelf:chest/linen", pantry), @"
    `shelf:chest/linen` is no longer recorded. `linen` is still there.
    exit 0
    ");
    assert_snapshot!(place.run("state forget shelf:chest/linen", pantry), @"
    error: `shelf:chest/linen` is not recorded
      hint: `state list` shows what is
    exit 1
    ");
    assert!(place.things().contains(&"linen".to_owned()));
}

#[test]
fn outputs_hide_secrets_until_they_are_revealed() {
    let place = Place::new("outputs", LOCAL);
    assert_snapshot!(place.run("outputs", pantry), @"
    No outputs are recorded of pantry/local.
    exit 0
    ");
    place.run("--yes", pantry);
    assert_snapshot!(place.run("outputs", pantry), @"
    Not checked, as no key is asked for here: whoever can write the state may have written this.
    door   = (secret)
    weight = 5
    exit 0
    ");
    assert_snapshot!(place.run("outputs --json", pantry), @r#"
    {
      "door": {
        "$secret": true
      },
      "weight": 5
    }
    exit 0
    "#);
    let revealed = place.run("outputs --reveal", pantry);
    let door = revealed.lines().find_map(|line| line.strip_prefix("door   = ")).unwrap();
    assert!(door.len() >= 16 && door != "(secret)", "{revealed}");
}

#[test]
fn an_object_that_exists_is_imported() {
    let place = Place::new("import", LOCAL);
    let other = Place::new("import", LOCAL);
    other.run("--yes", |stack| {
        stack.add(Thing::new("jar").text("pears"));
    });
    assert_snapshot!(place.run("import shelf:thing/jra jar", pantry), @"
    pantry/local of sprocket.toml
    error: `shelf:thing/jra` is not declared
      hint: did you mean `shelf:thing/jar`?
    exit 1
    ");
    assert_snapshot!(place.run("import shelf:thing/jar nothing", pantry), @"
    pantry/local of sprocket.toml
    error: `shelf:thing/jar` can't be imported: there is no `nothing`
    exit 1
    ");
    assert_snapshot!(place.run("import shelf:thing/jar jar", pantry), @"
    pantry/local of sprocket.toml
    `shelf:thing/jar` is recorded as `jar`. Nothing was changed; `plan` shows how it differs.
    exit 0
    ");
    assert_snapshot!(place.run("import shelf:thing/jar jar", pantry), @"
    pantry/local of sprocket.toml
    error: `shelf:thing/jar` can't be imported: it is recorded already
    exit 1
    ");
}

#[test]
fn the_graph_is_drawn_without_any_service() {
    let place = Place::new("graph", LOCAL);
    place.world().is_gone = true;
    assert_snapshot!(place.run("graph", pantry), @r#"
    digraph "pantry" {
        rankdir = LR;
        node [shape = box];
        "random:password/door" [tooltip = "sprocket/tests/program/states.rs:LINE"];
        "shelf:thing/jar" [tooltip = "sprocket/tests/program/states.rs:LINE"];
        "shelf:thing/lower/spoon" [tooltip = "sprocket/tests/program/states.rs:LINE"];
        "shelf:thing/lower/spoon" -> "random:password/door";
        "shelf:thing/lower/spoon" -> "shelf:thing/jar";
        "shelf:chest/linen" [tooltip = "sprocket/tests/program/states.rs:LINE"];
    }
    exit 0
    "#);
}

#[test]
fn a_lock_is_told_waited_for_and_broken_by_its_id() {
    let mut place = Place::new("locked", LOCAL);
    let store = MemoryStore::new();
    place.store = Some(Arc::new(store.clone()));
    let holder = Holder {
        id: "3f9a".into(),
        who: "bob@far, process 12".into(),
        command: "apply".into(),
        since: "2026-01-01T10:00:00Z".parse().unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lock = runtime.block_on(store.lock(&holder)).unwrap();
    assert_snapshot!(place.run("--yes", pantry), @"
    pantry/local of sprocket.toml
    ! the state is locked by bob@far, process 12 since 2026-01-01T10:00:00Z (`apply`): this plan may change until that has ended
    + random:password/door
    + shelf:thing/jar
        text: plums
    + shelf:thing/lower/spoon `lower-spoon`
        beside: jar
        lock:   (known after random:password/door)
    + shelf:chest/linen
    output door: (none) → (known after random:password/door)
    output weight: (none) → (known after shelf:thing/jar)
    4 to create.
    error: the state is locked by bob@far, process 12 since 2026-01-01T10:00:00Z (`apply`)
      hint: wait until it has ended; if bob@far, process 12 is gone for good, break its lock: `state unlock 3f9a`
    exit 4
    ");
    assert_snapshot!(place.run("--yes --lock-timeout 1", pantry), @"
    pantry/local of sprocket.toml
    ! the state is locked by bob@far, process 12 since 2026-01-01T10:00:00Z (`apply`): this plan may change until that has ended
    + random:password/door
    + shelf:thing/jar
        text: plums
    + shelf:thing/lower/spoon `lower-spoon`
        beside: jar
        lock:   (known after random:password/door)
    + shelf:chest/linen
    output door: (none) → (known after random:password/door)
    output weight: (none) → (known after shelf:thing/jar)
    4 to create.
    the state is locked by bob@far, process 12 since 2026-01-01T10:00:00Z (`apply`); waiting up to 1s
    error: the state is locked by bob@far, process 12 since 2026-01-01T10:00:00Z (`apply`)
      hint: wait until it has ended; if bob@far, process 12 is gone for good, break its lock: `state unlock 3f9a`
    exit 4
    ");
    assert_snapshot!(place.run("doctor", pantry), @"
    pantry/local of sprocket.toml
    ✓ configuration: complete
    ✓ state: none yet in memory
    ✗ lock: held by bob@far, process 12 since 2026-01-01T10:00:00Z (`apply`)
      remedy: wait until it has ended; if it is gone for good: `state unlock 3f9a`
    ✓ folder: .sprocket can be written
    ✓ shelf: is the shelf
    1 thing to mend.
    exit 1
    ");
    assert_snapshot!(place.run("state unlock 1234", pantry), @"
    error: no lock has the id `1234`
      hint: the error of the command that found the state locked says the id
    exit 1
    ");
    assert_snapshot!(place.run("state unlock 3f9a", pantry), @"
    The lock `3f9a` is broken.
    exit 0
    ");
    assert!(place.run("--yes", pantry).ends_with("exit 0"));
    drop(lock);
}

#[test]
fn doctor_finds_nothing_where_all_is_well() {
    let place = Place::new("well", LOCAL);
    place.run("--yes", pantry);
    assert_snapshot!(place.run("doctor", pantry), @"
    pantry/local of sprocket.toml
    ✓ configuration: complete
    ✓ state: 4 resources in .sprocket/pantry/local
    ✓ lock: free
    ✓ folder: .sprocket can be written
    ✓ shelf: is the shelf
    All is well.
    exit 0
    ");
    let place = Place::new("well", "[production]\n");
    assert_snapshot!(place.run("doctor --env production", pantry), @"
    ✗ configuration: environment `production` has no key, and its secrets could not be kept
      remedy: set SPROCKET_PASSPHRASE; or SPROCKET_PASSPHRASE_FILE to a file that has it; or SPROCKET_IDENTITY_FILE to an age identity, which `age-keygen -o FILE` makes
    1 thing to mend.
    exit 1
    ");
}

#[test]
fn records_are_mended_by_hand() {
    let place = Place::new("mended", "default = 'local'\n[local]\n");
    let protected = |stack: &mut Stack| {
        stack.add(Thing::new("jar").protect());
    };
    place.run("--yes", protected);
    assert_snapshot!(place.run("state mv shelf:thing/jar shelf:thing/pot", protected), @"
    `shelf:thing/jar` is recorded as `shelf:thing/pot` now.
    exit 0
    ");
    assert_snapshot!(place.run("state mv shelf:thing/jug shelf:thing/pot", protected), @"
    error: `shelf:thing/jug` is not recorded
      hint: `state list` shows what is
    exit 1
    ");
    assert_snapshot!(place.run("state unprotect shelf:thing/pot", protected), @"
    `shelf:thing/pot` is not protected any more.
    exit 0
    ");
    assert_snapshot!(place.run("state list", protected), @"
    Not checked, as no key is asked for here: whoever can write the state may have written this.
    shelf:thing/pot  `jar`
    1 resource in .sprocket/pantry/local, serial 5.
    exit 0
    ");
}

#[test]
fn what_was_recorded_before_is_listed_with_what_changed_since() {
    let place = Place::new("history", LOCAL);
    assert_snapshot!(place.run("state history", |_| ()), @"
    Nothing is recorded of pantry/local yet.
    exit 0
    ");
    for text in ["plums", "pears", "figs", "dates"] {
        place.run("apply --yes", |stack| {
            for jar in ["a", "b", "c", "d", "e"] {
                stack.add(Thing::new(jar).text(text));
            }
            stack.add(Thing::new(text));
        });
    }
    let told = place.run("state history", |_| ());
    // Times are others each time.
    let told = told.replace(char::is_numeric, "#");
    assert_snapshot!(told, @"
    serial #  ####-##-## ##:##:## UTC  # resources  .sprocket/pantry/local/history/######-serial-#.json
    serial ##  # resources: # new  now
    exit #
    ");
}

#[test]
fn a_state_of_another_environment_is_refused_until_it_is_claimed() {
    let place = Place::new("claimed", "default = 'shop'\n[shop]\n[depot]\n")
        .with("SPROCKET_PASSPHRASE", "correct horse battery");
    place.run("--yes", pantry);
    let folder = |environment: &str| place.folder.path().join(".sprocket/pantry").join(environment);
    std::fs::create_dir_all(folder("depot")).unwrap();
    for file in ["state.json", "journal"] {
        let _ = std::fs::copy(folder("shop").join(file), folder("depot").join(file));
    }
    let things = place.things();
    let refused = place.run("destroy --yes --env depot", |_| ());
    assert!(refused.contains("of `pantry/shop` of the program `program`, and this is `pantry/depot`"), "{refused}");
    assert_eq!(place.things(), things, "nothing is deleted");
    assert!(place.run("state claim --env depot", pantry).contains("is of pantry/depot now"));
    assert!(place.run("plan --env depot", pantry).contains("Nothing to do"));
}

#[test]
fn an_earlier_state_that_came_back_is_noticed() {
    let place = Place::new("older", LOCAL);
    place.run("--yes", pantry);
    let folder = place.folder.path().join(".sprocket/pantry/local");
    let read = |file: &str| std::fs::read(folder.join(file)).ok();
    let earlier = ["state.json", "journal"].map(|file| (file, read(file)));
    place.run("--yes", |stack| {
        pantry(stack);
        stack.add(Thing::new("pot"));
    });
    for (file, content) in earlier {
        let _ = std::fs::remove_file(folder.join(file));
        if let Some(content) = content {
            std::fs::write(folder.join(file), content).unwrap();
        }
    }
    let refused = place.run("--yes", pantry);
    assert!(refused.contains("is not the last one: it has serial"), "{refused}");
    assert!(place.run("plan --older", pantry).contains("exit 0"));
    assert!(place.run("plan --older --at-least 1000", pantry).contains("should have at least 1000"));
}
