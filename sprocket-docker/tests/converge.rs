//! When a service counts as working, and how each reason why it does not is told; on a real engine, and in the sandbox as
//! far as it goes.

use std::time::{Duration, Instant};

use serde_json::Value;
use sprocket_core::kind::{Deadline, Kind as _, Recorded, UpdateRequest};
use sprocket_docker::{
    Health, OnFailure, Port, Protocol, Restart, Service, ServiceDraft, ServiceSpec, SwarmConfig, Timespan, Update,
};

use crate::support::{World, assert_both_say, both, spec};

both!(
    a_missing_image,
    a_port_that_a_process_has,
    somebody_deletes_it,
    a_missing_network_or_config_is_the_settings_fault,
    a_healthy_service_works,
    ; slowly:
    what_runs_works,
    no_node,
    a_port_that_another_service_has,
    a_crash_loop,
    an_unhealthy_service,
    what_is_too_slow,
    an_update_that_the_engine_takes_back,
    an_update_is_awaited_task_by_task,
    verify_exchanges_bytes,
);

fn busy(arguments: &[&str]) -> ServiceDraft {
    let restart = Restart::default().delay(Timespan::secs(1));
    Service::new("x", "sprocket-stand-in/busy:1")
        .args(arguments.iter().copied())
        .stop_grace_period("2s")
        .restart(restart)
}

/// Makes a service, and waits until it works or has failed.
async fn outcome(world: &World, draft: ServiceDraft) -> String {
    let record = world.make::<Service>("app", &spec(draft)).await;
    let start = Instant::now();
    let outcome = world.ready(&record, 90).await;
    println!("{:.1} s: {outcome:?}", start.elapsed().as_secs_f64());
    world.delete(&record).await;
    outcome.map_or_else(|error| error, |()| "works".into())
}

async fn update(world: &World, record: Recorded<Service>, spec: ServiceSpec) -> Recorded<Service> {
    let live = world.read(&record).await.unwrap();
    let change = UpdateRequest { applied: Some(&record.spec), live: &live, spec: &spec, owner: &record.owner };
    let state = Service::update(&world.docker, &change).await.unwrap();
    Recorded { spec, state, ..record }
}

async fn what_runs_works(world: World) {
    let start = Instant::now();
    assert_eq!(outcome(&world, busy(&["sleep", "infinity"])).await, "works");
    assert!(start.elapsed() > Duration::from_secs(5), "it was not watched");
    assert_eq!(outcome(&world, busy(&["sleep", "infinity"]).replicas(2_u64)).await, "works");
    assert_eq!(outcome(&world, busy(&["sleep", "infinity"]).global()).await, "works");
    let start = Instant::now();
    assert_eq!(outcome(&world, busy(&["sleep", "infinity"]).replicas(0_u64)).await, "works");
    assert!(start.elapsed() < Duration::from_secs(3), "nothing had to start");
    assert_eq!(outcome(&world, busy(&["true"]).restart(Restart::on_failure())).await, "works");
}

async fn a_healthy_service_works(world: World) {
    let health = Health::cmd(["true"]).interval(Timespan::secs(1));
    assert_eq!(outcome(&world, busy(&["sleep", "infinity"]).health(health)).await, "works");
}

async fn a_missing_image(world: World) {
    let draft = busy(&[]).image("sprocket-stand-in/none:1");
    assert_both_say!(outcome(&world, draft).await, @"service `app` does not work: its image `sprocket-stand-in/none:1` is not on the node and can't be pulled");
}

async fn no_node(world: World) {
    let draft = || busy(&["sleep", "infinity"]);
    assert_both_say!(outcome(&world, draft().constraint("node.labels.disk == fast").constraint("node.role == manager")).await, @"service `app` does not work: no node can run it: no suitable node (scheduling constraints not satisfied on 1 node); 0 of 1 nodes have `node.labels.disk == fast`");
    assert_both_say!(outcome(&world, draft().global().constraint("node.role == worker")).await, @"service `app` does not work: no node can run it: it runs on every node that may run it, and none may; 0 of 1 nodes have `node.role == worker`");
    let platform = sprocket_docker::Platform::linux("s390x");
    assert_both_say!(outcome(&world, draft().platform(platform)).await, @"service `app` does not work: no node can run it: no suitable node (unsupported platform on 1 node); 0 of 1 nodes have its platform");
    let much = sprocket_docker::Resources::default().memory("900GiB");
    assert_both_say!(outcome(&world, draft().reservations(much)).await, @"service `app` does not work: no node can run it: no suitable node (insufficient resources on 1 node)");
}

async fn a_port_that_another_service_has(world: World) {
    let draft = || busy(&["sleep", "infinity"]).publish(Port::host(world.port(18_091)).to(80));
    let first = world.make::<Service>("first", &spec(draft())).await;
    world.ready(&first, 60).await.unwrap();
    assert_both_say!(outcome(&world, draft()).await, @"service `app` does not work: its port 18091 can't be had: no suitable node (host-mode port already in use on 1 node)");

    // An update that replaces the task by one with the same port has to wait for it, and does.
    let first = update(&world, first, spec(draft().env("A", "b"))).await;
    assert_eq!(world.ready(&first, 60).await, Ok(()));
}

async fn a_port_that_a_process_has(world: World) {
    let taken = std::net::TcpListener::bind(("0.0.0.0", world.port(18_092))).unwrap();
    assert_both_say!(outcome(&world, busy(&["sleep", "infinity"]).publish(Port::host(world.port(18_092)).to(80))).await, @"service `app` does not work: its port 18092 can't be had: Error starting userland proxy: listen tcp4 0.0.0.0:18092: bind: address already in use");
    drop(taken);
}

async fn a_crash_loop(world: World) {
    assert_both_say!(outcome(&world, busy(&["sh", "-c", "sleep 1; exit 7"])).await, @"service `app` does not work: its container ended 3 times, the last time with exit code 7");
    assert_both_say!(outcome(&world, busy(&["true"])).await, @"service `app` does not work: its container ended 3 times, the last time with exit code 0");
    assert_both_say!(outcome(&world, busy(&["sh", "-c", "exit 3"]).restart(Restart::never())).await, @"service `app` does not work: its container ended with exit code 3");
}

#[tokio::test]
async fn too_little_memory() {
    let Some(world) = World::live().await else { return };
    let greedy = busy(&["sh", "-c", "sleep 1; x=a; while true; do x=$x$x; done"]);
    let draft = greedy.limits(sprocket_docker::Resources::default().memory("8MiB"));
    assert_both_say!(outcome(&world, draft).await, @"service `app` does not work: its container needs more memory than the 8388608 bytes it may use, and was killed");
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let Some(world) = World::live().await else { return };
    assert_both_say!(outcome(&world, busy(&[]).command(["/none"])).await, @r#"service `app` does not work: its container can't be started: starting container failed: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/none": stat /none: no such file or directory: unknown"#);
}

#[tokio::test]
async fn a_folder_that_is_not_there() {
    let Some(world) = World::live().await else { return };
    let source = sprocket_docker::MountSource::bind("/none/here");
    assert_both_say!(outcome(&world, busy(&["sleep", "infinity"]).mount(source, "/data")).await, @r#"service `app` does not work: its container can't be started: invalid mount config for type "bind": bind source path does not exist: /none/here"#);
}

async fn an_unhealthy_service(world: World) {
    let health = Health::cmd(["false"]).interval(Timespan::secs(1)).retries(1);
    assert_both_say!(outcome(&world, busy(&["sleep", "infinity"]).health(health)).await, @"service `app` does not work: its health check gave up on its container 3 times");
}

async fn what_is_too_slow(world: World) {
    let health = Health::cmd(["false"]).interval(Timespan::secs(30));
    let record = world.make::<Service>("app", &spec(busy(&["sleep", "infinity"]).health(health))).await;
    assert_both_say!(world.ready(&record, 4).await.unwrap_err(), @"service `app` does not work: after 4 s, 0 of 1 tasks run; one is starting");
}

async fn an_update_that_the_engine_takes_back(world: World) {
    let good = || busy(&["sleep", "infinity"]);
    let bad = || busy(&["sh", "-c", "exit 9"]);
    let record = world.make::<Service>("app", &spec(good())).await;
    world.ready(&record, 60).await.unwrap();
    let record = update(&world, record, spec(bad())).await;
    assert_both_say!(world.ready(&record, 60).await.unwrap_err(), @"service `app` does not work: its update failed, and the engine went back to what was before: non-zero exit (9)");

    // The failure of that update is not taken for one of the next.
    let record = update(&world, record, spec(good().env("A", "b"))).await;
    assert_eq!(world.ready(&record, 60).await, Ok(()));

    let paused = bad().update(Update::default().on_failure(OnFailure::Pause));
    let record = update(&world, record, spec(paused)).await;
    assert_both_say!(world.ready(&record, 60).await.unwrap_err(), @"service `app` does not work: its update failed, and the engine stopped in the middle of it: non-zero exit (9)");
}

async fn an_update_is_awaited_task_by_task(world: World) {
    let draft = || busy(&["sleep", "infinity"]).update(Update::default().monitor(Timespan::secs(1)));
    let record = world.make::<Service>("app", &spec(draft().replicas(2_u64))).await;
    world.ready(&record, 60).await.unwrap();
    let record = update(&world, record, spec(draft().replicas(2_u64).image("sprocket-stand-in/busy:2"))).await;
    let start = Instant::now();
    world.ready(&record, 60).await.unwrap();
    println!("two tasks, one after the other: {:.1} s", start.elapsed().as_secs_f64());
    let tasks = world.engine.ask("GET", "/tasks", &Value::Null);
    let tasks = tasks.as_array().unwrap().iter().filter(|task| task["ServiceID"] == record.id.as_str());
    let running = tasks.filter(|task| task["DesiredState"] == "running");
    let images: Vec<_> = running.map(|task| task["Spec"]["ContainerSpec"]["Image"].as_str().unwrap()).collect();
    assert_eq!(images, ["sprocket-stand-in/busy:2"; 2]);
}

async fn somebody_deletes_it(world: World) {
    let record = world.make::<Service>("app", &spec(busy(&["sleep", "infinity"]))).await;
    world.engine.ask("DELETE", &format!("/services/{}", record.name), &Value::Null);
    assert_both_say!(world.ready(&record, 10).await.unwrap_err(), @"service `app` does not work: it was deleted by somebody else");
}

async fn verified(world: &World, record: &Recorded<Service>) -> String {
    let checks = Service::verify(&world.docker, record, Deadline::after(Duration::from_secs(60))).await;
    let lines = checks.iter().map(|check| match &check.failure {
        None => format!("ok: {}", check.what),
        Some(failure) => format!("FAILED: {}: {failure}", check.what),
    });
    world.plain(&lines.collect::<Vec<_>>().join("\n"))
}

async fn verify_exchanges_bytes(world: World) {
    let redis = Service::new("x", "sprocket-stand-in/redis:1").stop_grace_period("2s");
    let draft = redis
        .publish(Port::host(world.port(18_093)).to(6379).speaks(Protocol::Redis))
        .publish(Port::host(world.port(18_094)).to(80));
    let record = world.make::<Service>("redis", &spec(draft)).await;
    assert_both_say!(verified(&world, &record).await, @r"
ok: runs with 1 task
ok: answers PING on 127.0.0.1:18093
ok: port 18094 is not checked: no protocol is declared for it
");

    let wrong = Service::new("x", "sprocket-stand-in/redis:1").stop_grace_period("2s");
    let wrong = wrong.publish(Port::host(world.port(18_095)).to(6379).speaks(Protocol::Http { path: "/".into() }));
    let record = world.make::<Service>("wrong", &spec(wrong)).await;
    assert_both_say!(verified(&world, &record).await, @r"
ok: runs with 1 task
FAILED: answers GET / on 127.0.0.1:18095: it closed the connection
");
}

async fn a_missing_network_or_config_is_the_settings_fault(world: World) {
    let draft = busy(&[]).network(sprocket_docker::Attachment::to(sprocket_docker::NetworkId("none".into())));
    let error = world.try_make::<Service>("app", &spec(draft), &world.owner("app")).await.unwrap_err().error;
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_both_say!(world.plain(&format!("{error}: {source}")), @"could not create service `app`: could not find the corresponding predefined swarm network: network none not found");
    assert_eq!(sprocket_core::kind::ProviderError::kind(&error), sprocket_core::kind::ErrorKind::Invalid);

    // A config that is gone by the time of the call is another of its kind.
    let config = world.make::<SwarmConfig>("conf", &spec(SwarmConfig::new("x", "a"))).await;
    world.delete(&config).await;
    let reference = sprocket_docker::ConfigRef { id: config.id.to_string(), name: config.name.to_string() };
    let draft = busy(&[]).config(reference, "/conf");
    let error = world.try_make::<Service>("app", &spec(draft), &world.owner("app")).await.unwrap_err().error;
    assert_eq!(sprocket_core::kind::ProviderError::kind(&error), sprocket_core::kind::ErrorKind::Invalid, "{error:?}");
}
