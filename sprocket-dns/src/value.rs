//! Types of records, and what the records of each say.
//!
//! A value is text, as a zone's file would have it, without quotes: an address, a target, any text. Values are compared by what
//! they mean: `2001:DB8::1` is `2001:db8::1`, and `WWW` is `www`.

use std::fmt::{self, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_proto::rr::{Name, RData, RecordType as Wire};
use serde::{Deserialize, Serialize};
use sprocket_core::program::{Input, IntoInput, Output};

use crate::name::{self, ZoneName};

/// The type of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// Another name for a name.
    Cname,
    /// Text.
    Txt,
}

impl RecordType {
    pub(crate) fn wire(self) -> Wire {
        match self {
            Self::A => Wire::A,
            Self::Aaaa => Wire::AAAA,
            Self::Cname => Wire::CNAME,
            Self::Txt => Wire::TXT,
        }
    }
}

impl Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.wire(), f)
    }
}

impl FromStr for RecordType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "A" => Ok(Self::A),
            "AAAA" => Ok(Self::Aaaa),
            "CNAME" => Ok(Self::Cname),
            "TXT" => Ok(Self::Txt),
            _ => Err(format!("`{text}` is none of the types A, AAAA, CNAME, TXT")),
        }
    }
}

/// What one record says: an address, a target, a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordValue(pub String);

impl RecordValue {
    /// The same value in its one spelling.
    ///
    /// # Errors
    /// A message, if a record of this type can't say it.
    pub(crate) fn canonical(&self, record_type: RecordType) -> Result<Self, String> {
        let text = self.0.as_str();
        Ok(Self(match record_type {
            RecordType::A => ipv4(text)?.to_string(),
            RecordType::Aaaa => ipv6(text)?.to_string(),
            RecordType::Cname => target(text)?,
            RecordType::Txt if text.len() > LONGEST_TEXT => {
                return Err(format!("a text has at most {LONGEST_TEXT} bytes, and this one has {}", text.len()));
            }
            RecordType::Txt => text.to_owned(),
        }))
    }

    /// As the record's data in a message.
    pub(crate) fn wire(&self, record_type: RecordType, zone: &ZoneName) -> Result<RData, String> {
        let text = self.0.as_str();
        Ok(match record_type {
            RecordType::A => RData::A(A(ipv4(text)?)),
            RecordType::Aaaa => RData::AAAA(AAAA(ipv6(text)?)),
            RecordType::Cname => RData::CNAME(CNAME(absolute(&target(text)?, zone)?)),
            RecordType::Txt => RData::TXT(text_data(text)),
        })
    }

    /// What a record says, in the one spelling; `None` if it is of another type.
    pub(crate) fn of(data: &RData, zone: &ZoneName) -> Option<Self> {
        Some(Self(match data {
            RData::A(A(address)) => address.to_string(),
            RData::AAAA(AAAA(address)) => address.to_string(),
            RData::CNAME(CNAME(target)) => shown(target, zone),
            RData::TXT(text) => text_of(text),
            _ => return None,
        }))
    }
}

/// A record's data is at most 65,535 bytes, and an update must hold an old text and a new one in a message of that length.
const LONGEST_TEXT: usize = 16_000;

fn ipv4(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an IPv4 address, such as `192.0.2.1`"))
}

fn ipv6(text: &str) -> Result<Ipv6Addr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an IPv6 address, such as `2001:db8::1`"))
}

/// A target whose reading is certain: `lb.example.org` could be one in the zone, and is mostly meant to be absolute.
fn target(text: &str) -> Result<String, String> {
    let target = name::checked(text)?;
    if target.contains('*') {
        return Err(format!("`{text}` is not a name to point to"));
    }
    if target.contains('.') && !target.ends_with('.') {
        return Err(format!(
            "`{text}` can be read in two ways: `{text}.` is absolute; if it is in the zone, write it with the zone and a dot"
        ));
    }
    Ok(target)
}

fn absolute(target: &str, zone: &ZoneName) -> Result<Name, String> {
    if target.ends_with('.') {
        return Name::from_ascii(target).map_err(|error| error.to_string());
    }
    zone.absolute(target)
}

/// A target as it would be declared: relative if that has one reading.
fn shown(target: &Name, zone: &ZoneName) -> String {
    let relative = zone.relative(target);
    if relative.contains('.') { target.to_ascii().to_lowercase() } else { relative }
}

/// A text, cut into the strings of at most 255 bytes that a TXT record is made of (RFC 1035, section 3.3.14).
pub(crate) fn text_data(text: &str) -> TXT {
    let bytes = text.as_bytes();
    let strings: Vec<&[u8]> = if bytes.is_empty() { vec![&[]] } else { bytes.chunks(255).collect() };
    TXT::from_bytes(strings)
}

/// The text of a TXT record. Where it was cut has no meaning (RFC 7208, section 3.3).
pub(crate) fn text_of(text: &TXT) -> String {
    String::from_utf8_lossy(&text.txt_data.concat()).into_owned()
}

macro_rules! value_of {
    ($($from:ty),*) => {$(
        impl IntoInput<RecordValue> for $from {
            fn into_input(self) -> Input<RecordValue> {
                Input::Value(RecordValue(self.to_string()))
            }
        }
    )*};
}
value_of!(&str, String, &String, Ipv4Addr, Ipv6Addr, IpAddr);

macro_rules! value_of_output {
    ($($of:ty),*) => {$(
        impl IntoInput<RecordValue> for Output<$of> {
            fn into_input(self) -> Input<RecordValue> {
                Input::Output(self.map(|value| RecordValue(value.to_string())))
            }
        }

        impl IntoInput<RecordValue> for &Output<$of> {
            fn into_input(self) -> Input<RecordValue> {
                Input::Output(self.map(|value| RecordValue(value.to_string())))
            }
        }
    )*};
}
value_of_output!(String, Ipv4Addr, Ipv6Addr, IpAddr);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_through_a_message() {
        let zone: ZoneName = "example.org".parse().unwrap();
        let check = |record_type, text: &str, read: &str| {
            let value = RecordValue(text.to_owned());
            assert_eq!(value.canonical(record_type).unwrap().0, read);
            assert_eq!(RecordValue::of(&value.wire(record_type, &zone).unwrap(), &zone).unwrap().0, read);
        };
        check(RecordType::A, "192.0.2.1", "192.0.2.1");
        check(RecordType::Aaaa, "2001:DB8:0::1", "2001:db8::1");
        check(RecordType::Cname, "WWW", "www");
        check(RecordType::Cname, "@", "@");
        check(RecordType::Cname, "LB.example.com.", "lb.example.com.");
        check(RecordType::Cname, "lb.eu.example.org.", "lb.eu.example.org.");
        for length in [0, 1, 254, 255, 256, 509, 510, 511, 764, 765, 766, 4_000] {
            let text = "x".repeat(length);
            check(RecordType::Txt, &text, &text);
            let strings = text_data(&text).txt_data;
            assert_eq!(strings.len(), length.div_ceil(255).max(1), "{length}");
        }
        check(RecordType::Txt, r#"v=DKIM1; p="a\b\\c;d" é  "#, r#"v=DKIM1; p="a\b\\c;d" é  "#);
    }

    #[test]
    fn what_can_not_be_said_is_told_why() {
        let check = |record_type, text: &str| RecordValue(text.to_owned()).canonical(record_type).unwrap_err();
        insta::assert_snapshot!(check(RecordType::A, "2001:db8::1"), @"`2001:db8::1` is not an IPv4 address, such as `192.0.2.1`");
        insta::assert_snapshot!(check(RecordType::Aaaa, "192.0.2.1"), @"`192.0.2.1` is not an IPv6 address, such as `2001:db8::1`");
        insta::assert_snapshot!(check(RecordType::Cname, "lb.example.com"), @"`lb.example.com` can be read in two ways: `lb.example.com.` is absolute; if it is in the zone, write it with the zone and a dot");
        insta::assert_snapshot!(check(RecordType::Cname, "*.a."), @"`*.a.` is not a name to point to");
        insta::assert_snapshot!(check(RecordType::Txt, &"x".repeat(16_001)), @"a text has at most 16000 bytes, and this one has 16001");
    }
}
