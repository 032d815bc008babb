//! What is inside of tables, lists and variants, handed on one by one with the place that it has.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use toml::Spanned;
use toml::de::DeValue;

use super::error::Error;
use super::walk::At;

/// The entries of a table, in the order in which they are offered.
pub(super) struct Entries<'a, 'w, 'v, 'i> {
    at: &'a At<'w, 'v, 'i>,
    entries: std::vec::IntoIter<(&'a str, Option<&'v Spanned<DeValue<'i>>>)>,
    next: Option<At<'w, 'v, 'i>>,
}

impl<'a, 'w, 'v, 'i> Entries<'a, 'w, 'v, 'i> {
    pub(super) fn new(at: &'a At<'w, 'v, 'i>, entries: Vec<(&'a str, Option<&'v Spanned<DeValue<'i>>>)>) -> Self {
        Self { at, entries: entries.into_iter(), next: None }
    }
}

impl<'w, 'v, 'i> MapAccess<'i> for Entries<'_, 'w, 'v, 'i> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'i>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let next = self.at.below(key, value);
        self.at.offer(value.is_none().then_some(&next));
        self.next = Some(next);
        seed.deserialize(IntoDeserializer::<Error>::into_deserializer(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'i>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.at.offer(None);
        let next = self.next.take().expect("BUG: a value is asked for after its key");
        let (span, path) = (next.span(), next.path.clone());
        seed.deserialize(next).map_err(|error| error.at(span, &path))
    }
}

/// The items of a list.
pub(super) struct Items<'a, 'w, 'v, 'i, I> {
    pub(super) at: &'a At<'w, 'v, 'i>,
    pub(super) items: std::iter::Enumerate<I>,
}

impl<'v, 'i, I: Iterator<Item = &'v Spanned<DeValue<'i>>>> SeqAccess<'i> for Items<'_, '_, 'v, 'i, I> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'i>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((index, value)) = self.items.next() else { return Ok(None) };
        seed.deserialize(self.at.below(&index.to_string(), Some(value))).map(Some)
    }
}

/// The variant that a table of one key is, with what is in it.
pub(super) struct Variant<'w, 'v, 'i, 'k>(pub(super) At<'w, 'v, 'i>, pub(super) &'k str);

impl<'w, 'v, 'i> EnumAccess<'i> for Variant<'w, 'v, 'i, '_> {
    type Error = Error;
    type Variant = At<'w, 'v, 'i>;

    fn variant_seed<S: DeserializeSeed<'i>>(self, seed: S) -> Result<(S::Value, Self::Variant), Error> {
        Ok((seed.deserialize(IntoDeserializer::<Error>::into_deserializer(self.1))?, self.0))
    }
}

impl<'v, 'i> VariantAccess<'i> for At<'_, 'v, 'i> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::new("is written without a value"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'i>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'i>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.other(visitor)
    }

    fn struct_variant<V: Visitor<'i>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

/// A visitor of `()`, which takes an empty table.
pub(super) struct Unit<V>(pub(super) V);

impl<'i, V: Visitor<'i>> Visitor<'i> for Unit<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an empty table")
    }

    fn visit_map<M: MapAccess<'i>>(self, _: M) -> Result<V::Value, M::Error> {
        self.0.visit_unit()
    }
}
