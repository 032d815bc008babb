//! The table `providers` of an environment: settings that take the place of those that the program gives its providers.
//!
//! Which providers and settings there are is known once the program has connected them; so they are checked after it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize as _;
use sprocket_core::kind::ProviderName;
use sprocket_core::program::{InvalidOverride, Override, OverrideError, Stack};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::file::File;
use super::problem::{ConfigError, Problem, suggestion};
use super::walk::wrong;

/// The name of the table, which no setting of a program can have.
pub(super) const PROVIDERS: &str = "providers";

/// The table of an environment.
#[derive(Debug, Default)]
pub(crate) struct Providers {
    overrides: Vec<Override>,
    /// Where each setting is.
    places: BTreeMap<(String, String), Range<usize>>,
}

/// Takes the table out of its environment's, which is the program's own but for that.
pub(crate) fn take<'i>(
    environment: &str,
    table: &Spanned<DeValue<'i>>,
    file: &File,
) -> Result<(Spanned<DeValue<'i>>, Providers), ConfigError> {
    let mut rest = table.clone();
    let mut found = Providers::default();
    let taken = match rest.get_mut() {
        DeValue::Table(table) => table.remove(PROVIDERS),
        _ => None,
    };
    let Some(taken) = taken else { return Ok((rest, found)) };
    let mut problems = Vec::new();
    match taken.get_ref() {
        DeValue::Table(providers) => {
            for (name, settings) in in_order(providers) {
                found.provider(environment, name.get_ref(), settings, file, &mut problems);
            }
        }
        _ => problems.push(no_table(&format!("{environment}.{PROVIDERS}"), &taken)),
    }
    if problems.is_empty() { Ok((rest, found)) } else { Err(wrong(environment, file, problems)) }
}

impl Providers {
    fn provider(
        &mut self,
        environment: &str,
        name: &str,
        settings: &Spanned<DeValue<'_>>,
        file: &File,
        problems: &mut Vec<Problem>,
    ) {
        let DeValue::Table(settings) = settings.get_ref() else {
            return problems.push(no_table(&section(environment, name), settings));
        };
        for (key, value) in in_order(settings) {
            let (setting, span) = (key.get_ref().to_string(), key.span());
            match serde_json::Value::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(value) => {
                    let from = format!("{}:{}", file.shown, file.line(&span));
                    self.overrides.push(Override::setting(name, setting.as_str(), &value, from));
                    self.places.insert((name.to_owned(), setting), span);
                }
                Err(error) => problems.push(Problem { span: Some(span), message: error.message().to_owned() }),
            }
        }
    }

    /// What they override.
    pub(crate) fn overrides(&self) -> Vec<Override> {
        self.overrides.clone()
    }

    /// Refuses what fits none of the providers that the program has connected.
    pub(crate) fn check(&self, environment: &str, stack: &Stack, file: &File) -> Result<(), ConfigError> {
        let problems = stack.invalid_overrides().into_iter().map(|invalid| {
            let place = (invalid.provider.to_string(), invalid.setting.clone());
            Problem { span: self.places.get(&place).cloned(), message: message(environment, &invalid) }
        });
        let problems: Vec<Problem> = problems.collect();
        if problems.is_empty() { Ok(()) } else { Err(wrong(environment, file, problems)) }
    }
}

/// The entries of a table, as the file has them.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// `local.providers.docker`; a name with a slash is quoted.
fn section(environment: &str, provider: &str) -> String {
    let bare = provider.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let quote = if bare { "" } else { "\"" };
    format!("{environment}.{PROVIDERS}.{quote}{provider}{quote}")
}

fn no_table(section: &str, value: &Spanned<DeValue<'_>>) -> Problem {
    Problem { span: Some(value.span()), message: format!("`[{section}]` is a table of settings") }
}

fn message(environment: &str, invalid: &InvalidOverride) -> String {
    let (name, setting) = (invalid.provider.as_str(), &invalid.setting);
    let section = section(environment, name);
    match &invalid.error {
        OverrideError::UnknownProvider(connected) => {
            let connected = connected.iter().map(ProviderName::as_str);
            let which = one_of(name, "it connects", connected);
            format!("`[{section}]`: the program connects no `{name}`; {}", which.unwrap_or("it connects none".into()))
        }
        OverrideError::UnknownSetting(settings) => {
            let which = one_of(setting, "it has", settings.iter().copied());
            format!("`[{section}]` has no setting `{setting}`; {}", which.unwrap_or("it has none".into()))
        }
        OverrideError::SecretSetting => format!(
            "`{setting}` in `[{section}]` is a secret, and secrets don't belong into this file: the program gives it"
        ),
        OverrideError::InvalidValue(message) => format!("`{setting}` in `[{section}]`: {message}"),
        _ => format!("`{setting}` in `[{section}]`: {invalid}"),
    }
}

/// The one that was meant, or all there are.
fn one_of<'n>(name: &str, verb: &str, known: impl Iterator<Item = &'n str> + Clone) -> Option<String> {
    if let Some(meant) = suggestion(name, known.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let known: Vec<&str> = known.collect();
    (!known.is_empty()).then(|| format!("{verb} {}", known.join(", ")))
}
