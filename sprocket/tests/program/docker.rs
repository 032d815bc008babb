//! Docker in a program, without an engine. Its kinds are tried against one in their own crate.
#![cfg(feature = "docker")]

use insta::assert_snapshot;
use sprocket::prelude::*;

use super::kit::Place;

fn shop(stack: &mut Stack, (): &()) {
    stack.connect(Docker::at("unix:///nowhere/docker.sock"));
    let network = stack.add(Network::overlay("edge"));
    let password = stack.add(Password::new("redis"));
    let secret = stack.add(SwarmSecret::new("redis", &password.value));
    stack.add(Service::new("redis", "redis:7").network(&network).secret(&secret, "password.txt"));
}

#[test]
fn an_engine_that_does_not_answer_is_told_with_what_to_do() {
    let place = Place::new("docker", "default = 'local'\n[local]\n");
    let (exit, text, _) = place.start("plan", shop);
    assert_snapshot!(format!("{text}exit {}", exit.code()), @"
    pantry/local of sprocket.toml
    error: could not reach `docker`: could not connect to the Docker engine at unix:///nowhere/docker.sock: No such file or directory (os error 2)
      hint: is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens
    exit 1
    ");
    let (exit, text, _) = place.start("doctor", shop);
    assert_snapshot!(format!("{text}exit {}", exit.code()), @"
    pantry/local of sprocket.toml
    ✓ configuration: complete
    ✓ state: none yet in .sprocket/pantry/local
    ✓ lock: free
    ✓ folder: FOLDER can be written
    ✗ docker: engine: could not connect to the Docker engine at unix:///nowhere/docker.sock: No such file or directory (os error 2)
      remedy: is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens
    1 thing to mend.
    exit 1
    ");
}
