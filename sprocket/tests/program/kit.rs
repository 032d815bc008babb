//! The kit of these tests: a shelf that things are put on, and a way to run a program in a folder of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sprocket::core::engine::Stop;
use sprocket::core::kind::{
    CallResult, CheckResult, CreateRequest, Deadline, ErrorKind, FailureOf, Handle, Identity, Kind, KindFlags, Kinds,
    Live, OwnerTag, PhysicalName, Provider, ProviderError, ReadRequest, ReadResult, Recorded, ResourceRef, Spec,
    UpdateRequest,
};
use sprocket::core::program::{Output, Secret, Stack};
use sprocket::core::state::StateStore;
use sprocket::{Declare, Exit, Program, Shared, Surroundings};

/// A service in memory, by its name. Each test has one of its own.
#[derive(Debug)]
pub(crate) struct Shelf(String);

/// What is on a shelf, and what goes wrong with it.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) things: BTreeMap<String, (ThingSpec, OwnerTag)>,
    /// Putting these on it fails.
    pub(crate) failing: BTreeSet<String>,
    /// Putting this on it asks the run to stop, and then takes as long as it takes.
    pub(crate) stops: Option<(String, Stop, bool)>,
    pub(crate) is_gone: bool,
    /// Nothing is served from it.
    pub(crate) is_locked: bool,
    /// Putting this on it unlocks that other one.
    pub(crate) unlocks: Option<(String, &'static str)>,
    /// How long it takes to put something on it.
    pub(crate) takes: std::time::Duration,
}

static WORLDS: LazyLock<Mutex<BTreeMap<String, &'static Mutex<World>>>> = LazyLock::new(Mutex::default);

/// The shelf of this name, which nobody else uses as long as the guard lives.
pub(crate) fn world(name: &str) -> MutexGuard<'static, World> {
    let world = *WORLDS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(name.to_owned())
        .or_insert_with(|| Box::leak(Box::default()));
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(provider = Shelf, crate = sprocket::core)]
pub(crate) struct ShelfSpec {
    /// Which one.
    pub(crate) place: String,
    /// How many boards it has.
    #[spec(default = 3)]
    #[serde(default)]
    pub(crate) boards: u32,
    /// What opens it.
    pub(crate) key: Option<Secret<String>>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    #[error("nobody answers at `{0}`")]
    Gone(String),
    #[error("`{0}` is locked")]
    Locked(String),
    #[error("`{0}` does not fit onto the shelf")]
    TooBig(String),
}

impl ProviderError for ShelfError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Gone(_) => ErrorKind::Unavailable,
            Self::Locked(_) => ErrorKind::Closed,
            Self::TooBig(_) => ErrorKind::Invalid,
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Gone(_) => Some("put the shelf back".into()),
            Self::Locked(_) => Some("unlock it".into()),
            Self::TooBig(_) => Some("make it smaller".into()),
        }
    }
}

impl Provider for Shelf {
    const NAME: &'static str = "shelf";
    type Draft = ShelfDraft;
    type Config = ShelfSpec;
    type Credentials = ();
    type Error = ShelfError;

    async fn connect(config: &ShelfSpec, (): ()) -> Result<Self, ShelfError> {
        let place = config.place.clone();
        let World { is_gone, is_locked, .. } = *world(&place);
        match (is_gone, is_locked) {
            (true, _) => Err(ShelfError::Gone(place)),
            (_, true) => Err(ShelfError::Locked(place)),
            _ => Ok(Self(place)),
        }
    }
    fn ambient() -> Result<(), ShelfError> {
        Ok(())
    }
    async fn identity(&self) -> Result<Identity, ShelfError> {
        Ok("the shelf".into())
    }
    fn kinds(kinds: &mut impl Kinds<Self>) {
        kinds.with::<Thing>().with::<Chest>();
    }
}

impl Shelf {
    fn world(&self) -> MutexGuard<'static, World> {
        world(&self.0)
    }

    fn look(&self, name: &PhysicalName) -> Option<(ThingSpec, OwnerTag)> {
        self.world().things.get(name.as_str()).cloned()
    }

    async fn put(&self, name: &PhysicalName, spec: &ThingSpec, owner: &OwnerTag) -> Result<(), ShelfError> {
        let stops = self.world().stops.clone();
        if let Some((_, stop, hangs)) = stops.filter(|(stopping, ..)| stopping == name.as_str()) {
            stop.request();
            if hangs {
                stop.request();
                std::future::pending::<()>().await;
            }
        }
        let takes = self.world().takes;
        tokio::time::sleep(takes).await;
        if self.world().failing.contains(name.as_str()) {
            return Err(ShelfError::TooBig(name.to_string()));
        }
        self.world().things.insert(name.to_string(), (spec.clone(), owner.clone()));
        let unlocks = self.world().unlocks.clone();
        if let Some((_, other)) = unlocks.filter(|(thing, _)| thing == name.as_str()) {
            world(other).is_locked = false;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Thing, crate = sprocket::core)]
pub(crate) struct ThingSpec {
    #[spec(default)]
    pub(crate) text: String,
    pub(crate) lock: Option<Secret<String>>,
    pub(crate) beside: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Spec)]
#[spec(resource = Chest, crate = sprocket::core)]
pub(crate) struct ChestSpec {
    #[spec(default)]
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ThingState {
    weight: usize,
}

macro_rules! kind {
    ($kind:ident, $name:literal, $draft:ident, $spec:ident, $flags:expr, $in:expr, $out:expr) => {
        #[derive(Clone, Debug, Handle)]
        #[handle(kind = $name, provider = Shelf, naming = fixed, state = ThingState)]
        pub(crate) struct $kind {
            #[allow(dead_code)]
            #[output(name)]
            pub(crate) name: Output<String>,
            #[allow(dead_code)]
            #[output(state.weight)]
            pub(crate) weight: Output<usize>,
            this: ResourceRef<Self>,
        }

        impl $kind {
            pub(crate) fn new(name: &str) -> $draft {
                $draft::new(name)
            }
        }

        impl Kind for $kind {
            const FLAGS: KindFlags = $flags;

            async fn read(shelf: &Shelf, find: ReadRequest<'_, Self>) -> ReadResult<Self> {
                let name = PhysicalName::from(find.name());
                Ok(Vec::from_iter(shelf.look(&name).map(|(spec, owner)| Live {
                    id: name.as_str().into(),
                    state: ThingState { weight: spec.text.len() },
                    spec: $out(spec),
                    owner: Some(owner),
                    name,
                })))
            }
            async fn create(shelf: &Shelf, make: &CreateRequest<'_, Self>) -> CallResult<Self> {
                shelf.put(make.name, &$in(make.spec), make.owner).await?;
                Ok(ThingState { weight: make.spec.text.len() })
            }
            async fn update(shelf: &Shelf, change: &UpdateRequest<'_, Self>) -> CallResult<Self> {
                shelf.put(&change.live.name, &$in(change.spec), change.owner).await?;
                Ok(ThingState { weight: change.spec.text.len() })
            }
            async fn delete(shelf: &Shelf, record: &Recorded<Self>) -> Result<(), FailureOf<Self>> {
                shelf.world().things.remove(record.name.as_str());
                Ok(())
            }
            async fn verify(_: &Shelf, record: &Recorded<Self>, _: Deadline) -> Vec<CheckResult> {
                let failure = (record.spec.text == "broken").then(|| "it is broken".to_owned());
                vec![CheckResult { what: "is whole".into(), failure }]
            }
        }
    };
}

kind!(Thing, "shelf:thing", ThingDraft, ThingSpec, KindFlags::new(), ThingSpec::clone, |spec| spec);
kind!(
    Chest,
    "shelf:chest",
    ChestDraft,
    ChestSpec,
    KindFlags::new().stateful(),
    |spec: &ChestSpec| ThingSpec { text: spec.text.clone(), lock: None, beside: None },
    |spec: ThingSpec| ChestSpec { text: spec.text }
);

/// A program's place: a folder with a `sprocket.toml`, variables, and a shelf.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    /// The program that is run there.
    pub(crate) program: &'static str,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) variables: BTreeMap<String, String>,
    /// What is typed, if there is a terminal.
    pub(crate) typed: Option<&'static str>,
    pub(crate) stop: Stop,
    pub(crate) store: Option<Arc<dyn StateStore>>,
}

impl Place {
    pub(crate) fn new(name: &'static str, file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sprocket.toml"), file).unwrap();
        Self {
            name,
            program: "pantry",
            folder,
            variables: BTreeMap::new(),
            typed: None,
            stop: Stop::default(),
            store: None,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(crate) fn world(&self) -> MutexGuard<'static, World> {
        world(self.name)
    }

    pub(crate) fn things(&self) -> Vec<String> {
        self.world().things.keys().cloned().collect()
    }

    /// Runs a program on this place's shelf: its exit code, and the lines that it printed, in their order.
    pub(crate) fn run(&self, args: &str, declare: impl FnOnce(&mut Stack)) -> String {
        let (exit, text, _) = self.start(args, |stack: &mut Stack, (): &()| {
            stack.connect(ShelfDraft::new(self.name));
            declare(stack);
        });
        format!("{text}exit {}", exit.code())
    }

    /// Reads a configuration: what the program is given, or what is said against it.
    pub(crate) fn configure<C: DeserializeOwned + std::fmt::Debug>(&self) -> String {
        let mut seen = None;
        let (exit, text, _) =
            self.start("graph --env local", |_: &mut Stack, config: &C| seen = Some(format!("{config:#?}")));
        seen.filter(|_| exit == Exit::Done).unwrap_or(text)
    }

    /// Runs any program: its exit, everything that it printed, and of that what went to `out`.
    pub(crate) fn start<C, D, R>(&self, args: &str, declare: D) -> (Exit, String, String)
    where
        C: DeserializeOwned,
        D: FnOnce(&mut Stack, &C) -> R,
        R: Declare,
    {
        let (screen, out) = (Shared::default(), Shared::default());
        let mut around = Surroundings::with_args(args.split_whitespace());
        around.directory = self.folder.path().to_path_buf();
        around.variables.clone_from(&self.variables);
        around.variables.insert("USER".into(), "ann".into());
        around.variables.entry("SPROCKET_FILE".into()).or_insert("sprocket.toml".into());
        around.out = Box::new(Both(screen.clone(), out.clone()));
        around.err = Box::new(screen.clone());
        around.stop = self.stop.clone();
        around.store.clone_from(&self.store);
        if let Some(typed) = self.typed {
            around.input = Box::new(Cursor::new(typed));
            around.terminal = true;
        }
        let exit = Program::new(self.program).knowing::<Shelf>().run_in(around, declare);
        (exit, self.scrub(&screen.take()), out.take())
    }

    /// Takes out what differs from run to run.
    fn scrub(&self, text: &str) -> String {
        let folder = self.folder.path().display().to_string();
        let text = text.replace(&format!("{folder}/"), "").replace(&folder, "FOLDER");
        let lines = text.lines().filter(|line| !line.starts_with("✓ clock"));
        lines.map(|line| without_times(&without_places(line)) + "\n").collect()
    }
}

/// A configuration of one environment.
pub(crate) const LOCAL: &str = "default = \"local\"\n[local]\n";

/// A program of two things, one of which has a secret and an output.
pub(crate) fn pantry(stack: &mut Stack) {
    let jar = stack.add(Thing::new("jar").text("plums").lock(Secret::new("hunter2".to_owned())));
    stack.add(Thing::new("spoon").beside(&jar.name));
    stack.output("weight", &jar.weight);
}

/// `runs.rs:17` is another line after each edit.
fn without_places(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.extend([".rs:LINE", part.trim_start_matches(|c: char| c.is_ascii_digit())]);
    }
    result
}

/// `(0.1s)` is another each time.
fn without_times(text: &str) -> String {
    let mut parts = text.split('(');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("s)") {
            Some((time, rest)) if time.chars().all(|c| c.is_ascii_digit() || c == '.') => {
                result = result.trim_end().to_owned() + rest;
            }
            _ => result.extend(["(", part]),
        }
    }
    result
}

struct Both(Shared, Shared);

impl std::io::Write for Both {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
