//! `import pulumi`: a swarm whose objects Pulumi made is adopted, and nothing in it is started again.
#![cfg(feature = "docker")]

use insta::assert_snapshot;
use serde_json::{Value, json};
use sprocket::prelude::*;

use super::estate::{Estate, PASSWORD, entry, text};

#[test]
fn what_pulumi_made_is_adopted_and_nothing_is_started_again() {
    let estate = Estate::new("pulumi");
    let (world, tasks) = (estate.world(), estate.running());
    std::fs::write(estate.place.folder.path().join("redis.txt"), format!("{PASSWORD}\n")).unwrap();
    let import = "import pulumi prod.json --secret random:password/redis=redis.txt --same docker:secret/token";
    assert_snapshot!(estate.run(import), @"
    pantry/local of sprocket.toml
    prod.json: 12 entries, written by Pulumi v3.215.0, 2026-02-08T10:11:12Z
    To be recorded, as it is:
      docker:network/edge           `edge-1a2b3c4`
      docker:volume/data            `data-00ff00f`
      docker:config/motd            `motd-0123abc`
      docker:secret/token           `token-89abcde`
      random:password/redis         `redis`
      docker:secret/redis-password  `redis-password-7654321`
      docker:service/web            `web-d3127fd`
    Guarded in Pulumi, and not in the program:
      docker:volume/data  `.protect()` says the same here
    Of a type that no kind is for (left alone):
      postgresql:index/role:Role  app
    Pulumi still wanted to delete (left alone; see whether it is there):
      docker:index/serviceConfig:ServiceConfig motd  id `an-older-one`
    Odd in the checkpoint, and of no consequence here:
      lead nowhere  1 parent and 0 dependencies: urn:pulumi:prod::shop::shop:old:Gone::gone
    Pulumi's own:
      1 component, 1 provider, 1 stack
    The plan that follows:
    Nothing to do: 7 resources are as declared.
    error: nothing was changed: there is no terminal to ask on
      hint: add `--yes` to do what is shown
    exit 1
    ");
    assert_eq!(estate.run("state list"), "Nothing is recorded of pantry/local yet.\nexit 0");
    let done = estate.run(&format!("{import} --yes"));
    assert_snapshot!(done.rsplit_once("\nRecorded").unwrap().1, @"
    : 7 resources. Nothing was changed.
    exit 0
    ");
    assert_snapshot!(estate.run("plan --detailed-exit-code"), @"
    pantry/local of sprocket.toml
    Nothing to do: 7 resources are as declared.
    exit 0
    ");
    assert_eq!(estate.world(), world, "nothing was written to any service");
    assert_snapshot!(estate.run(import), @"
    pantry/local of sprocket.toml
    prod.json: 12 entries, written by Pulumi v3.215.0, 2026-02-08T10:11:12Z
    Recorded already:
      7 objects
    Of a type that no kind is for (left alone):
      postgresql:index/role:Role  app
    Pulumi still wanted to delete (left alone; see whether it is there):
      docker:index/serviceConfig:ServiceConfig motd  id `an-older-one`
    Odd in the checkpoint, and of no consequence here:
      lead nowhere  1 parent and 0 dependencies: urn:pulumi:prod::shop::shop:old:Gone::gone
    Pulumi's own:
      1 component, 1 provider, 1 stack
    Nothing is to be recorded.
    exit 0
    ");
    assert_snapshot!(estate.run("import pulumi prod.json"), @"
    pantry/local of sprocket.toml
    prod.json: 12 entries, written by Pulumi v3.215.0, 2026-02-08T10:11:12Z
    Recorded already:
      7 objects
    Of a type that no kind is for (left alone):
      postgresql:index/role:Role  app
    Pulumi still wanted to delete (left alone; see whether it is there):
      docker:index/serviceConfig:ServiceConfig motd  id `an-older-one`
    Odd in the checkpoint, and of no consequence here:
      lead nowhere  1 parent and 0 dependencies: urn:pulumi:prod::shop::shop:old:Gone::gone
    Pulumi's own:
      1 component, 1 provider, 1 stack
    Nothing is to be recorded.
    exit 0
    ");
    assert_snapshot!(estate.run("apply --yes"), @"
    pantry/local of sprocket.toml
    Nothing to do: 7 resources are as declared.
    Verified: 1 check passed.
    exit 0
    ");
    assert_eq!((estate.running(), estate.world()), (tasks, world), "each task is the one that it was");
}

#[test]
fn what_nobody_says_is_told_with_what_the_next_plan_does() {
    let mut estate = Estate::new("pulumi-unsaid");
    assert_snapshot!(estate.run("import pulumi prod.json"), @"
    pantry/local of sprocket.toml
    prod.json: 12 entries, written by Pulumi v3.215.0, 2026-02-08T10:11:12Z
    To be recorded, as it is:
      docker:network/edge           `edge-1a2b3c4`
      docker:volume/data            `data-00ff00f`
      docker:config/motd            `motd-0123abc`
      docker:secret/token           `token-89abcde`
      docker:secret/redis-password  `redis-password-7654321`
      docker:service/web            `web-d3127fd`
    Not to be recorded:
      random:password/redis  its value is not in the checkpoint in clear, and the next plan draws another; --secret random:password/redis=FILE says what it is
    Hidden by its service, and not in the checkpoint in clear:
      docker:secret/token  the next plan replaces it
    Guarded in Pulumi, and not in the program:
      docker:volume/data  `.protect()` says the same here
    Of a type that no kind is for (left alone):
      postgresql:index/role:Role  app
    Pulumi still wanted to delete (left alone; see whether it is there):
      docker:index/serviceConfig:ServiceConfig motd  id `an-older-one`
    Odd in the checkpoint, and of no consequence here:
      lead nowhere  1 parent and 0 dependencies: urn:pulumi:prod::shop::shop:old:Gone::gone
    Pulumi's own:
      1 component, 1 provider, 1 stack
    The plan that follows:
    ± docker:secret/token (named at apply)  (a new one takes its place)
        data: (secret) → (secret)  (needs a new one)
    - docker:secret/token `token-89abcde`  (replaced)
    + random:password/redis
        length: 20
    ± docker:secret/redis-password (named at apply)  (a new one takes its place)
        data: (secret) → (known after random:password/redis)  (needs a new one)
    - docker:secret/redis-password `redis-password-7654321`  (replaced)
    ~ docker:service/web `web-d3127fd`
        env.REDIS_PASSWORD: (secret) → (known after random:password/redis)
        secrets[0].secret:  {id: ID, name: token-89abcde} → (known after docker:secret/token)
        secrets[1].secret:  {id: ID, name: redis-password-7654321} → (known after docker:secret/redis-password)
    1 to create, 1 to update, 2 to replace, 3 unchanged.
    error: nothing was changed: there is no terminal to ask on
      hint: add `--yes` to do what is shown
    exit 1
    ");
    estate.place.typed = Some("n\n");
    let asked = estate.run("import pulumi prod.json");
    assert_snapshot!(asked.rsplit_once("\nRecord ").unwrap().1, @"
    6 resources of pantry/local? [y/N] error: not confirmed; nothing of this was done
    exit 1
    ");
    estate.place.typed = Some("y\n");
    let asked = estate.run("import pulumi prod.json");
    assert_snapshot!(asked.rsplit_once("\nRecord ").unwrap().1, @"
    6 resources of pantry/local? [y/N] Recorded: 6 resources. Nothing was changed.
    exit 0
    ");
    // What was shown is what follows, but for names that need the key that there is only now.
    let plan = estate.run("plan");
    let name = plan
        .lines()
        .find_map(|line| line.strip_prefix("± docker:secret/token ")?.split(' ').next())
        .unwrap()
        .to_owned();
    let plan = plan.replace(&name, "(named at apply)");
    let (_, shown) = asked.split_once("The plan that follows:\n").unwrap();
    let (shown, _) = shown.split_once("\nRecord ").unwrap();
    assert_eq!(plan.replace("pantry/local of sprocket.toml\n", "").replace("\nexit 0", ""), shown);
    // Afterwards it can still be said: the password is imported, and what was made from it is as it was.
    std::fs::write(estate.place.folder.path().join("redis.txt"), PASSWORD).unwrap();
    let later = estate.run("import pulumi prod.json --secret random:password/redis=redis.txt --yes");
    let later = later.replace(&name, "(named at apply)");
    assert_snapshot!(later.split_once("The plan").unwrap().1, @"
     that follows:
    ± docker:secret/token (named at apply)  (a new one takes its place)
        data: (secret) → (secret)  (needs a new one)
    - docker:secret/token `token-89abcde`  (replaced)
    · docker:secret/redis-password `redis-password-7654321`  (only its record changes)
    ~ docker:service/web `web-d3127fd`
        secrets[0].secret: {id: ID, name: token-89abcde} → (known after docker:secret/token)
    1 to update, 1 to replace, 1 to record, 4 unchanged.
    Recorded: 1 resource. Nothing was changed.
    exit 0
    ");
}

#[test]
fn what_was_secret_in_pulumi_is_one_here_though_the_program_does_not_know_it() {
    let estate = Estate::new("pulumi-secret");
    let web = |stack: &mut Stack| {
        stack.add(Service::new("web", "web:1").env("MODE", "slow").env("OTHER", "a"));
    };
    let told = estate.run_with("import pulumi prod.json --yes", web);
    assert_snapshot!(told.split_once("follows:\n").unwrap().1, @"
    ~ docker:service/web `web-d3127fd`
        env.MODE:           fast → slow
        env.OTHER:          (none) → a
        env.REDIS_PASSWORD: (secret) → (none)
        networks:           [{network: ID}] → []
        mounts:             [{source: {volume: data-00ff00f}, target: /data}] → []
        configs:            [{config: {id: ID, name: motd-0123abc}, gid: 0, mode: 292, path: /motd, uid: 0}] → []
        secrets:            [{file: token, gid: 0, mode: 292, secret: {id: ID, name: token-89abcde}, uid: 0}, {file: redis, g… (217 characters) → []
        replicas:           2 → 1
        update.on_failure:  pause → rollback
    1 to update.
    Recorded: 1 resource. Nothing was changed.
    exit 0
    ");
}

#[test]
fn two_answers_are_none_until_a_person_says_which() {
    let estate = Estate::new("pulumi-two");
    let network = json!({ "Name": "edge-9999999", "Driver": "overlay" });
    let other = text(&estate.ask("POST", "/networks/create", &network)["Id"]);
    let urn = "urn:pulumi:prod::shop::shop:Other$docker:index/network:Network::edge";
    let text = std::fs::read_to_string(estate.place.folder.path().join("prod.json")).unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let mut resources = whole["deployment"]["resources"].as_array().unwrap().clone();
    resources.push(entry(
        "docker:index/network:Network",
        "edge",
        &other,
        &json!({
            "urn": urn, "inputs": { "__defaults": ["name"], "name": "edge-9999999" },
        }),
    ));
    estate.export(&Value::from(resources));
    let edge = |stack: &mut Stack| {
        stack.add(Network::overlay("edge"));
    };
    assert_snapshot!(estate.run_with("import pulumi prod.json", edge), @"
    pantry/local of sprocket.toml
    prod.json: 13 entries, written by Pulumi v3.215.0, 2026-02-08T10:11:12Z
    Not to be recorded:
      docker:network/edge  could be each of these; --as docker:network/edge=URN says which
                           urn:pulumi:prod::shop::docker:index/network:Network::edge  id `ID`
                           urn:pulumi:prod::shop::shop:Other$docker:index/network:Network::edge  id `ID`
    In the checkpoint, and not declared (left alone):
      docker:volume `data-00ff00f`            urn:pulumi:prod::shop::docker:index/volume:Volume::data
      docker:config `motd-0123abc`            urn:pulumi:prod::shop::docker:index/serviceConfig:ServiceConfig::motd
      docker:secret `token-89abcde`           urn:pulumi:prod::shop::docker:index/secret:Secret::token
      docker:secret `redis-password-7654321`  urn:pulumi:prod::shop::docker:index/secret:Secret::redis-password
      random:password `redis`                 urn:pulumi:prod::shop::random:index/randomPassword:RandomPassword::redis
      docker:service `web-d3127fd`            urn:pulumi:prod::shop::docker:index/service:Service::web
    Of a type that no kind is for (left alone):
      postgresql:index/role:Role  app
    Pulumi still wanted to delete (left alone; see whether it is there):
      docker:index/serviceConfig:ServiceConfig motd  id `an-older-one`
    Odd in the checkpoint, and of no consequence here:
      lead nowhere  1 parent and 0 dependencies: urn:pulumi:prod::shop::shop:old:Gone::gone
    Pulumi's own:
      1 component, 1 provider, 1 stack
    Nothing is to be recorded.
    exit 0
    ");
    let said = estate.run_with(&format!("import pulumi prod.json --yes --as docker:network/edge={urn}"), edge);
    assert_snapshot!(said.split_once("In the").unwrap().0, @"
    pantry/local of sprocket.toml
    prod.json: 13 entries, written by Pulumi v3.215.0, 2026-02-08T10:11:12Z
    To be recorded, as it is:
      docker:network/edge  `edge-9999999`
    ");
    assert!(estate.run_with("plan", edge).contains("Nothing to do"));
}

#[test]
fn what_can_not_be_meant_is_refused_before_anything_is_asked() {
    let estate = Estate::new("pulumi-refused");
    let folder = estate.place.folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    assert_snapshot!(estate.run("import pulumi nowhere.json"), @"
    pantry/local of sprocket.toml
    error: could not read the checkpoint nowhere.json: No such file or directory (os error 2)
    exit 1
    ");
    write("broken.json", "{\"version\": 3,\n \"deployment\": hunter2");
    assert_snapshot!(estate.run("import pulumi broken.json"), @"
    pantry/local of sprocket.toml
    error: broken.json can't be read as a checkpoint of Pulumi: it is not JSON, from line 2, column 16
      hint: `pulumi stack export --file FILE` writes one; nothing was recorded
    exit 1
    ");
    write("old.json", "{\"version\": 2, \"deployment\": {}}");
    assert_snapshot!(estate.run("import pulumi old.json"), @"
    pantry/local of sprocket.toml
    error: old.json can't be read as a checkpoint of Pulumi: it is of version 2, and version 3 is read
      hint: `pulumi stack export --file FILE` writes one; nothing was recorded
    exit 1
    ");
    let pending =
        json!({ "type": "creating", "resource": { "urn": "urn:pulumi:prod::shop::docker:index/volume:Volume::a" } });
    write("busy.json", &json!({ "version": 3, "deployment": { "pending_operations": [pending] } }).to_string());
    assert_snapshot!(estate.run("import pulumi busy.json"), @"
    pantry/local of sprocket.toml
    error: Pulumi has not seen the end of 1 operation in busy.json
      creating urn:pulumi:prod::shop::docker:index/volume:Volume::a
      hint: `pulumi refresh` finds out how they ended; then export again. Nothing was recorded
    exit 1
    ");
    write("a.txt", "hunter2");
    let urn = |token: &str, name: &str| format!("urn:pulumi:prod::shop::{token}::{name}");
    let (edge, role) = (urn("docker:index/network:Network", "edge"), urn("postgresql:index/role:Role", "app"));
    assert_snapshot!(estate.run(&format!(
        "import pulumi prod.json --as docker:volume/data={edge} --as docker:network/edge={role} \
         --as docker:service/web=urn:gone --secret docker:volume/data=a.txt --same random:password/redis \
         --secret docker:secret/token=a.txt --same docker:secret/token"
    )), @"
    pantry/local of sprocket.toml
    error: what is said of prod.json can't be meant
      --as docker:volume/data: that object is a docker:network
      --as docker:network/edge: there is no kind for a postgresql:index/role:Role
      --as docker:service/web: the checkpoint has no such URN
      `docker:volume/data`: its service shows all of it: nothing is to be said
      `docker:secret/token`: `--secret` and `--same` both speak of it; which one counts?
      `random:password/redis`: the program does not say what it is: it would draw it; `--secret` says it
      hint: nothing was recorded; without these options, what would be is shown
    exit 1
    ");
    assert_snapshot!(estate.run("import pulumi prod.json --as edge=x"), @"
    pantry/local of sprocket.toml
    error: --as: `edge` is not declared
      hint: did you mean `docker:network/edge`?
    exit 1
    ");
    assert_snapshot!(estate.run("import pulumi prod.json --secret docker:secret/token"), @"
    pantry/local of sprocket.toml
    error: --secret takes ADDRESS=FILE, and `docker:secret/token` is none
    exit 1
    ");
}
