//! What every kind must do, on a real engine and in the sandbox.

use serde_json::{Value, json};
use sprocket_core::kind::{
    Draft, ErrorKind, Kind, Live, PendingCreate, PhysicalName, ProviderError as _, ReadRequest, Recorded, Recovered,
    UpdateRequest,
};
use sprocket_docker::{
    Attachment, ConfigFile, ConfigRef, Data, Docker, Health, LogDriver, Memory, Mount, MountSource, Network, NetworkId,
    OnFailure, Platform, Port, Protocol, PublishMode, Resources, Restart, SecretFile, SecretRef, Service, ServiceDraft,
    SwarmConfig, SwarmSecret, Timespan, Update, Volume, VolumeName,
};

use crate::support::{World, assert_both_say, both, spec};

both!(
    networks,
    volumes,
    another_volume_of_the_same_name_has_another_identity,
    configs,
    secrets,
    services,
    what_others_change_is_seen,
    an_update_counts_only_on_the_settings_that_were_planned_on,
    a_foreign_object_is_adopted_and_marked_where_it_can_be,
    a_config_in_use_is_a_conflict_and_a_network_is_free_once_the_service_is_deleted,
);

/// One life of an object: made, found, changed through all of `changes`, settled, deleted twice.
async fn lives<R>(world: &World, name: &str, first: impl Draft<Handle = R, Spec = R::Spec>, changes: Vec<R::Spec>)
where
    R: Kind<Provider = Docker> + std::fmt::Debug,
{
    let sent = spec(first);
    let record = world.make::<R>(name, &sent).await;
    let live = world.read(&record).await.expect("what was made is there");
    is_as_sent(&record, &live);
    let Some(named) = R::read(&world.docker, ReadRequest::Named(&record.name)).await.unwrap().pop() else {
        panic!("{name} is not found by its name")
    };
    is_as_sent(&record, &named);
    let Some(imported) = R::read(&world.docker, ReadRequest::Import(record.id.as_str())).await.unwrap().pop() else {
        panic!("{name} is not found by its id")
    };
    is_as_sent(&record, &imported);

    let (own, other) = (record.owner.lineage.as_str(), "another");
    let text = record.name.to_string();
    assert_eq!(world.listed::<R>(own, &[]).await, [text.as_str()]);
    assert_eq!(world.listed::<R>(other, &[&record.name]).await, [text.as_str()]);
    assert!(world.listed::<R>(other, &[]).await.is_empty());

    let foreign = world.owner("foreign");
    let error = world.try_make::<R>(name, &sent, &foreign).await.expect_err("the name is taken").error;
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");

    let record = changed(world, record, live, changes).await;
    settles(world, &record).await;

    world.delete(&record).await;
    assert!(world.read(&record).await.is_none(), "{name} is still there");
    world.delete(&record).await;
    let intent =
        PendingCreate::<R> { name: record.name.clone(), spec: record.spec.clone(), owner: record.owner.clone() };
    assert!(matches!(R::recover(&world.docker, &intent).await.unwrap(), Recovered::Nothing));
    assert!(R::read(&world.docker, ReadRequest::Named(&record.name)).await.unwrap().is_empty());
}

fn is_as_sent<R: Kind>(record: &Recorded<R>, live: &Live<R>) {
    // Settings that the service never shows are read as nothing; those that it chooses are what they are.
    let sent = serde_json::to_value(&record.spec).unwrap();
    let shown = |spec: &R::Spec| {
        let mut value = serde_json::to_value(spec).unwrap();
        for field in <R::Spec as sprocket_core::kind::Spec>::FIELDS {
            if field.write_only || sent[field.name].get("$assigned").is_some() {
                value[field.name] = serde_json::Value::Null;
            }
        }
        value
    };
    assert_eq!(shown(&live.spec), shown(&record.spec), "{} reads back as something else", record.name);
    assert_eq!((&live.id, &live.name, live.owner.as_ref()), (&record.id, &record.name, Some(&record.owner)));
}

/// Changes it, step by step; each reads back as sent.
async fn changed<R>(world: &World, mut record: Recorded<R>, mut live: Live<R>, changes: Vec<R::Spec>) -> Recorded<R>
where
    R: Kind<Provider = Docker> + std::fmt::Debug,
{
    for spec in changes {
        let change = UpdateRequest { applied: Some(&record.spec), live: &live, spec: &spec, owner: &record.owner };
        let state = R::update(&world.docker, &change).await.unwrap_or_else(|failed| panic!("update: {failed:?}"));
        assert_eq!(R::id(&record.name, &state), record.id);
        record = Recorded { spec, state, ..record };
        live = world.read(&record).await.expect("what was changed is there");
        is_as_sent(&record, &live);
    }
    record
}

/// What an interrupted create left is found, and told from what is somebody else's.
async fn settles<R: Kind<Provider = Docker> + std::fmt::Debug>(world: &World, record: &Recorded<R>) {
    let intent = |owner| PendingCreate::<R> { name: record.name.clone(), spec: record.spec.clone(), owner };
    match R::recover(&world.docker, &intent(record.owner.clone())).await.unwrap() {
        Recovered::Ours { object, duplicates } => {
            assert_eq!((&object.id, duplicates.len()), (&record.id, 0));
        }
        other => panic!("not ours: {other:?}"),
    }
    let other = R::recover(&world.docker, &intent(world.owner("foreign"))).await.unwrap();
    assert!(matches!(&other, Recovered::Unmarked(lives) if lives.len() == 1), "{other:?}");
}

async fn networks(world: World) {
    lives(&world, "plain", Network::overlay("x"), vec![]).await;
    let full = Network::overlay("x")
        .attachable()
        .internal()
        .driver_opt("com.docker.network.driver.mtu", "1400")
        .subnet("10.213.7.0/24")
        .label("team", "platform");
    lives(&world, "full", full, vec![]).await;
    lives(&world, "bridge", Network::bridge("x"), vec![]).await;
}

async fn volumes(world: World) {
    lives(&world, "plain", Volume::new("x"), vec![]).await;
    lives(&world, "bind", Volume::bind("x", "/tmp").label("team", "platform"), vec![]).await;
}

async fn another_volume_of_the_same_name_has_another_identity(world: World) {
    let first = world.make::<Volume>("data", &spec(Volume::new("x"))).await;
    assert_eq!(world.read(&first).await.unwrap().state, first.state);
    world.delete(&first).await;
    let second = world.make::<Volume>("data", &spec(Volume::new("x"))).await;
    assert_ne!(first.state.identity, second.state.identity);
    // What the engine makes by itself, where a service names a volume that is not there, is none of both.
    world.delete(&second).await;
    world.engine.ask("POST", "/volumes/create", &json!({ "Name": first.name }));
    let Some(third) = Volume::read(&world.docker, ReadRequest::Named(&first.name)).await.unwrap().pop() else {
        panic!()
    };
    assert_eq!(third.state.identity.to_string(), first.name.to_string());
}

async fn configs(world: World) {
    let draft = || SwarmConfig::new("x", "port = 80\n");
    let changes =
        vec![spec(draft().label("team", "a").label("b", "")), spec(draft().label("team", "c")), spec(draft())];
    lives(&world, "text", draft(), changes).await;
    lives(&world, "bytes", SwarmConfig::new("x", vec![0_u8, 255, 10]), vec![]).await;
}

async fn secrets(world: World) {
    let draft = || SwarmSecret::new("x", "hunter2");
    lives(&world, "secret", draft(), vec![spec(draft().label("team", "a")), spec(draft())]).await;
}

const BUSY: &str = "sprocket-stand-in/busy:1";

fn busy() -> ServiceDraft {
    Service::new("x", BUSY).stop_grace_period("2s")
}

async fn services(world: World) {
    let network = world.make::<Network>("net", &spec(Network::overlay("x"))).await;
    let second = world.make::<Network>("net2", &spec(Network::overlay("x"))).await;
    let volume = world.make::<Volume>("data", &spec(Volume::new("x"))).await;
    let config = world.make::<SwarmConfig>("conf", &spec(SwarmConfig::new("x", "a"))).await;
    let secret = world.make::<SwarmSecret>("sec", &spec(SwarmSecret::new("x", "b"))).await;
    let at = |record: &Recorded<Network>| Attachment::to(NetworkId(record.id.to_string()));
    let config = ConfigRef { id: config.id.to_string(), name: config.name.to_string() };
    let secret = SecretRef { id: secret.id.to_string(), name: secret.name.to_string() };

    // Each field alone, so that one that is lost shows which; none of these runs for long.
    let full = || {
        busy()
            .command(["/entrypoint"])
            .args(["sleep", "1000"])
            .env("A", "b=c")
            .env("EMPTY", "")
            .user("0:0")
            .dir("/tmp")
            .hostname("{{.Node.Hostname}}")
            .label("team", "platform")
            .container_label("inside", "yes")
            .network(at(&network).alias("db").alias("postgres"))
            .network(at(&second))
            .mount(MountSource::Volume(VolumeName(volume.name.to_string())), "/data")
            .mount_with(Mount::of(MountSource::bind("/etc"), "/host").read_only())
            .mount(MountSource::Tmpfs { size: Some(Memory::mib(16)) }, "/scratch")
            .mount(MountSource::tmpfs(), "/scratch2")
            .config(config.clone(), "/etc/app.toml")
            .config_with(ConfigFile::of(config.clone(), "/app.toml").uid(1_u32).gid(2_u32).mode(0o400_u32))
            .secret(secret.clone(), "password.txt")
            .secret_with(SecretFile::of(secret.clone(), "/pw").mode(0o440_u32))
            .health(Health::cmd(["true"]).interval(Timespan::secs(2)).start_period(Timespan::secs(1)).retries(2))
            .replicas(2_u64)
            .max_per_node(2_u64)
            .constraint("node.role == manager")
            .constraint("node.labels.none != x")
            .platform(Platform::linux("amd64"))
            .limits(Resources::default().memory("64MiB").cpus(0.25))
            .reservations(Resources::default().memory(Memory::mib(8)).cpus(0.01))
            .update(
                Update::default()
                    .parallelism(2)
                    .delay(Timespan::secs(1))
                    .on_failure(OnFailure::Pause)
                    .max_failure_ratio(0.1),
            )
            .restart(Restart::on_failure().delay(Timespan::secs(3)).max_attempts(4, Timespan::secs(60)))
            .log(LogDriver::json_file("5m", 2).option("compress", "true"))
            .endpoint(sprocket_docker::EndpointMode::Dnsrr)
            .publish(Port::host(world.port(18_081)).to(80).speaks(Protocol::Http { path: "/".into() }))
            .publish(Port::host(world.port(18_082)).udp())
    };
    let changes = vec![
        spec(full()),
        spec(full().update(Update::default().monitor(Timespan::secs(7))).rollback(rollback())),
        spec(busy().image("sprocket-stand-in/busy:2").replicas(0_u64)),
        spec(busy().health(Health::Disabled)),
        spec(busy().health(Health::shell("exit 0"))),
        spec(busy().update(Update::start_first())),
        spec(
            busy()
                .publish(Port::ingress(world.port(18_083)).to(80))
                .publish(Port { published: None, ..Port::ingress(81) }),
        ),
        spec(busy()),
    ];
    lives(&world, "service", busy(), changes).await;
    lives(
        &world,
        "global",
        busy().global().publish(Port { mode: PublishMode::Host, ..Port::ingress(world.port(18_084)) }),
        vec![],
    )
    .await;
}

fn rollback() -> sprocket_docker::Rollback {
    sprocket_docker::Rollback { parallelism: 0, delay: Timespan::secs(1), ..Default::default() }
}

async fn what_others_change_is_seen(world: World) {
    let record = world.make::<Service>("drift", &spec(busy().replicas(0_u64))).await;
    let name = record.name.as_str();
    let drifts = [
        ("/TaskTemplate/ContainerSpec/Env", json!(["A=b"])),
        ("/Labels/a", json!("b")),
        ("/TaskTemplate/ContainerSpec/Labels", json!({ "a": "b" })),
        ("/TaskTemplate/Placement/Constraints", json!(["node.role==manager"])),
        ("/TaskTemplate/Resources/Limits/MemoryBytes", json!(33_554_432)),
        ("/TaskTemplate/RestartPolicy/Delay", json!(9_000_000_000_u64)),
        ("/UpdateConfig/Order", json!("start-first")),
        ("/TaskTemplate/ContainerSpec/Healthcheck", json!({ "Test": ["CMD-SHELL", "true"] })),
        ("/TaskTemplate/ContainerSpec/Args", json!(["sleep", "5"])),
        (
            "/EndpointSpec/Ports",
            json!([{ "PublishedPort": world.port(18_085), "TargetPort": 80, "PublishMode": "host" }]),
        ),
        ("/TaskTemplate/ContainerSpec/Mounts", json!([{ "Type": "tmpfs", "Target": "/scratch" }])),
        ("/Mode/Replicated/Replicas", json!(1)),
    ];
    let mut before = world.read(&record).await.unwrap();
    assert_eq!(before.spec, record.spec);
    for (setting, value) in drifts {
        world.engine.edit("services", name, |spec| {
            let place = setting.split('/').skip(1).fold(spec, |place, key| &mut place[key]);
            place.clone_from(&value);
        });
        let after = world.read(&record).await.unwrap();
        assert_ne!(after.spec, before.spec, "{setting} is not seen");
        before = after;
    }
    // One update repairs all of it.
    let change = UpdateRequest { applied: Some(&record.spec), live: &before, spec: &record.spec, owner: &record.owner };
    Service::update(&world.docker, &change).await.unwrap();
    assert_eq!(world.read(&record).await.unwrap().spec, record.spec);
}

async fn an_update_counts_only_on_the_settings_that_were_planned_on(world: World) {
    let record = world.make::<Service>("race", &spec(busy().replicas(0_u64))).await;
    let planned_on = world.read(&record).await.unwrap();
    let wanted = spec(busy().replicas(0_u64).env("A", "b"));
    let change = UpdateRequest { applied: Some(&record.spec), live: &planned_on, spec: &wanted, owner: &record.owner };

    // The version alone may move.
    let name = record.name.as_str();
    world.engine.edit("services", name, |spec| spec["TaskTemplate"]["ForceUpdate"] = 1.into());
    Service::update(&world.docker, &change).await.unwrap();

    // `ForceUpdate` is handed on: another number would restart all tasks.
    let found = world.engine.ask("GET", &format!("/services/{name}"), &Value::Null);
    assert_eq!(found["Spec"]["TaskTemplate"]["ForceUpdate"], 1);

    let error = Service::update(&world.docker, &change).await.unwrap_err().error;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_both_say!(world.plain(&error.to_string()), @"could not update service `race`: it has changed since it was read");
}

async fn a_foreign_object_is_adopted_and_marked_where_it_can_be(world: World) {
    let name: PhysicalName = world.name("adopt");
    let body = json!({
        "Name": name, "TaskTemplate": { "ContainerSpec": { "Image": BUSY } }, "Mode": { "Replicated": { "Replicas": 0 } },
    });
    world.engine.ask("POST", "/services/create", &body);
    let Some(live) = Service::read(&world.docker, ReadRequest::Named(&name)).await.unwrap().pop() else {
        panic!("not found")
    };
    assert_eq!(live.owner, None);
    let (wanted, owner) = (spec(busy().replicas(0_u64)), world.owner("adopt"));
    let change = UpdateRequest { applied: None, live: &live, spec: &wanted, owner: &owner };
    let state = Service::update(&world.docker, &change).await.unwrap();
    let record = Recorded::<Service> { id: Service::id(&name, &state), name, spec: wanted, state, owner };
    is_as_sent(&record, &world.read(&record).await.unwrap());
}

async fn a_config_in_use_is_a_conflict_and_a_network_is_free_once_the_service_is_deleted(world: World) {
    let network = world.make::<Network>("net", &spec(Network::overlay("x"))).await;
    let config = world.make::<SwarmConfig>("conf", &spec(SwarmConfig::new("x", Data::from("a")))).await;
    let reference = ConfigRef { id: config.id.to_string(), name: config.name.to_string() };
    let service = busy().network(Attachment::to(NetworkId(network.id.to_string()))).config(reference, "/conf");
    let service = world.make::<Service>("user", &spec(service)).await;
    world.ready(&service, 60).await.unwrap();

    let error = SwarmConfig::delete(&world.docker, &config).await.unwrap_err().error;
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    let error = Network::delete(&world.docker, &network).await.unwrap_err().error;
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");

    world.delete(&service).await;
    world.delete(&network).await;
    world.delete(&config).await;
}
