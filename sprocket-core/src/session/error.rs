//! Refusals: why nothing was called. Each is a [document](crate::document) when it is serialised.

use std::fmt::Write as _;

use thiserror::Error;

use crate::base::visible::shell_word;
use crate::base::{Address, Identity, PhysicalName, ProviderName, with_causes};
use crate::erased::Fault;
use crate::plan::Problem;
use crate::stack::Mistakes;
use crate::state::{KeyError, StoreError};
use crate::value::StackKey;

/// Why a plan or run was refused before anything was called.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The program is wrong.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
    /// The plan has problems.
    #[error("{}", problems(.0))]
    Problems(Vec<Problem>),
    /// The state could not be read, written or locked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state was not written by a holder of its key.
    #[error("the state in {place} is forged or damaged: {message}")]
    Forged {
        /// Where it is.
        place: String,
        /// Which part of it.
        message: String,
    },
    /// The state is one of another stack.
    #[error("the state in {place} is of {recorded}, and this is {own}")]
    AnotherStack {
        /// Where it is.
        place: String,
        /// Whose it is.
        recorded: String,
        /// Whose it should be.
        own: String,
    },
    /// The state is an older one than is known.
    #[error("the state in {place} is not the last one: {message}")]
    Older {
        /// Where it is.
        place: String,
        /// What is known.
        message: String,
    },
    /// The stack's key could not be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The engine's settings can't work.
    #[error("the engine's settings can't work: {what}")]
    Settings {
        /// Which of them, and why.
        what: &'static str,
    },
    /// The state, or the world, is not as it was when the plan was made.
    #[error("the plan is stale: {what}")]
    Stale {
        /// What has changed.
        what: String,
    },
    /// A saved plan is none for this.
    #[error("the saved plan can't be applied: {message}")]
    SavedPlan {
        /// Why.
        message: String,
    },
    /// A service could not be reached.
    #[error("could not reach `{provider}`: {message}")]
    Unreachable {
        /// Which provider.
        provider: ProviderName,
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A service did not let its objects be read.
    #[error("could not read {kind} from `{provider}`: {message}")]
    Unreadable {
        /// Which provider.
        provider: ProviderName,
        /// Which kind.
        kind: String,
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Another server answers where the recorded one was.
    #[error("`{provider}` is another server than before: `{found}`, and the state was made with `{recorded}`")]
    AnotherServer {
        /// Which provider.
        provider: ProviderName,
        /// The recorded server.
        recorded: Identity,
        /// The one that answers.
        found: Identity,
    },
    /// State has resources of a provider that the program does not know.
    #[error("state has {resources} of `{provider}`, and the program does not know this provider")]
    ForgottenProvider {
        /// Which provider.
        provider: ProviderName,
        /// How many, and some of them.
        resources: String,
    },
    /// State has resources of a provider that the program does not connect: where it would be connected to, only the state says.
    #[error(
        "state has {resources} of `{provider}`, which the program does not connect any more; it was connected with {config}"
    )]
    Disconnected {
        /// Which provider.
        provider: ProviderName,
        /// How many, and some of them.
        resources: String,
        /// Its settings, without secrets.
        config: String,
    },
    /// State has a resource of a kind that the program does not know.
    #[error("`{address}` is recorded, and its kind is not known")]
    UnknownKind {
        /// Which resource.
        address: Address,
    },
    /// State has a resource that this program can't read.
    #[error("the record of `{address}` {message}")]
    UnreadableRecord {
        /// Which resource.
        address: Address,
        /// Why.
        message: String,
    },
    /// It can't be found out what an interrupted run made.
    #[error("an interrupted run was making `{address}`, and it can't be told whether `{name}` is what it made")]
    Undecided {
        /// Which resource.
        address: Address,
        /// The name of what is there.
        name: PhysicalName,
    },
    /// There is no such resource.
    #[error("`{address}` is not {place}")]
    NoSuchResource {
        /// Which.
        address: String,
        /// Where it was looked for: `declared`, `recorded`.
        place: &'static str,
    },
    /// A resource can't have this address.
    #[error("`{from}` can't become `{to}`: {message}")]
    Rename {
        /// Which resource.
        from: Address,
        /// The address.
        to: Address,
        /// Why.
        message: String,
    },
    /// There is nothing to import.
    #[error("`{address}` can't be imported: {message}")]
    Import {
        /// Which resource.
        address: Address,
        /// Why.
        message: String,
    },
}

impl Refused {
    pub(crate) fn unreachable(provider: &ProviderName, fault: Fault) -> Self {
        Self::Unreachable { provider: provider.clone(), message: fault.message(), hint: fault.hint }
    }

    pub(crate) fn unreadable(provider: &ProviderName, kind: &str, fault: Fault) -> Self {
        let (message, hint) = (fault.message(), fault.hint);
        Self::Unreadable { provider: provider.clone(), kind: kind.to_owned(), message, hint }
    }

    /// The same, with the secrets that are known by now blotted out of what services said.
    pub(crate) fn redacted(self, key: &StackKey) -> Self {
        let clean = |message: String, hint: Option<String>| (key.redact(&message), hint.map(|hint| key.redact(&hint)));
        match self {
            Self::Unreachable { provider, message, hint } => {
                let (message, hint) = clean(message, hint);
                Self::Unreachable { provider, message, hint }
            }
            Self::Unreadable { provider, kind, message, hint } => {
                let (message, hint) = clean(message, hint);
                Self::Unreadable { provider, kind, message, hint }
            }
            other => other,
        }
    }

    /// Why, in a word that does not change: `locked`, `stale`, `problems`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Mistakes(_) => "mistakes",
            Self::Problems(_) => "problems",
            Self::Store(StoreError::Locked { .. }) => "locked",
            Self::Store(_) => "store",
            Self::Forged { .. } => "forged",
            Self::AnotherStack { .. } => "another_stack",
            Self::Older { .. } => "older",
            Self::Key(_) => "key",
            Self::Settings { .. } => "settings",
            Self::Stale { .. } => "stale",
            Self::SavedPlan { .. } => "saved_plan",
            Self::Unreachable { .. } => "unreachable",
            Self::Unreadable { .. } => "unreadable",
            Self::AnotherServer { .. } => "another_server",
            Self::ForgottenProvider { .. } => "forgotten_provider",
            Self::Disconnected { .. } => "disconnected",
            Self::UnknownKind { .. } => "unknown_kind",
            Self::UnreadableRecord { .. } => "unreadable_record",
            Self::Undecided { .. } => "undecided",
            Self::NoSuchResource { .. } => "no_such_resource",
            Self::Rename { .. } => "rename",
            Self::Import { .. } => "import",
        }
    }

    /// What was attempted and why it failed, with the causes.
    pub fn message(&self) -> String {
        with_causes(self)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { hint, .. } | Self::Unreadable { hint, .. } => {
                Some(hint.clone().unwrap_or_else(|| "nothing was changed, and nothing was dropped from state".into()))
            }
            Self::Forged { .. } => Some(
                "nothing was asked of any service, and the state stays as it is; put an earlier one in its place, from \
                 `state history`, the bucket's older versions or a backup, and find out who can write there"
                    .into(),
            ),
            Self::AnotherStack { .. } => Some(
                "nothing was changed; put the right state there. If the stack or the program has been renamed, or the state was \
                 moved here, `state claim` makes it this one's; never do that with a copy: two stacks would own the same objects"
                    .into(),
            ),
            Self::Older { .. } => Some(
                "nothing was changed; put the last state back. If an earlier one was put there on purpose, `--older` goes on \
                 with it: what was recorded since is forgotten, and old secrets may be in use again"
                    .into(),
            ),
            Self::Key(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Stale { .. } | Self::SavedPlan { .. } => Some("nothing was changed; plan again".into()),
            Self::AnotherServer { .. } => {
                Some("connect to the server that the state was made with; nothing was changed".into())
            }
            Self::ForgottenProvider { .. } => {
                Some("keep the provider in the program until its resources are gone, or `state forget` them".into())
            }
            Self::Disconnected { provider, .. } => Some(format!(
                "if that is where they are, the same command with `--forgotten {provider}` connects to it, to delete what is not \
                 declared any more; else connect it in the program, or `state forget` them"
            )),
            Self::UnknownKind { .. } => Some("run the program that made it, or `state forget` it".into()),
            Self::Undecided { address, name } => {
                let (address, name) = (shell_word(address.as_str()), shell_word(name.as_str()));
                Some(format!(
                    "if it is, `import {address} {name}`; if it is not, `state forget {address}` and choose another name"
                ))
            }
            _ => None,
        }
    }

    /// Somebody else holds the lock.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Store(StoreError::Locked { .. }))
    }
}

fn problems(problems: &[Problem]) -> String {
    let mut text = String::new();
    for (place, problem) in problems.iter().enumerate() {
        let line = if place == 0 { "" } else { "\n" };
        let _ = write!(text, "{line}`{}`: {}", problem.address, problem.message);
        if let Some(at) = &problem.at {
            let _ = write!(text, "  ({at})");
        }
        if let Some(hint) = &problem.hint {
            let _ = write!(text, "\n  hint: {hint}");
        }
    }
    text
}
