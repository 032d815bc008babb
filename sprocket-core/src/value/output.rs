//! Outputs: values that other resources will have.
//!
//! An output knows which resources must exist before it has a value, and whether it is secret. Secrecy sticks: what is
//! made from a secret output is secret, and so is an output whose closure exposes a secret, wherever that came from.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Display};
use std::panic::Location;
use std::sync::Arc;

use super::evaluation::{caught, is_tainted, taint, watched};
use super::{Known, Mistake, Secret};

/// A resource of a stack, by its place in the order of declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Which stack: an output of another stack can't be used here.
    pub(crate) stack: u32,
    /// Its place. Smaller ones were declared earlier, so this is a topological order.
    pub(crate) index: u32,
}

/// The resources that a value waits for, and whether it contains a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deps {
    /// In the order of their declaration, each once.
    pub(crate) nodes: BTreeSet<NodeId>,
    /// The look-ups whose answers it has, by their place in the stack.
    pub(crate) lookups: BTreeSet<usize>,
    pub(crate) secret: bool,
}

impl Deps {
    /// Nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(crate) fn on(node: NodeId) -> Self {
        Self { nodes: BTreeSet::from([node]), ..Self::default() }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.nodes.extend(&other.nodes);
        self.lookups.extend(&other.lookups);
        self.secret |= other.secret;
    }
}

/// Why an output has no value.
#[derive(Clone, Debug)]
pub enum NoValue {
    /// The resources it depends on do not have it yet.
    Yet,
    /// It will never have one: a `try_map` failed.
    Ever(Mistake),
}

type Eval<T> = Arc<dyn Fn(&Known) -> Result<T, NoValue> + Send + Sync>;

/// A value of type `T` that is known once the resources it depends on exist.
///
/// It is made by handles (`network.id`), and by [`map`](Self::map), [`try_map`](Self::try_map) and [`zip`](Self::zip) of
/// other outputs. It can be given wherever a setting takes an `impl IntoInput<T>`.
pub struct Output<T> {
    pub(crate) deps: Arc<Deps>,
    at: &'static Location<'static>,
    eval: Eval<T>,
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Self { deps: Arc::clone(&self.deps), at: self.at, eval: Arc::clone(&self.eval) }
    }
}

impl<T> Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("deps", &self.deps).field("at", &self.at).finish_non_exhaustive()
    }
}

impl<T: 'static> Output<T> {
    #[track_caller]
    pub(crate) fn new(deps: Deps, eval: impl Fn(&Known) -> Result<T, NoValue> + Send + Sync + 'static) -> Self {
        Self { deps: Arc::new(deps), at: Location::caller(), eval: Arc::new(eval) }
    }

    /// A value that is known already, as an output.
    #[track_caller]
    pub fn known(value: T) -> Self
    where
        T: Clone + Send + Sync,
    {
        Self::new(Deps::default(), move |_| Ok(value.clone()))
    }

    /// What `f` makes of the value, once it is known.
    #[track_caller]
    pub fn map<U: 'static>(&self, f: impl Fn(T) -> U + Send + Sync + 'static) -> Output<U> {
        let eval = Arc::clone(&self.eval);
        Output {
            deps: Arc::clone(&self.deps),
            at: Location::caller(),
            eval: Arc::new(move |known| eval(known).map(&f)),
        }
    }

    /// What `f` makes of the value, once it is known; its error is a mistake at this line of the program.
    #[track_caller]
    pub fn try_map<U: 'static, E: Display>(&self, f: impl Fn(T) -> Result<U, E> + Send + Sync + 'static) -> Output<U> {
        let eval = Arc::clone(&self.eval);
        let at = Location::caller();
        let secret = self.deps.secret;
        Output {
            deps: Arc::clone(&self.deps),
            at,
            eval: Arc::new(move |known| {
                f(eval(known)?).map_err(|error| {
                    // The error of a parser may quote its input.
                    let message = error.to_string();
                    let is_secret = secret || is_tainted();
                    let message = if is_secret { "the value is not valid (it is secret)".to_owned() } else { message };
                    NoValue::Ever(Mistake::at(at, message))
                })
            }),
        }
    }

    /// Both values, once both are known.
    #[track_caller]
    pub fn zip<U: 'static>(&self, other: &Output<U>) -> Output<(T, U)> {
        let (left, right) = (Arc::clone(&self.eval), Arc::clone(&other.eval));
        let mut deps = Deps::clone(&self.deps);
        deps.add(&other.deps);
        Output::new(deps, move |known| Ok((left(known)?, right(known)?)))
    }

    /// The same value, to be kept secret wherever it goes.
    #[must_use]
    pub fn secret(mut self) -> Self {
        Arc::make_mut(&mut self.deps).secret = true;
        self
    }

    /// Whether plans, logs and state must hide it, as far as that is known before it has a value: it is secret too if a
    /// secret is exposed in making it.
    pub fn is_secret(&self) -> bool {
        self.deps.secret
    }

    /// The value, if the resources it depends on have it.
    ///
    /// A panic of a closure of the program is a mistake of that line; its message stays out, since it may quote a secret.
    ///
    /// # Errors
    /// [`NoValue`] says whether it is not there yet or never will be.
    pub fn value(&self, known: &Known) -> Result<T, NoValue> {
        self.evaluate(known).0
    }

    /// The value, and whether it must be hidden.
    pub(crate) fn evaluate(&self, known: &Known) -> (Result<T, NoValue>, bool) {
        watched(|| {
            if self.deps.secret {
                taint();
            }
            caught(|| (self.eval)(known))
                .unwrap_or_else(|| Err(NoValue::Ever(Mistake::at(self.at, "the closure panicked"))))
        })
    }
}

impl<T: Clone + 'static> Output<Secret<T>> {
    /// The bare value, for building other values from it; the output stays secret.
    #[track_caller]
    pub fn exposed(&self) -> Output<T> {
        self.map(|secret| secret.expose().clone()).secret()
    }
}
