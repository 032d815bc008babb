//! The form of stored states: a snapshot is a JSON document, a batch of journal entries a line with a checksum.
//!
//! For authors of stores. All of it is pure; what it reads may be any bytes, and it never panics on them.
//!
//! ```text
//! 6c9f0d3a1b5e7284 {"format":1,"lineage":"5f0c…","serial":31,"entries":[…]}
//! ```
//!
//! **Invariant:** a line has no line break inside, and its checksum covers all of its JSON: half a batch is never read.
//! `serial` is that of its first entry, so that what a snapshot has taken in already is skipped, and what has a hole
//! before it is refused.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::Entry;
use super::snapshot::{FORMAT, Snapshot};
use super::store::StoreError;
use crate::ids::Lineage;

/// Why bytes can't be read as a state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreadable {
    /// They are not what was written.
    Damaged {
        /// What is wrong with them.
        what: String,
    },
    /// A newer engine wrote them.
    TooNew {
        /// The version of their format.
        found: u32,
    },
}

impl Unreadable {
    /// The error of the store whose bytes they are, with what can be done about it.
    pub fn at(self, place: impl Into<String>, fix: impl Into<String>) -> StoreError {
        match self {
            Self::Damaged { what } => StoreError::Damaged { place: place.into(), what, fix: fix.into() },
            Self::TooNew { found } => StoreError::TooNew { place: place.into(), found, known: FORMAT },
        }
    }
}

fn damaged(what: impl Into<String>) -> Unreadable {
    Unreadable::Damaged { what: what.into() }
}

/// What can be read of every format.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

/// What is said of bytes that are no state of the known format.
fn explain(bytes: &[u8], error: &serde_json::Error) -> Unreadable {
    match serde_json::from_slice(bytes) {
        Ok(Header { format }) if format != FORMAT => of_format(format),
        _ => damaged(format!("it can't be read ({error})")),
    }
}

fn of_format(found: u32) -> Unreadable {
    if found > FORMAT {
        return Unreadable::TooNew { found };
    }
    damaged(format!("its format is {found}, which never existed"))
}

/// Writes a snapshot: indented, each spec and state on a line.
///
/// # Errors
/// What the writer says.
pub fn write_snapshot(snapshot: &Snapshot, mut to: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut to, snapshot)?;
    to.write_all(b"\n")
}

/// Reads a snapshot.
///
/// # Errors
/// If it can't be read, or not by this engine.
pub fn read_snapshot(bytes: &[u8]) -> Result<Snapshot, Unreadable> {
    let snapshot: Snapshot = serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
    if snapshot.format != FORMAT {
        return Err(of_format(snapshot.format));
    }
    in_range(snapshot.serial)?;
    let twice = snapshot.records.iter().find_map(|(address, record)| Some((address, record.recorded_twice()?)));
    if let Some((address, object)) = twice {
        return Err(damaged(format!("it has the object `{}` of `{address}` twice", object.name)));
    }
    Ok(snapshot)
}

/// No state gets that far; and adding to a serial can't overflow.
fn in_range(serial: u64) -> Result<(), Unreadable> {
    if serial > u64::MAX / 2 { Err(damaged(format!("its serial is {serial}"))) } else { Ok(()) }
}

/// Entries that are durable together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch<'a> {
    format: u32,
    /// Whose they are.
    pub lineage: Lineage,
    /// The serial that a snapshot has with the first of them.
    pub serial: u64,
    /// The entries, in their order.
    pub entries: Cow<'a, [Entry]>,
}

const CHECKSUM: usize = 16;

impl<'a> Batch<'a> {
    /// Entries of this lineage, the first of which brings a snapshot to this serial.
    pub fn new(lineage: Lineage, serial: u64, entries: &'a [Entry]) -> Self {
        Self { format: FORMAT, lineage, serial, entries: Cow::Borrowed(entries) }
    }

    /// The line, with its end.
    pub fn line(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec(self).expect("BUG: a batch serialises");
        // A value that a person has reformatted brings its line breaks along. In JSON they only stand between tokens.
        for byte in json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        let mut line = checksum(&json).into_bytes();
        line.push(b' ');
        line.append(&mut json);
        line.push(b'\n');
        line
    }

    /// Reads a line, which has no end any more.
    ///
    /// # Errors
    /// If it is not what was written, or was written by a newer engine.
    pub fn read(line: &[u8]) -> Result<Self, Unreadable> {
        let Some((sum, [b' ', json @ ..])) = line.split_at_checked(CHECKSUM) else {
            return Err(damaged("it is too short"));
        };
        if sum != checksum(json).as_bytes() {
            return Err(damaged("its checksum is wrong"));
        }
        let batch: Self = serde_json::from_slice(json).map_err(|error| explain(json, &error))?;
        if batch.format != FORMAT {
            return Err(of_format(batch.format));
        }
        in_range(batch.serial)?;
        Ok(batch)
    }

    /// Takes the entries into a snapshot of the same lineage, except for those that the snapshot in the store, whose
    /// serial `stored` is, has already.
    ///
    /// # Errors
    /// If they don't follow on what the snapshot has.
    pub fn replay(self, snapshot: &mut Snapshot, stored: u64) -> Result<(), Unreadable> {
        // How many of them the store's snapshot has.
        let known = (stored + 1).saturating_sub(self.serial);
        let mut new =
            self.entries.into_owned().into_iter().skip(usize::try_from(known).unwrap_or(usize::MAX)).peekable();
        let next = self.serial.max(stored + 1);
        if new.peek().is_some() && next != snapshot.serial + 1 {
            return Err(damaged(format!("it goes on at entry {next}, after entry {}", snapshot.serial)));
        }
        snapshot.take_all(new);
        Ok(())
    }
}

fn checksum(json: &[u8]) -> String {
    hex::encode(&Sha256::digest(json)[..CHECKSUM / 2])
}

/// A journal shorter than this is never worth a new snapshot.
const SHORT: u64 = 8 << 10;

/// Whether a new snapshot is worth its writing: the journal, in bytes, has grown to a quarter of the last one. So what is
/// written stays in proportion to what is done, and what is read to what there is.
pub fn is_snapshot_due(journal: u64, snapshot: u64) -> bool {
    journal >= SHORT.max(snapshot / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Address;
    use crate::json::Json;
    use crate::state::{Event, RecordedProvider};

    fn provider(config: &str) -> Entry {
        let config: Json = serde_json::from_str(config).unwrap();
        let recorded = Some(RecordedProvider { config, identity: "swarm-1".into() });
        Entry { address: Address::from("provider/docker"), event: Event::Provider { name: "docker".into(), recorded } }
    }

    fn batch(serial: u64) -> Batch<'static> {
        let entries = vec![provider(r#"{"host":"a"}"#), provider(r#"{"host":"b"}"#)];
        Batch { entries: entries.into(), ..Batch::new("5f0c".into(), serial, &[]) }
    }

    #[test]
    fn a_batch_is_a_line_that_a_person_can_read() {
        insta::assert_snapshot!(String::from_utf8(batch(31).line()).unwrap(), @r#"ed16fcf30010ce01 {"format":1,"lineage":"5f0c","serial":31,"entries":[{"address":"provider/docker","event":{"provider":{"name":"docker","recorded":{"config":{"host":"a"},"identity":"swarm-1"}}}},{"address":"provider/docker","event":{"provider":{"name":"docker","recorded":{"config":{"host":"b"},"identity":"swarm-1"}}}}]}"#);
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
        let line = Batch::new("5f0c".into(), 1, &[provider("{\r\n  \"host\": \"a\"\n}")]).line();
        assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
        let mut snapshot = Snapshot::new("5f0c".into());
        Batch::read(line.trim_ascii_end()).unwrap().replay(&mut snapshot, 0).unwrap();
        assert_eq!(snapshot.providers[&"docker".into()].config.value(), serde_json::json!({"host": "a"}));
    }

    #[test]
    fn a_change_anywhere_in_a_line_is_noticed() {
        let line = batch(1).line();
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
        let mut snapshot = Snapshot::new("5f0c".into());
        snapshot.serial = 31;
        batch(31).replay(&mut snapshot, 31).unwrap();
        assert_eq!((snapshot.serial, snapshot.providers.len()), (32, 1));
        batch(20).replay(&mut snapshot, 31).unwrap();
        assert_eq!(snapshot.serial, 32);
        let hole = batch(34).replay(&mut snapshot, 31).unwrap_err();
        assert_eq!(hole, damaged("it goes on at entry 34, after entry 32"));
        let twice = batch(32).replay(&mut snapshot, 31).unwrap_err();
        assert_eq!(twice, damaged("it goes on at entry 32, after entry 32"));
    }

    #[test]
    fn a_newer_engines_work_is_told_from_damage() {
        let newer = br#"{"format":2,"lineage":"5f0c","new":"things"}"#;
        let line = [checksum(newer).as_bytes(), b" ", newer].concat();
        assert_eq!(Batch::read(&line).unwrap_err(), Unreadable::TooNew { found: 2 });
        assert_eq!(read_snapshot(newer).unwrap_err(), Unreadable::TooNew { found: 2 });
        assert!(matches!(read_snapshot(br#"{"format":1}"#), Err(Unreadable::Damaged { .. })));
        assert!(matches!(read_snapshot(b""), Err(Unreadable::Damaged { .. })));
    }
}
