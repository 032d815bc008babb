//! What people read when a Vault does not do what they want.

use insta::assert_snapshot;
use sprocket_core::engine::Goal;
use sprocket_core::program::{Secret, Stack};
use sprocket_core::testing::World;
use sprocket_vault::{KvSecret, Vault, VaultMount, VaultPolicy};

use crate::support::{Bao, free_port, servers};

/// Why a program can't be planned.
fn refusal(program: impl Fn(&mut Stack)) -> String {
    match World::of_real_services().try_plan(program, Goal::Declared) {
        Ok(plan) => plan.to_string(),
        Err(refused) => format!("{}\nhint: {}", refused, refused.hint().unwrap_or_default()),
    }
}

/// The same, with the server's address as it would be.
fn plain(bao: &Bao, text: &str) -> String {
    text.replace(&bao.address, "http://VAULT")
}

#[test]
fn a_server_that_does_not_answer() {
    let port = free_port();
    let text = refusal(|stack| {
        stack.connect(Vault::at(format!("http://127.0.0.1:{port}")).credentials(Secret::new("t".to_owned())));
        stack.add(VaultMount::kv2("apps"));
    });
    assert_snapshot!(text.replace(&port.to_string(), "PORT"), @"
    problem: `vault`: serves nothing, and nothing in this plan opens it: could not connect to the Vault at http://127.0.0.1:PORT: Connection refused (os error 111)  (sprocket-vault/tests/messages.rs:28)
      hint: does it run, and is this its address? `curl http://127.0.0.1:PORT/v1/sys/seal-status` asks the same
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn a_wrong_token_a_weak_one_and_none() {
    servers().iter().for_each(|bao| insta::allow_duplicates!(a_wrong_token_a_weak_one_and_none_on(bao)));
}

fn a_wrong_token_a_weak_one_and_none_on(bao: &Bao) {
    let with = |token: &str| {
        let token = Secret::new(token.to_owned());
        let program = |stack: &mut Stack| {
            stack.connect(Vault::at(bao.address.as_str()).credentials(token.clone()));
            stack.add(VaultMount::kv2("apps"));
        };
        refusal(program)
    };
    assert_snapshot!(plain(bao, &with("s.hunter2hunter2hunter2")), @"
    could not reach `vault`: the Vault at http://VAULT does not accept the token
    hint: it has expired, was revoked, or is another server's: `VAULT_TOKEN=… vault token lookup` asks the same
    ");
    let weak = bao.must("POST", "auth/token/create", r#"{"policies": ["default"]}"#);
    assert_snapshot!(plain(bao, &with(weak["auth"]["client_token"].as_str().unwrap())), @"
    could not read vault:mount from `vault`: could not list mounts: permission denied
    hint: no policy of the token allows it; `vault token capabilities PATH` says what it may
    ");
}

#[test]
fn a_server_that_is_sealed() {
    servers().iter().for_each(|bao| insta::allow_duplicates!(a_server_that_is_sealed_on(bao)));
}

fn a_server_that_is_sealed_on(bao: &Bao) {
    bao.must("POST", "sys/seal", "");
    let text = refusal(|stack| {
        stack.connect(Vault::at(bao.address.as_str()).credentials(Secret::new(bao.token.clone())));
        stack.add(VaultMount::kv2("apps"));
    });
    assert_snapshot!(plain(bao, &text), @"
    problem: `vault`: serves nothing, and nothing in this plan opens it: the Vault at http://VAULT is sealed  (sprocket-vault/tests/messages.rs:71)
      hint: unseal it, or declare its bootstrap in the program, which unseals it from custody
    1 problem: nothing can be applied until it is solved.
    ");
}

#[test]
fn what_is_there_already() {
    servers().iter().for_each(|bao| insta::allow_duplicates!(what_is_there_already_on(bao)));
}

fn what_is_there_already_on(bao: &Bao) {
    bao.must("POST", "sys/mounts/apps", r#"{"type": "kv", "options": {"version": "2"}}"#);
    bao.must("POST", "apps/data/core", r#"{"data": {"a": "b"}}"#);
    bao.must("POST", "sys/policies/acl/core", r#"{"policy": "path \"a\" { capabilities = [\"read\"] }"}"#);
    let text = refusal(|stack| {
        stack.connect(Vault::at(bao.address.as_str()).credentials(Secret::new(bao.token.clone())));
        let apps = stack.add(VaultMount::kv2("apps"));
        stack.add(KvSecret::new("core", &apps).field("a", "b"));
        stack.add(VaultPolicy::new("core", "path \"a\" {}"));
    });
    let accessor = bao.must("GET", "sys/mounts/apps", "")["data"]["accessor"].as_str().unwrap().to_owned();
    assert_snapshot!(text.replace(&accessor, "ACCESSOR"), @"
    problem: `vault:mount/apps`: an object named `apps` exists already, and this stack does not own it  (sprocket-vault/tests/messages.rs:92)
      hint: take it over with `.adopt()` or `import vault:mount/apps ACCESSOR`
    problem: `vault:kv/core`: an object named `apps/core` exists already, and this stack does not own it  (sprocket-vault/tests/messages.rs:93)
      hint: take it over with `.adopt()` or `import vault:kv/core apps/core`
    problem: `vault:policy/core`: an object named `core` exists already, and this stack does not own it  (sprocket-vault/tests/messages.rs:94)
      hint: take it over with `.adopt()` or `import vault:policy/core core`
    3 problems: nothing can be applied until they are solved.
    ");
}

#[test]
fn settings_that_can_not_work() {
    let mut stack = Stack::new();
    stack.connect(Vault::at("vault:8200"));
    stack.add(VaultPolicy::new("Core", "path \"a\" {}"));
    assert_snapshot!(stack.check().unwrap_err(), @"
    `vault`: `vault:8200` is not a Vault's address: expected `https://HOST:PORT` or `http://HOST:PORT`  (sprocket-vault/tests/messages.rs:111)
    `vault:policy/Core`: the name of a policy is lower case, and `Core` is not  (sprocket-vault/tests/messages.rs:112)
    ");
    let mut world = sprocket_core::testing::world();
    let plan = world.plan(|stack| {
        stack.connect(Vault::at("http://vault:8200"));
        let apps = stack.add(VaultMount::new("apps", "kv").description("for applications"));
        stack.add(KvSecret::new("core", &apps).label("sprocket.record", "x"));
        stack.add(VaultPolicy::new("core", "{}"));
    });
    assert_snapshot!(plan, @"
    + vault:mount/apps
        description: for applications
        engine:      kv
    + vault:kv/core `apps/core`
        data:   (secret)
        labels: {sprocket.record: x}
        mount:  apps
    + vault:policy/core
        text: {}
    warning: `vault:kv/core`: it has no fields  (sprocket-vault/tests/messages.rs:121)
    problem: `vault:mount/apps`: a mount of type `kv` needs its option `version`: `1` or `2`  (sprocket-vault/tests/messages.rs:120)
    problem: `vault:kv/core`: `sprocket.record`: names that begin with `sprocket.` are Sprocket's own  (sprocket-vault/tests/messages.rs:121)
    problem: `vault:policy/core`: its first line is the mark, a comment, which JSON has not: write it in HCL  (sprocket-vault/tests/messages.rs:122)
    3 problems: nothing can be applied until they are solved.
    ");
}
