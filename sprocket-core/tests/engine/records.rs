//! Records that are mended by hand.

use sprocket_core::program::{DraftExt as _, Stack};

use super::simulated_service::{App, Net};
use super::story::{Story, assert_snapshot};

fn estate(stack: &mut Stack) {
    estate_on(stack, "edge");
}

fn estate_on(stack: &mut Stack, name: &str) {
    let net = stack.add(Net::new(name).named("edge"));
    stack.add(App::new("web", "app:1").net(&net.id));
}

#[test]
fn a_resource_gets_the_address_that_the_program_has_for_it_now() {
    let mut story = Story::new();
    story.apply(estate);
    let engine = story.world.engine();
    story.world.block_on(engine.rename("lab:net/edge", "lab:net/rim")).unwrap();
    let renamed = |stack: &mut Stack| estate_on(stack, "rim");
    assert_snapshot!(story.plan(renamed), @"Nothing to do: 2 resources are as declared.");
    assert_eq!(story.apply(renamed), [""; 0]);

    let refused = |from, to| story.world.block_on(engine.rename(from, to)).unwrap_err().to_string();
    assert_snapshot!(refused("lab:net/edge", "lab:net/new"), @"`lab:net/edge` is not recorded");
    assert_snapshot!(refused("lab:net/rim", "lab:app/web"), @"`lab:net/rim` can't become `lab:app/web`: something is recorded there");
    assert_snapshot!(refused("lab:net/rim", "lab:disk/rim"), @"`lab:net/rim` can't become `lab:disk/rim`: a resource stays of its kind");
}

#[test]
fn what_the_program_has_forgotten_can_be_unprotected() {
    let mut story = Story::new();
    story.apply(|stack| {
        stack.add(Net::new("edge").protect());
    });
    assert_snapshot!(story.plan(|_| ()), @"
    problem: `lab:net/edge`: is not declared any more, and is protected
      hint: `state unprotect lab:net/edge`; or declare it again without `.protect()`, and apply that
    1 problem: nothing can be applied until it is solved.
    ");
    let engine = story.world.engine();
    story.world.block_on(engine.unprotect("lab:net/edge")).unwrap();
    assert_eq!(story.apply(|_| ()), ["delete lab:net/edge"]);
    assert_snapshot!(story.world.block_on(engine.unprotect("lab:net/edge")).unwrap_err(), @"`lab:net/edge` is not recorded");
}
