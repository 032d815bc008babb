use super::*;
use crate::base::{Address, Json};
use crate::state::{JournalEvent, RecordedProvider, Unproven};
use crate::value::StackKey;

fn signer() -> Signer {
    Signer::of(&StackKey::from_bytes([7; 64]))
}

fn line(batch: &Batch<'_>) -> Vec<u8> {
    batch.line(&signer(), Mac::default()).0
}

/// A snapshot with this serial, as it is read.
fn begun(serial: u64) -> Reading {
    let mut snapshot = Snapshot::new("5f0c".into());
    snapshot.serial = serial;
    let mut bytes = Vec::new();
    write_snapshot(&snapshot, &signer(), &mut bytes).unwrap();
    Reading::begin(&bytes).unwrap()
}

fn provider(config: &str) -> Entry {
    let config: Json = serde_json::from_str(config).unwrap();
    let recorded = RecordedProvider { config, identity: "swarm-1".into() };
    Entry {
        address: Address::from("provider/docker"),
        event: JournalEvent::Provider { name: "docker".into(), recorded },
    }
}

fn batch(serial: u64) -> Batch<'static> {
    let entries = vec![provider(r#"{"host":"a"}"#), provider(r#"{"host":"b"}"#)];
    Batch { entries: entries.into(), ..Batch::new("5f0c".into(), serial, &[]) }
}

#[test]
fn a_batch_is_a_line_that_a_person_can_read() {
    insta::assert_snapshot!(String::from_utf8(line(&batch(31))).unwrap(), @r#"4079cf7c1b4020b6 0f0d9ab5d9241cef8684cc27cc57ab06 {"format":1,"lineage":"5f0c","serial":31,"entries":[{"address":"provider/docker","event":{"provider":{"name":"docker","recorded":{"config":{"host":"a"},"identity":"swarm-1"}}}},{"address":"provider/docker","event":{"provider":{"name":"docker","recorded":{"config":{"host":"b"},"identity":"swarm-1"}}}}]}"#);
}

#[test]
fn a_snapshot_with_one_object_twice_is_refused() {
    let object = |generation: u32| {
        serde_json::json!({
            "generation": generation, "name": "edge", "id": "id-1", "version": 1, "applied": {}, "state": {}, "ready": true,
        })
    };
    let read = |old: u32| {
        let mut snapshot = serde_json::to_value(Snapshot::new("5f0c".into())).unwrap();
        snapshot["records"]["lab:net/edge"] = serde_json::json!({
            "id": "3f9a", "provider": "lab", "object": object(2), "old": [object(old)],
        });
        read_snapshot(snapshot.to_string().as_bytes())
    };
    read(1).unwrap();
    assert_eq!(read(2).unwrap_err(), damaged("it has the object `edge` of `lab:net/edge` twice"));
}

#[test]
fn a_value_with_line_breaks_stays_in_its_line() {
    let line = line(&Batch::new("5f0c".into(), 1, &[provider("{\r\n  \"host\": \"a\"\n}")]));
    assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
    let mut state = begun(0);
    state.take(Batch::read(line.trim_ascii_end()).unwrap()).unwrap();
    assert_eq!(state.snapshot.providers[&"docker".into()].config.value(), serde_json::json!({"host": "a"}));
}

#[test]
fn a_change_anywhere_in_a_line_is_noticed() {
    let line = line(&batch(1));
    let line = line.trim_ascii_end();
    for at in 0..line.len() {
        let mut changed = line.to_vec();
        changed[at] ^= 1;
        assert!(Batch::read(&changed).is_err(), "at {at}");
    }
    for end in 0..line.len() {
        assert!(Batch::read(&line[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn entries_that_the_snapshot_has_are_skipped_and_holes_refused() {
    let mut state = begun(31);
    state.take(batch(32)).unwrap();
    assert_eq!((state.snapshot.serial, state.snapshot.providers.len()), (33, 1));
    state.take(batch(30)).unwrap();
    assert_eq!(state.snapshot.serial, 33);
    let hole = state.take(batch(35)).unwrap_err();
    assert_eq!(hole, damaged("it goes on at entry 35, after entry 33"));
    let twice = state.take(batch(32)).unwrap_err();
    assert_eq!(twice, damaged("it goes on at entry 32, after entry 33"));
    // Batches are taken in as wholes.
    assert_eq!(begun(31).take(batch(31)).unwrap_err(), damaged("it goes on at entry 31, after entry 31"));
}

#[test]
fn a_newer_engines_work_is_told_from_damage() {
    let newer = br#"{"format":2,"lineage":"5f0c","new":"things"}"#;
    let mac = [b'0'; DIGITS];
    let sum = checksum(&Sha256::digest(newer).into(), &mac);
    let line = [sum.as_bytes(), b" ", &mac, b" ", newer].concat();
    assert_eq!(Batch::read(&line).unwrap_err(), Unreadable::TooNew { found: 2 });
    assert_eq!(read_snapshot(newer).unwrap_err(), Unreadable::TooNew { found: 2 });
    assert!(matches!(read_snapshot(br#"{"format":1}"#), Err(Unreadable::Damaged { .. })));
    assert!(matches!(read_snapshot(b""), Err(Unreadable::Damaged { .. })));
}

#[test]
fn a_snapshot_is_signed_whatever_the_writer_is_given() {
    let mut snapshot = Snapshot::new("5f0c".into());
    snapshot.take(provider(r#"{"host":"a"}"#));
    let mut bytes = Vec::new();
    let link = write_snapshot(&snapshot, &signer(), &mut bytes).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["mac"], link.mac().to_string());
    assert_eq!(read_snapshot(&bytes).unwrap(), (snapshot, link));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(state) = Reading::begin(&changed) {
            assert!(state.proof.verify(&signer(), state.snapshot.serial).is_err(), "at {at}");
        }
    }
}

#[test]
fn batches_prove_their_order_and_that_none_is_missing() {
    let mut written = begun(0);
    let mut lines = Vec::new();
    for serial in [1, 3, 5] {
        let (line, link) = batch(serial).line(&signer(), written.head());
        written.take(Batch::read(line.trim_ascii_end()).unwrap()).unwrap();
        assert_eq!(written.head(), link.mac());
        lines.push(line);
    }
    assert_eq!(written.proof.verify(&signer(), 6), Ok(()));
    // The same serial, signed on something else: of another run that began with the same snapshot.
    let (forked, _) = batch(5).line(&signer(), begun(0).head());
    let mut state = begun(0);
    for line in [&lines[0], &lines[1], &forked] {
        state.take(Batch::read(line.trim_ascii_end()).unwrap()).unwrap();
    }
    assert_eq!(state.proof.verify(&signer(), 6), Err(Unproven::Batch { serial: 5 }));
    let other = Signer::of(&StackKey::from_bytes([8; 64]));
    assert_eq!(written.proof.verify(&other, 6), Err(Unproven::Snapshot { serial: 0 }));
}

#[test]
fn a_serial_that_no_state_reaches_is_refused() {
    let most = u64::MAX / 2;
    for (serial, is_read) in [(most - 1, true), (most, true), (most + 1, false), (u64::MAX, false)] {
        let mut snapshot = Snapshot::new("5f0c".into());
        snapshot.serial = serial;
        let mut bytes = Vec::new();
        write_snapshot(&snapshot, &signer(), &mut bytes).unwrap();
        let line = line(&batch(serial));
        let read = [read_snapshot(&bytes).map(drop), Batch::read(line.trim_ascii_end()).map(drop)];
        let expected = if is_read { Ok(()) } else { Err(damaged(format!("its serial is {serial}"))) };
        assert_eq!(read, [expected.clone(), expected]);
    }
}

#[test]
fn the_serial_of_the_snapshot_is_told_apart_from_that_of_the_journal() {
    let mut state = begun(31);
    state.take(batch(32)).unwrap();
    assert_eq!((state.stored(), state.snapshot.serial), (31, 33));
}

#[test]
fn a_snapshot_is_due_when_the_journal_is_a_quarter_as_long() {
    for (journal, snapshot, is_due) in [
        (0, 0, false),
        (SHORT - 1, 0, false),
        (SHORT, 0, true),
        (SHORT, 4 * SHORT, true),
        (SHORT, 400 * SHORT, false),
        (100 * SHORT - 1, 400 * SHORT, false),
        (100 * SHORT, 400 * SHORT, true),
    ] {
        assert_eq!(is_snapshot_due(journal, snapshot), is_due, "{journal} bytes, and {snapshot} of the snapshot");
    }
}

#[test]
fn the_end_of_a_document_is_held_back_however_it_is_written() {
    let document = b"{\n  \"format\": 1\n}";
    let (signed, end) = document.split_at(document.len() - END.len());
    for size in 1..=document.len() {
        let mut hashing = Hashing { to: Vec::new(), hash: Sha256::new(), held: Vec::new() };
        document.chunks(size).for_each(|part| hashing.write_all(part).unwrap());
        assert_eq!((&hashing.to[..], &hashing.held[..]), (signed, end), "{size} bytes at once");
        assert_eq!(hashing.hash.finalize(), Sha256::digest(signed));
    }
}
