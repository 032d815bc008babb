//! Where a state is: `s3://BUCKET/PREFIX?region=…&endpoint=…`.

use std::fmt::{self, Display};
use std::str::FromStr;

use crate::provider::{Endpoint, S3Config};

/// A place for states: a bucket, and what the keys in it begin with.
///
/// ```
/// # use sprocket_s3::StateLocation;
/// let spaces = "s3://states/team-a?endpoint=https://fra1.digitaloceanspaces.com&region=fra1".parse::<StateLocation>()?;
/// assert_eq!(spaces.to_string(), "s3://states/team-a at https://fra1.digitaloceanspaces.com");
/// let aws = "s3://states?region=eu-central-1".parse::<StateLocation>()?;
/// assert_eq!(aws.within("shop/production").to_string(), "s3://states/shop/production at AWS in eu-central-1");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StateLocation {
    pub(super) bucket: String,
    /// Without slashes at its ends.
    pub(super) prefix: String,
    pub(super) server: S3Config,
}

impl StateLocation {
    /// A place inside of it: for one of several states.
    #[must_use]
    pub fn within(&self, path: &str) -> Self {
        let prefix = if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) };
        Self { prefix, ..self.clone() }
    }
}

const FORM: &str = "expected `s3://BUCKET/PREFIX?region=REGION&endpoint=https://HOST`";

impl FromStr for StateLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("s3://").ok_or_else(|| format!("`{text}` is no place for a state: {FORM}"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(format!("`{text}` names no bucket: {FORM}"));
        }
        let (mut region, mut endpoint, mut path_style) = (None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("region", value)) if !value.is_empty() => region = Some(value.to_owned()),
                Some(("endpoint", value)) => endpoint = Some(value.parse::<Endpoint>()?),
                Some(("path_style", value)) => {
                    let value = value.parse().map_err(|_| format!("`path_style={value}`: it is `true` or `false`"))?;
                    path_style = Some(value);
                }
                _ => {
                    let known = "`region`, `endpoint` and `path_style` are known";
                    return Err(format!(
                        "`{}` says nothing about a state: {known}",
                        pair.split('=').next().unwrap_or(pair)
                    ));
                }
            }
        }
        let region = region.unwrap_or_else(|| "us-east-1".into());
        let path_style = path_style.unwrap_or(endpoint.is_some());
        let server = S3Config { endpoint, region, path_style };
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned(), server })
    }
}

impl Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{} at {}", self.bucket, self.prefix, self.server.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_place_is_refused() {
        let check = |text: &str| text.parse::<StateLocation>().unwrap_err();
        insta::assert_snapshot!(check("states"), @"`states` is no place for a state: expected `s3://BUCKET/PREFIX?region=REGION&endpoint=https://HOST`");
        insta::assert_snapshot!(check("s3:///states"), @"`s3:///states` names no bucket: expected `s3://BUCKET/PREFIX?region=REGION&endpoint=https://HOST`");
        insta::assert_snapshot!(check("s3://states?regoin=eu"), @"`regoin` says nothing about a state: `region`, `endpoint` and `path_style` are known");
        insta::assert_snapshot!(check("s3://states?endpoint=fra1"), @"`fra1` is not an endpoint: expected `https://HOST` or `http://HOST:PORT`");
        insta::assert_snapshot!(check("s3://states?path_style=yes"), @"`path_style=yes`: it is `true` or `false`");
    }
}
