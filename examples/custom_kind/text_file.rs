//! A provider and a kind of one's own, whole: `folder:file`, a text file in a folder.
//!
//! What an author writes: a handle ([`TextFile`]), its settings ([`TextFileSpec`], from which the derive makes the draft with
//! a setter for each), what is reported ([`TextFileState`]), and the calls. The mark, which says whose a file is, is its
//! first line: `# sprocket LINEAGE RECORD`, with whatever begins a comment. By it a file is found again after a crash between
//! the call and its record, and somebody else's file is left alone.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sprocket::core::kind::{
    CallResult, CheckResult, CreateRequest, Deadline, Diagnostics, ErrorKind, ErrorOf, FailureOf, Handle, Identity,
    Kind, Kinds, Listing, Live, OwnerTag, PhysicalName, Provider, ProviderError, ReadRequest, ReadResult, Recorded,
    ResourceRef, UpdateRequest,
};
use sprocket::prelude::*;

/// The provider: a folder. It is a connection that needs no server.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Where the folder is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Folder, crate = sprocket::core)]
pub struct FolderConfig {
    /// Its path.
    pub path: String,
}

impl Folder {
    /// This folder. It is made when something is first put into it.
    pub fn at(path: impl IntoInput<String>) -> FolderDraft {
        FolderDraft::new(path)
    }
}

impl Provider for Folder {
    const NAME: &'static str = "folder";
    type Draft = FolderDraft;
    type Config = FolderConfig;
    type Credentials = ();
    type Error = FileError;

    async fn connect(config: &FolderConfig, (): ()) -> Result<Self, FileError> {
        Ok(Self { path: config.path.clone().into() })
    }

    fn ambient() -> Result<(), FileError> {
        Ok(())
    }

    /// The same path is the same folder. A server would say an id of its own here: another one is refused.
    async fn identity(&self) -> Result<Identity, FileError> {
        let path = std::path::absolute(&self.path).map_err(FileError::of("find", &self.path))?;
        Ok(path.to_string_lossy().into_owned().into())
    }

    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<TextFile>();
    }
}

/// Why a call failed. The engine wants to know what sort of failure it is; the text is for people.
#[derive(Debug, thiserror::Error)]
#[error("could not {attempt} {}", path.display())]
pub struct FileError {
    attempt: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    fn of(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self { attempt, path, source }
    }
}

impl ProviderError for FileError {
    fn kind(&self) -> ErrorKind {
        match self.source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => ErrorKind::Invalid,
            // Nobody knows whether it had an effect: it is found out before it is tried again.
            _ => ErrorKind::Unavailable,
        }
    }
}

/// The handle of a file: what `stack.add` returns, and what others can use of it.
#[derive(Clone, Debug, Handle)]
#[handle(kind = "folder:file", provider = Folder, naming = fixed, crate = sprocket::core)]
pub struct TextFile {
    /// Where it is, once it is there.
    #[output(state.path)]
    pub path: Output<String>,
    this: ResourceRef<Self>,
}

impl TextFile {
    /// A file of this name with this text.
    pub fn new(name: impl Into<String>, text: impl IntoInput<String>) -> TextFileDraft {
        TextFileDraft::new(name, text)
    }
}

/// A file's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = TextFile, crate = sprocket::core)]
pub struct TextFileSpec {
    /// What is in it.
    pub text: String,
    /// What begins a comment in it.
    #[spec(default = "#")]
    pub comment: String,
    /// Forbids writing to it.
    #[spec(flag)]
    pub read_only: bool,
}

/// What the folder tells of a file, and its settings don't.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextFileState {
    path: String,
}

impl Kind for TextFile {
    async fn read(folder: &Folder, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
        Ok(Vec::from_iter(folder.read(find.name())?))
    }

    /// One look for all of them: without it, each would be read by itself.
    async fn list(folder: &Folder, wanted: &Listing) -> Result<Option<Vec<Live<Self>>>, ErrorOf<Self>> {
        let mut lives = Vec::new();
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(lives)),
            Err(error) => return Err(FileError::of("list", &folder.path)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(FileError::of("list", &folder.path))?;
            let kind = entry.file_type().map_err(FileError::of("list", &folder.path))?;
            let Some(name) = entry.file_name().to_str().map(ToOwned::to_owned) else { continue };
            if kind.is_dir() {
                continue;
            }
            match folder.read(&name) {
                Ok(live) => lives.extend(live),
                // A file without text can't be one of ours. Any other error fails the whole list: a file that is left out
                // of it would be taken for deleted, and be created again.
                Err(error) if error.source.kind() == io::ErrorKind::InvalidData => {}
                Err(error) => return Err(error),
            }
        }
        lives.retain(|live| wanted.wants(&live.name, live.owner.as_ref()));
        Ok(Some(lives))
    }

    async fn create(folder: &Folder, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
        Ok(folder.write(make.name, make.spec, make.owner, IfThere::Refuse)?)
    }

    async fn update(folder: &Folder, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
        Ok(folder.write(&change.live.name, change.spec, change.owner, IfThere::Replace)?)
    }

    async fn delete(folder: &Folder, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
        let path = folder.file(record.name.as_str())?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("delete", &path)(error).into()),
            _ => Ok(()),
        }
    }

    /// What is wrong is said before anything is done.
    fn validate(spec: &TextFileSpec) -> Diagnostics {
        let mut findings = Diagnostics::default();
        if spec.comment.trim().is_empty() || spec.comment.contains(char::is_whitespace) {
            findings.errors.push("`comment` is what begins a comment, such as `#` or `//`".into());
        }
        if !spec.text.is_empty() && !spec.text.ends_with('\n') {
            findings.warnings.push("its last line has no end".into());
        }
        findings
    }

    /// The same check as for each call, so that the plan reports it with the line of the program.
    fn validate_name(name: &PhysicalName, _: Option<&TextFileSpec>) -> Diagnostics {
        let mut findings = Diagnostics::default();
        if !is_file_name(name.as_str()) {
            findings.errors.push(format!("`{name}` is not the name of a file in the folder").into());
        }
        findings
    }

    /// What `verify` asks.
    async fn verify(folder: &Folder, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
        let failure = match folder.read(record.name.as_str()) {
            Ok(Some(live)) if live.spec.text == record.spec.text => None,
            Ok(Some(_)) => Some("it has another text".to_owned()),
            Ok(None) => Some("it is not there".to_owned()),
            Err(error) => Some(format!("{error}: {}", error.source)),
        };
        vec![CheckResult { what: "has its text".into(), failure }]
    }
}

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfThere {
    Refuse,
    Replace,
}

const WORD: &str = "sprocket";

/// Whether this names a file directly in the folder: not a path that leads elsewhere, such as `../x` or `/etc/x`.
fn is_file_name(name: &str) -> bool {
    Path::new(name).file_name() == Some(OsStr::new(name))
}

impl Folder {
    /// The path of a file. A name may come from the state or from `import`, so each call checks it.
    fn file(&self, name: &str) -> Result<PathBuf, FileError> {
        let path = self.path.join(name);
        if is_file_name(name) {
            return Ok(path);
        }
        Err(FileError::of("use", &path)(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file in the folder")))
    }

    fn read(&self, name: &str) -> Result<Option<Live<TextFile>>, FileError> {
        let path = self.file(name)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::of("read", &path)(error)),
        };
        let meta = fs::metadata(&path).map_err(FileError::of("read", &path))?;
        let (comment, owner, text) = parse(&text);
        Ok(Some(Live {
            id: name.into(),
            name: name.into(),
            spec: TextFileSpec { text, comment, read_only: meta.permissions().readonly() },
            state: TextFileState { path: path.display().to_string() },
            owner,
        }))
    }

    /// Writes it whole: beside it first, then in its place. Who reads sees the old text or the new one.
    fn write(
        &self,
        name: &PhysicalName,
        spec: &TextFileSpec,
        owner: &OwnerTag,
        there: IfThere,
    ) -> Result<TextFileState, FileError> {
        let path = self.file(name.as_str())?;
        let failed = |error| FileError::of("write", &path)(error);
        fs::create_dir_all(&self.path).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.path).map_err(failed)?;
        let first = format!("{} {WORD} {} {}\n", spec.comment, owner.lineage, owner.record);
        file.write_all((first + &spec.text).as_bytes()).map_err(failed)?;
        let mut permissions = file.as_file().metadata().map_err(failed)?.permissions();
        permissions.set_readonly(spec.read_only);
        file.as_file().set_permissions(permissions).map_err(failed)?;
        let written = match there {
            IfThere::Refuse => file.persist_noclobber(&path),
            IfThere::Replace => file.persist(&path),
        };
        written.map_err(|error| failed(error.error))?;
        Ok(TextFileState { path: path.display().to_string() })
    }
}

/// The comment sign, the mark and the text. What has no mark is all text.
fn parse(content: &str) -> (String, Option<OwnerTag>, String) {
    let first = content.lines().next().unwrap_or_default();
    if let [comment, WORD, lineage, record] = first.split(' ').collect::<Vec<_>>()[..] {
        let owner = OwnerTag { lineage: lineage.into(), record: record.into() };
        let text = content.split_once('\n').map_or("", |(_, text)| text);
        return (comment.to_owned(), Some(owner), text.to_owned());
    }
    ("#".to_owned(), None, content.to_owned())
}
