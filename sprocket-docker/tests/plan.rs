//! What is decided before any engine is asked.

use sprocket_core::engine::StepId;
use sprocket_core::kind::{Diagnostics, Kind};
use sprocket_core::program::Stack;
use sprocket_docker::{
    Docker, Health, MountSource, Network, Platform, Port, Resources, Service, SwarmConfig, SwarmSecret, Update, Volume,
};

use crate::support::spec;

fn found(findings: &Diagnostics) -> String {
    let lines = findings.errors.iter().map(|error| format!("error: {error}"));
    lines.chain(findings.warnings.iter().map(|warning| format!("warning: {warning}"))).collect::<Vec<_>>().join("\n")
}

#[test]
fn services_that_can_not_work_are_refused() {
    let service = || Service::new("x", "app:1");
    let check = |draft| found(&Service::validate(&spec::<Service>(draft)));
    insta::assert_snapshot!(check(service().update(Update::start_first()).publish(Port::host(80))), @"error: a port of the node is free only once the old task has stopped: with `start_first`, an update would wait for ever");
    insta::assert_snapshot!(check(service().publish(Port::host(80)).publish(Port::host(80).to(81))), @"error: port 80 is published twice");
    insta::assert_snapshot!(check(service().publish(Port::host(80)).publish(Port::host(81).to(80))), @"error: the container's port 80 is published on the host twice: the engine does so once");
    insta::assert_snapshot!(check(service().publish(Port::host(53)).publish(Port::host(53).udp())), @"");
    insta::assert_snapshot!(check(service().publish(Port::ingress(80)).endpoint(sprocket_docker::EndpointMode::Dnsrr)), @"error: ingress ports need a virtual address: with `dnsrr`, publish on the host");
    insta::assert_snapshot!(check(service().global().replicas(2_u64)), @"error: it is global, one task for each node: 2 replicas mean nothing");
    insta::assert_snapshot!(check(service().mount(MountSource::tmpfs(), "/a").mount(MountSource::bind("b"), "/a")), @r"
error: `/a` is given twice in its containers
error: the folder `b` is not an absolute path
");
    insta::assert_snapshot!(check(service().health(Health::cmd(["true"]).retries(0))), @"error: a health check needs 1 retry at least: the engine takes 0 for 3");
    insta::assert_snapshot!(check(service().limits(Resources::default().memory("1MiB")).reservations(Resources::default().memory("2MiB"))), @"error: it reserves more memory than it may use");
    insta::assert_snapshot!(check(service().label("sprocket.lineage", "mine")), @"error: the label `sprocket.lineage` is not free: `sprocket.…` says whose an object is");
    insta::assert_snapshot!(check(Service::new("x", "app")), @"warning: its image `app` has no fixed version: what runs depends on when a node pulls it");
    insta::assert_snapshot!(check(service().platform(Platform::linux("amd64"))), @"");
}

#[test]
fn contents_and_options_that_the_engine_refuses_are_refused() {
    insta::assert_snapshot!(found(&SwarmConfig::validate(&spec::<SwarmConfig>(SwarmConfig::new("x", "")))), @"error: a config can't be empty");
    let large = SwarmSecret::new("x", vec![0_u8; 512_000]);
    insta::assert_snapshot!(found(&SwarmSecret::validate(&spec::<SwarmSecret>(large))), @"error: a secret has less than 512000 bytes, and this one has 512000");
    insta::assert_snapshot!(found(&Volume::validate(&spec::<Volume>(Volume::new("x").driver_opt("size", "10g")))), @"error: the driver `local` has no option `size`: it knows type, o, device");
}

#[test]
fn mistakes_have_the_line_of_the_program() {
    let mut stack = Stack::new();
    stack.connect(Docker::at("ssh://far"));
    stack.add(Network::overlay("edge").subnet("10.0.0.1/24"));
    stack.add(Service::new("x", "not an image").constraint("role == manager").stop_grace_period("ten"));
    let mistakes = stack.check().unwrap_err().to_string();
    let lines: Vec<_> = mistakes.lines().filter_map(|line| line.rsplit_once("  (")).collect();
    assert!(lines.iter().all(|(_, place)| place.contains("tests/plan.rs:")), "{mistakes}");
    let messages = lines.iter().map(|(message, _)| *message).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(messages, @r"
    `docker`: `ssh://far`: only sockets and plain TCP are spoken; forward the socket with `ssh -L`: expected `unix:///PATH` or `tcp://HOST:PORT`
    `docker:network/edge`: `10.0.0.1/24` is an address in a range: the range begins with its first one
    `docker:service/x`: `not an image` is not an image, such as `redis:7`
    `docker:service/x`: `role` says nothing about a node: a constraint is on node.id, node.hostname, node.ip, node.role, node.platform.os, node.platform.arch, node.labels.… or engine.labels.…
    `docker:service/x`: `ten` is not a length of time, such as `10s` or `1m30s`
    ");
}

#[test]
fn a_subnet_that_the_engine_chose_is_no_difference() {
    let auto = |stack: &mut Stack| {
        stack.connect(Docker::from_env());
        stack.add(Network::overlay("edge"));
    };
    let fixed = |stack: &mut Stack| {
        stack.connect(Docker::from_env());
        stack.add(Network::overlay("edge").subnet("10.20.0.0/24"));
    };
    // Somebody made it, and the engine chose its addresses: imported, it is as declared.
    let mut world = sprocket_core::testing::world();
    world.put::<Network>("edge", spec::<Network>(Network::overlay("edge").subnet("10.20.0.0/24")));
    world.block_on(world.engine().import(&world.stack(auto), "docker:network/edge", "edge")).unwrap();
    assert!(world.plan(auto).is_empty(), "{}", world.plan(auto));
    // So is one whose addresses the program chose once.
    let mut world = sprocket_core::testing::world();
    world.apply(fixed);
    assert!(world.plan(auto).is_empty(), "{}", world.plan(auto));
    // Other addresses need another network.
    let other = |stack: &mut Stack| {
        stack.connect(Docker::from_env());
        stack.add(Network::overlay("edge").subnet("10.21.0.0/24"));
    };
    assert_eq!(world.plan(other).steps.len(), 2);
}

#[test]
fn where_a_port_is_reached_is_known_while_planning_and_waits_for_the_service() {
    let program = |stack: &mut Stack| {
        stack.connect(Docker::at("tcp://manager.example:2375"));
        let vault = stack.add(Service::new("vault", "vault:1").publish(Port::host(18_200).to(8200)));
        let url = vault.reach(8200).map(|reach| reach.url("http"));
        stack.output("vault", &url);
        stack.add(SwarmConfig::new("address", url));
    };
    let mut world = sprocket_core::testing::world();
    let plan = world.plan(program);
    let data = plan.steps.iter().find_map(|step| step.spec.as_ref()?.value().get("data").cloned());
    assert_eq!(data, Some("http://manager.example:18200".into()));
    assert_eq!(plan.steps[1].after, [StepId::of(0)]);
    world.apply(program);
    assert!(world.plan(program).is_empty(), "{}", world.plan(program));
}

#[test]
fn a_port_that_is_not_published_is_a_mistake_of_the_line_that_asks_for_it() {
    let mut stack = Stack::new();
    stack.connect(Docker::at("unix:///var/run/docker.sock"));
    let vault = stack.add(Service::new("vault", "vault:1").publish(Port::host(18_200).to(8200)));
    stack.add(SwarmConfig::new("address", vault.reach(8201).map(|reach| reach.to_string())));
    let mistakes = stack.check().unwrap_err().to_string();
    let (message, place) = mistakes.split_once("  (").unwrap();
    assert!(place.contains("tests/plan.rs:"), "{mistakes}");
    insta::assert_snapshot!(message, @"`docker:config/address`: port 8201 is not published: add `.publish(Port::host(8201))` to the service");
}

#[test]
fn names_that_the_engine_refuses_are_refused_before() {
    let mut world = sprocket_core::testing::world();
    let plan = world.plan(|stack| {
        stack.connect(Docker::at("unix:///var/run/docker.sock"));
        let long = "x".repeat(48);
        let password = stack.add(sprocket_core::program::Password::new("p"));
        stack.add(SwarmConfig::new(long.clone(), "a"));
        stack.add(SwarmSecret::new(long.clone(), &password.value));
        stack.add(SwarmSecret::new(&long[..47], &password.value));
        stack.add(Network::overlay("a.b"));
        stack.add(Network::bridge("a.c"));
        stack.add(Service::new("web.", "web:1"));
        stack.add(Volume::new("v"));
    });
    let problems = plan.problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
    insta::assert_snapshot!(problems.join("\n"), @"
    the name of a config has at most 64 characters, of which the hash of its content takes 17; `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-c5e5570f13dd73bb` has 65
    the name of a secret has at most 64 characters, of which the hash of its content takes 17; `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-0000000000000000` has 65
    `a.b` can't be the name of an overlay network: letters, digits, `-` and `_`, and a letter or digit first and last
    `web.` can't be the name of a service: letters, digits, `-` and `_`, and a letter or digit first and last
    the name of a volume has 2 to 255 characters, and `v` has 1
    ");
}

#[test]
fn a_port_of_every_node_is_one_service_s() {
    let plan = |first: Port, second: Port| {
        let plan = sprocket_core::testing::world().plan(|stack| {
            stack.connect(Docker::from_env());
            stack.add(Service::new("web", "app:1").publish(first.clone()));
            stack.add(Service::new("api", "app:1").publish(second.clone()));
        });
        plan.problems.iter().map(|problem| format!("{}: {}", problem.address, problem.message)).collect::<String>()
    };
    insta::assert_snapshot!(plan(Port::ingress(80), Port::ingress(80).to(8080)), @"docker:service/api: needs port 80/tcp, as `docker:service/web` does: one service has it on every node");
    insta::assert_snapshot!(plan(Port::host(80), Port::ingress(80)), @"docker:service/api: needs port 80/tcp, as `docker:service/web` does: one service has it on every node");
    // On different nodes.
    insta::assert_snapshot!(plan(Port::host(80), Port::host(80)), @"");
    insta::assert_snapshot!(plan(Port::ingress(53), Port::ingress(53).udp()), @"");
}
