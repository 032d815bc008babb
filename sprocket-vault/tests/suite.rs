//! The engine's own suite for kinds, on the sandbox and on a real server: lives, drift, lost answers, kills at every boundary of the journal.
//! After each of them, plan again: nothing to do; in the end, nothing is left.

use serde_json::json;
use sprocket_core::kind::OwnerTag;
use sprocket_core::program::{DraftExt as _, Secret, Stack};
use sprocket_core::testing::{KindSuite, Variant, World};
use sprocket_vault::{KvSecret, Vault, VaultMount, VaultPolicy};

use crate::support::{Bao, servers};

fn connected<'s>(stack: &'s mut Stack, bao: &Bao) -> &'s mut Stack {
    stack.connect(Vault::at(bao.address.as_str()).credentials(Secret::new(bao.token.clone())));
    stack
}

#[test]
fn mounts() {
    servers().iter().for_each(mounts_on);
}

fn mounts_on(bao: &Bao) {
    KindSuite {
        address: "vault:mount/apps",
        program: Box::new(|stack, variant| {
            let stack = connected(stack, bao);
            let apps = || VaultMount::kv2("apps").description("for applications");
            match variant {
                Variant::First | Variant::Replaced => stack.add(apps()),
                Variant::Updated => stack.add(apps().description("for services")),
                Variant::Moved => {
                    stack.add(VaultMount::kv2("moved").description("for applications").moved_from("apps").named("apps"))
                }
            };
        }),
        inventory: Box::new(|| bao.keys("GET", "sys/mounts")),
        drift: Some(Box::new(|| {
            bao.must("POST", "sys/mounts/apps/tune", r#"{"description": "by hand"}"#);
        })),
        remove: Some(Box::new(|| {
            bao.must("DELETE", "sys/mounts/apps", "");
        })),
        updates: true,
        replaces: false,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

const READ: &str = "path \"apps/data/core\" {\n  capabilities = [\"read\"]\n}\n";
const LIST: &str = "path \"apps/metadata/*\" { capabilities = [\"list\"] }";

#[test]
fn policies() {
    servers().iter().for_each(policies_on);
}

fn policies_on(bao: &Bao) {
    KindSuite {
        address: "vault:policy/core",
        program: Box::new(|stack, variant| {
            let stack = connected(stack, bao);
            match variant {
                Variant::First | Variant::Replaced => stack.add(VaultPolicy::new("core", READ)),
                Variant::Updated => stack.add(VaultPolicy::new("core", LIST)),
                Variant::Moved => stack.add(VaultPolicy::new("moved", READ).moved_from("core").named("core")),
            };
        }),
        inventory: Box::new(|| bao.keys("LIST", "sys/policies/acl")),
        drift: Some(Box::new(|| {
            let body = json!({ "policy": format!("# by hand\n{LIST}") });
            bao.must("POST", "sys/policies/acl/core", &body.to_string());
        })),
        remove: Some(Box::new(|| {
            bao.must("DELETE", "sys/policies/acl/core", "");
        })),
        updates: true,
        replaces: false,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

#[test]
fn secrets() {
    servers().iter().for_each(secrets_on);
}

fn secrets_on(bao: &Bao) {
    bao.must("POST", "sys/mounts/other", r#"{"type": "kv", "options": {"version": "2"}}"#);
    bao.must("POST", "sys/mounts/apps", r#"{"type": "kv", "options": {"version": "2"}}"#);
    KindSuite {
        address: "vault:kv/core/redis",
        program: Box::new(|stack, variant| {
            let stack = connected(stack, bao);
            // Mounts that are there already: this is about what is in them.
            let apps = stack.add(VaultMount::kv2("apps").adopt().keep_on_delete());
            let other = stack.add(VaultMount::kv2("other").adopt().keep_on_delete());
            let redis = |name| KvSecret::new(name, &apps).field("password", "hunter2").label("team", "core");
            match variant {
                Variant::First => stack.add(redis("core/redis")),
                Variant::Updated => stack.add(redis("core/redis").field("user", "core").max_versions(3_u64)),
                Variant::Replaced => stack.add(KvSecret::new("core/redis", &other).field("password", "hunter2")),
                Variant::Moved => stack.add(redis("moved").moved_from("vault:kv/core/redis").named("apps/core/redis")),
            };
        }),
        inventory: Box::new(|| {
            let inside = |mount: &str| bao.keys("LIST", &format!("{mount}/metadata/core"));
            inside("apps").into_iter().chain(inside("other")).collect()
        }),
        drift: Some(Box::new(|| {
            bao.must("POST", "apps/data/core/redis", r#"{"data": {"password": "by hand"}}"#);
        })),
        remove: Some(Box::new(|| {
            bao.must("DELETE", "apps/metadata/core/redis", "");
        })),
        updates: true,
        replaces: true,
        marked: true,
        kills: None,
        drops: false,
    }
    .run();
}

/// A kill between the two calls of a create leaves a mark without a version; the next run has another record for it.
#[test]
fn a_secret_that_was_marked_and_not_written_is_written_by_the_next_run() {
    servers().iter().for_each(marked_and_not_written_on);
}

fn marked_and_not_written_on(bao: &Bao) {
    let mount = |stack: &mut Stack| drop(connected(stack, bao).add(VaultMount::kv2("left")));
    let program = |stack: &mut Stack| {
        let mount = connected(stack, bao).add(VaultMount::kv2("left"));
        stack.add(KvSecret::new("core", &mount).field("password", Secret::new("hunter2".to_owned())));
    };
    let mut world = World::of_real_services();
    world.apply(mount);
    let left_by = |owner: OwnerTag| {
        let owner = json!({ "sprocket.lineage": owner.lineage, "sprocket.record": owner.record });
        bao.must("POST", "left/metadata/core", &json!({ "custom_metadata": owner }).to_string());
    };
    let own = world.owner_tag("vault:kv", &"gone".into());
    left_by(OwnerTag { lineage: "another".into(), ..own.clone() });
    assert!(!world.try_apply(program).unwrap().succeeded(), "it is another stack's");
    left_by(own);
    world.apply(program);
    assert!(world.plan(program).is_empty());
    world.destroy(program);
}

/// A secret keeps its versions when the program gives it another address.
#[test]
fn a_secret_with_three_versions_moves_into_a_scope() {
    servers().iter().for_each(moved_into_a_scope_on);
}

fn moved_into_a_scope_on(bao: &Bao) {
    let outside = |value: &'static str| {
        move |stack: &mut Stack| {
            let mount = connected(stack, bao).add(VaultMount::kv2("moving"));
            stack.add(KvSecret::new("core", &mount).field("k", value));
        }
    };
    let inside = |moved: bool| {
        move |stack: &mut Stack| {
            let mount = connected(stack, bao).add(VaultMount::kv2("moving"));
            stack.scope("shop", |stack| {
                let secret = KvSecret::new("core", &mount).field("k", "three");
                stack.add(if moved { secret.moved_from("vault:kv/core") } else { secret });
            });
        }
    };
    let versions = || {
        let metadata = bao.ask("GET", "moving/metadata/core", "").unwrap();
        metadata["data"]["versions"].as_object().map_or(0, serde_json::Map::len)
    };
    let mut world = World::of_real_services();
    ["one", "two", "three"].into_iter().for_each(|value| drop(world.apply(outside(value))));
    assert_eq!(versions(), 3);
    // Without `.moved_from` the same path would be deleted and created in one run.
    let plan = world.plan(inside(false));
    let problem = plan.problems.first().unwrap_or_else(|| panic!("no problem: {plan}"));
    assert!(problem.hint.as_ref().is_some_and(|hint| hint.contains("moved_from(\"vault:kv/core\")")), "{problem:?}");
    assert!(world.try_apply(inside(false)).is_err());
    assert_eq!(versions(), 3);
    world.apply(inside(true));
    assert_eq!(versions(), 3);
    assert!(world.plan(inside(true)).is_empty());
    world.destroy(inside(true));
}

#[test]
fn what_no_suite_asks_is_answered_by_the_sandbox_with_501_and_its_name() {
    let answer = Bao::sandbox().ask("GET", "sys/leases", "").unwrap_err();
    assert!(answer.starts_with("HTTP/1.0 501"), "{answer}");
    assert!(answer.ends_with(r#"{"errors":["the sandbox has no `GET /v1/sys/leases`"]}"#), "{answer}");
}
