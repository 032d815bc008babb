//! What must be on the disk before something else is done, as the system calls of a process show it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use sprocket_core::state::{FileStore, StateStore};

use crate::world::{World, holder, note, signer};

const FOLDER: &str = "SPROCKET_TEST_DURABLE_FOLDER";
const TOLD: &str = "it is written";

/// Not a test: appends, replaces the snapshot, and appends again, and says so each time.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = FileStore::new(folder);
    let lock = store.lock(&holder("child")).await.unwrap();
    let mut state = store.load().await.unwrap().unwrap().snapshot;
    for round in 0..4 {
        let entry = note(&format!("key-{round}"));
        lock.append(std::slice::from_ref(&entry), &signer()).await.unwrap();
        state.take(entry);
        println!("{TOLD}");
        if round % 2 == 1 {
            lock.compact(&state, &signer()).await.unwrap();
            println!("{TOLD}");
        }
    }
}

/// A system call that has ended: its name, what it was given, and the files among that.
pub(crate) struct Syscall {
    pub(crate) name: String,
    arguments: String,
    pub(crate) files: Vec<String>,
}

/// The calls in the order of their ends. One that another thread's interrupts is in two lines.
pub(crate) fn syscalls(trace: &str) -> Vec<Syscall> {
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut ended = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let mut call = call.trim_start().to_owned();
        if let Some(beginning) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, beginning.to_owned());
            continue;
        }
        if let Some((_, end)) = call.split_once("resumed>").filter(|_| call.starts_with("<...")) {
            call = begun.remove(thread).unwrap_or_default() + end;
        }
        let Some((name, arguments)) = call.split_once('(') else { continue };
        // A file is quoted, or named beside its descriptor: `9</tmp/journal>`.
        let files = arguments.split(['"', '<', '>']).filter(|part| part.starts_with('/')).map(str::to_owned);
        ended.push(Syscall { name: name.to_owned(), files: files.collect(), arguments: arguments.to_owned() });
    }
    ended
}

/// What is said to be written is on the disk by then, and so is what takes the place of something else.
fn check(calls: &[Syscall], folder: &str) -> Result<[usize; 3], String> {
    let [mut told, mut synced, mut replaced] = [0; 3];
    let mut written: BTreeSet<&str> = BTreeSet::new();
    let mut renamed = false;
    for call in calls {
        let file = call.files.iter().find_map(|file| file.strip_prefix(folder));
        match (call.name.as_str(), file) {
            ("write", Some(file)) => drop(written.insert(file)),
            ("write", None) if call.arguments.contains(TOLD) => {
                told += 1;
                if renamed || written.contains("/journal") {
                    return Err(format!("it is said to be written, and is not on the disk: {written:?}"));
                }
            }
            ("fdatasync" | "fsync", Some("")) => renamed = false,
            ("fdatasync" | "fsync", Some(file)) => {
                synced += 1;
                written.remove(file);
            }
            ("rename" | "renameat" | "renameat2", Some(file)) => {
                replaced += 1;
                if written.contains(file) {
                    return Err(format!("{file} is not on the disk, and takes the place of another"));
                }
                renamed = true;
            }
            ("unlink" | "unlinkat", Some("/journal")) if renamed => {
                return Err("the journal goes before its snapshot is on the disk".to_owned());
            }
            _ => {}
        }
    }
    Ok([told, synced, replaced])
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn acknowledged_writes_are_on_disk() {
    if Command::new("strace").arg("-V").output().is_err() {
        assert!(std::env::var_os("SPROCKET_LIVE").is_none(), "strace is needed, which `scripts/test` installs");
        println!("skipped: install strace to run it");
        return;
    }
    let world = World::begun().await;
    let folder = world.folder.path().canonicalize().unwrap();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let calls = "trace=write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat";
    let output = Command::new("strace")
        .args(["-f", "-y", "-s", "64", "-e", calls, "-o"])
        .arg(trace.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "durable::child", "--nocapture"])
        .env(FOLDER, &folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = fs::read_to_string(trace.path()).unwrap();
    let [told, synced, replaced] = check(&syscalls(&trace), folder.to_str().unwrap()).unwrap_or_else(|broken| {
        panic!("{broken}\n{trace}");
    });
    assert_eq!((told, replaced), (6, 2), "{trace}");
    assert!(synced >= 6, "{trace}");
}

#[test]
fn checker_reports_each_broken_order() {
    let told = |lines: &[&str]| check(&syscalls(&lines.join("\n")), "/f").err();
    let said = r#"1  write(1<pipe:[7]>, "it is written\n", 14) = 14"#;
    let line = r#"2  write(9</f/journal>, "{}", 2) = 2"#;
    let [begins, ends] = ["2  fdatasync(9</f/journal> <unfinished ...>", "2  <... fdatasync resumed>) = 0"];
    assert_eq!(told(&[line, begins, ends, said]), None);
    assert!(told(&[line, said]).is_some());
    assert!(told(&[line, begins, said, ends]).is_some(), "its end counts");
    let new = r#"2  write(9</f/state.json.new>, "{}", 2) = 2"#;
    let sync = "2  fsync(9</f/state.json.new>) = 0";
    let rename = r#"2  rename("/f/state.json.new", "/f/state.json") = 0"#;
    let (folder, gone) = ("2  fsync(8</f>) = 0", r#"2  unlink("/f/journal") = 0"#);
    assert_eq!(told(&[new, sync, rename, folder, gone, said]), None);
    assert!(told(&[new, rename, folder, gone, said]).is_some());
    assert!(told(&[new, sync, rename, gone, folder, said]).is_some());
    assert!(told(&[new, sync, rename, said]).is_some());
}
