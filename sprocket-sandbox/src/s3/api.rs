//! The calls of the API that buckets and states need; any other is answered with 501 and its name.

use http_body_util::BodyExt as _;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::account::{Account, Bucket, Rule, Version, Versioning};
use super::{S3, S3_KEY};

/// How much a list holds at most.
const PAGE: usize = 1000;

impl S3 {
    fn read<R>(&self, bucket: &str, read: impl FnOnce(&Bucket) -> S3Result<R>) -> S3Result<R> {
        self.account.read(|account| read(account.buckets.get(bucket).ok_or_else(no_bucket)?))
    }

    fn change<R>(&self, bucket: &str, change: impl FnOnce(&mut Bucket) -> S3Result<R>) -> S3Result<R> {
        self.account_change(|account| change(account.buckets.get_mut(bucket).ok_or_else(no_bucket)?))
    }

    fn account_change<R>(&self, change: impl FnOnce(&mut Account) -> S3Result<R>) -> S3Result<R> {
        self.account.change(change).map_err(|error| s3_error!(InternalError, "{error}"))?
    }
}

fn no_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

fn owner() -> Owner {
    Owner { display_name: Some(S3_KEY.into()), id: Some(S3_KEY.into()) }
}

fn done<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

/// The hash of the body, as S3 has it for what is written in one piece.
fn etag(body: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, body).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

fn is(condition: &ETagCondition, version: Option<&Version>) -> bool {
    match (condition, version) {
        (_, None) => false,
        (ETagCondition::Any, Some(_)) => true,
        (ETagCondition::ETag(ETag::Strong(etag) | ETag::Weak(etag)), Some(version)) => *etag == version.etag,
    }
}

fn length(body: &[u8]) -> i64 {
    i64::try_from(body.len()).unwrap_or(i64::MAX)
}

#[async_trait::async_trait]
impl s3s::S3 for S3 {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self.account.read(|account| {
            let bucket = |(name, bucket): (&String, &Bucket)| s3s::dto::Bucket {
                name: Some(name.clone()),
                creation_date: Some(bucket.made.into()),
                bucket_region: None,
            };
            account.buckets.iter().map(bucket).collect()
        });
        done(ListBucketsOutput { buckets: Some(buckets), owner: Some(owner()), ..Default::default() })
    }

    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        let CreateBucketInput { bucket, create_bucket_configuration, .. } = request.input;
        let region = create_bucket_configuration.and_then(|made| made.location_constraint);
        self.account_change(|account| {
            if account.buckets.contains_key(&bucket) {
                return Err(s3_error!(BucketAlreadyOwnedByYou));
            }
            account.buckets.insert(bucket.clone(), Bucket::new(region.map(|region| region.as_str().to_owned())));
            Ok(())
        })?;
        done(CreateBucketOutput { location: Some(format!("/{bucket}")) })
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket_region = self.read(&request.input.bucket, |bucket| Ok(bucket.region.clone()))?;
        done(HeadBucketOutput { bucket_region, ..Default::default() })
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.account_change(|account| match account.buckets.get(&request.input.bucket) {
            None => Err(no_bucket()),
            Some(bucket) if !bucket.is_empty() => Err(s3_error!(BucketNotEmpty)),
            Some(_) => Ok(account.buckets.remove(&request.input.bucket)),
        })?;
        done(DeleteBucketOutput::default())
    }

    async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let tags = self.read(&request.input.bucket, |bucket| Ok(bucket.tags.clone()))?;
        if tags.is_empty() {
            return Err(s3_error!(NoSuchTagSet));
        }
        let tag_set = tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect();
        done(GetBucketTaggingOutput { tag_set })
    }

    async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let PutBucketTaggingInput { bucket, tagging, .. } = request.input;
        let tags = tagging.tag_set.into_iter();
        let tags = tags.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect();
        self.change(&bucket, |bucket| {
            bucket.tags = tags;
            Ok(())
        })?;
        done(PutBucketTaggingOutput::default())
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let status = match self.read(&request.input.bucket, |bucket| Ok(bucket.versioning))? {
            Versioning::Never => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        let status = status.map(BucketVersioningStatus::from_static);
        done(GetBucketVersioningOutput { status, ..Default::default() })
    }

    async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        let status = request.input.versioning_configuration.status;
        let versioning = match status.as_ref().map(BucketVersioningStatus::as_str) {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            _ => return Err(s3_error!(IllegalVersioningConfigurationException)),
        };
        self.change(&request.input.bucket, |bucket| {
            bucket.versioning = versioning;
            Ok(())
        })?;
        done(PutBucketVersioningOutput::default())
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketLifecycleConfigurationOutput>> {
        let rules = self.read(&request.input.bucket, |bucket| Ok(bucket.lifecycle.clone()))?;
        if rules.is_empty() {
            return Err(s3_error!(NoSuchLifecycleConfiguration));
        }
        let rules = Some(rules.into_iter().map(written).collect());
        done(GetBucketLifecycleConfigurationOutput { rules, ..Default::default() })
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketLifecycleConfigurationOutput>> {
        let PutBucketLifecycleConfigurationInput { bucket, lifecycle_configuration, .. } = request.input;
        let rules = lifecycle_configuration.unwrap_or_default().rules;
        let rules = rules.into_iter().map(read).collect::<S3Result<Vec<_>>>()?;
        self.change(&bucket, |bucket| {
            bucket.lifecycle = rules;
            Ok(())
        })?;
        done(PutBucketLifecycleConfigurationOutput::default())
    }

    async fn delete_bucket_lifecycle(
        &self,
        request: S3Request<DeleteBucketLifecycleInput>,
    ) -> S3Result<S3Response<DeleteBucketLifecycleOutput>> {
        self.change(&request.input.bucket, |bucket| {
            bucket.lifecycle.clear();
            Ok(())
        })?;
        done(DeleteBucketLifecycleOutput::default())
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let PutObjectInput { bucket, key, body, if_match, if_none_match, .. } = request.input;
        let body = match body {
            Some(body) => s3s::Body::from(body).collect().await.map_err(|_| s3_error!(IncompleteBody))?.to_bytes(),
            None => hyper::body::Bytes::new(),
        };
        let tag = etag(&body);
        self.change(&bucket, |bucket| {
            let there = bucket.current(&key).map(|(version, _)| version);
            if if_none_match.is_some_and(|not| is(&not, there)) || if_match.is_some_and(|only| !is(&only, there)) {
                return Err(s3_error!(PreconditionFailed));
            }
            bucket.write(&key, body.to_vec(), tag.clone());
            Ok(())
        })?;
        done(PutObjectOutput { e_tag: Some(ETag::Strong(tag)), ..Default::default() })
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let (version, body) = self.read(&request.input.bucket, |bucket| {
            let (version, body) = bucket.current(&request.input.key).ok_or_else(|| s3_error!(NoSuchKey))?;
            Ok((version.clone(), body.0.clone()))
        })?;
        done(GetObjectOutput {
            content_length: Some(length(&body)),
            body: Some(s3s::Body::from(body).into()),
            e_tag: Some(ETag::Strong(version.etag)),
            last_modified: Some(version.written.into()),
            ..Default::default()
        })
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let DeleteObjectInput { bucket, key, version_id, .. } = request.input;
        self.change(&bucket, |bucket| {
            match &version_id {
                Some(version) => bucket.delete_version(&key, version),
                None => bucket.delete(&key),
            }
            Ok(())
        })?;
        done(DeleteObjectOutput::default())
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        self.change(&bucket, |bucket| {
            for object in delete.objects {
                match &object.version_id {
                    Some(version) => bucket.delete_version(&object.key, version),
                    None => bucket.delete(&object.key),
                }
            }
            Ok(())
        })?;
        done(DeleteObjectsOutput::default())
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let ListObjectsV2Input { bucket, prefix, continuation_token, start_after, max_keys, .. } = request.input;
        let after = continuation_token.or(start_after).unwrap_or_default();
        let most = max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
        let mut found = self.read(&bucket, |bucket| {
            let object = |(key, version, body): (&str, &Version, &super::account::Bytes)| Object {
                key: Some(key.to_owned()),
                e_tag: Some(ETag::Strong(version.etag.clone())),
                last_modified: Some(version.written.into()),
                size: Some(length(&body.0)),
                ..Default::default()
            };
            Ok(bucket
                .list(prefix.as_deref().unwrap_or_default(), &after)
                .take(most + 1)
                .map(object)
                .collect::<Vec<_>>())
        })?;
        let is_truncated = found.len() > most;
        found.truncate(most);
        let next = found.last().filter(|_| is_truncated).and_then(|last| last.key.clone());
        done(ListObjectsV2Output {
            name: Some(bucket),
            prefix,
            key_count: i32::try_from(found.len()).ok(),
            is_truncated: Some(is_truncated),
            next_continuation_token: next,
            contents: Some(found),
            ..Default::default()
        })
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let ListObjectVersionsInput { bucket, prefix, .. } = request.input;
        let (mut versions, mut markers, mut count) = (Vec::new(), Vec::new(), 0);
        self.read(&bucket, |bucket| {
            for (key, version, is_latest) in bucket.versions(prefix.as_deref().unwrap_or_default()) {
                count += 1;
                let (key, version_id) = (Some(key.to_owned()), Some(version.id.clone()));
                let (is_latest, last_modified) = (Some(is_latest), Some(version.written.into()));
                match &version.body {
                    _ if count > PAGE => break,
                    Some(body) => versions.push(ObjectVersion {
                        key,
                        version_id,
                        is_latest,
                        last_modified,
                        e_tag: Some(ETag::Strong(version.etag.clone())),
                        size: Some(length(&body.0)),
                        ..Default::default()
                    }),
                    None => markers.push(DeleteMarkerEntry { key, version_id, is_latest, last_modified, owner: None }),
                }
            }
            Ok(())
        })?;
        done(ListObjectVersionsOutput {
            name: Some(bucket),
            is_truncated: Some(count > PAGE),
            versions: Some(versions),
            delete_markers: Some(markers),
            ..Default::default()
        })
    }

    /// There are no uploads in parts here.
    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.read(&request.input.bucket, |_| Ok(()))?;
        done(ListMultipartUploadsOutput { bucket: Some(request.input.bucket), ..Default::default() })
    }
}

fn read(rule: LifecycleRule) -> S3Result<Rule> {
    let filter = rule.filter.unwrap_or_default();
    let beyond = filter.and.is_some()
        || filter.tag.is_some()
        || filter.object_size_greater_than.is_some()
        || filter.object_size_less_than.is_some()
        || rule.transitions.is_some_and(|transitions| !transitions.is_empty())
        || rule.noncurrent_version_transitions.is_some_and(|transitions| !transitions.is_empty())
        || rule.expiration.as_ref().is_some_and(|expiration| expiration.date.is_some());
    if beyond {
        return Err(s3_error!(NotImplemented, "the sandbox has no such rules of a lifecycle"));
    }
    let noncurrent = rule.noncurrent_version_expiration.unwrap_or_default();
    Ok(Rule {
        id: rule.id,
        enabled: rule.status.as_str() == ExpirationStatus::ENABLED,
        prefix: filter.prefix.or(rule.prefix).unwrap_or_default(),
        expire_days: rule.expiration.and_then(|expiration| expiration.days),
        noncurrent_days: noncurrent.noncurrent_days,
        keep_noncurrent: noncurrent.newer_noncurrent_versions,
        abort_days: rule.abort_incomplete_multipart_upload.and_then(|abort| abort.days_after_initiation),
    })
}

fn written(rule: Rule) -> LifecycleRule {
    let status = if rule.enabled { ExpirationStatus::ENABLED } else { ExpirationStatus::DISABLED };
    LifecycleRule {
        id: rule.id,
        status: ExpirationStatus::from_static(status),
        filter: Some(LifecycleRuleFilter { prefix: Some(rule.prefix), ..Default::default() }),
        expiration: rule.expire_days.map(|days| LifecycleExpiration { days: Some(days), ..Default::default() }),
        noncurrent_version_expiration: rule.noncurrent_days.map(|days| NoncurrentVersionExpiration {
            noncurrent_days: Some(days),
            newer_noncurrent_versions: rule.keep_noncurrent,
        }),
        abort_incomplete_multipart_upload: rule
            .abort_days
            .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) }),
        noncurrent_version_transitions: None,
        prefix: None,
        transitions: None,
    }
}
