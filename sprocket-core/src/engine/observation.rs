//! Observations: read once, plan many times.

use std::fmt::{self, Debug};

use super::prepare::Prepared;
use crate::plan::{Plan, Request};
use crate::stack::Stack;

/// What was there when a stack was looked at: what is recorded of it, and what its services reported.
///
/// Planning from it is pure: it does no I/O, and the same request gives the same plan. [`Engine::apply`](crate::engine::Engine::apply)
/// looks again, and refuses a plan of a world that has moved since.
pub struct Observation<'s> {
    pub(super) stack: &'s Stack,
    pub(super) prepared: Prepared,
}

impl Debug for Observation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation").field("stack", &self.stack).finish_non_exhaustive()
    }
}

impl Observation<'_> {
    /// What is to be done to reach a goal, of all resources or of some.
    pub fn plan(&self, request: impl Into<Request>) -> Plan {
        self.prepared.plan(self.stack, &request.into())
    }
}
