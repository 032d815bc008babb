//! A store in a bucket: what a state is, for several machines.
//!
//! ```text
//! s3://BUCKET/PREFIX/
//!   log/00000000000000000042   snapshots, batches of the journal, fences, in the order in which they were written
//!   lock.json                  the lease: who holds the lock, and until when
//!   probe.json                 that the server honours conditional writes, found out when it was first locked
//! ```
//!
//! Each write of the state is one PUT under the next number, on the condition that nothing is there (`If-None-Match`); the
//! lock is replaced on the condition that it is what was read (`If-Match`). A server that ignores either is refused when the
//! state is locked. Loading takes no lock and writes nothing.
//!
//! A run writes its batches. It ends with a snapshot if those since the last one have grown to a quarter of it, as in every
//! store, or if they are so many that they could not be read at once any more.
//!
//! To go back to an older state, copy the snapshot that it was to the next number of the log; it is still proven to be ours, and
//! the engine goes on with it only when it is told that an older one is meant.

mod lease;
mod location;
mod log;
mod objects;
mod probe;
mod writer;

use std::fmt::{self, Display};
use std::time::Duration;

use async_trait::async_trait;
use sprocket_core::kind::ProviderError as _;
use sprocket_core::state::{Earlier, Holder, Loaded, Lock, StateStore, StoreError};

use self::lease::Lease;
pub use self::location::StateLocation;
use self::log::Log;
use self::objects::Objects;
use self::writer::S3Lock;
use crate::client::Client;
use crate::error::S3Error;
use crate::provider::S3Credentials;

/// How long a write may take: of what is small, and of a whole snapshot.
const SMALL: Duration = Duration::from_secs(10);
const LARGE: Duration = Duration::from_secs(300);

/// A state in a bucket.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sprocket_core::state::StateStore as _;
/// use sprocket_s3::{S3Credentials, S3Store, StateLocation};
///
/// let place: StateLocation = "s3://states/shop/production?region=eu-central-1".parse()?;
/// let store = S3Store::open(&place, &S3Credentials::Ambient).await?;
/// let state = store.load().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct S3Store {
    objects: Objects,
    place: Place,
    lasts: Duration,
    keep: usize,
}

impl S3Store {
    /// The state in this place. The server is asked nothing yet; the bucket must be there when it is.
    ///
    /// # Errors
    /// If there are no credentials.
    pub async fn open(location: &StateLocation, credentials: &S3Credentials) -> Result<Self, S3Error> {
        let client = Client::new(&location.server, credentials).await?;
        let objects = Objects::new(client, &location.bucket, &location.prefix);
        let place = Place(location.to_string());
        Ok(Self { objects, place, lasts: Duration::from_secs(60), keep: 5 })
    }

    /// Lets a lock be taken over this long, and a margin of a quarter or at least 2 s, after its holder was last heard of;
    /// without it, 60 s; at most an hour. A holder that is alive is heard of three times as often.
    #[must_use]
    pub fn lease(mut self, lasts: Duration) -> Self {
        self.lasts = lasts.min(lease::LONGEST);
        self
    }

    /// Keeps this many earlier snapshots, at least one; without it, five.
    #[must_use]
    pub fn keep(mut self, generations: usize) -> Self {
        self.keep = generations.max(1);
        self
    }
}

#[async_trait]
impl StateStore for S3Store {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let log = Log::read(&self.objects, &self.place).await?;
        Ok(log.state.map(|state| state.loaded(Vec::new())))
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        probe::ensure(&self.objects, &self.place).await?;
        let lease = Lease::take(&self.objects, &self.place, holder, self.lasts).await?;
        Ok(Box::new(S3Lock::new(self.objects.clone(), self.place.clone(), self.keep, lease)))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        lease::break_lock(&self.objects, &self.place, id).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        lease::holder(&self.objects, &self.place).await
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        Log::history(&self.objects, &self.place).await
    }

    async fn try_out(&self) -> Result<Option<String>, StoreError> {
        probe::probe(&self.objects, &self.place).await?;
        Ok(Some("the server honours conditional writes: runs are kept apart".into()))
    }

    fn place(&self) -> String {
        self.place.to_string()
    }
}

/// Where a state is, for people.
#[derive(Clone, Debug)]
struct Place(String);

impl Place {
    /// Makes a store's error of one of the server's.
    fn failed(&self, attempt: &'static str) -> impl FnOnce(S3Error) -> StoreError + '_ {
        move |error| {
            let hint = if error.has_code("NoSuchBucket") {
                Some(
                    "a state is kept outside of the stack that it is about: make the bucket by another way, once"
                        .into(),
                )
            } else if error.has_code("AccessDenied") {
                // Names of buckets are shared by all accounts of a service.
                Some(
                    "give the access key the right to list, read, write and delete there; or name another bucket, if this \
                     one is another account's"
                        .into(),
                )
            } else {
                error.hint()
            };
            StoreError::Remote { attempt, place: self.0.clone(), source: Box::new(error), hint }
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
