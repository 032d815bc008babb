//! The conformance suite of a kind: what the engine relies on, asked of the kind's real calls through the real engine.
//!
//! Created, read back, put back after drift, updated, replaced, settled after a lost answer, killed at every boundary of the
//! journal, taken over again, moved, deleted twice. It looks at the service through an inventory of the test's own.

use super::{Crash, Fail, World};
use crate::ids::Address;
use crate::plan::{Goal, Plan, Reason};
use crate::stack::Stack;

/// How the resource is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As it is created.
    First,
    /// With a change that the object can make.
    Updated,
    /// With a change that needs a new object.
    Replaced,
    /// As at first, but under another address: `.moved_from(…)`, and with its physical name pinned.
    Moved,
}

type Hook<'a> = Box<dyn Fn() + 'a>;
type Program<'a> = Box<dyn Fn(&mut Stack, Variant) + 'a>;

/// What the suite needs of a kind. Programs declare one resource, and whatever it needs before it.
#[expect(missing_debug_implementations, reason = "it is made of closures")]
pub struct KindSuite<'a> {
    /// The address of the resource, in all variants but `Moved`.
    pub address: &'a str,
    /// Declares it.
    pub program: Program<'a>,
    /// All objects that there are at the service, by a client of the test's own.
    pub inventory: Box<dyn Fn() -> Vec<String> + 'a>,
    /// Changes the object behind the engine's back, if that can be seen.
    pub drift: Option<Hook<'a>>,
    /// Removes the object behind the engine's back, if there is one at all.
    pub remove: Option<Hook<'a>>,
    /// Whether there is a variant that updates.
    pub updates: bool,
    /// Whether there is a variant that replaces.
    pub replaces: bool,
    /// Whether an object that was forgotten is found again by its mark.
    pub marked: bool,
    /// How many boundaries of a run's journal are tried with a kill; `None` for all.
    pub kills: Option<usize>,
}

impl KindSuite<'_> {
    /// Runs the whole suite.
    ///
    /// # Panics
    /// Where the kind does not do what the engine relies on.
    pub fn run(&self) {
        let before = (self.inventory)();
        self.lives_and_dies();
        assert_eq!((self.inventory)(), before, "after the first life");
        self.survives_lost_answers();
        assert_eq!((self.inventory)(), before, "after lost answers");
        let mut changes = vec![(None, Some(Variant::First))];
        changes.extend((!self.stays_when_undeclared()).then_some((Some(Variant::First), None)));
        changes.extend(self.updates.then_some((Some(Variant::First), Some(Variant::Updated))));
        changes.extend(self.replaces.then_some((Some(Variant::First), Some(Variant::Replaced))));
        for (from, to) in changes {
            self.survives_kills(from, to);
            assert_eq!((self.inventory)(), before, "after kills from {from:?} to {to:?}");
        }
    }

    fn apply(&self, world: &mut World, variant: Option<Variant>) {
        world.apply(|stack| self.declare(stack, variant));
        self.nothing_to_do(world, variant, "right after it was applied");
    }

    fn declare(&self, stack: &mut Stack, variant: Option<Variant>) {
        // Without the resource, its surroundings stay: what declares both declares them first.
        (self.program)(stack, variant.unwrap_or(Variant::First));
        if variant.is_none() {
            stack.undeclare(&Address::from(self.address));
        }
    }

    fn plan(&self, world: &mut World, variant: Option<Variant>) -> Plan {
        world.plan(|stack| self.declare(stack, variant))
    }

    fn nothing_to_do(&self, world: &mut World, variant: Option<Variant>, when: &str) {
        let plan = self.plan(world, variant);
        assert!(plan.is_empty() && plan.problems.is_empty(), "{variant:?} {when}:\n{plan}");
    }

    fn end(&self, world: &mut World) {
        for _ in 0..2 {
            let goal = Goal::Destroyed { include_kept: true };
            let report = world.run(|stack| self.declare(stack, Some(Variant::First)), goal);
            let report = report.expect("the destroy is not refused").expect("the destroy is not killed");
            assert!(report.succeeded(), "destroy failed: {report:#?}");
        }
    }

    fn lives_and_dies(&self) {
        let mut world = World::of_real_services();
        let none = (self.inventory)();
        self.apply(&mut world, Some(Variant::First));
        let alive = (self.inventory)();
        if let Some(drift) = &self.drift {
            drift();
            let plan = self.plan(&mut world, Some(Variant::First));
            let drifted = plan.steps.iter().any(|step| step.changes.iter().any(|change| change.drift));
            assert!(drifted, "a change by somebody else is not seen:\n{plan}");
            self.apply(&mut world, Some(Variant::First));
        }
        if let Some(remove) = &self.remove {
            remove();
            let plan = self.plan(&mut world, Some(Variant::First));
            assert!(
                plan.steps.iter().any(|step| step.reason == Reason::Gone),
                "it has gone, and the plan says:\n{plan}"
            );
            self.apply(&mut world, Some(Variant::First));
            assert_eq!((self.inventory)().len(), alive.len(), "it is made again");
        }
        if self.marked {
            let engine = world.engine();
            world.block_on(engine.forget(self.address)).expect("it can be forgotten");
            self.apply(&mut world, Some(Variant::First));
            assert_eq!((self.inventory)().len(), alive.len(), "what bears our mark is taken over, not doubled");
        }
        let before = (self.inventory)();
        self.apply(&mut world, Some(Variant::Moved));
        assert_eq!((self.inventory)(), before, "a move changes nothing");
        self.end(&mut world);
        assert_eq!((self.inventory)(), none, "what is destroyed has gone");
        for variant in self.variants() {
            let mut world = World::of_real_services();
            self.apply(&mut world, Some(Variant::First));
            self.apply(&mut world, Some(variant));
            assert_eq!((self.inventory)().len(), alive.len(), "{variant:?} leaves one object");
            self.apply(&mut world, Some(Variant::First));
            self.end(&mut world);
        }
    }

    /// What holds data is kept, so a run that no longer declares it has nothing to be killed in.
    fn stays_when_undeclared(&self) -> bool {
        let mut world = World::of_real_services();
        self.apply(&mut world, Some(Variant::First));
        let stays = !self.plan(&mut world, None).kept.is_empty();
        self.end(&mut world);
        stays
    }

    fn variants(&self) -> Vec<Variant> {
        let updated = self.updates.then_some(Variant::Updated);
        updated.into_iter().chain(self.replaces.then_some(Variant::Replaced)).collect()
    }

    fn survives_lost_answers(&self) {
        for fail in [Fail::AfterEffect, Fail::NoAnswer] {
            let mut world = World::of_real_services();
            let lose = |world: &mut World, call| {
                let plan = self.plan(world, Some(Variant::First));
                let step = plan.steps.iter().find(|step| step.address.as_str() == self.address);
                if let Some(name) = step.and_then(|step| step.name.clone()) {
                    world.fail(call, name.as_str(), fail);
                }
            };
            lose(&mut world, "create");
            self.apply(&mut world, Some(Variant::First));
            if self.updates {
                let plan = self.plan(&mut world, Some(Variant::Updated));
                let step = plan.steps.iter().find(|step| step.address.as_str() == self.address);
                let name = step.and_then(|step| step.name.clone()).expect("an update knows the name");
                world.fail("update", name.as_str(), fail);
                self.apply(&mut world, Some(Variant::Updated));
            }
            self.end(&mut world);
        }
    }

    fn survives_kills(&self, from: Option<Variant>, to: Option<Variant>) {
        for crash in [Crash::Before, Crash::After] {
            for boundary in 0..self.kills.unwrap_or(usize::MAX) {
                let mut world = World::of_real_services();
                self.apply(&mut world, from);
                world.crash_at(boundary, crash);
                let program = |stack: &mut Stack| self.declare(stack, to);
                let killed = world.run(program, Goal::Declared).expect("it is not refused").is_none();
                self.apply(&mut world, to);
                self.end(&mut world);
                if !killed {
                    break;
                }
            }
        }
    }
}
