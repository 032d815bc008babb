//! Names of domains: what programs write, checked, and what messages hold.
//!
//! A name without a dot at its end is relative to the zone, one with it is absolute, and `@` is the zone itself. Labels have 1
//! to 63 bytes and a name 255 with the lengths of its labels (RFC 1035, section 2.3.4); they are letters, digits, `-` and `_`,
//! without regard to case. Other letters are refused, not encoded: who writes the ASCII form sees what is registered.

use std::fmt::{self, Display};
use std::str::FromStr;

use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};
use sprocket_core::kind::as_text;

/// The zone itself, in names of records and in targets.
pub(crate) const APEX: &str = "@";

/// The name of a zone: `example.org`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);
as_text!(ZoneName);

impl ZoneName {
    pub(crate) fn name(&self) -> Name {
        Name::from_ascii(format!("{}.", self.0)).expect("BUG: a zone's name was checked")
    }

    /// What a name of a program is in this zone.
    ///
    /// # Errors
    /// A message, if it can't be in this zone.
    pub(crate) fn absolute(&self, text: &str) -> Result<Name, String> {
        let text = checked(text)?;
        let zone = &self.0;
        let whole = if text == APEX {
            format!("{zone}.")
        } else if let Some(name) = text.strip_suffix('.') {
            if name != zone && !name.ends_with(&format!(".{zone}")) {
                return Err(format!("`{text}` is not in the zone `{zone}`"));
            }
            text
        } else if text == *zone || text.ends_with(&format!(".{zone}")) {
            return Err(format!(
                "`{text}` would be `{text}.{zone}`: leave out the zone, or end the name with a dot to make it absolute"
            ));
        } else {
            format!("{text}.{zone}.")
        };
        Name::from_ascii(&whole).map_err(|_| format!("`{whole}` is longer than the 255 bytes that a name may have"))
    }

    /// What an absolute name is called in this zone: `api`, `@`, or with a dot at its end if it is in another.
    pub(crate) fn relative(&self, name: &Name) -> String {
        let name = name.to_ascii().to_lowercase();
        let whole = name.trim_end_matches('.');
        match whole.strip_suffix(&self.0) {
            Some("") => APEX.to_owned(),
            Some(rest) if rest.ends_with('.') => rest.trim_end_matches('.').to_owned(),
            _ => format!("{whole}."),
        }
    }
}

/// A name as programs write it, in lower case.
///
/// # Errors
/// A message that names the rule.
pub(crate) fn checked(text: &str) -> Result<String, String> {
    let text = text.to_lowercase();
    if text == APEX {
        return Ok(text);
    }
    let labels = text.strip_suffix('.').unwrap_or(&text);
    let wrong = |why: &str| Err(format!("`{text}` is not a name in the DNS: {why}"));
    if labels.is_empty() {
        return wrong("it is empty; the zone itself is `@`");
    }
    if !text.is_ascii() {
        return wrong("write it in its ASCII form, which begins with `xn--`");
    }
    for (place, label) in labels.split('.').enumerate() {
        match label {
            "" => return wrong("two dots have nothing between them"),
            "*" if place == 0 => continue,
            _ if label.contains('*') => return wrong("a `*` is the whole first label or none of it"),
            _ => {}
        }
        if label.len() > 63 {
            return wrong("a label has at most 63 bytes");
        }
        if let Some(sign) = label.chars().find(|sign| !sign.is_ascii_alphanumeric() && !"-_".contains(*sign)) {
            return wrong(&format!("labels have letters, digits, `-` and `_`, and no `{sign}`"));
        }
    }
    if labels.len() + 2 > 255 {
        return wrong("a name has at most 255 bytes");
    }
    Ok(text)
}

impl FromStr for ZoneName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = checked(text)?;
        if name == APEX || name.contains('*') {
            return Err(format!("`{text}` is not the name of a zone, such as `example.org`"));
        }
        Ok(Self(name.trim_end_matches('.').to_owned()))
    }
}

impl Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> ZoneName {
        "Example.ORG.".parse().unwrap()
    }

    #[test]
    fn names_are_relative_absolute_or_the_zone_itself() {
        let check = |text: &str, absolute: &str, relative: &str| {
            let name = zone().absolute(text).unwrap();
            assert_eq!((name.to_ascii().as_str(), zone().relative(&name).as_str()), (absolute, relative));
        };
        check("api", "api.example.org.", "api");
        check("API.eu", "api.eu.example.org.", "api.eu");
        check("api.example.org.", "api.example.org.", "api");
        check("@", "example.org.", "@");
        check("example.org.", "example.org.", "@");
        check("*.eu", "*.eu.example.org.", "*.eu");
        check("_sip._tcp", "_sip._tcp.example.org.", "_sip._tcp");
        let other = Name::from_ascii("myexample.org.").unwrap();
        assert_eq!(zone().relative(&other), "myexample.org.");
    }

    #[test]
    fn what_is_no_name_is_told_why() {
        let check = |text: &str| zone().absolute(text).unwrap_err();
        insta::assert_snapshot!(check(""), @"`` is not a name in the DNS: it is empty; the zone itself is `@`");
        insta::assert_snapshot!(check("a..b"), @"`a..b` is not a name in the DNS: two dots have nothing between them");
        insta::assert_snapshot!(check("bücher"), @"`bücher` is not a name in the DNS: write it in its ASCII form, which begins with `xn--`");
        insta::assert_snapshot!(check("a b"), @"`a b` is not a name in the DNS: labels have letters, digits, `-` and `_`, and no ` `");
        insta::assert_snapshot!(check("a.*"), @"`a.*` is not a name in the DNS: a `*` is the whole first label or none of it");
        insta::assert_snapshot!(check("api.example.org"), @"`api.example.org` would be `api.example.org.example.org`: leave out the zone, or end the name with a dot to make it absolute");
        insta::assert_snapshot!(check("api.example.com."), @"`api.example.com.` is not in the zone `example.org`");
        assert!(zone().absolute(&"a".repeat(63)).is_ok());
        assert!(check(&"a".repeat(64)).ends_with("a label has at most 63 bytes"));
        let long = |labels| vec!["a".repeat(60); labels].join(".");
        assert!(zone().absolute(&long(3)).is_ok());
        assert!(check(&long(4)).ends_with("that a name may have"));
        assert!(check(&long(5)).ends_with("a name has at most 255 bytes"));
    }
}
