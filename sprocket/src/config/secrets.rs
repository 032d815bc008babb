//! Secrets of a configuration: the variables that they are in, and what is refused as one.
//!
//! **Invariant:** no message has a part of a value in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::surroundings::Surroundings;

/// Variables that mean something else.
const TAKEN: &[&str] =
    &["SPROCKET_ENV", "SPROCKET_FILE", "SPROCKET_PASSPHRASE", "SPROCKET_PASSPHRASE_FILE", "SPROCKET_IDENTITY_FILE"];

/// Where secrets come from.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Secrets {
    pub(crate) fn of(around: &Surroundings) -> Self {
        let ours = around.variables.iter().filter(|(name, _)| name.starts_with("SPROCKET_"));
        Self {
            variables: ours.map(|(name, value)| (name.clone(), value.clone())).collect(),
            directory: around.directory.clone(),
        }
    }

    /// The secret of this variable, or of the file that it names with `_FILE` at its end; `None` if neither is set.
    pub(crate) fn get(&self, variable: &str) -> Result<Option<String>, String> {
        let by_file = format!("{variable}_FILE");
        match (self.variables.get(variable), self.variables.get(&by_file)) {
            (Some(_), Some(_)) => Err(format!("{variable} and {by_file} are both set; which one counts?")),
            (Some(value), None) => {
                check(value).map(|()| Some(value.clone())).map_err(|why| format!("{variable} {why}"))
            }
            (None, Some(path)) => {
                let path = self.directory.join(path);
                let named = format!("{} (from {by_file})", path.display());
                let bytes = std::fs::read(&path).map_err(|error| format!("could not read {named}: {error}"))?;
                let text = String::from_utf8(bytes).map_err(|_| format!("{named} is not text"))?;
                let value = text.strip_suffix('\n').unwrap_or(&text);
                check(value).map(|()| Some(value.to_owned())).map_err(|why| format!("{named} {why}"))
            }
            (None, None) => Ok(None),
        }
    }
}

/// The variable of a field: `redis.password` is `SPROCKET_REDIS_PASSWORD`.
pub(crate) fn variable(path: &[String]) -> String {
    let mut name = "SPROCKET".to_owned();
    for part in path {
        name.push('_');
        name.extend(part.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
    }
    name
}

/// A secret for services that are made up as well: it says what it is, and stays the same.
pub(crate) fn made_up(path: &[String]) -> String {
    format!("made-up-{}", path.join("-"))
}

/// Whether a field can have this variable: not if it, or its `_FILE`, means something else.
pub(crate) fn is_taken(variable: &str) -> bool {
    TAKEN.iter().any(|taken| *taken == variable || taken.strip_suffix("_FILE") == Some(variable))
}

/// Refuses what can't be meant as a secret.
fn check(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("is empty");
    }
    if value.contains(['\n', '\r']) {
        return Err("has a line break in it, and a secret is one line");
    }
    if value.chars().any(char::is_control) {
        return Err("has a control character in it");
    }
    if value.trim() != value {
        return Err("begins or ends with a space");
    }
    if is_placeholder(value) {
        return Err("is a placeholder, and no secret");
    }
    Ok(())
}

fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "changeme",
        "change_me",
        "change-me",
        "changeit",
        "todo",
        "fixme",
        "tbd",
        "placeholder",
        "replaceme",
        "replace_me",
        "replace-me",
        "(secret)",
        "redacted",
        "your_password",
        "your-password",
        "null",
        "undefined",
    ];
    let lower = value.to_lowercase();
    let wrapped = |open: &str, close: &str| lower.starts_with(open) && lower.ends_with(close);
    WORDS.contains(&lower.as_str())
        || (lower.len() >= 3 && (lower.chars().all(|c| c == 'x') || lower.chars().all(|c| c == '*')))
        || wrapped("<", ">")
        || wrapped("${", "}")
        || wrapped("{{", "}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_variable() {
        let check = |path: &str, expect| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(variable(&path), expect);
        };
        check("password", "SPROCKET_PASSWORD");
        check("redis.password", "SPROCKET_REDIS_PASSWORD");
        check("redis.admin-token", "SPROCKET_REDIS_ADMIN_TOKEN");
        check("apiKey", "SPROCKET_APIKEY");
        check("users.0.password", "SPROCKET_USERS_0_PASSWORD");
    }

    #[test]
    fn variables_of_the_program_itself_are_taken() {
        let check = |variable, expect| assert_eq!(is_taken(variable), expect, "{variable}");
        check("SPROCKET_ENV", true);
        check("SPROCKET_PASSPHRASE", true);
        check("SPROCKET_IDENTITY", true);
        check("SPROCKET_PASSPHRASE_HINT", false);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let refused = |value: &str| assert!(check(value).is_err(), "{value:?}");
        for value in ["", "a\nb", "a\n", "a\r", "\ta", " a", "a ", "a\0b"] {
            refused(value);
        }
        for value in ["changeme", "ChangeMe", "TODO", "xxx", "XXXXXX", "<password>", "${PASSWORD}", "{{ x }}", "***"] {
            refused(value);
        }
        for value in ["x", "hunter2", "a b", "pässword", "<", "xxy", "todos"] {
            assert_eq!(check(value), Ok(()), "{value:?}");
        }
    }
}
