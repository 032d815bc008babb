//! A place to run a program in: a folder of its own with a `sprocket.toml`, and an engine that is left as it was.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{Object, docker_try, eventually, listing, remove_all_of};

static ENGINE: Mutex<()> = Mutex::new(());

/// Where a story is told. When it ends, however it ends, what it made is removed, and the engine's listing compared.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    before: BTreeSet<Object>,
    by_hand: Vec<(&'static str, String)>,
    began: Instant,
    story: &'static str,
    _alone: MutexGuard<'static, ()>,
}

/// What a program printed, and how it ended.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?} after {:.1?}\n--- out\n{}--- err\n{}", self.code, self.took, self.out, self.err)
    }
}

impl Told {
    /// It ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl Place {
    /// For a program of the examples, if there is an engine that may be used.
    pub(crate) fn of(story: &'static str, program: &str, toml: &str) -> Option<Self> {
        if std::env::var_os("SPROCKET_LIVE").is_none() {
            println!("skipped: {story}: needs a Docker engine that is a swarm manager; set SPROCKET_LIVE");
            return None;
        }
        let alone = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let folder = tempfile::Builder::new().prefix(FOLDERS).tempdir().unwrap();
        std::fs::write(folder.path().join(OWNER), owner()).unwrap();
        std::fs::write(folder.path().join("sprocket.toml"), toml).unwrap();
        let program = copied(program, folder.path());
        let before = listing();
        let (by_hand, began) = (Vec::new(), Instant::now());
        Some(Self { folder, program, before, by_hand, began, story, _alone: alone })
    }

    /// Changes the configuration.
    pub(crate) fn configure(&self, toml: &str) {
        std::fs::write(self.folder.path().join("sprocket.toml"), toml).unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with these arguments, in the environment `local`, with none of our own variables.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("SPROCKET_") || matches!(&*name, "RUST_LOG" | "DOCKER_HOST" | "CARGO_MANIFEST_DIR") {
                command.env_remove(name);
            }
        }
        command.env("SPROCKET_FILE", "sprocket.toml").env("SPROCKET_ENV", "local");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Told {
        run(self.command(args))
    }

    /// An output of the program, secret or not.
    pub(crate) fn output(&self, name: &str) -> String {
        let told = self.run(&["outputs", "--reveal", "--json"]).exits(0);
        let outputs: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        outputs[name].as_str().unwrap_or_else(|| panic!("{name}: {outputs}")).to_owned()
    }

    /// Starts it.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// The folder with the state.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join(".sprocket")
    }

    /// Something that the test makes by itself, and that goes at its end.
    pub(crate) fn by_hand(&mut self, kind: &'static str, name: &str) {
        self.by_hand.push((kind, name.to_owned()));
    }

    /// The objects that are here now and were not before, but for those of other stacks.
    pub(crate) fn made(&self) -> BTreeSet<Object> {
        let lineages = self.lineages();
        let ours = |object: &&Object| object.lineage.is_empty() || lineages.contains(&object.lineage);
        listing().difference(&self.before).filter(ours).cloned().collect()
    }

    /// The stacks whose state is in the folder.
    pub(crate) fn lineages(&self) -> BTreeSet<String> {
        lineages(&self.state())
    }

    /// Tells how long something took.
    pub(crate) fn tell(&self, what: &str, took: Duration) {
        println!("{:<8} {:>6.1} s  {what}", self.story, took.as_secs_f64());
    }

    /// Tells how long an apply took, and which steps took longest.
    pub(crate) fn tell_apply(&self, told: &Told) {
        let summary = told.out.lines().find(|line| line.ends_with('.') && line.contains("ed")).unwrap_or_default();
        self.tell(summary, told.took);
        let seconds = |line: &str| -> Option<(u32, String)> {
            let (step, rest) = line.strip_prefix("✓ ")?.rsplit_once(" (")?;
            let time = rest.split(')').next()?.strip_suffix('s')?;
            let (minutes, seconds) = time.split_once('m').unwrap_or(("0", time));
            let seconds = seconds.parse::<f64>().ok()? as u32;
            Some((minutes.parse::<u32>().ok()? * 60 + seconds, step.to_owned()))
        };
        let mut steps: Vec<_> = told.err.lines().filter_map(seconds).filter(|(seconds, _)| *seconds >= 10).collect();
        steps.sort();
        for (seconds, step) in steps.iter().rev().take(3) {
            println!("{seconds:>20} s of it: {step}");
        }
    }

    fn difference(&self) -> Result<(), String> {
        let now = listing();
        // Other stacks come and go as they like.
        let strange = |object: &&Object| object.lineage.is_empty();
        let gone: Vec<&Object> = self.before.difference(&now).filter(strange).collect();
        let made = self.made();
        if gone.is_empty() && made.is_empty() { Ok(()) } else { Err(format!("gone: {gone:#?}\nleft: {made:#?}")) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a story leaves is a failure of the program; a story that failed may leave what it likes.
        let left = if std::thread::panicking() { Ok(()) } else { eventually(LINGERS, || self.left()) };
        for lineage in self.lineages() {
            remove_all_of(&lineage);
        }
        for (kind, name) in &self.by_hand {
            let _ = docker_try(&[kind, "rm", name]);
        }
        let clean = eventually(LINGERS, || self.difference());
        self.tell("in all", self.began.elapsed());
        if std::thread::panicking() {
            println!("{}: the engine {}", self.story, if clean.is_ok() { "is as it was" } else { "is NOT as it was" });
            return;
        }
        assert_eq!(left, Ok(()), "the program left something behind");
        assert_eq!(clean, Ok(()), "the engine is not as it was");
    }
}

/// Tasks keep their volumes and networks a little longer.
const LINGERS: Duration = Duration::from_secs(20);

impl Place {
    /// Whether all that the program made has gone by its own doing.
    fn left(&self) -> Result<(), String> {
        let is_by_hand =
            |object: &Object| self.by_hand.iter().any(|(kind, name)| *kind == object.kind && *name == object.name);
        let left: Vec<Object> = self.made().into_iter().filter(|object| !is_by_hand(object)).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:#?}")) }
    }
}

/// What the folders of stories are called, and the file in each that tells which process tells the story.
const FOLDERS: &str = "sprocket-live-";
const OWNER: &str = "told-by";

/// This process: its number, and its program, since a number alone is given to others later.
fn owner() -> String {
    format!("{} {}", std::process::id(), std::env::current_exe().unwrap().display())
}

fn lives(owner: &str) -> bool {
    let Some((id, program)) = owner.split_once(' ') else { return false };
    std::fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe.starts_with(program))
}

/// Removes what stories left whose process was killed: the engine outlives it, and their services have names of their own.
fn sweep() {
    for folder in std::fs::read_dir(std::env::temp_dir()).unwrap().map(|entry| entry.unwrap().path()) {
        let is_story = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDERS));
        let Ok(owner) = std::fs::read_to_string(folder.join(OWNER)) else { continue };
        if is_story && !lives(&owner) {
            println!("removed what a killed test left: {}", folder.display());
            lineages(&folder.join(".sprocket")).iter().for_each(|lineage| remove_all_of(lineage));
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }
}

/// The stacks whose state is in a folder.
fn lineages(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(folder) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once("\"lineage\"") {
            let value = after.trim_start_matches([':', ' ', '"']);
            found.extend(value.split('"').next().map(ToOwned::to_owned));
            rest = after;
        }
    }
    found
}

/// A copy of a program of the examples in this folder: somebody may build them while it runs.
pub(crate) fn copied(program: &str, folder: &Path) -> PathBuf {
    let copy = folder.join(program);
    std::fs::copy(built().join(program), &copy).unwrap();
    copy
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Told {
    let began = Instant::now();
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took: began.elapsed() }
}

/// All files in a folder and below.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The folder of the built examples, as they are now: a test alone does not build them.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let target = profile.parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        // As the tests are built, so that nothing is built again for other features.
        cargo.args(["build", "--quiet", "--workspace", "--all-features", "--examples", "--target-dir"]).arg(target);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let told = run(cargo);
        assert_eq!(told.code, Some(0), "{told}");
        profile.join("examples")
    })
}
