//! Inputs: what a setting of a draft holds.

use std::fmt::{self, Debug, Display};
use std::panic::Location;
use std::sync::Arc;

use super::{Known, NoValue, Output, Secret};

/// A setting's content: a plain value, an output of another resource, or a mistake with its line.
pub enum Input<T> {
    /// A plain value.
    Value(T),
    /// A value that another resource will have.
    Output(Output<T>),
    /// Something that can't be a `T`; reported with all other mistakes before anything is asked of any service.
    Mistake(Mistake),
}

impl<T> Input<T> {
    /// A value that had to be checked: its error is a mistake at the caller's line.
    #[track_caller]
    pub fn checked<E: Display>(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Value(value),
            Err(error) => Self::Mistake(Mistake::here(error.to_string())),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Input<T> {
    /// As an output. A mistake is one of whoever uses it.
    #[track_caller]
    pub fn output(self) -> Output<T> {
        match self {
            Self::Output(output) => output,
            Self::Value(value) => Output::known(value),
            Self::Mistake(mistake) => Output::known(mistake.message).try_map(|message| Err::<T, _>(message)),
        }
    }
}

impl<T: Clone + 'static> Input<T> {
    /// The value, once all it waits for is known.
    pub(crate) fn value(&self, known: &Known) -> Result<T, NoValue> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Output(output) => output.value(known),
            Self::Mistake(mistake) => Err(NoValue::Ever(mistake.clone())),
        }
    }
}

impl<T: Clone> Clone for Input<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.clone()),
            Self::Output(output) => Self::Output(output.clone()),
            Self::Mistake(mistake) => Self::Mistake(mistake.clone()),
        }
    }
}

impl<T: Debug> Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => Debug::fmt(value, f),
            Self::Output(output) => Debug::fmt(output, f),
            Self::Mistake(mistake) => Debug::fmt(mistake, f),
        }
    }
}

/// Something wrong in a program, and the line that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: Arc<str>,
    /// Where in the program.
    pub at: &'static Location<'static>,
}

impl Mistake {
    /// A mistake at the caller's line.
    #[track_caller]
    pub fn here(message: impl Into<Arc<str>>) -> Self {
        Self::at(Location::caller(), message)
    }

    pub(crate) fn at(at: &'static Location<'static>, message: impl Into<Arc<str>>) -> Self {
        Self { message: message.into(), at }
    }
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ({}:{})", self.message, self.at.file(), self.at.line())
    }
}

/// Can be given where a setting wants a `T`: a `T`, an `Output<T>`, or a handle that has one.
///
/// A provider crate implements it for its handles (`&Network` gives a `NetworkId`) and for text that must parse
/// (`&str` gives an `ImageRef`, or a mistake).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give a `{T}`",
    label = "expected a `{T}`, an `Output<{T}>`, or a handle that has one"
)]
pub trait IntoInput<T> {
    /// The setting's content. A mistake in it has the caller's line.
    #[track_caller]
    fn into_input(self) -> Input<T>;
}

impl<T> IntoInput<T> for T {
    fn into_input(self) -> Input<T> {
        Input::Value(self)
    }
}

impl<T> IntoInput<T> for Input<T> {
    fn into_input(self) -> Self {
        self
    }
}

impl<T> IntoInput<T> for Output<T> {
    fn into_input(self) -> Input<T> {
        Input::Output(self)
    }
}

impl<T> IntoInput<T> for &Output<T> {
    fn into_input(self) -> Input<T> {
        Input::Output(self.clone())
    }
}

impl IntoInput<String> for &str {
    fn into_input(self) -> Input<String> {
        Input::Value(self.to_owned())
    }
}

impl IntoInput<String> for &String {
    fn into_input(self) -> Input<String> {
        Input::Value(self.clone())
    }
}

impl<T> IntoInput<Secret<T>> for T {
    fn into_input(self) -> Input<Secret<T>> {
        Input::Value(Secret::new(self))
    }
}

impl<T: 'static> IntoInput<Secret<T>> for Output<T> {
    fn into_input(self) -> Input<Secret<T>> {
        Input::Output(self.map(Secret::new).secret())
    }
}

impl<T: 'static> IntoInput<Secret<T>> for &Output<T> {
    fn into_input(self) -> Input<Secret<T>> {
        Input::Output(self.map(Secret::new).secret())
    }
}

impl IntoInput<Secret<String>> for &str {
    fn into_input(self) -> Input<Secret<String>> {
        Input::Value(Secret::new(self.to_owned()))
    }
}
