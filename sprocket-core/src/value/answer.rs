//! Answers to look-ups.

use std::any::Any;
use std::sync::Arc;

use super::Mistake;

/// An answer, or that there is none.
pub(crate) type Answer = Result<Arc<dyn Any + Send + Sync>, Mistake>;

/// An answer, and what was asked: it is none to another question, such as one about an object that took the other's place.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) question: String,
    pub(crate) answer: Answer,
}
