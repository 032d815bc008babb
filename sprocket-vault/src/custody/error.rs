//! What can go wrong with custody. No message has anything of what is kept in it.

use std::io;
use std::path::PathBuf;

use sprocket_core::kind::ErrorKind;

use super::Item;

/// Why custody can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// A file of it could not be read or written.
    #[error("could not {attempt} {}", path.display())]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is sealed to another passphrase.
    #[error("the passphrase does not open the custody in {place}")]
    WrongPassphrase {
        /// Where it is.
        place: String,
    },
    /// The passphrase is empty.
    #[error("the passphrase of the custody in {place} is empty")]
    NoPassphrase {
        /// Where it is.
        place: String,
    },
    /// Something in it is not what was written.
    #[error("the {what} in {place} is damaged")]
    Damaged {
        /// What it is.
        what: String,
        /// Where it is.
        place: String,
    },
    /// What was written does not come back.
    #[error("what is written to {place} does not come back")]
    Forgetful {
        /// Where it is.
        place: String,
    },
}

impl CustodyError {
    pub(crate) fn damaged(item: Item, place: impl Into<String>) -> Self {
        Self::Damaged { what: item.to_string(), place: place.into() }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            Self::WrongPassphrase { .. } => ErrorKind::Denied,
            _ => ErrorKind::Invalid,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } => Some("this user must be able to read and write the folder".into()),
            Self::WrongPassphrase { .. } => {
                Some("it was sealed to another one: give that one back, or the custody of this Vault".into())
            }
            Self::Damaged { .. } => Some("bring the folder back from a copy; nothing was changed in it".into()),
            _ => None,
        }
    }
}
