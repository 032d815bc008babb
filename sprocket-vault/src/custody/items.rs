//! What is in the items, and how they are read and written.

use std::sync::Arc;

use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sprocket_core::kind::OwnerTag;
use sprocket_core::program::Secret;

use super::{Custodian, CustodyError, FailureDomain, Item, SealedFolder};

/// That we are about to initialise. It is durable before the call, so that what comes of it is known to be ours.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// Tells this initialisation from all others.
    pub(crate) nonce: String,
    pub(crate) at: Timestamp,
    /// Whose it is.
    pub(crate) owner: OwnerTag,
    pub(crate) shares: u8,
    pub(crate) threshold: u8,
    /// The identity of the storage.
    pub(crate) storage: Option<String>,
    /// What shares are fingerprinted with.
    pub(crate) fingerprint_key: String,
    /// The OpenPGP keys that the shares, and at last the root token, will be encrypted to. They go when the answer does.
    pub(crate) keys: Vec<String>,
}

/// What the server answered.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The shares, each encrypted to its key, in hex. None any more once all of them are delivered.
    pub(crate) shares: Vec<String>,
    /// The root token, encrypted to its key, in base64. None any more once it is revoked.
    pub(crate) root: Option<String>,
    /// The fingerprints of the shares, once those are not here any more.
    pub(crate) fingerprints: Vec<String>,
}

/// A share, delivered.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct HeldShare {
    /// In hex, as the server takes it.
    pub(crate) share: String,
    pub(crate) owner: OwnerTag,
}

/// Our token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct HeldToken {
    pub(crate) token: String,
    pub(crate) accessor: Option<String>,
    pub(crate) owner: OwnerTag,
}

impl Intent {
    /// A share's keyed fingerprint: equal shares have equal ones, and nothing else is told.
    pub(crate) fn fingerprint(&self, share: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.fingerprint_key.as_bytes()).expect("BUG: any key will do");
        mac.update(share.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

/// An open custody.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    custodian: Arc<dyn Custodian>,
}

impl Keeper {
    pub(crate) fn folder(folder: &str, passphrase: &Secret<String>) -> Self {
        Self { custodian: Arc::new(SealedFolder::new(folder, passphrase.clone())) }
    }

    pub(crate) fn place(&self) -> String {
        self.custodian.place()
    }

    /// Who keeps a share. All of them are kept by one until there are more custodians.
    pub(crate) fn domain_of_share(&self, _: u8) -> FailureDomain {
        self.custodian.domain()
    }

    pub(crate) async fn probe(&self) -> Result<(), CustodyError> {
        self.custodian.probe().await
    }

    pub(crate) async fn retire(&self) -> Result<(), CustodyError> {
        self.custodian.retire().await
    }

    pub(crate) async fn is_retired(&self) -> Result<bool, CustodyError> {
        self.custodian.is_retired().await
    }

    pub(crate) async fn intent(&self) -> Result<Option<Intent>, CustodyError> {
        self.get(Item::Intent).await
    }

    pub(crate) async fn answer(&self) -> Result<Option<Answer>, CustodyError> {
        self.get(Item::Answer).await
    }

    pub(crate) async fn share(&self, number: u8) -> Result<Option<HeldShare>, CustodyError> {
        self.get(Item::Share(number)).await
    }

    pub(crate) async fn token(&self) -> Result<Option<HeldToken>, CustodyError> {
        self.get(Item::Token).await
    }

    pub(crate) async fn put_intent(&self, intent: &Intent) -> Result<(), CustodyError> {
        self.put(Item::Intent, intent).await
    }

    pub(crate) async fn put_answer(&self, answer: &Answer) -> Result<(), CustodyError> {
        self.put(Item::Answer, answer).await
    }

    pub(crate) async fn put_share(&self, number: u8, share: &HeldShare) -> Result<(), CustodyError> {
        self.put(Item::Share(number), share).await
    }

    pub(crate) async fn put_token(&self, token: &HeldToken) -> Result<(), CustodyError> {
        self.put(Item::Token, token).await
    }

    pub(crate) async fn remove_token(&self) -> Result<(), CustodyError> {
        self.custodian.remove(Item::Token).await
    }

    /// Which of so many shares are here.
    pub(crate) async fn delivered(&self, shares: u8) -> Result<Vec<u8>, CustodyError> {
        let mut here = Vec::new();
        for number in 1..=shares {
            here.extend(self.share(number).await?.map(|_| number));
        }
        Ok(here)
    }

    async fn get<T: DeserializeOwned>(&self, item: Item) -> Result<Option<T>, CustodyError> {
        let Some(content) = self.custodian.get(item).await? else { return Ok(None) };
        // The error of the parser may quote its input.
        serde_json::from_slice(content.expose())
            .map(Some)
            .map_err(|_| CustodyError::damaged(item, self.custodian.place()))
    }

    async fn put(&self, item: Item, content: &impl Serialize) -> Result<(), CustodyError> {
        let content = Secret::new(serde_json::to_vec(content).expect("BUG: an item serialises"));
        self.custodian.put(item, &content).await
    }
}
