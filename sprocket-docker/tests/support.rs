//! A world for one test: a connection to a real engine or to a sandbox, names of its own, and a broom.
//!
//! Everything that a test makes has a name with the world's prefix, and is removed when the world is dropped, also when
//! the test fails. On a real engine the broom is Docker's own command line, so that the tests do not clean up with what
//! they test; a sandbox goes as a whole.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use sprocket_core::__derive::Known;
use sprocket_core::kind::{
    CreateRequest, Deadline, Draft, Entropy, FailureOf, Fields, Kind, Listing, Live, OwnerTag, PhysicalName,
    Provider as _, ReadRequest, Recorded,
};
use sprocket_docker::{Docker, EngineAddress, RegistryLogins};
use sprocket_sandbox::Sandbox;

/// A snapshot of what both engines must say: it is met twice in one process.
macro_rules! assert_both_say {
    ($said:expr, @$expected:literal) => {{
        let said = $said;
        insta::allow_duplicates! { insta::assert_snapshot!(said, @$expected); }
    }};
}
pub(crate) use assert_both_say;

/// Runs these tests in the sandbox, and on a real engine if `SPROCKET_LIVE` is set: the same code for both. Those that
/// wait for long by the client's own clock run in the sandbox only then, too.
macro_rules! both {
    ($($test:ident),* $(,)? $(; slowly: $($slow:ident),* $(,)?)?) => {
        mod sandbox {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::support::World::sandbox().await).await;
            })*
            $($(#[tokio::test]
            async fn $slow() {
                if crate::support::is_live() {
                    super::$slow(crate::support::World::sandbox().await).await;
                }
            })*)?
        }

        mod live {
            $(#[tokio::test]
            async fn $test() {
                if let Some(world) = crate::support::World::live().await {
                    super::$test(world).await;
                }
            })*
            $($(#[tokio::test]
            async fn $slow() {
                if let Some(world) = crate::support::World::live().await {
                    super::$slow(world).await;
                }
            })*)?
        }
    };
}
pub(crate) use both;

/// What tests run against.
pub(crate) enum Engine {
    Real(EngineAddress),
    Sandbox(Sandbox),
}

impl Engine {
    /// The real engine, if `SPROCKET_LIVE` is set.
    pub(crate) fn live() -> Option<Self> {
        is_live().then(|| Self::Real(spec_of(&Docker::from_env()).address))
    }

    pub(crate) fn sandbox() -> Self {
        Self::Sandbox(Sandbox::in_memory().expect("a sandbox can be started"))
    }

    pub(crate) fn address(&self) -> EngineAddress {
        match self {
            Self::Real(address) => address.clone(),
            Self::Sandbox(sandbox) => {
                let address = sandbox.addresses().swarm;
                EngineAddress::Tcp { host: address.ip().to_string(), port: address.port() }
            }
        }
    }

    /// A request that shares nothing with the client under test.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_ask(method, path, body).unwrap_or_else(|answer| panic!("{method} {path}: {answer}"))
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        let request = format!(
            "{method} /v1.41{path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = match self.address() {
            EngineAddress::Unix(path) => exchange(UnixStream::connect(path).unwrap(), &request),
            EngineAddress::Tcp { host, port } => exchange(TcpStream::connect((host, port)).unwrap(), &request),
        };
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let is_done = head.lines().next().unwrap().contains(" 20");
        if is_done { Ok(serde_json::from_str(body).unwrap_or_default()) } else { Err(answer) }
    }

    /// Changes an object's settings as somebody else would: `kind` is the API's word, `services`.
    pub(crate) fn edit(&self, kind: &str, name: &str, edit: impl Fn(&mut Value)) {
        loop {
            let found = self.ask("GET", &format!("/{kind}/{name}"), &Value::Null);
            let mut spec = found["Spec"].clone();
            edit(&mut spec);
            let (id, version) = (found["ID"].as_str().unwrap(), &found["Version"]["Index"]);
            match self.try_ask("POST", &format!("/{kind}/{id}/update?version={version}"), &spec) {
                Ok(_) => return,
                // The engine itself has changed it in between, such as when an update has ended.
                Err(answer) if answer.contains("update out of sequence") => {}
                Err(answer) => panic!("{kind} {name}: {answer}"),
            }
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A connection, and names of its own.
pub(crate) struct World {
    pub(crate) docker: Docker,
    pub(crate) engine: Engine,
    prefix: String,
}

/// Where the ports that tests use begin, and how far those in a sandbox are from them.
const FIRST_PORT: u16 = 18_000;
const SANDBOX_PORTS: u16 = 10_000;

static WORLDS: AtomicU32 = AtomicU32::new(0);

/// A name that no other test has, and that none begins with.
pub(crate) fn unique() -> String {
    format!("t{}-{}x", std::process::id(), WORLDS.fetch_add(1, Ordering::Relaxed))
}

/// Whether tests run that take long or need a real engine; says so where they don't.
pub(crate) fn is_live() -> bool {
    let is_set = std::env::var_os("SPROCKET_LIVE").is_some();
    if !is_set {
        println!("skipped: set SPROCKET_LIVE to run it against the engine of DOCKER_HOST, a swarm manager");
    }
    is_set
}

impl World {
    /// A world on the real engine, if `SPROCKET_LIVE` is set.
    pub(crate) async fn live() -> Option<Self> {
        Some(Self::on(Engine::live()?).await)
    }

    /// A world in a sandbox.
    pub(crate) async fn sandbox() -> Self {
        Self::on(Engine::sandbox()).await
    }

    async fn on(engine: Engine) -> Self {
        let config = spec_of(&Docker::at(engine.address()));
        let docker = Docker::connect(&config, RegistryLogins::none()).await.expect("the engine answers");
        Self { docker, engine, prefix: unique() }
    }

    /// A port of the node: another one in a sandbox, since both run at the same time.
    pub(crate) fn port(&self, port: u16) -> u16 {
        match self.engine {
            Engine::Real(_) => port,
            Engine::Sandbox(_) => port + SANDBOX_PORTS,
        }
    }

    /// A name that only this test has.
    pub(crate) fn name(&self, name: &str) -> PhysicalName {
        format!("{}-{name}", self.prefix).into()
    }

    /// A mark of this test's stack.
    pub(crate) fn owner(&self, record: &str) -> OwnerTag {
        OwnerTag { lineage: self.prefix.as_str().into(), record: record.into() }
    }

    pub(crate) async fn make<R: Kind<Provider = Docker>>(&self, name: &str, spec: &R::Spec) -> Recorded<R> {
        self.try_make(name, spec, &self.owner(name)).await.unwrap_or_else(|failed| panic!("create: {failed:?}"))
    }

    pub(crate) async fn try_make<R: Kind<Provider = Docker>>(
        &self,
        name: &str,
        spec: &R::Spec,
        owner: &OwnerTag,
    ) -> Result<Recorded<R>, FailureOf<R>> {
        let name = self.name(name);
        let make = CreateRequest { name: &name, spec, owner, entropy: &Entropy::system() };
        let state = R::create(&self.docker, &make).await?;
        Ok(Recorded { id: R::id(&name, &state), name, spec: spec.clone(), state, owner: owner.clone() })
    }

    /// The object as it is now.
    pub(crate) async fn read<R: Kind<Provider = Docker>>(&self, record: &Recorded<R>) -> Option<Live<R>> {
        let mut lives = R::read(&self.docker, ReadRequest::Recorded(record)).await.expect("it can be read");
        assert!(lives.len() < 2, "{} answer to one id", lives.len());
        lives.pop()
    }

    /// What a listing gives, by name.
    pub(crate) async fn listed<R: Kind<Provider = Docker>>(
        &self,
        lineage: &str,
        names: &[&PhysicalName],
    ) -> Vec<String> {
        let names = names.iter().map(|name| (*name).clone()).collect::<BTreeSet<_>>();
        let wanted = Listing { lineage: lineage.into(), names };
        let lives = R::list(&self.docker, &wanted).await.expect("it can be listed").expect("it has a list");
        lives.into_iter().map(|live| live.name.to_string()).collect()
    }

    pub(crate) async fn delete<R: Kind<Provider = Docker>>(&self, record: &Recorded<R>) {
        R::delete(&self.docker, record).await.unwrap_or_else(|failed| panic!("delete: {failed:?}"));
    }

    pub(crate) async fn ready<R: Kind<Provider = Docker>>(
        &self,
        record: &Recorded<R>,
        seconds: u64,
    ) -> Result<(), String> {
        let deadline = Deadline::after(Duration::from_secs(seconds));
        match R::ready(&self.docker, record, deadline).await {
            Ok(_) => Ok(()),
            Err(failed) => Err(self.plain(&failed.error.to_string())),
        }
    }

    /// Text without what differs from run to run.
    pub(crate) fn plain(&self, text: &str) -> String {
        let text = text.replace(&format!("{}-", self.prefix), "");
        let port = |word: &str| word.parse::<u16>().ok().filter(|port| *port >= FIRST_PORT + SANDBOX_PORTS);
        match self.engine {
            Engine::Real(_) => text,
            Engine::Sandbox(_) => text
                .split_inclusive(|c: char| !c.is_ascii_digit())
                .map(|part| {
                    let word = part.trim_end_matches(|c: char| !c.is_ascii_digit());
                    port(word).map_or(part.to_owned(), |port| part.replace(word, &(port - SANDBOX_PORTS).to_string()))
                })
                .collect(),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Engine::Real(_) = self.engine {
            sweep(&self.prefix);
        }
    }
}

/// Removes all objects whose names begin with this.
pub(crate) fn sweep(prefix: &str) {
    for kind in ["service", "config", "secret", "network", "volume"] {
        let mut tries = 60;
        while tries > 0 && !is_swept(kind, prefix) {
            tries -= 1;
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Removes what is left of a kind. True if nothing was.
fn is_swept(kind: &str, prefix: &str) -> bool {
    // Networks can have the same name; a volume has no id.
    let format = if kind == "volume" { "--format={{.Name}} {{.Name}}" } else { "--format={{.Name}} {{.ID}}" };
    let Some(listed) = docker(&[kind, "ls", format]) else { return true };
    let lines = listed.lines().filter_map(|line| line.split_once(' '));
    let ours: Vec<_> = lines.filter(|(name, _)| name.starts_with(prefix)).collect();
    for (_, id) in &ours {
        docker(&[kind, "rm", id]);
    }
    ours.is_empty()
}

/// Docker's own command line; what it prints, if it succeeds.
pub(crate) fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().expect("`docker` is installed");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The settings of a draft that mentions no other resource.
pub(crate) fn spec_of<F: Fields>(draft: &F) -> F::Spec {
    draft.spec(&Known::default()).unwrap_or_else(|error| panic!("a setting has no value: {error:?}"))
}

/// The settings of a draft, and that it is one of this kind.
pub(crate) fn spec<R: Kind>(draft: impl Draft<Handle = R, Spec = R::Spec>) -> R::Spec {
    spec_of(&draft)
}
