//! File systems on which a system call fails, by way of the faults that strace can put into a process.

use std::fs;
use std::path::Path;
use std::process::Command;

use sprocket_core::state::{FileStore, StateStore, StoreError};

use crate::durable::syscalls;
use crate::world::{World, holder, note, signer};

const FOLDER: &str = "SPROCKET_TEST_FAULTS_FOLDER";
const WELL: &str = "all is well";

/// Runs one of the tests here in a process of its own, and gives its system calls; `None` without strace.
fn run_with(fault: &str, calls: &str, child: &str, folder: &Path) -> Option<String> {
    if Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("SPROCKET_LIVE").is_none(), "strace is needed, which `scripts/test` installs");
        println!("skipped: install strace to run it");
        return None;
    }
    let trace = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new("strace")
        .args(["-f", "-y", "-e", &format!("trace={calls}"), "-e", &format!("inject={fault}"), "-o"])
        .arg(trace.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let trace = fs::read_to_string(trace.path()).unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stdout.contains(WELL), "{stdout}\n{stderr}\n{trace}");
    assert!(trace.contains("(INJECTED)"), "the fault was put in: {trace}");
    Some(trace)
}

/// Not a test: makes the stack's own key twice.
#[tokio::test]
async fn child_that_makes_a_key() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let key = || fs::read_to_string(Path::new(&folder).join("key.txt")).unwrap();
    let store = FileStore::new(&folder);
    store.make_own_key().await.unwrap();
    let first = key();
    store.make_own_key().await.unwrap();
    assert_eq!(key(), first, "the key that is there stays");
    println!("{WELL}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_stacks_own_key_is_made_once_without_hard_links_too() {
    let temp = tempfile::tempdir().unwrap();
    let child = "faults::child_that_makes_a_key";
    if run_with("linkat:error=EPERM", "linkat", child, temp.path()).is_some() {
        let names: Vec<_> = fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["key.txt"], "nothing is left beside it");
    }
}

/// Not a test: makes the journal, which fails the first time.
#[test]
fn child_that_makes_the_journal() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    // strace counts the calls of each thread.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let lock = FileStore::new(folder).lock(&holder("child")).await.unwrap();
        let refused = lock.append(&[note("refused")], &signer()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Io { attempt: "append to", .. }), "{refused:?}");
        lock.append(&[note("written")], &signer()).await.unwrap();
    });
    println!("{WELL}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_journal_whose_first_entry_failed_has_its_name_on_disk_with_the_next() {
    let mut world = World::begun().await;
    let folder = world.folder.path().canonicalize().unwrap();
    let (fault, calls) = ("fdatasync:error=ENOSPC:when=1", "write,ftruncate,fsync,fdatasync");
    let child = "faults::child_that_makes_the_journal";
    let Some(trace) = run_with(fault, calls, child, &folder) else { return };
    let calls: Vec<_> = syscalls(&trace)
        .into_iter()
        .filter_map(|call| {
            let file = call.files.iter().find_map(|file| file.strip_prefix(folder.to_str()?))?;
            Some(format!("{} {}", call.name, if file.is_empty() { "folder" } else { file }))
        })
        .skip_while(|call| call != "write /journal")
        .collect();
    let refused = ["write /journal", "fdatasync /journal", "ftruncate /journal", "fdatasync /journal"];
    let written = ["write /journal", "fdatasync /journal", "fsync folder"];
    assert_eq!(calls[..7], [&refused[..], &written[..]].concat(), "{calls:?}");
    world.expected.take(note("written"));
    world.is_well().await;
}
