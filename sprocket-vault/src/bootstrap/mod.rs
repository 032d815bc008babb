//! Bootstrap: from a server with empty storage to one that is open, with a token for the program and no root token.
//!
//! Its stages are steps of their own in plan and journal, in this order: [`VaultInit`], a [`VaultShare`] for each share,
//! [`VaultUnseal`], [`VaultAccess`], [`VaultRootRevoked`]. [`Bootstrap`] declares them all.

mod access;
#[cfg(test)]
mod gaps_tests;
mod init;
mod pgp;
mod root;
mod server;
mod share;
mod standing;
mod stop;
#[cfg(test)]
mod tests;
mod unseal;

use std::time::Duration;

use sprocket_core::program::{DraftExt as _, IntoInput, Output, Stack};

pub use self::access::{VaultAccess, VaultAccessDraft, VaultAccessSpec, VaultAccessState};
pub use self::init::{VaultInit, VaultInitDraft, VaultInitSpec, VaultInitState};
pub use self::root::{VaultRootRevoked, VaultRootRevokedDraft, VaultRootRevokedSpec, VaultRootRevokedState};
pub use self::server::{VaultServer, VaultServerConfig, VaultServerDraft};
pub use self::share::{VaultShare, VaultShareDraft, VaultShareSpec, VaultShareState};
pub use self::stop::BootstrapStop;
pub use self::unseal::{VaultUnseal, VaultUnsealDraft, VaultUnsealSpec, VaultUnsealState};
use crate::address::VaultAddress;
use crate::custody::Custody;
use crate::provider::VaultCredentials;

/// All that it takes to open a new Vault, and to open it again whenever it is sealed.
///
/// ```
/// # use sprocket_core::program::{Password, Stack};
/// # use sprocket_vault::{Bootstrap, Custody, Vault, VaultMount};
/// # let mut stack = Stack::new();
/// let passphrase = stack.add(Password::new("custody"));
/// let custody = Custody::folder("custody/vault", &passphrase.value);
/// let opened = Bootstrap::new("vault", "http://127.0.0.1:8200", &custody).shares(5, 3).on(&mut stack);
/// let vault = stack.connect(Vault::at(&opened.address).credentials(&opened));
/// stack.on(&vault).add(VaultMount::kv2("apps"));
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "it declares nothing until it is put `on` a stack"]
pub struct Bootstrap {
    name: String,
    address: Output<VaultAddress>,
    custody: Custody,
    shares: (u8, u8),
    storage: Option<Output<String>>,
    policy: Option<String>,
}

/// What a bootstrap has declared, for what comes after it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Where the Vault is.
    pub address: Output<VaultAddress>,
    /// What it is asked with: our token, from custody. Unknown while the Vault has to be unsealed.
    pub credentials: Output<VaultCredentials>,
    /// The initialisation.
    pub init: VaultInit,
    /// The shares, in order.
    pub shares: Vec<VaultShare>,
    /// That it is open.
    pub unseal: VaultUnseal,
    /// Our token.
    pub access: VaultAccess,
    /// That the root token is revoked.
    pub root_revoked: VaultRootRevoked,
}

/// The call to initialise may take this long, with what comes before and after it.
const INITIALISES: Duration = Duration::from_secs(180);

impl Bootstrap {
    /// The Vault at this address, whose keys are kept in this custody; its resources get this name, and the
    /// provider that they are declared on: `vault-server/NAME`.
    #[track_caller]
    pub fn new(name: impl Into<String>, address: impl IntoInput<VaultAddress>, custody: &Custody) -> Self {
        Self {
            name: name.into(),
            address: address.into_input().output(),
            custody: custody.clone(),
            shares: (5, 3),
            storage: None,
            policy: None,
        }
    }

    /// Splits the key into so many shares, of which so many open the Vault; 5 and 3 without it.
    pub fn shares(mut self, shares: u8, threshold: u8) -> Self {
        self.shares = (shares, threshold);
        self
    }

    /// Binds the Vault to this very storage: the identity of its volume.
    #[track_caller]
    pub fn storage(mut self, identity: impl IntoInput<String>) -> Self {
        self.storage = Some(identity.into_input().output());
        self
    }

    /// Gives the program's token this policy, in place of one for the kinds of this crate. It must let the token read and
    /// write its own policy, which has the bootstrap's name.
    pub fn policy(mut self, text: impl Into<String>) -> Self {
        self.policy = Some(text.into());
        self
    }

    /// Declares its stages.
    #[track_caller]
    pub fn on(self, stack: &mut Stack) -> Opened {
        let Self { name, address, custody, shares: (count, threshold), storage, policy } = self;
        let server = stack.connect(VaultServer::at(&address, &custody).named(&name));
        let draft = VaultInit::draft(&name).shares(count).threshold(threshold).time_limit(INITIALISES);
        let draft = match storage {
            Some(identity) => draft.storage(identity),
            None => draft,
        };
        let init = stack.on(&server).add(draft);
        let shares: Vec<_> = (1..=count)
            .map(|number| {
                let fingerprint =
                    init.fingerprints.map(move |all| all.get(usize::from(number) - 1).cloned().unwrap_or_default());
                stack.on(&server).add(VaultShare::draft(format!("{name}-{number}"), number, fingerprint))
            })
            .collect();
        let draft = shares.iter().fold(VaultUnseal::draft(&name), |draft, share| draft.after(share));
        let unseal = stack.on(&server).add(draft);
        let draft = VaultAccess::draft(&name).after(&unseal);
        let draft = match policy {
            Some(text) => draft.policy(text),
            None => draft,
        };
        let access = stack.on(&server).add(draft);
        let root_revoked = stack.on(&server).add(VaultRootRevoked::draft(&name).after(&access));
        // Its cluster is unknown while the Vault has to be unsealed, and then nothing can be asked of it.
        let token = access.accessor.zip(&unseal.cluster);
        let credentials = token
            .zip(&custody.folder.zip(&custody.passphrase))
            .map(|(_, (folder, passphrase))| VaultCredentials::in_custody(folder, passphrase))
            .secret();
        Opened { address, credentials, init, shares, unseal, access, root_revoked }
    }
}
