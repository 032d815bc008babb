//! Values of a program: what is known when it is written, what another resource will report, what must stay secret.
//!
//! A setting is an [`Input`]: a plain value, or an [`Output`] of another resource. A [`Known`] says which outputs have
//! a value at this moment; evaluating a setting against it gives the value, or a [`Partial`] one with the holes named.

mod assigned;
mod conceal;
mod escape;
mod evaluation;
mod input;
mod known;
mod output;
mod partial;
mod redact;
mod sealing;
mod secret;
mod slot;

pub use assigned::Assigned;
pub(crate) use assigned::is_assigned;
pub(crate) use conceal::{conceal_known, conceal_seen, is_beside_secret, places_hidden, seal_alike};
pub(crate) use escape::{
    escape_key, has_marks, is_engines, may_have_marks, plain_key, read, read_tree, to_tree, unescape, write_to, written,
};
pub(crate) use evaluation::{caught, exposed_here, is_foreign, provider_call, watched};
pub use input::{Input, IntoInput, Mistake};
pub use known::Known;
pub(crate) use known::{Facts, Reported};
pub use output::{Deps, NoValue, NodeId, Output};
pub(crate) use partial::{AFTER, is_sealed, open_all, open_at, seal_at, seal_secret, single};
pub use partial::{Partial, Path, PathPart};
pub(crate) use redact::{Exposed, forms};
pub(crate) use sealing::{FINGERPRINT, SEALED, sealing};
pub use sealing::{Fingerprint, GIVEN, SECRET, Sealed, StackKey};
pub use secret::Secret;
pub use slot::{Holding, Resolve, Slot, set};
