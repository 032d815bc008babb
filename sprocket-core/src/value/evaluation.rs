//! Evaluation: the engine's side of code that belongs to a program or a provider.
//!
//! Such code may expose secrets. While it runs, the thread knows three things: whether a secret was exposed (then whatever
//! comes out is secret), that a panic must not print its message, and which run remembers the exposed texts, so that they
//! can be kept out of messages.
//!
//! **Contract:** all three are restored when the code ends, also by a panic. Evaluations nest, and an outer one is tainted
//! by an inner one. Threads and tasks that the code starts by itself are not covered.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt as _;
use futures::future::{BoxFuture, poll_fn};

use super::redact::{Exposed, Redactor};
use super::{StackKey, sealing};

thread_local! {
    static TAINTED: Cell<bool> = const { Cell::new(false) };
    static FOREIGN: Cell<u32> = const { Cell::new(0) };
    static LEARNER: RefCell<Option<Redactor>> = const { RefCell::new(None) };
    static EXPOSED: Exposed = Exposed::default();
}

/// Runs `f`, and says whether a secret was exposed in it.
pub(crate) fn watched<R>(f: impl FnOnce() -> R) -> (R, bool) {
    struct Outer(bool);
    impl Drop for Outer {
        fn drop(&mut self) {
            TAINTED.set(TAINTED.get() | self.0);
        }
    }
    let _outer = Outer(TAINTED.replace(false));
    let result = f();
    (result, TAINTED.get())
}

/// Whether a secret was exposed since the current evaluation began.
pub(super) fn is_tainted() -> bool {
    TAINTED.get()
}

/// A secret is exposed now.
pub(crate) fn taint() {
    TAINTED.set(true);
}

/// The same. The run that called this code remembers the text; if no run did, it is a program that declares a stack.
pub(super) fn exposed(value: &dyn Any) {
    taint();
    let text = value.downcast_ref::<String>().map(String::as_bytes);
    let Some(text) = text.or_else(|| value.downcast_ref::<Vec<u8>>().map(Vec::as_slice)) else { return };
    LEARNER.with_borrow(|learner| match learner {
        Some(learner) => drop(learner.learn_text(text)),
        // What an output's closure exposes makes that output secret.
        None if is_foreign() => {}
        None => EXPOSED.with(|exposed| exposed.add(text)),
    });
}

/// What programs have exposed on this thread, and will.
pub(crate) fn exposed_here() -> Exposed {
    EXPOSED.with(Clone::clone)
}

/// Whether this thread runs code of a program or a provider.
pub(crate) fn is_foreign() -> bool {
    FOREIGN.get() > 0
}

struct Foreign(Option<Option<Redactor>>);

impl Foreign {
    fn enter(learner: Option<&Redactor>) -> Self {
        FOREIGN.set(FOREIGN.get() + 1);
        // Without one of its own, the one around it stays.
        Self(learner.map(|learner| LEARNER.replace(Some(learner.clone()))))
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        FOREIGN.set(FOREIGN.get() - 1);
        if let Some(outer) = self.0.take() {
            LEARNER.set(outer);
        }
    }
}

/// Runs a closure of the program or a kind. `None` if it panics; its message is not printed, since it may quote a secret.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Option<R> {
    let _foreign = Foreign::enter(None);
    catch_unwind(AssertUnwindSafe(|| sealing::suspended(f))).ok()
}

/// A call of a provider: its panics are silent, and this key's run remembers the secrets that it exposes.
pub(crate) fn provider_call<'a, T: Send + 'a>(
    key: &StackKey,
    call: impl Future<Output = T> + Send + 'a,
) -> BoxFuture<'a, T> {
    let learner = key.redactor().clone();
    // An async block would hold the call twice: as it is given, and pinned.
    let mut call = Box::pin(call);
    poll_fn(move |context| {
        let _foreign = Foreign::enter(Some(&learner));
        call.as_mut().poll(context)
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Secret;

    #[test]
    fn an_exposed_secret_taints_all_evaluations_around_it() {
        let secret = Secret::new("hunter2".to_owned());
        let (inner, outer) = watched(|| watched(|| secret.expose().len()).1);
        assert!(inner && outer);
        assert!(!watched(|| ()).1, "the next one is clean");
    }

    #[test]
    fn a_panic_keeps_the_taint_and_ends_the_foreign_code() {
        let secret = Secret::new("hunter2".to_owned());
        let ((), tainted) = watched(|| {
            let ended = catch_unwind(AssertUnwindSafe(|| watched(|| assert!(secret.expose().is_empty()))));
            assert!(ended.is_err());
        });
        assert!(tainted);
        assert!(caught(|| assert!(is_foreign())).is_some());
        assert!(!is_foreign());
    }
}
