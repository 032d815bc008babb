//! The conformance suite of a kind: what the engine relies on, asked of the kind's real calls through the real engine.
//!
//! Created, read back, put back after drift, updated, replaced, settled after a lost answer, killed at every boundary of the
//! journal, taken over again, moved, deleted twice. It looks at the service through an inventory of the test's own.
//!
//! What was changed is held against what was made so from nothing, by what is read of both: a service that writes settings
//! down in its own way does so with both. Somebody else is at work too, right before a call: changes what is about to be
//! updated, or puts another in its place, and takes the name that is about to be taken.
//!
//! Whether an update sends a setting that can't be read shows only if the test's own client [tells](KindSuite::run_telling).
//! Not asked is what follows if somebody else comes between the calls that a kind makes in one step: where a service has no
//! call that only creates, looking first is all that can be done.

use serde_json::Value;

use super::{Crash, Fail, World};
use crate::base::{Address, Json};
use crate::plan::{Goal, Plan, Reason};
use crate::stack::Stack;
use crate::state::{KeySource, Object};
use crate::value::is_assigned;

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

/// What objects are like that were made from nothing.
#[derive(Default)]
struct Fresh<'t> {
    made: Vec<Made>,
    tells: Option<&'t dyn Fn() -> String>,
}

struct Made {
    variant: Variant,
    /// As it was read,
    seen: Option<Json>,
    /// and as the test's own client tells it.
    told: Option<String>,
}

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
    /// Whether an object that was forgotten is found again by its mark, and told by it from another stack's.
    pub marked: bool,
    /// How many boundaries of a run's journal are tried with a kill; `None` for all.
    pub kills: Option<usize>,
    /// Whether its calls are dropped in their middle. What a service that is another process still does then comes at any
    /// time, so this is for services in the test's own.
    pub drops: bool,
}

impl<'a> KindSuite<'a> {
    /// The suite of a kind that updates, does not replace, and puts owner tags on its objects, and whose objects nobody
    /// changes or removes behind the engine's back.
    pub fn new(
        address: &'a str,
        program: impl Fn(&mut Stack, Variant) + 'a,
        inventory: impl Fn() -> Vec<String> + 'a,
    ) -> Self {
        let (program, inventory) = (Box::new(program), Box::new(inventory));
        let (updates, replaces, marked) = (true, false, true);
        Self {
            address,
            program,
            inventory,
            drift: None,
            remove: None,
            updates,
            replaces,
            marked,
            kills: None,
            drops: false,
        }
    }

    /// Runs the whole suite.
    ///
    /// # Panics
    /// Where the kind does not do what the engine relies on.
    pub fn run(&self) {
        self.run_with(None);
    }

    /// Runs the whole suite, of a kind that can't read all that it writes: this tells how the object is set, by a client
    /// of the test's own, without what is another in each object.
    ///
    /// # Panics
    /// Where the kind does not do what the engine relies on.
    pub fn run_telling(&self, tells: impl Fn() -> String) {
        self.run_with(Some(&tells));
    }

    fn run_with(&self, tells: Option<&dyn Fn() -> String>) {
        let before = (self.inventory)();
        let fresh = self.made_from_nothing(tells);
        self.lives_and_dies(&fresh);
        assert_eq!((self.inventory)(), before, "after the first life");
        self.survives_lost_answers(&fresh);
        assert_eq!((self.inventory)(), before, "after lost answers");
        self.survives_dropped_calls(&fresh);
        assert_eq!((self.inventory)(), before, "after dropped calls");
        self.is_left_alone_if_it_has_changed(&fresh);
        self.is_left_to_who_has_its_name_now(&fresh);
        self.is_one_stacks();
        assert_eq!((self.inventory)(), before, "after others were at work");
        let mut changes = vec![(None, Some(Variant::First))];
        changes.extend((!self.stays_when_undeclared()).then_some((Some(Variant::First), None)));
        changes.extend(self.updates.then_some((Some(Variant::First), Some(Variant::Updated))));
        changes.extend(self.replaces.then_some((Some(Variant::First), Some(Variant::Replaced))));
        for (from, to) in changes {
            self.survives_kills(&fresh, from, None, to);
            assert_eq!((self.inventory)(), before, "after kills from {from:?} to {to:?}");
        }
        if let Some(remove) = &self.remove {
            self.survives_kills(&fresh, Some(Variant::First), Some(remove), Some(Variant::First));
            assert_eq!((self.inventory)(), before, "after kills of the run that makes it again");
        }
    }

    fn apply(&self, world: &mut World, variant: Option<Variant>, fresh: &Fresh<'_>) {
        world.apply(|stack| self.declare(stack, variant));
        self.nothing_to_do(world, variant, "right after it was applied");
        self.is_as_made_from_nothing(world, variant, fresh);
    }

    fn made_from_nothing<'t>(&self, tells: Option<&'t dyn Fn() -> String>) -> Fresh<'t> {
        let (none, mut made) = ((self.inventory)(), Vec::new());
        for variant in std::iter::once(Variant::First).chain(self.variants()) {
            let mut world = World::of_real_services();
            self.apply(&mut world, Some(variant), &Fresh::default());
            let seen = self.object(&world).and_then(|object| object.seen_spec().cloned());
            made.push(Made { variant, seen, told: tells.map(|tells| tells()) });
            self.end(&mut world);
            assert_eq!((self.inventory)(), none, "what is destroyed has gone");
        }
        Fresh { made, tells }
    }

    fn is_as_made_from_nothing(&self, world: &World, variant: Option<Variant>, fresh: &Fresh<'_>) {
        let Some(made) = fresh.made.iter().find(|made| Some(made.variant) == variant) else { return };
        let variant = made.variant;
        let told = fresh.tells.map(|tells| tells());
        assert_eq!(told, made.told, "{variant:?} is not as it is when it is made from nothing");
        let object = self.object(world);
        let (Some(made), Some(object)) = (&made.seen, &object) else { return };
        let Some(seen) = object.seen_spec() else { return };
        let (applied, secrets) = (object.applied.value(), &object.secrets);
        let [seen, made] = [seen, made].map(|spec| {
            let mut spec = spec.value();
            forget_choices(&mut spec, &applied);
            Json::from(&spec)
        });
        let stack = world.stack(|stack| self.declare(stack, Some(variant)));
        let node = &stack.nodes[stack.index[&Address::from(self.address)] as usize];
        let KeySource::Given(key) = &world.settings.key else { return };
        assert!(
            node.kind.equal(&seen, &made, secrets, key),
            "{variant:?} is not as it is when it is made from nothing:\n{seen:?}, and from nothing\n{made:?}"
        );
    }

    /// What is recorded of it.
    fn object(&self, world: &World) -> Option<Object> {
        let mut records = world.snapshot()?.records;
        records.remove(&Address::from(self.address))?.object
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

    fn lives_and_dies(&self, fresh: &Fresh<'_>) {
        let mut world = World::of_real_services();
        let none = (self.inventory)();
        self.apply(&mut world, Some(Variant::First), fresh);
        let alive = (self.inventory)();
        if let Some(drift) = &self.drift {
            drift();
            let plan = self.plan(&mut world, Some(Variant::First));
            let drifted = plan.steps.iter().any(|step| step.changes.iter().any(|change| change.drift));
            assert!(drifted, "a change by somebody else is not seen:\n{plan}");
            self.apply(&mut world, Some(Variant::First), fresh);
        }
        if let Some(remove) = &self.remove {
            remove();
            let plan = self.plan(&mut world, Some(Variant::First));
            assert!(
                plan.steps.iter().any(|step| step.reason == Reason::Gone),
                "it has gone, and the plan says:\n{plan}"
            );
            self.apply(&mut world, Some(Variant::First), fresh);
            assert_eq!((self.inventory)().len(), alive.len(), "it is made again");
        }
        if self.marked {
            let engine = world.engine();
            world.block_on(engine.forget(self.address)).expect("it can be forgotten");
            self.apply(&mut world, Some(Variant::First), fresh);
            assert_eq!((self.inventory)().len(), alive.len(), "what bears our mark is taken over, not doubled");
        }
        let before = (self.inventory)();
        self.apply(&mut world, Some(Variant::Moved), fresh);
        assert_eq!((self.inventory)(), before, "a move changes nothing");
        self.end(&mut world);
        assert_eq!((self.inventory)(), none, "what is destroyed has gone");
        for variant in self.variants() {
            let mut world = World::of_real_services();
            self.apply(&mut world, Some(Variant::First), fresh);
            self.apply(&mut world, Some(variant), fresh);
            assert_eq!((self.inventory)().len(), alive.len(), "{variant:?} leaves one object");
            self.apply(&mut world, Some(Variant::First), fresh);
            self.end(&mut world);
        }
    }

    /// What holds data is kept, so a run that no longer declares it has nothing to be killed in.
    fn stays_when_undeclared(&self) -> bool {
        let mut world = World::of_real_services();
        self.apply(&mut world, Some(Variant::First), &Fresh::default());
        let stays = !self.plan(&mut world, None).kept.is_empty();
        self.end(&mut world);
        stays
    }

    fn variants(&self) -> Vec<Variant> {
        let updated = self.updates.then_some(Variant::Updated);
        updated.into_iter().chain(self.replaces.then_some(Variant::Replaced)).collect()
    }

    /// Of all its calls, and of a delete that did not see that it has been made already.
    fn survives_lost_answers(&self, fresh: &Fresh<'_>) {
        for fail in [Fail::AfterEffect, Fail::NoAnswer] {
            let mut world = World::of_real_services();
            if let Some(name) = self.planned_name(&mut world, Variant::First) {
                world.fail("create", &name, fail);
            }
            self.apply(&mut world, Some(Variant::First), fresh);
            if self.updates {
                let name = self.planned_name(&mut world, Variant::Updated).expect("an update knows the name");
                world.fail("update", &name, fail);
                self.apply(&mut world, Some(Variant::Updated), fresh);
            }
            let object = self.object(&world).expect("it is recorded");
            world.fail("delete", object.name.as_str(), fail);
            self.end(&mut world);
        }
        let mut world = World::of_real_services();
        self.apply(&mut world, Some(Variant::First), fresh);
        let object = self.object(&world).expect("it is recorded");
        world.faults.delete_twice(object.name.as_str());
        self.end(&mut world);
    }

    /// A create, an update and a delete that are dropped wherever they wait.
    fn survives_dropped_calls(&self, fresh: &Fresh<'_>) {
        for polls in (1..=16).filter(|_| self.drops) {
            let mut world = World::of_real_services();
            if let Some(name) = self.planned_name(&mut world, Variant::First) {
                world.fail("create", &name, Fail::Dropped(polls));
            }
            self.apply(&mut world, Some(Variant::First), fresh);
            let object = self.object(&world).expect("it is recorded");
            let name = object.name.as_str();
            if self.updates {
                world.fail("update", name, Fail::Dropped(polls));
                self.apply(&mut world, Some(Variant::Updated), fresh);
            }
            world.fail("delete", name, Fail::Dropped(polls));
            self.end(&mut world);
        }
    }

    /// What the object will be called, as far as that is known.
    fn planned_name(&self, world: &mut World, variant: Variant) -> Option<String> {
        let plan = self.plan(world, Some(variant));
        let step = plan.steps.iter().find(|step| step.address.as_str() == self.address);
        step.and_then(|step| step.name.as_ref()).map(ToString::to_string)
    }

    /// Somebody else changes it after the plan was made again, and before the call.
    fn is_left_alone_if_it_has_changed(&self, fresh: &Fresh<'_>) {
        let (Some(drift), true) = (&self.drift, self.updates) else { return };
        let mut world = World::of_real_services();
        self.apply(&mut world, Some(Variant::First), fresh);
        let program = |stack: &mut Stack| self.declare(stack, Some(Variant::Updated));
        let report = world.run_while(program, Goal::Declared, &Address::from(self.address), drift);
        let report = report.expect("it is not refused");
        assert!(!report.succeeded(), "it was changed by somebody else after it was planned for, and is updated");
        self.apply(&mut world, Some(Variant::Updated), fresh);
        self.end(&mut world);
    }

    /// It goes, and another stack makes one of its name, after the plan was made again, and before the call.
    fn is_left_to_who_has_its_name_now(&self, fresh: &Fresh<'_>) {
        let (Some(remove), true) = (&self.remove, self.marked) else { return };
        let update = self.updates.then_some((Variant::Updated, Goal::Declared));
        let delete = (Variant::First, Goal::Destroyed { include_kept: true });
        for (variant, goal) in update.into_iter().chain([delete]) {
            let (mut ours, mut theirs) = (World::of_real_services(), World::of_real_services());
            self.apply(&mut ours, Some(Variant::First), fresh);
            let replaces = || {
                remove();
                // What was left of it, or what it needs before it, may be ours: then it has only gone.
                drop(theirs.try_apply(|stack| self.declare(stack, Some(Variant::First))));
            };
            let program = |stack: &mut Stack| self.declare(stack, Some(variant));
            let report = ours.run_while(program, goal, &Address::from(self.address), replaces);
            let updated = report.expect("it is not refused").succeeded() && variant == Variant::Updated;
            assert!(!updated, "it had gone, and what another stack made of its name is updated");
            if self.object(&theirs).is_some() {
                let when = "after it was almost taken for what was there before";
                self.nothing_to_do(&mut theirs, Some(Variant::First), when);
            }
            self.end(&mut theirs);
            self.apply(&mut ours, Some(variant), fresh);
            self.end(&mut ours);
        }
    }

    /// Another stack takes its name after the plan was made again, and before the call; which is made then, or never
    /// arrives and is asked about.
    fn is_one_stacks(&self) {
        for fail in [None, Some(Fail::NoAnswer)] {
            let (mut ours, mut theirs) = (World::of_real_services(), World::of_real_services());
            let name = self.planned_name(&mut ours, Variant::First);
            let (Some(name), true) = (name, self.marked) else { return };
            if let Some(fail) = fail {
                ours.fail("create", &name, fail);
            }
            let program = |stack: &mut Stack| self.declare(stack, Some(Variant::First));
            // What it needs before it may be had by one stack only, and is ours by then.
            let mut made = None;
            let makes = || made = theirs.try_apply(program).ok();
            let report = ours.run_while(program, Goal::Declared, &Address::from(self.address), makes);
            let report = report.expect("it is not refused");
            assert!(made.iter().all(|made| made.succeeded()), "another stack can't make it: {made:#?}");
            if let Some(other) = self.object(&theirs) {
                let is_theirs = other.name.as_str() == name;
                assert!(!report.succeeded() || !is_theirs, "another stack has its name, and it is made: {report:#?}");
                let ours_is = self.object(&ours).map(|object| object.id);
                assert_ne!(ours_is, Some(other.id), "what another stack made is recorded as ours");
                self.nothing_to_do(&mut theirs, Some(Variant::First), "after another stack wanted its name");
                self.end(&mut ours);
                self.nothing_to_do(&mut theirs, Some(Variant::First), "after the other stack was destroyed");
            }
            self.end(&mut ours);
            self.end(&mut theirs);
        }
    }

    /// Kills the run from one variant to another at each boundary, also if the object was removed by hand in between.
    fn survives_kills(
        &self,
        fresh: &Fresh<'_>,
        from: Option<Variant>,
        removed: Option<&Hook<'_>>,
        to: Option<Variant>,
    ) {
        for crash in [Crash::Before, Crash::After] {
            for boundary in 0..self.kills.unwrap_or(usize::MAX) {
                let mut world = World::of_real_services();
                self.apply(&mut world, from, fresh);
                if let Some(remove) = removed {
                    remove();
                }
                world.crash_at(boundary, crash);
                let program = |stack: &mut Stack| self.declare(stack, to);
                let killed = world.run(program, Goal::Declared).expect("it is not refused").is_none();
                self.apply(&mut world, to, fresh);
                let is_recorded = self.object(&world).is_some();
                assert_eq!(is_recorded, to.is_some(), "after a kill {crash:?} boundary {boundary}, it is recorded");
                self.end(&mut world);
                if !killed {
                    break;
                }
            }
        }
    }
}

/// What a service may choose is another choice each time.
fn forget_choices(seen: &mut Value, applied: &Value) {
    match (seen, applied) {
        (seen, Value::Object(choice)) if is_assigned(choice) => *seen = applied.clone(),
        (Value::Object(seen), Value::Object(applied)) => {
            let both = seen.iter_mut().filter_map(|(key, seen)| Some((seen, applied.get(key)?)));
            both.for_each(|(seen, applied)| forget_choices(seen, applied));
        }
        (Value::Array(seen), Value::Array(applied)) => {
            seen.iter_mut().zip(applied).for_each(|(seen, applied)| forget_choices(seen, applied));
        }
        _ => {}
    }
}
