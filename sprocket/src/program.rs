//! A program: what is declared, and the command line around it.

use std::fmt::{self, Debug, Display};
use std::panic::Location;
use std::process::ExitCode;

use clap::Parser as _;
use serde::de::DeserializeOwned;
use sprocket_core::engine::Engine;
use sprocket_core::kind::Provider;
use sprocket_core::program::Stack;

use crate::cli::Cli;
use crate::commands;
use crate::console::Console;
use crate::doctor::{Finding, Question};
use crate::output::failure;
use crate::session::{Opening, logs};
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// A program in parts: for one that has providers of its own, and for tests of one.
///
/// ```
/// use sprocket::prelude::*;
/// use sprocket::{Exit, Program, Shared, Surroundings};
///
/// let folder = std::env::temp_dir().join(format!("sprocket-doc-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// std::fs::write(folder.join("sprocket.toml"), "[local]\n")?;
///
/// let out = Shared::default();
/// let mut around = Surroundings::with_args(["plan", "--env", "local", "--file", "sprocket.toml"]);
/// around.directory = folder.clone();
/// around.out = Box::new(out.clone());
/// let exit = Program::new("quickstart").run_in(around, |stack, (): &()| {
///     stack.add(Password::new("redis"));
/// });
/// assert_eq!(exit, Exit::Done);
/// assert!(out.take().ends_with("1 to create.\n"));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Program {
    pub(crate) name: String,
    pub(crate) at: &'static Location<'static>,
    pub(crate) knowing: Vec<fn(Engine) -> Engine>,
    pub(crate) questions: Vec<Question>,
    /// The crate of the function that declares it, once that is known.
    pub(crate) crate_name: Option<String>,
}

impl Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({})", self.name)
    }
}

/// What a declaring function returns: nothing, or a `Result` whose error is shown.
pub trait Declare {
    /// The error as a message, if there is one.
    ///
    /// # Errors
    /// If it is one.
    fn declared(self) -> Result<(), String>;
}

impl Declare for () {
    fn declared(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Declare for Result<(), E> {
    fn declared(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// How a run of a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: something failed, was refused, or was not confirmed.
    Failed,
    /// 2: there is something to do; only with `--detailed-exit-code`.
    Pending,
    /// 3: applied, but not everything works, or that could not be found out.
    Unverified,
    /// 4: somebody else holds the lock.
    Locked,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Pending => 2,
            Self::Unverified => 3,
            Self::Locked => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

impl Program {
    /// A program whose state is kept under this name. `sprocket.toml` is looked for next to the caller.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        let program = Self {
            name: name.into(),
            at: Location::caller(),
            knowing: Vec::new(),
            questions: Vec::new(),
            crate_name: None,
        };
        #[cfg(feature = "dns")]
        let program = program.knowing::<sprocket_dns::Dns>();
        #[cfg(feature = "docker")]
        let program = program.knowing::<sprocket_docker::Docker>();
        #[cfg(feature = "s3")]
        let program = program.knowing::<sprocket_s3::S3>();
        #[cfg(feature = "vault")]
        let program = program.knowing::<sprocket_vault::Vault>().knowing::<sprocket_vault::VaultServer>();
        program
    }

    /// Can also look after what this provider made when the program does not mention it any more.
    #[must_use]
    pub fn knowing<P: Provider>(mut self) -> Self {
        self.knowing.push(Engine::knowing::<P>);
        self
    }

    /// Lets `doctor` ask something more.
    #[must_use]
    pub fn asking<F>(mut self, question: impl FnOnce() -> F + 'static) -> Self
    where
        F: Future<Output = Vec<Finding>> + 'static,
    {
        self.questions.push(Box::new(move || Box::pin(question())));
        self
    }

    /// Runs in this process: its arguments, its environment, its terminal.
    pub fn run<C, D, R>(self, declare: D) -> ExitCode
    where
        C: DeserializeOwned,
        D: FnOnce(&mut Stack, &C) -> R,
        R: Declare,
    {
        // Before anything secret is read.
        crate::memory::keep_to_this_process();
        sprocket_core::engine::silence_foreign_panics();
        let around = Surroundings::process();
        logs(&around);
        self.run_in(around, declare).into()
    }

    /// Runs in these surroundings, and prints only there. It makes a runtime of its own, so it can't be called inside one.
    pub fn run_in<C, D, R>(mut self, mut around: Surroundings, declare: D) -> Exit
    where
        C: DeserializeOwned,
        D: FnOnce(&mut Stack, &C) -> R,
        R: Declare,
    {
        self.crate_name = crate_of::<D>();
        let console = console(&mut around);
        let program = std::iter::once(self.name.clone().into());
        let mut cli = match Cli::try_parse_from(program.chain(around.args.iter().cloned())) {
            Ok(cli) => cli,
            // Help and version are what was asked for.
            Err(error) if !error.use_stderr() => {
                console.out(&error.to_string());
                return Exit::Done;
            }
            Err(error) => {
                console.err_lines(&error.to_string(), failure::look);
                return Exit::Failed;
            }
        };
        let command = match cli.chosen() {
            Ok(command) => command,
            Err(message) => {
                failure::trouble(&console, &Trouble::new(message).hint("`--help` shows them"));
                return Exit::Failed;
            }
        };
        if command.is_json() {
            console.speak_json();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = match runtime {
            Ok(runtime) => {
                let opening =
                    Opening { program: self, around, cli, console: console.clone(), declare: declarer(declare) };
                runtime.block_on(commands::run(command, opening))
            }
            Err(error) => Err(Trouble::new(format!("could not start: {error}"))),
        };
        let exit = result.unwrap_or_else(|trouble| {
            failure::trouble(&console, &trouble);
            trouble.exit
        });
        if console.is_json() {
            console.object("end", &serde_json::json!({ "exit": exit.code() }));
        }
        exit
    }
}

/// The crate that a function or a closure is written in, as the compiler names it.
fn crate_of<D>() -> Option<String> {
    let (crate_name, _) = std::any::type_name::<D>().split_once("::")?;
    let is_name = crate_name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name && !["alloc", "core", "std"].contains(&crate_name)).then(|| crate_name.to_owned())
}

fn console(around: &mut Surroundings) -> Console {
    let out = std::mem::replace(&mut around.out, Box::new(std::io::sink()));
    let err = std::mem::replace(&mut around.err, Box::new(std::io::sink()));
    let input = std::mem::replace(&mut around.input, Box::new(std::io::empty()));
    Console::new((out, around.colour_out), (err, around.colour_err), input, (around.terminal, around.tree))
}

/// The configuration and the stack in one function, so that the commands need not know the program's types.
fn declarer<'p, C, D, R>(declare: D) -> crate::session::Declarer<'p>
where
    C: DeserializeOwned,
    D: FnOnce(&mut Stack, &C) -> R + 'p,
    R: Declare,
{
    Box::new(move |environment, table, file, secrets, mut stack| {
        let (mut table, providers) = crate::config::take_providers(environment, table, file)?;
        let secrets = secrets.with_folder(crate::config::take_secrets(environment, &mut table, file)?);
        crate::config::take_state(&mut table);
        let config: C = crate::config::read(environment, &table, file, &secrets)?;
        stack.override_providers(providers.overrides());
        let declared = declare(&mut stack, &config).declared();
        declared.map_err(|message| Trouble::new(format!("the program gave up: {message}")))?;
        providers.check(environment, &stack, file)?;
        Ok(stack)
    })
}
