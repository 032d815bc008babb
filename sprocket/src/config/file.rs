//! The file: where it is, and what it says.

use std::ops::Range;
use std::panic::Location;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::ConfigError;
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// The name of the file.
const NAME: &str = "sprocket.toml";

/// A file that was read.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    /// Its path as people read it: from the working directory.
    pub(crate) shown: String,
    text: String,
}

/// The parsed text of a file.
pub(crate) type Table<'t> = DeTable<'t>;

impl File {
    fn read(path: PathBuf, here: &Path) -> Result<Self, Trouble> {
        let shown = path.strip_prefix(here).unwrap_or(&path).display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, shown, text }),
            Err(error) => Err(Trouble::new(format!("could not read {shown}: {error}"))),
        }
    }

    /// A file of the working directory that says this.
    pub(crate) fn of(text: &str) -> Self {
        Self { path: PathBuf::from(NAME), shown: NAME.to_owned(), text: text.to_owned() }
    }

    /// The folder that it is in, where state is kept too.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    pub(crate) fn parse(&self) -> Result<Spanned<Table<'_>>, ConfigError> {
        DeTable::parse(&self.text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let problem = self.at(error.span().as_ref(), &message);
            ConfigError::new(format!("{} is not TOML", self.shown), vec![problem])
        })
    }

    /// A message with its place in the file.
    pub(crate) fn at(&self, span: Option<&Range<usize>>, message: &str) -> String {
        let Some(span) = span else { return message.to_owned() };
        let column = self.before(span).rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{}:{column}: {message}", self.shown, self.line(span))
    }

    /// The line that a place is in.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        self.before(span).matches('\n').count() + 1
    }

    fn before(&self, span: &Range<usize>) -> &str {
        self.text.get(..span.start).unwrap_or(&self.text)
    }
}

/// The names of the environments: the tables.
pub(crate) fn environments<'t>(table: &'t Table<'_>) -> impl Iterator<Item = &'t str> {
    table.iter().filter(|(_, value)| matches!(value.get_ref(), DeValue::Table(_))).map(|(name, _)| &**name.get_ref())
}

/// Finds the file, by the rule of [`config`](super).
pub(crate) fn find(around: &Surroundings, flag: Option<&Path>, run: &Location<'_>) -> Result<File, Trouble> {
    let here = &around.directory;
    if let Some(path) = flag.or_else(|| around.variable("SPROCKET_FILE").map(Path::new)) {
        return File::read(here.join(path), here);
    }
    let manifest = around.variable("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let beside = source(run, manifest.as_deref(), here).and_then(|source| beside(&source));
    let found = beside.or_else(|| here.ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file()));
    let Some(found) = found else {
        return Err(Trouble::new(format!(
            "there is no {NAME}: not beside {}, and not in {} or above",
            run.file(),
            here.display()
        ))
        .hint("write one next to the program, with a table for each environment: `[local]`; or `--file PATH`"));
    };
    File::read(found, here)
}

/// The source file with the call, if it is there: the compiler knows it relative to the workspace or the package.
fn source(run: &Location<'_>, manifest: Option<&Path>, here: &Path) -> Option<PathBuf> {
    let file = Path::new(run.file());
    let bases = manifest.into_iter().flat_map(Path::ancestors).chain(here.ancestors());
    bases.map(|base| base.join(file)).find(|path| path.is_file())
}

/// The file beside a source file, or above it up to the root of its package.
fn beside(source: &Path) -> Option<PathBuf> {
    for folder in source.ancestors().skip(1) {
        let path = folder.join(NAME);
        if path.is_file() {
            return Some(path);
        }
        if folder.join("Cargo.toml").is_file() {
            return None;
        }
    }
    None
}
