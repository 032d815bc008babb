//! Leaks: whether a text has a secret in it, plain or in an encoding.

use crate::value::forms;

/// The secrets that a text has in it, each with the longest form that was found: plain, or as base64, hex, URL or JSON
/// escapes.
///
/// ```
/// # use sprocket_core::testing::leaks;
/// let log = "calling with authorization: aHVudGVyMi1zZWNyZXQ=";
/// assert_eq!(leaks(log, &["hunter2-secret"]), ["hunter2-secret as aHVudGVyMi1zZWNyZXQ"]);
/// assert!(leaks(log, &["another-secret"]).is_empty());
/// ```
pub fn leaks(text: impl AsRef<[u8]>, secrets: &[impl AsRef<str>]) -> Vec<String> {
    let text = String::from_utf8_lossy(text.as_ref());
    let mut found = Vec::new();
    for secret in secrets {
        let secret = secret.as_ref();
        let form = forms(secret).into_iter().find(|form| text.contains(form));
        found.extend(form.map(|form| format!("{secret} as {form}")));
    }
    found
}
