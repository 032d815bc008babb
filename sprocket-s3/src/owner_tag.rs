//! Ownership marks: two tags, `sprocket.lineage` and `sprocket.record`, on every bucket.
//!
//! They never show among a spec's tags. Tags can be changed at any time, so a bucket that is taken over is marked as well.
//!
//! **Invariant:** tags that begin with `sprocket.` are this crate's; settings that have one are refused when planned.

use std::collections::BTreeMap;

use aws_sdk_s3::types::Tag;
use sprocket_core::kind::{Diagnostics, OwnerTag};

/// How many tags a bucket can have, less those of the mark.
const MOST: usize = 50 - 2;

/// The tags that a bucket is sent with: those of its spec, and its mark.
pub(crate) fn tags(own: &BTreeMap<String, String>, owner: &OwnerTag) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("BUG: a tag has a key and a value");
    owner.beside::<Vec<_>>(own).into_iter().map(tag).collect()
}

/// Refuses tags that only this crate may set, and what S3 refuses.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-tagging.html>
pub(crate) fn validate(tags: &BTreeMap<String, String>, findings: &mut Diagnostics) {
    for (key, value) in tags {
        if key.starts_with(OwnerTag::PREFIX) {
            let message = format!("the tag `{key}` is not free: `{}…` says whose a bucket is", OwnerTag::PREFIX);
            findings.errors.push(message.into());
        } else if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            findings
                .errors
                .push(format!("the tag `{key}`: a key has 1 to 128 characters, and a value at most 256").into());
        } else if key.starts_with("aws:") {
            findings.errors.push(format!("the tag `{key}` is not free: `aws:…` is for AWS").into());
        }
    }
    if tags.len() > MOST {
        let message = format!("a bucket has at most {MOST} tags beside its mark, and this one has {}", tags.len());
        findings.errors.push(message.into());
    }
}

#[cfg(test)]
mod tests {
    use sprocket_core::kind::Entries;

    use super::*;

    #[test]
    fn a_mark_is_written_beside_the_tags_and_never_shows_among_them() {
        let own = BTreeMap::from([("team".to_owned(), "platform".to_owned())]);
        let owner = OwnerTag { lineage: "l1".into(), record: "r1".into() };
        let sent = tags(&own, &owner).into_iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
        assert_eq!(Entries::of(sent), Entries { own, owner: Some(owner), ..Entries::default() });
    }
}
