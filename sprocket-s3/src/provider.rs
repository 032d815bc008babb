//! The provider: an account of an S3 server, AWS's own or a compatible one.

use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sprocket_core::kind::{Identity, Kinds, Provider, Spec, as_text};
use sprocket_core::program::{Input, IntoInput, Output, Secret};

use crate::bucket::Bucket;
use crate::client::Client;
use crate::error::S3Error;

/// An account of an S3 server.
///
/// ```
/// # use sprocket_core::program::{Secret, Stack};
/// # use sprocket_s3::{S3, S3Credentials};
/// # let mut stack = Stack::new();
/// // What the AWS tools use: AWS_REGION, AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, profiles.
/// stack.connect(S3::from_env());
/// // Spaces, MinIO, SeaweedFS, Ceph and the like, with keys of their own.
/// stack.connect(
///     S3::at("https://fra1.digitaloceanspaces.com")
///         .named("spaces")
///         .region("fra1")
///         .credentials(S3Credentials::keys("DO00…", Secret::new("secret".to_owned()))),
/// );
/// # stack.check().unwrap();
/// ```
#[derive(Debug)]
pub struct S3 {
    pub(crate) client: Client,
    /// Where new buckets are made.
    pub(crate) region: String,
}

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = S3)]
pub struct S3Config {
    /// The server's address, as `https://HOST`; unless set, AWS's in the region.
    pub endpoint: Option<Endpoint>,
    /// The region: that of the signatures, and where buckets are made.
    #[spec(default = "us-east-1")]
    pub region: String,
    /// Puts the bucket's name into the path of a request rather than before the host: every compatible server knows it.
    #[spec(default = false)]
    pub path_style: bool,
}

impl S3Config {
    /// Where it is, for people.
    pub(crate) fn place(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.to_string(),
            None => format!("AWS in {}", self.region),
        }
    }
}

impl S3 {
    /// AWS's own servers in a region: `eu-central-1`.
    #[track_caller]
    pub fn aws(region: impl IntoInput<String>) -> S3Draft {
        S3Draft::default().region(region)
    }

    /// A compatible server, spoken to with the bucket's name in the path.
    #[track_caller]
    pub fn at(endpoint: impl IntoInput<Endpoint>) -> S3Draft {
        S3Draft::default().endpoint(endpoint).path_style(true)
    }

    /// What the environment says in `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, and in `AWS_REGION` or
    /// `AWS_DEFAULT_REGION`: unless they are set, AWS in `us-east-1`. It is looked up now, while the program declares its
    /// resources.
    #[track_caller]
    pub fn from_env() -> S3Draft {
        let first = |names: [&str; 2]| {
            names.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        };
        let draft = match first(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]) {
            Some(endpoint) => Self::at(endpoint),
            None => S3Draft::default(),
        };
        match first(["AWS_REGION", "AWS_DEFAULT_REGION"]) {
            Some(region) => draft.region(region),
            None => draft,
        }
    }
}

impl Provider for S3 {
    const NAME: &'static str = "s3";
    type Draft = S3Draft;
    type Config = S3Config;
    type Credentials = S3Credentials;
    type Error = S3Error;

    async fn connect(config: &S3Config, credentials: S3Credentials) -> Result<Self, S3Error> {
        Ok(Self { client: Client::new(config, &credentials).await?, region: config.region.clone() })
    }

    fn ambient() -> Result<S3Credentials, S3Error> {
        Ok(S3Credentials::Ambient)
    }

    /// The owner of the account's buckets, and where: the owner's id alone is only unique where the server gives out ids
    /// as AWS does.
    async fn identity(&self) -> Result<Identity, S3Error> {
        let what = "list the account's buckets, which says whose it is";
        let listed = self.client.sdk.list_buckets().max_buckets(1).send().await;
        let listed = listed.map_err(self.client.failed(what))?;
        let owner = listed.owner().and_then(|owner| owner.id()).unwrap_or_default();
        let place = self.client.place.split_once("://").map_or(self.client.place.as_str(), |(_, host)| host);
        // The account is the same in all of AWS's regions.
        let place = if place.starts_with("AWS in ") { "AWS" } else { place };
        Ok(format!("{owner} at {place}").into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Bucket>();
    }
}

/// What requests are signed with.
#[derive(Clone, Default)]
pub enum S3Credentials {
    /// What the AWS tools use: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, a profile, the role of the machine.
    #[default]
    Ambient,
    /// These.
    Keys {
        /// The access key's id.
        id: String,
        /// Its secret.
        secret: Secret<String>,
        /// The session's token, for temporary keys.
        token: Option<Secret<String>>,
    },
}

impl S3Credentials {
    /// An access key and its secret.
    pub fn keys(id: impl Into<String>, secret: impl Into<Secret<String>>) -> Self {
        Self::Keys { id: id.into(), secret: secret.into(), token: None }
    }
}

impl Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambient => f.write_str("Ambient"),
            Self::Keys { id, .. } => write!(f, "Keys({id})"),
        }
    }
}

impl IntoInput<S3Credentials> for Output<Secret<(String, String)>> {
    /// The id and the secret of a key that another resource makes.
    #[track_caller]
    fn into_input(self) -> Input<S3Credentials> {
        Input::Output(self.map(|key| {
            let (id, secret) = key.expose().clone();
            S3Credentials::keys(id, Secret::new(secret))
        }))
    }
}

/// A server's address: `https://HOST`, or `http://HOST:PORT` in a network that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(String);
as_text!(Endpoint);

impl Endpoint {
    /// As text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected `https://HOST` or `http://HOST:PORT`";
        let whole = text.trim_end_matches('/');
        match whole.split_once("://") {
            Some(("http" | "https", host)) if host.contains(['@', '?', '#']) => {
                Err(format!("an endpoint has nothing but a host and a path: {expected}"))
            }
            Some(("http" | "https", host)) if !host.is_empty() && !host.contains(char::is_whitespace) => {
                Ok(Self(whole.to_owned()))
            }
            _ => Err(format!("`{text}` is not an endpoint: {expected}")),
        }
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read() {
        let check = |text: &str, written: &str| assert_eq!(text.parse::<Endpoint>().unwrap().as_str(), written);
        check("https://fra1.digitaloceanspaces.com/", "https://fra1.digitaloceanspaces.com");
        check("http://127.0.0.1:8333", "http://127.0.0.1:8333");
        for wrong in
            ["fra1.digitaloceanspaces.com", "s3://bucket", "https://", "https://user:secret@host", "https://a b"]
        {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn credentials_do_not_print() {
        let shown = format!("{:?}", S3Credentials::keys("AKIA", Secret::new("hunter2".to_owned())));
        assert_eq!(shown, "Keys(AKIA)");
    }
}
