//! Slots: settings as the planner sees them.
//!
//! A draft is a tree of slots: inputs at the leaves; options, lists, maps and nested drafts above them. The derive names
//! a draft's slots, and the impls here do the rest.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::evaluation::watched;
use super::{Deps, Input, Known, Mistake, NoValue, Partial, Path, PathPart};
use crate::base::{escape_key, to_tree};

/// A setting that can be asked what it waits for, what is known of it, and what is wrong with it.
pub trait Slot {
    /// Adds the resources that it waits for.
    fn deps(&self, into: &mut Deps);
    /// It, as far as it is known.
    fn partial(&self, known: &Known) -> Partial;
    /// Adds what is wrong with it.
    fn mistakes(&self, into: &mut Vec<Mistake>);
    /// The places inside it that are as they would be if nobody had set them.
    fn defaults(&self) -> Vec<Path> {
        Vec::new()
    }
}

/// A setting that becomes a value of the spec.
pub trait Resolve: Slot {
    /// The spec's type for it.
    type Value;
    /// The value, once all it waits for is known.
    ///
    /// # Errors
    /// [`NoValue`] says whether it is not there yet or never will be.
    fn resolve(&self, known: &Known) -> Result<Self::Value, NoValue>;
}

/// A value as data. It is secret if its own code exposes a secret to write it.
fn known_value<T: Serialize>(value: &T) -> Partial {
    let (written, tainted) = watched(|| to_tree(value));
    let partial = match written {
        Ok(value) => Partial::Known(value),
        Err(_) if tainted => Partial::Never(Mistake::here("the value has no JSON form (it is secret)")),
        Err(error) => Partial::Never(Mistake::here(error.to_string())),
    };
    if tainted { Partial::Secret(Box::new(partial)) } else { partial }
}

impl<T: Clone + Serialize + 'static> Slot for Input<T> {
    fn deps(&self, into: &mut Deps) {
        if let Self::Output(output) = self {
            into.add(&output.deps);
        }
    }

    fn partial(&self, known: &Known) -> Partial {
        match self {
            Self::Value(value) => known_value(value),
            Self::Mistake(mistake) => Partial::Never(mistake.clone()),
            Self::Output(output) => {
                let (value, is_secret) = output.evaluate(known);
                let partial = match value {
                    Ok(value) => known_value(&value),
                    Err(NoValue::Yet) => Partial::After(Deps::clone(&output.deps)),
                    Err(NoValue::Ever(mistake)) => Partial::Never(mistake),
                };
                if is_secret { Partial::Secret(Box::new(partial)) } else { partial }
            }
        }
    }

    fn mistakes(&self, into: &mut Vec<Mistake>) {
        match self {
            Self::Value(_) => {}
            Self::Mistake(mistake) => into.push(mistake.clone()),
            // Some can be told at once, whatever the services will say.
            Self::Output(output) => {
                if let Err(NoValue::Ever(mistake)) = output.value(&Known::default()) {
                    into.push(mistake);
                }
            }
        }
    }
}

impl<T: Clone + Serialize + 'static> Resolve for Input<T> {
    type Value = T;

    fn resolve(&self, known: &Known) -> Result<T, NoValue> {
        self.value(known)
    }
}

impl<S: Slot> Slot for Option<S> {
    fn deps(&self, into: &mut Deps) {
        self.iter().for_each(|slot| slot.deps(into));
    }

    fn partial(&self, known: &Known) -> Partial {
        self.as_ref().map_or(Partial::Known(Value::Null), |slot| slot.partial(known))
    }

    fn mistakes(&self, into: &mut Vec<Mistake>) {
        self.iter().for_each(|slot| slot.mistakes(into));
    }

    fn defaults(&self) -> Vec<Path> {
        self.as_ref().map(S::defaults).unwrap_or_default()
    }
}

impl<S: Resolve> Resolve for Option<S> {
    type Value = Option<S::Value>;

    fn resolve(&self, known: &Known) -> Result<Self::Value, NoValue> {
        self.as_ref().map(|slot| slot.resolve(known)).transpose()
    }
}

impl<S: Slot> Slot for Vec<S> {
    fn deps(&self, into: &mut Deps) {
        self.iter().for_each(|slot| slot.deps(into));
    }

    fn partial(&self, known: &Known) -> Partial {
        Partial::List(self.iter().map(|slot| slot.partial(known)).collect())
    }

    fn mistakes(&self, into: &mut Vec<Mistake>) {
        self.iter().for_each(|slot| slot.mistakes(into));
    }

    fn defaults(&self) -> Vec<Path> {
        let inside = |(index, slot): (usize, &S)| {
            slot.defaults().into_iter().map(move |path| path.inside(PathPart::Index(index)))
        };
        self.iter().enumerate().flat_map(inside).collect()
    }
}

impl<S: Resolve> Resolve for Vec<S> {
    type Value = Vec<S::Value>;

    fn resolve(&self, known: &Known) -> Result<Self::Value, NoValue> {
        self.iter().map(|slot| slot.resolve(known)).collect()
    }
}

/// Keys serialise as text, as JSON wants them.
fn key_text<K: Serialize>(key: &K) -> String {
    match serde_json::to_value(key) {
        Ok(Value::String(text)) => escape_key(text),
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

impl<K: Serialize, S: Slot> Slot for BTreeMap<K, S> {
    fn deps(&self, into: &mut Deps) {
        self.values().for_each(|slot| slot.deps(into));
    }

    fn partial(&self, known: &Known) -> Partial {
        Partial::Map(self.iter().map(|(key, slot)| (key_text(key), slot.partial(known))).collect())
    }

    fn mistakes(&self, into: &mut Vec<Mistake>) {
        self.values().for_each(|slot| slot.mistakes(into));
    }

    fn defaults(&self) -> Vec<Path> {
        let inside = |(key, slot)| {
            let paths: Vec<Path> = S::defaults(slot);
            paths.into_iter().map(move |path| path.inside(PathPart::Key(key_text(key))))
        };
        self.iter().flat_map(inside).collect()
    }
}

impl<K: Clone + Ord + Serialize, S: Resolve> Resolve for BTreeMap<K, S> {
    type Value = BTreeMap<K, S::Value>;

    fn resolve(&self, known: &Known) -> Result<Self::Value, NoValue> {
        self.iter().map(|(key, slot)| Ok((key.clone(), slot.resolve(known)?))).collect()
    }
}
