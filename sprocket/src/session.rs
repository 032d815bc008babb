//! A session: one command of a program, in one environment.
//!
//! What a command needs is found in this order, and what is missing ends it before the next is touched: the file, the
//! environment, the key, the configuration with its secrets, the stack.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sprocket_core::engine::{Engine, Events, Report, Settings, Stop};
use sprocket_core::kind::Lineage;
use sprocket_core::program::{Neighbours, Stack};
use sprocket_core::state::{FileStore, Freshness, KeySource, StackId, StateStore};
use toml::Spanned;
use toml::de::DeValue;

use crate::cli::Cli;
use crate::config::SANDBOX;
use crate::config::{File, Secrets, choose, find, is_name};
use crate::console::{Console, Look};
use crate::key::Key;
use crate::memory_of_state;
use crate::output::json;
use crate::program::Program;
use crate::sandbox::{self, Sandbox};
use crate::store::Stores;
use crate::surroundings::Surroundings;
use crate::trouble::Trouble;

/// The program's own part: reads the configuration and fills the stack.
pub(crate) type Declarer<'p> =
    Box<dyn FnOnce(&str, &Spanned<DeValue<'_>>, &File, &Secrets, Stack) -> Result<Stack, Trouble> + 'p>;

/// What a command begins with.
pub(crate) struct Opening<'p> {
    pub(crate) program: Program,
    pub(crate) around: Surroundings,
    pub(crate) cli: Cli,
    pub(crate) console: Console,
    pub(crate) declare: Declarer<'p>,
}

/// Where the state of an environment is, and who it belongs to.
pub(crate) struct Session {
    pub(crate) stack_name: String,
    pub(crate) environment: String,
    /// Where the command was given.
    directory: PathBuf,
    folder: PathBuf,
    neighbours: Neighbours,
    pub(crate) file: Arc<File>,
    pub(crate) console: Console,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) stop: Stop,
    pub(crate) signals: bool,
    knowing: Vec<fn(Engine) -> Engine>,
    parallel: Option<u16>,
    forgotten: Vec<String>,
    older: bool,
    at_least: u64,
    /// The crate of the program, if it is known.
    crate_name: Option<String>,
    who: String,
    key: Option<Key>,
    /// The services of the environment `sandbox`, which end with the command.
    sandbox: Option<Sandbox>,
    /// Nothing is elsewhere.
    is_all_sandboxed: bool,
}

/// How far a command wants to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// To nothing that is sealed: a key is not asked for.
    Open,
    /// To what is sealed in the state.
    Sealed,
}

impl<'p> Opening<'p> {
    /// The session, without the program's own part.
    pub(crate) async fn session(self, need: Need) -> Result<Session, Trouble> {
        let file = Arc::new(find(&self.around, self.cli.file.as_deref(), self.program.at)?);
        let table = file.parse()?;
        let (environment, values) = choose(&self.around, self.cli.env.as_deref(), &file, table.get_ref())?;
        self.begin(need, environment, values, Arc::clone(&file)).await.map(|(session, _, _)| session)
    }

    /// The session, and the stack that the program declares.
    pub(crate) async fn declared(self, need: Need) -> Result<(Session, Stack), Trouble> {
        let file = Arc::new(find(&self.around, self.cli.file.as_deref(), self.program.at)?);
        let table = file.parse()?;
        let (environment, values) = choose(&self.around, self.cli.env.as_deref(), &file, table.get_ref())?;
        let (mut session, declare, secrets) = self.begin(need, environment, values, Arc::clone(&file)).await?;
        let mut stack = Stack::new();
        stack.keep_in(&session.folder);
        stack.neighbours(session.neighbours.clone());
        if session.environment == SANDBOX && need == Need::Sealed {
            let sandbox = Sandbox::start(&session.folder)?;
            stack.override_providers(sandbox.overrides());
            session.sandbox = Some(sandbox);
        }
        if !session.console.is_json() && need == Need::Sealed {
            let line = format!("{} of {}", session.title(), file.shown);
            session.console.err_lines(&line, |_| Look::Faint);
        }
        let stack = declare(&session.environment, values, &file, &secrets, stack)?;
        session.is_all_sandboxed = session.sandbox.is_some() && sandbox::has_all_of(&stack);
        if need == Need::Sealed {
            // So that nobody works somewhere else unawares.
            for applied in stack.applied_overrides() {
                if session.console.is_json() {
                    session.console.object("override", &json::of_override(applied));
                } else if *applied.from != *sandbox::FROM {
                    session.console.err_lines(&applied.to_string(), |_| Look::Change);
                }
            }
        }
        Ok((session, stack))
    }

    async fn begin(
        self,
        need: Need,
        environment: String,
        values: &Spanned<DeValue<'_>>,
        file: Arc<File>,
    ) -> Result<(Session, Declarer<'p>, Secrets), Trouble> {
        let Program { name, knowing, crate_name, .. } = self.program;
        if !is_name(&name) {
            return Err(Trouble::new(format!("`{name}` can't be the name of a stack"))
                .hint("it is the name of a folder too: letters, digits, `-` and `_`"));
        }
        let folder = self.around.directory.join(file.folder()).join(".sprocket");
        let stores = Stores::of(&self.around, &environment, (values, &file), folder.clone());
        let folder = folder.join(&name).join(&environment);
        let key = match need {
            Need::Open => None,
            Need::Sealed => Some(Key::choose(&self.around, &environment, FileStore::new(&folder)).await?),
        };
        let stores = stores?;
        let store = stores.open(&name).await?;
        let secrets = Secrets::of(&self.around);
        let session = Session {
            stack_name: name,
            environment,
            directory: self.around.directory.clone(),
            folder,
            neighbours: stores.neighbours(key.as_ref()),
            file,
            console: self.console,
            store,
            who: who(&self.around),
            stop: self.around.stop,
            signals: self.around.signals,
            knowing,
            parallel: self.cli.parallel,
            forgotten: self.cli.forgotten,
            older: self.cli.older,
            at_least: self.cli.at_least,
            crate_name,
            key,
            sandbox: None,
            is_all_sandboxed: false,
        };
        Ok((session, self.declare, secrets))
    }
}

impl Session {
    /// `production/local`
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.stack_name, self.environment)
    }

    /// Whether all services are the sandbox's: what they have can be made again, and nobody needs to be asked.
    pub(crate) fn is_sandboxed(&self) -> bool {
        self.is_all_sandboxed
    }

    /// Ends the sandbox with its world, if nothing that is kept can be in it.
    pub(crate) fn end_world(&mut self) -> Result<(), Trouble> {
        match self.sandbox.take() {
            Some(sandbox) if self.is_all_sandboxed => sandbox.end(),
            _ => Ok(()),
        }
    }

    /// An engine that only looks.
    pub(crate) async fn looking(&self, events: Events) -> Result<Engine, Trouble> {
        let key = match &self.key {
            Some(key) => key.for_reading().await?,
            None => self.no_key(),
        };
        Ok(self.engine(key, events, false))
    }

    /// A path as the command line has it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.directory.join(path)
    }

    /// Whether there is a key already; a private environment has its own made by the first run.
    pub(crate) async fn has_key(&self) -> Result<bool, Trouble> {
        match &self.key {
            Some(Key::Own(store)) => Ok(store.own_key().await?.is_some()),
            _ => Ok(true),
        }
    }

    /// An engine that writes.
    pub(crate) async fn writing(&self, events: Events, continue_on_error: bool) -> Result<Engine, Trouble> {
        let key = match &self.key {
            Some(key) => key.for_writing().await?,
            None => self.no_key(),
        };
        Ok(self.engine(key, events, continue_on_error))
    }

    /// For commands that open nothing.
    fn no_key(&self) -> KeySource {
        KeySource::identity(sprocket_core::state::generate_identity(), "no key")
    }

    fn engine(&self, key: KeySource, events: Events, continue_on_error: bool) -> Engine {
        let mut settings = Settings { events, continue_on_error, who: self.who.clone(), ..Settings::new(key) };
        settings.stack = Some(StackId {
            name: self.stack_name.clone(),
            environment: self.environment.clone(),
            program: self.crate_name.clone(),
        });
        settings.forgotten = self.forgotten.iter().map(|name| name.as_str().into()).collect();
        settings.at_least = self.at_least;
        settings.remembered = if self.older { None } else { memory_of_state::recall(&self.folder) };
        if let Some(parallel) = self.parallel {
            settings.parallel = parallel.into();
        }
        let engine = Engine::new(Arc::clone(&self.store), settings);
        self.knowing.iter().fold(engine, |engine, knowing| knowing(engine))
    }

    /// Remembers the state that a run has left, so that an earlier one is noticed later.
    pub(crate) fn remember(&self, lineage: Lineage, report: &Report) {
        // Else not all of it may be in the state.
        if report.state_failure.is_none() && !report.interrupted {
            memory_of_state::remember(&self.folder, &Freshness { lineage, serial: report.serial });
        }
    }

    /// Waits for somebody else's lock, for as long as a command may: calls `run` again until it is not locked.
    pub(crate) async fn unlocked<T>(
        &self,
        timeout: u64,
        mut run: impl AsyncFnMut() -> Result<T, sprocket_core::engine::Refused>,
    ) -> Result<T, Trouble> {
        let until = tokio::time::Instant::now() + Duration::from_secs(timeout);
        let mut told = false;
        loop {
            match run().await {
                Err(refused) if refused.is_locked() && tokio::time::Instant::now() < until => {
                    if !told && !self.console.is_json() {
                        self.console
                            .err_lines(&format!("{refused}; waiting up to {timeout}s"), crate::output::failure::look);
                    }
                    told = true;
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_millis(250)) => {}
                        () = self.stop.requested() => return Err(refused.into()),
                    }
                }
                result => return Ok(result?),
            }
        }
    }
}

/// Who runs this: user, host and process.
fn who(around: &Surroundings) -> String {
    let user = around.variable("USER").or_else(|| around.variable("USERNAME")).unwrap_or("somebody");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|host| host.trim().to_owned());
    let host = host.or_else(|| around.variable("HOSTNAME").map(str::to_owned)).unwrap_or_else(|| "this host".into());
    format!("{user}@{host}, process {}", std::process::id())
}

/// The engine's own log goes to the standard error of the process, as far as `RUST_LOG` asks for it.
pub(crate) fn logs(around: &Surroundings) {
    if let Some(filter) = around.variable("RUST_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        // A program that has a subscriber of its own keeps it.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(around.colour_err)
            .try_init();
    }
}
