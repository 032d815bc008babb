//! The buckets: what is too large for a database.

use sprocket::prelude::*;
use sprocket::s3::{Lifecycle, S3, S3Credentials};

use crate::site::Site;

/// What the applications use of them.
#[derive(Debug)]
pub struct Buckets {
    pub replays: Bucket,
    pub image_generation: Bucket,
}

pub fn buckets(stack: &mut Stack, site: &Site) -> Buckets {
    let keys = S3Credentials::keys(site.s3.access_key.expose(), site.s3.secret_key.clone());
    stack.connect(S3::at(site.s3.endpoint()).region(site.s3.region.as_str()).credentials(keys));
    let bucket = |what: &str| Bucket::new(format!("sprocket-{what}{}-1", site.name));
    // What belongs to none of the others.
    stack.add(bucket("").lifecycle(Lifecycle::all().abort_uploads_days(3_u32)));
    Buckets {
        // A match is played once: what is overwritten or deleted can be had back for a month.
        replays: stack.add(
            bucket("replays-")
                .versioned()
                .lifecycle(Lifecycle::all().expire_noncurrent_days(30_u32).abort_uploads_days(3_u32)),
        ),
        // Made again when it is asked for again.
        image_generation: stack.add(bucket("image-gen-").lifecycle(Lifecycle::all().abort_uploads_days(3_u32))),
    }
}
