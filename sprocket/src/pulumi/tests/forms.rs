//! The form of a checkpoint: what is refused, with its place, and that nothing makes the loader fall over.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::checkpoint::{Said, Secrecy};
use super::*;

fn read(whole: &Value) -> Result<Checkpoint, String> {
    Checkpoint::read(whole.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn of(entry: &Value) -> Value {
    json!({ "version": 3, "deployment": { "resources": [entry] } })
}

/// A whole entry, with these fields.
fn entry(fields: &Value) -> Value {
    let mut entry = json!({ "urn": "urn:pulumi:a::b::docker:index/network:Network::c", "custom": true, "id": "d",
        "type": "docker:index/network:Network" });
    entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    entry
}

fn secret(fields: &Value) -> Value {
    let mut secret = json!({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" });
    secret.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    secret
}

#[test]
fn what_is_broken_is_told_with_its_place_and_without_what_is_there() {
    let bytes = |bytes: &[u8], expect: &str| {
        assert_eq!(Checkpoint::read(bytes).err().map(|error| error.to_string()).as_deref(), Some(expect));
    };
    bytes(b"", "it is not JSON, from line 1, column 0");
    bytes(b"{\"version\": 3,\n\"a\": hunter2}", "it is not JSON, from line 2, column 6");
    bytes(b"\xff\xfe{}", "it is not JSON, from line 1, column 1");
    bytes(&[b'['; 1000], "it is not JSON, from line 1, column 128");

    let check = |whole: Value, expect: &str| assert_eq!(read(&whole).err().as_deref(), Some(expect), "{whole}");
    check(json!([]), "`it` is not an object");
    check(json!({}), "it is of version none, and version 3 is read");
    check(json!({ "version": 1, "latest": {} }), "it is of version 1, and version 3 is read");
    check(json!({ "version": 4, "deployment": {} }), "it is of version 4, and version 3 is read");
    check(json!({ "version": "hunter2" }), "it is of version none, and version 3 is read");
    check(json!({ "version": 3 }), "`deployment` is not an object");
    check(json!({ "version": 3, "checkpoint": {} }), "`checkpoint.latest` is not an object");
    check(json!({ "version": 3, "deployment": { "resources": {} } }), "`deployment.resources` is not a list");
    check(of(&json!("hunter2")), "`deployment.resources[0]` is not an object");
    check(of(&json!({})), "`deployment.resources[0].urn` is not text");
    check(of(&json!({ "urn": "hunter2" })), "`deployment.resources[0].urn` is not a URN of Pulumi");
    check(of(&entry(&json!({ "type": null }))), "`deployment.resources[0].type` is not text");
    check(of(&entry(&json!({ "id": 3 }))), "`deployment.resources[0].id` is not text");
    check(of(&entry(&json!({ "delete": "yes" }))), "`deployment.resources[0].delete` is neither true nor false");
    check(of(&entry(&json!({ "inputs": [] }))), "`deployment.resources[0].inputs` is not an object");
    check(of(&entry(&json!({ "dependencies": [3] }))), "`deployment.resources[0].dependencies[0]` is not text");
    check(
        of(&entry(&json!({ "propertyDependencies": { "a": [{}] } }))),
        "`deployment.resources[0].propertyDependencies.a[0]` is not text",
    );
    check(
        of(&entry(&json!({ "inputs": { "a": [secret(&json!({ "plaintext": "hunter2" }))] } }))),
        "`deployment.resources[0].inputs.a[0].plaintext` is not JSON, as Pulumi writes it",
    );
    check(
        of(&entry(&json!({ "outputs": { "a": secret(&json!({})) } }))),
        "`deployment.resources[0].outputs.a` is a secret without ciphertext and plaintext",
    );
    check(
        json!({ "version": 3, "deployment": { "pending_operations": [{ "type": "creating" }] } }),
        "`deployment.pending_operations[0].resource.urn` is not text",
    );
}

#[test]
fn an_export_and_a_file_of_a_backend_are_the_same() {
    let resources = json!([entry(&json!({}))]);
    let export = read(&json!({ "version": 3, "deployment": { "resources": resources } })).unwrap();
    let file =
        read(&json!({ "version": 3, "checkpoint": { "stack": "a", "latest": { "resources": resources } } })).unwrap();
    assert_eq!(
        (export.entries.len(), export.entries[0].urn.clone()),
        (file.entries.len(), file.entries[0].urn.clone())
    );
    assert_eq!(read(&json!({ "version": 3, "deployment": {} })).unwrap().entries.len(), 0);
}

#[test]
fn a_value_is_clear_or_sealed_wherever_the_wrapper_is() {
    let check = |fields: Value, expect: Option<&str>| {
        let checkpoint = read(&of(&entry(&fields))).unwrap();
        let told = checkpoint.entries[0].said("data").map(|said| match said {
            Said::Clear(value) => value.expose().to_string(),
            Said::Sealed => "sealed".to_owned(),
        });
        assert_eq!(told.as_deref(), expect, "{fields}");
    };
    let (sealed, clear) = (secret(&json!({ "ciphertext": "x" })), secret(&json!({ "plaintext": "\"hunter2\"" })));
    check(json!({}), None);
    check(json!({ "inputs": { "data": null } }), None);
    check(json!({ "inputs": { "data": "plain" } }), Some("\"plain\""));
    check(json!({ "inputs": { "data": sealed } }), Some("sealed"));
    check(json!({ "inputs": { "data": clear } }), Some("\"hunter2\""));
    check(json!({ "inputs": sealed }), Some("sealed"));
    check(json!({ "inputs": secret(&json!({ "plaintext": "{\"data\":\"a\"}" })) }), Some("\"a\""));
    check(json!({ "inputs": secret(&json!({ "plaintext": "{}" })) }), None);
    // What the provider answered counts first.
    check(json!({ "inputs": { "data": "given" }, "outputs": { "data": "answered" } }), Some("\"answered\""));
    // Another signature is a value as any other.
    check(
        json!({ "inputs": { "data": { "4dabf18193072939515e22adb298388d": "asset" } } }),
        Some("{\"4dabf18193072939515e22adb298388d\":\"asset\"}"),
    );
}

#[test]
fn what_was_secret_of_a_setting_is_known() {
    let check = |inputs: Value, expect: Secrecy| {
        let checkpoint = read(&of(&entry(&json!({ "inputs": inputs })))).unwrap();
        assert_eq!(checkpoint.entries[0].secrecy(&["taskSpec", "env"]), expect, "{inputs}");
    };
    let sealed = secret(&json!({ "ciphertext": "x" }));
    let keys = |keys: &[&str]| Secrecy::Keys(keys.iter().map(|key| (*key).to_owned()).collect());
    check(json!({}), keys(&[]));
    check(json!({ "taskSpec": { "env": { "A": "a", "B": "b" } } }), keys(&[]));
    check(json!({ "taskSpec": { "env": { "A": sealed, "B": "b" } } }), keys(&["A"]));
    check(json!({ "taskSpec": { "env": [{ "value": sealed }] } }), Secrecy::Whole);
    check(json!({ "taskSpec": { "env": sealed } }), Secrecy::Whole);
    check(json!({ "taskSpec": sealed }), Secrecy::Whole);
    check(sealed.clone(), Secrecy::Whole);
}

/// All that is done with a checkpoint before a service is asked.
fn use_up(bytes: &[u8]) {
    let Ok(checkpoint) = Checkpoint::read(bytes) else { return };
    let declared = [
        "docker:service/press",
        "docker:network/orchard",
        "docker:secret/seal",
        "random:password/keg",
        "vault:kv/label",
    ];
    let Ok(adoption) = adoption(&checkpoint, &declared, &Wishes::default()) else { return };
    let report = Report::of("it", &checkpoint, &adoption, &found(&adoption, &[])).to_string();
    assert!(!report.contains("hunter2"), "{report}");
}

fn json_value() -> impl Strategy<Value = Value> {
    const WORDS: &[&str] =
        &["", "word", "urn:pulumi:a::b::c::d", "none", "docker:index/service:Service", "-1234567", "\"a\"", "é::"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(WORDS).prop_map(Value::from),
        Just(secret(&json!({ "ciphertext": "x" }))),
        Just(secret(&json!({ "plaintext": "{\"data\":[]}" }))),
        Just(secret(&json!({ "plaintext": 3 }))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let key = proptest::sample::select(&["name", "data", "result", "path", "__defaults", "urn", "plaintext"][..]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(key.prop_map(str::to_owned), inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The paths of all values in it.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), into));
        }
        Value::Object(map) => {
            let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
            map.iter().for_each(|(key, item)| places(item, &format!("{at}/{}", escaped(key)), into));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..ODD.len()) {
        use_up(&bytes);
        use_up(&ODD.as_bytes()[..cut]);
        use_up(&[&ODD.as_bytes()[..cut], &bytes[..], &ODD.as_bytes()[cut..]].concat());
    }

    #[test]
    fn no_json_makes_it_fall_over(
        place in any::<proptest::sample::Index>(),
        other in any::<proptest::sample::Index>(),
        values in [json_value(), json_value()],
    ) {
        let mut whole: Value = serde_json::from_str(ODD).unwrap();
        for (place, value) in [place, other].iter().zip(values) {
            let mut all = Vec::new();
            places(&whole, "", &mut all);
            let place: &String = place.get(&all);
            *whole.pointer_mut(place).unwrap() = value;
        }
        use_up(whole.to_string().as_bytes());
    }
}
