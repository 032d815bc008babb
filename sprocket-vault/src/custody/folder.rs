//! The first custodian: a folder, with a sealed file for each item.
//!
//! `key.json` has what all others are sealed to, under the passphrase; it is made with the first item.
//! Files are for their owner only. A write is a file beside, synced, renamed into its place, and the folder synced.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use async_trait::async_trait;
use sprocket_core::program::Secret;

use super::sealing::CustodyKey;
use super::{Custodian, CustodyError, FailureDomain, Item};
use crate::fault;

const KEY: &str = "key.json";
const PROBE: &str = "probe";
const RETIRED: &str = "retired";
/// The longest file that is read.
const LONGEST: u64 = 1 << 20;

/// A folder whose files are sealed to a passphrase.
pub struct SealedFolder {
    folder: PathBuf,
    passphrase: Secret<String>,
    key: OnceLock<CustodyKey>,
}

impl std::fmt::Debug for SealedFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedFolder({})", self.folder.display())
    }
}

impl SealedFolder {
    /// A folder that need not be there yet. Nothing is read or written before it is used.
    pub fn new(folder: impl Into<PathBuf>, passphrase: Secret<String>) -> Self {
        Self { folder: folder.into(), passphrase, key: OnceLock::new() }
    }

    fn path(&self, item: Item) -> PathBuf {
        self.folder.join(format!("{item}.age"))
    }

    /// The key that there is.
    async fn key(&self) -> Result<Option<&CustodyKey>, CustodyError> {
        if let Some(key) = self.key.get() {
            return Ok(Some(key));
        }
        let Some(sealed) = read(&self.folder.join(KEY))? else { return Ok(None) };
        let passphrase = self.passphrase.clone();
        let key = off_thread(move || CustodyKey::open(&sealed, &passphrase)).await;
        let key = key.map_err(|_| CustodyError::WrongPassphrase { place: self.place() })?;
        Ok(Some(self.key.get_or_init(|| key)))
    }

    async fn key_or_new(&self) -> Result<&CustodyKey, CustodyError> {
        if self.key().await?.is_none() {
            if self.passphrase.expose().is_empty() {
                return Err(CustodyError::NoPassphrase { place: self.place() });
            }
            let damaged = |_| CustodyError::Damaged { what: "key".into(), place: self.place() };
            let passphrase = self.passphrase.clone();
            let (key, sealed) = off_thread(move || CustodyKey::new(&passphrase)).await.map_err(damaged)?;
            write(&self.folder, &self.folder.join(KEY), &sealed)?;
            let _ = self.key.set(key);
        }
        Ok(self.key.get().expect("BUG: the key is there or was just made"))
    }
}

#[async_trait]
impl Custodian for SealedFolder {
    fn domain(&self) -> FailureDomain {
        FailureDomain(format!("the folder {}", self.place()))
    }

    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    async fn probe(&self) -> Result<(), CustodyError> {
        let key = self.key_or_new().await?;
        let (path, content) = (self.folder.join(PROBE), Secret::new(PROBE.as_bytes().to_vec()));
        let forgetful = || CustodyError::Forgetful { place: self.place() };
        let sealed = key.seal(&content).map_err(|_| forgetful())?;
        write(&self.folder, &path, &sealed)?;
        let back = read(&path)?.and_then(|sealed| key.unseal(&sealed).ok());
        remove(&path)?;
        if back == Some(content) { Ok(()) } else { Err(forgetful()) }
    }

    async fn get(&self, item: Item) -> Result<Option<Secret<Vec<u8>>>, CustodyError> {
        let Some(sealed) = read(&self.path(item))? else { return Ok(None) };
        let damaged = || CustodyError::damaged(item, self.place());
        let key = self.key().await?.ok_or_else(damaged)?;
        key.unseal(&sealed).map(Some).map_err(|_| damaged())
    }

    async fn put(&self, item: Item, content: &Secret<Vec<u8>>) -> Result<(), CustodyError> {
        let sealed = self.key_or_new().await?.seal(content).map_err(|_| CustodyError::damaged(item, self.place()))?;
        write(&self.folder, &self.path(item), &sealed)
    }

    async fn remove(&self, item: Item) -> Result<(), CustodyError> {
        remove(&self.path(item))?;
        sync(&self.folder)
    }

    async fn retire(&self) -> Result<(), CustodyError> {
        let aside = self.folder.join(RETIRED);
        let failed = |path: &Path, source| CustodyError::File { attempt: "put aside", path: path.into(), source };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(|error| failed(&self.folder, error))?,
        };
        let mut sealed: Vec<PathBuf> = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&self.folder, error))?.path();
            let is_ours = path.ends_with(KEY) || path.extension().is_some_and(|extension| extension == "age");
            sealed.extend(is_ours.then_some(path));
        }
        // The key goes last, so that what is left can be opened whenever this is interrupted.
        sealed.sort_by_key(|path| path.ends_with(KEY));
        if sealed.is_empty() {
            return Ok(());
        }
        let number = (1..).find(|number| !aside.join(number.to_string()).join(KEY).exists());
        let aside = aside.join(number.expect("BUG: there are always more numbers").to_string());
        fs::create_dir_all(&aside).map_err(|error| failed(&aside, error))?;
        for path in sealed {
            let target = aside.join(path.file_name().expect("BUG: an entry of a folder has a name"));
            fs::rename(&path, target).map_err(|error| failed(&path, error))?;
        }
        sync(&aside)?;
        sync(&self.folder)
    }

    async fn is_retired(&self) -> Result<bool, CustodyError> {
        Ok(self.folder.join(RETIRED).exists() && read(&self.folder.join(KEY))?.is_none())
    }
}

/// Work that would hold up everything else on the runtime's threads.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CustodyError> {
    let read = || {
        let mut content = Vec::new();
        File::open(path)?.take(LONGEST + 1).read_to_end(&mut content)?;
        let too_long = || io::Error::new(io::ErrorKind::InvalidData, "it is longer than 1 MiB, and none of these is");
        if content.len() as u64 > LONGEST { Err(too_long()) } else { Ok(content) }
    };
    match read() {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CustodyError::File { attempt: "read", path: path.into(), source }),
    }
}

fn remove(path: &Path) -> Result<(), CustodyError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(CustodyError::File { attempt: "remove", path: path.into(), source })
        }
        _ => Ok(()),
    }
}

/// Writes it whole: who reads, also after a crash, sees the old file or the new one.
fn write(folder: &Path, path: &Path, content: &[u8]) -> Result<(), CustodyError> {
    let failed = |source| CustodyError::File { attempt: "write", path: path.into(), source };
    fault::point("before a write");
    fs::create_dir_all(folder).map_err(failed)?;
    // Temporary files are for their owner only, and stay so.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    fault::point("before a rename");
    file.persist(path).map_err(|error| failed(error.error))?;
    fault::point("after a rename");
    sync(folder)?;
    fault::point("after a write");
    Ok(())
}

fn sync(folder: &Path) -> Result<(), CustodyError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| CustodyError::File { attempt: "sync", path: folder.into(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn secret(text: &str) -> Secret<Vec<u8>> {
        Secret::new(text.as_bytes().to_vec())
    }

    fn at(folder: &Path, passphrase: &str) -> SealedFolder {
        SealedFolder::new(folder, Secret::new(passphrase.to_owned()))
    }

    #[tokio::test]
    async fn what_was_put_comes_back_and_only_with_the_passphrase() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        assert_eq!(at(&folder, "one").get(Item::Intent).await.unwrap(), None);
        assert!(!folder.exists(), "looking makes nothing");
        at(&folder, "one").probe().await.unwrap();
        at(&folder, "one").put(Item::Share(3), &secret("hunter2-share")).await.unwrap();
        assert_eq!(at(&folder, "one").get(Item::Share(3)).await.unwrap(), Some(secret("hunter2-share")));
        assert_eq!(at(&folder, "one").get(Item::Share(4)).await.unwrap(), None);
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
            assert!(sprocket_core::testing::leaks(fs::read(&path).unwrap(), &["hunter2-share"]).is_empty());
        }
        let error = at(&folder, "two")
            .get(Item::Share(3))
            .await
            .unwrap_err()
            .to_string()
            .replace(folder.to_str().unwrap(), "FOLDER");
        insta::assert_snapshot!(error, @"the passphrase does not open the custody in FOLDER");
        let error = at(&folder, "two").put(Item::Share(3), &secret("x")).await.unwrap_err();
        assert!(matches!(error, CustodyError::WrongPassphrase { .. }), "another passphrase never overwrites: {error}");
    }

    #[tokio::test]
    async fn a_damaged_item_is_told_from_none() {
        let temp = tempfile::tempdir().unwrap();
        let folder = at(temp.path(), "one");
        folder.put(Item::Answer, &secret("x")).await.unwrap();
        let path = temp.path().join("answer.age");
        let whole = fs::read(&path).unwrap();
        for damaged in [&whole[..whole.len() - 1], b"", b"x"] {
            fs::write(&path, damaged).unwrap();
            let error = folder.get(Item::Answer).await.unwrap_err();
            assert!(matches!(error, CustodyError::Damaged { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn what_is_retired_is_aside_and_not_lost() {
        let temp = tempfile::tempdir().unwrap();
        for round in 1..=2 {
            let folder = at(temp.path(), "one");
            folder.put(Item::Share(1), &secret("share")).await.unwrap();
            folder.retire().await.unwrap();
            assert_eq!(at(temp.path(), "one").get(Item::Share(1)).await.unwrap(), None);
            let aside = at(&temp.path().join(format!("{RETIRED}/{round}")), "one");
            assert_eq!(aside.get(Item::Share(1)).await.unwrap(), Some(secret("share")));
        }
    }
}
