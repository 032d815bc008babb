//! Look-ups without their types.

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;

use super::synthesize::imagine;
use super::{Called, Fault, Instance, reading, typed};
use crate::kind::Lookup;
use crate::value::{Answer, Input, Known, Mistake, NoValue, Resolve as _, sealing, watched};

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
        let answer = imagine::<L::Answer>(L::WHAT);
        Ok(answer.map(|answer| Arc::new(answer) as _).map_err(|error| Mistake::at(self.at, error)))
    }
}
