//! What programs name: the stack, outputs and inputs, secrets, options, and kinds without a service.

pub use crate::builtin::{
    Neighbours, Password, PasswordDraft, PasswordSpec, PasswordState, Random, RandomDraft, RandomError, RandomSpec,
    Stacks, StacksDraft, StacksError, StacksSpec,
};
pub use crate::kind::{AppliedOverride, DraftExt, InvalidOverride, Layer, Override, OverrideError, Precedes, Trigger};
pub use crate::stack::{Budget, Connected, Declared, Mistakes, Objections, On, Stack};
pub use crate::value::{Assigned, Input, IntoInput, Mistake, Output, Secret};
