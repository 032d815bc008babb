//! What a call to an S3 server can fail with.
//!
//! A message says what was attempted; its source is what the server answered, and no message repeats its source. What an
//! answer means is decided in one place, [`classify`]. Nothing here holds a request, a key or an object's content.

use std::error::Error;
use std::fmt::{self, Display};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use sprocket_core::kind::{CallError, ErrorKind, ProviderError};

/// Why a call to an S3 server failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3Error {
    /// Nothing was found to sign requests with.
    #[error("there are no credentials for S3 at {place}")]
    NoCredentials {
        /// The server.
        place: String,
        /// What was looked for, and why it was not found.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What a call to any service can fail with.
    #[error(transparent)]
    Call(#[from] CallError<S3Answer>),
    /// An object is longer than any of ours.
    #[error("{what} is longer than {most} bytes, and is not read")]
    TooLong {
        /// Which.
        what: String,
        /// How long one may be.
        most: u64,
    },
    /// The bucket is in another account.
    #[error("the name `{bucket}` is taken: the bucket belongs to another account")]
    Taken {
        /// The bucket.
        bucket: String,
    },
    /// The bucket is in another region than it is asked for in.
    #[error("bucket `{bucket}` is not in this region")]
    Elsewhere {
        /// The bucket.
        bucket: String,
        /// Where it is, if the server says so.
        region: Option<String>,
    },
    /// The bucket can't be deleted while something is in it.
    #[error("could not delete bucket `{bucket}`: it holds {held}")]
    NotEmpty {
        /// The bucket.
        bucket: String,
        /// What is in it, as far as it was counted: `3 objects`.
        held: String,
    },
    /// The server took a setting, and does not show it.
    #[error("bucket `{bucket}` does not keep {settings}: the server took what it was sent, and shows something else")]
    NotKept {
        /// The bucket.
        bucket: String,
        /// Which settings.
        settings: String,
    },
}

/// What the server answered in place of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Answer {
    /// The HTTP status.
    pub status: u16,
    /// The code of the error: `AccessDenied`. Empty where the server sent none.
    pub code: String,
    /// The message beside it.
    pub message: String,
}

impl Display for S3Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => write!(f, "status {}", self.status),
            (code, "") => write!(f, "{code} (status {})", self.status),
            ("", message) => write!(f, "{message} (status {})", self.status),
            // `AccessDenied: Access Denied`
            (code, message) if message.trim_end_matches('.').replace(' ', "") == code => f.write_str(code),
            (code, message) => write!(f, "{code}: {}", message.trim_end_matches('.')),
        }
    }
}

impl Error for S3Answer {}

impl S3Error {
    /// An error of the SDK's, about a request to this server.
    pub(crate) fn of<E>(error: SdkError<E, HttpResponse>, what: &str, place: &str) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let (what, place) = (what.to_owned(), place.to_owned());
        match error {
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                let region = answer.raw().headers().get("x-amz-bucket-region").map(str::to_owned);
                let meta = answer.into_err();
                let code = meta.code().unwrap_or_default().to_owned();
                let message = meta.message().unwrap_or_default().trim().to_owned();
                let message = if status < 300 { "its answer can't be read".to_owned() } else { message };
                let kind = classify(status, &code);
                // Answers to HEAD have no body; where others have none either, the SDK takes the status for a code.
                let code = if code.parse() == Ok(status) { String::new() } else { code };
                if is_elsewhere(status, &code) {
                    return Self::Elsewhere { bucket: bucket_in(&what), region };
                }
                CallError::Refused { what, kind, source: S3Answer { status, code, message } }.into()
            }
            SdkError::ConstructionFailure(failure) => {
                let source = SdkError::<E, HttpResponse>::ConstructionFailure(failure).into_source();
                without_answer(what, place, source.unwrap_or_else(|error| Box::new(error)))
            }
            // What is no answer of S3's: a proxy's page, another protocol.
            SdkError::ResponseError(answer) if answer.raw().status().is_client_error() => {
                let status = answer.raw().status().as_u16();
                let source = S3Answer { status, code: String::new(), message: String::new() };
                CallError::Refused { what, kind: classify(status, ""), source }.into()
            }
            error => {
                let source = error.into_source().unwrap_or_else(|error| Box::new(error));
                without_answer(what, place, source)
            }
        }
    }

    /// The request was sent to the server there, and no answer came.
    pub(crate) fn no_answer(place: &str, what: String, source: Box<dyn Error + Send + Sync>) -> Self {
        CallError::NoAnswer { server: format!("S3 at {place}"), what, source }.into()
    }

    /// One of several objects was not deleted.
    pub(crate) fn not_deleted(what: String, error: &aws_sdk_s3::types::Error) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().trim().to_owned();
        let source = S3Answer { status: 200, code: text(error.code()), message: text(error.message()) };
        CallError::Refused { what, kind: classify(400, &source.code), source }.into()
    }

    /// What the server answered, if it refused.
    pub(crate) fn answer(&self) -> Option<&S3Answer> {
        match self {
            Self::Call(error) => error.answer(),
            _ => None,
        }
    }

    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.answer().is_some_and(|answer| answer.code == code)
    }

    /// The server knows no such request.
    pub(crate) fn is_not_implemented(&self) -> bool {
        self.answer().is_some_and(|answer| answer.status == 501 || answer.code == "NotImplemented")
    }
}

/// The bucket that an attempt names.
fn bucket_in(what: &str) -> String {
    what.split('`').nth(1).unwrap_or("of the request").to_owned()
}

fn is_elsewhere(status: u16, code: &str) -> bool {
    status == 301
        || matches!(code, "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException")
}

/// Sorts what happened without an answer by whether anything can have been sent.
fn without_answer(what: String, place: String, source: Box<dyn Error + Send + Sync>) -> S3Error {
    let mut says = vec![source.to_string()];
    let mut next = source.source();
    while let Some(error) = next {
        says.push(error.to_string());
        next = error.source();
    }
    let any = |text: &str| says.iter().any(|line| line.contains(text));
    // Each link of the chain says where it was; the last says what it was.
    let last: Box<dyn Error + Send + Sync> = says.last().cloned().unwrap_or_default().into();
    if any("credentials") || any("CredentialsProvider") {
        return S3Error::NoCredentials { place, source: last };
    }
    if any("client error (Connect)") || any("tcp connect error") || any("dns error") || any("HTTP connect timeout") {
        return CallError::Connect { service: "S3", address: place, source: last }.into();
    }
    S3Error::no_answer(&place, what, last)
}

/// What sort of refusal an answer is: the code says it, and where there is none, the status.
fn classify(status: u16, code: &str) -> ErrorKind {
    match code {
        "NoSuchBucket" | "NoSuchKey" | "NoSuchTagSet" | "NoSuchLifecycleConfiguration" | "NotFound" => {
            ErrorKind::NotFound
        }
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => ErrorKind::AlreadyExists,
        "BucketNotEmpty" | "OperationAborted" | "ConditionalRequestConflict" | "PreconditionFailed" => {
            ErrorKind::Conflict
        }
        "SlowDown" | "RequestTimeout" | "InternalError" | "ServiceUnavailable" => ErrorKind::Unavailable,
        "NotImplemented" => ErrorKind::Invalid,
        _ => match status {
            401 | 403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            408 | 429 => ErrorKind::Unavailable,
            300..=499 | 501 => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        },
    }
}

impl ProviderError for S3Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Call(error) => error.kind(),
            Self::NoCredentials { .. } => ErrorKind::Denied,
            Self::Taken { .. } => ErrorKind::AlreadyExists,
            Self::Elsewhere { .. } => ErrorKind::Invalid,
            Self::NotEmpty { .. } => ErrorKind::Conflict,
            Self::NotKept { .. } => ErrorKind::Unready,
            Self::TooLong { .. } => ErrorKind::Invalid,
        }
    }

    fn is_unsent(&self) -> bool {
        match self {
            Self::Call(error) => error.is_unsent(),
            Self::NoCredentials { .. } => true,
            _ => false,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoCredentials { .. } => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a provider can be given its own with \
                 `.credentials(S3Credentials::keys(…))`"
            }
            Self::Call(CallError::Connect { .. }) => "is the endpoint right, and its server running?",
            Self::Taken { .. } => {
                "names of buckets are shared by all accounts of a service: choose another with `.named(…)`"
            }
            Self::Call(CallError::Exists { .. }) => "plan again: the plan will say whose it is",
            Self::Elsewhere { region: Some(region), .. } => {
                return Some(format!("it is in `{region}`: connect to that region"));
            }
            Self::Elsewhere { .. } => "connect to the region that it is in",
            Self::NotEmpty { .. } => {
                "empty it, or leave it with `.keep_on_delete()`; `.empty_on_delete()`, applied first, deletes what is \
                 in it as well, all versions, for good"
            }
            Self::TooLong { .. } => "find out who put it there, and delete it",
            Self::NotKept { .. } => "does this server have them? leave out what it has not",
            Self::Call(CallError::Refused { source, .. }) => match source.code.as_str() {
                "InvalidAccessKeyId" => "the server knows no such access key: is it the one for this endpoint?",
                "SignatureDoesNotMatch" => "the secret does not belong to the access key, or a proxy rewrites requests",
                "ExpiredToken" | "ExpiredTokenException" => "the credentials have expired: get new ones",
                "RequestTimeTooSkewed" => "set this machine's clock, or let NTP do it",
                "AccessDenied" => "the access key is known, and may not do this: give it the right to",
                _ => return None,
            },
            Self::Call(_) => return None,
        };
        Some(hint.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let check = |status, code, kind| assert_eq!(classify(status, code), kind, "{status} {code}");
        check(404, "NoSuchBucket", ErrorKind::NotFound);
        check(404, "", ErrorKind::NotFound);
        check(409, "BucketAlreadyExists", ErrorKind::AlreadyExists);
        check(409, "BucketAlreadyOwnedByYou", ErrorKind::AlreadyExists);
        check(409, "BucketNotEmpty", ErrorKind::Conflict);
        check(412, "PreconditionFailed", ErrorKind::Conflict);
        check(403, "AccessDenied", ErrorKind::Denied);
        check(403, "SignatureDoesNotMatch", ErrorKind::Denied);
        check(400, "InvalidBucketName", ErrorKind::Invalid);
        check(501, "NotImplemented", ErrorKind::Invalid);
        check(503, "SlowDown", ErrorKind::Unavailable);
        check(500, "", ErrorKind::Unavailable);
    }

    #[test]
    fn without_a_connection_nothing_was_changed() {
        let cut = |text: &str| without_answer("create bucket `a`".into(), "here".into(), text.to_owned().into());
        assert!(cut("client error (Connect)").is_unsent());
        assert!(!cut("connection closed before message completed").is_unsent());
    }
}
