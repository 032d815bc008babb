//! The environment: which table of the file a run is for.

use toml::Spanned;
use toml::de::DeValue;

use super::file::{File, Table, environments};
use super::problem::{ConfigError, suggestion};
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// The environment whose services are this program's own: nothing there is worth a secret.
pub(crate) const SANDBOX: &str = "sandbox";

/// The key that names the environment without `--env`.
const DEFAULT: &str = "default";

/// The name of the environment, and its table.
pub(crate) fn choose<'t, 'i>(
    around: &Surroundings,
    flag: Option<&str>,
    file: &File,
    table: &'t Table<'i>,
) -> Result<(String, &'t Spanned<DeValue<'i>>), Trouble> {
    let default = top_level(file, table)?;
    let named = flag.or_else(|| around.variable("SPROCKET_ENV")).or(default);
    let names: Vec<&str> = environments(table).collect();
    let list = if names.is_empty() {
        format!("{} has no environments yet; one is a table: `[local]`", file.shown)
    } else {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("{} has {}", file.shown, names.join(", "))
    };
    let Some(name) = named else {
        return Err(Trouble::new("no environment was chosen").hint(format!(
            "{list}; add `--env NAME`, set SPROCKET_ENV, or write `{DEFAULT} = \"NAME\"` in its first line"
        )));
    };
    match table.get(name).filter(|value| matches!(value.get_ref(), DeValue::Table(_))) {
        Some(_) if !is_name(name) => Err(Trouble::new(format!("`{name}` can't be the name of an environment"))
            .hint("it is the name of a folder too: letters, digits, `-` and `_`")),
        Some(value) => Ok((name.to_owned(), value)),
        None => {
            let meant = suggestion(name, names.iter().copied());
            let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
            Err(Trouble::new(format!("there is no environment `{name}`")).hint(format!("{meant}{list}")))
        }
    }
}

/// Environments and stacks give folders their names.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The default environment; anything else that is not a table is a mistake.
fn top_level<'t>(file: &File, table: &'t Table<'_>) -> Result<Option<&'t str>, ConfigError> {
    let mut default = None;
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut problems = Vec::new();
    for (key, value) in entries {
        match (&**key.get_ref(), value.get_ref()) {
            (_, DeValue::Table(_)) => {}
            (DEFAULT, DeValue::String(name)) => default = Some(&**name),
            (DEFAULT, other) => {
                let message = format!("`{DEFAULT}` is the name of an environment, not {}", a(other.type_str()));
                problems.push(file.at(Some(&value.span()), &message));
            }
            (name, _) => {
                let meant = if suggestion(name, [DEFAULT]).is_some() {
                    format!("did you mean `{DEFAULT}`?")
                } else {
                    "settings belong to an environment: put it under `[local]`, or another's name".into()
                };
                problems.push(file.at(Some(&key.span()), &format!("`{name}` stands outside of all tables; {meant}")));
            }
        }
    }
    if problems.is_empty() {
        return Ok(default);
    }
    Err(ConfigError::new(format!("{} is not as it should be", file.shown), problems))
}

/// The word with its article.
pub(super) fn a(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {what}")
}
