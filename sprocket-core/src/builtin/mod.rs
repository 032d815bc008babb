//! Kinds and look-ups that need no service: generated secrets, and what other stacks show.

mod neighbours;
mod random;

pub use neighbours::{Neighbours, Stacks, StacksDraft, StacksError, StacksSpec};
pub use random::{Password, PasswordDraft, PasswordSpec, PasswordState, Random, RandomDraft, RandomError, RandomSpec};
