//! The ground of a bench: a world, a store, and an engine on them.

use std::sync::Arc;

use sprocket_core::engine::{Engine, Goal, Report, Settings, Stop};
use sprocket_core::program::Stack;
use sprocket_core::state::StackKey;
use sprocket_core::state::{FileStore, KeySource, MemoryStore, StateStore};
use tempfile::TempDir;

use crate::counted::{Counted, Written};
use crate::memory::{Memory, World};
use crate::shapes::Shape;

/// Runs a future to its end, on this thread.
///
/// # Panics
/// If the operating system gives no runtime.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(future)
}

/// Where state is kept.
#[derive(Debug)]
pub enum Kept {
    /// In memory.
    InMemory(MemoryStore),
    /// In a folder, which goes with this.
    InFolder(TempDir, FileStore),
}

/// A world, a store, and an engine on them.
#[derive(Debug)]
pub struct Ground {
    /// The service.
    pub world: World,
    /// The state.
    pub kept: Kept,
    /// What is measured.
    pub engine: Engine,
}

impl Ground {
    /// Nothing is there; the state is kept in memory.
    pub fn in_memory() -> Self {
        let store = MemoryStore::new();
        let engine = engine(Arc::new(store.clone()), KeySource::Given(StackKey::from_bytes([7; 64])));
        Self { world: World::default(), kept: Kept::InMemory(store), engine }
    }

    /// Nothing is there; the state is kept in memory, and what a file would hold of it is counted.
    pub fn counted() -> (Self, Written) {
        let (store, written) = (MemoryStore::new(), Written::default());
        let counted = Counted { store: store.clone(), written: written.clone() };
        let engine = engine(Arc::new(counted), KeySource::Given(StackKey::from_bytes([7; 64])));
        (Self { world: World::default(), kept: Kept::InMemory(store), engine }, written)
    }

    /// Nothing is there; the state is kept in a new folder, with a key of its own beside it.
    ///
    /// # Panics
    /// If the folder can't be made.
    pub fn in_folder() -> Self {
        // Not in `/tmp`, which may be memory: there an fsync costs nothing.
        let folder = TempDir::new_in(env!("CARGO_MANIFEST_DIR")).expect("a folder is made");
        let store = FileStore::new(folder.path().join("state"));
        let key = run(store.make_own_key()).expect("a key is made");
        let engine = engine(Arc::new(store.clone()), key);
        Self { world: World::default(), kept: Kept::InFolder(folder, store), engine }
    }

    /// The store, to be written to directly.
    pub fn store(&self) -> &dyn StateStore {
        match &self.kept {
            Kept::InMemory(store) => store,
            Kept::InFolder(_, store) => store,
        }
    }

    /// With resources of this shape, made.
    #[must_use]
    pub fn with(self, shape: Shape, count: usize) -> Self {
        let stack = shape.stack(&self.world, count);
        self.reach(&stack, Goal::Declared);
        self
    }

    /// Plans and applies.
    ///
    /// # Panics
    /// If anything fails.
    pub fn reach(&self, stack: &Stack, goal: Goal) -> Report {
        run(async {
            let plan = self.engine.plan(stack, goal).await.expect("a plan is made");
            let report = self.engine.apply(stack, &plan, &Stop::default()).await.expect("the plan is applied");
            assert!(report.succeeded(), "{:#?}", report.failures().next());
            report
        })
    }
}

fn engine(store: Arc<dyn StateStore>, key: KeySource) -> Engine {
    Engine::new(store, Settings::new(key)).knowing::<Memory>()
}
