//! A line of a program: where something was declared.

use serde::{Deserialize, Serialize};

/// A line of a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
}

impl Place {
    pub(crate) fn of(at: &std::panic::Location<'_>) -> Self {
        Self { file: at.file().to_owned(), line: at.line() }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
