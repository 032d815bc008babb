//! What is killed: a program that plans and applies a stack with every kind, as a user's would.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sprocket_core::engine::{Engine, Goal, Settings, Stop};
use sprocket_core::kind::Entropy;
use sprocket_core::program::{DraftExt as _, Password, Stack};
use sprocket_core::state::StackKey;
use sprocket_core::state::{
    Action, Earlier, Entry, FileStore, Holder, JournalEvent, KeySource, Loaded, Lock, Signer, Snapshot, StateStore,
    StoreError,
};
use sprocket_docker::{Docker, EndpointMode, Network, Service, SwarmConfig, SwarmSecret, Volume};

pub(crate) const FOLDER: &str = "SPROCKET_KILL_FOLDER";
pub(crate) const JOB: &str = "SPROCKET_KILL_JOB";
pub(crate) const SLOWLY: &str = "SPROCKET_KILL_SLOWLY";

/// What a run makes of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    First,
    /// One variable of the service is another.
    Updated,
    /// The network, the config and the secret are new ones.
    Replaced,
    /// Everything goes, the volume too.
    Gone,
}

impl Job {
    fn named(name: &str) -> Self {
        match name {
            "First" => Self::First,
            "Updated" => Self::Updated,
            "Replaced" => Self::Replaced,
            "Gone" => Self::Gone,
            other => panic!("there is no job {other}"),
        }
    }

    /// How many objects there are of each kind when it is done.
    pub(crate) fn objects(self) -> BTreeMap<&'static str, usize> {
        let each = usize::from(self != Self::Gone);
        ["config", "network", "secret", "service", "volume"].map(|kind| (kind, each)).into()
    }

    fn declare(self, stack: &mut Stack) {
        let replaced = self == Self::Replaced;
        stack.connect(Docker::from_env());
        let label = if replaced { "second" } else { "first" };
        let net = stack.add(Network::overlay("sprocket-kill").label("kill", label));
        let data = stack.add(Volume::new("sprocket-kill"));
        let motd = stack.add(SwarmConfig::new("sprocket-kill", format!("motd: {label}\n")));
        let password = stack.add(Password::new("kill").rotation(label));
        let secret = stack.add(SwarmSecret::new("sprocket-kill", &password.value));
        stack.add(
            Service::new("sprocket-kill", "sprocket-stand-in/busy:1")
                .network(&net)
                .endpoint(EndpointMode::Dnsrr)
                .mount(&data, "/data")
                .config(&motd, "/motd")
                .secret(&secret, "password")
                .env("JOB", if self == Self::Updated { "updated" } else { "first" })
                .stop_grace_period("1s")
                .time_limit(Duration::from_secs(120)),
        );
    }
}

/// Does the job, and sees that nothing is left to do.
pub(crate) fn main() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let job = Job::named(&std::env::var(JOB).unwrap());
    let slowly = std::env::var_os(SLOWLY).is_some_and(|value| !value.is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(PathBuf::from(folder), job, slowly));
}

pub(crate) fn key() -> KeySource {
    KeySource::Given(StackKey::from_bytes([7; 64]))
}

async fn run(folder: PathBuf, job: Job, slowly: bool) {
    let store = FileStore::new(folder);
    let store: Arc<dyn StateStore> = if slowly { Arc::new(Slow(store)) } else { Arc::new(store) };
    let engine = Engine::new(store, Settings::new(key()));
    let mut stack = Stack::new();
    job.declare(&mut stack);
    let goal = if job == Job::Gone { Goal::Destroyed { include_kept: true } } else { Goal::Declared };
    let plan = engine.plan(&stack, goal).await.unwrap_or_else(|refused| panic!("the plan was refused: {refused}"));
    println!("{plan}");
    let report = engine.apply(&stack, &plan, &Stop::default()).await;
    let report = report.unwrap_or_else(|refused| panic!("the run was refused: {refused}"));
    assert!(report.succeeded(), "the run failed: {report:#?}");
    let again = engine.plan(&stack, goal).await.unwrap();
    assert!(again.is_empty(), "something is left to do:\n{again}");
}

/// A store that takes its time: between an entry and the call that it is for, and between a call and its entry.
#[derive(Debug)]
struct Slow(FileStore);

#[async_trait]
impl StateStore for Slow {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.0.load().await
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Lock>, StoreError> {
        Ok(Box::new(SlowLock(self.0.lock(holder).await?)))
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        self.0.unlock(id).await
    }

    async fn holder(&self) -> Result<Option<Holder>, StoreError> {
        self.0.holder().await
    }

    async fn history(&self) -> Result<Vec<Earlier>, StoreError> {
        self.0.history().await
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

#[derive(Debug)]
struct SlowLock(Box<dyn Lock>);

/// A random time of up to so many seconds.
async fn a_while(seconds: u32) {
    let [byte] = Entropy::system().bytes::<1>();
    tokio::time::sleep(Duration::from_millis(4 * u64::from(byte)) * seconds).await;
}

#[async_trait]
impl Lock for SlowLock {
    async fn load(&self) -> Result<Option<Loaded>, StoreError> {
        self.0.load().await
    }

    async fn append(&self, entries: &[Entry], signer: &Signer) -> Result<(), StoreError> {
        // A call is over in no time, so its entry is what a kill comes before. Of the steps that one batch ends and begins,
        // the begun ones are fewer: they take longer, so that kills fall into every phase alike.
        a_while(1).await;
        let result = self.0.append(entries, signer).await;
        let begins = entries
            .iter()
            .any(|entry| matches!(&entry.event, JournalEvent::Begin { action } if *action != Action::Ready));
        a_while(if begins { 3 } else { 0 }).await;
        result
    }

    async fn compact(&self, snapshot: &Snapshot, signer: &Signer) -> Result<(), StoreError> {
        self.0.compact(snapshot, signer).await
    }

    fn is_held(&self) -> bool {
        self.0.is_held()
    }

    fn wants_snapshot(&self) -> bool {
        self.0.wants_snapshot()
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.0.release().await
    }
}
