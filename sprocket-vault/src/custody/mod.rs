//! Custody: where a Vault's shares are kept, what its initialisation is resumed from, and our token for it.
//!
//! A [`Custodian`] keeps items, each whole, durable and sealed; [`SealedFolder`] is the first of them. [`Custody`] is what a
//! program declares; [`Keeper`] is an open one, and knows what is in the items. State keeps fingerprints and accessors,
//! never what is in custody.

mod error;
mod folder;
mod items;
mod sealing;

use std::fmt::{self, Debug, Display};

use async_trait::async_trait;
use sprocket_core::program::{IntoInput, Output, Secret};

pub use self::error::CustodyError;
pub use self::folder::SealedFolder;
pub(crate) use self::items::{Answer, HeldShare, HeldToken, Intent, Keeper};

/// Keeps items of a Vault's bootstrap.
///
/// **Invariant:** what [`put`](Self::put) was given is durable when it returns, whole, and readable by nobody but its
/// owner; an item is never seen half written.
#[async_trait]
pub trait Custodian: Debug + Send + Sync {
    /// What it can be lost, or stolen, together with.
    fn domain(&self) -> FailureDomain;

    /// Where it is, for people.
    fn place(&self) -> String;

    /// Proves that items can be written, read back and removed.
    async fn probe(&self) -> Result<(), CustodyError>;

    /// The item; `None` if there is none. An error means that this could not be found out.
    async fn get(&self, item: Item) -> Result<Option<Secret<Vec<u8>>>, CustodyError>;

    /// Keeps an item, in place of the one that there was.
    async fn put(&self, item: Item, content: &Secret<Vec<u8>>) -> Result<(), CustodyError>;

    /// Removes an item; succeeds if there is none.
    async fn remove(&self, item: Item) -> Result<(), CustodyError>;

    /// Puts everything that there is aside, where nothing looks for it: the Vault has been given up.
    async fn retire(&self) -> Result<(), CustodyError>;

    /// Whether everything was put aside, and nothing has been put since.
    async fn is_retired(&self) -> Result<bool, CustodyError>;
}

/// What a custodian can be lost, or stolen, together with: a host, an account, a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureDomain(pub String);

impl Display for FailureDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// That we are about to initialise, and the keys that the answer will be encrypted to.
    Intent,
    /// What the server answered: shares and root token, encrypted to those keys.
    Answer,
    /// One share, delivered. The first is 1.
    Share(u8),
    /// Our own token.
    Token,
}

impl Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intent => f.write_str("intent"),
            Self::Answer => f.write_str("answer"),
            Self::Share(number) => write!(f, "share-{number}"),
            Self::Token => f.write_str("token"),
        }
    }
}

/// Where a program says that the shares of its Vault are kept.
///
/// ```
/// # use sprocket_core::program::{Password, Stack};
/// # use sprocket_vault::Custody;
/// # let mut stack = Stack::new();
/// let passphrase = stack.add(Password::new("custody"));
/// let custody = Custody::folder("custody/vault", &passphrase.value);
/// ```
#[derive(Clone, Debug)]
pub struct Custody {
    pub(crate) folder: Output<String>,
    pub(crate) passphrase: Output<Secret<String>>,
}

impl Custody {
    /// A folder on the machine that the program runs on, with all that is in it sealed to a passphrase. A relative path
    /// begins at the folder that the program is started in.
    ///
    /// Whoever has the folder and the passphrase can unseal the Vault: the split into shares protects against loss, not
    /// theft, and a plan says so.
    #[track_caller]
    pub fn folder(path: impl IntoInput<String>, passphrase: impl IntoInput<Secret<String>>) -> Self {
        Self { folder: path.into_input().output(), passphrase: passphrase.into_input().output().secret() }
    }
}
