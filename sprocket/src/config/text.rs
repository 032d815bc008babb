//! A secret's text as a value of its type: a string, or a number, a name, bytes that are written as text.

use serde::de::value::StringDeserializer;
use serde::de::{Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;
use sprocket_core::__derive::GIVEN;

use super::error::Error;

/// The text of a secret.
pub(super) enum Text {
    /// It was given.
    Given(String),
    /// Nobody gave one, and this will do. What must be of another form is that form's nothing.
    MadeUp(String),
    /// There is none: something of the right type, so that the rest can be looked through.
    None,
}

impl Text {
    fn text(self) -> String {
        match self {
            Self::Given(text) | Self::MadeUp(text) => text,
            Self::None => String::new(),
        }
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                // The text is a secret, and must not be quoted.
                Self::Given(text) => visitor.$visit(text.parse::<$type>().map_err(|_| Error::unexpected())?),
                Self::MadeUp(_) | Self::None => visitor.$visit(<$type>::default()),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    parsed! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.text().into_bytes())
    }

    /// A `Vec<u8>` asks for a list.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let bytes = self.text().into_bytes();
        visitor.visit_seq(serde::de::value::SeqDeserializer::new(bytes.into_iter()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text = match self {
            Self::Given(text) => text,
            Self::MadeUp(_) | Self::None => variants.first().map(|first| (*first).to_owned()).unwrap_or_default(),
        };
        let name: StringDeserializer<Error> = text.into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// The variant of a secret that has its value in clear.
pub(super) struct Given(pub(super) Text);

impl<'de> EnumAccess<'de> for Given {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        Ok((seed.deserialize(IntoDeserializer::<Error>::into_deserializer(GIVEN))?, self))
    }
}

impl<'de> VariantAccess<'de> for Given {
    type Error = Error;

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.0)
    }

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::unexpected())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::unexpected())
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::unexpected())
    }
}
