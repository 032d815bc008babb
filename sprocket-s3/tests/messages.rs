//! What people read when something is wrong with a server, its keys or its buckets.

use sprocket_core::engine::Goal;
use sprocket_core::kind::Effect;
use sprocket_core::program::{DraftExt as _, Stack};
use sprocket_core::testing::World;
use sprocket_s3::{Bucket, S3, S3Credentials, S3Draft};

use crate::fake::{Fake, Fate, error};
use crate::support::{is_live, with_key};

/// What a plan of one bucket says through this provider, and its hint. Ports differ from run to run.
fn refusal(provider: S3Draft) -> String {
    let world = World::of_real_services();
    let engine = world.engine();
    let program = |stack: &mut Stack| {
        stack.connect(provider.clone());
        stack.add(Bucket::new("replays"));
    };
    let stack = world.stack(program);
    let refused = world.block_on(engine.plan(&stack, Goal::Declared)).expect_err("it can't be planned");
    let mut text = refused.to_string();
    let mut source = std::error::Error::source(&refused);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    format!("{text}\nhint: {}", refused.hint().unwrap_or_default())
}

/// At a server that gives these answers to a key that it knows.
fn answered(mut rule: impl FnMut(&str) -> Fate + Send + 'static) -> String {
    let fake = Fake::new(move |request| rule(request.path()));
    let provider = S3::at(fake.endpoint.as_str());
    let told = refusal(provider.credentials(S3Credentials::keys("key", "secret".to_owned())));
    told.replace(&fake.endpoint, "ENDPOINT").replace(fake.endpoint.trim_start_matches("http://"), "ENDPOINT")
}

const BUCKETS: &str =
    "<?xml version=\"1.0\"?><ListAllMyBucketsResult><Owner><ID>me</ID></Owner><Buckets/></ListAllMyBucketsResult>";

#[test]
fn a_server_that_is_not_there() {
    let keys = S3Credentials::keys("key", "secret".to_owned());
    insta::assert_snapshot!(refusal(S3::at("http://127.0.0.1:1").credentials(keys)), @"
    could not reach `s3`: could not connect to S3 at http://127.0.0.1:1: Connection refused (os error 111)
    hint: is the endpoint right, and its server running?
    ");
}

#[test]
fn a_key_that_the_server_does_not_take() {
    if !is_live() {
        return;
    }
    insta::assert_snapshot!(refusal(with_key("nobody", "secret")), @"
    could not reach `s3`: could not list the account's buckets, which says whose it is: InvalidAccessKeyId: The access key ID you provided does not exist in our records
    hint: the server knows no such access key: is it the one for this endpoint?
    ");
    insta::assert_snapshot!(refusal(with_key("sprocket-test", "wrong")), @"
    could not reach `s3`: could not list the account's buckets, which says whose it is: SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your key and signing method
    hint: the secret does not belong to the access key, or a proxy rewrites requests
    ");
}

#[test]
fn a_key_without_the_right() {
    if !is_live() {
        return;
    }
    let mut world = World::of_real_services();
    let program = |stack: &mut Stack| {
        stack.connect(with_key("sprocket-other", "sprocket-other-secret"));
        stack.add(Bucket::new("not-for-others"));
    };
    let report = world.run(program, Goal::Declared).unwrap().unwrap();
    let failures = report.failures().map(|(_, failure)| {
        assert_eq!(failure.effect, Effect::None);
        format!("{}\nhint: {}", failure.message, failure.hint.as_deref().unwrap_or_default())
    });
    insta::assert_snapshot!(failures.collect::<Vec<_>>().join("\n"), @"
    could not create bucket `not-for-others`: AccessDenied
    hint: the access key is known, and may not do this: give it the right to
    ");
}

#[test]
fn a_bucket_of_another_account() {
    let told = answered(|path| match path {
        path if path.contains("tagging") => error(403, "AccessDenied", "Access Denied"),
        _ => Fate::Answer(200, BUCKETS.into()),
    });
    insta::assert_snapshot!(told, @"
    could not read s3:bucket from `s3`: the name `replays` is taken: the bucket belongs to another account
    hint: names of buckets are shared by all accounts of a service: choose another with `.named(…)`
    ");
    // Some say so only when one is made.
    let fake = Fake::new(|request| match request.path() {
        path if path.contains("tagging") => error(404, "NoSuchBucket", ""),
        path if path.starts_with("/replays") && request.is("PUT") => {
            error(409, "BucketAlreadyExists", "The requested bucket name is not available.")
        }
        path if path.starts_with("/replays") => error(403, "AccessDenied", "Access Denied"),
        _ => Fate::Answer(200, BUCKETS.into()),
    });
    let mut world = World::of_real_services();
    let program = |stack: &mut Stack| {
        let keys = S3Credentials::keys("key", "secret".to_owned());
        stack.connect(S3::at(fake.endpoint.as_str()).credentials(keys));
        stack.add(Bucket::new("replays"));
    };
    let report = world.run(program, Goal::Declared).unwrap().unwrap();
    let failures = report
        .failures()
        .map(|(_, failure)| format!("{}\nhint: {}", failure.message, failure.hint.as_deref().unwrap_or_default()));
    insta::assert_snapshot!(failures.collect::<Vec<_>>().join("\n"), @"
    the name `replays` is taken: the bucket belongs to another account
    hint: names of buckets are shared by all accounts of a service: choose another with `.named(…)`
    ");
}

#[test]
fn a_bucket_in_another_region() {
    let told = answered(|path| match path {
        path if path.contains("tagging") => error(301, "PermanentRedirect", "The bucket is elsewhere"),
        _ => Fate::Answer(200, BUCKETS.into()),
    });
    insta::assert_snapshot!(told, @"
    could not read s3:bucket from `s3`: bucket `replays` is not in this region
    hint: connect to the region that it is in
    ");
}

#[test]
fn what_is_no_s3_server() {
    insta::assert_snapshot!(answered(|_| Fate::Answer(200, "<html>Welcome</html>".into())), @"
    could not reach `s3`: could not list the account's buckets, which says whose it is: its answer can't be read (status 200)
    hint: nothing was changed, and nothing was dropped from state
    ");
    insta::assert_snapshot!(answered(|_| Fate::Answer(404, "<html>Nothing here</html>".into())), @"
    could not reach `s3`: could not list the account's buckets, which says whose it is: status 404
    hint: nothing was changed, and nothing was dropped from state
    ");
}

#[test]
fn a_server_that_does_not_keep_a_setting() {
    if !is_live() {
        return;
    }
    // It takes versioning, and forgets it.
    let fake = Fake::before(&crate::support::endpoint(), |request| match request.path() {
        path if path.contains("versioning") && request.is("PUT") => Fate::Answer(200, String::new()),
        _ => Fate::Through,
    });
    let name = format!("t{}-forgets", std::process::id());
    let keys = || S3Credentials::keys("sprocket-test", "sprocket-test-secret".to_owned());
    let program = |stack: &mut Stack| {
        stack.connect(S3::at(fake.endpoint.as_str()).credentials(keys()));
        stack.add(Bucket::new(&name).versioned().time_limit(std::time::Duration::from_secs(2)));
    };
    let mut world = World::of_real_services();
    let report = world.run(program, Goal::Declared).unwrap().unwrap();
    let failures = report
        .failures()
        .map(|(_, failure)| format!("{}\nhint: {}", failure.message, failure.hint.as_deref().unwrap_or_default()));
    insta::assert_snapshot!(failures.collect::<Vec<_>>().join("\n").replace(&name, "BUCKET"), @"
    bucket `BUCKET` does not keep its versioning: the server took what it was sent, and shows something else
    hint: does this server have them? leave out what it has not
    ");
    fake.set(|_| Fate::Through);
    world.apply(program);
    world.run(program, Goal::Destroyed { include_kept: true }).unwrap().unwrap();
}
