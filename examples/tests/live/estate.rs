//! The life of the estate: made, changed, meddled with, repaired, destroyed, made again with its data, and gone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::engine::{Object, docker, eventually, listing, places, tasks};
use crate::place::Place;
use crate::servers::{self, VaultByHand, answers, buckets, records, remove_name};

/// The services of the estate.
const SERVICES: [&str; 12] = [
    "influx",
    "sprocket-analytics",
    "sprocket-core",
    "sprocket-matchmaking",
    "sprocket-notification",
    "sprocket-rabbitmq",
    "sprocket-redis",
    "sprocket-submission",
    "sprocket-web",
    "traefik",
    "traefik-socket-proxy",
    "vault",
];

/// Its zone, and its buckets.
const ZONE: &str = "sprocket.localhost";
const BUCKETS: [&str; 3] = ["sprocket-image-gen-local-1", "sprocket-local-1", "sprocket-replays-local-1"];

/// The estate's own configuration, with more in its table `[local]`.
pub(crate) fn configuration(more: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("production/sprocket.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let changed = text.replacen("[local]\n", &format!("[local]\n{more}"), 1);
    assert!(changed.len() == text.len() + more.len());
    // A story has a folder of its own.
    changed.replacen("../../target/services/secrets", &servers::secrets().display().to_string(), 1)
}

/// A place for the estate. Its services have names of their own: if somebody else has them, they are waited for.
pub(crate) fn place(story: &'static str) -> Option<Place> {
    if std::env::var_os("SPROCKET_LIVE").is_some() {
        let free = eventually(Duration::from_secs(600), || {
            let taken: Vec<String> = listing()
                .into_iter()
                .filter(|object| object.kind == "service" && SERVICES.contains(&object.name.as_str()))
                .map(|object| object.name)
                .collect();
            if taken.is_empty() { Ok(()) } else { Err(format!("the engine has these already: {taken:?}")) }
        });
        assert_eq!(free, Ok(()));
    }
    let place = Place::of(story, "production", &configuration(""))?;
    servers::clear(ZONE, &BUCKETS);
    Some(place)
}

/// Destroys the estate with all its data: then nothing is left of it on any server.
pub(crate) fn end(place: &Place) {
    let told = place.run(&["destroy", "--include-kept", "--confirm", "production", "--yes"]).exits(0);
    place.tell(told.out.lines().last().unwrap(), told.took);
    assert_eq!(records(ZONE), BTreeSet::new());
    assert!(BUCKETS.iter().all(|bucket| !buckets().contains(*bucket)), "{:?}", buckets());
}

/// What a plan does, a line for each step, and for each of its changes.
fn steps(place: &Place, args: &[&str]) -> String {
    let told = place.run(args);
    assert!(matches!(told.code, Some(0 | 2)), "{told}");
    let line: Value = serde_json::from_str(told.out.lines().next().unwrap()).unwrap();
    let steps = line.pointer("/plan/steps").or(line.pointer("/steps")).unwrap();
    let mut text = String::new();
    for step in steps.as_array().unwrap() {
        let action = match &step["action"] {
            Value::String(name) => name.clone(),
            action if action["create"]["replaces"] == true => "replace".to_owned(),
            action => action.as_object().unwrap().keys().next().unwrap().clone(),
        };
        text.push_str(&format!("{action} {}", step["address"].as_str().unwrap()));
        let changes = step["changes"].as_array().into_iter().flatten();
        let changes: Vec<String> = changes.map(|change| setting(&change["path"])).collect();
        if !changes.is_empty() && action == "update" {
            text.push_str(&format!(": {}", changes.join(", ")));
        }
        text.push('\n');
    }
    text
}

/// `env.MOTTO`
fn setting(path: &Value) -> String {
    let parts = path.as_array().unwrap().iter();
    parts.map(|part| part.as_str().map_or_else(|| part.to_string(), ToOwned::to_owned)).collect::<Vec<_>>().join(".")
}

/// The services whose tasks are others than before.
fn restarted(before: &BTreeMap<String, BTreeSet<(String, String)>>) -> Vec<String> {
    let now = tasks();
    SERVICES.iter().filter(|name| before.get(**name) != now.get(**name)).map(ToString::to_string).collect()
}

/// What Redis answers on the port that it is published on.
fn redis(commands: &[&str]) -> Vec<String> {
    let format = "{{range .Endpoint.Ports}}{{.PublishedPort}}{{end}}";
    let port = docker(&["service", "inspect", "--format", format, "sprocket-redis"]);
    let mut connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for command in commands.iter().chain(&["QUIT"]) {
        connection.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.lines().map(ToOwned::to_owned).collect()
}

fn names(objects: &BTreeSet<Object>, kind: &str) -> Vec<String> {
    objects.iter().filter(|object| object.kind == kind).map(|object| object.name.clone()).collect()
}

#[test]
fn the_life_of_the_estate() {
    let Some(place) = place("estate") else { return };

    // It is made.
    let told = place.run(&["apply", "--yes"]).exits(0);
    place.tell_apply(&told);
    let made = place.made();
    assert_eq!(names(&made, "service"), SERVICES);
    let running = tasks();
    for service in SERVICES {
        assert_eq!(running.get(service).map(BTreeSet::len), Some(1), "{service}: {running:?}");
    }
    let networks = names(&made, "network");
    assert_eq!(networks, ["monitoring", "sprocket-platform", "traefik-ingress", "traefik-socket-proxy"]);
    for network in &networks {
        assert_eq!(docker(&["network", "inspect", "--format", "{{.Driver}} {{.Scope}}", network]), "overlay swarm");
    }
    println!("{} objects, {} tasks", made.len(), running.len());

    // Redis knows the generated password, and nobody else.
    let first = place.output("redis-password");
    assert_eq!(first.len(), 64);
    assert!(redis(&["PING"])[0].starts_with("-NOAUTH"));
    assert!(redis(&["AUTH wrong"])[0].starts_with("-WRONGPASS"));
    let auth = format!("AUTH {first}");
    assert_eq!(redis(&[&auth, "PING", "SET live kept"])[..3], ["+OK", "+PONG", "+OK"]);

    // Nothing is left to do, and everything works.
    let told = place.run(&["plan", "--detailed-exit-code"]).exits(0);
    place.tell(told.out.trim(), told.took);
    place.run(&["drift", "--detailed-exit-code"]).exits(0);
    let told = place.run(&["verify"]).exits(0);
    place.tell(told.out.lines().last().unwrap(), told.took);
    assert!(told.out.contains("✓ docker:service/sprocket/redis"), "{told}");

    served(&place, &first);
    changed(&place);
    let second = place.output("redis-password");
    assert_ne!(first, second, "the new secret is a new password");
    assert!(redis(&[&auth])[0].starts_with("-WRONGPASS"));
    let auth = format!("AUTH {second}");
    assert_eq!(redis(&[&auth, "GET live"])[..3], ["+OK", "$4", "kept"]);

    meddled(&place);
    destroyed(&place);
    again(&place);

    // And all of it goes.
    end(&place);
}

/// What is not on the engine: names are answered, buckets are there, and Vault has what the services were given.
fn served(place: &Place, password: &str) {
    for host in ["sprocket.localhost", "api.sprocket.localhost", "vault.sprocket.localhost"] {
        assert_eq!(answers(host, "A"), ["127.0.0.1"], "{host}");
    }
    assert!(BUCKETS.iter().all(|bucket| buckets().contains(*bucket)), "{:?}", buckets());

    // The program's own token can write secrets and not read them. Somebody who has it lets it do more: that is seen, too.
    let vault = VaultByHand::of(place, "production", "vault");
    let all = "policy=path \"*\" { capabilities = [\"create\", \"read\", \"update\", \"list\", \"delete\", \"sudo\"] }";
    vault.bao(&["write", "sys/policies/acl/vault", all]);
    assert_eq!(vault.secret("platform", "redis", "password"), password);
    vault.bao(&["write", "sys/policies/acl/platform-read", "policy= "]);
    remove_name("api.sprocket.localhost");
    let told = place.run(&["drift", "--detailed-exit-code"]).exits(2);
    insta::assert_snapshot!(told.out, @r#"
    + dns:record/api:A  (it has gone)
    ~ vault:access/vault  (changed by somebody else)
        policy:
            - path "*" { capabilities = ["create", "read", "update", "list", "delete", "sudo"] }
            + path "sys/mounts" { capabilities = ["read"] }
            + path "sys/mounts/*" { capabilities = ["create", "read", "update", "delete"] }
            + path "sys/policies/acl" { capabilities = ["list"] }
            + path "sys/policies/acl/*" { capabilities = ["create", "read", "update", "delete"] }
            + path "sys/policy/*" { capabilities = ["create", "read", "update", "delete"] }
            + path "+/config" { capabilities = ["read"] }
            + path "+/data/*" { capabilities = ["create", "update"] }
            + path "+/metadata/*" { capabilities = ["create", "read", "update", "delete", "list"] }
    ~ vault:policy/platform-read  (changed by somebody else)
        owner tag: (none) → this stack's
        text:
            -
            + path "platform/data/*" { capabilities = ["read"] }
            + path "platform/metadata/*" { capabilities = ["list", "read"] }
    3 resources drifted; an apply puts back what is shown.
    "#);
    vault.bao(&["operator", "seal"]);
    let told = place.run(&["drift", "--detailed-exit-code"]).exits(2);
    insta::assert_snapshot!(told.out, @"
    + dns:record/api:A  (it has gone)
    ~ vault:unseal/vault  (changed by somebody else)
        sealed: true → false
    … 8 resources of `vault` are read after `vault:unseal/vault`
    2 resources drifted; an apply puts back what is shown.
    ");
    let told = place.run(&["apply", "--yes"]).exits(0);
    place.tell_apply(&told);
    assert_eq!(answers("api.sprocket.localhost", "A"), ["127.0.0.1"]);
    place.run(&["plan", "--detailed-exit-code"]).exits(0);

    // A Vault that starts again is sealed.
    docker(&["service", "update", "--force", "--detach=false", "--quiet", "vault"]);
    let told = place.run(&["plan", "--detailed-exit-code"]).exits(2);
    insta::assert_snapshot!(told.out, @"
    ~ vault:unseal/vault  (changed by somebody else)
        sealed: true → false
    … 8 resources of `vault` are read after `vault:unseal/vault`
    1 to update, 64 unchanged, 8 to read later.
    ");
    let told = place.run(&["apply", "--yes"]).exits(0);
    place.tell_apply(&told);
    place.run(&["plan", "--detailed-exit-code"]).exits(0);
}

const CHANGES: &str = "\
versions = { matchmaking = \"2\" }
variables = { web = { MOTTO = \"another\" } }
redis_password = \"another\"
";

/// An image, a variable and a secret are others: that is planned with its consequences, and exactly that is done.
fn changed(place: &Place) {
    place.configure(&configuration(CHANGES));
    insta::assert_snapshot!(steps(place, &["plan", "--json"]), @"
    replace random:password/sprocket/redis
    delete random:password/sprocket/redis
    replace docker:secret/sprocket/redis-conf
    delete docker:secret/sprocket/redis-conf
    replace docker:secret/sprocket/redis-password
    delete docker:secret/sprocket/redis-password
    update vault:kv/sprocket/redis: data
    update docker:service/sprocket/redis: secrets.0.secret, secrets.1.secret
    update docker:service/sprocket/core: secrets.1.secret
    update docker:service/sprocket/web: env.MOTTO
    update docker:service/sprocket/notification: secrets.1.secret
    update docker:service/sprocket/matchmaking: image, secrets.1.secret
    update docker:service/sprocket/submission: secrets.1.secret
    ");
    let (before, objects) = (tasks(), listing());
    let told = place.run(&["apply", "--yes"]).exits(0);
    place.tell_apply(&told);
    // Who has the old password is not let in from the moment Redis has the new one, until it is replaced in turn.
    let began = |service| {
        let format = "{{.UpdateStatus.StartedAt.Unix}}";
        docker(&["service", "inspect", "--format", format, service]).parse::<u64>().unwrap()
    };
    let cut_off = began("sprocket-core") - began("sprocket-redis");
    place.tell(&format!("clients of Redis were replaced {cut_off} s after it"), Duration::from_secs(cut_off));
    assert!(cut_off < 20, "{cut_off} s");
    // Redis and its four clients for the secret, one for the image, which is a client too, and one for the variable.
    insta::assert_snapshot!(restarted(&before).join("\n"), @"
    sprocket-core
    sprocket-matchmaking
    sprocket-notification
    sprocket-redis
    sprocket-submission
    sprocket-web
    ");
    let now = listing();
    let name = |object: &&Object| format!("{} {}", object.kind, object.name.rsplit_once('-').unwrap().0);
    let ours = |object: &&Object| object.lineage.is_empty() || place.lineages().contains(&object.lineage);
    let gone: Vec<String> = objects.difference(&now).filter(ours).map(|object| name(&object)).collect();
    let new: Vec<String> = now.difference(&objects).filter(ours).map(|object| name(&object)).collect();
    assert_eq!(gone, new, "each replaced object has gone");
    assert_eq!(new, ["secret sprocket-redis-conf", "secret sprocket-redis-password"]);
    let image = "{{.Spec.TaskTemplate.ContainerSpec.Image}}";
    assert_eq!(docker(&["service", "inspect", "--format", image, "sprocket-matchmaking"]), "sprocket-stand-in/app:2");
    let env = docker(&["service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Env}}", "sprocket-web"]);
    assert!(env.contains("MOTTO=another"), "{env}");
    place.run(&["plan", "--detailed-exit-code"]).exits(0);
}

/// Somebody changes things behind the program's back: it is seen, and put back.
fn meddled(place: &Place) {
    let before = tasks();
    docker(&["service", "rm", "sprocket-notification"]);
    docker(&["service", "update", "--detach", "--label-add", "traefik.enable=false", "sprocket-web"]);
    docker(&["service", "scale", "--detach", "sprocket-submission=2"]);
    let told = place.run(&["drift", "--detailed-exit-code"]).exits(2);
    insta::assert_snapshot!(told.out, @"
    ~ docker:service/sprocket/web `sprocket-web`  (changed by somebody else)
        labels.traefik.enable: false → true
    + docker:service/sprocket/notification `sprocket-notification`  (it has gone)
    ~ docker:service/sprocket/submission `sprocket-submission`  (changed by somebody else)
        replicas: 2 → 1
    3 resources drifted; an apply puts back what is shown.
    ");
    let told = place.run(&["apply", "--yes"]).exits(0);
    place.tell_apply(&told);
    // The one that was removed is another; the one that was scaled keeps either of its two.
    let restarted = restarted(&before);
    assert!(restarted.contains(&"sprocket-notification".to_owned()), "{restarted:?}");
    let others: Vec<_> = restarted.iter().filter(|name| !name.ends_with("-notification")).collect();
    assert!(others.iter().all(|name| name.ends_with("-submission")), "{restarted:?}");
    assert_eq!(places("sprocket-submission"), 1);
    let label = "{{index .Spec.Labels \"traefik.enable\"}}";
    assert_eq!(docker(&["service", "inspect", "--format", label, "sprocket-web"]), "true");
    place.run(&["drift", "--detailed-exit-code"]).exits(0);
}

/// All goes but the data and what the data needs, and why is said.
fn destroyed(place: &Place) {
    let began = Instant::now();
    let told = place.run(&["destroy", "--yes"]).exits(0);
    place.tell(told.out.lines().last().unwrap(), began.elapsed());
    let kept: String = told.out.lines().filter(|line| line.starts_with('=')).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(kept, @"
    = docker:config/vault stays as `vault-d046fa901b5a3987`: `docker:service/vault` stays, and needs it
    = docker:network/traefik-ingress stays as `traefik-ingress`: `docker:service/vault` stays, and needs it
    = docker:service/vault stays as `vault`: `vault:unseal/vault` stays, and needs it
    = docker:volume/influx stays as `influx`: it holds data
    = docker:volume/sprocket/rabbitmq stays as `sprocket-rabbitmq`: it holds data
    = docker:volume/sprocket/redis stays as `sprocket-redis`: it holds data
    = docker:volume/traefik-data stays as `traefik-data`: it holds data
    = docker:volume/vault stays as `vault`: it holds data
    = random:password/influx stays as `influx`: it is protected
    = random:password/influx-token stays as `influx-token`: it is protected
    = random:password/sprocket/jwt stays as `sprocket-jwt`: it is protected
    = random:password/sprocket/rabbitmq stays as `sprocket-rabbitmq`: it is protected
    = random:password/sprocket/redis stays as `sprocket-redis`: `docker:volume/sprocket/redis` stays, and this is retained with it
    = random:password/vault-custody stays as `vault-custody`: it is protected
    = s3:bucket/sprocket-image-gen-local-1 stays as `sprocket-image-gen-local-1`: it holds data
    = s3:bucket/sprocket-local-1 stays as `sprocket-local-1`: it holds data
    = s3:bucket/sprocket-replays-local-1 stays as `sprocket-replays-local-1`: it holds data
    = vault:access/vault stays as `vault`: it holds data
    = vault:init/vault stays as `vault`: it holds data
    = vault:mount/infrastructure stays as `infrastructure`: it holds data
    = vault:mount/platform stays as `platform`: it holds data
    = vault:root-revoked/vault stays as `vault`: it holds data
    = vault:share/vault-1 stays as `vault-1`: it holds data
    = vault:share/vault-2 stays as `vault-2`: it holds data
    = vault:share/vault-3 stays as `vault-3`: it holds data
    = vault:share/vault-4 stays as `vault-4`: it holds data
    = vault:share/vault-5 stays as `vault-5`: it holds data
    = vault:unseal/vault stays as `vault`: it holds data
    ");
    let left: Vec<String> = place.made().iter().map(|object| format!("{} {}", object.kind, object.name)).collect();
    insta::assert_snapshot!(left.join("\n"), @"
    config vault-d046fa901b5a3987
    network traefik-ingress
    service vault
    volume influx
    volume sprocket-rabbitmq
    volume sprocket-redis
    volume traefik-data
    volume vault
    ");
}

/// What was kept is used again: the same volumes, with their data and the passwords in it.
fn again(place: &Place) {
    let volumes = place.made();
    let told = place.run(&["apply", "--yes"]).exits(0);
    place.tell_apply(&told);
    assert!(place.made().is_superset(&volumes), "the volumes are those of before");
    let auth = format!("AUTH {}", place.output("redis-password"));
    assert_eq!(redis(&[&auth, "GET live"])[..3], ["+OK", "$4", "kept"]);
    // RabbitMQ's first password is in its data: its clients get in, or they would not be well.
    place.run(&["verify"]).exits(0);
    place.run(&["plan", "--detailed-exit-code"]).exits(0);
}
