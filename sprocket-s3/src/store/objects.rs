//! The objects of a state, and writes that are made only on a condition.
//!
//! **Invariant:** what is written under a condition is unlike anything that another would write, so that after an answer that
//! was lost the object itself tells whose write came through. No request is sent twice without having looked.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use serde::{Deserialize, Serialize};
use sprocket_core::kind::{ErrorKind, ProviderError as _};

use crate::client::{Client, once};
use crate::error::S3Error;

/// The longest object that is read: states are shorter by far, and what is longer is not ours.
const LONGEST: u64 = 256 << 20;

/// How often a write without an answer is tried.
const TRIES: u32 = 4;

/// The objects whose keys begin with the state's prefix.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    pub(super) client: Client,
    bucket: String,
    prefix: String,
    form: Arc<OnceLock<EtagForm>>,
}

/// The version of an object, as its server names it, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Etag(String);

/// How a server wants an ETag in `If-Match`. The standard says quoted; some compare the text as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EtagForm {
    Quoted,
    Unquoted,
}

/// An object that was read.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) body: Vec<u8>,
    pub(super) etag: Etag,
    /// How long ago it was written, by the server's own clock.
    pub(super) age: Option<Duration>,
}

/// On what condition an object is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum If<'a> {
    Absent,
    Is(&'a Etag),
}

/// What became of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    Done(Etag),
    /// The condition does not hold.
    Refused,
}

impl Objects {
    pub(super) fn new(client: Client, bucket: &str, prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { client, bucket: bucket.to_owned(), prefix, form: Arc::default() }
    }

    /// From now on, ETags are sent in this form.
    pub(super) fn speak(&self, form: EtagForm) {
        let _ = self.form.set(form);
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>, S3Error> {
        let (whole, date) = (format!("{}{key}", self.prefix), ServerDate::default());
        let get = self.client.sdk.get_object().bucket(&self.bucket).key(&whole);
        let what = format!("read `{whole}` in bucket `{}`", self.bucket);
        let got = get.customize().interceptor(date.clone()).send().await;
        let got = match got.map_err(self.client.failed(&what)) {
            Ok(got) => got,
            Err(error) if error.is_not_found() && !error.has_code("NoSuchBucket") => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = Etag::of(got.e_tag());
        let age = date.since(got.last_modified());
        let cut = |source| S3Error::no_answer(&self.client.place, what.clone(), source);
        let too_long = || S3Error::TooLong { what: format!("`{whole}` in bucket `{}`", self.bucket), most: LONGEST };
        let announced = got.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        if announced > LONGEST {
            return Err(too_long());
        }
        let (mut stream, mut body) = (got.body, Vec::new());
        while let Some(chunk) = stream.next().await {
            body.extend_from_slice(&chunk.map_err(|error| cut(Box::new(error)))?);
            if body.len() as u64 > LONGEST {
                return Err(too_long());
            }
        }
        Ok(Some(Object { body, etag, age }))
    }

    /// Writes on a condition; each try may take this long.
    pub(super) async fn put(&self, key: &str, body: &[u8], on: If<'_>, limit: Duration) -> Result<Put, S3Error> {
        let form = self.form.get().copied().unwrap_or(EtagForm::Quoted);
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.try_put(key, body, on, form, limit).await {
                Ok(put) => return Ok(put),
                Err(error) if !is_open(&error) => return Err(error),
                Err(error) => error,
            };
            // Nobody knows whether it came through.
            tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(tries.min(4))).await;
            match (self.get(key).await, on) {
                (Ok(Some(found)), _) if found.body == body => return Ok(Put::Done(found.etag)),
                (Ok(Some(found)), If::Is(etag)) if found.etag == *etag => {}
                (Ok(Some(_)), _) | (Ok(None), If::Is(_)) => return Ok(Put::Refused),
                (Ok(None), If::Absent) | (Err(_), _) => {}
            }
            if tries == TRIES {
                return Err(error);
            }
        }
    }

    /// Writes on a condition, once.
    pub(super) async fn try_put(
        &self,
        key: &str,
        body: &[u8],
        on: If<'_>,
        form: EtagForm,
        limit: Duration,
    ) -> Result<Put, S3Error> {
        let whole = format!("{}{key}", self.prefix);
        let put = self.client.sdk.put_object().bucket(&self.bucket).key(&whole).body(ByteStream::from(body.to_vec()));
        let put = match on {
            If::Absent => put.if_none_match("*"),
            If::Is(etag) => put.if_match(etag.text(form)),
        };
        let limits = TimeoutConfig::builder().operation_attempt_timeout(limit).build();
        let sent = put.customize().config_override(once().timeout_config(limits)).send().await;
        match sent.map_err(self.client.failed(format!("write `{whole}` in bucket `{}`", self.bucket))) {
            Ok(done) => Ok(Put::Done(Etag::of(done.e_tag()))),
            Err(error) if error.answer().is_some_and(|answer| answer.status == 412) => Ok(Put::Refused),
            // Of an object that is not there, `If-Match` can't hold.
            Err(error) if matches!(on, If::Is(_)) && error.is_not_found() && !error.has_code("NoSuchBucket") => {
                Ok(Put::Refused)
            }
            Err(error) => Err(error),
        }
    }

    /// The keys that begin so, without the state's prefix, in their order.
    pub(super) async fn list(&self, beginning: &str) -> Result<Vec<String>, S3Error> {
        let (mut keys, mut token) = (Vec::new(), None);
        loop {
            let list = self.client.sdk.list_objects_v2().bucket(&self.bucket);
            let list = list.prefix(format!("{}{beginning}", self.prefix)).set_continuation_token(token).send().await;
            let listed = list.map_err(self.client.failed(format!("list bucket `{}`", self.bucket)))?;
            let found = listed.contents().iter().filter_map(|object| object.key()?.strip_prefix(&self.prefix));
            keys.extend(found.map(str::to_owned));
            token = listed.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// Deletes what is there of these.
    pub(super) async fn delete(&self, keys: &[String]) -> Result<(), S3Error> {
        for some in keys.chunks(1000) {
            let objects = some.iter().map(|key| {
                let key = format!("{}{key}", self.prefix);
                ObjectIdentifier::builder().key(key).build().expect("BUG: it has a key")
            });
            let delete = Delete::builder().set_objects(Some(objects.collect())).quiet(true).build();
            let delete = delete.expect("BUG: there are objects");
            let deleted = self.client.sdk.delete_objects().bucket(&self.bucket).delete(delete).send().await;
            deleted.map_err(self.client.failed(format!("delete old objects in bucket `{}`", self.bucket)))?;
        }
        Ok(())
    }
}

/// Whether it may have had its effect, or may have it the next time.
fn is_open(error: &S3Error) -> bool {
    error.kind() == ErrorKind::Unavailable || error.has_code("ConditionalRequestConflict")
}

impl Etag {
    pub(super) fn of(text: Option<&str>) -> Self {
        Self(text.unwrap_or_default().trim_matches('"').to_owned())
    }

    fn text(&self, form: EtagForm) -> String {
        match form {
            EtagForm::Quoted => format!("\"{}\"", self.0),
            EtagForm::Unquoted => self.0.clone(),
        }
    }
}

/// When a server answered, by its own clock: whether a lease is over is not for ours to say.
#[derive(Clone, Debug, Default)]
struct ServerDate(Arc<Mutex<Option<DateTime>>>);

impl ServerDate {
    fn since(&self, earlier: Option<&DateTime>) -> Option<Duration> {
        let now = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let seconds = now.secs().saturating_sub(earlier?.secs());
        Some(Duration::from_secs(seconds.try_into().unwrap_or(0)))
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
