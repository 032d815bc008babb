//! Look-ups: questions about what exists and is not the stack's.
//!
//! They are asked while refreshing, or in a run as soon as all that they mention is there. A program and a plan do no I/O.

use std::fmt::Debug;
use std::future::Future;

use crate::kind::{Provider, State};
use crate::value::{Input, Output};

/// A question to a service. `Self` is what is asked, with all that the answer depends on.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use sprocket_core::kind::{ErrorOf, Lookup};
/// # use sprocket_core::program::{Password, Random, RandomError};
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Dice {
///     sides: u64,
/// }
///
/// impl Lookup for Dice {
///     const WHAT: &'static str = "dice";
///     type Provider = Random;
///     type Answer = u64;
///
///     async fn look(&self, _: &Random) -> Result<Option<u64>, RandomError> {
///         Ok(Some(self.sides / 2))
///     }
/// }
/// ```
pub trait Lookup: Clone + Debug + serde::Serialize + Send + Sync + 'static {
    /// What is looked for, in a word or two: `network`.
    const WHAT: &'static str;
    /// Who is asked.
    type Provider: Provider;
    /// The answer.
    type Answer: State;

    /// Asks. `None` means that the service says that there is none; the program then has a mistake at the line that asks.
    fn look(
        &self,
        provider: &Self::Provider,
    ) -> impl Future<Output = Result<Option<Self::Answer>, <Self::Provider as Provider>::Error>> + Send;
}

/// A question that may be asked now, or when what it mentions is known: a [`Lookup`], or an output of one.
pub trait Question {
    /// What is asked.
    type Lookup: Lookup;
    /// It, as an input.
    fn into_input(self) -> Input<Self::Lookup>;
}

impl<L: Lookup> Question for L {
    type Lookup = L;

    fn into_input(self) -> Input<L> {
        Input::Value(self)
    }
}

impl<L: Lookup> Question for Output<L> {
    type Lookup = L;

    fn into_input(self) -> Input<L> {
        Input::Output(self)
    }
}
