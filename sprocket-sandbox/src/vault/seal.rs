//! Initialising, sealing and unsealing.
//!
//! Shares are random numbers: that enough of them are given is counted, not computed. They are encrypted to OpenPGP keys as
//! the real server does it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use pgp::composed::{Deserializable as _, MessageBuilder, SignedPublicKey};
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use rand::rngs::OsRng;
use serde_json::{Value, json};

use super::book::{Book, Init, Token, id, text, uuid};
use super::refusal::Refusal;
use super::{Given, found};

pub(super) fn status(book: &Book) -> Value {
    let init = book.init.as_ref();
    let sealed = init.is_none_or(|init| init.sealed);
    let mut status = json!({
        "type": "shamir",
        "initialized": init.is_some(),
        "sealed": sealed,
        "t": init.map_or(0, |init| init.threshold),
        "n": init.map_or(0, |init| init.shares.len()),
        "progress": init.map_or(0, |init| init.given.len()),
        "nonce": "",
        "version": "2.0.0-sandbox",
        "storage_type": "sandbox",
    });
    if let Some(init) = init.filter(|init| !init.sealed) {
        status["cluster_id"] = init.cluster.clone().into();
        status["cluster_name"] = "sandbox".into();
    }
    status
}

/// Its status says how the Vault is.
pub(super) fn health(book: &Book) -> Given {
    let status = match &book.init {
        None => StatusCode::NOT_IMPLEMENTED,
        Some(init) if init.sealed => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) => StatusCode::OK,
    };
    let sealed = book.init.as_ref().is_none_or(|init| init.sealed);
    Ok((status, json!({ "initialized": book.init.is_some(), "sealed": sealed, "standby": false })))
}

pub(super) fn init(book: &mut Book, body: &Value) -> Given {
    if book.init.is_some() {
        return Err(Refusal::bad("Vault is already initialized"));
    }
    let number = |name: &str| body[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
    let (count, threshold) = (number("secret_shares"), number("secret_threshold"));
    if count == 0 || threshold == 0 || threshold > count || (threshold == 1 && count > 1) {
        return Err(Refusal::bad(
            "invalid seal configuration: secret_threshold must be at least 2, and no more than secret_shares",
        ));
    }
    let keys: Vec<String> = body["pgp_keys"].as_array().into_iter().flatten().map(text).collect();
    if !keys.is_empty() && keys.len() != count {
        return Err(Refusal::bad("incorrect number of PGP keys: it must be that of the shares"));
    }
    let shares: Vec<String> = (0..count).map(|_| id(33)).collect();
    let root = format!("s.{}", id(12));
    let mut given = Vec::new();
    for (place, share) in shares.iter().enumerate() {
        given.push(match keys.get(place) {
            Some(key) => encrypt(key, share)?.iter().map(|byte| format!("{byte:02x}")).collect(),
            None => share.clone(),
        });
    }
    let root_token = match body["root_token_pgp_key"].as_str().filter(|key| !key.is_empty()) {
        Some(key) => STANDARD.encode(encrypt(key, &root)?),
        None => root.clone(),
    };
    book.policies.insert("default".into(), "# what every token may do with itself\n".into());
    let policies = vec!["root".to_owned()];
    let token = Token { accessor: id(12), policies, period: None, display_name: "root".into(), meta: Value::Null };
    book.tokens.insert(root, token);
    book.init = Some(Init { cluster: uuid(), shares, threshold, sealed: true, given: Vec::new() });
    Ok(found(json!({ "keys": given, "keys_base64": [], "root_token": root_token })))
}

fn encrypt(key: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    let bad = || Refusal::bad("error parsing a PGP key");
    let key = STANDARD.decode(key).map_err(|_| bad())?;
    let key = SignedPublicKey::from_bytes(&key[..]).map_err(|_| bad())?;
    let subkey = key.public_subkeys.first().ok_or_else(bad)?;
    let mut message =
        MessageBuilder::from_bytes("", text.as_bytes().to_vec()).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    message.encrypt_to_key(OsRng, &subkey).map_err(|_| bad())?;
    message.to_vec(OsRng).map_err(|_| bad())
}

pub(super) fn unseal(book: &mut Book, body: &Value) -> Given {
    let Some(init) = &mut book.init else { return Err(Refusal::bad("Vault is not initialized")) };
    if body["reset"] == true {
        init.given.clear();
    } else if init.sealed {
        let share = text(&body["key"]);
        if !init.given.contains(&share) {
            init.given.push(share);
        }
        // A wrong share counts, and shows only with the last.
        if init.given.len() >= init.threshold {
            let given = std::mem::take(&mut init.given);
            if !given.iter().all(|share| init.shares.contains(share)) {
                return Err(Refusal::bad("Unseal failed, invalid key"));
            }
            init.sealed = false;
        }
    }
    Ok(found(status(book)))
}

pub(super) fn seal(book: &mut Book) -> Given {
    if let Some(init) = &mut book.init {
        init.sealed = true;
    }
    Ok((StatusCode::NO_CONTENT, Value::Null))
}
