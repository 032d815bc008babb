//! The folder of a file store: who may read it, and when a change of it is durable.
//!
//! Folders are made for their owner only (0700), files too (0600). A new or renamed file is durable once its folder is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::state::store::StoreError;

/// An error of the file system, with what was attempted.
pub(super) fn io_error(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { attempt, place: path.display().to_string(), source }
}

/// How files of the store are opened: if they are made, they are private.
pub(super) fn private() -> OpenOptions {
    #[allow(unused_mut)]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder and those above it. The topmost one that is made is kept out of version control.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    for path in missing.iter().rev() {
        make_one(path)?;
    }
    match missing.last() {
        Some(top) if !is_ignored(top) => {
            let path = top.join(".gitignore");
            let write = |mut file: File| file.write_all(b"*\n");
            private()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
                .and_then(write)
                .map_err(io_error("write", &path))
        }
        _ => Ok(()),
    }
}

/// Makes a folder, if it is not there.
pub(super) fn make_one(path: &Path) -> Result<(), StoreError> {
    #[allow(unused_mut)]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync(Path::new(".")),
            Some(parent) => sync(parent),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error("make", path)(error)),
    }
}

/// Whether a folder above it has such a file already.
fn is_ignored(folder: &Path) -> bool {
    let ignores = |path: &Path| fs::read_to_string(path.join(".gitignore")).is_ok_and(|text| text.trim() == "*");
    folder.ancestors().skip(1).any(ignores)
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> Result<(), StoreError> {
    // Only there is a folder a file that can be opened.
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error("make durable", folder))?;
    }
    Ok(())
}

/// The content of a file, if there is one.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

/// The files in a folder, by name; none if it does not exist.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        files.sort();
        Ok(files)
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(io_error("read", folder)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_and_one_that_is_there_is_none() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("state");
        let refused = make_one(&folder.join("history"));
        assert!(matches!(&refused, Err(StoreError::Io { attempt: "make", .. })), "{refused:?}");
        for _ in 0..2 {
            make_one(&folder).unwrap();
        }
        assert!(folder.is_dir());
    }

    #[test]
    fn a_folder_is_made_beside_where_the_program_runs() {
        let folder = PathBuf::from(format!("made-by-test-{}", std::process::id()));
        let made = make_one(&folder);
        let is_there = folder.is_dir();
        fs::remove_dir(&folder).unwrap();
        made.unwrap();
        assert!(is_there);
    }

    #[test]
    fn what_can_not_be_read_is_an_error_and_what_is_not_there_is_none() {
        let temp = tempfile::tempdir().unwrap();
        let refused = read(temp.path());
        assert!(matches!(&refused, Err(StoreError::Io { attempt: "read", .. })), "{refused:?}");
        assert_eq!(read(&temp.path().join("none")).unwrap(), None);
    }

    #[test]
    fn what_is_no_folder_is_an_error_and_one_that_is_not_there_has_no_files() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "no folder").unwrap();
        let refused = files(&file);
        assert!(matches!(&refused, Err(StoreError::Io { attempt: "read", .. })), "{refused:?}");
        assert!(files(&temp.path().join("none")).unwrap().is_empty());
    }
}
