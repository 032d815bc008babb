//! What the services keep: one JSON file for each, in the sandbox's folder.
//!
//! **Invariant:** a file holds the state before a change or after it, never a part: it is replaced as a whole. A second
//! process on the same folder is refused. A sandbox in memory has no files.
//!
//! What a sandbox is given, secrets included, is readable for who can read its folder; others can't.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;
use tokio::net::TcpListener;

use crate::error::SandboxError;

/// The world of a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct World(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: Option<PathBuf>,
    /// The ports that the services had last.
    ports: Kept<BTreeMap<String, u16>>,
    /// Held as long as the world is in use.
    _lock: Option<File>,
}

impl World {
    pub(crate) fn in_memory() -> Self {
        Self(Arc::new(Inner { folder: None, ports: Kept::new(BTreeMap::new(), None), _lock: None }))
    }

    pub(crate) fn in_folder(folder: PathBuf) -> Result<Self, SandboxError> {
        private_folder(&folder).map_err(file_error("make the folder", &folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(file_error("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SandboxError::InUse { folder }),
            Err(TryLockError::Error(source)) => return Err(file_error("lock", &path)(source)),
        }
        let ports = Kept::load(folder.join("ports.json"))?;
        Ok(Self(Arc::new(Inner { folder: Some(folder), ports, _lock: Some(lock) })))
    }

    /// What a service of this name keeps; at first its default.
    pub(crate) fn kept<T>(&self, service: &str) -> Result<Kept<T>, SandboxError>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        match &self.0.folder {
            None => Ok(Kept::new(T::default(), None)),
            Some(folder) => Kept::load(folder.join(format!("{service}.json"))),
        }
    }

    /// A port of loopback: the one that the service had last, if it is free.
    pub(crate) async fn listen(&self, service: &'static str) -> Result<TcpListener, SandboxError> {
        let last = self.0.ports.read(|ports| ports.get(service).copied()).unwrap_or(0);
        let failed = |source| SandboxError::Start { service, source };
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, last)).await {
            Err(_) if last != 0 => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
            bound => bound,
        };
        let listener = listener.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        if port != last {
            self.0.ports.change(|ports| ports.insert(service.to_owned(), port))?;
        }
        Ok(listener)
    }
}

impl World {
    /// The port of a service that was started before.
    pub(crate) fn port(&self, service: &str) -> Option<u16> {
        self.0.ports.read(|ports| ports.get(service).copied())
    }
}

/// A value that outlives the process, if the world does.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    value: Mutex<T>,
    file: Option<PathBuf>,
}

impl<T> Kept<T> {
    fn new(value: T, file: Option<PathBuf>) -> Self {
        Self { value: Mutex::new(value), file }
    }

    pub(crate) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T: Serialize> Kept<T> {
    /// Changes it; the change is in its file when this returns.
    pub(crate) fn change<R>(&self, f: impl FnOnce(&mut T) -> R) -> Result<R, SandboxError> {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut value);
        if let Some(path) = &self.file {
            write(path, &*value).map_err(file_error("write", path))?;
        }
        Ok(result)
    }
}

impl<T: Default + Serialize + DeserializeOwned> Kept<T> {
    fn load(path: PathBuf) -> Result<Self, SandboxError> {
        let value = match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|source| SandboxError::Damaged { path: path.clone(), source })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // What begins with a random id has it from the first start.
                let value = T::default();
                write(&path, &value).map_err(file_error("write", &path))?;
                value
            }
            Err(source) => return Err(file_error("read", &path)(source)),
        };
        Ok(Self::new(value, Some(path)))
    }
}

/// Temporary files are private to their user from the beginning.
fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    serde_json::to_writer(&mut file, value)?;
    file.flush()?;
    file.persist(path)?;
    Ok(())
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn file_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SandboxError {
    let path = path.to_owned();
    move |source| SandboxError::File { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_found_again_by_the_next_process_and_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let open = || World::in_folder(folder.path().join("world"));
        let world = open().unwrap();
        let kept = world.kept::<Vec<u8>>("numbers").unwrap();
        kept.change(|numbers| numbers.push(7)).unwrap();
        assert!(matches!(open(), Err(SandboxError::InUse { .. })));
        drop((world, kept));
        let again = open().unwrap().kept::<Vec<u8>>("numbers").unwrap();
        assert_eq!(again.read(Vec::clone), [7]);
    }

    #[test]
    fn what_no_sandbox_wrote_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("numbers.json"), "{").unwrap();
        let world = World::in_folder(folder.path().to_owned()).unwrap();
        assert!(matches!(world.kept::<Vec<u8>>("numbers"), Err(SandboxError::Damaged { .. })));
    }
}
