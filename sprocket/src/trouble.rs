//! Trouble: why a command could not do what it was to do.

use sprocket_core::engine::Refused;
use sprocket_core::state::StoreError;

use crate::config::ConfigError;
use crate::program::Exit;

/// Why a command ends early: a message, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What was attempted and why it failed; several lines if several things are wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// The engine's word for it, if the engine refused.
    pub(crate) reason: Option<&'static str>,
    pub(crate) exit: Exit,
}

impl Trouble {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, reason: None, exit: Exit::Failed }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        let exit = if refused.is_locked() { Exit::Locked } else { Exit::Failed };
        let message = match &refused {
            Refused::Mistakes(mistakes) => {
                let mistakes = mistakes.to_string();
                let what = if mistakes.lines().count() == 1 { "a mistake" } else { "mistakes" };
                format!("the program has {what}; nothing was asked of any service\n{}", indented(&mistakes))
            }
            Refused::Problems(_) => format!("the plan can't be applied\n{}", indented(&refused.to_string())),
            _ => refused.message(),
        };
        Self { message, hint: refused.hint(), reason: Some(refused.reason()), exit }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Refused::from(error).into()
    }
}

impl From<ConfigError> for Trouble {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string())
    }
}

pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
