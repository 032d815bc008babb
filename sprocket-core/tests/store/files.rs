//! What lies in the folder, and who may read it.

use std::fs;

use insta::assert_snapshot;
use sprocket_core::program::Secret;
use sprocket_core::state::KeySource;
use sprocket_core::state::{FileStore, Snapshot, StateStore, StoreError};

use crate::world::{World, holder, note, signer};

#[tokio::test]
async fn loading_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join(".sprocket/shop/local"));
    assert_eq!(store.load().await.unwrap(), None);
    assert_eq!(store.holder().await.unwrap(), None);
    assert!(store.own_key().await.unwrap().is_none());
    assert!(matches!(store.unlock("x").await, Err(StoreError::NoSuchLock { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn everything_is_for_its_owner_only_and_out_of_version_control() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let world = |env: &str| FileStore::new(folder.path().join(".sprocket/shop").join(env));
    for env in ["local", "production"] {
        let store = world(env);
        store.make_own_key().await.unwrap();
        let lock = store.lock(&holder("ann")).await.unwrap();
        let mut snapshot = Snapshot::new("ours".into());
        lock.compact(&snapshot, &signer()).await.unwrap();
        snapshot.take(note("one"));
        lock.compact(&snapshot, &signer()).await.unwrap();
        lock.append(&[note("two")], &signer()).await.unwrap();
    }
    let mut modes = Vec::new();
    let mut folders = vec![folder.path().join(".sprocket")];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            modes.push(format!("{} {mode:o}", path.strip_prefix(folder.path()).unwrap().display()));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    modes.sort();
    assert_snapshot!(modes.join("\n"), @r"
    .sprocket/.gitignore 600
    .sprocket/shop 700
    .sprocket/shop/local 700
    .sprocket/shop/local/history 700
    .sprocket/shop/local/history/000001-serial-0.json 600
    .sprocket/shop/local/journal 600
    .sprocket/shop/local/key.txt 600
    .sprocket/shop/local/lock 600
    .sprocket/shop/local/state.json 600
    .sprocket/shop/production 700
    .sprocket/shop/production/history 700
    .sprocket/shop/production/history/000001-serial-0.json 600
    .sprocket/shop/production/journal 600
    .sprocket/shop/production/key.txt 600
    .sprocket/shop/production/lock 600
    .sprocket/shop/production/state.json 600
    ");
    assert_eq!(fs::read_to_string(folder.path().join(".sprocket/.gitignore")).unwrap(), "*\n");
}

#[tokio::test]
async fn the_last_generations_are_kept() {
    let mut world = World::begun().await;
    let store = world.store().keep(3);
    let lock = store.lock(&holder("ann")).await.unwrap();
    lock.compact(&Snapshot::new("another".into()), &signer()).await.unwrap();
    lock.compact(&world.expected, &signer()).await.unwrap();
    fs::write(world.file("history/000000 why.txt"), "notes of a person").unwrap();
    for _ in 0..6 {
        world.append(&*lock, &[note("next")]).await.unwrap();
        lock.compact(&world.expected, &signer()).await.unwrap();
        lock.compact(&world.expected, &signer()).await.unwrap();
    }
    let mut names: Vec<_> = fs::read_dir(world.file("history"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["000000 why.txt", "000006-serial-3.json", "000007-serial-4.json", "000008-serial-5.json"],
        "one for each state that was replaced, and nothing else is touched"
    );
}

#[tokio::test]
async fn a_snapshot_can_be_read_by_a_person() {
    let mut world = World::begun().await;
    let lock = world.lock().await;
    let record = serde_json::from_value(serde_json::json!({
        "address": "docker:network/edge",
        "event": { "done": { "record": { "id": "3f9a", "provider": "docker", "object": {
            "generation": 1, "name": "edge", "id": "id-1", "version": 1,
            "applied": { "driver": "overlay", "labels": { "tier": "edge" } }, "state": { "id": "id-1" }, "ready": true,
        } } } },
    }));
    world.append(&*lock, &[record.unwrap()]).await.unwrap();
    lock.compact(&world.expected, &signer()).await.unwrap();
    assert_snapshot!(String::from_utf8(world.read("state.json")).unwrap(), @r#"
    {
      "format": 1,
      "lineage": "ours",
      "serial": 1,
      "key": null,
      "providers": {},
      "records": {
        "docker:network/edge": {
          "id": "3f9a",
          "provider": "docker",
          "object": {
            "generation": 1,
            "name": "edge",
            "id": "id-1",
            "version": 1,
            "applied": {"driver":"overlay","labels":{"tier":"edge"}},
            "state": {"id":"id-1"},
            "ready": true
          }
        }
      },
      "outputs": {},
      "pending": {},
      "mac": "47104864cafb0705050410a129782761"
    }
    "#);
}

#[tokio::test]
async fn a_lock_whose_file_was_deleted_is_lost() {
    let mut world = World::begun().await;
    let lock = world.lock().await;
    world.append(&*lock, &[note("before")]).await.unwrap();
    fs::remove_file(world.file("lock")).unwrap();
    assert!(matches!(lock.append(&[note("after")], &signer()).await, Err(StoreError::LockLost)));
    assert!(matches!(lock.compact(&world.expected, &signer()).await, Err(StoreError::LockLost)));
    drop(lock);
    world.is_well().await;
}

#[tokio::test]
async fn the_stacks_own_key_is_made_once() {
    let world = World::begun().await;
    let (first, second) =
        tokio::join!(async { world.store().make_own_key().await }, async { world.store().make_own_key().await });
    let (first, second) = (first.unwrap(), second.unwrap());
    let stack_key = sprocket_core::state::StackKey::from_bytes([7; 64]);
    let protected = first.protect(&stack_key, &"ours".into()).unwrap();
    assert_eq!(second.open(&protected, &"ours".into()).unwrap(), stack_key);
    assert_eq!(world.store().own_key().await.unwrap().unwrap().open(&protected, &"ours".into()).unwrap(), stack_key);
    let text = String::from_utf8(world.read("key.txt")).unwrap();
    assert!(text.starts_with("# ") && text.contains("\nAGE-SECRET-KEY-1"), "{text}");
    assert_eq!(KeySource::identity(Secret::new(text), "a copy").open(&protected, &"ours".into()).unwrap(), stack_key);
}

#[tokio::test]
async fn an_append_writes_its_entries_and_nothing_else() {
    let mut world = World::begun().await;
    let lock = world.lock().await;
    let mut lengths = Vec::new();
    for _ in 0..300 {
        world.append(&*lock, &[note("short")]).await.unwrap();
        lengths.push(world.read("journal").len());
    }
    let last = lengths[299] - lengths[298];
    assert!(last <= lengths[0] + 2, "the first had {} bytes, the last {last}", lengths[0]);
}

#[tokio::test]
async fn the_stacks_own_key_stays_as_it_is_when_it_is_asked_for_again() {
    let world = World::begun().await;
    world.store().make_own_key().await.unwrap();
    let key = world.read("key.txt");
    world.store().make_own_key().await.unwrap();
    assert_eq!(world.read("key.txt"), key);
}

#[tokio::test]
async fn a_replaced_snapshot_is_kept_under_its_own_serial_by_the_next_holder_too() {
    let mut world = World::begun().await;
    for text in ["one", "two"] {
        let lock = world.lock().await;
        world.append(&*lock, &[note(text), note("and more")]).await.unwrap();
        lock.compact(&world.expected, &signer()).await.unwrap();
        lock.compact(&world.expected, &signer()).await.unwrap();
    }
    world.lock().await.compact(&world.expected, &signer()).await.unwrap();
    let history = world.store().history().await.unwrap();
    let kept: Vec<_> = history.iter().map(|earlier| world.relative(&earlier.place)).collect();
    assert_eq!(kept, ["history/000001-serial-0.json", "history/000002-serial-2.json"]);
}
