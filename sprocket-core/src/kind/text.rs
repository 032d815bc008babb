//! Settings that people write as text: what each such type would otherwise write again.

/// What [`as_text!`] names.
#[doc(hidden)]
pub mod names {
    pub use crate::value::{Input, IntoInput, Output};
}

/// Makes a type a setting that is written as text: in the program, in state, and as an output that is text until then.
///
/// The type reads itself with `FromStr`, whose error is a `String`, and writes itself with `Display`. What can't be read is a
/// mistake of the program, at the line that wrote it. For state it is given `#[serde(try_from = "String", into = "String")]`.
///
/// ```
/// # use std::fmt::{self, Display};
/// # use std::str::FromStr;
/// use serde::{Deserialize, Serialize};
/// use sprocket_core::kind::as_text;
///
/// /// A colour: `#ff8800`.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// #[serde(try_from = "String", into = "String")]
/// struct Colour(String);
/// as_text!(Colour);
/// # impl FromStr for Colour {
/// #     type Err = String;
/// #     fn from_str(text: &str) -> Result<Self, String> {
/// #         text.starts_with('#').then(|| Self(text.into())).ok_or_else(|| format!("`{text}` is not a colour"))
/// #     }
/// # }
/// # impl Display for Colour {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
/// #         f.write_str(&self.0)
/// #     }
/// # }
/// assert!(serde_json::from_str::<Colour>(r#""blue""#).is_err());
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __as_text {
    ($name:ident) => {
        impl ::std::convert::TryFrom<::std::string::String> for $name {
            type Error = ::std::string::String;

            fn try_from(text: ::std::string::String) -> ::std::result::Result<Self, ::std::string::String> {
                text.parse()
            }
        }

        impl ::std::convert::From<$name> for ::std::string::String {
            fn from(value: $name) -> Self {
                ::std::string::ToString::to_string(&value)
            }
        }

        impl $crate::kind::names::IntoInput<$name> for &str {
            fn into_input(self) -> $crate::kind::names::Input<$name> {
                $crate::kind::names::Input::checked(self.parse())
            }
        }

        impl $crate::kind::names::IntoInput<$name> for ::std::string::String {
            fn into_input(self) -> $crate::kind::names::Input<$name> {
                $crate::kind::names::Input::checked(self.parse())
            }
        }

        impl $crate::kind::names::IntoInput<$name> for $crate::kind::names::Output<::std::string::String> {
            fn into_input(self) -> $crate::kind::names::Input<$name> {
                $crate::kind::names::Input::Output(self.try_map(|text| text.parse::<$name>()))
            }
        }

        impl $crate::kind::names::IntoInput<$name> for &$crate::kind::names::Output<::std::string::String> {
            fn into_input(self) -> $crate::kind::names::Input<$name> {
                ::std::clone::Clone::clone(self).into_input()
            }
        }
    };
}

#[doc(inline)]
pub use __as_text as as_text;
