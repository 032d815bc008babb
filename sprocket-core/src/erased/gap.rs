//! Made-up values for what is not known yet.

use std::cell::{Cell, RefCell};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, VariantAccess, Visitor};
use serde_json::Error;

use super::fill::WAYS;
use crate::value::{GIVEN, SECRET};

/// How many shapes of text are tried for a gap that does not take any text.
pub(super) const SHAPES: usize = 12;

/// Makes values up, others in each way and for each gap.
pub(super) struct Filler {
    pub(super) way: usize,
    /// By text, the shape that is tried, from the first of this way.
    pub(super) shapes: RefCell<Vec<usize>>,
    /// How many texts were given,
    pub(super) texts: Cell<usize>,
    /// and how many numbers.
    pub(super) numbers: Cell<u8>,
    pub(super) tried: Cell<usize>,
}

impl Filler {
    fn text(&self) -> String {
        let place = self.texts.replace(self.texts.get() + 1);
        let mut shapes = self.shapes.borrow_mut();
        if shapes.len() <= place {
            shapes.resize(place + 1, 0);
        }
        // No two ways give texts of one length.
        let (way, long) = (self.way, "x".repeat(5 * self.way + 8));
        let number = place % 50 * WAYS + way;
        match (shapes[place] + way) % SHAPES {
            0 => format!("unknown-{long}-{place}"),
            1 => format!("/unknown/{long}/{place}"),
            2 => format!("203.0.113.{number}"),
            3 => format!("{long}-{place}.example.com"),
            4 => format!("https://{long}-{place}.example.com"),
            5 => format!("10.{number}.0.0/16"),
            6 => format!("{}s", number + 60),
            7 => format!("{}", number + 1024),
            8 => format!("{}MiB", number + 64),
            9 => format!("2001:db8::{number:x}"),
            10 => format!("example/{long}-{place}:1"),
            _ => format!("{number:064x}"),
        }
    }

    /// One that is of every type of number, and of none of another gap or way.
    fn number(&self) -> u8 {
        let place = self.numbers.replace(self.numbers.get().wrapping_add(1));
        11 + place % 25 * 4 + u8::try_from(self.way).unwrap_or_default()
    }

    /// Whether what may be there is.
    fn is_there(&self) -> bool {
        self.way.is_multiple_of(2)
    }
}

/// A value that is not known yet.
#[derive(Clone, Copy)]
pub(super) struct Gap<'a>(pub(super) &'a Filler);

macro_rules! numbers {
    ($($method:ident $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.0.number().try_into().map_err(Error::custom)?)
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_string(self.0.text())
        })*
    };
}

impl<'de> Deserializer<'de> for Gap<'_> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8;
        deserialize_i16 visit_i16;
        deserialize_i32 visit_i32;
        deserialize_i64 visit_i64;
        deserialize_u8 visit_u8;
        deserialize_u16 visit_u16;
        deserialize_u32 visit_u32;
        deserialize_u64 visit_u64;
        deserialize_f32 visit_f32;
        deserialize_f64 visit_f64;
    }

    texts! { deserialize_any deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.0.is_there())
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char(char::from(self.0.number()))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.0.text().into_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_there() { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(self, usize::from(self.0.is_there()))))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(self, len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(std::iter::repeat_n((self, self), usize::from(self.0.is_there()))))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(fields.iter().map(|name| (*name, self))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == SECRET {
            return visitor.visit_enum(Variant { name: GIVEN, gap: self });
        }
        let last = variants.len().checked_sub(1).ok_or_else(|| Error::custom("it has no values"))?;
        let place = [0, last, 1, variants.len() / 2][self.0.way % WAYS].min(last);
        visitor.visit_enum(Variant { name: variants[place], gap: self })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

impl<'de> IntoDeserializer<'de, Error> for Gap<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A variant, whose content is made up too.
struct Variant<'a> {
    name: &'static str,
    gap: Gap<'a>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = IntoDeserializer::<Error>::into_deserializer(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.gap)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.gap.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.gap.deserialize_struct(self.name, fields, visitor)
    }
}
