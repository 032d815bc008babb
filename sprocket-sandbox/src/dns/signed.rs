//! Who sent a message: TSIG (RFC 8945), with the one key of the sandbox.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::tsig::{TsigAlgorithm, TsigError};
use hickory_proto::rr::{Name, TSigResponseContext, TSigner};

/// The name of the key that updates are signed with. Its algorithm is `hmac-sha256`.
pub const DNS_KEY: &str = "sandbox";

/// The secret of that key, in base64. It is no secret: the name server is on loopback.
pub const DNS_SECRET: &str = "dGhlIGtleSBvZiB0aGUgc2FuZGJveA==";

/// How far clocks may be apart, in seconds.
const FUDGE: u16 = 300;

/// Who sent a message.
pub(super) enum Sender {
    /// It is not signed.
    Nobody,
    /// Who has the key; what its signature was.
    Known { id: u16, mac: Vec<u8> },
    /// Its signature does not hold.
    Rejected(Rejected),
}

/// Why a signature does not hold.
pub(super) enum Rejected {
    Key { id: u16, name: Name },
    Signature { id: u16 },
    Time { id: u16, mac: Vec<u8> },
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn signer() -> TSigner {
    let secret = STANDARD.decode(DNS_SECRET).expect("BUG: the secret is base64");
    let name = Name::from_ascii(DNS_KEY).expect("BUG: the key's name is one");
    TSigner::new(secret, TsigAlgorithm::HmacSha256, name, FUDGE).expect("BUG: the algorithm is known")
}

impl Sender {
    pub(super) fn of(message: &Message, bytes: &[u8]) -> Self {
        let (signer, id) = (signer(), message.metadata.id);
        let Some(signature) = &message.signature else { return Self::Nobody };
        if signature.name != *signer.signer_name() || signature.data.algorithm != *signer.algorithm() {
            return Self::Rejected(Rejected::Key { id, name: signature.name.clone() });
        }
        match signer.verify_message_byte(bytes, None, true) {
            Ok((mac, _, times)) if times.contains(&now()) => Self::Known { id, mac },
            Ok((mac, ..)) => Self::Rejected(Rejected::Time { id, mac }),
            Err(_) => Self::Rejected(Rejected::Signature { id }),
        }
    }
}

/// An answer as bytes, signed for who asked.
pub(super) fn sign(mut answer: Message, sender: &Sender) -> Option<Vec<u8>> {
    let bytes = answer.to_vec().ok()?;
    let context = match sender {
        Sender::Nobody => return Some(bytes),
        Sender::Known { id, mac } => TSigResponseContext::new(*id, now(), signer(), mac.clone(), None),
        Sender::Rejected(Rejected::Key { id, name }) => TSigResponseContext::unknown_key(*id, now(), name.clone()),
        Sender::Rejected(Rejected::Signature { id }) => TSigResponseContext::bad_signature(*id, now(), signer()),
        Sender::Rejected(Rejected::Time { id, mac }) => {
            TSigResponseContext::new(*id, now(), signer(), mac.clone(), Some(TsigError::BadTime))
        }
    };
    answer.set_signature(context.sign(&bytes).ok()?);
    answer.to_vec().ok()
}
