//! Why a value of the file is not what the program's type wants.

use std::fmt::{self, Display};
use std::ops::Range;

use super::problem::Problem;

/// A key by key path to a setting.
pub(super) type Path = Vec<String>;

/// Why a value is not what the type wants, with the innermost place that is known.
#[derive(Debug)]
pub(super) struct Error {
    message: String,
    /// The field that the type wants and that is not there.
    missing: Option<&'static str>,
    span: Option<Range<usize>>,
    path: Option<Path>,
}

impl Error {
    pub(super) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), missing: None, span: None, path: None }
    }

    /// Something that has been noted elsewhere, or is a secret.
    pub(super) fn unexpected() -> Self {
        Self::new("the value is not of the expected form")
    }

    pub(super) fn at(mut self, span: Option<Range<usize>>, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.clone());
        self.span = self.span.or(span);
        self
    }

    pub(super) fn into_problem(self) -> Problem {
        let mut path = self.path.unwrap_or_default();
        path.extend(self.missing.map(str::to_owned));
        let message = match (self.missing, path.join(".")) {
            (Some(_), path) => format!("`{path}` is missing"),
            (None, path) if path.is_empty() => self.message,
            (None, path) => format!("`{path}`: {}", self.message),
        };
        Problem { span: self.span, message }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message)
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new("missing") }
    }
}
