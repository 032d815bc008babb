//! Kinds and look-ups that need no service: generated secrets, and what other stacks show.

mod random;
mod stack_references;

pub use random::{Password, PasswordDraft, PasswordSpec, PasswordState, Random, RandomDraft, RandomError, RandomSpec};
pub use stack_references::{Neighbours, Stacks, StacksDraft, StacksError, StacksSpec};
