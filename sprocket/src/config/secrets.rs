//! Secrets of a configuration: the variables that they are in, and what is refused as one.
//!
//! **Invariant:** no message has a part of a value in it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::environment::a;
use super::file::File;
use super::problem::{ConfigError, Problem};
use super::walk::wrong;
use crate::surroundings::Surroundings;

/// The key of an environment that names a folder of secrets, which no setting of a program can have.
const FOLDER: &str = "secrets";

/// Variables that mean something else.
const TAKEN: &[&str] =
    &["SPROCKET_ENV", "SPROCKET_FILE", "SPROCKET_PASSPHRASE", "SPROCKET_PASSPHRASE_FILE", "SPROCKET_IDENTITY_FILE"];

/// Where secrets come from.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    variables: BTreeMap<String, String>,
    directory: PathBuf,
    folder: Option<PathBuf>,
}

/// Takes the key out of its environment's table, which is the program's own but for that.
pub(crate) fn take_folder<'i>(
    environment: &str,
    table: &mut Spanned<DeValue<'i>>,
    file: &File,
) -> Result<Option<PathBuf>, ConfigError> {
    let DeValue::Table(settings) = table.get_mut() else { return Ok(None) };
    let Some(value) = settings.remove(FOLDER) else { return Ok(None) };
    match value.get_ref() {
        DeValue::String(path) => Ok(Some(file.folder().join(&**path))),
        other => {
            let message = format!(
                "`{FOLDER}` in `[{environment}]` is the path of a folder with a file for each secret, not {}",
                a(other.type_str())
            );
            Err(wrong(environment, file, vec![Problem { span: Some(value.span()), message }]))
        }
    }
}

impl Secrets {
    pub(crate) fn of(around: &Surroundings) -> Self {
        let ours = around.variables.iter().filter(|(name, _)| name.starts_with("SPROCKET_"));
        Self {
            variables: ours.map(|(name, value)| (name.clone(), value.clone())).collect(),
            directory: around.directory.clone(),
            folder: None,
        }
    }

    /// The same, and what is in this folder.
    pub(crate) fn with_folder(&self, folder: Option<PathBuf>) -> Self {
        Self { folder, ..self.clone() }
    }

    /// The secret of a field: from its variable, or the file that the variable with `_FILE` at its end names; else from the
    /// folder. `None` if it is nowhere.
    pub(crate) fn get(&self, path: &[String]) -> Result<Option<String>, String> {
        let variable = variable(path);
        let by_file = format!("{variable}_FILE");
        let (named, value) = match (self.variables.get(&variable), self.variables.get(&by_file), self.file(path)) {
            (Some(_), Some(_), _) => return Err(format!("{variable} and {by_file} are both set; which one counts?")),
            (Some(value), None, _) => (variable, value.clone()),
            (None, Some(path), _) => {
                let path = self.directory.join(path);
                let named = format!("{} (from {by_file})", path.display());
                let value = read(&path).map_err(|why| format!("could not read {named}: {why}"))?;
                (named, value)
            }
            (None, None, Some(path)) => {
                let named = path.display().to_string();
                match read(&self.directory.join(path)) {
                    Ok(value) => (named, value),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(why) => return Err(format!("could not read {named}: {why}")),
                }
            }
            (None, None, None) => return Ok(None),
        };
        check(&value).map_err(|why| format!("{named} {why}"))?;
        Ok(Some(value))
    }

    /// Where a field's secret is in the folder; keys of maps can be such that it can't be in there.
    fn file(&self, path: &[String]) -> Option<PathBuf> {
        let name = path.join(".");
        self.folder.as_ref().filter(|_| !name.contains('/')).map(|folder| folder.join(name))
    }

    /// How to give a field its secret.
    pub(crate) fn ways(&self, path: &[String]) -> String {
        let variable = variable(path);
        match self.file(path) {
            None => format!("set {variable}, or {variable}_FILE to a file that has it"),
            Some(file) => {
                format!("write it to {}, or set {variable}, or {variable}_FILE to a file that has it", file.display())
            }
        }
    }
}

/// The content of a file, without the newline at its end.
fn read(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
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
