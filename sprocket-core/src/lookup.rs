//! Look-ups: questions about what exists and is not the stack's.
//!
//! They are asked while refreshing, or in a run as soon as all that they mention is there. A program and a plan do no I/O.

use std::any::Any;
use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::erased::{Called, Fault, Instance, reading, typed};
use crate::provider::Provider;
use crate::resource::State;
use crate::value::{Input, Known, Mistake, NoValue, Output, Resolve as _, sealing, watched};

/// A question to a service. `Self` is what is asked, with all that the answer depends on.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use sprocket_core::{ErrorOf, Lookup, Password, Random, RandomError};
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

/// An answer, or that there is none.
pub(crate) type Answer = Result<Arc<dyn Any + Send + Sync>, Mistake>;

/// An answer, and what was asked: it is none to another question, such as one about an object that took the other's place.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) question: String,
    pub(crate) answer: Answer,
}

/// What is asked, as text: its JSON form, with secrets sealed, so that a changed secret is another question.
pub(crate) fn question<L: Lookup>(query: &Input<L>, known: &Known) -> Result<String, NoValue> {
    let Some(key) = &known.key else { return Err(NoValue::Yet) };
    let query = query.resolve(known)?;
    let written = sealing(key, || serde_json::to_string(&query));
    written.map_err(|_| NoValue::Ever(Mistake::here(format!("this question about a {} has no JSON form", L::WHAT))))
}

pub(crate) trait ErasedLookup: Send + Sync {
    fn what(&self) -> &'static str;
    /// What is asked, as text, if all that it mentions is known.
    fn question(&self, known: &Known) -> Result<String, NoValue>;
    /// The question, if all that it mentions is known.
    fn ask(&self, instance: Instance, known: &Known) -> Result<Called<'static, Answer>, NoValue>;
    /// A made-up answer, if all that the question mentions is known.
    fn imagine(&self, known: &Known) -> Result<Answer, NoValue>;
}

pub(crate) struct LookupOf<L> {
    pub(crate) query: Input<L>,
    pub(crate) at: &'static Location<'static>,
}

impl<L: Lookup> ErasedLookup for LookupOf<L> {
    fn what(&self) -> &'static str {
        L::WHAT
    }

    fn question(&self, known: &Known) -> Result<String, NoValue> {
        question(&self.query, known)
    }

    fn ask(&self, instance: Instance, known: &Known) -> Result<Called<'static, Answer>, NoValue> {
        let (query, is_secret) = watched(|| self.query.resolve(known));
        let (query, key) = (query?, known.key.clone().ok_or(NoValue::Yet)?);
        let at = self.at;
        Ok(reading(&key.clone(), async move {
            let provider: &L::Provider = typed(&instance);
            match query.look(provider).await {
                Ok(Some(answer)) => {
                    // What is secret in it is known to this run from now on, whoever sealed it before.
                    let _ = sealing(&key, || serde_json::to_writer(std::io::sink(), &answer));
                    Ok(Ok(Arc::new(answer) as Arc<dyn Any + Send + Sync>))
                }
                Ok(None) if is_secret => Ok(Err(Mistake::at(at, format!("there is no such {}", L::WHAT)))),
                Ok(None) => {
                    let message = format!("there is no such {}: {query:?}", L::WHAT);
                    Ok(Err(Mistake::at(at, key.redact(&message))))
                }
                Err(error) => Err(Fault::of(&error)),
            }
        }))
    }

    fn imagine(&self, known: &Known) -> Result<Answer, NoValue> {
        self.query.resolve(known)?;
        let answer = crate::testing::imagine::<L::Answer>(L::WHAT);
        Ok(answer.map(|answer| Arc::new(answer) as _).map_err(|error| Mistake::at(self.at, error)))
    }
}
