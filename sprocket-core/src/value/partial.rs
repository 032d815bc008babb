//! Partial values: a setting as far as it is known, with the holes named and the secrets hidden.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::conceal;
use super::redact::Exposed;
use super::{Deps, Mistake, NoValue, SEALED, StackKey};
use crate::base::plain_key;

/// In a plan's values, a hole: `{"$after": ["docker:network/edge"]}`.
pub(crate) const AFTER: &str = "$after";

/// A setting as far as it is known.
#[derive(Clone, Debug)]
pub enum Partial {
    /// All of it.
    Known(Value),
    /// Nothing yet: it waits for these resources.
    After(Deps),
    /// It will never be known.
    Never(Mistake),
    /// It must be hidden.
    Secret(Box<Partial>),
    /// A list, item by item.
    List(Vec<Partial>),
    /// A map or a struct, field by field.
    Map(BTreeMap<String, Partial>),
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathPart {
    /// The item at this place.
    Index(usize),
    /// The field or key of this name.
    Key(String),
}

/// A place inside a spec, such as `env.TOKEN` or `networks[0].aliases`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(pub Vec<PathPart>);

impl Path {
    /// This path, one step further.
    #[must_use]
    pub fn join(&self, part: PathPart) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// This path, inside of what this part leads into.
    #[must_use]
    pub fn inside(mut self, part: PathPart) -> Self {
        self.0.insert(0, part);
        self
    }

    /// The name of the setting that it leads into.
    pub fn field(&self) -> Option<&str> {
        match self.0.first() {
            Some(PathPart::Key(name)) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, part| match part {
            PathPart::Index(index) => value.get(*index),
            PathPart::Key(key) => value.get(key),
        })
    }

    pub(crate) fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(value, |value, part| match part {
            PathPart::Index(index) => value.get_mut(*index),
            PathPart::Key(key) => value.get_mut(key),
        })
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.0.iter().enumerate() {
            match part {
                PathPart::Index(index) => write!(f, "[{index}]")?,
                PathPart::Key(key) if place == 0 => f.write_str(plain_key(key))?,
                PathPart::Key(key) => write!(f, ".{}", plain_key(key))?,
            }
        }
        Ok(())
    }
}

pub(crate) fn is_sealed(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.len() == 1 && map.get(SEALED).is_some_and(Value::is_string))
}

/// A partial value as data that may be shown and kept: secrets sealed, holes as `$after`.
pub(crate) struct Rendered {
    pub(crate) value: Value,
    /// Where plain values are secret because they were made from secrets.
    pub(crate) secrets: Vec<Path>,
    /// Settings that will never be known.
    pub(crate) mistakes: Vec<Mistake>,
}

/// A place on the way into a value: most places need no path.
#[derive(Clone, Copy)]
enum At<'a> {
    Top,
    Index(&'a At<'a>, usize),
    Key(&'a At<'a>, &'a str),
}

impl At<'_> {
    fn path(self) -> Path {
        match self {
            Self::Top => Path::default(),
            Self::Index(above, index) => above.path().join(PathPart::Index(index)),
            Self::Key(above, name) => above.path().join(PathPart::Key(name.to_owned())),
        }
    }
}

impl Partial {
    /// The value as data, once all of it is known. What must be hidden is in it.
    pub(crate) fn whole(self) -> Result<Value, NoValue> {
        match self {
            Self::Known(value) => Ok(value),
            Self::After(_) => Err(NoValue::Yet),
            Self::Never(mistake) => Err(NoValue::Ever(mistake)),
            Self::Secret(inner) => inner.whole(),
            Self::List(items) => items.into_iter().map(Self::whole).collect(),
            Self::Map(fields) => fields.into_iter().map(|(name, field)| Ok((name, field.whole()?))).collect(),
        }
    }

    /// Whether both are known, and the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => one == other,
            (Self::List(ones), Self::List(others)) => {
                ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| one.is_same(other))
            }
            (Self::Map(ones), Self::Map(others)) => {
                ones.len() == others.len()
                    && ones.iter().all(|(key, one)| others.get(key).is_some_and(|other| one.is_same(other)))
            }
            _ => false,
        }
    }

    /// Renders it; `name_of` gives the address of a resource that is waited for.
    /// What the program has exposed in clear is secret wherever it is.
    pub(crate) fn render(&self, key: &StackKey, exposed: &Exposed, name_of: &dyn Fn(&Deps) -> Vec<String>) -> Rendered {
        let mut out = Rendered { value: Value::Null, secrets: Vec::new(), mistakes: Vec::new() };
        out.value = self.render_into(&mut out, At::Top, key, name_of, false);
        let is_exposed = |text: &str| exposed.is_in(text);
        if conceal::has(&out.value, &is_exposed) {
            conceal::conceal(&mut out.value, &Path::default(), &is_exposed, key, &mut out.secrets);
        }
        out
    }

    fn render_into(
        &self,
        out: &mut Rendered,
        at: At<'_>,
        key: &StackKey,
        name_of: &dyn Fn(&Deps) -> Vec<String>,
        secret: bool,
    ) -> Value {
        match self {
            Self::Known(value) if secret && !is_sealed(value) => {
                out.secrets.push(at.path());
                seal_value(value, key)
            }
            Self::Known(value) => value.clone(),
            Self::After(deps) => {
                if secret || deps.secret {
                    out.secrets.push(at.path());
                }
                single(AFTER, Value::from(name_of(deps)))
            }
            Self::Never(mistake) => {
                out.mistakes.push(mistake.clone());
                Value::Null
            }
            Self::Secret(inner) => inner.render_into(out, at, key, name_of, true),
            Self::List(items) => {
                let render =
                    |(index, item): (usize, &Self)| item.render_into(out, At::Index(&at, index), key, name_of, secret);
                items.iter().enumerate().map(render).collect()
            }
            Self::Map(fields) => {
                let render = |(name, field): (&String, &Self)| {
                    (name.clone(), field.render_into(out, At::Key(&at, name), key, name_of, secret))
                };
                Value::Object(fields.iter().map(render).collect())
            }
        }
    }
}

/// Seals the value at each path, where it is not sealed already.
pub(crate) fn seal_at(value: &mut Value, paths: &[Path], key: &StackKey) {
    for path in paths {
        if let Some(found) = path.find_mut(value)
            && !is_sealed(found)
        {
            *found = seal_value(found, key);
        }
    }
}

/// Seals a value that was made from a secret.
fn seal_value(value: &Value, key: &StackKey) -> Value {
    let plain = serde_json::to_vec(value).expect("BUG: a JSON value has a text");
    single(SEALED, Value::from(key.seal_derived(&plain).0))
}

/// Seals a value that is secret, with its parts.
pub(crate) fn seal_secret(value: &Value, key: &StackKey) -> Value {
    let plain = serde_json::to_vec(value).expect("BUG: a JSON value has a text");
    single(SEALED, Value::from(key.seal(&plain).0))
}

/// Seals a value that may contain a secret, without taking it for one.
pub(super) fn hide_value(value: &Value, key: &StackKey) -> Value {
    let plain = serde_json::to_vec(value).expect("BUG: a JSON value has a text");
    single(SEALED, Value::from(key.seal_unlearnt(&plain).0))
}

/// Opens the value at each path, where it is sealed.
pub(crate) fn open_at(value: &mut Value, paths: &[Path], key: &StackKey) -> Result<(), String> {
    for path in paths {
        let Some(found) = path.find_mut(value).filter(|found| is_sealed(found)) else { continue };
        let sealed = super::Sealed(found[SEALED].as_str().unwrap_or_default().to_owned());
        let plain = key.open(&sealed).ok_or("a secret was sealed under another key")?;
        *found = serde_json::from_slice(&plain).map_err(|_| "a sealed secret has an unexpected form")?;
    }
    Ok(())
}

/// Opens every sealed value in a tree that the key opens.
pub(crate) fn open_all(value: &mut Value, key: &StackKey) {
    if is_sealed(value) {
        let sealed = super::Sealed(value[SEALED].as_str().unwrap_or_default().to_owned());
        if let Some(plain) = key.open(&sealed).and_then(|plain| serde_json::from_slice(&plain).ok()) {
            *value = plain;
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| open_all(item, key)),
        Value::Object(map) => map.values_mut().for_each(|item| open_all(item, key)),
        _ => {}
    }
}

pub(crate) fn single(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}
