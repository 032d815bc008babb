//! Tests of a deployment. They need no Docker: the real engine works on a world in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use sprocket::core::engine::StepAction;
use sprocket::core::engine::{Goal, Plan};
use sprocket::core::testing::{self, World};
use sprocket::docker::{SecretFileSpec, ServiceSpec};
use sprocket::prelude::*;
use sprocket::{Exit, Program, Shared, Surroundings};

use super::production;
use super::site::{AppName, Site};

const SECRETS: [&str; 9] = [
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "DNS_KEY",
    "EXTERNAL_POSTGRES_PASSWORD",
    "EXTERNAL_CHATWOOT_HMAC_KEY",
    "EXTERNAL_LOGINS_DISCORD_CLIENT",
    "EXTERNAL_LOGINS_DISCORD_SECRET",
    "EXTERNAL_LOGINS_GOOGLE_CLIENT",
    "EXTERNAL_LOGINS_GOOGLE_SECRET",
];

const ENVIRONMENTS: [&str; 3] = ["sandbox", "local", "production"];

/// What the program's command line does in these surroundings, and what it prints.
fn command(args: &[&str], secrets: &[&str], declare: impl FnOnce(&mut Stack, &Site)) -> (Exit, String) {
    let mut around = Surroundings::with_args(args);
    around.directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("production");
    let value = |name: &str| format!("{name}-of-a-test").to_lowercase();
    let variables = secrets.iter().map(|name| (format!("SPROCKET_{name}"), value(name)));
    around.variables = variables.chain([("SPROCKET_PASSPHRASE".into(), "of a test".into())]).collect();
    let printed = Shared::default();
    around.out = Box::new(printed.clone());
    around.err = Box::new(printed.clone());
    let exit = Program::new("production").run_in(around, declare);
    (exit, printed.take())
}

/// An environment, as it is read from `sprocket.toml`.
fn site(name: &str) -> Site {
    let mut found = None;
    let (exit, printed) = command(&["graph", "--env", name], &SECRETS, |_, site| found = Some(site.clone()));
    assert_eq!(exit, Exit::Done, "{printed}");
    found.unwrap()
}

fn on(site: &Site) -> impl Fn(&mut Stack) {
    |stack| production(stack, site)
}

/// The world after a first apply.
fn applied(site: &Site) -> World {
    let mut world = testing::world();
    world.apply(on(site));
    world.calls();
    world
}

fn services(world: &World) -> BTreeMap<String, ServiceSpec> {
    let names = named(world, "docker:service/");
    names.into_iter().map(|name| (name.clone(), world.spec::<Service>(&name).unwrap())).collect()
}

fn configs(world: &World) -> BTreeMap<String, String> {
    let text =
        |name: &String| String::from_utf8(world.spec::<SwarmConfig>(name).unwrap().data.bytes().to_vec()).unwrap();
    named(world, "docker:config/").into_iter().map(|name| (name.clone(), text(&name))).collect()
}

fn named(world: &World, kind: &str) -> Vec<String> {
    world.objects().iter().filter_map(|object| object.strip_prefix(kind).map(ToOwned::to_owned)).collect()
}

/// A plan in a line for each resource; the whole of it has every setting.
fn summary(plan: &Plan) -> String {
    assert!(plan.problems.is_empty(), "{plan}");
    let action = |action: &StepAction| match action {
        StepAction::Create { replaces: true, .. } => "replace",
        StepAction::Create { .. } => "create",
        StepAction::Update => "update",
        StepAction::Delete { .. } => "delete",
        _ => "other",
    };
    plan.steps.iter().map(|step| format!("{} {}\n", action(&step.action), step.address)).collect()
}

#[test]
fn the_first_plan() {
    insta::assert_snapshot!(summary(&testing::world().plan(on(&site("local")))), @"
    create docker:network/traefik-socket-proxy
    create docker:service/traefik-socket-proxy
    create docker:network/traefik-ingress
    create docker:config/traefik
    create docker:volume/traefik-data
    create docker:service/traefik
    create dns:record/@:A
    create dns:record/api:A
    create dns:record/traefik:A
    create dns:record/influx:A
    create dns:record/rabbitmq:A
    create dns:record/vault:A
    create docker:config/vault
    create docker:volume/vault
    create docker:service/vault
    create random:password/vault-custody
    create vault:init/vault
    create vault:share/vault-1
    create vault:share/vault-2
    create vault:share/vault-3
    create vault:share/vault-4
    create vault:share/vault-5
    create vault:unseal/vault
    create vault:access/vault
    create vault:root-revoked/vault
    create vault:mount/infrastructure
    create vault:mount/platform
    create vault:policy/infrastructure-read
    create vault:policy/platform-read
    create docker:network/monitoring
    create random:password/influx
    create random:password/influx-token
    create vault:kv/influx
    create docker:secret/influx-password
    create docker:secret/influx-token
    create docker:volume/influx
    create docker:service/influx
    create s3:bucket/sprocket-local-1
    create s3:bucket/sprocket-replays-local-1
    create s3:bucket/sprocket-image-gen-local-1
    create docker:network/sprocket/platform
    create docker:volume/sprocket/redis
    create random:password/sprocket/redis
    create docker:secret/sprocket/redis-conf
    create docker:secret/sprocket/redis-password
    create vault:kv/sprocket/redis
    create docker:service/sprocket/redis
    create random:password/sprocket/rabbitmq
    create docker:secret/sprocket/rabbitmq-user
    create docker:secret/sprocket/rabbitmq-password
    create vault:kv/sprocket/rabbitmq
    create docker:config/sprocket/rabbitmq
    create docker:volume/sprocket/rabbitmq
    create docker:service/sprocket/rabbitmq
    create random:password/sprocket/jwt
    create vault:kv/sprocket/jwt
    create docker:secret/sprocket/jwt
    create docker:config/sprocket/core
    create docker:secret/sprocket/core-minio-secret
    create docker:secret/sprocket/core-minio-access
    create docker:service/sprocket/core
    create docker:config/sprocket/web
    create docker:service/sprocket/web
    create docker:config/sprocket/notification
    create docker:service/sprocket/notification
    create docker:config/sprocket/matchmaking
    create docker:service/sprocket/matchmaking
    create docker:config/sprocket/submission
    create docker:secret/sprocket/submission-minio-secret
    create docker:secret/sprocket/submission-minio-access
    create docker:service/sprocket/submission
    create docker:config/sprocket/analytics
    create docker:service/sprocket/analytics
    ");
}

#[test]
fn a_service_in_full() {
    let plan = testing::world().plan(on(&site("local"))).to_string();
    let matchmaking = plan.split("\n+ ").find(|step| step.starts_with("docker:service/sprocket/matchmaking")).unwrap();
    insta::assert_snapshot!(matchmaking, @"
    docker:service/sprocket/matchmaking `sprocket-matchmaking`
        configs:           [{config: (known after docker:config/sprocket/matchmaking), path: /app/config/production.json}]
        endpoint:          dnsrr
        env:               {CONFIG: /app/config/production.json, NAME: matchmaking, NODE_ENV: production, RABBITMQ: sprocket-rabbitmq:5672, RABBITM… (277 characters)
        health:            {check: {interval: 1s, retries: 3, start_period: 20s, test: {cmd: [/stand-in, health]}, timeout: 3s}}
        image:             sprocket-stand-in/app:1
        limits:            {cpus: 1.0, memory: 536870912}
        max_per_node:      2
        networks:          [{network: (known after docker:network/sprocket/platform)}]
        restart:           {condition: any, delay: 10s, max_attempts: 0, window: 0s}
        secrets:           [{file: /app/secret/rabbitmq-password.txt, secret: (known after docker:secret/sprocket/rabbitmq-password)}, {file: /app/… (208 characters)
        stop_grace_period: 20s
        update:            {delay: 0s, max_failure_ratio: 0.0, on_failure: rollback, order: start-first, parallelism: 1}
    ");
}

#[test]
fn the_second_plan_is_empty() {
    for name in ENVIRONMENTS {
        let site = site(name);
        let plan = applied(&site).plan(on(&site));
        assert!(plan.steps.is_empty() && plan.problems.is_empty() && plan.warnings.is_empty(), "{name}:\n{plan}");
    }
}

#[test]
fn a_new_image_restarts_only_that_service() {
    let before = site("local");
    let mut after = before.clone();
    after.versions.insert(AppName::Matchmaking, "2".into());
    let mut world = applied(&before);
    insta::assert_snapshot!(world.plan(on(&after)), @"
    ~ docker:service/sprocket/matchmaking `sprocket-matchmaking`
        image: sprocket-stand-in/app:1 → sprocket-stand-in/app:2
    1 to update, 72 unchanged.
    ");
    world.apply(on(&after));
    assert_eq!(world.calls(), ["update docker:service/sprocket-matchmaking"]);
}

#[test]
fn a_new_password_restarts_its_server_and_who_uses_it() {
    let before = site("local");
    let after = Site { redis_password: "2025-12".into(), ..before.clone() };
    let mut world = applied(&before);
    world.apply(on(&after));
    let restarted = world.calls().into_iter().filter(|call| call.contains("docker:service/")).collect::<Vec<_>>();
    insta::assert_snapshot!(restarted.join("\n"), @"
    update docker:service/sprocket-redis
    update docker:service/sprocket-core
    update docker:service/sprocket-notification
    update docker:service/sprocket-matchmaking
    update docker:service/sprocket-submission
    ");
}

#[test]
fn a_new_domain_restarts_who_says_it() {
    let before = site("local");
    let after = Site { domain: "sprocket.test".into(), ..before.clone() };
    insta::assert_snapshot!(summary(&applied(&before).plan(on(&after))), @"
    update docker:service/traefik
    update docker:service/vault
    update docker:service/influx
    update docker:service/sprocket/rabbitmq
    replace docker:config/sprocket/core
    delete docker:config/sprocket/core
    update docker:service/sprocket/core
    replace docker:config/sprocket/web
    delete docker:config/sprocket/web
    update docker:service/sprocket/web
    ");
}

#[test]
fn every_app_shares_a_network_with_what_it_talks_to() {
    for environment in ENVIRONMENTS {
        let world = applied(&site(environment));
        let (services, configs) = (services(&world), configs(&world));
        let mut talks = 0;
        for (name, spec) in &services {
            let files = spec.configs.iter().map(|file| configs[&file.config.name].as_str());
            for host in files.flat_map(words_of_json).chain(spec.env.values().flat_map(|value| words(value))) {
                let Some(other) = services.get(&host).filter(|_| host != *name) else { continue };
                let networks: BTreeSet<_> = spec.networks.iter().map(|attached| &attached.network).collect();
                let shared = other.networks.iter().any(|attached| networks.contains(&attached.network));
                assert!(shared, "{environment}: `{name}` talks to `{host}`, and is on no network with it");
                talks += 1;
            }
        }
        assert!(talks >= 11, "{environment}: {talks} mentions of a service were found");
    }
}

/// What may be a host's name in a value; paths have none.
fn words(value: &str) -> Vec<String> {
    if value.starts_with('/') {
        return Vec::new();
    }
    value.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.').map(ToOwned::to_owned).collect()
}

fn words_of_json(text: &str) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.extend(words(text)),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    // What is not JSON is a server's own file.
    collect(&serde_json::from_str(text).unwrap_or_default(), &mut found);
    found
}

#[test]
fn no_secret_is_in_an_environment_an_argument_a_label_a_config_or_the_state() {
    for environment in ENVIRONMENTS {
        let world = applied(&site(environment));
        let mut secrets = BTreeSet::new();
        for name in named(&world, "docker:secret/") {
            let spec = world.spec::<SwarmSecret>(&name).unwrap();
            let text = String::from_utf8(spec.data.expose().bytes().to_vec()).unwrap();
            // The generated ones are long; those of the test say so.
            let parts = text.split_whitespace().filter(|word| word.len() >= 32 || word.ends_with("-of-a-test"));
            secrets.extend(parts.filter(|word| !word.starts_with('/')).map(ToOwned::to_owned));
        }
        assert!(secrets.len() >= 5, "{} secrets were found", secrets.len());
        let mut public = configs(&world);
        let text = |spec: &ServiceSpec| serde_json::to_string(spec).unwrap();
        public.extend(services(&world).iter().map(|(name, spec)| (name.clone(), text(spec))));
        public.insert("the state".into(), serde_json::to_string(&world.snapshot()).unwrap());
        for (place, text) in public {
            let leaked = secrets.iter().any(|secret| text.contains(secret.as_str()));
            assert!(!leaked, "{environment}: `{place}` has a secret in it");
        }
    }
}

#[test]
fn every_service_says_when_it_is_well_what_it_may_use_and_how_it_stops() {
    for environment in ENVIRONMENTS {
        for (name, spec) in services(&applied(&site(environment))) {
            assert!(spec.health.is_some(), "{environment}: `{name}` does not say when it is well");
            assert!(
                spec.limits.memory.is_some() && spec.limits.cpus.is_some(),
                "{environment}: `{name}` has no limits"
            );
            assert!(spec.image.is_pinned(), "{environment}: `{name}` runs whatever is newest");
            let unreadable = |file: &&SecretFileSpec| file.mode & 0o444 == 0;
            assert_eq!(spec.secrets.iter().find(unreadable), None, "{environment}: `{name}`");
        }
    }
}

#[test]
fn data_stores_are_published_only_where_a_port_is_asked_for() {
    let published = |environment: &str| -> Vec<String> {
        let services = services(&applied(&site(environment)));
        services.into_iter().filter(|(_, spec)| !spec.ports.is_empty()).map(|(name, _)| name).collect()
    };
    assert_eq!(published("production"), ["traefik"]);
    assert_eq!(published("local"), ["sprocket-rabbitmq", "sprocket-redis", "traefik", "vault"]);
}

#[test]
fn routers_have_one_name_each_and_a_host_of_the_site() {
    for environment in ENVIRONMENTS {
        let site = site(environment);
        let hosts: BTreeSet<String> = super::site::Host::ALL.into_iter().map(|host| site.host(host)).collect();
        let mut found = BTreeSet::new();
        for (name, spec) in services(&applied(&site)) {
            for (_, rule) in spec.labels.iter().filter(|(key, _)| key.ends_with(".rule")) {
                let host = rule.trim_start_matches("Host(`").trim_end_matches("`)").to_owned();
                assert!(hosts.contains(&host), "{environment}: `{name}` is at {host}, which nobody lists");
                assert!(found.insert(host.clone()), "{environment}: two services are at {host}");
            }
        }
        assert_eq!(found, hosts, "{environment}: all hosts lead somewhere");
    }
}

#[test]
fn what_is_destroyed_leaves_its_data_and_the_passwords_of_that_data() {
    let site = site("local");
    let mut world = applied(&site);
    world.destroy(on(&site));
    // What holds data, and the Vault that its mounts are in, with its network.
    insta::assert_snapshot!(world.objects().join("\n"), @"
    docker:config/vault-d046fa901b5a3987
    docker:network/traefik-ingress
    docker:service/vault
    docker:volume/influx
    docker:volume/sprocket-rabbitmq
    docker:volume/sprocket-redis
    docker:volume/traefik-data
    docker:volume/vault
    s3:bucket/sprocket-image-gen-local-1
    s3:bucket/sprocket-local-1
    s3:bucket/sprocket-replays-local-1
    vault:access/vault
    vault:init/vault
    vault:mount/infrastructure
    vault:mount/platform
    vault:root-revoked/vault
    vault:share/vault-1
    vault:share/vault-2
    vault:share/vault-3
    vault:share/vault-4
    vault:share/vault-5
    vault:unseal/vault
    ");
    insta::assert_snapshot!(world.try_plan(on(&site), Goal::Destroyed { include_kept: false }).unwrap(), @"
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
    Nothing to do: nothing is left to destroy.
    ");
    // With the same data, and the passwords that it knows.
    world.apply(on(&site));
}

#[test]
fn an_environment_that_there_is_not_is_met_with_those_that_there_are() {
    let (exit, printed) = command(&["plan", "--env", "prod"], &[], |_, _: &Site| ());
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!(printed, @"
    error: there is no environment `prod`
      hint: sprocket.toml has `local`, `production`, `sandbox`
    ");
}

#[test]
fn what_is_missing_for_production_is_said_at_once() {
    let (exit, printed) = command(&["plan", "--env", "production"], &SECRETS[..1], production);
    assert_eq!(exit, Exit::Failed);
    insta::assert_snapshot!(printed, @"
    production/production of sprocket.toml
    error: environment `production` lacks 8 secrets
      `dns.key`: set SPROCKET_DNS_KEY, or SPROCKET_DNS_KEY_FILE to a file that has it
      `external.chatwoot.hmac_key`: set SPROCKET_EXTERNAL_CHATWOOT_HMAC_KEY, or SPROCKET_EXTERNAL_CHATWOOT_HMAC_KEY_FILE to a file that has it
      `external.postgres.password`: set SPROCKET_EXTERNAL_POSTGRES_PASSWORD, or SPROCKET_EXTERNAL_POSTGRES_PASSWORD_FILE to a file that has it
      `external.logins.discord_client`: set SPROCKET_EXTERNAL_LOGINS_DISCORD_CLIENT, or SPROCKET_EXTERNAL_LOGINS_DISCORD_CLIENT_FILE to a file that has it
      `external.logins.discord_secret`: set SPROCKET_EXTERNAL_LOGINS_DISCORD_SECRET, or SPROCKET_EXTERNAL_LOGINS_DISCORD_SECRET_FILE to a file that has it
      `external.logins.google_client`: set SPROCKET_EXTERNAL_LOGINS_GOOGLE_CLIENT, or SPROCKET_EXTERNAL_LOGINS_GOOGLE_CLIENT_FILE to a file that has it
      `external.logins.google_secret`: set SPROCKET_EXTERNAL_LOGINS_GOOGLE_SECRET, or SPROCKET_EXTERNAL_LOGINS_GOOGLE_SECRET_FILE to a file that has it
      `s3.secret_key`: set SPROCKET_S3_SECRET_KEY, or SPROCKET_S3_SECRET_KEY_FILE to a file that has it
    ");
}
