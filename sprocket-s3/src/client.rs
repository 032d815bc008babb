//! The client: one HTTP stack and one TLS for all, with limits on each call, that says where it speaks to.
//!
//! What can be repeated is tried again by the SDK. What makes something is sent [`once`]: whether it had its effect is found
//! out first, by the engine or the store.

use std::error::Error;
use std::fmt::{self, Debug};
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::Client as Sdk;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, ProvideCredentials as _, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::{Builder as Http, tls};

use crate::error::S3Error;
use crate::provider::{S3Config, S3Credentials};

const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(60);

/// A server, and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) sdk: Sdk,
    /// Where it is, for people.
    pub(crate) place: String,
    /// It is AWS's own, in which every region has a server.
    pub(crate) is_aws: bool,
}

impl Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.place)
    }
}

impl Client {
    /// Makes the client. Credentials are looked for now; the server is not asked.
    pub(crate) async fn new(config: &S3Config, credentials: &S3Credentials) -> Result<Self, S3Error> {
        let place = config.place();
        let is_plain = config.endpoint.as_ref().is_some_and(|endpoint| endpoint.as_str().starts_with("http://"));
        let http = match credentials {
            // TLS reads every root certificate of the machine. Nothing else than this server is asked.
            S3Credentials::Keys { .. } if is_plain => Http::new().build_http(),
            _ => Http::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc)).build_https(),
        };
        let region = Region::new(config.region.clone());
        let credentials = match credentials {
            S3Credentials::Keys { id, secret, token } => {
                let token = token.as_ref().map(|token| token.expose().clone());
                SharedCredentialsProvider::new(Credentials::new(id, secret.expose(), token, None, "sprocket"))
            }
            S3Credentials::Ambient => {
                let around = ProviderConfig::default().with_http_client(http.clone()).with_region(Some(region.clone()));
                let chain = DefaultCredentialsChain::builder().configure(around).build().await;
                let found = chain.provide_credentials().await;
                found.map_err(|error| S3Error::NoCredentials { place: place.clone(), source: why_none(error) })?;
                SharedCredentialsProvider::new(chain)
            }
        };
        let limits = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
        let mut builder = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .region(region)
            .credentials_provider(credentials)
            .timeout_config(limits)
            .retry_config(RetryConfig::standard())
            .force_path_style(config.path_style)
            // Older servers know no checksums in trailers.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint.as_str());
        }
        Ok(Self { sdk: Sdk::from_conf(builder.build()), place, is_aws: config.endpoint.is_none() })
    }

    /// The same server, asked in another region.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        if self.sdk.config().region().map(AsRef::as_ref) == Some(region) || !self.is_aws {
            return self.clone();
        }
        let config = self.sdk.config().to_builder().region(Region::new(region.to_owned())).build();
        Self { sdk: Sdk::from_conf(config), ..self.clone() }
    }

    /// Makes an error of what the SDK says about a request.
    pub(crate) fn failed<E>(&self, what: impl Into<String>) -> impl FnOnce(SdkError<E, HttpResponse>) -> S3Error + '_
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let what = what.into();
        move |error| S3Error::of(error, &what, &self.place)
    }
}

/// Why no credentials were found. Where nothing went wrong, the chain tells of each place that has none, in a line each.
fn why_none(error: CredentialsError) -> Box<dyn Error + Send + Sync> {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "the environment has none, there is no profile of the AWS tools, and this machine has no role".into()
        }
        error => error.into(),
    }
}

/// For a request that must not be sent twice unasked.
pub(crate) fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}
