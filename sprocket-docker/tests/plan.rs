//! What is decided before any engine is asked.

use sprocket_core::{Findings, Resource, Stack};
use sprocket_docker::{
    Docker, Health, MountSource, Network, Platform, Port, Resources, Service, SwarmConfig, SwarmSecret, Update, Volume,
};

use crate::support::spec;

fn found(findings: &Findings) -> String {
    let lines = findings.errors.iter().map(|error| format!("error: {error}"));
    lines.chain(findings.warnings.iter().map(|warning| format!("warning: {warning}"))).collect::<Vec<_>>().join("\n")
}

#[test]
fn services_that_can_not_work_are_refused() {
    let service = || Service::new("x", "app:1");
    let check = |draft| found(&Service::review(&spec::<Service>(draft)));
    insta::assert_snapshot!(check(service().update(Update::start_first()).publish(Port::host(80))), @"");
    insta::assert_snapshot!(check(service().publish(Port::host(80)).publish(Port::host(80).to(81))), @"");
    insta::assert_snapshot!(check(service().publish(Port::host(53)).publish(Port::host(53).udp())), @"");
    insta::assert_snapshot!(check(service().publish(Port::ingress(80)).endpoint(sprocket_docker::EndpointMode::Dnsrr)), @"");
    insta::assert_snapshot!(check(service().global().replicas(2_u64)), @"");
    insta::assert_snapshot!(check(service().mount(MountSource::tmpfs(), "/a").mount(MountSource::bind("b"), "/a")), @"");
    insta::assert_snapshot!(check(service().health(Health::cmd(["true"]).retries(0))), @"");
    insta::assert_snapshot!(check(service().limits(Resources::default().memory("1MiB")).reservations(Resources::default().memory("2MiB"))), @"");
    insta::assert_snapshot!(check(service().label("sprocket.lineage", "mine")), @"");
    insta::assert_snapshot!(check(Service::new("x", "app")), @"");
    insta::assert_snapshot!(check(service().platform(Platform::linux("amd64"))), @"");
}

#[test]
fn contents_and_options_that_the_engine_refuses_are_refused() {
    insta::assert_snapshot!(found(&SwarmConfig::review(&spec::<SwarmConfig>(SwarmConfig::new("x", "")))), @"");
    let large = SwarmSecret::new("x", vec![0_u8; 512_000]);
    insta::assert_snapshot!(found(&SwarmSecret::review(&spec::<SwarmSecret>(large))), @"");
    insta::assert_snapshot!(found(&Volume::review(&spec::<Volume>(Volume::new("x").driver_opt("size", "10g")))), @"");
}

#[test]
fn mistakes_have_the_line_of_the_program() {
    let mut stack = Stack::new();
    stack.connect(Docker::at("ssh://far"));
    stack.add(Network::overlay("edge").subnet("10.0.0.1/24"));
    stack.add(Service::new("x", "not an image").constraint("role == manager").stop_grace_period("ten"));
    let mistakes = stack.check().unwrap_err().to_string();
    insta::assert_snapshot!(mistakes, @"");
}
