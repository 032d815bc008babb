//! Whether a call had an effect.

use serde::{Deserialize, Serialize};

/// Whether a call had an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It had none.
    None,
    /// It may have had one: time-out, cut connection, 5xx. It is settled before it is tried again.
    Unknown,
    /// It had its effect, and failed afterwards.
    Done,
}
