//! Redaction: keeping secrets out of texts that come from elsewhere.
//!
//! A service may quote a secret in an error. Whatever was sealed or opened in a run is known here, and is blotted out of
//! every text before anybody sees it: as it is, and in the encodings that services answer in.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Shorter secrets can't be told from ordinary words.
const SHORTEST: usize = 5;

/// The secrets of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Redactor(Arc<Mutex<BTreeSet<String>>>);

impl Redactor {
    pub(super) fn learn(&self, plain: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(plain) else { return };
        let mut texts = Vec::new();
        collect(&value, &mut texts);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(texts.into_iter().filter(|text| text.len() >= SHORTEST));
    }

    pub(super) fn redact(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut result = text.to_owned();
        for secret in known.iter() {
            for form in forms(secret) {
                if result.contains(&form) {
                    result = result.replace(&form, "(secret)");
                }
            }
        }
        result
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> = items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect();
            match bytes.map(String::from_utf8) {
                Some(Ok(text)) => into.push(text),
                _ => items.iter().for_each(|item| collect(item, into)),
            }
        }
        Value::Object(map) => map.values().for_each(|item| collect(item, into)),
        _ => {}
    }
}

/// The ways in which a secret may be written; the longest first.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let url: String = secret
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let mut forms = vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        url,
        hex::encode(secret),
        hex::encode_upper(secret),
    ];
    // Inside a longer text, base64 has three forms, by what comes before; the ends depend on the neighbours and are left out.
    for before in 0..3 {
        let padded = [&vec![0; before], secret.as_bytes()].concat();
        let whole = padded.len() / 3 * 3;
        let from = [0, 2, 3][before];
        for encoded in [STANDARD_NO_PAD.encode(&padded[..whole]), URL_SAFE_NO_PAD.encode(&padded[..whole])] {
            forms.extend(encoded.get(from..).filter(|form| form.len() >= 6).map(str::to_owned));
        }
    }
    forms.extend([STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)]);
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blotted_out_in_every_encoding() {
        let redactor = Redactor::default();
        redactor.learn(br#""p\"ss w/rd""#);
        for form in forms("p\"ss w/rd") {
            assert_eq!(redactor.redact(&format!("refused: {form}!")), "refused: (secret)!");
        }
    }

    #[test]
    fn secrets_are_found_inside_lists_maps_and_bytes() {
        let redactor = Redactor::default();
        redactor.learn(br#"{"a": ["first-one"], "b": [104, 117, 110, 116, 101, 114, 50]}"#);
        assert_eq!(redactor.redact("first-one, hunter2, other"), "(secret), (secret), other");
    }
}
