//! A world, and programs that are connected to its services: what a test tells its story with.

use std::collections::BTreeSet;
use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal, Plan, Refused, Report, Request, SavedPlan, StepOutcome, Stop};
use sprocket_core::kind::Address;
use sprocket_core::program::Stack;
use sprocket_core::state::MemoryStore;
use sprocket_core::testing::{self, Crash, World};

use super::fake_service::Yard;
use super::simulated_service::{Lab, Net};

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
        Self::of(testing::world())
    }

    /// The same, in this world.
    pub(crate) fn of(world: World) -> Self {
        Self { world, yard: Yard::default(), is_real: false }
    }

    /// A world with a yard alone, whose kinds make their own calls.
    pub(crate) fn in_yard() -> Self {
        let mut world = World::of_real_services();
        world.settings.retry_wait = std::time::Duration::ZERO;
        Self { world, yard: Yard::default(), is_real: true }
    }

    /// A world of another stack, with the yard of this one.
    pub(crate) fn in_yard_of(other: &Self) -> Self {
        Self { yard: other.yard.clone(), ..Self::in_yard() }
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

    /// What a program declares, with its connections.
    pub(crate) fn stack(&self, program: impl Fn(&mut Stack)) -> Stack {
        self.world.stack(self.connected(&program))
    }

    /// The plan's text.
    pub(crate) fn plan(&mut self, program: impl Fn(&mut Stack)) -> String {
        self.plan_of(program).to_string()
    }

    /// The text of the plan for what is asked for.
    pub(crate) fn plan_for(&mut self, program: impl Fn(&mut Stack), request: impl Into<Request>) -> String {
        self.try_plan(program, request).unwrap().to_string()
    }

    pub(crate) fn plan_of(&mut self, program: impl Fn(&mut Stack)) -> Plan {
        self.world.plan(self.connected(&program))
    }

    pub(crate) fn try_plan(
        &mut self,
        program: impl Fn(&mut Stack),
        request: impl Into<Request>,
    ) -> Result<Plan, Refused> {
        self.world.try_plan(self.connected(&program), request)
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
        self.world.try_apply(self.connected(&program))
    }

    /// Runs what is asked for; nothing comes back from a run that was killed.
    pub(crate) fn try_run(
        &mut self,
        program: impl Fn(&mut Stack),
        request: impl Into<Request>,
    ) -> Result<Option<Report>, Refused> {
        self.world.run(self.connected(&program), request)
    }

    /// Applies what is asked for, and answers the calls that changed something.
    pub(crate) fn apply_for(&mut self, program: impl Fn(&mut Stack), request: impl Into<Request>) -> String {
        let report = self.try_run(program, request).unwrap().unwrap();
        assert!(report.succeeded(), "{report:#?}");
        self.calls().join("\n")
    }

    /// Plans and applies with a store of its own, as far as it goes.
    pub(crate) fn run_on(&self, store: &MemoryStore, program: &dyn Fn(&mut Stack)) -> Result<Report, Refused> {
        let engine = Engine::new(Arc::new(store.clone()), self.world.settings.clone());
        let stack = self.stack(program);
        self.world.block_on(async {
            let plan = engine.plan(&stack, Goal::Declared).await?;
            engine.apply(&stack, &plan, &Stop::default()).await
        })
    }

    /// Applies a program with its connections and a store of its own, while this happens beside it.
    pub(crate) fn run_beside(
        &self,
        store: &MemoryStore,
        program: impl Fn(&mut Stack),
        beside: impl AsyncFnOnce(&Stop),
    ) -> Report {
        let engine = Engine::new(Arc::new(store.clone()), self.world.settings.clone());
        let stack = self.world.stack(program);
        self.world.block_on(async {
            let plan = engine.plan(&stack, Goal::Declared).await.unwrap();
            let stop = Stop::default();
            let (report, ()) = futures::join!(engine.apply(&stack, &plan, &stop), beside(&stop));
            report.unwrap()
        })
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

    /// Accepts the drift that a plan shows.
    pub(crate) fn accept(&mut self, program: impl Fn(&mut Stack) + Copy, plan: &Plan) -> Result<Vec<Address>, Refused> {
        let stack = self.stack(program);
        let accepted = self.world.block_on(self.world.engine().accept(&stack, plan));
        assert_eq!(self.world.calls(), [""; 0], "no service is called");
        accepted
    }

    /// The plan as a file has it.
    pub(crate) fn save(&mut self, program: impl Fn(&mut Stack), request: impl Into<Request>) -> String {
        let plan = self.try_plan(program, request).unwrap();
        let saved = self.world.block_on(self.world.engine().save(&plan, "shop/production")).unwrap();
        serde_json::to_string(&saved).unwrap()
    }

    /// Applies what a file has, and answers what was done; or why nothing was.
    pub(crate) fn apply_saved(&mut self, program: impl Fn(&mut Stack), file: &str) -> String {
        let stack = self.stack(program);
        let saved: SavedPlan = serde_json::from_str(file).unwrap();
        let engine = self.world.engine();
        let done: Result<_, Refused> = self.world.block_on(async {
            let plan = engine.plan_saved(&stack, &saved, "shop/production").await?;
            engine.apply(&stack, &plan, &Default::default()).await
        });
        match done {
            Ok(report) => {
                assert!(report.succeeded(), "{report:#?}");
                self.world.calls().join("\n")
            }
            Err(refused) => {
                assert_eq!(self.world.calls(), [""; 0]);
                refused.to_string()
            }
        }
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

/// Plays a story with a kill before each write of its run in turn, and with one after it, until no kill comes between; each time
/// the play says whether its run was killed.
pub(crate) fn at_each_kill(mut play: impl FnMut(Crash, usize) -> bool) {
    for crash in [Crash::Before, Crash::After] {
        assert!((0..).any(|boundary| !play(crash, boundary)));
    }
}

/// A program that declares nothing.
pub(crate) fn nothing(_: &mut Stack) {}

/// One network.
pub(crate) fn edge(stack: &mut Stack) {
    stack.add(Net::new("edge"));
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

/// A snapshot of what people read. Where it tells a line of these tests, it has `FILE:LINE`, since lines move whenever a test is
/// edited; where it tells several, they are `FILE:LINE1`, `FILE:LINE2` in the order of the file.
macro_rules! assert_snapshot {
    ($text:expr, @$expected:literal) => {
        insta::assert_snapshot!($crate::story::without_lines(&$text), @$expected)
    };
}
pub(crate) use assert_snapshot;

pub(crate) fn without_lines(text: &impl ToString) -> String {
    /// The line of a text that begins with `selection.rs:17`, and what is after it.
    fn line(text: &str) -> (usize, &str) {
        let (_, rest) = text.split_once(".rs:").unwrap();
        let (number, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        (number.parse().unwrap(), rest)
    }
    let text = text.to_string();
    let mut parts = text.split("sprocket-core/tests/engine/");
    let mut told = parts.next().unwrap_or_default().to_owned();
    let places: Vec<_> = parts.map(line).collect();
    let lines: BTreeSet<_> = places.iter().map(|(number, _)| number).collect();
    for (number, rest) in &places {
        let rank = lines.iter().filter(|line| **line <= number).count();
        let rank = if lines.len() > 1 { rank.to_string() } else { String::new() };
        told += &format!("FILE:LINE{rank}{rest}");
    }
    told
}

/// Waits until a run is surely in the call that hangs. A run that is slower passes the test too, which then shows less.
pub(crate) async fn until_the_call_hangs() {
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}
