//! What can be said against a service's settings before anything is done.
//!
//! Errors are what the engine refuses, or accepts and never does. Warnings are kept few, since they are read at every
//! plan.

use std::collections::BTreeSet;

use sprocket_core::kind::Diagnostics;

use super::policy::{EndpointMode, Health, HealthTest, Order, PublishMode};
use super::spec::{MountSource, ServiceSpec};
use crate::owner_tag;

pub(crate) fn validate(spec: &ServiceSpec) -> Diagnostics {
    let mut findings = Diagnostics::default();
    owner_tag::validate(&spec.labels, &mut findings);
    owner_tag::validate(&spec.container_labels, &mut findings);
    let mut error = |message: String| findings.errors.push(message.into());

    let host_ports = spec.ports.iter().any(|port| port.mode == PublishMode::Host);
    if host_ports && spec.update.order == Order::StartFirst {
        error(
            "a port of the node is free only once the old task has stopped: with `start_first`, an update would wait \
               for ever"
                .into(),
        );
    }
    let (mut published, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for port in &spec.ports {
        if port.published.is_some_and(|number| !published.insert((number, port.transport))) {
            error(format!("port {} is published twice", port.published.unwrap_or_default()));
        }
        if port.mode == PublishMode::Host && !targets.insert((port.target, port.transport)) {
            error(format!(
                "the container's port {} is published on the host twice: the engine does so once",
                port.target
            ));
        }
        if port.target == 0 || port.published == Some(0) {
            error("0 is no port".into());
        }
    }
    if spec.endpoint == EndpointMode::Dnsrr && spec.ports.iter().any(|port| port.mode == PublishMode::Ingress) {
        error("ingress ports need a virtual address: with `dnsrr`, publish on the host".into());
    }
    if spec.global && spec.replicas != 1 {
        error(format!("it is global, one task for each node: {} replicas mean nothing", spec.replicas));
    }
    if spec.global && spec.max_per_node.is_some() {
        error("it is global, one task for each node: `max_per_node` means nothing".into());
    }
    if spec.max_per_node == Some(0) {
        error("with `max_per_node` 0 it can run nowhere".into());
    }
    for message in twice(spec).into_iter().chain(health(spec)).chain(paths(spec)) {
        error(message);
    }
    if let (Some(limit), Some(reservation)) = (spec.limits.memory, spec.reservations.memory)
        && reservation > limit
    {
        error("it reserves more memory than it may use".into());
    }
    if let (Some(limit), Some(reservation)) = (spec.limits.cpus, spec.reservations.cpus)
        && reservation > limit
    {
        error("it reserves more of the processors than it may use".into());
    }
    if !spec.image.is_pinned() {
        let warning =
            format!("its image `{}` has no fixed version: what runs depends on when a node pulls it", spec.image);
        findings.warnings.push(warning.into());
    }
    findings
}

/// Each file of a container, each network, is given once.
fn twice(spec: &ServiceSpec) -> Vec<String> {
    let mut messages = Vec::new();
    let mut targets = BTreeSet::new();
    let secret = |file: &str| if file.starts_with('/') { file.to_owned() } else { format!("/run/secrets/{file}") };
    let mounted = spec.mounts.iter().map(|mount| mount.target.clone());
    let shown = spec.configs.iter().map(|config| config.path.clone());
    let hidden = spec.secrets.iter().map(|shown| secret(&shown.file));
    for target in mounted.chain(shown).chain(hidden) {
        if !targets.insert(target.clone()) {
            messages.push(format!("`{target}` is given twice in its containers"));
        }
    }
    let mut networks = BTreeSet::new();
    if spec.networks.iter().any(|attached| !networks.insert(&attached.network)) {
        messages.push("it is put on a network twice".into());
    }
    messages
}

fn health(spec: &ServiceSpec) -> Vec<String> {
    let mut messages = Vec::new();
    if let Some(Health::Check(check)) = &spec.health {
        let least = std::time::Duration::from_millis(1);
        if check.interval.duration() < least || check.timeout.duration() < least {
            messages.push("a health check needs an interval and a timeout of 1 ms at least".into());
        }
        if check.retries == 0 {
            messages.push("a health check needs 1 retry at least: the engine takes 0 for 3".into());
        }
        if check.test == HealthTest::Cmd(Vec::new()) {
            messages.push("a health check needs a program".into());
        }
    }
    messages
}

fn paths(spec: &ServiceSpec) -> Vec<String> {
    let mut messages = Vec::new();
    for mount in &spec.mounts {
        if !mount.target.starts_with('/') {
            messages.push(format!("the mount's target `{}` is not an absolute path", mount.target));
        }
        if let MountSource::Bind(path) = &mount.source
            && !path.starts_with('/')
        {
            messages.push(format!("the folder `{path}` is not an absolute path"));
        }
    }
    for name in spec.env.keys().filter(|name| name.is_empty() || name.contains('=')) {
        messages.push(format!("`{name}` can't be the name of a variable"));
    }
    messages
}
