//! What is protected, and what holds data: neither replaced nor deleted.

use sprocket_core::engine::Goal;
use sprocket_core::program::{DraftExt as _, Stack};

use super::fake_kinds::{Pipe, Post};
use super::replacement::posts;
use super::simulated_service::{Disk, Net};
use super::story::{Story, assert_snapshot, edge};

#[test]
fn what_is_protected_is_neither_replaced_nor_deleted_even_if_undeclared() {
    let mut story = Story::new();
    let protected = |subnet: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Net::new("edge").subnet(subnet).protect());
        }
    };
    story.apply(protected("10.0.0.0/24"));
    assert_snapshot!(story.plan(protected("10.0.1.0/24")), @"
    problem: `lab:net/edge`: is protected, and a change of `subnet` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|_| ()), @"
    problem: `lab:net/edge`: is not declared any more, and is protected
      hint: `state unprotect lab:net/edge`; or declare it again without `.protect()`, and apply that
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.try_plan(protected("10.0.0.0/24"), Goal::Destroyed { include_kept: false }).unwrap(), @"
    = lab:net/edge stays as `edge`: it is protected
    Nothing to do: nothing is left to destroy.
    ");
    assert_snapshot!(story.plan(edge), @"
    · lab:net/edge  (only its record changes)
    1 to record.
    ");
    story.apply(edge);
    story.apply(|_| ());
    assert_eq!(story.world.objects(), Vec::<String>::new());
}

#[test]
fn data_is_never_replaced_and_stays_when_it_is_not_declared_any_more() {
    let mut story = Story::new();
    let disk = |driver: &'static str| {
        move |stack: &mut Stack| {
            stack.add(Disk::new("data").driver(driver));
        }
    };
    story.apply(disk("local"));
    assert_snapshot!(story.plan(disk("nfs")), @"
    problem: `lab:disk/data`: holds data that would be lost: a change of `driver` would replace it  (FILE:LINE)
      hint: undo the change, or declare a new one under another name and move the data
    1 problem: nothing can be applied until it is solved.
    ");
    assert_snapshot!(story.plan(|_| ()), @"
    = lab:disk/data  (left in place, and no longer recorded)
    = lab:disk/data stays as `data`: it holds data; no longer recorded
    1 to forget.
    ");
    story.apply(|_| ());
    assert_eq!(story.world.objects(), ["lab:disk/data"]);
    assert_snapshot!(story.plan(disk("local")), @"
    + lab:disk/data  (taken over)
    1 to take over.
    ");
    story.apply(disk("local"));
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

#[test]
fn what_is_protected_keeps_what_it_stands_on_from_being_replaced() {
    let program = |width| {
        posts(width, |stack, a| {
            stack.add(Post::new("b").on(&a.id).protect());
        })
    };
    let mut story = Story::in_yard();
    story.apply(program(1));
    assert_snapshot!(story.plan(program(2)), @"
    - yard:post/a  (before the new one is made)
    ± yard:post/a  (a new one takes its place)
        base.width: 1 → 2  (needs a new one)
    problem: `yard:post/b`: is protected, and a change of `on` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
    assert!(story.run(program(2)).is_err());
    assert_eq!(story.calls(), [""; 0]);
}

#[test]
fn a_protection_is_not_taken_away_by_the_change_that_it_forbids() {
    let net = |subnet: &'static str, protect: bool| {
        move |stack: &mut Stack| {
            let net = Net::new("edge").subnet(subnet);
            stack.add(if protect { net.protect() } else { net });
        }
    };
    let mut story = Story::new();
    story.apply(net("10.0.0.0/24", true));
    assert_snapshot!(story.plan(net("10.0.1.0/24", false)), @"
    problem: `lab:net/edge`: is protected, and a change of `subnet` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
    story.apply(net("10.0.0.0/24", false));
    story.apply(net("10.0.1.0/24", false));
}

#[test]
fn what_is_protected_is_not_replaced_by_a_trigger_either() {
    let program = |rotation: &'static str| {
        move |stack: &mut Stack| drop(stack.add(Pipe::new("a").replace_on(rotation).protect()))
    };
    let mut story = Story::in_yard();
    story.apply(program("spring"));
    assert_snapshot!(story.plan(program("autumn")), @"
    problem: `yard:pipe/a`: is protected, and a change of `replace_on` would replace it  (FILE:LINE)
      hint: take `.protect()` away and apply that first, or undo the change
    1 problem: nothing can be applied until it is solved.
    ");
}
