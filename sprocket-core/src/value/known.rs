//! What is known of each resource at a moment of a plan or a run.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::{Arc, OnceLock};

use super::evaluation::{taint, watched};
use super::redact::Exposed;
use super::{Answered, NoValue, NodeId, StackKey};
use crate::base::PhysicalName;

/// What is known of the resources of a stack: their physical names, and what their services reported.
#[derive(Debug, Default)]
pub struct Known {
    pub(crate) nodes: Vec<Facts>,
    /// The answers to look-ups, by their place in the stack.
    pub(crate) answers: Vec<Option<Answered>>,
    /// The stack's key. What is asked is told apart by its sealed form.
    pub(crate) key: Option<StackKey>,
    /// What the program has exposed while it declared the stack.
    pub(crate) exposed: Exposed,
    /// The stack's providers: their settings are known as far as what they mention is.
    pub(crate) providers: Providers,
}

/// The settings of a declared provider.
pub(crate) trait ProviderConfig: Send + Sync {
    /// With their type, if all that they mention is known.
    fn typed_config(&self, known: &Known) -> Result<Box<dyn Any + Send + Sync>, NoValue>;
}

#[derive(Default)]
pub(crate) struct Providers(pub(crate) Vec<Arc<dyn ProviderConfig>>);

impl Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} providers", self.0.len())
    }
}

/// What is known of one resource.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Its physical name, once decided.
    pub(crate) name: Option<PhysicalName>,
    /// What its service reported, if the object exists and stays the same one.
    pub(crate) reported: Option<Reported>,
    /// A step will change it, or has: what an update may change is unknown.
    pub(crate) changing: bool,
}

type Decoded = Result<Arc<dyn Any + Send + Sync>, String>;

type Decode = Box<dyn Fn() -> Decoded + Send + Sync>;

/// A reported state, decoded when it is first asked for: most are never.
pub(crate) struct Reported {
    decode: Decode,
    /// With it, whether its own code exposed a secret to read it.
    state: OnceLock<(Decoded, bool)>,
}

impl Debug for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reported")
    }
}

impl Reported {
    pub(crate) fn lazy(decode: impl Fn() -> Decoded + Send + Sync + 'static) -> Self {
        Self { decode: Box::new(decode), state: OnceLock::new() }
    }

    fn state<S: 'static>(&self) -> Result<&S, NoValue> {
        let (state, tainted) = self.state.get_or_init(|| watched(&self.decode));
        if *tainted {
            taint();
        }
        match state {
            Ok(state) => Ok(state.downcast_ref().expect("BUG: a resource's state has its kind's type")),
            Err(message) => Err(NoValue::Ever(super::Mistake::here(message.as_str()))),
        }
    }
}

impl Known {
    fn facts(&self, node: NodeId) -> Result<&Facts, NoValue> {
        self.nodes.get(node.index as usize).ok_or(NoValue::Yet)
    }

    pub(crate) fn name(&self, node: NodeId) -> Result<&PhysicalName, NoValue> {
        self.facts(node)?.name.as_ref().ok_or(NoValue::Yet)
    }

    /// What the service reported, if an update can't change what is asked for.
    pub(crate) fn reported<S: 'static>(&self, node: NodeId) -> Result<&S, NoValue> {
        self.facts(node)?.reported.as_ref().ok_or(NoValue::Yet)?.state()
    }

    /// The settings of a provider, if all that they mention is known.
    pub(crate) fn config<C: 'static>(&self, place: usize) -> Result<Box<C>, NoValue> {
        let config = self.providers.0.get(place).ok_or(NoValue::Yet)?.typed_config(self)?;
        Ok(config.downcast().expect("BUG: a provider's settings have its type"))
    }

    /// A resource gets another object, or begins to work: what was answered about it before counts no more, also if its name
    /// and id are the same.
    pub(crate) fn forget_answers(&mut self, about: &[usize]) {
        for &place in about {
            if let Some(answer) = self.answers.get_mut(place) {
                *answer = None;
            }
        }
    }

    /// The answer to a look-up, if this is what was asked.
    pub(crate) fn answer<A: Clone + 'static>(&self, place: usize, question: &str) -> Result<A, NoValue> {
        let answered = self.answers.get(place).and_then(Option::as_ref).filter(|given| given.question == question);
        match answered.map(|answered| &answered.answer) {
            None => Err(NoValue::Yet),
            Some(Err(mistake)) => Err(NoValue::Ever(mistake.clone())),
            Some(Ok(answer)) => Ok(answer.downcast_ref::<A>().expect("BUG: an answer has its question's type").clone()),
        }
    }

    /// What the service reported, if no step is to change the resource.
    pub(crate) fn volatile<S: 'static>(&self, node: NodeId) -> Result<&S, NoValue> {
        if self.facts(node)?.changing { Err(NoValue::Yet) } else { self.reported(node) }
    }
}
