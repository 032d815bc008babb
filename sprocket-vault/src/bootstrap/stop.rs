//! Why a bootstrap stops. Each is a place where going on could lose keys, or where the evidence has two readings; each
//! says what is known and which ways on there are.

use sprocket_core::kind::ErrorKind;

use crate::error::Cause;

/// Why a bootstrap stops.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapStop {
    /// The server was initialised, perhaps by us, and the answer with the keys never arrived.
    #[error(
        "the Vault at {address} is initialised, and its keys never arrived: a call to initialise it was begun at {at}, and \
         its answer is not in custody"
    )]
    OrphanInit {
        /// The server.
        address: String,
        /// When our call was begun.
        at: String,
        /// The custody.
        place: String,
    },
    /// The server says that it is new, and custody has the keys of an older one.
    #[error("the Vault at {address} is not initialised, but {place} has the keys of one that was")]
    LostData {
        /// The server.
        address: String,
        /// The custody.
        place: String,
    },
    /// The server says that it is new, state knows that it was not, and custody is empty.
    #[error("the Vault at {address} is not initialised, though this stack has initialised it, and {place} is empty")]
    LostAll {
        /// The server.
        address: String,
        /// The custody.
        place: String,
    },
    /// The server was initialised by somebody else.
    #[error("the Vault at {address} is initialised, and {place} has no keys of it")]
    Foreign {
        /// The server.
        address: String,
        /// The custody.
        place: String,
    },
    /// Custody belongs to another Vault than the server.
    #[error("the Vault at {address} is not the one that {place} has the keys of: {difference}")]
    SplitBrain {
        /// The server.
        address: String,
        /// The custody.
        place: String,
        /// How that shows.
        difference: String,
    },
    /// The server gave its keys in clear.
    #[error("the Vault at {address} ignored our OpenPGP keys: what it answered is not encrypted to them")]
    KeysIgnored {
        /// The server.
        address: String,
        /// The custody.
        place: String,
    },
    /// The call to initialise ended without an answer.
    #[error("the Vault at {address} was asked to initialise, and there was no answer")]
    NoAnswer {
        /// The server.
        address: String,
        /// Why.
        source: Cause,
    },
    /// A share in custody is another one than the server gave.
    #[error("share {number} in {place} is not the one that the Vault gave")]
    AnotherShare {
        /// Which.
        number: u8,
        /// Its custodian.
        place: String,
    },
    /// A share is not where it was delivered, and can't be delivered again.
    #[error("share {number} has gone from {place}, and can't be delivered a second time")]
    ShareGone {
        /// Which.
        number: u8,
        /// Its custodian.
        place: String,
    },
    /// There are not enough shares.
    #[error("{there} of the {needed} shares that unsealing needs are in {place}")]
    TooFewShares {
        /// How many there are.
        there: u8,
        /// How many are needed.
        needed: u8,
        /// The custody.
        place: String,
    },
    /// The server does not accept the shares.
    #[error("the shares from {place} do not open the Vault at {address}")]
    ShareDoesNotFit {
        /// The server.
        address: String,
        /// The custody.
        place: String,
    },
    /// The root token is needed, and has been revoked.
    #[error("could not {what}: the root token of the Vault has been revoked")]
    RootGone {
        /// What was attempted.
        what: String,
    },
    /// The root token was revoked, and still works.
    #[error("the root token of the Vault at {address} was revoked, and still works")]
    RootStays {
        /// The server.
        address: String,
    },
}

impl BootstrapStop {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::RootGone { .. } | Self::ShareDoesNotFit { .. } => ErrorKind::Denied,
            Self::Foreign { .. } => ErrorKind::AlreadyExists,
            Self::SplitBrain { .. } | Self::AnotherShare { .. } => ErrorKind::Conflict,
            // Not `Unavailable`: that would be tried again, and this call is made once.
            _ => ErrorKind::Invalid,
        }
    }

    pub(crate) fn hint(&self) -> String {
        match self {
            Self::OrphanInit { place, .. } => format!(
                "if nobody else initialised it, nobody has its keys, nothing can be in it, and it is safe to empty its \
                 storage: do so, and run the same command again. If somebody else did, put {place} aside and connect to \
                 it with a token of theirs. Nothing was changed"
            ),
            Self::LostData { place, .. } => format!(
                "is its storage mounted? Bring it back. If it was emptied on purpose, put {place} aside, `state forget` \
                 the resources of the bootstrap, and run the same command again. Nothing was changed"
            ),
            Self::LostAll { .. } => "are storage and custody mounted? Bring them back. If both were emptied on purpose, \
                                     `state forget` the resources of the bootstrap, and run the same command again. \
                                     Nothing was changed"
                .into(),
            Self::Foreign { .. } => "bring its custody back; or, if it is somebody else's, leave the bootstrap out and \
                                     connect to it with a token of theirs. Nothing was changed"
                .into(),
            Self::SplitBrain { .. } => {
                "connect to the Vault that this custody is of, or bring back the custody of this one. Nothing was changed"
                    .into()
            }
            Self::KeysIgnored { place, .. } => format!(
                "its keys went over the network in clear; they are kept, sealed, in the answer in {place}. Use a server \
                 that knows `pgp_keys`, and empty the storage of this one"
            ),
            Self::NoAnswer { .. } => {
                "it is not asked again before it is known what became of it: run the same command again".into()
            }
            Self::AnotherShare { .. } | Self::ShareGone { .. } => {
                "bring the share back from a copy; with enough other shares, `vault operator rekey` makes new ones".into()
            }
            Self::TooFewShares { .. } => "bring the others back from a copy".into(),
            Self::ShareDoesNotFit { .. } => "they are another Vault's, or were replaced by `vault operator rekey`".into(),
            Self::RootGone { .. } => {
                "`vault operator generate-root` makes one of the shares; `age --decrypt` opens them".into()
            }
            Self::RootStays { .. } => "revoke it by hand: `vault token revoke`".into(),
        }
    }
}
