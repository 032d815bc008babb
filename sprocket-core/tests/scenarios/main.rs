//! What the engine does in each situation that a deployment gets into, told as stories: a program, what happens to it or to
//! the world, and what must come out. `docs/scenarios.md` lists them all.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod adoption;
mod attic;
mod basics;
mod beside;
mod drift;
mod exclusive;
mod first_plan;
mod foreign_texts;
mod forged;
mod hosts;
mod in_doubt;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../engine/kinds.rs"]
mod kinds;
mod moves;
mod names;
mod old_objects;
mod order;
mod orphans;
mod outputs;
mod plan_text;
mod plans;
mod planted;
mod policies;
mod providers;
mod recovery;
mod replacement;
mod run_loop;
mod secrecy;
mod secrets;
mod selection;
mod tags;
mod triggers;
mod unfinished;
mod yard;

use sprocket_core::engine::{Goal, Refused, Report, StepOutcome};
use sprocket_core::program::Stack;
use sprocket_core::testing::{self, World};

use self::kinds::Lab;
use self::yard::Yard;

/// A world, in which each program is connected to the lab and the yard.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) yard: Yard,
    /// The yard makes real calls; else both are simulated.
    is_real: bool,
}

impl Story {
    /// A world in which every call is simulated.
    pub(crate) fn new() -> Self {
        Self { world: testing::world(), yard: Yard::default(), is_real: false }
    }

    /// A world with a yard alone, whose kinds make their own calls.
    pub(crate) fn in_yard() -> Self {
        let mut world = World::of_real_services();
        world.settings.retry_wait = std::time::Duration::ZERO;
        Self { world, yard: Yard::default(), is_real: true }
    }

    /// The program, with its connections.
    pub(crate) fn connected<'p>(&self, program: &'p dyn Fn(&mut Stack)) -> impl Fn(&mut Stack) + use<'p> {
        let (yard, is_real) = (self.yard.clone(), self.is_real);
        move |stack| {
            if !is_real {
                stack.connect(Lab::local());
            }
            stack.connect(yard.gate("ann"));
            program(stack);
        }
    }

    /// The plan's text.
    pub(crate) fn plan(&mut self, program: impl Fn(&mut Stack)) -> String {
        let program = self.connected(&program);
        self.world.plan(program).to_string()
    }

    /// Applies, sees that nothing is left to do, and answers the calls that changed something.
    #[track_caller]
    pub(crate) fn apply(&mut self, program: impl Fn(&mut Stack)) -> Vec<String> {
        let report = self.run(&program).unwrap();
        assert!(report.succeeded(), "the run failed:\n{}", told(&report));
        let calls = self.calls();
        let again = self.plan(&program);
        assert!(again.starts_with("Nothing to do"), "the same program again:\n{again}");
        calls
    }

    /// Applies, and answers the calls of that alone.
    #[track_caller]
    pub(crate) fn apply_alone(&mut self, program: impl Fn(&mut Stack)) -> Vec<String> {
        self.calls();
        self.apply(program)
    }

    /// Applies as far as it goes.
    pub(crate) fn run(&mut self, program: impl Fn(&mut Stack)) -> Result<Report, Refused> {
        let program = self.connected(&program);
        self.world.try_apply(program)
    }

    /// Destroys all that is not kept, and answers the calls.
    #[track_caller]
    pub(crate) fn destroy(&mut self, program: impl Fn(&mut Stack)) -> Vec<String> {
        let program = self.connected(&program);
        self.world.destroy(&program);
        let calls = self.calls();
        let again = self.world.try_plan(program, Goal::Destroyed { include_kept: false }).unwrap();
        assert!(again.is_empty(), "to destroy again:\n{again}");
        calls
    }

    /// The calls that changed something since this was last asked.
    pub(crate) fn calls(&mut self) -> Vec<String> {
        if self.is_real { self.yard.calls() } else { self.world.calls() }
    }

    /// Every object that there is.
    pub(crate) fn objects(&self) -> Vec<String> {
        if self.is_real { self.yard.objects() } else { self.world.objects() }
    }
}

/// What became of each step.
pub(crate) fn told(report: &Report) -> String {
    let line = |step: &sprocket_core::engine::StepReport| match &step.outcome {
        StepOutcome::Failed(failure) => format!("{} {} failed: {}", step.action, step.address, failure.message),
        other => format!("{} {} {other:?}", step.action, step.address),
    };
    report.steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a refusal says.
pub(crate) fn said(refused: &Refused) -> String {
    let hint = refused.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{refused}{hint}")
}
