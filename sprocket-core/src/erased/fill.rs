//! Specs of which not all is known, with made-up values in the gaps: what is known can be checked before the rest is.
//!
//! There are several ways to fill the gaps, and no two gaps or ways give one value. **Contract:** what a kind says in all ways
//! of filling does not come from a made-up value, unless it can't be satisfied with any.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde_json::Error;

use super::gap::{Filler, Gap, SHAPES};
use crate::base::{has_marks, plain_key, unescape};
use crate::value::Partial;

/// In how many ways gaps are filled.
pub(super) const WAYS: usize = 4;

/// The spec with its gaps filled; none if no made-up value is one of a gap's type.
pub(super) fn fill<T: DeserializeOwned>(partial: &Partial, way: usize) -> Option<T> {
    let filler =
        Filler { way, shapes: RefCell::default(), texts: Cell::new(0), numbers: Cell::new(0), tried: Cell::new(0) };
    loop {
        filler.texts.set(0);
        filler.numbers.set(0);
        if let Ok(spec) = T::deserialize(Filled { partial, filler: &filler }) {
            return Some(spec);
        }
        // It is the text that was given last which was not taken.
        let mut shapes = filler.shapes.borrow_mut();
        let shape = shapes.get_mut(filler.texts.get().checked_sub(1)?)?;
        *shape += 1;
        filler.tried.set(filler.tried.get() + 1);
        if *shape == SHAPES || filler.tried.get() > 20 * SHAPES {
            return None;
        }
    }
}

/// Types see the keys of maps as the program wrote them. Few have a key that is escaped.
pub(super) fn as_written(partial: &Partial) -> Cow<'_, Partial> {
    fn is_escaped(partial: &Partial) -> bool {
        match partial {
            Partial::Known(value) => has_marks(value),
            Partial::Secret(inner) => is_escaped(inner),
            Partial::List(items) => items.iter().any(is_escaped),
            Partial::Map(fields) => fields.values().any(is_escaped),
            _ => false,
        }
    }
    fn write(partial: &mut Partial) {
        match partial {
            Partial::Known(value) => unescape(value),
            Partial::Secret(inner) => write(inner),
            Partial::List(items) => items.iter_mut().for_each(write),
            Partial::Map(fields) => fields.values_mut().for_each(write),
            _ => {}
        }
    }
    let mut partial = Cow::Borrowed(partial);
    if is_escaped(&partial) {
        write(partial.to_mut());
    }
    partial
}

/// What is known, or a gap.
#[derive(Clone, Copy)]
struct Filled<'a> {
    partial: &'a Partial,
    filler: &'a Filler,
}

impl<'a> Filled<'a> {
    fn bare(self) -> &'a Partial {
        let mut partial = self.partial;
        while let Partial::Secret(inner) = partial {
            partial = inner;
        }
        partial
    }

    fn inner(self, partial: &'a Partial) -> Self {
        Self { partial, ..self }
    }

    /// What consists of parts that are known or not.
    fn parts<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.bare() {
            Partial::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(|item| self.inner(item)))),
            Partial::Map(fields) => visitor.visit_map(MapDeserializer::new(
                fields.iter().map(|(name, field)| (Key(plain_key(name)), self.inner(field))),
            )),
            _ => Err(Error::custom("it will never be known")),
        }
    }
}

macro_rules! filled {
    ($($method:ident($($arg:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'a>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Error> {
            match self.bare() {
                Partial::Known(value) => value.$method($($arg,)* visitor),
                Partial::After(_) => Gap(self.filler).$method($($arg,)* visitor),
                _ => self.parts(visitor),
            }
        })*
    };
}

impl<'a> Deserializer<'a> for Filled<'a> {
    type Error = Error;

    filled! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.bare() {
            Partial::Known(value) => value.deserialize_option(visitor),
            Partial::After(_) => Gap(self.filler).deserialize_option(visitor),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }
}

impl<'a> IntoDeserializer<'a, Error> for Filled<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The key of an entry: a text, which may be one of a number.
#[derive(Clone, Copy)]
struct Key<'a>(&'a str);

impl<'a> Deserializer<'a> for Key<'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_u64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.parse().map_err(Error::custom).and_then(|number| visitor.visit_u64(number))
    }

    fn deserialize_i64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.parse().map_err(Error::custom).and_then(|number| visitor.visit_i64(number))
    }

    fn deserialize_u8<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i8<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'a> IntoDeserializer<'a, Error> for Key<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::value::{Deps, NodeId, Secret};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(try_from = "String")]
    struct Image(String);

    impl TryFrom<String> for Image {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            if text.contains(':') { Ok(Self(text)) } else { Err("it has no tag".into()) }
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Mode {
        Up,
        Down { after: u64 },
        At(String),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Spec {
        name: String,
        image: Image,
        server: std::net::IpAddr,
        ports: Vec<u16>,
        labels: BTreeMap<String, Option<String>>,
        numbered: BTreeMap<u16, String>,
        mode: Mode,
        secret: Option<Secret<String>>,
        replicas: u64,
    }

    fn gap() -> Partial {
        let deps = Deps::on(NodeId { stack: 0, index: 0 });
        Partial::After(deps)
    }

    fn known(value: serde_json::Value) -> Partial {
        Partial::Known(value)
    }

    fn spec(change: impl FnOnce(&mut BTreeMap<String, Partial>)) -> Partial {
        let mut fields = BTreeMap::from(
            [
                ("name", known(json!("web"))),
                ("image", known(json!("web:1"))),
                ("server", known(json!("192.0.2.1"))),
                ("ports", Partial::List(vec![known(json!(80)), gap()])),
                (
                    "labels",
                    Partial::Map(BTreeMap::from([("a".to_owned(), gap()), ("b".to_owned(), known(json!("c")))])),
                ),
                ("numbered", Partial::Map(BTreeMap::from([("7".to_owned(), gap())]))),
                ("mode", known(json!("Up"))),
                ("secret", known(json!(null))),
                ("replicas", known(json!(2))),
            ]
            .map(|(name, partial)| (name.to_owned(), partial)),
        );
        change(&mut fields);
        Partial::Map(fields)
    }

    #[test]
    fn known_values_stay_and_gaps_differ_in_each_way() {
        let all: Vec<Spec> = (0..WAYS).map(|way| fill(&spec(|_| ()), way).unwrap()).collect();
        for spec in &all {
            assert_eq!((spec.name.as_str(), spec.ports[0], spec.replicas), ("web", 80, 2));
            assert_eq!(spec.labels["b"].as_deref(), Some("c"));
        }
        let numbers: BTreeSet<_> = all.iter().map(|spec| spec.ports[1]).collect();
        assert_eq!(numbers.len(), WAYS, "{numbers:?}");
        let texts: BTreeSet<_> = all.iter().map(|spec| &spec.numbered[&7]).collect();
        let lengths: BTreeSet<_> = texts.iter().map(|text| text.len()).collect();
        assert_eq!(lengths.len(), WAYS, "{texts:?}");
    }

    #[test]
    fn gaps_of_types_that_take_certain_texts_are_filled() {
        let all = spec(|fields| fields.values_mut().for_each(|field| *field = gap()));
        for way in 0..WAYS {
            let spec: Spec = fill(&all, way).unwrap();
            assert!(spec.image.0.contains(':'));
            assert_eq!(spec.secret.is_some(), way.is_multiple_of(2));
        }
    }

    #[test]
    fn what_takes_no_made_up_value_is_not_filled() {
        #[derive(Debug, Deserialize)]
        enum Never {}
        #[derive(Debug, Deserialize)]
        struct Spec {
            #[expect(dead_code, reason = "there is none")]
            never: Never,
        }
        let partial = Partial::Map(BTreeMap::from([("never".to_owned(), gap())]));
        assert!(fill::<Spec>(&partial, 0).is_none());
    }
}
