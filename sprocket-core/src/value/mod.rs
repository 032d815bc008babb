//! Values of a program: what is known when it is written, what another resource will report, what must stay secret.
//!
//! A setting is an [`Input`]: a plain value, or an [`Output`] of another resource. A [`Known`] says which outputs have
//! a value at this moment; evaluating a setting against it gives the value, or a [`Partial`] one with the holes named.

mod answer;
mod assigned;
mod conceal;
mod differences;
mod evaluation;
mod input;
mod known;
mod output;
mod panics;
mod partial;
mod redact;
mod sealing;
mod secret;
mod shown;
mod slot;

pub(crate) use answer::{Answer, Answered};
pub use assigned::Assigned;
pub(crate) use assigned::is_assigned;
pub(crate) use conceal::{conceal_known, conceal_seen, is_beside_secret, places_hidden, seal_alike};
pub(crate) use differences::{compare, is_marker};
pub(crate) use evaluation::{caught, exposed_here, is_foreign, provider_call, watched};
pub use input::{Input, IntoInput, Mistake};
pub use known::Known;
pub(crate) use known::{Facts, ProviderConfig, Providers, Reported};
pub use output::{Deps, NoValue, NodeId, Output};
pub use panics::silence_foreign_panics;
pub(crate) use partial::{AFTER, is_sealed, open_all, open_at, seal_at, seal_secret, single};
pub use partial::{Partial, Path, PathPart};
pub(crate) use redact::{Exposed, forms};
pub(crate) use sealing::{FINGERPRINT, SEALED, sealing};
pub use sealing::{Fingerprint, GIVEN, SECRET, Sealed, StackKey};
pub use secret::Secret;
pub use shown::shown;
pub(crate) use shown::{hidden, hide, in_seconds, seconds};
pub use slot::{Resolve, Slot};
