//! Address ranges, and settings that the engine chooses where the program does not.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sprocket_core::{Input, IntoInput};

/// A setting that is chosen here, or left to the service.
///
/// Where it was left to the service, what the service chose is in the object's state, and the setting reads as
/// [`Auto`](Self::Auto): an object that this crate made notes it in a label. One that others made reads as chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assigned<T> {
    /// The service chooses.
    #[default]
    Auto,
    /// This.
    #[serde(untagged)]
    To(T),
}

/// A range of addresses: `10.20.0.0/24`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    base: IpAddr,
    bits: u8,
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a range of addresses, such as `10.20.0.0/24`");
        let (base, bits) = text.split_once('/').ok_or_else(wrong)?;
        let (base, bits) = (base.parse::<IpAddr>().map_err(|_| wrong())?, bits.parse::<u8>().map_err(|_| wrong())?);
        let (value, width) = match base {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        if bits == 0 || bits > width {
            return Err(wrong());
        }
        let free = u32::from(width - bits);
        if free > 0 && value & (u128::MAX >> (128 - free)) != 0 {
            return Err(format!("`{text}` is an address in a range: the range begins with its first one"));
        }
        Ok(Self { base, bits })
    }
}

impl Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl TryFrom<String> for Subnet {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

impl IntoInput<Assigned<Subnet>> for &str {
    fn into_input(self) -> Input<Assigned<Subnet>> {
        Input::checked(self.parse().map(Assigned::To))
    }
}

impl IntoInput<Assigned<Subnet>> for String {
    fn into_input(self) -> Input<Assigned<Subnet>> {
        self.as_str().into_input()
    }
}

impl IntoInput<Assigned<Subnet>> for Subnet {
    fn into_input(self) -> Input<Assigned<Subnet>> {
        Input::Value(Assigned::To(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_mistakes_are_told() {
        for text in ["10.20.0.0/24", "10.20.0.0/15", "192.168.1.1/32", "fd00::/64"] {
            assert_eq!(text.parse::<Subnet>().unwrap().to_string(), text);
        }
        for wrong in ["10.20.0.0", "10.20.0.0/33", "10.20.0.0/0", "10.20.0.1/24", "ten/24", ""] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_setting_left_to_the_service_is_written_as_a_word() {
        let check = |setting: Assigned<Subnet>, written: &str| {
            assert_eq!(serde_json::to_string(&setting).unwrap(), written);
            assert_eq!(serde_json::from_str::<Assigned<Subnet>>(written).unwrap(), setting);
        };
        check(Assigned::Auto, r#""auto""#);
        check(Assigned::To("10.20.0.0/24".parse().unwrap()), r#""10.20.0.0/24""#);
    }
}
