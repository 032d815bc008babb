//! A bucket's settings at its server: each is read and written by a call of its own.
//!
//! A server that does not know a sort of setting (501) has none of it; to write it is an error.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, Tagging,
    VersioningConfiguration,
};
use sprocket_core::kind::{Entries, ErrorKind, Live, OwnerTag, ProviderError as _};
use sprocket_core::program::Assigned;

use super::spec::{BucketSpec, LifecycleSpec};
use super::{Bucket, BucketState};
use crate::client::Client;
use crate::error::S3Error;
use crate::owner_tag;
use crate::provider::S3;

/// Where AWS's buckets are that have no region.
pub(super) const FIRST_REGION: &str = "us-east-1";

/// The bucket of this name, if there is one.
pub(crate) async fn read(s3: &S3, name: &str) -> Result<Option<Live<Bucket>>, S3Error> {
    let mut client = s3.client.clone();
    let mut tags = tags(&client, name).await;
    if let Err(S3Error::Elsewhere { region: Some(region), .. }) = &tags {
        client = client.in_region(region);
        tags = self::tags(&client, name).await;
    }
    let tags = match tags {
        Ok(Some(tags)) => tags,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::Denied => return Err(denied(s3, name, error).await),
        Err(error) => return Err(error),
    };
    let rest = tokio::try_join!(versioned(&client, name), lifecycle(&client, name), location(&client, name));
    let (versioned, lifecycle, location) = match rest {
        Err(error) if error.is_not_found() => return Ok(None),
        rest => rest?,
    };
    let Entries { own: tags, owner, .. } = Entries::of(tags);
    // Only AWS means a region of its own where it names none.
    let location = location.or_else(|| s3.client.is_aws.then(|| FIRST_REGION.to_owned()));
    let region = location.clone().map_or(Assigned::Auto, Assigned::Fixed);
    Ok(Some(Live {
        id: name.into(),
        name: name.into(),
        spec: BucketSpec { region, versioned, tags, lifecycle, empty_on_delete: false },
        state: BucketState { region: location.unwrap_or_else(|| s3.region.clone()) },
        owner,
    }))
}

/// Why a bucket can't be read: the account does not have it, or its key may not.
async fn denied(s3: &S3, name: &str, error: S3Error) -> S3Error {
    let known = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "RequestTimeTooSkewed"];
    if known.into_iter().any(|code| error.has_code(code)) {
        return error;
    }
    match s3.client.sdk.list_buckets().send().await {
        Ok(listed) if listed.buckets().iter().all(|bucket| bucket.name() != Some(name)) => {
            S3Error::Taken { bucket: name.to_owned() }
        }
        _ => error,
    }
}

/// The tags; none at all if there is no bucket.
async fn tags(client: &Client, name: &str) -> Result<Option<Vec<(String, String)>>, S3Error> {
    let read = client.sdk.get_bucket_tagging().bucket(name).send().await;
    match read.map_err(client.failed(format!("read the tags of bucket `{name}`"))) {
        Ok(read) => Ok(Some(read.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())),
        // Some say NoSuchTagSetError.
        Err(error) if error.answer().is_some_and(|answer| answer.code.starts_with("NoSuchTagSet")) => {
            Ok(Some(Vec::new()))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn versioned(client: &Client, name: &str) -> Result<bool, S3Error> {
    let read = client.sdk.get_bucket_versioning().bucket(name).send().await;
    match read.map_err(client.failed(format!("read the versioning of bucket `{name}`"))) {
        Ok(read) => Ok(read.status() == Some(&BucketVersioningStatus::Enabled)),
        Err(error) if error.is_not_implemented() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where it is, if the server says so. (GetBucketLocation is answered in forms that the SDK can't read.)
async fn location(client: &Client, name: &str) -> Result<Option<String>, S3Error> {
    let read = client.sdk.head_bucket().bucket(name).send().await;
    match read.map_err(client.failed(format!("read the region of bucket `{name}`"))) {
        Ok(read) => Ok(read.bucket_region().filter(|region| !region.is_empty()).map(str::to_owned)),
        Err(error) if error.is_not_implemented() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn lifecycle(client: &Client, name: &str) -> Result<Vec<LifecycleSpec>, S3Error> {
    let read = client.sdk.get_bucket_lifecycle_configuration().bucket(name).send().await;
    match read.map_err(client.failed(format!("read the lifecycle of bucket `{name}`"))) {
        Ok(read) => {
            let mut rules = read.rules.unwrap_or_default();
            // Ours are numbered; a server may give them in any order.
            rules.sort_by_key(|rule| rule.id().and_then(number).unwrap_or(usize::MAX));
            Ok(rules.iter().map(rule).collect())
        }
        Err(error) if error.has_code("NoSuchLifecycleConfiguration") || error.is_not_implemented() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

const RULE: &str = "sprocket-";

fn number(id: &str) -> Option<usize> {
    id.strip_prefix(RULE)?.parse().ok()
}

/// A rule as a spec says it. What a spec can't say is read as a rule that does nothing, which no program has.
fn rule(rule: &LifecycleRule) -> LifecycleSpec {
    #[expect(deprecated, reason = "older servers still answer with it")]
    let old = rule.prefix();
    let filter = rule.filter();
    let prefix = filter.and_then(LifecycleRuleFilter::prefix).or(old).unwrap_or_default().to_owned();
    let days = |days: Option<i32>| days.and_then(|days| u32::try_from(days).ok());
    let expiration = rule.expiration();
    let noncurrent = rule.noncurrent_version_expiration();
    let abort = rule.abort_incomplete_multipart_upload();
    let beyond = filter.is_some_and(|f| {
        f.tag().is_some()
            || f.and().is_some()
            || f.object_size_greater_than().is_some()
            || f.object_size_less_than().is_some()
    }) || !rule.transitions().is_empty()
        || !rule.noncurrent_version_transitions().is_empty()
        || expiration.is_some_and(|e| e.date().is_some() || e.expired_object_delete_marker() == Some(true))
        || rule.status() != &ExpirationStatus::Enabled;
    if beyond {
        return LifecycleSpec { prefix, ..LifecycleSpec::default() };
    }
    LifecycleSpec {
        prefix,
        expire_days: days(expiration.and_then(LifecycleExpiration::days)),
        expire_noncurrent_days: days(noncurrent.and_then(NoncurrentVersionExpiration::noncurrent_days)),
        keep_noncurrent: days(noncurrent.and_then(NoncurrentVersionExpiration::newer_noncurrent_versions)),
        abort_uploads_days: days(abort.and_then(AbortIncompleteMultipartUpload::days_after_initiation)),
    }
}

/// Which settings are not as they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) tags: bool,
    versioning: bool,
    lifecycle: bool,
}

impl Missing {
    /// What is to be written to a bucket, as it was read, to make it be as the spec says.
    pub(crate) fn between(live: &Live<Bucket>, spec: &BucketSpec, owner: &OwnerTag) -> Self {
        Self {
            tags: live.spec.tags != spec.tags || !live.is(owner),
            versioning: live.spec.versioned != spec.versioned,
            lifecycle: live.spec.lifecycle != spec.lifecycle,
        }
    }

    /// What a new bucket has not.
    pub(crate) fn of_new(spec: &BucketSpec) -> Self {
        Self { tags: true, versioning: spec.versioned, lifecycle: !spec.lifecycle.is_empty() }
    }

    pub(crate) fn is_nothing(self) -> bool {
        !(self.tags || self.versioning || self.lifecycle)
    }

    /// For people: `its tags, its lifecycle`.
    pub(crate) fn names(self) -> String {
        let all = [(self.tags, "its tags"), (self.versioning, "its versioning"), (self.lifecycle, "its lifecycle")];
        all.into_iter().filter_map(|(is, name)| is.then_some(name)).collect::<Vec<_>>().join(", ")
    }

    /// Writes them; the mark first.
    pub(crate) async fn write(
        self,
        client: &Client,
        name: &str,
        spec: &BucketSpec,
        owner: &OwnerTag,
    ) -> Result<(), S3Error> {
        if self.tags {
            write_tags(client, name, spec, owner).await?;
        }
        if self.versioning {
            write_versioning(client, name, spec.versioned).await?;
        }
        if self.lifecycle {
            write_lifecycle(client, name, &spec.lifecycle).await?;
        }
        Ok(())
    }
}

async fn write_tags(client: &Client, name: &str, spec: &BucketSpec, owner: &OwnerTag) -> Result<(), S3Error> {
    let tags =
        Tagging::builder().set_tag_set(Some(owner_tag::tags(&spec.tags, owner))).build().expect("BUG: there are tags");
    let written = client.sdk.put_bucket_tagging().bucket(name).tagging(tags).send().await;
    written.map(drop).map_err(client.failed(format!("write the tags of bucket `{name}`")))
}

async fn write_versioning(client: &Client, name: &str, versioned: bool) -> Result<(), S3Error> {
    let status = if versioned { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let versioning = VersioningConfiguration::builder().status(status).build();
    let written = client.sdk.put_bucket_versioning().bucket(name).versioning_configuration(versioning).send().await;
    written.map(drop).map_err(client.failed(format!("write the versioning of bucket `{name}`")))
}

async fn write_lifecycle(client: &Client, name: &str, rules: &[LifecycleSpec]) -> Result<(), S3Error> {
    let what = format!("write the lifecycle of bucket `{name}`");
    if rules.is_empty() {
        let deleted = client.sdk.delete_bucket_lifecycle().bucket(name).send().await;
        return deleted.map(drop).map_err(client.failed(what));
    }
    let rules = rules.iter().enumerate().map(|(index, rule)| sent(index + 1, rule)).collect();
    let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().expect("BUG: there are rules");
    let written =
        client.sdk.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(rules).send().await;
    written.map(drop).map_err(client.failed(what))
}

fn sent(number: usize, spec: &LifecycleSpec) -> LifecycleRule {
    let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
    let expiration = spec.expire_days.map(|n| LifecycleExpiration::builder().days(days(n)).build());
    let noncurrent = spec.expire_noncurrent_days.map(|n| {
        let keep = spec.keep_noncurrent.map(days);
        NoncurrentVersionExpiration::builder().noncurrent_days(days(n)).set_newer_noncurrent_versions(keep).build()
    });
    let abort = spec.abort_uploads_days;
    let abort = abort.map(|n| AbortIncompleteMultipartUpload::builder().days_after_initiation(days(n)).build());
    LifecycleRule::builder()
        .id(format!("{RULE}{number}"))
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(&spec.prefix).build())
        .set_expiration(expiration)
        .set_noncurrent_version_expiration(noncurrent)
        .set_abort_incomplete_multipart_upload(abort)
        .build()
        .expect("BUG: a rule has a status")
}
