//! The form of stored states: a snapshot is a JSON document, a batch of journal entries a line with a checksum.
//!
//! For authors of stores. All of it is pure; what it reads may be any bytes, and it never panics on them.
//!
//! ```text
//! 6c9f0d3a1b5e7284 0b7e19…a4 {"format":1,"lineage":"5f0c…","serial":31,"entries":[…]}
//! ```
//!
//! A line is a checksum, a MAC and JSON. The checksum tells a line that was torn or damaged, without a key. The MAC, which
//! only the stack's key can tell from another, is `mac`'s affair. A snapshot has its MAC in its last line,
//! which covers all bytes before that line.
//!
//! **Invariant:** a line has no line break inside, and its checksum covers all of it: half a batch is never read.
//! `serial` is that of its first entry, so that what a snapshot has taken in already is skipped, and what has a hole
//! before it is refused.

use std::borrow::Cow;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::thread;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::Entry;
use super::mac::{DIGITS, Link, Mac, Proof, Signer};
use super::snapshot::{FORMAT, Snapshot};
use super::store::{Loaded, StoreError};
use crate::base::Lineage;

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

/// The last line of a snapshot: its MAC, as one more field of the document.
const BEFORE_MAC: &[u8] = b",\n  \"mac\": \"";
const AFTER_MAC: &[u8] = b"\"\n}\n";
/// How a document ends without it.
const END: &[u8] = b"\n}";

/// Writes a snapshot: indented, each spec and state on a line, and its MAC on the last.
///
/// # Errors
/// What the writer says.
pub fn write_snapshot(snapshot: &Snapshot, signer: &Signer, to: impl Write) -> io::Result<Link> {
    let hashing = Hashing { to, hash: Sha256::new(), held: Vec::with_capacity(END.len()) };
    // A serialiser writes a few bytes at a time.
    let mut buffer = BufWriter::with_capacity(1 << 16, hashing);
    serde_json::to_writer_pretty(&mut buffer, snapshot)?;
    let Hashing { mut to, hash, held } = buffer.into_inner().map_err(IntoInnerError::into_error)?;
    assert_eq!(held, END, "BUG: a document ends with its brace");
    let link = signer.snapshot(snapshot.serial, hash);
    to.write_all(BEFORE_MAC)?;
    to.write_all(link.mac().to_string().as_bytes())?;
    to.write_all(AFTER_MAC)?;
    Ok(link)
}

/// Hashes what is written, but for the end, which it holds back.
struct Hashing<W> {
    to: W,
    hash: Sha256,
    held: Vec<u8>,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pass = |some: &[u8]| {
            self.hash.update(some);
            self.to.write_all(some)
        };
        if bytes.len() >= END.len() {
            pass(&self.held)?;
            let (some, last) = bytes.split_at(bytes.len() - END.len());
            pass(some)?;
            self.held.clear();
            self.held.extend_from_slice(last);
        } else {
            self.held.extend_from_slice(bytes);
            let over = self.held.len().saturating_sub(END.len());
            pass(&self.held[..over])?;
            self.held.drain(..over);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// What is signed of a snapshot's bytes, and the MAC.
fn signed(bytes: &[u8]) -> Option<(&[u8], Mac)> {
    let rest = bytes.strip_suffix(AFTER_MAC)?;
    let (rest, mac) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    let mac = std::str::from_utf8(mac).ok()?.parse().ok()?;
    Some((rest.strip_suffix(BEFORE_MAC)?, mac))
}

/// Reads a snapshot, with what its MAC is to be checked by.
///
/// # Errors
/// If it can't be read, or not by this engine.
pub fn read_snapshot(bytes: &[u8]) -> Result<(Snapshot, Link), Unreadable> {
    let (signed, mac) = signed(bytes).map_or((bytes, None), |(signed, mac)| (signed, Some(mac)));
    let (snapshot, digest) = beside(signed.len(), || Sha256::digest(signed).into(), || parse(bytes));
    let snapshot = snapshot?;
    let link = Link::of_snapshot(snapshot.serial, digest, mac);
    Ok((snapshot, link))
}

/// Both of them; the first one on a thread of its own, if there is so much to do.
fn beside<A: Send, B>(bytes: usize, first: impl Fn() -> A + Sync, second: impl FnOnce() -> B) -> (B, A) {
    const MUCH: usize = 1 << 20;
    if bytes < MUCH {
        return (second(), first());
    }
    thread::scope(|scope| {
        let begun = thread::Builder::new().spawn_scoped(scope, &first);
        let done = second();
        match begun.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(other)) => (done, other),
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => (done, first()),
        }
    })
}

fn parse(bytes: &[u8]) -> Result<Snapshot, Unreadable> {
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

/// A state while it is read: a snapshot, and the batches after it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The state so far.
    pub snapshot: Snapshot,
    /// The serial of the snapshot without the batches.
    stored: u64,
    proof: Proof,
}

impl Reading {
    /// Begins with a snapshot.
    ///
    /// # Errors
    /// If it can't be read, or not by this engine.
    pub fn begin(bytes: &[u8]) -> Result<Self, Unreadable> {
        let (snapshot, link) = read_snapshot(bytes)?;
        Ok(Self { stored: snapshot.serial, snapshot, proof: Proof::of(link) })
    }

    /// The serial of the snapshot without the batches.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// What the next batch is signed on.
    pub fn head(&self) -> Mac {
        self.proof.head()
    }

    /// Takes in a batch of the same lineage, unless the snapshot has all of it already.
    ///
    /// # Errors
    /// If it does not follow on what there is.
    pub fn take(&mut self, batch: Batch<'_>) -> Result<(), Unreadable> {
        let last = batch.last();
        let Batch { serial, entries, read, .. } = batch;
        if last <= self.stored {
            return Ok(());
        }
        if serial != self.snapshot.serial + 1 {
            return Err(damaged(format!("it goes on at entry {serial}, after entry {}", self.snapshot.serial)));
        }
        let (digest, mac) = read.unwrap_or_default();
        self.proof.push(Link::of_batch(self.head(), serial, last, digest, mac));
        self.snapshot.take_all(entries.into_owned());
        Ok(())
    }

    /// The state, with these notes.
    pub fn loaded(self, notes: Vec<String>) -> Loaded {
        Loaded { snapshot: self.snapshot, notes, proof: self.proof }
    }
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
    /// What its MAC is to be checked by.
    #[serde(skip)]
    read: Option<([u8; 32], Mac)>,
}

const CHECKSUM: usize = 16;

impl<'a> Batch<'a> {
    /// Entries of this lineage, the first of which brings a snapshot to this serial.
    pub fn new(lineage: Lineage, serial: u64, entries: &'a [Entry]) -> Self {
        Self { format: FORMAT, lineage, serial, entries: Cow::Borrowed(entries), read: None }
    }

    /// The serial that a snapshot has with the last of them.
    fn last(&self) -> u64 {
        self.serial.saturating_add(self.entries.len() as u64).saturating_sub(1)
    }

    /// The line, with its end, signed on what is before it; and what the next one is signed on.
    pub fn line(&self, signer: &Signer, head: Mac) -> (Vec<u8>, Link) {
        let mut line = vec![b' '; CHECKSUM + 1 + DIGITS + 1];
        serde_json::to_writer(&mut line, self).expect("BUG: a batch serialises");
        let (head_of_line, json) = line.split_at_mut(CHECKSUM + 1 + DIGITS + 1);
        // A value that a person has reformatted brings its line breaks along. In JSON they only stand between tokens.
        for byte in json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
        let digest = Sha256::digest(&*json).into();
        let link = signer.batch(head, self.serial, self.last(), digest);
        let mac = link.mac().to_string();
        head_of_line[..CHECKSUM].copy_from_slice(checksum(&digest, mac.as_bytes()).as_bytes());
        head_of_line[CHECKSUM + 1..][..DIGITS].copy_from_slice(mac.as_bytes());
        line.push(b'\n');
        (line, link)
    }

    /// Reads a line, which has no end any more.
    ///
    /// # Errors
    /// If it is not what was written, or was written by a newer engine.
    pub fn read(line: &[u8]) -> Result<Self, Unreadable> {
        let too_short = || damaged("it is too short");
        let Some((sum, [b' ', rest @ ..])) = line.split_at_checked(CHECKSUM) else { return Err(too_short()) };
        let Some((mac, [b' ', json @ ..])) = rest.split_at_checked(DIGITS) else { return Err(too_short()) };
        let digest: [u8; 32] = Sha256::digest(json).into();
        if sum != checksum(&digest, mac).as_bytes() {
            return Err(damaged("its checksum is wrong"));
        }
        let batch: Self = serde_json::from_slice(json).map_err(|error| explain(json, &error))?;
        if batch.format != FORMAT {
            return Err(of_format(batch.format));
        }
        in_range(batch.serial)?;
        let mac = std::str::from_utf8(mac).ok().and_then(|mac| mac.parse().ok());
        let mac = mac.ok_or_else(|| damaged("it has no MAC"))?;
        Ok(Self { read: Some((digest, mac)), ..batch })
    }
}

/// Of the digest of a line's JSON and of its MAC.
fn checksum(digest: &[u8; 32], mac: &[u8]) -> String {
    hex::encode(&Sha256::new().chain_update(digest).chain_update(mac).finalize()[..CHECKSUM / 2])
}

/// A journal shorter than this is never worth a new snapshot.
const SHORT: u64 = 8 << 10;

/// Whether a new snapshot is worth its writing: the journal, in bytes, has grown to a quarter of the last one. So what is
/// written stays in proportion to what is done, and what is read to what there is.
pub fn is_snapshot_due(journal: u64, snapshot: u64) -> bool {
    journal >= SHORT.max(snapshot / 4)
}

#[cfg(test)]
mod tests;
