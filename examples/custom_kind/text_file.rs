//! A provider and a kind of one's own, whole: `folder:file`, a text file in a folder.
//!
//! The owner tag is the first line of a file: `# sprocket LINEAGE RECORD`. By it a file is found again
//! after a crash, and a file of another owner is left alone. `docs/writing-a-kind.md` says what the engine relies on.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sprocket::core::kind::*;
use sprocket::prelude::*;
use tempfile::NamedTempFile;

/// The provider: a folder, which is made when something is first put into it.
#[derive(Debug)]
pub struct Folder(PathBuf);

/// Where the folder is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Folder, new, crate = sprocket::core)]
pub struct FolderConfig {
    /// Its path.
    pub path: String,
}

impl Provider for Folder {
    const NAME: &'static str = "folder";
    type Draft = FolderDraft;
    type Config = FolderConfig;
    type Credentials = ();
    type Error = io::Error;

    async fn connect(config: &FolderConfig, (): ()) -> io::Result<Self> {
        Ok(Self(config.path.clone().into()))
    }

    fn ambient() -> io::Result<()> {
        Ok(())
    }

    /// The same path is the same folder. A server would say an id of its own here: another one is refused.
    async fn identity(&self) -> io::Result<Identity> {
        Ok(std::path::absolute(&self.0)?.to_string_lossy().into_owned().into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<TextFile>();
    }
}

/// The handle of a file: what `stack.add` returns, and what others can use of it.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "folder:file", provider = Folder, naming = fixed, state = PathBuf, crate = sprocket::core)]
pub struct TextFile {
    /// Where it is, once it is there.
    #[output(state.display().to_string())]
    pub path: Output<String>,
    this: ResourceRef<Self>,
}

/// A file's settings: the derive makes a draft of them, with a setter for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = TextFile, new, crate = sprocket::core)]
pub struct TextFileSpec {
    /// What is in it.
    pub text: String,
}

impl Kind for TextFile {
    async fn read(folder: &Folder, request: ReadRequest<'_, Self>) -> ReadResult<Self> {
        match folder.live(request.name()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            live => live.map(|live| vec![live]), // any other error is one: not found is not unreadable
        }
    }

    async fn create(folder: &Folder, request: &CreateRequest<'_, Self>) -> CallResult<Self> {
        let (path, file) = (folder.path(request.name.as_str())?, folder.write(request.spec, request.owner)?);
        file.persist_noclobber(&path).map_err(|error| error.error)?;
        Ok(path)
    }

    async fn update(folder: &Folder, request: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        let (path, file) = (request.live.state.clone(), folder.write(request.spec, request.owner)?);
        file.persist(&path).map_err(|error| error.error)?;
        Ok(path)
    }

    async fn delete(folder: &Folder, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        match fs_err::remove_file(folder.path(record.name.as_str())?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn validate_name(name: &PhysicalName, _: Option<&TextFileSpec>) -> Diagnostics {
        let error = Folder(PathBuf::new()).path(name.as_str()).err().map(|error| error.to_string().into());
        Diagnostics { errors: Vec::from_iter(error), ..Diagnostics::default() }
    }

    async fn verify(folder: &Folder, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let is_same = folder.live(record.name.as_str()).is_ok_and(|live| live.spec == record.spec);
        vec![CheckResult { what: "has its text".into(), failure: (!is_same).then(|| "it has another, or none".into()) }]
    }
}

impl Folder {
    /// Where a file directly in the folder is. A name may come from the state or from `import`, so each call checks it.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let is_name = Path::new(name).file_name() == Some(name.as_ref());
        let error = || format!("`{name}` is not the name of a file in the folder");
        is_name.then(|| self.0.join(name)).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, error()))
    }

    fn live(&self, name: &str) -> io::Result<Live<TextFile>> {
        let path = self.path(name)?;
        let content = fs_err::read_to_string(&path)?;
        let (text, owner) = OwnerTag::from_comment(&content);
        let spec = TextFileSpec { text: text.into() };
        Ok(Live { id: name.into(), name: name.into(), spec, state: path, owner })
    }

    /// Writes a file beside its place: who reads that sees the old text or the new one.
    fn write(&self, spec: &TextFileSpec, owner: &OwnerTag) -> io::Result<NamedTempFile> {
        fs_err::create_dir_all(&self.0)?;
        let mut file = NamedTempFile::new_in(&self.0)?;
        file.write_all(owner.in_comment(&spec.text).as_bytes())?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use sprocket::core::testing::{KindSuite, Variant};

    use super::*;

    /// Created, put back, updated, killed at every boundary of its journal, taken over, moved, deleted twice.
    #[test]
    fn it_does_what_the_engine_relies_on() {
        let folder = tempfile::tempdir().unwrap();
        let motd = folder.path().join("motd");
        let program = |stack: &mut Stack, variant| {
            stack.connect(Folder::new(folder.path().display().to_string()));
            drop(stack.add(match variant {
                Variant::First | Variant::Replaced => TextFile::new("motd", "hello\n"),
                Variant::Updated => TextFile::new("motd", "bye\n"),
                Variant::Moved => TextFile::new("hail", "hello\n").moved_from("motd").named("motd"),
            }));
        };
        let inventory = || folder.path().read_dir().unwrap().map(|file| format!("{:?}", file.unwrap())).collect();
        let append = || fs_err::write(&motd, fs_err::read_to_string(&motd).unwrap() + "P.S.\n").unwrap();
        KindSuite {
            drift: Some(Box::new(append)),
            remove: Some(Box::new(|| fs_err::remove_file(&motd).unwrap())),
            ..KindSuite::new("folder:file/motd", program, inventory)
        }
        .run();
    }
}
