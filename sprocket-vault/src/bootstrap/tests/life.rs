//! A Vault's life: made from nothing, left alone, sealed and unsealed, given up.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use sprocket_core::engine::Goal;
use sprocket_core::program::{Secret, Stack};
use sprocket_core::testing::{Crash, World, leaks};
use sprocket_sandbox::Fault;

use super::support::Bao;
use super::{Place, declare, passphrase};
use crate::bootstrap::{Bootstrap, init};
use crate::custody::Custody;
use crate::{Vault, VaultMount};

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn a_vault_is_made_sealed_unsealed_and_given_up() {
    let Some(mut place) = Place::live() else { return };
    let mut world = World::of_real_services();
    let plan = world.plan(place.program());
    assert_snapshot!(place.plain(&plan.to_string()), @r#"
    + vault:init/vault
        shares:    3
        threshold: 2
    + vault:share/vault-1
        fingerprint: (known after vault:init/vault)
        number:      1
    + vault:share/vault-2
        fingerprint: (known after vault:init/vault)
        number:      2
    + vault:share/vault-3
        fingerprint: (known after vault:init/vault)
        number:      3
    + vault:unseal/vault
    + vault:access/vault
    + vault:root-revoked/vault
    + vault:mount/apps
        engine:         kv
        engine_options: {version: 2}
    + random:password/redis
    + vault:kv/core `apps/core`
        data:  (known after random:password/redis)
        mount: apps
    + vault:policy/core
        text: path "apps/data/core" { capabilities = ["read"] }⏎
    warning: `vault:init/vault`: all 3 shares are kept in one place: this split protects against loss, not theft  (sprocket-vault/src/bootstrap/tests/mod.rs:74)
    11 to create.
    "#);
    assert!(!place.custody().exists(), "a plan writes nothing");
    world.apply(place.program());

    // Three times more: nothing is planned, nothing is written.
    let before = files(&place.custody());
    for _ in 0..3 {
        let plan = world.plan(place.program());
        assert!(plan.is_empty() && plan.problems.is_empty(), "{plan}");
        assert_eq!(world.apply(place.program()).steps.len(), 0);
    }
    assert_eq!(files(&place.custody()), before);

    // A restart seals it: that is drift, and an apply unseals it.
    place.restart();
    assert_snapshot!(place.plain(&world.plan(place.program()).to_string()), @"
    ~ vault:unseal/vault  (changed by somebody else)
        sealed: true → false
    … 3 resources of `vault` are read after `vault:unseal/vault`
    1 to update, 7 unchanged, 3 to read later.
    ");
    world.apply(place.program());
    let plan = world.plan(place.program());
    assert!(plan.is_empty() && plan.problems.is_empty(), "{plan}");

    // Who gives it up gets its custody put aside, and never a second Vault by accident.
    let report = world.run(place.program(), Goal::Destroyed { include_kept: true }).unwrap().unwrap();
    assert!(report.succeeded(), "{report:#?}");
    assert!(place.custody().join("retired/1/key.json").exists());
    let refused = world.try_plan(place.program(), Goal::Declared).unwrap_err();
    assert_snapshot!(place.plain(&format!("{refused}\n{}", refused.hint().unwrap())), @"
    could not read vault:init from `vault-server/vault`: the Vault at http://VAULT is initialised, and FOLDER/custody has no keys of it
    bring its custody back; or, if it is somebody else's, leave the bootstrap out and connect to it with a token of theirs. Nothing was changed
    ");
    place.empty();
    world.apply(place.program());
}

#[test]
fn the_same_in_the_sandbox() {
    let (bao, folder) = (Bao::new_sandbox(), tempfile::tempdir().unwrap());
    let custody = folder.path().join("custody");
    let program = |stack: &mut Stack| declare(stack, &bao.address, &custody);
    let mut world = World::of_real_services();
    world.apply(program);
    let nothing_to_do = |world: &mut World| {
        let plan = world.plan(program);
        assert!(plan.is_empty() && plan.problems.is_empty(), "{plan}");
    };
    nothing_to_do(&mut world);
    let token = world.block_on(crate::custody::Keeper::folder(custody.to_str().unwrap(), &passphrase()).token());
    bao.must_as(&token.unwrap().unwrap().token, "POST", "sys/seal", "");
    assert_eq!(world.plan(program).steps.len(), 1);
    world.apply(program);
    nothing_to_do(&mut world);

    // An answer that is lost after its effect: in a world of its own, which then is the one that nobody can open.
    let (bao, folder) = (Bao::new_sandbox(), tempfile::tempdir().unwrap());
    bao.faults().next("vault", "POST /v1/sys/init", Fault::LoseAnswer);
    let program = |stack: &mut Stack| declare(stack, &bao.address, folder.path());
    let mut world = World::of_real_services();
    assert!(!world.try_apply(program).unwrap().succeeded());
    let refused = world.try_plan(program, Goal::Declared).unwrap_err();
    assert!(refused.to_string().contains("its keys never arrived"), "{refused}");
}

#[test]
fn a_stack_can_have_two_vaults() {
    let (one, other, folder) = (Bao::new_sandbox(), Bao::new_sandbox(), tempfile::tempdir().unwrap());
    let program = |stack: &mut Stack| {
        for (name, bao) in [("one", &one), ("other", &other)] {
            let custody = Custody::folder(folder.path().join(name).to_str().unwrap(), passphrase());
            let opened = Bootstrap::new(name, &*bao.address, &custody).shares(1, 1).on(stack);
            let vault = stack.connect(Vault::at(&opened.address).credentials(&opened).named(name));
            stack.on(&vault).add(VaultMount::kv2(format!("{name}-apps")));
        }
    };
    let mut world = World::of_real_services();
    world.apply(program);
    let plan = world.plan(program);
    assert!(plan.is_empty() && plan.problems.is_empty(), "{plan}");
}

#[test]
fn no_share_and_no_token_is_in_any_artefact() {
    let Some(place) = Place::live() else { return };
    let mut world = World::of_real_services();
    let keeper = place.keeper();
    let mut shown = vec![world.plan(place.program()).to_string()];
    // Only while the root token lives can this test know it: the run is killed as soon as custody has the answer.
    while world.block_on(keeper.answer()).unwrap().is_none() {
        world.crash_at(2, Crash::After);
        assert!(world.run(place.program(), Goal::Declared).unwrap().is_none(), "the run is killed");
    }
    let (intent, answer) = world.block_on(async { (keeper.intent().await.unwrap(), keeper.answer().await.unwrap()) });
    let (intent, answer) = (intent.unwrap(), answer.unwrap());
    let mut secrets: Vec<String> = vec![passphrase().expose().clone()];
    secrets.extend(init::root(&intent, &answer).map(|root: Secret<String>| root.expose().clone()));
    secrets.extend((1..=3).filter_map(|number| init::share(&intent, &answer, number)).map(|s| s.expose().clone()));
    secrets.extend(intent.keys.clone());
    assert_eq!(secrets.len(), 1 + 1 + 3 + 4, "the run was killed at the wrong moment");

    let report = world.apply(place.program());
    secrets.push(world.block_on(keeper.token()).unwrap().unwrap().token);
    shown.push(format!("{report:#?}"));
    shown.push(world.plan(place.program()).to_string());
    shown.push(format!("{:?}", world.events()));
    shown.push(serde_json::to_string(&world.snapshot().unwrap()).unwrap());
    for text in &shown {
        assert_eq!(leaks(text, &secrets), Vec::<String>::new(), "{text}");
    }
    for (path, content) in files(&place.custody()) {
        assert_eq!(leaks(&content, &secrets), Vec::<String>::new(), "{path}");
    }
    let answer = world.block_on(keeper.answer()).unwrap().unwrap();
    assert!(answer.root.is_none() && answer.shares.is_empty(), "the ciphertext has gone");
}
