//! How the engine behaves, told as stories on the in-memory world.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod accept;
mod compaction;
mod crashes;
mod embedding;
mod failures;
mod guards;
mod imports;
mod kinds;
mod records;
mod saved;
mod selection;
mod shut;
mod stories;

use sprocket_core::program::Stack;
use sprocket_core::testing;
use sprocket_core::testing::World;

use self::kinds::Lab;

/// A world, and programs that are connected to its lab.
pub(crate) struct Story {
    pub world: World,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self { world: testing::world() }
    }

    /// The plan's text.
    pub(crate) fn plan(&mut self, program: impl Fn(&mut Stack)) -> String {
        self.world.plan(on_lab(program)).to_string()
    }

    /// Applies, sees that nothing is left to do, and answers the calls that changed something.
    pub(crate) fn apply(&mut self, program: impl Fn(&mut Stack) + Copy) -> Vec<String> {
        self.world.apply(on_lab(program));
        let calls = self.world.calls();
        let again = self.plan(program);
        assert!(again.starts_with("Nothing to do"), "the same program again:\n{again}");
        calls
    }
}

pub(crate) fn on_lab(program: impl Fn(&mut Stack)) -> impl Fn(&mut Stack) {
    move |stack| {
        stack.connect(Lab::local());
        program(stack);
    }
}
