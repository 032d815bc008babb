//! The lock of a file store: the operating system's, on the file `lock`.
//!
//! The system gives it back when its holder ends, however it ends. The holder writes itself into the file, for others to
//! print, and it is only believed while the system's lock is held. To break the lock of a live holder, the file is
//! replaced: the holder's own is then no longer the one in the folder, which it looks at before each write. Who takes the
//! lock and who breaks one take turns, by a lock on the folder: what is broken is what was looked at.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::folder::{io_error, private, read};
use crate::state::store::{Holder, StoreError};

/// Who asks for the holder takes the lock, shared, for an instant; a new holder takes one to write itself down.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(10);
/// How long to wait for one's turn.
const TURN: Duration = Duration::from_secs(5);

/// A lock that is held.
#[derive(Debug)]
pub(super) struct FileLockGuard {
    path: PathBuf,
    file: File,
    written: Vec<u8>,
    /// When it was last seen to be held.
    seen: Mutex<Option<Instant>>,
}

/// A run starts many calls in one moment: what was seen so short a time ago is not looked at again. It is less than a call
/// takes to get to its service.
const MOMENT: Duration = Duration::from_millis(1);

impl FileLockGuard {
    /// Takes the lock.
    pub(super) fn take(path: PathBuf, holder: &Holder) -> Result<Self, StoreError> {
        let written = serde_json::to_vec(holder).expect("BUG: a holder serialises");
        for _ in 0..TRIES {
            let turn = Turn::wait(&path)?;
            let file = private().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = file.map_err(io_error("open", &path))?;
            if !is_free(file.try_lock(), &path)? {
                drop(turn);
                sleep(PAUSE);
                continue;
            }
            file.set_len(0).and_then(|()| file.write_all(&written)).map_err(io_error("write", &path))?;
            return Ok(Self { path: path.clone(), file, written, seen: Mutex::default() });
        }
        let holder = holder_of(&path)?.unwrap_or_else(|| unknown(&path));
        Err(StoreError::Locked { holder: Box::new(holder) })
    }

    /// Whether it is still held.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let begun = Instant::now();
        let is_held = read(&self.path).map(|content| content.as_ref() == Some(&self.written));
        *self.seen() = matches!(is_held, Ok(true)).then_some(begun);
        if is_held? { Ok(()) } else { Err(StoreError::LockLost) }
    }

    /// The same, for calls: it was held a moment ago, if not now.
    pub(super) fn is_held(&self) -> bool {
        let seen = *self.seen();
        seen.is_some_and(|seen| seen.elapsed() < MOMENT) || self.check().is_ok()
    }

    fn seen(&self) -> MutexGuard<'_, Option<Instant>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FileLockGuard {
    fn drop(&mut self) {
        // For readers only; that it is free says the unlocking. A child process may have inherited the file, so that
        // closing it would not be enough.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Held while the lock is taken or broken: an instant. Who holds it for longer has been stopped.
struct Turn(File);

impl Turn {
    fn wait(lock: &Path) -> Result<Self, StoreError> {
        let folder = lock.parent().unwrap_or(Path::new("."));
        let file = File::open(folder).map_err(io_error("open", folder))?;
        let begun = Instant::now();
        while !is_free(file.try_lock(), folder)? {
            if begun.elapsed() > TURN {
                return Err(io_error("lock", folder)(std::io::ErrorKind::TimedOut.into()));
            }
            sleep(PAUSE);
        }
        Ok(Self(file))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

fn is_free(tried: Result<(), TryLockError>, path: &Path) -> Result<bool, StoreError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(io_error("lock", path)(error)),
    }
}

/// Opens the lock's file, if there is one.
fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("open", path)(error)),
    }
}

fn written_in(mut file: &File) -> Option<Holder> {
    let mut content = Vec::new();
    file.read_to_end(&mut content).ok()?;
    serde_json::from_slice(&content).ok()
}

/// Who holds the lock.
pub(super) fn holder_of(path: &Path) -> Result<Option<Holder>, StoreError> {
    for _ in 0..TRIES {
        let Some(file) = open(path)? else { return Ok(None) };
        if is_free(file.try_lock_shared(), path)? {
            return Ok(None);
        }
        if let Some(holder) = written_in(&file) {
            return Ok(Some(holder));
        }
        sleep(PAUSE);
    }
    Ok(Some(unknown(path)))
}

fn unknown(path: &Path) -> Holder {
    let since = fs::metadata(path).and_then(|data| data.modified()).ok().and_then(|time| time.try_into().ok());
    Holder {
        id: "unknown".into(),
        who: "a process that did not say who it is".into(),
        command: "unknown".into(),
        since: since.unwrap_or_default(),
    }
}

/// Breaks the lock of this id.
pub(super) fn break_lock(path: &Path, id: &str) -> Result<(), StoreError> {
    let none = || StoreError::NoSuchLock { id: id.into() };
    open(path)?.ok_or_else(none)?;
    let _turn = Turn::wait(path)?;
    let file = open(path)?.ok_or_else(none)?;
    let free = is_free(file.try_lock(), path)?;
    let holder = if free { written_in(&file) } else { holder_of(path)? };
    if holder.is_none_or(|holder| holder.id != id) {
        return Err(none());
    }
    let empty = path.with_extension("new");
    private().write(true).create(true).truncate(true).open(&empty).map_err(io_error("write", &empty))?;
    fs::rename(&empty, path).map_err(io_error("replace", path))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn holder(id: &str) -> Holder {
        Holder { id: id.into(), who: "somebody".into(), command: "apply".into(), since: Default::default() }
    }

    #[test]
    fn who_is_stopped_in_its_turn_is_not_waited_for_for_ever() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let stopped = Turn::wait(&path).unwrap();
        let error = FileLockGuard::take(path.clone(), &holder("second")).unwrap_err();
        assert!(
            matches!(&error, StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::TimedOut),
            "{error:?}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("stopped")), "{:?}", error.hint());
        drop(stopped);
        FileLockGuard::take(path, &holder("second")).unwrap();
    }

    #[test]
    fn who_takes_the_lock_while_another_is_broken_keeps_it() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        for _ in 0..500 {
            let first = FileLockGuard::take(path.clone(), &holder("first")).unwrap();
            let together = Barrier::new(2);
            let (second, broken) = std::thread::scope(|scope| {
                let taking = scope.spawn(|| {
                    together.wait();
                    drop(first);
                    FileLockGuard::take(path.clone(), &holder("second"))
                });
                together.wait();
                let broken = break_lock(&path, "first");
                (taking.join().unwrap(), broken)
            });
            let second = second.unwrap();
            assert_eq!(second.check().map_err(|error| error.to_string()), Ok(()), "after {broken:?}");
        }
    }

    #[test]
    fn a_lock_that_was_seen_a_moment_ago_is_not_looked_at_again() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let claim = FileLockGuard::take(path.clone(), &holder("first")).unwrap();
        assert!(claim.is_held());
        fs::remove_file(&path).unwrap();
        // A time to come is a moment ago however slow the machine is.
        *claim.seen() = Some(Instant::now() + TURN);
        assert!(claim.is_held());
        *claim.seen() = Some(Instant::now());
        sleep(2 * MOMENT);
        assert!(!claim.is_held(), "what was seen earlier than that is not believed");
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_that_cannot_be_read_is_not_taken_for_a_free_one() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("state"), "a file where a folder should be").unwrap();
        let path = temp.path().join("state/lock");
        for refused in [holder_of(&path).map(drop), break_lock(&path, "first")] {
            assert!(matches!(&refused, Err(StoreError::Io { attempt: "open", .. })), "{refused:?}");
        }
        assert_eq!(holder_of(&temp.path().join("lock")).unwrap(), None);
    }
}
