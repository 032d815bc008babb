//! Buckets: `s3:bucket`.
//!
//! A bucket holds data: it is kept when its resource is deleted, and never replaced, unless the program says otherwise; and
//! one that holds something is not deleted at all, unless the program says that too (`.empty_on_delete()`). Its mark is in its
//! tags. Making one takes several calls, the mark's first; what an interrupted run left is completed by the wait for its
//! readiness, which looks at every setting.
//!
//! A bucket without any mark, tag, setting or content that was made while our own request to make it had no answer is taken
//! for ours.

mod contents;
mod name;
mod settings;
mod spec;

use std::time::Duration;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde::{Deserialize, Serialize};
use sprocket_core::kind::{
    CallError, CallFailure, CallResult, CheckResult, CreateRequest, Deadline, Diagnostics, ErrorKind, ErrorOf,
    FailureOf, Handle, Kind, KindFlags, Live, PendingCreate, PhysicalName, ProviderError, ReadRequest, ReadResult,
    Recorded, Recovered, ResourceRef, UpdateRequest, with_causes,
};
use sprocket_core::program::{Assigned, Output};

use self::contents::{Contents, empty};
use self::settings::{Missing, read};
pub use self::spec::{BucketDraft, BucketSpec, Lifecycle, LifecycleSpec};
use crate::client::{Client, once};
use crate::error::{S3Answer, S3Error};
use crate::provider::S3;

/// A bucket, and what other resources can use of it.
///
/// ```
/// # use sprocket_core::program::{DraftExt as _, Stack};
/// # use sprocket_s3::{Bucket, Lifecycle, S3};
/// # let mut stack = Stack::new();
/// # stack.connect(S3::aws("eu-central-1"));
/// let replays = stack.add(
///     Bucket::new("sprocket-replays")
///         .versioned()
///         .tag("team", "core")
///         .lifecycle(Lifecycle::under("tmp/").expire_days(7_u32))
///         .lifecycle(Lifecycle::all().expire_noncurrent_days(30_u32).abort_uploads_days(3_u32)),
/// );
/// # stack.check().unwrap();
/// ```
#[derive(Clone, Debug, Handle)]
#[handle(kind = "s3:bucket", provider = S3, naming = fixed)]
pub struct Bucket {
    /// Its name at the server, known while planning.
    #[output(name)]
    pub name: Output<String>,
    /// The region that it is in, once it is there.
    #[output(state.region)]
    pub region: Output<String>,
    this: ResourceRef<Self>,
}

impl Bucket {
    /// A bucket.
    pub fn new(name: impl Into<String>) -> BucketDraft {
        BucketDraft::new(name)
    }
}

/// What the server reports about a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketState {
    /// The region that it is in.
    pub region: String,
}

/// How long a setting may take to show: servers with many parts don't show it everywhere at once.
const SHOWS: Duration = Duration::from_secs(20);

impl Kind for Bucket {
    const FLAGS: KindFlags = KindFlags::new().stateful().needs_ready();

    async fn read(s3: &S3, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        let name = find.name();
        Ok(Vec::from_iter(read(s3, name).await?))
    }

    async fn create(s3: &S3, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let name = make.name.as_str();
        let region = match &make.spec.region {
            Assigned::Fixed(region) => region,
            Assigned::Auto => &s3.region,
        };
        let client = s3.client.in_region(region);
        make_bucket(&client, name, region, make.spec).await?;
        let state = BucketState { region: region.clone() };
        let written = Missing::of_new(make.spec).write(&client, name, make.spec, make.owner).await;
        written.map_err(|error| CallFailure::from(error).leaving(state.clone()))?;
        Ok(state)
    }

    async fn update(s3: &S3, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let missing = Missing::between(change.live, change.spec, change.owner);
        let client = s3.client.in_region(&change.live.state.region);
        missing.write(&client, change.live.name.as_str(), change.spec, change.owner).await?;
        Ok(change.live.state.clone())
    }

    /// Returns once every setting shows; writes what an interrupted run has not written.
    async fn ready(s3: &S3, record: &Recorded<Self>, deadline: Deadline) -> CallResult<Self> {
        let name = record.name.as_str();
        let shows = Deadline::after(SHOWS.min(deadline.left()));
        let mut pause = Duration::from_millis(100);
        let mut is_first = true;
        loop {
            let live = read(s3, name).await?;
            if let Some(live) = &live {
                let missing = Missing::between(live, &record.spec, &record.owner);
                if missing.is_nothing() {
                    return Ok(live.state.clone());
                }
                if is_first {
                    is_first = false;
                    let client = s3.client.in_region(&live.state.region);
                    missing.write(&client, name, &record.spec, &record.owner).await?;
                    continue;
                }
                if shows.is_over() {
                    return Err(CallFailure::from(S3Error::NotKept {
                        bucket: name.to_owned(),
                        settings: missing.names(),
                    }));
                }
            } else if shows.is_over() {
                return Err(CallFailure::from(gone(name)));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    async fn delete(s3: &S3, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let name = record.name.as_str();
        let client = s3.client.in_region(&record.state.region);
        let contents = Contents::of(&client, name).await?;
        if !contents.is_empty() {
            if !record.spec.empty_on_delete {
                return Err(CallFailure::from(S3Error::NotEmpty {
                    bucket: name.to_owned(),
                    held: contents.describe(),
                }));
            }
            empty(&client, name).await?;
        }
        let deleted = client.sdk.delete_bucket().bucket(name).send().await;
        match deleted.map_err(client.failed(format!("delete bucket `{name}`"))) {
            Err(error) if error.has_code("BucketNotEmpty") => {
                Err(CallFailure::from(S3Error::NotEmpty { bucket: name.to_owned(), held: "something".into() }))
            }
            Err(error) if !error.is_not_found() => Err(CallFailure::from(error)),
            _ => Ok(()),
        }
    }

    async fn recover(s3: &S3, intent: &PendingCreate<Self>) -> Result<Recovered<Self>, ErrorOf<Self>> {
        Ok(match read(s3, intent.name.as_str()).await? {
            None => Recovered::Nothing,
            Some(live) if live.is(&intent.owner) => Recovered::one(live),
            Some(live) if is_pristine(s3, &live).await? => Recovered::one(live),
            Some(live) => Recovered::Unmarked(vec![live]),
        })
    }

    fn validate(spec: &BucketSpec) -> Diagnostics {
        spec::validate(spec)
    }

    fn validate_name(name: &PhysicalName, _: Option<&BucketSpec>) -> Diagnostics {
        name::validate(name.as_str())
    }

    async fn verify(s3: &S3, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let client = s3.client.in_region(&record.state.region);
        let what = format!("read bucket `{}`", record.name);
        let listed = client.sdk.list_objects_v2().bucket(record.name.as_str()).max_keys(1).send().await;
        let failure = listed.map_err(client.failed(what)).err().map(|error| with_causes(&error));
        vec![CheckResult { what: "can be read".into(), failure }]
    }
}

/// Makes a bucket, if none of the name is in this account. AWS's oldest region answers as if it had made one where there
/// is one of our own already: so it is asked first.
async fn make_bucket(client: &Client, name: &str, region: &str, spec: &BucketSpec) -> Result<(), S3Error> {
    if client.sdk.head_bucket().bucket(name).send().await.is_ok() {
        return Err(exists(name));
    }
    // A compatible server is told only what the program says.
    let says = client.is_aws || matches!(spec.region, Assigned::Fixed(_));
    let place = (says && region != settings::FIRST_REGION).then(|| {
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build()
    });
    let request = client.sdk.create_bucket().bucket(name).set_create_bucket_configuration(place);
    let made = request.customize().config_override(once()).send().await;
    match made.map_err(client.failed(format!("create bucket `{name}`"))) {
        Err(error) if error.has_code("BucketAlreadyExists") => Err(S3Error::Taken { bucket: name.to_owned() }),
        Err(error) if error.has_code("BucketAlreadyOwnedByYou") => Err(exists(name)),
        made => made.map(drop),
    }
}

/// Whether nobody has done anything with a bucket since it was made.
async fn is_pristine(s3: &S3, live: &Live<Bucket>) -> Result<bool, S3Error> {
    let BucketSpec { versioned, tags, lifecycle, .. } = &live.spec;
    if live.owner.is_some() || *versioned || !tags.is_empty() || !lifecycle.is_empty() {
        return Ok(false);
    }
    let client = s3.client.in_region(&live.state.region);
    Ok(Contents::of(&client, live.name.as_str()).await?.is_empty())
}

fn gone(name: &str) -> S3Error {
    let source = S3Answer { status: 404, code: "NoSuchBucket".into(), message: String::new() };
    CallError::Refused { what: format!("find bucket `{name}`"), kind: ErrorKind::NotFound, source }.into()
}

fn exists(name: &str) -> S3Error {
    CallError::Exists { what: format!("bucket `{name}`") }.into()
}
