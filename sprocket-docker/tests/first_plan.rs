//! What a first plan says, in which the ids of networks, configs and secrets are not known yet.

use sprocket_core::program::{Output, Password, Stack};
use sprocket_core::testing::{false_findings, world};
use sprocket_docker::{
    Attachment, ConfigFile, ConfigRef, Constraint, Docker, EndpointMode, Health, LogDriver, Mount, MountSource,
    Network, NetworkId, OnFailure, Platform, Port, Resources, Restart, SecretFile, SecretRef, Service, SwarmConfig,
    SwarmSecret, Timespan, Update, Volume,
};

/// Two services that can't work.
fn faulty(stack: &mut Stack) {
    stack.connect(Docker::from_env());
    let edge = stack.add(Network::overlay("edge"));
    let password = stack.add(Password::new("password"));
    let secret = stack.add(SwarmSecret::new("token", &password.value));
    for name in ["a", "b"] {
        let service = Service::new(name, "web").publish(Port::ingress(80)).publish(Port::ingress(80).to(81));
        stack.add(service.env("A=B", "c").network(&edge).secret(&secret, "token"));
    }
}

fn said(world: &mut sprocket_core::testing::World) -> Vec<String> {
    let plan = world.plan(faulty);
    let all = plan.problems.iter().chain(&plan.warnings);
    all.map(|problem| format!("{}: {}", problem.address, problem.message)).collect()
}

#[test]
fn problems_of_services_do_not_wait_for_their_networks() {
    let mut empty = world();
    let first = said(&mut empty);
    insta::assert_snapshot!(first.join("\n"), @"
    docker:service/a: port 80 is published twice
    docker:service/a: `A=B` can't be the name of a variable
    docker:service/b: port 80 is published twice
    docker:service/b: `A=B` can't be the name of a variable
    docker:service/b: needs port 80/tcp, as `docker:service/a` does: one service has it on every node
    docker:service/b: needs port 80/tcp, as `docker:service/a` does: one service has it on every node
    docker:service/a: its image `web` has no fixed version: what runs depends on when a node pulls it
    docker:service/b: its image `web` has no fixed version: what runs depends on when a node pulls it
    ");
    let mut recorded = world();
    recorded.apply(|stack| {
        stack.connect(Docker::from_env());
        stack.add(Network::overlay("edge"));
        let password = stack.add(Password::new("password"));
        stack.add(SwarmSecret::new("token", &password.value));
    });
    assert_eq!(said(&mut recorded), first);
}

fn net(id: &str) -> NetworkId {
    NetworkId(id.to_owned())
}

fn config(name: &str) -> Output<ConfigRef> {
    Output::known(ConfigRef { id: format!("{name}-id"), name: name.to_owned() })
}

fn secret(name: &str) -> Output<SecretRef> {
    Output::known(SecretRef { id: format!("{name}-id"), name: name.to_owned() })
}

#[test]
fn unknown_settings_cause_no_problems() {
    let network = || Network::overlay("edge").attachable().internal().driver_opt("encrypted", "").label("a", "b");
    let mut findings = false_findings(network().subnet("10.0.0.0/24"));
    findings.extend(false_findings(Network::bridge("edge")));
    findings.extend(false_findings(Volume::new("data").driver_opt("type", "tmpfs").label("a", "b")));
    findings.extend(false_findings(SwarmConfig::new("motd", "hello").label("a", "b")));
    findings.extend(false_findings(SwarmSecret::new("token", "hunter2").label("a", "b")));
    findings.extend(false_findings(Service::new("plain", "web:1")));
    findings.extend(false_findings(Service::new("every", "web:1").global().publish(Port::host(53).udp())));
    let full = Service::new("full", "registry.example.com/web:1")
        .command(["serve"])
        .arg("--fast")
        .env("A", "b")
        .env("B", "c")
        .user("1000:1000")
        .dir("/srv")
        .hostname("{{.Node.Hostname}}")
        .label("a", "b")
        .container_label("a", "b")
        .network(Attachment::to(Output::known(net("net-1"))).alias("web"))
        .network(Attachment::to(Output::known(net("net-2"))))
        .mount_with(Mount::of(MountSource::tmpfs(), "/tmp").read_only())
        .mount(MountSource::bind("/srv"), "/srv")
        .config_with(ConfigFile::of(config("c"), "/etc/a").uid(1_u32))
        .config(config("d"), "/etc/b")
        .secret_with(SecretFile::of(secret("s"), "a").mode(0o400_u32))
        .secret(secret("t"), "b")
        .health(Health::cmd(["true"]).retries(2))
        .replicas(2_u64)
        .max_per_node(1_u64)
        .constraint(Constraint::manager())
        .platform(Platform::linux("amd64"))
        .limits(Resources::default().memory("64MiB").cpus(2.0))
        .reservations(Resources::default().memory("1MiB").cpus(0.5))
        .update(Update::start_first().on_failure(OnFailure::Rollback))
        .restart(Restart::never())
        .stop_grace_period(Timespan::secs(5))
        .log(LogDriver::json_file("10m", 3))
        .endpoint(EndpointMode::Vip)
        .publish(Port::ingress(80))
        .publish(Port::ingress(443).to(8443));
    findings.extend(false_findings(full));
    assert_eq!(findings, Vec::<String>::new());
}
