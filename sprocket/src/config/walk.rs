//! The walk: a table of the file, read into the program's own type.
//!
//! A deserialiser that knows where it is. It sees which fields each struct has, so that it finds keys that no field is
//! there for, and it recognises a secret by the name under which one asks for its value.
//!
//! Whether a field that the file lacks is a secret can only be found out by offering it; and a field that was offered has
//! no default any more. So the table is read several times: each time something more is known about a field that the file
//! lacks, until everything is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use sprocket_core::__derive::SECRET;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::access::{Entries, Items, Unit, Variant};
use super::environment::SANDBOX;
use super::error::{Error, Path};
use super::file::File;
use super::problem::{ConfigError, Problem, suggestion};
use super::providers::PROVIDERS;
use super::secrets::{Secrets, is_taken, made_up, variable};
use super::state::STATE;
use super::text::{Given, Text};

/// Reads an environment's table into the program's type.
pub(crate) fn read<C: DeserializeOwned>(
    environment: &str,
    table: &Spanned<DeValue<'_>>,
    file: &File,
    secrets: &Secrets,
) -> Result<C, ConfigError> {
    let mut natures = BTreeMap::new();
    loop {
        let walk = Walk { environment, natures: &natures, secrets, found: RefCell::default() };
        let result = C::deserialize(At { walk: &walk, path: Vec::new(), value: Some(table), optional: false });
        let mut found = walk.found.into_inner();
        if result.is_err() {
            // A field that was offered and not even looked at is another spelling of one that is there.
            let learned = found.learned.take().or_else(|| Some((found.offered.take()?, Nature::Plain)));
            if let Some((path, nature)) = learned {
                natures.insert(path, nature);
                continue;
            }
        }
        return match result {
            Ok(config) if found.problems.is_empty() && found.missing.is_empty() => Ok(config),
            Ok(_) => Err(found.error(environment, file, None)),
            Err(error) => Err(found.error(environment, file, Some(error))),
        };
    }
}

/// What a field is that the file lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// Nothing that comes from elsewhere: serde's own rules decide what it is.
    Plain,
    /// A secret, or something with secrets in it.
    Secret,
}

struct Walk<'w> {
    environment: &'w str,
    natures: &'w BTreeMap<Path, Nature>,
    secrets: &'w Secrets,
    found: RefCell<Found>,
}

#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    /// Secrets that are nowhere, and how to give them.
    missing: Vec<(Path, String)>,
    /// Whose variables were looked for.
    variables: BTreeMap<String, Path>,
    learned: Option<(Path, Nature)>,
    /// A field that was offered and whose value was not asked for yet.
    offered: Option<Path>,
}

impl Found {
    fn error(mut self, environment: &str, file: &File, error: Option<Error>) -> ConfigError {
        // With problems found, what the type says about a stand-in is no news.
        if let Some(error) = error.filter(|_| self.problems.is_empty() && self.missing.is_empty()) {
            self.problems.push(error.into_problem());
        }
        let missing = self
            .missing
            .iter()
            .map(|(path, ways)| Problem { span: None, message: format!("`{}`: {ways}", path.join(".")) });
        if !self.problems.is_empty() {
            self.problems.extend(missing);
            return wrong(environment, file, self.problems);
        }
        let count = self.missing.len();
        let secrets = if count == 1 { "a secret".into() } else { format!("{count} secrets") };
        let what = format!("environment `{environment}` lacks {secrets}");
        ConfigError::new(what, missing.map(|problem| problem.message).collect())
    }
}

/// The error of an environment with problems, in the order of the file.
pub(super) fn wrong(environment: &str, file: &File, mut problems: Vec<Problem>) -> ConfigError {
    problems.sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
    let texts = problems.iter().map(|problem| file.at(problem.span.as_ref(), &problem.message)).collect();
    ConfigError::new(format!("environment `{environment}` is not configured as the program expects"), texts)
}

/// A place in the configuration, and the value there, if the file has one.
pub(super) struct At<'w, 'v, 'i> {
    walk: &'w Walk<'w>,
    pub(super) path: Path,
    value: Option<&'v Spanned<DeValue<'i>>>,
    /// The type can do without a value.
    optional: bool,
}

impl<'w, 'v, 'i> At<'w, 'v, 'i> {
    fn learn<T>(&self, nature: Nature) -> Result<T, Error> {
        self.walk.found.borrow_mut().learned.get_or_insert((self.path.clone(), nature));
        Err(Error::unexpected())
    }

    fn problem(&self, span: Option<Range<usize>>, message: String) {
        self.walk.found.borrow_mut().problems.push(Problem { span, message });
    }

    /// Notes which field is offered without a value, until its value is asked for.
    pub(super) fn offer(&self, next: Option<&Self>) {
        self.walk.found.borrow_mut().offered = next.map(|next| next.path.clone());
    }

    pub(super) fn span(&self) -> Option<Range<usize>> {
        self.value.map(Spanned::span)
    }

    pub(super) fn below(&self, key: &str, value: Option<&'v Spanned<DeValue<'i>>>) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        At { walk: self.walk, path, value, optional: false }
    }

    /// `[production.redis]`
    fn section(&self) -> String {
        let names: Vec<&str> =
            [self.walk.environment].into_iter().chain(self.path.iter().map(String::as_str)).collect();
        format!("[{}]", names.join("."))
    }

    fn located<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| error.at(self.span(), &self.path))
    }

    /// The text of a secret, or a stand-in for one whose trouble is noted.
    fn secret(&self) -> Result<Text, Error> {
        if self.value.is_none() && !self.walk.natures.contains_key(&self.path) {
            return self.learn(Nature::Secret);
        }
        let (name, field) = (variable(&self.path), self.path.join("."));
        if let Some(value) = self.value {
            let message =
                format!("`{field}` is a secret, and secrets don't belong into this file: set {name}, or {name}_FILE");
            self.problem(Some(value.span()), message);
            return Ok(Text::None);
        }
        if is_taken(&name) {
            self.problem(
                None,
                format!("the field `{field}` would be {name}, which means something else: call it otherwise"),
            );
            return Ok(Text::None);
        }
        for name in [name.clone(), format!("{name}_FILE")] {
            let other = self.walk.found.borrow_mut().variables.insert(name.clone(), self.path.clone());
            if let Some(other) = other {
                let message =
                    format!("the fields `{}` and `{field}` would both be {name}: call one otherwise", other.join("."));
                self.problem(None, message);
                break;
            }
        }
        match self.walk.secrets.get(&self.path) {
            Ok(Some(text)) => Ok(Text::Given(text)),
            Ok(None) if self.optional => self.learn(Nature::Plain),
            Ok(None) if self.walk.environment == SANDBOX => Ok(Text::MadeUp(made_up(&self.path))),
            Ok(None) => {
                let ways = self.walk.secrets.ways(&self.path);
                self.walk.found.borrow_mut().missing.push((self.path.clone(), ways));
                Ok(Text::None)
            }
            Err(message) => {
                self.problem(None, format!("`{field}`: {message}"));
                Ok(Text::None)
            }
        }
    }

    /// Something that is not a secret and not a struct.
    pub(super) fn other<V: Visitor<'i>>(self, visitor: V) -> Result<V::Value, Error> {
        let Some(value) = self.value else { return self.learn(Nature::Plain) };
        let result = match value.get_ref() {
            DeValue::Table(table) => {
                let entries = table.iter().map(|(key, value)| (&**key.get_ref(), Some(value))).collect();
                visitor.visit_map(Entries::new(&self, entries))
            }
            DeValue::Array(items) => visitor.visit_seq(Items { at: &self, items: items.iter().enumerate() }),
            _ => visitor_of_toml(value, |toml| toml.deserialize_any(visitor)),
        };
        self.located(result)
    }
}

fn visitor_of_toml<'i, T>(
    value: &Spanned<DeValue<'i>>,
    visit: impl FnOnce(ValueDeserializer<'i>) -> Result<T, toml::de::Error>,
) -> Result<T, Error> {
    visit(value.clone().into()).map_err(|error| Error::new(error.message()))
}

impl<'w, 'v, 'i> Deserializer<'i> for At<'w, 'v, 'i> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'i>>(self, visitor: V) -> Result<V::Value, Error> {
        self.other(visitor)
    }

    fn deserialize_option<V: Visitor<'i>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.optional = self.value.is_none();
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'i>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'i>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", &[], Unit(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'i>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_struct<V: Visitor<'i>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.path.is_empty() && fields.contains(&PROVIDERS) {
            let message = format!(
                "the program's configuration has a field `{PROVIDERS}`, which in this file is the table that overrides \
                 settings of providers: call the field otherwise"
            );
            self.problem(self.span(), message);
        }
        if self.path.is_empty() && fields.contains(&STATE) {
            let message = format!(
                "the program's configuration has a field `{STATE}`, which in this file is the place where state is kept: \
                 call the field otherwise"
            );
            self.problem(self.span(), message);
        }
        let mut entries = Vec::new();
        match self.value.map(|value| (value, value.get_ref())) {
            // Dates, and values with their place, are toml's own affair.
            Some((value, _)) if name.starts_with("$__") => {
                let result = visitor_of_toml(value, |toml| toml.deserialize_struct(name, fields, visitor));
                return self.located(result);
            }
            Some((_, DeValue::Table(table))) => {
                for (key, value) in table {
                    let name = &**key.get_ref();
                    if fields.contains(&name) {
                        entries.push((name, Some(value)));
                    } else {
                        self.unknown(name, key.span(), fields);
                    }
                }
            }
            Some(_) => return self.other(visitor),
            None if self.optional => return self.learn(Nature::Plain),
            None => {}
        }
        let there: BTreeSet<&str> = entries.iter().map(|(name, _)| *name).collect();
        let absent: Vec<&str> = fields.iter().copied().filter(|field| !there.contains(field)).collect();
        let nature = |field: &str| self.walk.natures.get(&self.below(field, None).path);
        if self.value.is_none() {
            // A table that the file lacks is there if a secret may be in it.
            if absent.iter().all(|field| nature(field) == Some(&Nature::Plain)) {
                return self.learn(Nature::Plain);
            }
        }
        entries.extend(
            absent.into_iter().filter(|field| nature(field) != Some(&Nature::Plain)).map(|field| (field, None)),
        );
        let result = visitor.visit_map(Entries::new(&self, entries));
        self.located(result)
    }

    fn deserialize_enum<V: Visitor<'i>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == SECRET {
            let text = self.secret()?;
            let (field, variable) = (self.path.join("."), variable(&self.path));
            let problem = match &text {
                Text::Given(_) => {
                    Some(format!("`{field}`: the value of {variable} is not of the form that the program expects"))
                }
                Text::MadeUp(_) => Some(format!("`{field}` can't be made up: set {variable}, or {variable}_FILE")),
                Text::None => None,
            };
            return visitor.visit_enum(Given(text)).map_err(|_| {
                if let Some(problem) = problem {
                    self.problem(None, problem);
                }
                Error::unexpected()
            });
        }
        let Some(value) = self.value else { return self.learn(Nature::Plain) };
        let result = match value.get_ref() {
            DeValue::String(text) => visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(&**text)),
            DeValue::Table(table) if table.len() == 1 => {
                let (key, value) = table.iter().next().expect("BUG: there is one");
                visitor.visit_enum(Variant(self.below(key.get_ref(), Some(value)), key.get_ref()))
            }
            _ => Err(Error::new(format!("expected one of {}", variants.join(", ")))),
        };
        self.located(result)
    }

    fn deserialize_ignored_any<V: Visitor<'i>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'i>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple tuple_struct map
        identifier
    }
}

impl At<'_, '_, '_> {
    fn unknown(&self, name: &str, span: Range<usize>, fields: &[&'static str]) {
        let section = self.section();
        let message = if let Some(meant) = suggestion(name, fields.iter().copied()) {
            format!("`{section}` has no setting `{name}`; did you mean `{meant}`?")
        } else if fields.is_empty() {
            format!("`{section}` has no settings, and so no `{name}`")
        } else {
            format!("`{section}` has no setting `{name}`; it has {}", fields.join(", "))
        };
        self.problem(Some(span), message);
    }
}
