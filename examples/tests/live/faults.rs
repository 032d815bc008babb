//! What the program says when something is wrong: on the real fault, word by word.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::engine::{docker, eventually};
use crate::place::{Place, Told, run};

/// A table `[local]` for the program of the faults.
pub(crate) fn fault(name: &str) -> String {
    format!("[local]\nfault = \"{name}\"\n")
}

/// What it printed, without what differs from run to run, and without the way there.
fn shown(told: &Told) -> String {
    let is_progress = |line: &&str| line.starts_with(['…', '✓']);
    let text: String = told.err.lines().filter(|line| !is_progress(line)).map(|line| format!("{line}\n")).collect();
    plain(&text)
}

/// The same text of each run: times are `TIME`, and ids are `ID`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (place, word) in text.split_inclusive([' ', '\n', '(', ')', '`', ':', ';', ',']).enumerate() {
        let end = word.trim_end_matches([' ', '\n', '(', ')', '`', ':', ';', ',']);
        let is_id = end.len() >= 25 && end.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let is_time = place > 0
            && end.ends_with('s')
            && end.trim_end_matches('s').replace(['.', 'm'], "").parse::<u32>().is_ok();
        let end = match () {
            () if is_id => "ID",
            () if is_time => "TIME",
            () => end,
        };
        plain.push_str(end);
        plain.push_str(&word[word.trim_end_matches([' ', '\n', '(', ')', '`', ':', ';', ',']).len()..]);
    }
    plain
}

/// A failed apply of this fault on the engine, and how it looks; then everything is destroyed.
fn fails(place: &Place, toml: &str) -> String {
    place.configure(toml);
    let told = place.run(&["apply", "--yes"]).exits(1);
    place.tell(toml.lines().nth(1).unwrap_or_default(), told.took);
    place.run(&["destroy", "--yes"]).exits(0);
    shown(&told)
}

#[test]
fn mistakes_of_a_program_are_told_before_anything_is_asked() {
    let Some(place) = Place::of("mistakes", "faults", &fault("duplicate-name")) else { return };
    insta::assert_snapshot!(shown(&place.run(&["plan"]).exits(1)), @"");
    place.configure(&fault("missing-provider"));
    insta::assert_snapshot!(shown(&place.run(&["plan"]).exits(1)), @"");
    place.configure("[local]\nfualt = \"none\"\n");
    insta::assert_snapshot!(shown(&place.run(&["plan"]).exits(1)), @"");
    assert!(!place.state().exists(), "nothing is written either");
}

#[test]
fn an_engine_that_is_not_there() {
    let Some(place) = Place::of("no engine", "faults", &fault("none")) else { return };
    let nobody = place.folder().join("docker.sock");
    let asked = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("DOCKER_HOST", format!("unix://{}", nobody.display()));
        shown(&run(command).exits(1)).replace(&nobody.display().to_string(), "SOCKET")
    };
    insta::assert_snapshot!(asked(&["plan"]), @"");
    // A socket file whose server has gone is another error than none.
    drop(std::os::unix::net::UnixListener::bind(&nobody).unwrap());
    insta::assert_snapshot!(asked(&["apply", "--yes"]), @"");
}

#[test]
fn an_engine_that_is_no_manager() {
    let Some(place) = Place::of("worker", "faults", &fault("none")) else { return };
    let engine = Engine::start(place.folder());
    let mut command = place.command(&["apply", "--yes"]);
    command.env("DOCKER_HOST", engine.address());
    let told = run(command).exits(1);
    insta::assert_snapshot!(shown(&told).replace(&engine.address(), "ADDRESS"), @"");
    let mut command = place.command(&["doctor"]);
    command.env("DOCKER_HOST", engine.address());
    let told = run(command).exits(1);
    let out: String = told.out.lines().filter(|line| !line.contains("clock") && !line.contains(".sprocket")).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(out.replace(&engine.address(), "ADDRESS").replace(&place.folder().display().to_string(), "FOLDER"), @"");
}

/// A second engine, which is in no swarm. It has network interfaces of its own: in ours, it would take down those of the
/// real engine.
struct Engine {
    process: Child,
    socket: PathBuf,
}

impl Engine {
    fn start(folder: &Path) -> Self {
        let folder = folder.join("engine");
        std::fs::create_dir(&folder).unwrap();
        let socket = folder.join("docker.sock");
        let at = |name: &str| folder.join(name).display().to_string();
        let mut command = Command::new("unshare");
        command.args(["--net", "dockerd", "--bridge=none", "--iptables=false"]);
        command.args(["--data-root", &at("data"), "--exec-root", &at("exec"), "--pidfile", &at("pid")]);
        command.args(["--host", &format!("unix://{}", socket.display())]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(folder.join("log")).unwrap());
        let process = command.spawn().unwrap();
        let engine = Self { process, socket };
        let answers = || crate::engine::docker_try(&["--host", &engine.address(), "info"]);
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        eventually(Duration::from_secs(60), answers).unwrap_or_else(|error| panic!("{error}\n{}", log()));
        engine
    }

    fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It ends what it started, if it is asked to.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let ended = eventually(Duration::from_secs(30), || match self.process.try_wait() {
            Ok(Some(_)) => Ok(()),
            _ => Err("it runs".to_owned()),
        });
        if ended.is_err() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

#[test]
fn services_that_do_not_work() {
    let Some(place) = Place::of("services", "faults", &fault("none")) else { return };
    insta::assert_snapshot!(fails(&place, &fault("image-missing")), @"");

    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let told = fails(&place, &format!("{}port = {port}\n", fault("port-taken")));
    insta::assert_snapshot!(told.replace(&port.to_string(), "PORT"), @"");

    insta::assert_snapshot!(fails(&place, &fault("placement")), @"");
    insta::assert_snapshot!(fails(&place, &fault("crash-loop")), @"");
}

#[test]
fn a_network_of_somebody_else() {
    let Some(mut place) = Place::of("owned", "faults", "") else { return };
    let both = "[local]\nfault = \"owned-network\"\n[sandbox]\nfault = \"owned-network\"\n";
    place.configure(both);
    place.run(&["apply", "--yes", "--env", "sandbox"]).exits(0);
    insta::assert_snapshot!(shown(&place.run(&["apply", "--yes"]).exits(1)), @"");
    place.run(&["destroy", "--yes", "--env", "sandbox"]).exits(0);

    place.by_hand("network", "sprocket-live-owned");
    docker(&["network", "create", "--driver", "overlay", "sprocket-live-owned"]);
    insta::assert_snapshot!(shown(&place.run(&["apply", "--yes"]).exits(1)), @"");
    assert_eq!(docker(&["network", "ls", "--quiet", "--filter", "name=sprocket-live-owned"]).lines().count(), 1);
}
