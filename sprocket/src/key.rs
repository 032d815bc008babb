//! The stack's key: who can open it.
//!
//! It comes from `SPROCKET_PASSPHRASE`, from the file that `SPROCKET_PASSPHRASE_FILE` names, or from the age identity file that
//! `SPROCKET_IDENTITY_FILE` names. The environments `local` and `sandbox` make one of their own beside their state, so that a
//! first try needs no thought; every other one is refused without a key, before anything else is done.

use std::path::Path;

use sprocket_core::program::Secret;
use sprocket_core::state::{FileStore, KeySource, generate_identity};

use crate::config::SANDBOX;
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// Environments whose state is nobody else's: their key lies beside it.
const PRIVATE: &[&str] = &["local", SANDBOX];

/// How the key of an environment is got.
#[derive(Debug)]
pub(crate) enum Key {
    /// From outside.
    Given(KeySource),
    /// It lies beside the state, or will.
    Own(FileStore),
}

impl Key {
    /// The way for this environment.
    pub(crate) async fn choose(around: &Surroundings, environment: &str, beside: FileStore) -> Result<Self, Trouble> {
        if let Some(key) = &around.key {
            return Ok(Self::Given(key.clone()));
        }
        let is_private = PRIVATE.contains(&environment);
        // Once it is there, it is the one: a passphrase in the environment is another stack's.
        if is_private && beside.own_key().await?.is_some() {
            return Ok(Self::Own(beside));
        }
        let names = ["SPROCKET_PASSPHRASE", "SPROCKET_PASSPHRASE_FILE", "SPROCKET_IDENTITY_FILE"];
        let set: Vec<&str> = names.into_iter().filter(|name| around.variable(name).is_some()).collect();
        match set[..] {
            [] if is_private => Ok(Self::Own(beside)),
            [] => {
                Err(Trouble::new(format!("environment `{environment}` has no key, and its secrets could not be kept"))
                    .hint(
                        "set SPROCKET_PASSPHRASE; or SPROCKET_PASSPHRASE_FILE to a file that has it; or \
                     SPROCKET_IDENTITY_FILE to an age identity, which `age-keygen -o FILE` makes",
                    ))
            }
            [name] => Self::read(around, name).map(Self::Given),
            _ => Err(Trouble::new(format!("{} are set; which one counts?", set.join(" and ")))),
        }
    }

    /// The one from outside.
    pub(crate) fn given(&self) -> Option<&KeySource> {
        match self {
            Self::Given(key) => Some(key),
            Self::Own(_) => None,
        }
    }

    fn read(around: &Surroundings, name: &str) -> Result<KeySource, Trouble> {
        let value = around.variable(name).unwrap_or_default();
        let read = |path: &str| {
            let path = around.directory.join(Path::new(path));
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Trouble::new(format!("could not read {} (from {name}): {error}", path.display())))?;
            Ok::<_, Trouble>((text, path.display().to_string()))
        };
        Ok(match name {
            "SPROCKET_PASSPHRASE" => KeySource::passphrase(Secret::new(value.to_owned()), name),
            "SPROCKET_PASSPHRASE_FILE" => {
                let (text, origin) = read(value)?;
                let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                KeySource::passphrase(Secret::new(text), origin)
            }
            _ => {
                let (text, origin) = read(value)?;
                KeySource::identity(Secret::new(text), origin)
            }
        })
    }

    /// For looking: nothing is written. A state that has not begun has nothing to open, and any key will do.
    pub(crate) async fn for_reading(&self) -> Result<KeySource, Trouble> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::Own(store) => Ok(match store.own_key().await? {
                Some(key) => key,
                None => KeySource::identity(generate_identity(), "the key that is not made yet"),
            }),
        }
    }

    /// For a run: the key is durable before anything is sealed with it.
    pub(crate) async fn for_writing(&self) -> Result<KeySource, Trouble> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::Own(store) => Ok(store.make_own_key().await?),
        }
    }
}
