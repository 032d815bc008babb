//! The stack's key in the custody of its owner.

use crate::value::StackKey;

/// Who can open a stack's key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeySource {
    /// Whoever has the key itself: for tests, whose state is gone with them.
    Given(StackKey),
}

/// Why a stack's key could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {}

impl KeyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl KeySource {
    /// The key, encrypted to its owner.
    ///
    /// # Errors
    /// If it can't be encrypted.
    pub fn protect(&self, _: &StackKey) -> Result<String, KeyError> {
        Ok("given".to_owned())
    }

    /// The key, opened.
    ///
    /// # Errors
    /// If this is not its owner.
    pub fn open(&self, _: &str) -> Result<StackKey, KeyError> {
        match self {
            Self::Given(key) => Ok(key.clone()),
        }
    }
}
