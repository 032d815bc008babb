//! What the holder of the lock does to the files.
//!
//! **Invariant:** at each moment the files, as a crash would leave them, hold the last state that was durable or the one
//! that is being written. A new snapshot is durable under its name before the journal that it has taken in goes; until
//! then the serials tell that it has.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::claim::FileLockGuard;
use super::folder::{self, io_error, private};
use super::journal::Journal;
use super::{Files, Read};
use crate::base::Lineage;
use crate::state::format::{Batch, Reading, is_snapshot_due, write_snapshot};
use crate::state::journal::Entry;
use crate::state::mac::{Mac, Signer};
use crate::state::snapshot::Snapshot;
use crate::state::store::{Loaded, StoreError};

#[derive(Debug)]
pub(super) struct Writer {
    claim: Arc<FileLockGuard>,
    files: Files,
    keep: usize,
    /// What was read of the files, until they are opened for the first write.
    read: Option<FileFacts>,
    /// What is known of the files. None before the first write, and after a failure that left them as nobody knows.
    open: Option<OpenFiles>,
}

/// What a reading told of the files.
#[derive(Debug)]
struct FileFacts {
    lineage: Lineage,
    /// Of the snapshot's file.
    stored: u64,
    /// With the journal.
    serial: u64,
    /// What the next line is signed on.
    head: Mac,
    /// How long the snapshot's file is.
    len: u64,
    journal: Journal,
}

/// The same, with the journal ready for appending.
#[derive(Debug)]
struct OpenFiles {
    lineage: Lineage,
    stored: u64,
    serial: u64,
    head: Mac,
    journal: Option<File>,
    /// How long the journal is.
    len: u64,
    /// How long the snapshot's file is.
    snapshot: u64,
}

impl Writer {
    pub(super) fn new(claim: Arc<FileLockGuard>, files: Files, keep: usize) -> Self {
        Self { claim, files, keep, read: None, open: None }
    }

    /// Whether the lock is still held.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.claim.check()
    }

    /// Reads the state.
    pub(super) fn load(&mut self) -> Result<Option<Loaded>, StoreError> {
        self.claim.check()?;
        let Some((state, known)) = self.read()? else { return Ok(None) };
        let loaded = self.files.loaded(state, &known.journal);
        self.read = self.open.is_none().then_some(known);
        Ok(Some(loaded))
    }

    fn read(&self) -> Result<Option<(Reading, FileFacts)>, StoreError> {
        let Some(Read { state, len, journal }) = self.files.read()? else { return Ok(None) };
        let (lineage, serial) = (state.snapshot.lineage.clone(), state.snapshot.serial);
        let known = FileFacts { lineage, stored: state.stored(), serial, head: state.head(), len, journal };
        Ok(Some((state, known)))
    }

    /// Whether the journal is long enough for a new snapshot, as far as is known.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.open.as_ref().is_some_and(|open| is_snapshot_due(open.len, open.snapshot))
    }

    /// Appends a line to the journal.
    pub(super) fn append(&mut self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        self.claim.check()?;
        if self.open.is_none() {
            self.open = self.open()?;
        }
        let Some(open) = &mut self.open else {
            return Err(StoreError::NoSnapshot { place: self.files.place() });
        };
        if entries.is_empty() {
            return Ok(());
        }
        let path = &self.files.journal;
        let (line, link) = Batch::new(open.lineage.clone(), open.serial + 1, entries).line(signer, open.head);
        let (journal, new) = match open.journal.take() {
            Some(journal) => (journal, false),
            None => {
                let made = private().append(true).create(true).open(path);
                (made.map_err(io_error("make", path))?, true)
            }
        };
        let write = || {
            (&journal).write_all(&line).map_err(io_error("append to", path))?;
            journal.sync_data().map_err(io_error("append to", path))?;
            if new { folder::sync(&self.files.folder) } else { Ok(()) }
        };
        match write() {
            Ok(()) => {
                open.journal = Some(journal);
                open.len += line.len() as u64;
                open.serial += entries.len() as u64;
                open.head = link.mac();
                Ok(())
            }
            Err(error) => {
                // What was written of the line is taken back. If that fails too, the files are read again before the
                // next write, which finds a torn line, or a whole one.
                match journal.set_len(open.len).and_then(|()| journal.sync_data()) {
                    Ok(()) => open.journal = (!new).then_some(journal),
                    Err(_) => self.open = None,
                }
                Err(error)
            }
        }
    }

    /// Replaces the snapshot.
    pub(super) fn compact(&mut self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        self.claim.check()?;
        let before = match self.open.take() {
            Some(open) => Some(open),
            None => self.open()?,
        };
        if let Some(open) = &before
            && open.lineage == snapshot.lineage
            && open.serial > snapshot.serial
        {
            let error = StoreError::Behind { place: self.files.place(), stored: open.serial, given: snapshot.serial };
            self.open = before;
            return Err(error);
        }
        let new = self.files.snapshot.with_extension("json.new");
        let (size, head) = match write_new(&new, snapshot, signer) {
            Ok(written) => written,
            Err(error) => {
                // It may have taken the last room.
                let _ = fs::remove_file(&new);
                return Err(error);
            }
        };
        let replace = || {
            // Writing it took its time.
            self.claim.check()?;
            if let Some(open) = before
                && (open.lineage != snapshot.lineage || open.stored != snapshot.serial)
            {
                self.keep_generation(open.stored)?;
            }
            fs::rename(&new, &self.files.snapshot).map_err(io_error("replace", &self.files.snapshot))
        };
        if let Err(error) = replace() {
            // It holds room that a line of the journal may need.
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        folder::sync(&self.files.folder)?;
        // Not cut to nothing: who is reading it reads on.
        remove(&self.files.journal)?;
        let lineage = snapshot.lineage.clone();
        let (stored, serial) = (snapshot.serial, snapshot.serial);
        self.open = Some(OpenFiles { lineage, stored, serial, head, journal: None, len: 0, snapshot: size });
        Ok(())
    }

    /// Makes the journal ready for appending, as the files were read, or now are; `None` if no state has begun.
    fn open(&mut self) -> Result<Option<OpenFiles>, StoreError> {
        let known = match self.read.take() {
            Some(known) => known,
            None => match self.read()? {
                Some((_, known)) => known,
                None => return Ok(None),
            },
        };
        let FileFacts { lineage, stored, serial, head, len, journal } = known;
        let path = &self.files.journal;
        let mut open = OpenFiles { lineage, stored, serial, head, journal: None, len: 0, snapshot: len };
        if let Some(lineage) = &journal.foreign {
            // It may be all that somebody has of another state, as may one that was set aside before.
            let name = format!("journal-of-{}", lineage.as_str().replace(['/', '\\'], "-"));
            let aside = (1..).map(|number| match number {
                1 => self.files.folder.join(&name),
                number => self.files.folder.join(format!("{name}-{number}")),
            });
            let mut aside = aside;
            let aside = aside.find(|path| !path.exists()).expect("BUG: there are names without end");
            fs::rename(path, &aside).map_err(io_error("set aside", path))?;
        } else if journal.lines > 0 || journal.torn.is_some() {
            let file = private().append(true).open(path).map_err(io_error("open", path))?;
            open.len = journal.good as u64;
            if journal.torn.is_some() {
                file.set_len(open.len).map_err(io_error("cut", path))?;
            }
            open.journal = Some(file);
        }
        folder::sync(&self.files.folder)?;
        Ok(Some(open))
    }

    /// Keeps the snapshot as it is now among the last ones.
    fn keep_generation(&self, serial: u64) -> Result<(), StoreError> {
        let history = &self.files.history;
        folder::make_one(history)?;
        let number = |path: &Path| path.file_name()?.to_str()?.split_once("-serial-")?.0.parse().ok();
        let kept: Vec<(u64, PathBuf)> =
            folder::files(history)?.into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
        // By number, as serials go back when an older state is restored.
        let number = kept.last().map_or(1, |(last, _)| last.saturating_add(1));
        let path = history.join(format!("{number:06}-serial-{serial}.json"));
        // A second name for it. Some file systems have no such thing.
        fs::hard_link(&self.files.snapshot, &path)
            .or_else(|_| fs::copy(&self.files.snapshot, &path).map(drop))
            .map_err(io_error("keep", &path))?;
        folder::sync(history)?;
        for (_, old) in kept.iter().take((kept.len() + 1).saturating_sub(self.keep.max(1))) {
            remove(old)?;
        }
        Ok(())
    }
}

/// Writes a snapshot, and says how long it is, and what the next line is signed on.
fn write_new(path: &Path, snapshot: &Snapshot, signer: &Signer) -> Result<(u64, Mac), StoreError> {
    let write = || {
        let file = private().write(true).create(true).truncate(true).open(path)?;
        let link = write_snapshot(snapshot, signer, &file)?;
        file.sync_all()?;
        Ok((file.metadata()?.len(), link.mac()))
    };
    write().map_err(io_error("write", path))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_removed_is_an_error_and_what_is_not_there_is_none() {
        let temp = tempfile::tempdir().unwrap();
        let refused = remove(temp.path());
        assert!(matches!(&refused, Err(StoreError::Io { attempt: "remove", .. })), "{refused:?}");
        remove(&temp.path().join("none")).unwrap();
    }
}
