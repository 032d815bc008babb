//! Surroundings: all that a program takes from its process, so that a test can give it something else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use sprocket_core::engine::Stop;
use sprocket_core::state::{KeySource, StateStore};

/// What a program finds around it: arguments, environment, where it prints.
#[non_exhaustive]
pub struct Surroundings {
    /// The arguments, without the program's own name.
    pub args: Vec<OsString>,
    /// The variables of the environment.
    pub variables: BTreeMap<String, String>,
    /// The working directory.
    pub directory: PathBuf,
    /// Where plans, reports and values go.
    pub out: Box<dyn Write + Send>,
    /// Where progress, questions and errors go.
    pub err: Box<dyn Write + Send>,
    /// Where answers come from.
    pub input: Box<dyn BufRead + Send>,
    /// Somebody sits there, and can be asked.
    pub terminal: bool,
    /// Progress is a tree that moves on the standard error of the process, in place of lines on `err`.
    pub tree: bool,
    /// `out` may have colours.
    pub colour_out: bool,
    /// `err` may have colours.
    pub colour_err: bool,
    /// Stops a run from elsewhere.
    pub stop: Stop,
    /// Interrupts of the process stop the run too.
    pub signals: bool,
    /// Where state is kept, in place of the folder beside `sprocket.toml`.
    pub store: Option<Arc<dyn StateStore>>,
    /// Who can open the stack's key, in place of what the environment says.
    pub key: Option<KeySource>,
}

impl Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment has secrets in it.
        f.debug_struct("Surroundings")
            .field("args", &self.args)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Those of this process.
    pub fn process() -> Self {
        let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            args: std::env::args_os().skip(1).collect(),
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            directory: std::env::current_dir().unwrap_or_default(),
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(BufReader::new(io::stdin())),
            terminal,
            tree: terminal,
            colour_out: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            colour_err: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
            stop: Stop::default(),
            signals: true,
            store: None,
            key: None,
        }
    }

    /// Surroundings with these arguments and nothing else: no variables, nobody to ask, and what is printed is lost.
    pub fn with_args<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Self {
        Self {
            args: args.into_iter().map(Into::into).collect(),
            variables: BTreeMap::new(),
            directory: PathBuf::from("."),
            out: Box::new(io::sink()),
            err: Box::new(io::sink()),
            input: Box::new(io::empty()),
            terminal: false,
            tree: false,
            colour_out: false,
            colour_err: false,
            stop: Stop::default(),
            signals: false,
            store: None,
            key: None,
        }
    }

    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
