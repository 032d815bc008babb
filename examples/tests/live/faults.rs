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
pub(crate) fn shown(told: &Told) -> String {
    let is_progress = |line: &&str| line.starts_with(['…', '✓']);
    let text: String = told.err.lines().filter(|line| !is_progress(line)).map(|line| format!("{line}\n")).collect();
    plain(&text)
}

/// The same text of each run: times are `TIME`, and ids are `ID`.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (place, word) in text.split_inclusive([' ', '\n', '(', ')', '`', ':', ';', ',']).enumerate() {
        let end = word.trim_end_matches([' ', '\n', '(', ')', '`', ':', ';', ',']);
        let is_id = end.len() >= 25 && end.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let is_time =
            place > 0 && end.ends_with('s') && end.trim_end_matches('s').replace(['.', 'm'], "").parse::<u32>().is_ok();
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
    insta::assert_snapshot!(shown(&place.run(&["plan"]).exits(1)), @"
    faults/local of sprocket.toml
    error: the program has a mistake; nothing was asked of any service
      `docker:network/sprocket-live-twice`: is declared already at examples/tests/live/program/main.rs:45; one of them needs another name  (examples/tests/live/program/main.rs:46)
    ");
    place.configure(&fault("missing-provider"));
    insta::assert_snapshot!(shown(&place.run(&["plan"]).exits(1)), @"
    faults/local of sprocket.toml
    error: the program has a mistake; nothing was asked of any service
      `docker:network/sprocket-live-owned`: needs a `docker`, and the stack is connected to none; connect it first: `stack.connect(…)`  (examples/tests/live/program/main.rs:49)
    ");
    place.configure("[local]\nfualt = \"none\"\n");
    insta::assert_snapshot!(shown(&place.run(&["plan"]).exits(1)), @"
    faults/local of sprocket.toml
    error: environment `local` is not configured as the program expects
      sprocket.toml:2:1: `[local]` has no setting `fualt`; did you mean `fault`?
    ");
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
    insta::assert_snapshot!(asked(&["plan"]), @"
    faults/local of sprocket.toml
    error: could not reach `docker`: could not connect to the Docker engine at unix://SOCKET: No such file or directory (os error 2)
      hint: is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens
    ");
    // A socket file whose server has gone is another error than none.
    drop(std::os::unix::net::UnixListener::bind(&nobody).unwrap());
    insta::assert_snapshot!(asked(&["apply", "--yes"]), @"
    faults/local of sprocket.toml
    error: could not reach `docker`: could not connect to the Docker engine at unix://SOCKET: Connection refused (os error 111)
      hint: is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens
    ");
}

#[test]
fn an_engine_that_is_no_manager() {
    let Some(place) = Place::of("worker", "faults", &fault("none")) else { return };
    let engine = Engine::start(place.folder());
    let mut command = place.command(&["apply", "--yes"]);
    command.env("DOCKER_HOST", engine.address());
    let told = run(command).exits(1);
    insta::assert_snapshot!(shown(&told).replace(&engine.address(), "ADDRESS"), @"
    faults/local of sprocket.toml
    error: could not reach `docker`: the Docker engine at ADDRESS is not a manager of a swarm
      hint: make it one with `docker swarm init`, or point `DOCKER_HOST` at a node that is
    ");
    let mut command = place.command(&["doctor"]);
    command.env("DOCKER_HOST", engine.address());
    let told = run(command).exits(1);
    let out: String = told
        .out
        .lines()
        .filter(|line| !line.contains("clock") && !line.contains(".sprocket"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(out.replace(&engine.address(), "ADDRESS").replace(&place.folder().display().to_string(), "FOLDER"), @"
    ✓ configuration: complete
    ✓ lock: free
    ✓ folder: FOLDER can be written
    ✓ docker: engine: ADDRESS speaks version 1.41 of the API
    ✗ docker: swarm: it is in no swarm (its state is `inactive`)
      remedy: make it one with `docker swarm init`, or point `DOCKER_HOST` at a node that is
    1 thing to mend.
    ");
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
    insta::assert_snapshot!(fails(&place, &fault("image-missing")), @"
    faults/local of sprocket.toml
    ✗ docker:service/sprocket-live-image could not create (TIME): service `sprocket-live-image` does not work: its image `sprocket-stand-in/busy:no-such-version` is not on the node and can't be pulled [1/1]
    error: could not create `docker:service/sprocket-live-image`  (examples/tests/live/program/main.rs:52)
      cause: service `sprocket-live-image` does not work: its image `sprocket-stand-in/busy:no-such-version` is not on the node and can't be pulled
      left: it had its effect and is recorded, but does not work yet
      hint: is the name right, and does the node have a login? `docker pull sprocket-stand-in/busy:no-such-version` there says more
    ");

    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let told = fails(&place, &format!("{}port = {port}\n", fault("port-taken")));
    insta::assert_snapshot!(told.replace(&port.to_string(), "PORT"), @"
    faults/local of sprocket.toml
    ✗ docker:service/sprocket-live-port could not create (TIME): service `sprocket-live-port` does not work: its port PORT can't be had: Error starting userland proxy: listen tcp4 0.0.0.0:PORT: bind: address already in use [1/1]
    error: could not create `docker:service/sprocket-live-port`  (examples/tests/live/program/main.rs:55)
      cause: service `sprocket-live-port` does not work: its port PORT can't be had: Error starting userland proxy: listen tcp4 0.0.0.0:PORT: bind: address already in use
      left: it had its effect and is recorded, but does not work yet
      hint: `docker service ls` and `ss -ltnp` on the node say who has it
    ");

    insta::assert_snapshot!(fails(&place, &fault("placement")), @"
    faults/local of sprocket.toml
    ✗ docker:service/sprocket-live-placement could not create (TIME): service `sprocket-live-placement` does not work: no node can run it: no suitable node (scheduling constraints not satisfied on 1 node); 0 of 1 nodes have `node.labels.disk == fast` [1/1]
    error: could not create `docker:service/sprocket-live-placement`  (examples/tests/live/program/main.rs:58)
      cause: service `sprocket-live-placement` does not work: no node can run it: no suitable node (scheduling constraints not satisfied on 1 node); 0 of 1 nodes have `node.labels.disk == fast`
      left: it had its effect and is recorded, but does not work yet
      hint: `docker node ls` lists the nodes, `docker node inspect NODE` what they have
    ");
    insta::assert_snapshot!(fails(&place, &fault("crash-loop")), @"
    faults/local of sprocket.toml
    ✗ docker:service/sprocket-live-crash could not create (TIME): service `sprocket-live-crash` does not work: its container ended 3 times, the last time with exit code 3 [1/1]
    error: could not create `docker:service/sprocket-live-crash`  (examples/tests/live/program/main.rs:61)
      cause: service `sprocket-live-crash` does not work: its container ended 3 times, the last time with exit code 3
      left: it had its effect and is recorded, but does not work yet
      hint: its output says more: `docker service logs sprocket-live-crash`
    ");
}

/// A refused apply, with its plan.
fn refused(place: &Place) -> String {
    let told = place.run(&["apply", "--yes"]).exits(1);
    format!("{}{}", plain(&told.out), shown(&told))
}

#[test]
fn a_network_of_somebody_else() {
    let Some(mut place) = Place::of("owned", "faults", "") else { return };
    let both = "[local]\nfault = \"owned-network\"\n[other]\nfault = \"owned-network\"\n";
    place.configure(both);
    let other = |args: &[&str]| {
        let mut command = place.command(&[args, &["--env", "other"]].concat());
        command.env("SPROCKET_PASSPHRASE", "of the other one");
        run(command).exits(0)
    };
    other(&["apply", "--yes"]);
    insta::assert_snapshot!(refused(&place), @"
    problem: `docker:network/sprocket-live-owned`: an object named `sprocket-live-owned` exists already, and another stack owns it  (examples/tests/live/program/main.rs:49)
      hint: choose another name with `.named(…)`, or remove it from the other stack first
    1 problem: nothing can be applied until it is solved.
    faults/local of sprocket.toml
    error: the plan has 1 problem, and can't be applied; nothing was changed
    ");
    other(&["destroy", "--yes"]);

    place.by_hand("network", "sprocket-live-owned");
    docker(&["network", "create", "--driver", "overlay", "sprocket-live-owned"]);
    insta::assert_snapshot!(refused(&place), @"
    problem: `docker:network/sprocket-live-owned`: an object named `sprocket-live-owned` exists already, and this stack does not own it  (examples/tests/live/program/main.rs:49)
      hint: take it over with `.adopt()` or `import docker:network/sprocket-live-owned ID`
    1 problem: nothing can be applied until it is solved.
    faults/local of sprocket.toml
    error: the plan has 1 problem, and can't be applied; nothing was changed
    ");
    assert_eq!(docker(&["network", "ls", "--quiet", "--filter", "name=sprocket-live-owned"]).lines().count(), 1);
}
