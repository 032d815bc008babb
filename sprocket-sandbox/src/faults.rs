//! What is to go wrong: each fault hits one call, and then is gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It has its effect, and the connection is cut in place of an answer.
    LoseAnswer,
    /// The connection is cut before it has an effect.
    Cut,
    /// It has no effect, and is answered with an error of the server's: 500, or what the protocol has for it.
    Fail,
    /// It has its effect and its answer, this much later.
    Delay(Duration),
}

/// What is to go wrong in a sandbox. Clones tell the same sandbox.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    calls: Vec<(String, String, Fault)>,
    ending: BTreeMap<String, i64>,
}

impl Faults {
    /// Hits the next call of a service (`swarm`) that begins with this text: `POST /services/create`.
    pub fn next(&self, service: impl Into<String>, call: impl Into<String>, fault: Fault) {
        self.told(|told| told.calls.push((service.into(), call.into(), fault)));
    }

    /// From now on, the tasks of a Swarm service end with this exit code a moment after their start.
    pub fn end_tasks(&self, service: impl Into<String>, exit_code: i64) {
        self.told(|told| told.ending.insert(service.into(), exit_code));
    }

    /// The tasks of a Swarm service run again.
    pub fn mend_tasks(&self, service: &str) {
        self.told(|told| told.ending.remove(service));
    }

    /// The fault of a call, if it has one.
    pub(crate) fn take(&self, service: &str, call: &str) -> Option<Fault> {
        self.told(|told| {
            let hit = |(of, begins, _): &(String, String, Fault)| of == service && call.starts_with(begins.as_str());
            let place = told.calls.iter().position(hit)?;
            Some(told.calls.remove(place).2)
        })
    }

    /// What the tasks of a Swarm service end with.
    pub(crate) fn ending(&self, service: &str) -> Option<i64> {
        self.told(|told| told.ending.get(service).copied())
    }

    fn told<R>(&self, f: impl FnOnce(&mut Told) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
