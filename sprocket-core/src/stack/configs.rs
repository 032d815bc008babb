//! The settings of the providers of a stack.

use super::Stack;
use crate::erased::Config;
use crate::value::Known;

/// The settings of a stack's providers, as far as they are known.
#[derive(Default)]
pub(crate) struct Configs(Vec<Option<Box<Config>>>);

impl Configs {
    pub(crate) fn of_all(stack: &Stack, known: &Known) -> Self {
        Self(stack.providers.iter().map(|provider| provider.erased.typed_config(known).ok()).collect())
    }

    /// Those of one, by its place in the stack.
    pub(crate) fn of(&self, place: usize) -> Option<&Config> {
        self.0.get(place)?.as_deref()
    }
}
