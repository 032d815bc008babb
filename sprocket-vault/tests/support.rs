//! Servers of a test's own, real ones and the sandbox's, and requests that share nothing with the client under test.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sprocket_sandbox::{Faults, Sandbox};

/// Whether tests run against real servers; says so where they don't.
pub(crate) fn is_live() -> bool {
    let is_set = std::env::var_os("SPROCKET_LIVE").is_some();
    if !is_set {
        println!("skipped: set SPROCKET_LIVE to run it against a Vault of its own");
    }
    is_set
}

/// A server that ends with the test.
pub(crate) struct Bao {
    running: Running,
    pub(crate) address: String,
    /// A token that may do everything; of a server for development only.
    pub(crate) token: String,
}

enum Running {
    Process(Process),
    Sandbox(Sandbox),
}

/// A process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The servers that a suite runs on: the sandbox's, and a real one if tests are live. Both are initialised and open.
pub(crate) fn servers() -> Vec<Bao> {
    let real = is_live().then(Bao::dev);
    std::iter::once(Bao::sandbox()).chain(real).collect()
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The server's program.
fn program() -> std::path::PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/bao");
    assert!(program.exists(), "{} is missing: `scripts/services up vault` fetches it", program.display());
    program
}

impl Running {
    fn of(command: &mut Command) -> Self {
        Self::Process(Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()))
    }
}

impl Bao {
    /// A server that is initialised and open, with all of it in memory.
    pub(crate) fn dev() -> Self {
        let port = free_port();
        let mut command = Command::new(program());
        command.args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root"]);
        command.arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        let running = Running::of(&mut command);
        let bao = Self { running, address: format!("http://127.0.0.1:{port}"), token: "root".into() };
        bao.until("it answers", || bao.answers() && bao.ask("GET", "sys/mounts", "").is_ok());
        bao
    }

    /// A server with its storage in this folder, as it is found there.
    pub(crate) fn raft(folder: &Path) -> Self {
        let (port, cluster) = (free_port(), free_port());
        let storage = folder.join("storage");
        std::fs::create_dir_all(&storage).unwrap();
        let config = format!(
            "disable_mlock = true\n\
             storage \"raft\" {{\n  path = \"{}\"\n  node_id = \"a\"\n}}\n\
             listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  tls_disable = true\n}}\n\
             api_addr = \"http://127.0.0.1:{port}\"\ncluster_addr = \"http://127.0.0.1:{cluster}\"\n",
            storage.display()
        );
        std::fs::write(folder.join("bao.hcl"), config).unwrap();
        let running = Self::start(folder);
        let bao = Self { running, address: format!("http://127.0.0.1:{port}"), token: String::new() };
        bao.until("it answers", || bao.answers());
        bao
    }

    /// The sandbox's, with everything in memory.
    pub(crate) fn sandbox() -> Self {
        let mut bao = Self::new_sandbox();
        let made = bao.must("POST", "sys/init", r#"{"secret_shares": 1, "secret_threshold": 1}"#);
        bao.must("POST", "sys/unseal", &serde_json::json!({ "key": made["keys"][0] }).to_string());
        bao.token = made["root_token"].as_str().unwrap().to_owned();
        bao
    }

    /// The sandbox's, not initialised.
    pub(crate) fn new_sandbox() -> Self {
        let sandbox = Sandbox::in_memory().unwrap();
        let address = format!("http://{}", sandbox.addresses().vault);
        Self { running: Running::Sandbox(sandbox), address, token: String::new() }
    }

    /// What is to go wrong with the sandbox's.
    pub(crate) fn faults(&self) -> &Faults {
        match &self.running {
            Running::Sandbox(sandbox) => sandbox.faults(),
            Running::Process(_) => panic!("a real server does what it wants"),
        }
    }

    fn start(folder: &Path) -> Running {
        let mut command = Command::new(program());
        command.arg("server").arg(format!("-config={}", folder.join("bao.hcl").display()));
        Running::of(&mut command)
    }

    /// The same server again, killed and started.
    pub(crate) fn restart(&mut self, folder: &Path) {
        self.end();
        self.running = Self::start(folder);
        self.until("it answers", || self.answers());
    }

    /// The same server again, with empty storage.
    pub(crate) fn empty(&mut self, folder: &Path) {
        self.end();
        std::fs::remove_dir_all(folder.join("storage")).unwrap();
        std::fs::create_dir_all(folder.join("storage")).unwrap();
        self.running = Self::start(folder);
        self.until("it answers", || self.answers());
    }

    fn end(&mut self) {
        if let Running::Process(Process(child)) = &mut self.running {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn answers(&self) -> bool {
        TcpStream::connect(self.address.strip_prefix("http://").unwrap()).is_ok()
            && self.ask("GET", "sys/seal-status", "").is_ok()
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A request, as somebody else.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Result<Value, String> {
        self.ask_as(&self.token, method, path, body)
    }

    /// The same with another token; it must succeed.
    pub(crate) fn must_as(&self, token: &str, method: &str, path: &str, body: &str) {
        self.ask_as(token, method, path, body).unwrap_or_else(|answer| panic!("{method} {path}: {answer}"));
    }

    fn ask_as(&self, token: &str, method: &str, path: &str, body: &str) -> Result<Value, String> {
        let host = self.address.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} /v1/{path} HTTP/1.0\r\nHost: {host}\r\nX-Vault-Token: {token}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if head.lines().next().unwrap().contains(" 20") {
            Ok(serde_json::from_str(body).unwrap_or_default())
        } else {
            Err(answer)
        }
    }

    /// A request that must succeed.
    pub(crate) fn must(&self, method: &str, path: &str, body: &str) -> Value {
        self.ask(method, path, body).unwrap_or_else(|answer| panic!("{method} {path}: {answer}"))
    }

    /// The keys of an answer's data, or of a list in it.
    pub(crate) fn keys(&self, method: &str, path: &str) -> Vec<String> {
        let found = self.ask(method, path, "").map(|answer| answer["data"].clone()).unwrap_or_default();
        let mut keys: Vec<String> = match &found["keys"] {
            Value::Array(keys) => keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect(),
            _ => found.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect(),
        };
        keys.sort();
        keys
    }
}
