//! Files that are not as they were written: what is ignored, what is refused, and what is said about it.

use std::collections::BTreeSet;
use std::fs;

use insta::assert_snapshot;
use sha2::{Digest, Sha256};
use sprocket_core::state::{Snapshot, StateStore, Unproven};

use crate::world::{World, files, holder, note, signer};

#[tokio::test]
async fn a_line_that_was_torn_is_ignored_and_then_cut_off() {
    let mut world = World::with_journal(2).await;
    let before = world.expected.clone();
    let lock = world.lock().await;
    let whole = world.read("journal").len();
    world.append(&*lock, &[note("torn"), note("as-well")]).await.unwrap();
    drop(lock);
    let journal = world.read("journal");
    let mut notes = BTreeSet::new();
    for kept in (whole + 1..journal.len()).step_by(3) {
        let mut torn = world.with("journal", &journal[..kept]);
        torn.expected = before.clone();
        let loaded = torn.load().await;
        assert_eq!(loaded.snapshot, before, "{kept} bytes: all of the batch is ignored");
        assert_eq!(torn.read("journal").len(), kept, "{kept} bytes: loading writes nothing");
        notes.insert(torn.relative(&loaded.notes.join("\n")));
        if kept % 32 == 0 {
            torn.goes_on().await;
        }
    }
    assert_snapshot!(notes.into_iter().collect::<String>(), @"line 3 of journal, the last, was cut off while it was written, and is ignored; what it was to say is found out again");
}

#[tokio::test]
async fn zeros_that_a_crash_left_are_ignored() {
    let world = World::with_journal(3).await;
    let mut journal = world.read("journal");
    let end = journal.len();
    journal.resize(end + 4096, 0);
    let mut zeros = world.with("journal", &journal);
    assert_eq!(zeros.load().await.snapshot, world.expected);
    zeros.goes_on().await;
}

#[tokio::test]
async fn a_changed_journal_is_refused_wherever_it_was_changed() {
    let world = World::with_journal(4).await;
    let journal = world.read("journal");
    for at in (0..journal.len()).step_by(5) {
        let mut changed = journal.clone();
        changed[at] = if changed[at] == b'~' { b'-' } else { b'~' };
        let changed = world.with("journal", &changed);
        let files_before = files(changed.folder.path());
        // The last line's end may be what was changed: then it looks torn.
        if at + 1 < journal.len() {
            assert!(changed.refusal().await.contains("is damaged"), "at {at}");
            fs::remove_file(changed.file("lock")).unwrap();
            assert_eq!(files(changed.folder.path()), files_before, "at {at}: nothing is made worse");
        }
    }
    let mut middle = journal.clone();
    middle[journal.len() / 2] ^= 1;
    assert_snapshot!(world.with("journal", &middle).refusal().await, @r"
    the state in journal is damaged: line 3: its checksum is wrong
    hint: keep a copy, and put a good one in its place. Without one, cut it off: `head -n 2 journal > good && mv good journal`; what the lost lines made exists, and the next plan may find it by its mark or its name
    ");
}

#[tokio::test]
async fn a_line_that_is_missing_doubled_or_out_of_place_is_refused() {
    let world = World::with_journal(4).await;
    let journal = world.read("journal");
    let lines: Vec<&[u8]> = journal.split_inclusive(|&byte| byte == b'\n').collect();
    let refusal = async |order: &[usize]| {
        let journal: Vec<u8> = order.iter().flat_map(|&line| lines[line]).copied().collect();
        let refusal = world.with("journal", &journal).refusal().await;
        refusal.lines().next().unwrap().to_owned()
    };
    assert_snapshot!(refusal(&[1, 2, 3]).await, @"the state in journal is damaged: line 1: it goes on at entry 2, after entry 0");
    assert_snapshot!(refusal(&[0, 1, 3]).await, @"the state in journal is damaged: line 3: it goes on at entry 4, after entry 2");
    assert_snapshot!(refusal(&[0, 1, 1, 2, 3]).await, @"the state in journal is damaged: line 3: it goes on at entry 2, after entry 2");
    assert_snapshot!(refusal(&[0, 2, 1, 3]).await, @"the state in journal is damaged: line 2: it goes on at entry 3, after entry 1");
}

#[tokio::test]
async fn another_lineages_journal_is_set_aside() {
    let mut world = World::with_journal(2).await;
    let journal = world.read("journal");
    world.expected = Snapshot::new("another".into());
    let json = serde_json::to_vec(&world.expected).unwrap();
    fs::write(world.file("state.json"), json).unwrap();
    let loaded = world.load().await;
    assert_eq!(loaded.snapshot, world.expected);
    assert_snapshot!(world.relative(&loaded.notes.join("\n")), @"journal belongs to another state, of lineage ours, and is not replayed");
    world.goes_on().await;
    assert_eq!(world.read("journal-of-ours"), journal, "it may be all that somebody has of it");
}

#[tokio::test]
async fn what_a_newer_engine_wrote_is_refused() {
    let world = World::with_journal(1).await;
    let newer = br#"{"format":7,"lineage":"ours","things":["that","nobody","knows"]}"#;
    assert_snapshot!(world.with("state.json", newer).refusal().await, @r"
    the state in state.json has format 7, and this program reads up to 1
    hint: build the program against the Sprocket that wrote the state, or a newer one
    ");
    let mac = "0".repeat(32);
    let sum = Sha256::new().chain_update(Sha256::digest(newer)).chain_update(&mac).finalize();
    let line = [hex::encode(&sum[..8]).as_bytes(), b" ", mac.as_bytes(), b" ", newer, b"\n"].concat();
    let journal = [world.read("journal"), line].concat();
    assert_snapshot!(world.with("journal", &journal).refusal().await, @r"
    the state in journal has format 7, and this program reads up to 1
    hint: build the program against the Sprocket that wrote the state, or a newer one
    ");
}

#[tokio::test]
async fn a_crash_between_the_new_snapshot_and_the_end_of_the_old_journal_is_harmless() {
    let mut world = World::with_journal(3).await;
    let journal = world.read("journal");
    let compacted = world.expected.clone();
    world.lock().await.compact(&compacted, &signer()).await.unwrap();
    assert!(!world.file("journal").exists());
    fs::write(world.file("journal"), &journal).unwrap();
    world.is_well().await;
}

#[tokio::test]
async fn a_crash_before_the_new_snapshot_has_its_name_is_harmless() {
    let mut world = World::with_journal(3).await;
    fs::write(world.file("state.json.new"), "{\"format\":1,\"lin").unwrap();
    world.is_well().await;
    let compacted = world.expected.clone();
    world.lock().await.compact(&compacted, &signer()).await.unwrap();
    assert!(!world.file("state.json.new").exists());
    world.is_well().await;
}

#[tokio::test]
async fn a_snapshot_that_has_gone_is_not_taken_for_a_new_stack() {
    let world = World::with_journal(2).await;
    fs::remove_file(world.file("state.json")).unwrap();
    assert_snapshot!(world.refusal().await, @r"
    the state in FOLDER is damaged: state.json is missing, and what belongs to it is not
    hint: put a copy of state.json in its place, from a backup or from history; if journal does not follow on it, delete that too, and what it told is forgotten
    ");
    fs::remove_file(world.file("journal")).unwrap();
    assert_eq!(world.store().load().await.unwrap(), None, "an empty folder is one");
}

#[tokio::test]
async fn a_snapshot_that_was_cut_is_refused_and_an_earlier_one_can_take_its_place() {
    let mut world = World::with_journal(2).await;
    let lock = world.lock().await;
    let earlier = world.expected.clone();
    lock.compact(&earlier, &signer()).await.unwrap();
    world.append(&*lock, &[note("lost")]).await.unwrap();
    lock.compact(&world.expected, &signer()).await.unwrap();
    world.append(&*lock, &[note("lost as well")]).await.unwrap();
    drop(lock);

    let whole = world.read("state.json");
    fs::write(world.file("state.json"), &whole[..whole.len() / 2]).unwrap();
    assert_snapshot!(world.refusal().await, @r"
    the state in state.json is damaged: it can't be read (EOF while parsing a value at line 7 column 16)
    hint: put a copy of state.json in its place, from a backup or from history; if journal does not follow on it, delete that too, and what it told is forgotten
    ");
    fs::copy(world.file("history/000002-serial-2.json"), world.file("state.json")).unwrap();
    assert_snapshot!(world.refusal().await.lines().next().unwrap(), @"the state in journal is damaged: line 1: it goes on at entry 4, after entry 2");
    fs::remove_file(world.file("journal")).unwrap();
    world.expected = earlier;
    world.is_well().await;
}

#[tokio::test]
async fn a_reformatted_snapshot_can_be_read_and_proves_nothing() {
    let world = World::with_journal(1).await;
    let lock = world.lock().await;
    lock.compact(&world.expected, &signer()).await.unwrap();
    drop(lock);
    let value: serde_json::Value = serde_json::from_slice(&world.read("state.json")).unwrap();
    assert_eq!(world.load().await.verify(&signer()), Ok(()));
    fs::write(world.file("state.json"), value.to_string()).unwrap();
    assert_eq!(world.load().await.snapshot, world.expected);
    assert_eq!(world.load().await.verify(&signer()), Err(Unproven::Snapshot { serial: 1 }));
}

#[tokio::test]
async fn who_reads_while_another_writes_sees_a_state_that_was() {
    let mut world = World::begun().await;
    let lock = world.lock().await;
    let store = world.store();
    let reader = tokio::spawn(async move {
        let (mut last, mut loads) = (0, 0);
        while last < 400 {
            let loaded = store.load().await.unwrap().unwrap();
            assert!(loaded.snapshot.serial >= last, "{} after {last}", loaded.snapshot.serial);
            assert_eq!(loaded.notes, Vec::<String>::new());
            (last, loads) = (loaded.snapshot.serial, loads + 1);
        }
        loads
    });
    for number in 0..200 {
        world.append(&*lock, &[note(&"long".repeat(4000)), note("short")]).await.unwrap();
        if number % 20 == 19 {
            lock.compact(&world.expected, &signer()).await.unwrap();
        }
    }
    assert!(reader.await.unwrap() > 3);
    assert_eq!(world.store().holder().await.unwrap(), Some(holder("ann")));
}
