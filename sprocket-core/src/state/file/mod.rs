//! A store in a folder: what a state is, for one machine.
//!
//! ```text
//! .sprocket/production/eu/
//!   state.json   the snapshot, indented; replaced as a whole
//!   journal      the entries since, a line for each append; taken into a new snapshot once it is a quarter as long
//!   lock         the holder; the lock itself is the operating system's
//!   history/     the last snapshots
//!   key.txt      the stack's own key, where the environment lets it have one
//! ```
//!
//! Loading takes no lock and writes nothing, and sees a state that was durable, also while another process writes.
//! To go back to an older state, put one of `history/` in the place of `state.json` and delete `journal`.

mod claim;
mod folder;
mod journal;
mod writer;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use async_trait::async_trait;

use self::claim::FileLockGuard;
use self::folder::{io_error, private};
use self::journal::Journal;
use self::writer::Writer;
use super::format::{Reading, read_snapshot};
use super::journal::Entry;
use super::key::{KeySource, generate_identity};
use super::mac::Signer;
use super::snapshot::Snapshot;
use super::store::{Earlier, Holder, Loaded, Lock, StateStore, StoreError};
use crate::base::Entropy;
use crate::value::Secret;

/// A state in a folder of its own.
#[derive(Clone, Debug)]
pub struct FileStore {
    files: Files,
    keep: usize,
}

#[derive(Clone, Debug)]
struct Files {
    folder: PathBuf,
    snapshot: PathBuf,
    journal: PathBuf,
    lock: PathBuf,
    history: PathBuf,
    key: PathBuf,
}

/// The files of a state, read.
#[derive(Debug, PartialEq)]
struct Read {
    state: Reading,
    /// How long the snapshot's file is.
    len: u64,
    journal: Journal,
}

impl FileStore {
    /// The state in this folder, which is made when it is first locked, for its owner only. The topmost folder that is
    /// made with it is kept out of version control by a `.gitignore`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let file = |name| folder.join(name);
        let (snapshot, journal, lock) = (file("state.json"), file("journal"), file("lock"));
        let (history, key) = (file("history"), file("key.txt"));
        Self { files: Files { folder, snapshot, journal, lock, history, key }, keep: 5 }
    }

    /// Keeps this many earlier snapshots, at least one; without it, five.
    #[must_use]
    pub fn keep(mut self, generations: usize) -> Self {
        self.keep = generations.max(1);
        self
    }

    /// The key that lies beside the state, if there is one. Who can read the folder can open such a state.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn own_key(&self) -> Result<Option<KeySource>, StoreError> {
        let files = self.files.clone();
        blocking(&self.files, move || files.own_key()).await
    }

    /// The key that lies beside the state; makes one if there is none.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub async fn make_own_key(&self) -> Result<KeySource, StoreError> {
        let files = self.files.clone();
        blocking(&self.files, move || {
            folder::make(&files.folder)?;
            // Whole before it has its name: another process may be making one too, and reads what is there.
            let new = files.key.with_extension(Entropy::system().id());
            let write = || {
                let mut file = private().write(true).create_new(true).open(&new)?;
                file.write_all(generate_identity().reveal().as_bytes())?;
                file.sync_all()?;
                match fs::hard_link(&new, &files.key) {
                    // Some file systems have no such thing: there, of two that make one at once the last one's is it.
                    Err(error) if error.kind() != ErrorKind::AlreadyExists && !files.key.exists() => {
                        fs::rename(&new, &files.key)
                    }
                    linked => linked,
                }
            };
            let written = write();
            let _ = fs::remove_file(&new);
            // A crash has left identities here that nothing was sealed with.
            for path in folder::files(&files.folder)? {
                let name = path.file_name().and_then(|name| name.to_str());
                let made = name.and_then(|name| name.strip_prefix("key.")).is_some_and(|id| id.len() == 26);
                if made && files.key.exists() {
                    let _ = fs::remove_file(path);
                }
            }
            if let Err(error) = written
                && !files.key.exists()
            {
                return Err(io_error("write", &files.key)(error));
            }
            folder::sync(&files.folder)?;
            files.own_key()?.ok_or_else(|| io_error("read", &files.key)(ErrorKind::NotFound.into()))
        })
        .await
    }
}

impl Files {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn own_key(&self) -> Result<Option<KeySource>, StoreError> {
        let Some(bytes) = folder::read(&self.key)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|_| io_error("read", &self.key)(ErrorKind::InvalidData.into()))?;
        Ok(Some(KeySource::identity(Secret::new(text), self.key.display().to_string())))
    }

    /// Reads the state, with the journal taken in.
    ///
    /// The journal first: if the snapshot is replaced in between, it has what was read. Read the other way round,
    /// entries could go missing.
    fn read(&self) -> Result<Option<Read>, StoreError> {
        let journal = folder::read(&self.journal)?.unwrap_or_default();
        let Some(snapshot) = folder::read(&self.snapshot)? else { return self.nothing(&journal) };
        let place = self.snapshot.display().to_string();
        let len = snapshot.len() as u64;
        let mut state = Reading::begin(&snapshot).map_err(|error| error.at(place, self.restore()))?;
        let journal = Journal::replay(&journal, &mut state, &self.journal.display().to_string())?;
        Ok(Some(Read { state, len, journal }))
    }

    fn loaded(&self, state: Reading, journal: &Journal) -> Loaded {
        state.loaded(journal.notes(&self.journal.display().to_string()))
    }

    /// There is no snapshot: no state has begun, or it has gone.
    fn nothing(&self, journal: &[u8]) -> Result<Option<Read>, StoreError> {
        if journal.is_empty() && folder::files(&self.history)?.is_empty() {
            return Ok(None);
        }
        let what = format!("{} is missing, and what belongs to it is not", name(&self.snapshot));
        Err(StoreError::Damaged { place: self.place(), what, fix: self.restore() })
    }

    fn restore(&self) -> String {
        let (name, history, journal) = (name(&self.snapshot), self.history.display(), self.journal.display());
        format!(
            "put a copy of {name} in its place, from a backup or from {history}; if {journal} does not follow on it, \
             delete that too, and what it told is forgotten"
        )
    }
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(
    files: &Files,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ended) => Err(io_error("work on", &files.folder)(std::io::Error::other(ended))),
        },
    }
}

#[async_trait]
impl StateStore for FileStore {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let files = self.files.clone();
        blocking(&self.files, move || {
            let mut read = files.read();
            // A line that is being written looks torn. If it still does a moment later, it is.
            while read.as_ref().is_ok_and(|read| read.as_ref().is_some_and(|read| read.journal.torn.is_some())) {
                sleep(Duration::from_millis(20));
                let again = files.read();
                if matches!((&read, &again), (Ok(before), Ok(after)) if before == after) {
                    break;
                }
                read = again;
            }
            Ok(read?.map(|read| files.loaded(read.state, &read.journal)))
        })
        .await
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        let (files, holder, keep) = (self.files.clone(), holder.clone(), self.keep);
        let writer = blocking(&self.files, move || {
            folder::make(&files.folder)?;
            let claim = FileLockGuard::take(files.lock.clone(), &holder)?;
            let claim = Arc::new(claim);
            Ok((Writer::new(Arc::clone(&claim), files, keep), claim))
        });
        let (writer, claim) = writer.await?;
        Ok(Box::new(FileLock { files: self.files.clone(), claim, writer: Arc::new(Mutex::new(writer)) }))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        let (path, id) = (self.files.lock.clone(), id.to_owned());
        blocking(&self.files, move || claim::break_lock(&path, &id)).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        let path = self.files.lock.clone();
        blocking(&self.files, move || claim::holder_of(&path)).await
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        let files = self.files.clone();
        blocking(&self.files, move || {
            let read = |path: PathBuf| {
                let place = path.display().to_string();
                let fix = "it is not needed: what counts is the state itself";
                let snapshot = folder::read(&path).and_then(|bytes| {
                    let read = read_snapshot(&bytes.unwrap_or_default()).map_err(|error| error.at(place.clone(), fix));
                    read.map(|(snapshot, _)| snapshot)
                });
                let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
                Earlier { place, written, snapshot }
            };
            Ok(folder::files(&files.history)?.into_iter().map(read).collect())
        })
        .await
    }

    fn place(&self) -> String {
        self.files.place()
    }
}

/// The lock goes when the last of the work that was begun under it has ended.
#[derive(Debug)]
struct FileLock {
    files: Files,
    /// The writer's too. It is asked here without waiting for what is being written.
    claim: Arc<FileLockGuard>,
    writer: Arc<Mutex<Writer>>,
}

impl FileLock {
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = Arc::clone(&self.writer);
        blocking(&self.files, move || work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

#[async_trait]
impl Lock for FileLock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.work(Writer::load).await
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        let (entries, signer) = (entries.to_vec(), signer.clone());
        self.work(move |writer| writer.append(&entries, &signer)).await
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        let (snapshot, signer) = (snapshot.clone(), signer.clone());
        self.work(move |writer| writer.compact(&snapshot, &signer)).await
    }

    fn is_held(&self) -> bool {
        self.claim.is_held()
    }

    fn wants_snapshot(&self) -> bool {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).wants_snapshot()
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.work(|writer| writer.check()).await
    }
}
