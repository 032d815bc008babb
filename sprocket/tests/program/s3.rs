//! A state in a bucket, as the machines that share it see it: in the sandbox's S3 and, when `SPROCKET_LIVE` is set, on the server
//! of `scripts/services up s3`.
#![cfg(feature = "s3")]

use std::process::Command;

use insta::assert_snapshot;
use sprocket::Exit;
use sprocket::core::kind::Entropy;
use sprocket::core::program::{Password, Secret, Stack};
use sprocket::core::state::{Holder, Lock, StateStore as _, generate_identity};
use sprocket::s3::{Bucket, S3, S3Credentials, S3Store, StateLocation};
use sprocket_sandbox::{S3_KEY, S3_SECRET, Sandbox};

use super::kit::{Place, Thing};

/// A server with a bucket for states, which is removed with it.
struct Server {
    endpoint: String,
    key: (&'static str, &'static str),
    bucket: String,
    /// Who can open the stack's key.
    identity: Secret<String>,
    /// Made the bucket, by a program of its own.
    operator: Place,
}

impl Server {
    fn each(test: impl Fn(&Self)) {
        insta::allow_duplicates! {
            let sandbox = Sandbox::in_memory().unwrap();
            test(&Self::at(format!("http://{}", sandbox.addresses().s3), (S3_KEY, S3_SECRET)));
            if std::env::var_os("SPROCKET_LIVE").is_none() {
                println!("skipped: set SPROCKET_LIVE to run it against the S3 server of `scripts/services up s3` too");
                return;
            }
            let endpoint = std::env::var("SPROCKET_S3_ENDPOINT");
            let endpoint = endpoint.unwrap_or_else(|_| "http://127.0.0.1:18333".into());
            test(&Self::at(endpoint, ("sprocket-test", "sprocket-test-secret")));
        }
    }

    fn at(endpoint: String, key: (&'static str, &'static str)) -> Self {
        let bucket = format!("states-{}", Entropy::system().id());
        let operator = Place::new("operator", "default = 'local'\n[local]\n");
        let server = Self { endpoint, key, bucket, identity: generate_identity(), operator };
        assert_eq!(server.operate("--yes"), Exit::Done);
        server
    }

    /// What an operator does about the bucket.
    fn operate(&self, args: &str) -> Exit {
        let (exit, ..) = self.operator.start(args, |stack: &mut Stack, (): &()| {
            let keys = S3Credentials::keys(self.key.0, self.key.1.to_owned());
            stack.connect(S3::at(self.endpoint.as_str()).credentials(keys));
            stack.add(Bucket::new(&self.bucket).empty_on_delete());
        });
        exit
    }

    fn location(&self) -> String {
        format!("s3://{}/team?endpoint={}", self.bucket, self.endpoint)
    }

    /// A machine with a checkout of the program that has this shelf, an access key, and the identity.
    fn machine(&self, shelf: &'static str) -> Place {
        let place = Place::new(shelf, &format!("default = 'shared'\n[shared]\nstate = '{}'\n", self.location()));
        std::fs::write(place.folder.path().join("identity.txt"), self.identity.expose()).unwrap();
        with_key(place.with("SPROCKET_IDENTITY_FILE", "identity.txt"), self.key)
    }

    /// The lock of the state, as a run on another machine holds it.
    async fn lock(&self) -> Box<dyn Lock> {
        let place = self.location().parse::<StateLocation>().unwrap().within("pantry/shared");
        let keys = S3Credentials::keys(self.key.0, self.key.1.to_owned());
        let holder = Holder {
            id: "3f9a".into(),
            who: "eve@far, process 12".into(),
            command: "apply".into(),
            since: "2026-01-01T10:00:00Z".parse().unwrap(),
        };
        S3Store::open(&place, &keys).await.unwrap().lock(&holder).await.unwrap()
    }

    /// Runs the program there; what it prints, without what differs from run to run.
    fn run(&self, place: &Place, args: &str, declare: impl FnOnce(&mut Stack)) -> String {
        place.run(args, declare).replace(&self.bucket, "BUCKET").replace(&self.endpoint, "ENDPOINT")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let exit = self.operate("destroy --yes --include-kept --confirm pantry");
        assert!(exit == Exit::Done || std::thread::panicking(), "the bucket is left behind");
    }
}

fn with_key(place: Place, (id, secret): (&str, &str)) -> Place {
    place.with("AWS_ACCESS_KEY_ID", id).with("AWS_SECRET_ACCESS_KEY", secret)
}

fn pantry(stack: &mut Stack) {
    let password = stack.add(Password::new("door"));
    stack.add(Thing::new("jar").text("plums").lock(&password.value));
}

#[test]
fn one_machine_goes_on_where_another_left_off() {
    Server::each(|server| {
        let (ann, bob) = (server.machine("shared"), server.machine("shared"));
        assert!(server.run(&ann, "plan --detailed-exit-code", pantry).ends_with("exit 2"));
        assert_snapshot!(server.run(&bob, "state list", pantry), @"
        Nothing is recorded of pantry/shared yet.
        exit 0
        ");
        // A run began on a machine that was then switched off.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _lock = runtime.block_on(server.lock());
        assert_snapshot!(server.run(&ann, "apply --yes", pantry), @"
        pantry/shared of sprocket.toml
        ! the state is locked by eve@far, process 12 since 2026-01-01T10:00:00Z (`apply`): this plan may change until that has ended
        + random:password/door
        + shelf:thing/jar
            lock: (known after random:password/door)
            text: plums
        2 to create.
        error: the state is locked by eve@far, process 12 since 2026-01-01T10:00:00Z (`apply`)
          hint: wait until it has ended; if eve@far, process 12 is gone for good, break its lock: `state unlock 3f9a`
        exit 4
        ");
        assert_eq!(ann.things(), Vec::<String>::new());
        assert_snapshot!(server.run(&ann, "state unlock 3f9a", pantry), @"
        The lock `3f9a` is broken.
        exit 0
        ");
        assert_snapshot!(server.run(&ann, "apply --yes", pantry), @"
        pantry/shared of sprocket.toml
        + random:password/door
        + shelf:thing/jar
            lock: (known after random:password/door)
            text: plums
        2 to create.
        … create random:password/door
        ✓ random:password/door created [1/2]
        … create shelf:thing/jar
        ✓ shelf:thing/jar created [2/2]
        2 created.
        Verified: 1 check passed.
        exit 0
        ");
        assert_snapshot!(server.run(&bob, "state list", pantry), @"
        Not checked, as no key is asked for here: whoever can write the state may have written this.
        random:password/door  `door`
        shelf:thing/jar  `jar`
        2 resources in s3://BUCKET/team/pantry/shared at ENDPOINT, serial 6.
        exit 0
        ");
        assert_snapshot!(server.run(&bob, "apply --yes", pantry), @"
        pantry/shared of sprocket.toml
        Nothing to do: 2 resources are as declared.
        Verified: 1 check passed.
        exit 0
        ");
        assert_snapshot!(server.run(&bob, "destroy --yes", pantry), @"
        pantry/shared of sprocket.toml
        - random:password/door
        - shelf:thing/jar
        2 to delete.
        … delete shelf:thing/jar
        ✓ shelf:thing/jar deleted [1/2]
        … delete random:password/door
        ✓ random:password/door deleted [2/2]
        2 deleted.
        exit 0
        ");
        assert_eq!(ann.things(), Vec::<String>::new());
        assert_snapshot!(server.run(&ann, "state list", pantry), @"
        Not checked, as no key is asked for here: whoever can write the state may have written this.
        0 resources in s3://BUCKET/team/pantry/shared at ENDPOINT, serial 10.
        exit 0
        ");
    });
}

/// What is said where the state is at this server, and then, where a bucket is.
fn refused(endpoint: &str, key: Option<(&str, &str)>) -> String {
    let file = format!("[shared]\nstate = 's3://states/team?endpoint={endpoint}'\n[local]\n");
    let place = Place::new("refused", &file).with("SPROCKET_PASSPHRASE", "opens nothing");
    let place = if let Some(key) = key { with_key(place, key) } else { place };
    let state = place.run("plan --env shared", pantry);
    let provider = place.run("plan --env local", |stack| {
        let s3 = S3::at(endpoint);
        stack.connect(match key {
            Some((id, secret)) => s3.credentials(S3Credentials::keys(id, secret.to_owned())),
            None => s3,
        });
        stack.add(Bucket::new("states"));
    });
    format!("{state}\n{provider}").replace(endpoint, "ENDPOINT")
}

#[test]
fn a_server_that_can_not_be_used_is_told_with_a_way_out() {
    let sandbox = Sandbox::in_memory().unwrap();
    let endpoint = format!("http://{}", sandbox.addresses().s3);
    assert_snapshot!(refused(&endpoint, Some(("nobody", S3_SECRET))), @"
    pantry/shared of sprocket.toml
    error: could not read the lock of the state in s3://states/team/pantry/shared at ENDPOINT: could not read `team/pantry/shared/lock.json` in bucket `states`: InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records
      hint: the server knows no such access key: is it the one for this endpoint?
    exit 1
    pantry/local of sprocket.toml
    error: could not reach `s3`: could not list the account's buckets, which says whose it is: InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records
      hint: the server knows no such access key: is it the one for this endpoint?
    exit 1
    ");
    assert_snapshot!(refused(&endpoint, Some((S3_KEY, "wrong"))), @"
    pantry/shared of sprocket.toml
    error: could not read the lock of the state in s3://states/team/pantry/shared at ENDPOINT: could not read `team/pantry/shared/lock.json` in bucket `states`: SignatureDoesNotMatch (status 403)
      hint: the secret does not belong to the access key, or a proxy rewrites requests
    exit 1
    pantry/local of sprocket.toml
    error: could not reach `s3`: could not list the account's buckets, which says whose it is: SignatureDoesNotMatch (status 403)
      hint: the secret does not belong to the access key, or a proxy rewrites requests
    exit 1
    ");
    assert_snapshot!(refused(&endpoint, Some((S3_KEY, S3_SECRET))), @"
    pantry/shared of sprocket.toml
    error: could not read the lock of the state in s3://states/team/pantry/shared at ENDPOINT: could not read `team/pantry/shared/lock.json` in bucket `states`: NoSuchBucket: The specified bucket does not exist
      hint: a state is kept outside of the stack that it is about: make the bucket by another way, once
    exit 1
    pantry/local of sprocket.toml
    + s3:bucket/states
    1 to create.
    exit 0
    ");
}

/// Credentials are looked for in the process, too: this one runs in a process that has none.
#[test]
fn without_credentials_the_ways_to_give_them_are_told() {
    const BARE: &str = "S3_BARE_PROCESS";
    if std::env::var_os(BARE).is_some() {
        eprintln!("{BARE}{}{BARE}", refused("http://127.0.0.1:1", None));
        return;
    }
    let test = "s3::without_credentials_the_ways_to_give_them_are_told";
    let bare = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env(BARE, "1")
        // Nobody is asked over the network for the role of this machine.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let told = String::from_utf8(bare.stderr).unwrap();
    assert_snapshot!(told.split(BARE).nth(1).unwrap_or(&told), @"
    error: could not open the state in s3://states/team/pantry/shared at ENDPOINT: there are no credentials for S3 at ENDPOINT: the environment has none, there is no profile of the AWS tools, and this machine has no role
      hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a provider can be given its own with `.credentials(S3Credentials::keys(…))`
    exit 1
    pantry/local of sprocket.toml
    error: could not reach `s3`: there are no credentials for S3 at ENDPOINT: the environment has none, there is no profile of the AWS tools, and this machine has no role
      hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a provider can be given its own with `.credentials(S3Credentials::keys(…))`
    exit 1
    ");
}
