//! A disk that has no room left, by way of the limit that a shell can set on the size of a file.

use std::process::Command;

use sprocket_core::state::{FileStore, StateStore, StoreError};

use crate::world::{World, holder, note, signer};

const FOLDER: &str = "SPROCKET_TEST_FULL_FOLDER";

/// Not a test: appends until there is no room, then shorter entries, then replaces the snapshot with one that is too
/// long. Everything that was durable stays.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = FileStore::new(folder);
    let lock = store.lock(&holder("child")).await.unwrap();
    let mut state = store.load().await.unwrap().unwrap().snapshot;
    let refused = loop {
        let entry = note(&"long".repeat(2000));
        match lock.append(std::slice::from_ref(&entry), &signer()).await {
            Ok(()) => state.take(entry),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Io { attempt: "append to", .. }), "{refused:?}");
    assert!(state.serial > 3, "some were written");
    let load = async || store.load().await.unwrap().unwrap();
    assert_eq!(load().await.snapshot, state);
    assert_eq!(load().await.notes, Vec::<String>::new(), "what was written of the entry was taken back");
    let entry = note("short");
    lock.append(std::slice::from_ref(&entry), &signer()).await.unwrap();
    state.take(entry);
    assert_eq!(load().await.snapshot, state);

    let mut long = state.clone();
    long.take(note(&"long".repeat(40_000)));
    let refused = lock.compact(&long, &signer()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Io { attempt: "write", .. }), "{refused:?}");
    assert_eq!(load().await.snapshot, state);
    state.take(note("short again"));
    lock.compact(&state, &signer()).await.unwrap();
    assert_eq!(load().await.snapshot, state);
    println!("all is well");
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let world = World::begun().await;
    let program = std::env::current_exe().unwrap();
    // 128 blocks of 512 bytes. The signal is ignored, so that the write is what fails, after a part of it.
    let command = r#"trap "" XFSZ; ulimit -f 128; exec "$0" --exact disk_full::child --nocapture"#;
    let output =
        Command::new("sh").arg("-c").arg(command).arg(program).env(FOLDER, world.folder.path()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains("all is well"), "{stdout}\n{stderr}");
}
