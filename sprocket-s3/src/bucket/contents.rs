//! What is in a bucket: counted before it is deleted, and deleted only where the program says so by name.
//!
//! Some servers delete a bucket with all that is in it. So it is looked at first.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use sprocket_core::kind::ProviderError;

use crate::client::Client;
use crate::error::S3Error;

/// What is in a bucket, as far as one look shows: at most a thousand.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    found: Vec<(String, Option<String>)>,
    objects: usize,
    older: usize,
    markers: usize,
    more: bool,
}

impl Contents {
    /// Looks; all of a bucket that has gone is nothing.
    pub(crate) async fn of(client: &Client, bucket: &str) -> Result<Self, S3Error> {
        let what = format!("look what is in bucket `{bucket}`");
        let listed = client.sdk.list_object_versions().bucket(bucket).send().await.map_err(client.failed(&what));
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) if error.is_not_found() => return Ok(Self::default()),
            Err(error) if error.is_not_implemented() => return Self::unversioned(client, bucket, &what).await,
            Err(error) => return Err(error),
        };
        let mut contents = Self { more: listed.is_truncated() == Some(true), ..Self::default() };
        for version in listed.versions() {
            if version.is_latest() == Some(false) {
                contents.older += 1;
            } else {
                contents.objects += 1;
            }
            contents.found.extend(version.key().map(|key| (key.to_owned(), version.version_id().map(Into::into))));
        }
        for marker in listed.delete_markers() {
            contents.markers += 1;
            contents.found.extend(marker.key().map(|key| (key.to_owned(), marker.version_id().map(Into::into))));
        }
        Ok(contents)
    }

    async fn unversioned(client: &Client, bucket: &str, what: &str) -> Result<Self, S3Error> {
        let listed = client.sdk.list_objects_v2().bucket(bucket).send().await.map_err(client.failed(what))?;
        let keys = listed.contents().iter().filter_map(|object| Some((object.key()?.to_owned(), None)));
        let found: Vec<_> = keys.collect();
        Ok(Self { objects: found.len(), found, more: listed.is_truncated() == Some(true), ..Self::default() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// For people: `2 objects and 1 older version`.
    pub(crate) fn describe(&self) -> String {
        let many = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let parts =
            [many(self.objects, "object"), many(self.older, "older version"), many(self.markers, "delete marker")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        let text = match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => parts.join(", "),
        };
        if self.more { format!("more than {text}") } else { text }
    }
}

/// Deletes all that is in a bucket: objects, versions, delete markers, uploads.
pub(crate) async fn empty(client: &Client, bucket: &str) -> Result<(), S3Error> {
    loop {
        let contents = Contents::of(client, bucket).await?;
        if contents.is_empty() {
            break;
        }
        let objects = contents.found.into_iter().map(|(key, version)| {
            ObjectIdentifier::builder().key(key).set_version_id(version).build().expect("BUG: it has a key")
        });
        let delete = Delete::builder().set_objects(Some(objects.collect())).quiet(true).build();
        let what = format!("delete what is in bucket `{bucket}`");
        let delete = delete.expect("BUG: there are objects");
        let deleted = client.sdk.delete_objects().bucket(bucket).delete(delete).send().await;
        let deleted = deleted.map_err(client.failed(&what))?;
        if let Some(error) = deleted.errors().first() {
            return Err(S3Error::not_deleted(what, error));
        }
    }
    let what = format!("list the uploads in bucket `{bucket}`");
    let uploads = client.sdk.list_multipart_uploads().bucket(bucket).send().await.map_err(client.failed(what));
    let uploads = match uploads {
        Ok(uploads) => uploads,
        Err(error) if error.is_not_found() || error.is_not_implemented() => return Ok(()),
        Err(error) => return Err(error),
    };
    for upload in uploads.uploads() {
        let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
        let aborted = client.sdk.abort_multipart_upload().bucket(bucket).key(key).upload_id(id).send().await;
        match aborted.map_err(client.failed(format!("give up an upload in bucket `{bucket}`"))) {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
