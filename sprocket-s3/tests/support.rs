//! The servers that tests run against, names of a test's own, and a hand that changes things behind the engine's back.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use sprocket_core::program::{Secret, Stack};
use sprocket_s3::{S3, S3Credentials, S3Draft};
use sprocket_sandbox::{S3_KEY, S3_SECRET, Sandbox};
use tokio::runtime::Runtime;

/// Whether tests run against the real server too, and those that wait for leases or write much at all; says so where they
/// don't.
pub(crate) fn is_live() -> bool {
    let is_set = std::env::var_os("SPROCKET_LIVE").is_some();
    if !is_set {
        println!("skipped: set SPROCKET_LIVE to run it against the S3 server of `scripts/services up s3`");
    }
    is_set
}

/// Where the real server is.
pub(crate) fn endpoint() -> String {
    std::env::var("SPROCKET_S3_ENDPOINT").unwrap_or_else(|_| "http://127.0.0.1:18333".into())
}

/// The real server, with a key.
pub(crate) fn with_key(id: &str, secret: &str) -> S3Draft {
    S3::at(endpoint()).credentials(S3Credentials::keys(id, Secret::new(secret.to_owned())))
}

/// Runs a test in a sandbox of its own, and on the real server if `SPROCKET_LIVE` is set: the same code for both.
pub(crate) fn each(test: impl Fn(Hand)) {
    insta::allow_duplicates! {
        test(Hand::sandbox());
        if is_live() {
            test(Hand::live());
        }
    }
}

/// Buckets of one test's own, which are removed with it, and the SDK as another client would use it.
pub(crate) struct Hand {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) key: (&'static str, &'static str),
    client: Client,
    runtime: Runtime,
    _sandbox: Option<Sandbox>,
}

static HANDS: AtomicU32 = AtomicU32::new(0);

impl Hand {
    fn sandbox() -> Self {
        let sandbox = Sandbox::in_memory().unwrap();
        let endpoint = format!("http://{}", sandbox.addresses().s3);
        Self::at(endpoint, (S3_KEY, S3_SECRET), Some(sandbox))
    }

    /// On the real server.
    pub(crate) fn live() -> Self {
        Self::at(endpoint(), ("sprocket-test", "sprocket-test-secret"), None)
    }

    fn at(endpoint: String, key: (&'static str, &'static str), sandbox: Option<Sandbox>) -> Self {
        let name = format!("t{}-{}x", std::process::id(), HANDS.fetch_add(1, Ordering::Relaxed));
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(Credentials::new(key.0, key.1, None, None, "tests"))
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { name, endpoint, key, client: Client::from_conf(config), runtime, _sandbox: sandbox }
    }

    /// What the provider signs with.
    pub(crate) fn keys(&self) -> S3Credentials {
        S3Credentials::keys(self.key.0, Secret::new(self.key.1.to_owned()))
    }

    /// The provider.
    pub(crate) fn s3(&self) -> S3Draft {
        S3::at(self.endpoint.as_str()).credentials(self.keys())
    }

    pub(crate) fn connected<'s>(&self, stack: &'s mut Stack) -> &'s mut Stack {
        stack.connect(self.s3());
        stack
    }

    /// What it does with the SDK.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(&Client) -> T) -> T {
        self.runtime.block_on(work(&self.client))
    }

    /// The test's buckets.
    pub(crate) fn buckets(&self) -> Vec<String> {
        let listed = self.run(async |client| client.list_buckets().send().await.unwrap());
        let names = listed.buckets().iter().filter_map(|bucket| bucket.name());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(&self.name)).map(str::to_owned).collect();
        names.sort();
        names
    }

    pub(crate) fn make(&self, bucket: &str) {
        self.run(async |client| client.create_bucket().bucket(bucket).send().await.unwrap());
    }

    pub(crate) fn put(&self, bucket: &str, key: &str, body: &str) {
        let body = ByteStream::from(body.as_bytes().to_vec());
        self.run(async |client| client.put_object().bucket(bucket).key(key).body(body).send().await.unwrap());
    }

    /// The keys that begin so.
    pub(crate) fn keys_in(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let listed =
            self.run(async |client| client.list_objects_v2().bucket(bucket).prefix(prefix).send().await.unwrap());
        listed.contents().iter().filter_map(|object| object.key()).map(str::to_owned).collect()
    }

    pub(crate) fn delete(&self, bucket: &str, key: &str) {
        self.run(async |client| client.delete_object().bucket(bucket).key(key).send().await.unwrap());
    }

    /// Removes the test's buckets with what is in them.
    pub(crate) fn remove(&self) {
        for bucket in self.buckets() {
            self.run(async |client| {
                let listed = client.list_object_versions().bucket(&bucket).send().await.unwrap();
                let versions = listed.versions().iter().map(|version| (version.key(), version.version_id()));
                let markers = listed.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
                for (key, version) in versions.chain(markers) {
                    let delete = client.delete_object().bucket(&bucket).key(key.unwrap());
                    delete.set_version_id(version.map(Into::into)).send().await.unwrap();
                }
                client.delete_bucket().bucket(&bucket).send().await.unwrap();
            });
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.remove();
    }
}
