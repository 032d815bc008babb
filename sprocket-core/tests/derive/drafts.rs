//! Drafts become their specs.

use std::collections::BTreeMap;

use serde_json::json;
use sprocket_core::__derive::{Known, NoValue, Slot as _};
use sprocket_core::kind::{Field, Fields as _, Spec};
use sprocket_core::program::{DraftExt as _, Output, Secret, Stack};

use crate::docker::*;
use crate::{deps, deps_of, mistakes_of, shown, spec, what_is_shown_is_what_is_sent};

fn stack() -> Stack {
    let mut stack = Stack::new();
    stack.connect(Docker::at("unix:///run/docker.sock"));
    stack
}

/// A service that uses everything.
fn vault(network: Output<NetworkId>, volume: &Volume, secret: Output<SecretId>) -> ServiceDraft {
    Service::new("vault", "hashicorp/vault:1.20")
        .command(["server", "-log-level=info"])
        .arg(volume.name.map(|name| format!("-data={}", name.0)))
        .env("VAULT_ADDR", "http://vault:8200")
        .label("team", String::from("platform"))
        .labels([("traefik.enable", "true"), ("traefik.port", "8200")])
        .network(Attachment::to(network).alias("vault").alias("secrets"))
        .mount(volume, "/vault/file")
        .mount_with(Mount::of(MountSource::Tmpfs { size: None }, "/tmp").read_only())
        .ports([Port::host(8200)])
        .publish(Port::host(8201))
        .secret(secret, "unseal")
        .health(Health { test: vec!["vault".into(), "status".into()], interval_s: 5 })
        .replicas(3)
        .resources(Resources::default().memory(1 << 30).cpus(0.5))
        .rollout(Rollout::default().order("start-first"))
        .registry_password("s3cr3t")
        .global()
}

#[test]
fn a_draft_resolves_to_its_spec() {
    let volume = stack().add(Volume::new("data"));
    let known = vault(Output::known(NetworkId("n1".into())), &volume, Output::known(SecretId("s1".into())));
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<_, _> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    };
    assert_eq!(
        spec(&known),
        ServiceSpec {
            image: ImageRef("hashicorp/vault:1.20".into()),
            command: vec!["server".into(), "-log-level=info".into(), "-data=data".into()],
            env: map(&[("VAULT_ADDR", "http://vault:8200")]),
            labels: map(&[("team", "platform"), ("traefik.enable", "true"), ("traefik.port", "8200")]),
            networks: vec![AttachmentSpec {
                network: NetworkId("n1".into()),
                aliases: vec!["vault".into(), "secrets".into()]
            }],
            mounts: vec![
                MountSpec {
                    source: MountSource::Volume(VolumeName("data".into())),
                    target: "/vault/file".into(),
                    read_only: false
                },
                MountSpec { source: MountSource::Tmpfs { size: None }, target: "/tmp".into(), read_only: true },
            ],
            ports: vec![Port::host(8200), Port::host(8201)],
            secrets: vec![SecretFileSpec { secret: SecretId("s1".into()), file: "unseal".into(), mode: 0o444 }],
            health: Some(Health { test: vec!["vault".into(), "status".into()], interval_s: 5 }),
            replicas: 3,
            resources: ResourcesSpec { memory: Some(1 << 30), cpus: Some(0.5) },
            rollout: Some(RolloutSpec { parallel: 1, order: "start-first".into() }),
            registry_password: Some(Secret::new("s3cr3t".into())),
            global: true,
        }
    );
    what_is_shown_is_what_is_sent(&known);
}

#[test]
fn what_is_left_out_has_its_default() {
    let least = Service::new("least", "busybox");
    what_is_shown_is_what_is_sent(&least);
    assert_eq!(
        serde_json::to_value(spec(&least)).unwrap(),
        json!({
            "image": "busybox", "command": [], "env": {}, "labels": {}, "networks": [], "mounts": [], "ports": [],
            "secrets": [], "health": null, "replicas": 1, "resources": { "memory": null, "cpus": null }, "rollout": null,
            "registry_password": null, "global": false,
        })
    );
    what_is_shown_is_what_is_sent(&Volume::new("data"));
    assert_eq!(spec(&Network::new("edge")).driver, "overlay");
}

#[test]
fn what_nobody_set_is_told_from_what_somebody_did() {
    let defaults = |draft: &ServiceDraft| {
        let mut found = Vec::new();
        found.extend(draft.defaults());
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let bare = Service::new("web", "web:1");
    insta::assert_snapshot!(defaults(&bare), @"command env labels networks mounts ports secrets health replicas resources rollout registry_password global");
    let nested = Service::new("web", "web:1")
        .replicas(2)
        .mount_with(Mount::of(MountSource::Tmpfs { size: None }, "/tmp").read_only())
        .mount_with(Mount::of(MountSource::Tmpfs { size: None }, "/run"))
        .resources(Resources::default().memory(1 << 30));
    insta::assert_snapshot!(defaults(&nested), @"command env labels networks mounts[1].read_only ports secrets health resources.cpus rollout registry_password global");
    // To say the default is to say nothing.
    assert_eq!(defaults(&Service::new("web", "web:1").replicas(1)), defaults(&bare));
}

#[test]
fn outputs_are_waited_for_through_nested_drafts() {
    let mut stack = stack();
    let network = stack.add(Network::new("edge"));
    let volume = stack.add(Volume::new("data"));
    let secret = stack.add(SwarmSecret::new("unseal", "hunter2"));
    let draft = vault(network.id.clone(), &volume, secret.id.clone());

    assert_eq!(deps(&draft), deps(&(draft.clone())));
    assert_eq!(deps(&Attachment::to(&network)), deps_of(&network.id));
    let all = deps_of(&volume.name.zip(&network.id).zip(&secret.id));
    assert_eq!(deps(&draft), all);
    assert!(matches!(draft.spec(&Known::default()), Err(NoValue::Yet)));
    let shown = shown(draft.partial(&Known::default()));
    assert_eq!(shown["networks"], json!([{ "network": "?", "aliases": ["vault", "secrets"] }]));
    assert_eq!(
        shown["mounts"][0],
        json!({ "source": { "volume": "data" }, "target": "/vault/file", "read_only": false })
    );
    assert_eq!(shown["secrets"], json!([{ "secret": "?", "file": "unseal", "mode": 0o444 }]));

    stack.add(draft);
    assert_eq!(stack.check().map_err(|mistakes| mistakes.to_string()), Ok(()));
}

#[test]
fn secrets_stay_hidden_in_a_draft() {
    let token = Output::known("hunter2".to_owned()).secret();
    let draft = Service::new("core", "core").registry_password("hunter2").env("TOKEN", &token);
    assert!(!format!("{draft:?}").contains("hunter2"), "{draft:?}");
    let shown = shown(draft.partial(&Known::default()));
    assert_eq!(shown["registry_password"], json!("(secret)"));
    assert_eq!(shown["env"]["TOKEN"], json!({ "*": "hunter2" }));
}

#[test]
fn what_may_be_absent_is_given_as_an_option() {
    let draft = |health: Option<Health>, rollout: Option<Rollout>| {
        Service::new("core", "core").maybe_health(health).maybe_rollout(rollout)
    };
    let health = Health { test: Vec::new(), interval_s: 1 };
    assert_eq!(spec(&draft(None, None)), spec(&Service::new("core", "core")));
    assert_eq!(
        spec(&draft(Some(health.clone()), Some(Rollout::default()))),
        spec(&Service::new("core", "core").health(health.clone()).rollout(Rollout::default()))
    );
    assert_eq!(spec(&Service::new("core", "core").health(health).maybe_health(None::<Health>)).health, None);
}

#[test]
fn the_planner_knows_the_fields_in_their_order() {
    let facts: Vec<_> = ServiceSpec::FIELDS.iter().map(|field| field.name).collect();
    let slots = Service::new("core", "core");
    assert_eq!(facts, slots.slots().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert_eq!(facts.first(), Some(&"image"));
    let fact = |name| *ServiceSpec::FIELDS.iter().find(|field| field.name == name).unwrap();
    assert_eq!(fact("global"), Field { name: "global", replaces: true, write_only: false });
    assert_eq!(fact("registry_password"), Field { name: "registry_password", replaces: false, write_only: true });
    assert_eq!(fact("image"), Field { name: "image", replaces: false, write_only: false });
    assert_eq!(VolumeSpec::FIELDS, &[]);
}

#[test]
fn a_draft_keeps_its_name_and_its_options() {
    let mut stack = stack();
    let network = stack.add(Network::new("edge").protect().label("team", "platform"));
    stack.add(Service::new("core", "core").after(&network).ignore("imgae").named("core-1").keep_on_delete());
    let mistakes = stack.check().unwrap_err().to_string();
    assert!(mistakes.starts_with("`docker:service/core`: has no setting `imgae` to ignore"), "{mistakes}");
    assert!(mistakes_of(&Network::new("edge")).is_empty());
}
