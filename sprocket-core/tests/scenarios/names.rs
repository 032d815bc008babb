//! Names: what a resource, a scope and a provider may be called, and which object has which name at its service.

use insta::assert_snapshot;
use sprocket_core::{Address, Stack};

use super::kinds::{Lab, Net};
use super::{Story, said};

#[test]
fn names_of_scopes_and_providers_are_checked() {
    let mut story = Story::new();
    let refused = story.run(|stack: &mut Stack| {
        for scope in ["", "a b", "a/b", "a\n"] {
            stack.scope(scope, |_| ());
        }
        stack.connect(Lab::local().named("far away"));
        stack.connect(Lab::local().named("far/away"));
    });
    assert_snapshot!(said(&refused.unwrap_err()), @"
    `scope `: needs a name without spaces and slashes  (sprocket-core/tests/scenarios/names.rs:14)
    `scope a b`: needs a name without spaces and slashes  (sprocket-core/tests/scenarios/names.rs:14)
    `scope a/b`: needs a name without spaces and slashes  (sprocket-core/tests/scenarios/names.rs:14)
    `scope a
    `: needs a name without spaces and slashes  (sprocket-core/tests/scenarios/names.rs:14)
    `lab/far away`: needs a name without spaces and slashes  (sprocket-core/tests/scenarios/names.rs:16)
    `lab/far/away`: needs a name without spaces and slashes  (sprocket-core/tests/scenarios/names.rs:17)
    ");
}

#[test]
fn names_of_a_renamed_record_are_checked() {
    let story = Story::new();
    let mut world = story.world;
    world.apply(|stack| {
        stack.connect(Lab::local());
        stack.add(Net::new("a"));
    });
    let refused = |to| said(&world.block_on(world.engine().rename("lab:net/a", to)).unwrap_err());
    assert_snapshot!(["lab:net/", "lab:net", "b", "lab:net/b c", "lab:disk/b"].map(refused).join("\n"), @"
    `lab:net/a` can't become `lab:net/`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `lab:net`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `b`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `lab:net/b c`: an address has a kind and a name, as in `docker:network/edge`
    `lab:net/a` can't become `lab:disk/b`: a resource stays of its kind
    ");
    assert!(Address::parse("lab:net/scope/b").is_ok());
}
