//! Settings of providers that `sprocket.toml` overrides.

use insta::assert_snapshot;
use sprocket::core::program::Stack;

use super::kit::{Place, ShelfDraft, Thing, world};

fn pantry(stack: &mut Stack) {
    stack.add(Thing::new("jar").text("jam"));
}

#[test]
fn another_place_is_used_and_said() {
    let place = Place::new("here", "[local]\n[local.providers.shelf]\nplace = 'there'\n");
    assert_snapshot!(place.run("apply --env local --yes", pantry), @"
    pantry/local of sprocket.toml
    shelf: place = there (from sprocket.toml:3)
    + shelf:thing/jar
        text: jam
    1 to create.
    … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/1]
    1 created.
    Verified: 1 check passed.
    exit 0
    ");
    assert_eq!(place.things(), Vec::<String>::new());
    assert!(world("there").things.contains_key("jar"));
    assert_snapshot!(place.run("doctor --env local", pantry), @"
    pantry/local of sprocket.toml
    shelf: place = there (from sprocket.toml:3)
    ✓ configuration: complete
    ✓ state: 1 resource in .sprocket/pantry/local
    ✓ lock: free
    ✓ folder: .sprocket can be written
    ✓ shelf: is the shelf
    All is well.
    exit 0
    ");
    let said = place.run("plan --env local --json", pantry);
    assert_snapshot!(said.lines().next().unwrap(), @r#"{"version":1,"type":"override","from":"sprocket.toml:3","provider":"shelf","setting":"place","value":"there"}"#);
}

#[test]
fn one_of_several_is_meant_by_its_name() {
    let place = Place::new("one-of-several", "[local.providers.'shelf/far']\nplace = 'far away'\nboards = 4\n");
    let declare = |stack: &mut Stack| {
        stack.connect(ShelfDraft::new("near"));
        let far = stack.connect(ShelfDraft::new("not here").named("far"));
        stack.on(&far).add(Thing::new("jar"));
    };
    let said = place.start("apply --env local --yes", |stack: &mut Stack, (): &()| declare(stack)).1;
    assert_snapshot!(said, @"
    pantry/local of sprocket.toml
    shelf/far: place = far away (from sprocket.toml:2)
    shelf/far: boards = 4 (from sprocket.toml:3)
    + shelf:thing/jar
    1 to create.
    … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/1]
    1 created.
    Verified: 1 check passed.
    ");
    assert_eq!(world("far away").things.len(), 1);
}

#[test]
fn an_overridden_setting_waits_for_nothing() {
    let declare = |stack: &mut Stack| {
        let jar = stack.add(Thing::new("jar").text("jam"));
        let inner = stack.connect(ShelfDraft::new(jar.weight.map(|weight| format!("inner-{weight}"))).named("inner"));
        stack.on(&inner).add(Thing::new("lid"));
    };
    let waits = Place::new("inner", "[local]\n").run("plan --env local", declare);
    let known = Place::new("inner", "[local.providers.'shelf/inner']\nplace = 'inner-0'\n");
    world("inner-0").is_gone = true;
    assert!(waits.ends_with("exit 0"), "{waits}");
    assert_snapshot!(known.run("plan --env local", declare), @"
    pantry/local of sprocket.toml
    shelf/inner: place = inner-0 (from sprocket.toml:2)
    error: could not reach `shelf/inner`: nobody answers at `inner-0`
      hint: put the shelf back
    exit 1
    ");
}

#[test]
fn a_setting_that_is_not_overridden_still_waits() {
    let declare = |stack: &mut Stack| {
        let jar = stack.add(Thing::new("jar").text("jam"));
        let cupboard = ShelfDraft::new(jar.weight.map(|weight| format!("cupboard-{weight}")))
            .boards(jar.weight.map(|_| 5_u32))
            .key("hunter2")
            .named("cupboard");
        let cupboard = stack.connect(cupboard);
        stack.on(&cupboard).add(Thing::new("lid"));
    };
    let place = Place::new("cupboard", "[local.providers.'shelf/cupboard']\nplace = 'cupboard-9'\n");
    // It would be asked, and would not answer.
    world("cupboard-9").is_gone = true;
    let planned = place.run("plan --env local", declare);
    assert!(planned.ends_with("exit 0"), "{planned}");
    world("cupboard-9").is_gone = false;
    let applied = place.run("apply --env local --yes", declare);
    assert!(applied.ends_with("exit 0"), "{applied}");
    assert!(world("cupboard-9").things.contains_key("lid"));
    assert!(place.run("plan --env local --detailed-exit-code", declare).ends_with("exit 0"));
}

#[test]
fn what_does_not_fit_is_refused_at_its_place() {
    let check = |table: &str| Place::new("unfit", &format!("[local]\n{table}\n")).run("plan --env local", pantry);
    assert_snapshot!(check("[local.providers.shelf]\nplaec = 'a'\nvolume = 3\nboards = 'many'\nkey = 'hunter2'"), @r#"
    pantry/local of sprocket.toml
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:1: `[local.providers.shelf]` has no setting `plaec`; did you mean `place`?
      sprocket.toml:4:1: `[local.providers.shelf]` has no setting `volume`; it has place, boards, key
      sprocket.toml:5:1: `boards` in `[local.providers.shelf]`: invalid type: string "many", expected u32
      sprocket.toml:6:1: `key` in `[local.providers.shelf]` is a secret, and secrets don't belong into this file: the program gives it
    exit 1
    "#);
    assert_snapshot!(check("[local.providers.shelve]\nplace = 'a'\n[local.providers.docker]\naddress = 'a'"), @"
    pantry/local of sprocket.toml
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:1: `[local.providers.shelve]`: the program connects no `shelve`; it connects shelf
      sprocket.toml:5:1: `[local.providers.docker]`: the program connects no `docker`; it connects shelf
    exit 1
    ");
    assert_snapshot!(check("providers = 3"), @"
    pantry/local of sprocket.toml
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:13: `[local.providers]` is a table of settings
    exit 1
    ");
    assert_snapshot!(check("[local.providers]\nshelf = 3"), @"
    pantry/local of sprocket.toml
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:9: `[local.providers.shelf]` is a table of settings
    exit 1
    ");
    assert_snapshot!(check("[local.providers.shelf]\nkey = { '$given' = 'hunter2' }"), @"
    pantry/local of sprocket.toml
    error: environment `local` is not configured as the program expects
      sprocket.toml:3:1: `key` in `[local.providers.shelf]` is a secret, and secrets don't belong into this file: the program gives it
    exit 1
    ");
}

#[test]
fn the_table_is_none_of_the_programs() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "it is printed")]
    struct Config {
        providers: Option<u32>,
    }
    assert_snapshot!(Place::new("taken", "[local]\n").configure::<Config>(), @"
    error: environment `local` is not configured as the program expects
      sprocket.toml:1:1: the program's configuration has a field `providers`, which in this file is the table that overrides settings of providers: call the field otherwise
    ");
}

#[test]
fn what_a_locked_one_has_is_planned_once_it_is_unlocked() {
    let mut place = Place::new("cellar", "[local]\n");
    let declare = |wine: &'static str| {
        move |stack: &mut Stack| {
            let key = stack.add(Thing::new("key").text("turned"));
            let chamber = ShelfDraft::new(key.weight.map(|_| "chamber".to_owned())).named("chamber");
            let chamber = stack.connect(chamber);
            stack.on(&chamber).add(Thing::new("wine").text(wine));
        }
    };
    assert!(place.run("apply --env local --yes", declare("red")).ends_with("exit 0"));
    let lock = || {
        world("cellar").things.get_mut("key").unwrap().0.text = "loose".into();
        world("cellar").unlocks = Some(("key".into(), "chamber"));
        world("chamber").is_locked = true;
    };

    lock();
    assert!(place.run("plan --env local --detailed-exit-code", declare("red")).ends_with("exit 2"));
    assert_snapshot!(place.run("apply --env local --yes", declare("white")), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/key  (changed by somebody else)
        text: loose → turned
    … shelf:thing/wine is read after `shelf:thing/key`
    1 to update, 1 to read later.
    … update shelf:thing/key
    ✓ shelf:thing/key updated [1/1]
    1 updated.
    ~ shelf:thing/wine
        text: red → white
    1 to update, 1 unchanged.
    … update shelf:thing/wine
    ✓ shelf:thing/wine updated [1/1]
    1 updated.
    Verified: 2 checks passed.
    exit 0
    ");

    lock();
    place.typed = Some("y\nn\n");
    assert_snapshot!(place.run("apply --env local", declare("rosé")), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/key  (changed by somebody else)
        text: loose → turned
    … shelf:thing/wine is read after `shelf:thing/key`
    1 to update, 1 to read later.
    Apply this to pantry/local? [y/N] … update shelf:thing/key
    ✓ shelf:thing/key updated [1/1]
    1 updated.
    ~ shelf:thing/wine
        text: white → rosé
    1 to update, 1 unchanged.
    Apply this to pantry/local? [y/N] error: not confirmed; nothing of this was done
    exit 1
    ");

    // With nothing to do behind the lock, nothing more is said or asked.
    lock();
    place.typed = Some("y\n");
    assert_snapshot!(place.run("apply --env local", declare("white")), @"
    pantry/local of sprocket.toml
    ~ shelf:thing/key  (changed by somebody else)
        text: loose → turned
    … shelf:thing/wine is read after `shelf:thing/key`
    1 to update, 1 to read later.
    Apply this to pantry/local? [y/N] … update shelf:thing/key
    ✓ shelf:thing/key updated [1/1]
    1 updated.
    Verified: 2 checks passed.
    exit 0
    ");
}
