//! The forms of a secret: its parts, and the encodings of each.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::index::{Index, Manner};

/// Shorter texts are looked for as words only.
const LEAST_ANYWHERE: usize = 5;
/// Shorter parts of a secret are not looked for in settings.
const LEAST_PART: usize = 8;
/// Shorter encodings can't be told from ordinary words.
const LEAST_ENCODED: usize = 6;

/// Adds a secret value: a text, bytes or a number, or everything in a list or a map.
pub(super) fn of_value(value: &Value, index: &mut Index) {
    add_value(value, true, true, index);
}

/// Adds a value that was made from a secret: a text as a whole, and its parts for messages only. An address of a database may
/// be secret because of its password, and its host is in other settings too.
pub(super) fn of_derived(value: &Value, index: &mut Index) {
    if let Value::String(text) = value {
        add_text(text.trim_end_matches(['\n', '\r']), true, index);
    }
    add_value(value, true, false, index);
}

fn add_value(value: &Value, is_whole: bool, in_settings: bool, index: &mut Index) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            let digits = number.to_string();
            let in_settings = in_settings && is_whole && digits.len() >= LEAST_ANYWHERE;
            index.add(digits.as_bytes(), Manner { as_word: true, in_settings });
        }
        Value::String(text) if !is_whole && is_place(text) => {}
        Value::String(text) => {
            of_bytes(text.as_bytes(), in_settings && (is_whole || text.len() >= LEAST_PART), index);
        }
        Value::Array(items) => match bytes(items) {
            Some(bytes) => of_bytes(&bytes, in_settings && is_whole, index),
            None => items.iter().for_each(|item| add_value(item, false, in_settings, index)),
        },
        Value::Object(map) => map.values().for_each(|item| add_value(item, false, in_settings, index)),
    }
}

/// An address or a path among other values is no secret by itself, and messages need it.
fn is_place(text: &str) -> bool {
    text.starts_with('/') || text.contains("://") && password_in(text).is_none()
}

/// Bytes are written as a list of small numbers.
fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    let bytes: Option<Vec<u8>> = items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

/// Adds a text or bytes, and their parts.
pub(super) fn of_bytes(bytes: &[u8], in_settings: bool, index: &mut Index) {
    let Ok(text) = std::str::from_utf8(bytes) else { return of_binary(bytes, in_settings, index) };
    // Without the end of its last line: most programs take it away before they print.
    let trimmed = text.trim_end_matches(['\n', '\r']);
    add_text(trimmed, in_settings, index);
    if trimmed.len() < text.len() {
        add_encodings(bytes, in_settings, index);
    }
    if trimmed.contains('\n') {
        add_lines(trimmed, in_settings, index);
    }
    if let Some(password) = password_in(trimmed) {
        add_text(password, in_settings, index);
    }
    if let Ok(value @ (Value::Array(_) | Value::Object(_))) = serde_json::from_str(trimmed) {
        add_value(&value, false, in_settings, index);
    }
}

fn add_lines(text: &str, in_settings: bool, index: &mut Index) {
    let unix = text.replace("\r\n", "\n");
    let windows = unix.replace('\n', "\r\n");
    for other in [unix, windows].iter().filter(|other| *other != text) {
        add_text(other, in_settings, index);
    }
    // The lines of a key file are secrets by themselves. Those of other files may be in many settings.
    let is_key = text.starts_with("-----BEGIN");
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("-----")) {
        if line.len() >= LEAST_ANYWHERE {
            let in_settings = in_settings && is_key && line.len() >= LEAST_PART;
            written(line).iter().for_each(|form| add_form(form, in_settings, index));
        }
    }
}

/// `https://ann:PASSWORD@host`.
fn password_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password)
}

fn add_text(text: &str, in_settings: bool, index: &mut Index) {
    written(text).iter().for_each(|form| add_form(form, in_settings, index));
    add_encodings(text.as_bytes(), in_settings, index);
}

fn add_form(form: &str, in_settings: bool, index: &mut Index) {
    let as_word = form.len() < LEAST_ANYWHERE;
    index.add(form.as_bytes(), Manner { as_word, in_settings: in_settings && !as_word });
}

fn add_encodings(bytes: &[u8], in_settings: bool, index: &mut Index) {
    for form in encoded(bytes) {
        index.add(form.as_bytes(), Manner { as_word: false, in_settings });
    }
}

/// Bytes that are no text: as encodings, and as the numbers that they are.
fn of_binary(bytes: &[u8], in_settings: bool, index: &mut Index) {
    add_encodings(bytes, in_settings, index);
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    for separator in [",", ", "] {
        let list = numbers.join(separator);
        index.add(list.as_bytes(), Manner { as_word: true, in_settings });
    }
    // What is text in them may be printed with the rest replaced.
    let lossy = String::from_utf8_lossy(bytes);
    for part in lossy.split(char::REPLACEMENT_CHARACTER).filter(|part| part.len() >= LEAST_PART) {
        add_form(part, false, index);
    }
    index.add(lossy.as_bytes(), Manner { as_word: false, in_settings: false });
}

/// The ways in which a secret text may be written, with its encodings; the longest first.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let mut forms = [written(secret), encoded(secret.as_bytes())].concat();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

/// The text as it is, and in the escapes and quotes of other programs.
fn written(text: &str) -> Vec<String> {
    let json = |text: &str| {
        let json = Value::from(text).to_string();
        json[1..json.len() - 1].to_owned()
    };
    let rust = format!("{text:?}");
    let url = |escaped: &dyn Fn(u8) -> String| {
        let one = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => escaped(byte),
        };
        text.bytes().map(one).collect::<String>()
    };
    let once = json(text);
    let mut forms = vec![
        text.to_owned(),
        json(&once),
        once,
        rust[1..rust.len() - 1].to_owned(),
        text.replace('\'', "''"),
        text.replace('"', "\"\""),
        text.replace('\'', "'\\''"),
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
        url(&|byte| format!("%{byte:02X}")),
        url(&|byte| format!("%{byte:02x}")),
        url(&|byte| if byte == b' ' { "+".into() } else { format!("%{byte:02X}") }),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// Hexadecimal digits and base64.
fn encoded(bytes: &[u8]) -> Vec<String> {
    let mut forms = vec![hex::encode(bytes), hex::encode_upper(bytes)];
    // Inside a longer text, base64 has three forms, by what comes before; the ends depend on the neighbours and are left out.
    for before in 0..3 {
        let padded = [&vec![0; before], bytes].concat();
        let whole = padded.len() / 3 * 3;
        let from = [0, 2, 3][before];
        for encoded in [STANDARD_NO_PAD.encode(&padded[..whole]), URL_SAFE_NO_PAD.encode(&padded[..whole])] {
            forms.extend(encoded.get(from..).map(str::to_owned));
        }
    }
    forms.extend([STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]);
    forms.retain(|form| form.len() >= LEAST_ENCODED);
    forms.sort();
    forms.dedup();
    forms
}
