//! Plans that are saved, and applied as they were shown.

use insta::assert_snapshot;
use sprocket::core::program::Stack;

use super::kit::{Place, Thing};

fn pantry(stack: &mut Stack) {
    stack.add(Thing::new("jar").text("plums"));
}

#[test]
fn a_plan_is_saved_looked_at_and_applied() {
    let place = Place::new("saved", "default = 'shared'\n[shared]\n").with("SPROCKET_PASSPHRASE", "hunter2");
    assert_snapshot!(place.run("plan --out jar.plan", pantry), @"
    pantry/shared of sprocket.toml
    + shelf:thing/jar
        text: plums
    1 to create.
    Saved: `apply --plan jar.plan` does exactly this, or refuses.
    exit 0
    ");
    assert!(!place.folder.path().join(".sprocket").exists(), "a plan writes nothing but its file");
    // Another program than the one that was looked at.
    let more = |stack: &mut Stack| {
        pantry(stack);
        stack.add(Thing::new("spoon"));
    };
    assert_snapshot!(place.run("apply --plan jar.plan", more), @"
    pantry/shared of sprocket.toml
    error: the plan is stale: `shelf:thing/spoon` is planned otherwise by now
      hint: nothing was changed; plan again
    exit 1
    ");
    // Nobody is asked: it was looked at.
    assert_snapshot!(place.run("apply --plan jar.plan", pantry), @"
    pantry/shared of sprocket.toml
    + shelf:thing/jar
        text: plums
    1 to create.
    … create shelf:thing/jar
    ✓ shelf:thing/jar created [1/1]
    1 created.
    Verified: 1 check passed.
    exit 0
    ");
    assert_snapshot!(place.run("apply --plan jar.plan", pantry), @"
    pantry/shared of sprocket.toml
    error: the plan is stale: the state has changed since it was made
      hint: nothing was changed; plan again
    exit 1
    ");
}

#[test]
fn what_is_no_saved_plan_is_told_from_one() {
    let place = Place::new("unsaved", "default = 'local'\n[local]\n");
    assert_snapshot!(place.run("plan --out jar.plan", pantry), @"
    pantry/local of sprocket.toml
    + shelf:thing/jar
        text: plums
    1 to create.
    error: the first plan of pantry/local can't be saved: its key is not made yet
      hint: the first `apply` makes it; or give one, with SPROCKET_PASSPHRASE
    exit 1
    ");
    assert_snapshot!(place.run("apply --plan jar.plan", pantry), @"
    pantry/local of sprocket.toml
    error: could not read the plan jar.plan: No such file or directory (os error 2)
    exit 1
    ");
    std::fs::write(place.folder.path().join("jar.plan"), "{}").unwrap();
    assert_snapshot!(place.run("apply --plan jar.plan", pantry), @"
    pantry/local of sprocket.toml
    error: jar.plan is not a saved plan: missing field `format` at line 1 column 2
      hint: `plan --out FILE` writes one
    exit 1
    ");
    assert_snapshot!(place.run("apply --plan jar.plan --target shelf:thing/jar", pantry), @"
    error: the argument '--plan <FILE>' cannot be used with '--target <ADDRESS>'

    Usage: pantry apply --plan <FILE>

    For more information, try '--help'.
    exit 1
    ");
}
