//! The log of a state: numbered objects, each written only where nothing is yet.
//!
//! ```text
//! log/00000000000000000041   a snapshot: all that is recorded, and which older snapshots are kept
//! log/00000000000000000042   a batch of journal entries
//! log/00000000000000000043   a fence: a new holder of the lock came, without the old one having given it back
//! log/00000000000000000044   a batch
//! ```
//!
//! The state is the last snapshot with the batches since. Whoever writes knows the next number; if something is there
//! already, somebody else has come. One rule so keeps appends, snapshots and holders apart.
//!
//! **Invariant:** a fence is never deleted: it stands where the holder before it, however late, would write next.

use std::time::SystemTime;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use sprocket_core::state::format::{Batch, Reading, Unreadable, read_snapshot, write_snapshot};
use sprocket_core::state::{Earlier, Link, Mac, Signer, Snapshot, StoreError};

use super::objects::{Object, Objects};
use super::{Place, SMALL};
use crate::error::S3Error;
use crate::store::objects::{If, Put};

const FOLDER: &str = "log/";

/// How many objects are read at once. Writers see to it that a state seldom has more, so that loading it takes a listing and
/// one round of reads. A run of one step leaves two: of thirty of them, one writes a snapshot on their account.
pub(super) const AT_ONCE: usize = 64;

/// How often is listed what can't be read, because it went in between.
const TRIES: u32 = 10;

/// The first line of each object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    /// Who wrote it: the lock's nonce.
    by: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    Snapshot {
        /// The snapshots before it that are kept.
        kept: Vec<u64>,
        /// The fences before it.
        fences: Vec<u64>,
    },
    Batch,
    Fence,
}

/// The log as it was read.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The state.
    pub(super) state: Option<Reading>,
    /// The number that nobody has written yet.
    pub(super) next: u64,
    /// The snapshots that are kept, the last one included.
    pub(super) snapshots: Vec<u64>,
    pub(super) fences: Vec<u64>,
    /// All numbers that are there.
    pub(super) all: Vec<u64>,
    /// How long the last snapshot is.
    pub(super) snapshot_len: u64,
    /// How long the batches since are, together.
    pub(super) journal_len: u64,
}

pub(super) fn key(number: u64) -> String {
    format!("{FOLDER}{number:020}")
}

/// An object with a batch, signed on what is before it; and what the next one is signed on.
pub(super) fn batch(by: &str, batch: &Batch<'_>, signer: &Signer, head: Mac) -> (Vec<u8>, Link) {
    let mut body = header(by, Kind::Batch);
    let (mut line, link) = batch.line(signer, head);
    body.append(&mut line);
    (body, link)
}

/// An object with a snapshot; and what the next one is signed on.
pub(super) fn snapshot(
    by: &str,
    snapshot: &Snapshot,
    signer: &Signer,
    (kept, fences): (Vec<u64>, Vec<u64>),
) -> (Vec<u8>, Link) {
    let mut body = header(by, Kind::Snapshot { kept, fences });
    let link = write_snapshot(snapshot, signer, &mut body).expect("BUG: memory can be written");
    (body, link)
}

fn header(by: &str, kind: Kind) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Header { by: by.to_owned(), kind }).expect("BUG: a header serialises");
    line.push(b'\n');
    line
}

/// Puts a fence where the next write would go, whoever's it is. Returns once nobody who knew an older log can write.
pub(super) async fn fence(objects: &Objects, place: &Place, attempt: &'static str, by: &str) -> Result<(), StoreError> {
    loop {
        let next = next(&numbers(objects).await.map_err(place.failed(attempt))?, place)?;
        let put = objects.put(&key(next), &header(by, Kind::Fence), If::Absent, SMALL).await;
        let put = put.map_err(place.failed(attempt))?;
        if let Put::Done(_) = put {
            return Ok(());
        }
    }
}

pub(super) async fn numbers(objects: &Objects) -> Result<Vec<u64>, S3Error> {
    let keys = objects.list(FOLDER).await?;
    Ok(keys.iter().filter_map(|key| number(key.strip_prefix(FOLDER)?)).collect())
}

/// How many numbers there are. No log gets that far.
const MOST: u64 = 1 << 63;

/// A number as [`key`] writes it: what has another form is none of ours, and is passed over.
fn number(digits: &str) -> Option<u64> {
    let is_written_so = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|number| is_written_so && *number < MOST)
}

/// The number after these.
fn next(all: &[u64], place: &Place) -> Result<u64, StoreError> {
    match all.last() {
        None => Ok(1),
        Some(last) if last + 1 < MOST => Ok(last + 1),
        Some(&last) => Err(StoreError::Damaged {
            place: place.to_string(),
            what: format!("`{}` has the highest number that there is, and nothing of ours has", key(last)),
            fix: format!("delete `{}`, and find out who put it there", key(last)),
        }),
    }
}

impl Log {
    /// Reads from the end backwards to the last snapshot, and takes in what follows it.
    pub(super) async fn read(objects: &Objects, place: &Place) -> Result<Self, StoreError> {
        for _ in 0..TRIES {
            let all = numbers(objects).await.map_err(place.failed("read the state in"))?;
            // Between the listing and the reading somebody may have written a snapshot, and deleted what it took in.
            if let Some(parts) = tail(objects, &all, place).await? {
                return Self::of(all, parts, place);
            }
        }
        let what = "what its server lists can't be read: each time something of it had gone".to_owned();
        let fix = "make sure that nobody deletes objects of it, and try again".to_owned();
        Err(StoreError::Damaged { place: place.to_string(), what, fix })
    }

    /// The snapshots before the last that are kept.
    pub(super) async fn history(objects: &Objects, place: &Place) -> Result<Vec<Earlier>, StoreError> {
        let kept = Self::read(objects, place).await?.snapshots;
        let reads = kept.iter().rev().skip(1).rev().map(async |&number| {
            let read = objects.get(&key(number)).await.map_err(place.failed("read an earlier state in"))?;
            // It went with a snapshot that somebody has written since.
            let Some(Object { body, age, .. }) = read else { return Ok(None) };
            let snapshot = part(number, body, place)
                .and_then(|part| read_snapshot(&part.payload).map_err(|error| unreadable(place, number, error)))
                .map(|(snapshot, _)| snapshot);
            let written = age.and_then(|age| SystemTime::now().checked_sub(age));
            Ok(Some(Earlier { place: format!("{place}, `{}`", key(number)), written, snapshot }))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    fn of(all: Vec<u64>, parts: Vec<Part>, place: &Place) -> Result<Self, StoreError> {
        let next = next(&all, place)?;
        let mut log = Self { next, all, ..Self::default() };
        let mut before = None;
        for Part { number, header, payload } in parts {
            if before.is_some_and(|before| before + 1 != number) && log.state.is_some() {
                return Err(damaged(place, number, "what stood before it is missing"));
            }
            before = Some(number);
            match (header.kind, &mut log.state) {
                (Kind::Fence, _) => log.fences.push(number),
                (Kind::Snapshot { kept, fences }, state) => {
                    *state = Some(Reading::begin(&payload).map_err(|error| unreadable(place, number, error))?);
                    (log.snapshot_len, log.journal_len) = (payload.len() as u64, 0);
                    log.snapshots = kept;
                    log.snapshots.push(number);
                    log.fences.extend(fences);
                }
                (Kind::Batch, Some(state)) => {
                    log.journal_len += payload.len() as u64;
                    let batch =
                        Batch::read(payload.trim_ascii_end()).map_err(|error| unreadable(place, number, error))?;
                    if batch.lineage != state.snapshot.lineage {
                        return Err(damaged(place, number, "it belongs to another state than the snapshot before it"));
                    }
                    state.take(batch).map_err(|error| unreadable(place, number, error))?;
                }
                (Kind::Batch, None) => {
                    return Err(damaged(place, number, "there is no snapshot before it"));
                }
            }
        }
        log.fences.sort_unstable();
        log.fences.dedup();
        Ok(log)
    }
}

#[derive(Debug)]
struct Part {
    number: u64,
    header: Header,
    payload: Vec<u8>,
}

/// The last snapshot and all that follows it, or all there is; none if something went while it was read.
async fn tail(objects: &Objects, all: &[u64], place: &Place) -> Result<Option<Vec<Part>>, StoreError> {
    let (mut parts, mut left) = (Vec::new(), all);
    while !left.is_empty() {
        let (rest, some) = left.split_at(left.len() - unbroken(left).min(AT_ONCE));
        let reads = try_join_all(some.iter().map(async |&number| objects.get(&key(number)).await)).await;
        let reads = reads.map_err(place.failed("read the state in"))?;
        let Some(reads) = reads.into_iter().collect::<Option<Vec<Object>>>() else { return Ok(None) };
        let read = some.iter().zip(reads).map(|(&number, object)| part(number, object.body, place));
        let mut read = read.collect::<Result<Vec<_>, _>>()?;
        let is_snapshot = |part: &Part| matches!(part.header.kind, Kind::Snapshot { .. });
        let snapshot = read.iter().rposition(is_snapshot);
        let mut found = read.split_off(snapshot.unwrap_or(0));
        found.append(&mut parts);
        parts = found;
        if snapshot.is_some() {
            break;
        }
        left = rest;
    }
    Ok(Some(parts))
}

/// How many numbers at the end follow on each other. Before a snapshot is a gap, where the batches were that it took in: so
/// the older snapshots, which may be large, are not read with it.
fn unbroken(numbers: &[u64]) -> usize {
    let pairs = numbers.windows(2).rev();
    pairs.take_while(|pair| pair[0] + 1 == pair[1]).count() + 1
}

fn part(number: u64, body: Vec<u8>, place: &Place) -> Result<Part, StoreError> {
    let end = body.iter().position(|&byte| byte == b'\n').unwrap_or(body.len());
    let header = serde_json::from_slice(&body[..end]);
    let header = header.map_err(|error| damaged(place, number, &format!("its first line can't be read ({error})")))?;
    Ok(Part { number, header, payload: body[(end + 1).min(body.len())..].to_vec() })
}

fn damaged(place: &Place, number: u64, what: &str) -> StoreError {
    unreadable(place, number, Unreadable::Damaged { what: what.to_owned() })
}

fn unreadable(place: &Place, number: u64, error: Unreadable) -> StoreError {
    let error = match error {
        Unreadable::Damaged { what } => Unreadable::Damaged { what: format!("`{}`: {what}", key(number)) },
        newer => newer,
    };
    let fix = "put back what was there, from the bucket's older versions or a backup; or go back to a snapshot that is \
               kept: copy its object to the next number. What was recorded since exists, and the next plan may find it \
               by its mark or its name";
    error.at(place.to_string(), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_log_are_those_that_are_written() {
        let written = key(42);
        assert_eq!(number(written.strip_prefix(FOLDER).unwrap()), Some(42));
        for digits in
            ["42", "+7", "+0000000000000000007", "18446744073709551615", "09223372036854775808", "0000000000000000004x"]
        {
            assert_eq!(number(digits), None, "{digits}");
        }
    }

    #[test]
    fn the_number_after_the_highest_is_refused() {
        let place = Place("s3://states".into());
        assert_eq!(next(&[], &place).unwrap(), 1);
        assert_eq!(next(&[1, 41], &place).unwrap(), 42);
        let refused = next(&[1, MOST - 1], &place).unwrap_err();
        assert!(refused.to_string().contains("log/09223372036854775807"), "{refused}");
    }
}
