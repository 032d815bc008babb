//! The provider, and what `doctor` asks.

use sprocket_core::kind::{ErrorKind, Provider as _, ProviderError as _};
use sprocket_docker::{Docker, EngineQuestion, RegistryLogins, check_engine};

use crate::support::{World, docker, spec_of};

#[tokio::test]
async fn no_engine_is_said_with_what_to_do() {
    let config = spec_of(&Docker::at("unix:///nowhere/docker.sock"));
    let error = Docker::connect(&config, RegistryLogins::none()).await.unwrap_err();
    insta::assert_snapshot!(error, @"could not connect to the Docker engine at unix:///nowhere/docker.sock");
    insta::assert_snapshot!(error.hint().unwrap(), @"is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = Docker::connect(&spec_of(&Docker::at(format!("tcp://{nobody}"))), RegistryLogins::none()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    let checks = check_engine(&config).await;
    assert_eq!(checks.len(), 1);
    insta::assert_snapshot!(checks[0].answer.as_ref().unwrap_err().problem, @"could not connect to the Docker engine at unix:///nowhere/docker.sock: No such file or directory (os error 2)");
}

#[tokio::test]
async fn the_engine_is_who_docker_says_it_is() {
    let Some(world) = World::live().await else { return };
    let identity = world.docker.identity().await.unwrap();
    assert_eq!(Some(identity.as_str()), docker(&["info", "--format={{.Swarm.Cluster.ID}}"]).as_deref());

    let checks = check_engine(&spec_of(&Docker::from_env())).await;
    let questions: Vec<_> = checks.iter().map(|check| check.question).collect();
    let all = [EngineQuestion::Reachable, EngineQuestion::InSwarm, EngineQuestion::Manager, EngineQuestion::NodeReady];
    assert_eq!(questions, all);
    assert!(checks.iter().all(|check| check.answer.is_ok()), "{checks:?}");
}
