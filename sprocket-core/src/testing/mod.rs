//! Testing: the real engine on a strict in-memory world, with faults to inject.
//!
//! A test of a deployment is a function: it needs no runtime, no server, no network. Whatever providers the program
//! connects to, their kinds are simulated: an object has the settings that it was sent, an id, and a made-up state.
//!
//! ```
//! use sprocket_core::testing;
//! use sprocket_core::program::{Password, Stack};
//!
//! fn program(stack: &mut Stack) {
//!     stack.add(Password::new("redis"));
//! }
//!
//! let mut world = testing::world();
//! assert!(world.plan(program).to_string().ends_with("1 to create."));
//! world.apply(program);
//! assert_eq!(world.plan(program).to_string(), "Nothing to do: 1 resource is as declared.");
//! ```

mod crash;
mod faults;
#[doc(hidden)]
pub mod fuzzing;
mod leaks;
mod simulate;
mod suite;
mod unknowns;

use std::sync::Arc;
use std::time::Duration;

pub use self::crash::Crash;
use self::crash::CrashingStore;
use self::faults::{Faults, inject};
pub use self::leaks::leaks;
use self::simulate::{Simulation, simulate};
pub use self::suite::{KindSuite, Variant};
pub use self::unknowns::false_findings;
use crate::base::{Address, Entropy, OwnerTag, RecordId, Stop};
use crate::engine::Engine;
use crate::kind::{ErrorKind, Kind, Lookup};
use crate::plan::{Event, Events, Goal, Plan, Report, Request};
use crate::session::{Refused, Settings};
use crate::stack::Stack;
use crate::state::{KeySource, MemoryStore, Snapshot, StateStore as _};
use crate::value::StackKey;

/// An empty world, and an empty state.
pub fn world() -> World {
    World::seeded(1)
}

/// A world of simulated services, and the state of one stack in it.
#[derive(Debug)]
pub struct World {
    simulation: Arc<Simulation>,
    faults: Arc<Faults>,
    store: CrashingStore,
    /// How the engine works. Tests may change it.
    pub settings: Settings,
    events: Arc<std::sync::Mutex<Vec<Event>>>,
    /// Real services answer.
    real: bool,
}

/// How a call of the world fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail {
    /// It has no effect, and fails with an error of this kind.
    Before(ErrorKind),
    /// It has its effect, and its answer is lost.
    AfterEffect,
    /// It has no effect, and its answer is lost.
    NoAnswer,
    /// It is dropped after it was polled this often, as when its time is up or the run is stopped; its answer is lost.
    Dropped(u32),
    /// It never answers.
    Hang,
}

impl World {
    /// A world whose randomness comes from this seed.
    pub fn seeded(seed: u64) -> Self {
        let entropy = Entropy::seeded(seed);
        let key = StackKey::from_bytes(entropy.bytes());
        let events = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let settings = Settings {
            events: Events::to(move |event| lock(&sink).push(event)),
            entropy,
            call_limit: Duration::from_millis(200),
            ready_limit: Duration::from_millis(200),
            retry_wait: Duration::ZERO,
            ..Settings::new(KeySource::Given(key))
        };
        let store = CrashingStore::new(MemoryStore::default());
        Self { simulation: Arc::default(), faults: Arc::default(), store, settings, events, real: false }
    }

    /// A world of real services: nothing is simulated, only the state and the faults are the test's.
    pub fn of_real_services() -> Self {
        let mut world = Self::seeded(u64::from(std::process::id()));
        let limits = Settings::new(world.settings.key.clone());
        world.settings.call_limit = limits.call_limit;
        world.settings.ready_limit = limits.ready_limit;
        world.settings.entropy = Entropy::system();
        world.real = true;
        world
    }

    /// The plan of a program.
    ///
    /// # Panics
    /// If it is refused.
    #[track_caller]
    pub fn plan(&mut self, program: impl Fn(&mut Stack)) -> Plan {
        self.try_plan(program, Goal::Declared).unwrap_or_else(|refused| panic!("the plan was refused: {refused}"))
    }

    /// The plan of a program, or why there is none.
    ///
    /// # Errors
    /// If it is refused.
    pub fn try_plan(&mut self, program: impl Fn(&mut Stack), request: impl Into<Request>) -> Result<Plan, Refused> {
        let stack = self.stack(program);
        let engine = self.engine();
        self.block_on(async { engine.plan(&stack, request).await })
    }

    /// Plans and applies a program; everything must succeed.
    ///
    /// # Panics
    /// If a step fails or the plan is refused.
    #[track_caller]
    pub fn apply(&mut self, program: impl Fn(&mut Stack)) -> Report {
        let report = self.try_apply(program).unwrap_or_else(|refused| panic!("the run was refused: {refused}"));
        assert!(report.succeeded(), "the run failed: {report:#?}");
        report
    }

    /// Plans and applies a program.
    ///
    /// # Errors
    /// If nothing was called.
    pub fn try_apply(&mut self, program: impl Fn(&mut Stack)) -> Result<Report, Refused> {
        self.run(program, Goal::Declared).map(|report| report.expect("the run was crashed by the test"))
    }

    /// Plans and destroys; everything must succeed.
    ///
    /// # Panics
    /// If a step fails or the plan is refused.
    #[track_caller]
    pub fn destroy(&mut self, program: impl Fn(&mut Stack)) -> Report {
        let report = self.run(program, Goal::Destroyed { include_kept: false });
        let report = report.unwrap_or_else(|refused| panic!("the run was refused: {refused}"));
        let report = report.expect("the run was crashed by the test");
        assert!(report.succeeded(), "the run failed: {report:#?}");
        report
    }

    /// Plans and reaches a goal; `None` if the run was crashed by [`crash_at`](Self::crash_at).
    ///
    /// # Errors
    /// If nothing was called.
    pub fn run(
        &mut self,
        program: impl Fn(&mut Stack),
        request: impl Into<Request>,
    ) -> Result<Option<Report>, Refused> {
        let plan = self.try_plan(&program, request)?;
        self.apply_plan(program, &plan)
    }

    /// Applies a plan that was made before.
    ///
    /// # Errors
    /// If nothing was called.
    pub fn apply_plan(&mut self, program: impl Fn(&mut Stack), plan: &Plan) -> Result<Option<Report>, Refused> {
        let stack = self.stack(program);
        let (engine, stop) = (self.engine(), Stop::default());
        self.until_killed(engine.apply(&stack, plan, &stop)).transpose()
    }

    /// Does something with an engine on this world's state, as far as it comes: nothing comes back if it was killed as
    /// [`crash_at`](Self::crash_at) says.
    pub fn until_killed<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let store = self.store.clone();
        let done = self.block_on(async {
            tokio::select! {
                done = work => Some(done),
                () = store.crashed() => None,
            }
        });
        self.store.revive();
        done
    }

    /// Plans and reaches a goal, while something else happens: once it is durable that the first call on this resource
    /// begins, and before it is made.
    ///
    /// # Panics
    /// If there is no such call.
    fn run_while(
        &mut self,
        program: impl Fn(&mut Stack),
        goal: Goal,
        address: &Address,
        else_happens: impl FnOnce(),
    ) -> Result<Report, Refused> {
        let plan = self.try_plan(&program, goal)?;
        let stack = self.stack(program);
        let (engine, stop, store) = (self.engine(), Stop::default(), self.store.clone());
        let runtime = runtime();
        store.hold_before(address.clone());
        let mut applying = Box::pin(engine.apply(&stack, &plan, &stop));
        // Outside of the runtime, so that it can be another run.
        let ended = runtime.block_on(async {
            tokio::select! {
                report = &mut applying => Some(report),
                () = store.holds() => None,
            }
        });
        assert!(ended.is_none(), "no call on `{address}` begins: {ended:#?}");
        else_happens();
        store.go_on();
        runtime.block_on(applying)
    }

    /// Kills the next run at a boundary of its journal; it answers how many boundaries a run has when it is not reached.
    pub fn crash_at(&mut self, boundary: usize, crash: Crash) {
        self.store.crash_at(boundary, crash);
    }

    /// Lets the next call of this name (`create`, `read`, …) on an object of this name fail. A `list` has the name of its kind,
    /// and `connect` that of its provider.
    pub fn fail(&mut self, call: &'static str, name: &str, fail: Fail) {
        self.faults.fail(call, name, fail);
    }

    /// Makes a service answer nothing at all, or answer again.
    pub fn unreachable(&mut self, provider: &'static str, unreachable: bool) {
        self.faults.unreachable(provider, unreachable);
    }

    /// What look-ups of this sort are answered. Without it, the answer is made up.
    pub fn answer<L: Lookup>(&mut self, answer: L::Answer) {
        self.simulation.answer::<L>(answer);
    }

    /// Changes an object behind the engine's back.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn change<R: Kind>(&mut self, name: &str, change: impl FnOnce(&mut R::Spec)) {
        self.simulation.change::<R>(name, change);
    }

    /// Makes an object behind the engine's back.
    pub fn put<R: Kind>(&mut self, name: &str, spec: R::Spec) {
        self.simulation.put::<R>(name, spec);
    }

    /// The owner tag that objects of a record bear.
    ///
    /// # Panics
    /// If the world has a key of its own that is not given to it.
    pub fn owner_tag(&self, kind: &str, record: &RecordId) -> OwnerTag {
        let KeySource::Given(key) = &self.settings.key else { panic!("the key of this world is not given") };
        let lineage = self.snapshot().map_or("none".into(), |snapshot| snapshot.lineage);
        crate::erased::owner_tag(key, &lineage, kind, record)
    }

    /// Puts another mark on an object behind the engine's back, or takes it away.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn set_owner(&mut self, kind: &str, name: &str, owner: Option<OwnerTag>) {
        self.simulation.set_owner(kind, name, owner);
    }

    /// Removes an object behind the engine's back.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn remove(&mut self, kind: &str, name: &str) {
        self.simulation.remove(kind, name);
    }

    /// The settings of an object.
    pub fn spec<R: Kind>(&self, name: &str) -> Option<R::Spec> {
        self.simulation.spec::<R>(name)
    }

    /// Every object that there is: `docker:network/edge`, by physical name.
    pub fn objects(&self) -> Vec<String> {
        self.simulation.objects()
    }

    /// The calls that changed something since this was last asked: `create docker:network/edge`.
    pub fn calls(&mut self) -> Vec<String> {
        self.simulation.take_calls()
    }

    /// The events since this was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut *lock(&self.events))
    }

    /// What is recorded.
    ///
    /// # Panics
    /// If it can't be read.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let loaded = self.block_on(self.store.load());
        loaded.expect("the state can be read").map(|loaded| loaded.snapshot)
    }

    /// The engine that the world's runs use, for calls that the world has no method for. Its stacks are made by
    /// [`stack`](Self::stack).
    pub fn engine(&self) -> Engine {
        Engine::new(Arc::new(self.store.clone()), self.settings.clone())
    }

    /// The program's stack, with its services simulated.
    pub fn stack(&self, program: impl Fn(&mut Stack)) -> Stack {
        let mut stack = Stack::new();
        program(&mut stack);
        if !self.real {
            simulate(&mut stack, &self.simulation);
        }
        inject(&mut stack, &self.faults);
        stack
    }

    /// Runs a future to its end.
    ///
    /// # Panics
    /// If no runtime can be made.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        runtime().block_on(future)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
