//! Made-up states: a value for every field of a state type, without knowing the type.
//!
//! Texts are the object's id, secrets another text, numbers are one, lists and options are empty. A type that accepts only certain texts can't be
//! made up, and the error says so.

use std::fmt::{self, Display};

use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, Visitor, value};

use crate::value::{GIVEN, SECRET};

/// A value of this type.
pub(crate) fn imagine<T: DeserializeOwned>(id: &str) -> Result<T, String> {
    T::deserialize(Imagined(id)).map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Imagined<'a>(&'a str);

#[derive(Debug)]
struct CantBe(String);

impl Display for CantBe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its state can't be made up: {}", self.0)
    }
}

impl std::error::Error for CantBe {}

impl de::Error for CantBe {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $value:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
            visitor.$visit($value)
        })*
    };
}

impl<'de> Deserializer<'de> for Imagined<'_> {
    type Error = CantBe;

    numbers! {
        deserialize_bool visit_bool true;
        deserialize_i8 visit_i8 1;
        deserialize_i16 visit_i16 1;
        deserialize_i32 visit_i32 1;
        deserialize_i64 visit_i64 1;
        deserialize_u8 visit_u8 1;
        deserialize_u16 visit_u16 1;
        deserialize_u32 visit_u32 1;
        deserialize_u64 visit_u64 1;
        deserialize_f32 visit_f32 1.0;
        deserialize_f64 visit_f64 1.0;
        deserialize_char visit_char '1';
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_str(self.0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_str(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_seq(value::SeqDeserializer::new(std::iter::empty::<u8>()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_seq(value::SeqDeserializer::new(std::iter::repeat_n(self, len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, CantBe> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_map(Fields { names: [].iter(), id: self })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CantBe> {
        visitor.visit_map(Fields { names: fields.iter(), id: self })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CantBe> {
        if name == SECRET {
            // Another text than the id, which is no secret.
            let text = format!("a secret of {}", self.0);
            let given = value::MapDeserializer::new(std::iter::once((GIVEN, Imagined(&text))));
            return visitor.visit_enum(value::MapAccessDeserializer::new(given));
        }
        let first = variants.first().ok_or_else(|| CantBe("it has a type without values".into()))?;
        visitor.visit_enum((*first).into_deserializer())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_str(self.0)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CantBe> {
        visitor.visit_unit()
    }
}

impl<'de> IntoDeserializer<'de, CantBe> for Imagined<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Fields<'a> {
    names: std::slice::Iter<'static, &'static str>,
    id: Imagined<'a>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = CantBe;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CantBe> {
        self.names.next().map(|name| seed.deserialize((*name).into_deserializer())).transpose()
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, CantBe> {
        seed.deserialize(self.id)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Id(String);

    #[derive(Debug, PartialEq, Deserialize)]
    enum Mode {
        Up,
        Down,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct State {
        id: Id,
        version: u64,
        digest: Option<String>,
        addresses: Vec<String>,
        mode: Mode,
    }

    #[test]
    fn every_field_gets_a_value() {
        let state: State = imagine("network#1").unwrap();
        let expect =
            State { id: Id("network#1".into()), version: 1, digest: None, addresses: Vec::new(), mode: Mode::Up };
        assert_eq!(state, expect);
        assert_ne!(state.mode, Mode::Down);
    }

    #[test]
    fn a_type_that_takes_only_certain_texts_says_so() {
        let error = imagine::<std::net::IpAddr>("network#1").unwrap_err();
        assert!(error.starts_with("its state can't be made up: "), "{error}");
    }
}
