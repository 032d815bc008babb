//! Ranges of addresses.

use std::fmt::{self, Display};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::as_text;

/// A range of addresses: `10.20.0.0/24`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    base: IpAddr,
    bits: u8,
}
as_text!(Subnet);

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
}
