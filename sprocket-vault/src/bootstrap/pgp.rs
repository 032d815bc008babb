//! OpenPGP keys of ours: what the server encrypts shares and the root token to, inside the call that makes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pgp::composed::{
    Deserializable as _, EncryptionCaps, KeyType, Message, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::ser::Serialize as _;
use rand::rngs::OsRng;
use sprocket_core::program::Secret;

/// A key pair.
pub(super) struct Key(SignedSecretKey);

/// Something is not a message to this key.
#[derive(Debug)]
pub(super) struct NotForUs;

impl Key {
    /// A new one, of the kind that servers and every other tool know.
    pub(super) fn generate() -> Self {
        let mut subkey = SubkeyParamsBuilder::default();
        subkey.key_type(KeyType::ECDH(ECCCurve::Curve25519Legacy)).can_encrypt(EncryptionCaps::All);
        let mut key = SecretKeyParamsBuilder::default();
        key.key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(false)
            .can_encrypt(EncryptionCaps::None)
            .primary_user_id("Sprocket <custody@localhost>".into())
            .subkeys(vec![subkey.build().expect("BUG: the subkey has all that it needs")]);
        let params = key.build().expect("BUG: the key has all that it needs");
        Self(params.generate(OsRng).expect("BUG: a key of this kind can be made"))
    }

    /// The one that was kept.
    pub(super) fn read(text: &str) -> Result<Self, NotForUs> {
        let bytes = STANDARD.decode(text).map_err(|_| NotForUs)?;
        SignedSecretKey::from_bytes(&bytes[..]).map(Self).map_err(|_| NotForUs)
    }

    /// How it is kept.
    pub(super) fn write(&self) -> String {
        STANDARD.encode(self.0.to_bytes().expect("BUG: a key can be written to memory"))
    }

    /// Its public half, as the server takes it: base64 of its binary form.
    pub(super) fn public(&self) -> String {
        let public = SignedPublicKey::from(self.0.clone());
        STANDARD.encode(public.to_bytes().expect("BUG: a key can be written to memory"))
    }

    /// What a message to it says.
    pub(super) fn decrypt(&self, message: &[u8]) -> Result<Secret<String>, NotForUs> {
        let message = Message::from_bytes(message).map_err(|_| NotForUs)?;
        if !matches!(message, Message::Encrypted { .. }) {
            return Err(NotForUs);
        }
        let mut opened = message.decrypt(&"".into(), &self.0).map_err(|_| NotForUs)?;
        opened.as_data_string().map(Secret::new).map_err(|_| NotForUs)
    }
}

#[cfg(test)]
pub(super) fn encrypt(public: &str, text: &str) -> Vec<u8> {
    use pgp::composed::MessageBuilder;
    use pgp::crypto::sym::SymmetricKeyAlgorithm;
    let public = SignedPublicKey::from_bytes(&STANDARD.decode(public).unwrap()[..]).unwrap();
    let mut builder =
        MessageBuilder::from_bytes("", text.as_bytes().to_vec()).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    builder.encrypt_to_key(OsRng, &&public.public_subkeys[0]).unwrap();
    builder.to_vec(OsRng).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_key_opens_a_message() {
        let (ours, other) = (Key::generate(), Key::generate());
        let message = encrypt(&ours.public(), "a share");
        let kept = Key::read(&ours.write()).unwrap();
        assert_eq!(kept.decrypt(&message).unwrap().expose(), "a share");
        assert!(other.decrypt(&message).is_err());
        assert!(ours.decrypt(b"5f2c1e").is_err(), "clear text is no message");
    }
}
