//! What the holder of the lock writes.

use async_trait::async_trait;
use sprocket_core::kind::Lineage;
use sprocket_core::state::format::{Batch, Reading, is_snapshot_due};
use sprocket_core::state::{Entry, Loaded, Lock, Mac, Signer, Snapshot, StoreError};
use tokio::sync::Mutex;

use super::lease::Lease;
use super::log::{self, Log};
use super::objects::{If, Objects, Put};
use super::{LARGE, Place, SMALL};

/// The right to write, and what is known of the log.
#[derive(Debug)]
pub(super) struct S3Lock {
    objects: Objects,
    place: Place,
    keep: usize,
    /// None once it was given back.
    lease: Option<Lease>,
    writer: Mutex<Writer>,
}

#[derive(Debug, Default)]
struct Writer {
    /// Nothing before the first reading, after a failure that left the log as nobody knows, and while something is written: a
    /// write that is given up half way is one.
    open: Option<Open>,
    /// A write may still be under way.
    open_write: bool,
}

#[derive(Debug)]
struct Open {
    /// Its lineage, its serial, and what the next batch is signed on; none where no state has begun.
    state: Option<(Lineage, u64, Mac)>,
    next: u64,
    snapshots: Vec<u64>,
    fences: Vec<u64>,
    all: Vec<u64>,
    /// How long the last snapshot is.
    snapshot_len: u64,
    /// How long the batches since are, together.
    journal_len: u64,
}

impl Open {
    /// What is left in the log is read by each command, so it is bounded in bytes, as in every store, and in objects.
    fn wants_snapshot(&self) -> bool {
        let objects = self.snapshots.last().map_or(0, |last| self.next - last);
        objects >= log::AT_ONCE as u64 || is_snapshot_due(self.journal_len, self.snapshot_len)
    }
}

impl S3Lock {
    pub(super) fn new(objects: Objects, place: Place, keep: usize, lease: Lease) -> Self {
        Self { objects, place, keep, lease: Some(lease), writer: Mutex::default() }
    }

    fn lease(&self) -> &Lease {
        self.lease.as_ref().expect("BUG: a lock that was given back is not used")
    }

    async fn open(&self, writer: &mut Writer) -> Result<Open, StoreError> {
        if let Some(open) = writer.open.take() {
            return Ok(open);
        }
        let (_, open) = self.read().await?;
        Ok(open)
    }

    async fn read(&self) -> Result<(Option<Reading>, Open), StoreError> {
        let Log { state: reading, next, snapshots, fences, all, snapshot_len, journal_len } =
            Log::read(&self.objects, &self.place).await?;
        let known = |state: &Reading| (state.snapshot.lineage.clone(), state.snapshot.serial, state.head());
        let state = reading.as_ref().map(known);
        Ok((reading, Open { state, next, snapshots, fences, all, snapshot_len, journal_len }))
    }

    /// Writes the next object of the log.
    async fn write(
        &self,
        writer: &mut Writer,
        open: &mut Open,
        body: &[u8],
        attempt: &'static str,
    ) -> Result<(), StoreError> {
        let limit = if body.len() > 1 << 20 { LARGE } else { SMALL };
        writer.open_write = true;
        let put = self.objects.put(&log::key(open.next), body, If::Absent, limit).await;
        let put = put.map_err(self.place.failed(attempt))?;
        writer.open_write = false;
        if put == Put::Refused {
            self.lease().lose();
            return Err(StoreError::LockLost);
        }
        open.all.push(open.next);
        open.next += 1;
        Ok(())
    }
}

#[async_trait]
impl Lock for S3Lock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let mut writer = self.writer.lock().await;
        self.lease().check().await?;
        let (state, open) = self.read().await?;
        writer.open = Some(open);
        Ok(state.map(|state| state.loaded(Vec::new())))
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        self.lease().check().await?;
        let mut open = self.open(&mut writer).await?;
        let Some((lineage, serial, head)) = &mut open.state else {
            writer.open = Some(open);
            return Err(StoreError::NoSnapshot { place: self.place.to_string() });
        };
        if !entries.is_empty() {
            let batch = Batch::new(lineage.clone(), *serial + 1, entries);
            let (body, link) = log::batch(&self.lease().nonce, &batch, signer, *head);
            *serial += entries.len() as u64;
            *head = link.mac();
            self.write(&mut writer, &mut open, &body, "append to the journal in").await?;
            open.journal_len += body.len() as u64;
        }
        writer.open = Some(open);
        Ok(())
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        self.lease().check().await?;
        let mut open = self.open(&mut writer).await?;
        if let Some((lineage, stored, _)) = &open.state
            && *lineage == snapshot.lineage
            && *stored > snapshot.serial
        {
            let (stored, given) = (*stored, snapshot.serial);
            writer.open = Some(open);
            return Err(StoreError::Behind { place: self.place.to_string(), stored, given });
        }
        let number = open.next;
        let first = open.snapshots.len().saturating_sub(self.keep);
        let kept = open.snapshots.split_off(first);
        let lists = (kept.clone(), open.fences.clone());
        let (body, link) = log::snapshot(&self.lease().nonce, snapshot, signer, lists);
        self.write(&mut writer, &mut open, &body, "write the snapshot in").await?;
        open.state = Some((snapshot.lineage.clone(), snapshot.serial, link.mac()));
        (open.snapshot_len, open.journal_len) = (body.len() as u64, 0);
        open.snapshots = kept;
        open.snapshots.push(number);
        let stays = |number: &u64| open.snapshots.contains(number) || open.fences.contains(number);
        let (stay, go): (Vec<u64>, Vec<u64>) = open.all.iter().partition(|number| stays(number));
        open.all = stay;
        let go: Vec<String> = go.into_iter().map(log::key).collect();
        // What is left of them is passed over, and goes with the next snapshot.
        if let Err(error) = self.objects.delete(&go).await {
            tracing::warn!("{error}: they stay until the next snapshot");
        }
        writer.open = Some(open);
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.lease().is_held()
    }

    fn wants_snapshot(&self) -> bool {
        // Not while something is written: what comes of it is not known.
        let writer = self.writer.try_lock();
        writer.is_ok_and(|writer| writer.open.as_ref().is_some_and(Open::wants_snapshot))
    }

    async fn release(mut self: Box<Self>) -> Result<(), StoreError> {
        let clean = !self.writer.lock().await.open_write;
        let result = self.lease().give_back(clean).await;
        self.lease = None;
        result
    }
}

impl Drop for S3Lock {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_wanted_once_batches_are_long_or_many() {
        let check = |batches: u64, journal_len: u64, wanted: bool| {
            let (next, snapshots) = (41 + batches, vec![1, 40]);
            let (fences, all) = (Vec::new(), Vec::new());
            let open = Open { state: None, next, snapshots, fences, all, snapshot_len: 1 << 20, journal_len };
            assert_eq!(open.wants_snapshot(), wanted, "{batches} batches, {journal_len} bytes");
        };
        check(0, 0, false);
        check(2, (1 << 18) - 1, false);
        check(2, 1 << 18, true);
        check(62, 62 << 10, false);
        check(63, 63 << 10, true);
    }
}
