//! What is read of a checkpoint is what the kinds themselves write: on simulated services, with the real engine.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sprocket_core::program::{Password, Secret, Stack};
use sprocket_core::testing::world;
use sprocket_docker::{Data, Docker, SwarmSecret, SwarmSecretSpec};
use sprocket_vault::{KvData, KvSecret, KvSecretSpec, Vault, VaultMount};

use super::*;

fn program(stack: &mut Stack) {
    stack.connect(Docker::at("tcp://127.0.0.1:1"));
    stack.connect(Vault::at("http://127.0.0.1:1"));
    stack.add(SwarmSecret::new("text", "hunter2\n"));
    stack.add(SwarmSecret::new("bytes", vec![0xff_u8, 0x00, 0x7f]));
    stack.add(Password::new("drawn").length(20));
    let kv = stack.add(VaultMount::kv2("kv"));
    stack.add(KvSecret::new("app", &kv).field("user", "ann").field("password", "hunter2"));
}

/// What is there: the services show none of it.
fn made(world: &mut sprocket_core::testing::World) {
    for name in ["text-1a2b3c4", "bytes-1a2b3c4"] {
        let spec = SwarmSecretSpec { data: Secret::new(Data::default()), labels: BTreeMap::new() };
        world.put::<SwarmSecret>(name, spec);
    }
    let (mount, data) = ("kv".to_owned(), Secret::new(KvData::new()));
    world.put::<KvSecret>("kv/app", KvSecretSpec { mount, data, labels: BTreeMap::new(), max_versions: 0 });
}

fn secret(plaintext: &Value) -> Value {
    json!({
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": plaintext.to_string(),
    })
}

/// A checkpoint in which these are in clear.
fn checkpoint(text: &str, bytes: &str, drawn: &str, fields: &str) -> Checkpoint {
    let entry = |token: &str, name: &str, id: &str, inputs: Value| {
        let urn = format!("urn:pulumi:a::b::{token}::{name}");
        json!({ "urn": urn, "custom": true, "type": token, "id": id, "inputs": inputs })
    };
    let docker = "docker:index/secret:Secret";
    let resources = [
        entry(docker, "text", "text-1a2b3c4", json!({ "name": "text-1a2b3c4", "data": secret(&Value::from(text)) })),
        entry(
            docker,
            "bytes",
            "bytes-1a2b3c4",
            json!({ "name": "bytes-1a2b3c4", "data": secret(&Value::from(bytes)) }),
        ),
        entry(
            "random:index/randomPassword:RandomPassword",
            "drawn",
            "none",
            json!({ "result": secret(&Value::from(drawn)) }),
        ),
        entry(
            "vault:kv/secretV2:SecretV2",
            "app",
            "kv/data/app",
            json!({ "mount": "kv", "name": "app", "dataJson": secret(&Value::from(fields)) }),
        ),
    ];
    let whole = json!({ "version": 3, "deployment": { "resources": resources } });
    Checkpoint::read(whole.to_string().as_bytes()).unwrap()
}

/// The plan that follows, but for the mount, which is not there.
fn follows(checkpoint: &Checkpoint, wishes: &Wishes) -> String {
    let mut world = world();
    made(&mut world);
    let (engine, stack) = (world.engine(), world.stack(program));
    let wanted = stack.resources().map(|declared| Wanted::from(&declared)).collect();
    let adoption = Adoption::of(checkpoint, wanted, &Recorded::default(), wishes).unwrap();
    let survey = world.block_on(engine.survey(&stack, adoption.imports)).unwrap();
    let steps = survey.plan.steps.iter().filter(|step| step.address.as_str() != "vault:mount/kv");
    steps.map(ToString::to_string).collect()
}

#[test]
fn what_is_in_clear_is_what_the_program_gives_or_not() {
    let clear = checkpoint("aHVudGVyMgo=", "/wB/", "drawn-by-pulumi-20ch", r#"{"password":"hunter2","user":"ann"}"#);
    assert_snapshot!(follows(&clear, &Wishes::default()), @"");
    let other = checkpoint("aHVudGVyMg==", "/wB+", "19-is-not-20-chars!", r#"{"password":"hunter2"}"#);
    assert_snapshot!(follows(&other, &Wishes::default()), @"
    ± docker:secret/text (named at apply)  (a new one takes its place)
        data: (secret) → (secret)  (needs a new one)
    - docker:secret/text `text-1a2b3c4`  (replaced)
    ± docker:secret/bytes (named at apply)  (a new one takes its place)
        data: (secret) → (secret)  (needs a new one)
    - docker:secret/bytes `bytes-1a2b3c4`  (replaced)
    ± random:password/drawn  (a new one takes its place)
        length: 19 → 20  (needs a new one)
    - random:password/drawn  (replaced)
    ~ vault:kv/app `kv/app`
        data: (secret) → (secret)
    ");
    // What can't be read so is as if nobody had said it.
    let unread = checkpoint("no base64", "", "drawn-by-pulumi-20ch", r#"{"password":3}"#);
    assert_snapshot!(follows(&unread, &Wishes::default()), @"
    ± docker:secret/text (named at apply)  (a new one takes its place)
        data: (secret) → (secret)  (needs a new one)
    - docker:secret/text `text-1a2b3c4`  (replaced)
    ± docker:secret/bytes (named at apply)  (a new one takes its place)
        data: (secret) → (secret)  (needs a new one)
    - docker:secret/bytes `bytes-1a2b3c4`  (replaced)
    ~ vault:kv/app `kv/app`
        data: (secret) → (secret)
    ");
}

#[test]
fn what_a_person_says_is_read_as_the_kind_writes_it() {
    let unread = checkpoint("no base64", "", "", "no JSON");
    let files = [
        ("docker:secret/text", &b"hunter2\n"[..]),
        ("docker:secret/bytes", &[0xff, 0x00, 0x7f]),
        ("random:password/drawn", b"drawn-by-pulumi-20ch\n"),
        ("vault:kv/app", b"{\"user\": \"ann\",\n \"password\": \"hunter2\"}\n"),
    ];
    let secrets = files.map(|(address, bytes)| (Address::from(address), Secret::new(bytes.to_vec())));
    let word = super::super::Word { secrets: secrets.into(), same: Vec::new() };
    assert_snapshot!(follows(&unread, &Wishes { word, ..Wishes::default() }), @"");
    let same = ["docker:secret/text", "docker:secret/bytes", "vault:kv/app"].map(Address::from).to_vec();
    let word = super::super::Word { same, ..super::super::Word::default() };
    assert_snapshot!(follows(&unread, &Wishes { word, ..Wishes::default() }), @"
    + random:password/drawn
        length: 20
    ");
    let check = |address: &str, bytes: &[u8]| {
        let secrets = [(Address::from(address), Secret::new(bytes.to_vec()))].into();
        let wishes = Wishes { word: super::super::Word { secrets, same: Vec::new() }, ..Wishes::default() };
        adoption(&unread, &[address.split('=').next().unwrap()], &wishes).err().unwrap_or_default().join("; ")
    };
    assert_snapshot!(check("docker:secret/text", b""), @"`docker:secret/text`: the file is empty");
    assert_snapshot!(check("random:password/drawn", b"\n"), @"`random:password/drawn`: the file is empty");
    assert_snapshot!(check("random:password/drawn", b"\xff"), @"`random:password/drawn`: the file is not text");
}
