//! What Pulumi made of a small stack is adopted on a real engine: the plan after it is empty, and no task is another.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::{docker, eventually, tasks};
use crate::faults::{fault, plain};
use crate::place::Place;

const DRAWN: &str = "drawn_by-Pulumi-in-2021_32-chars";
const SERVICE: &str = "sprocket-live-0a1b2c3";

/// Each object, as it is called at the engine: the kind's name in `docker`, and Pulumi's word for the kind.
const OBJECTS: [(&str, &str, &str); 5] = [
    ("service", SERVICE, "docker:index/service:Service"),
    ("network", "sprocket-live-1a1b2c3", "docker:index/network:Network"),
    ("volume", "sprocket-live-2a1b2c3", "docker:index/volume:Volume"),
    ("config", "sprocket-live-3a1b2c3", "docker:index/serviceConfig:ServiceConfig"),
    ("secret", "sprocket-live-drawn-4a1b2c3", "docker:index/secret:Secret"),
];

/// Makes them as somebody else's tool would, with none of our marks.
fn make(place: &Place) {
    let write = |name: &str, text: &str| {
        let path = place.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let [(_, service, _), (_, network, _), (_, volume, _), (_, config, _), (_, secret, _)] = OBJECTS;
    docker(&["network", "create", "--driver", "overlay", network]);
    docker(&["volume", "create", volume]);
    docker(&["config", "create", config, &write("config", "a config\n")]);
    docker(&["secret", "create", secret, &write("drawn", DRAWN)]);
    let mount = format!("type=volume,source={volume},target=/data");
    let config = format!("source={config},target=/motd");
    let secret = format!("source={secret},target=drawn");
    docker(&[
        "service",
        "create",
        "--quiet",
        "--no-resolve-image",
        "--name",
        service,
        "--endpoint-mode",
        "dnsrr",
        "--restart-delay",
        "1s",
        "--stop-grace-period",
        "1s",
        "--update-failure-action",
        "rollback",
        "--network",
        network,
        "--mount",
        &mount,
        "--config",
        &config,
        "--secret",
        &secret,
        "sprocket-stand-in/busy:1",
    ]);
}

/// What Pulumi would have written of them.
fn export(place: &Place) {
    let sealed =
        json!({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x" });
    let entry = |token: &str, name: &str, id: &str, inputs: Value| {
        let urn = format!("urn:pulumi:live::shop::shop:Small${token}::{name}");
        json!({ "urn": urn, "custom": true, "type": token, "id": id, "inputs": inputs })
    };
    let mut entries: Vec<Value> = Vec::new();
    for (kind, name, token) in OBJECTS {
        let id = match kind {
            "volume" => name.to_owned(),
            "network" => docker(&[kind, "inspect", "--format", "{{.Id}}", name]),
            _ => docker(&[kind, "inspect", "--format", "{{.ID}}", name]),
        };
        let inputs = json!({ "__defaults": ["name"], "name": name, "data": sealed });
        entries.push(entry(token, name.rsplit_once('-').unwrap().0, &id, inputs));
    }
    let password = "random:index/randomPassword:RandomPassword";
    entries.push(entry(password, "sprocket-live", "none", json!({ "length": 32, "result": sealed })));
    let whole = json!({ "version": 3, "deployment": { "manifest": { "version": "v3.215.0" }, "resources": entries } });
    std::fs::write(place.folder().join("live.json"), whole.to_string()).unwrap();
}

#[test]
fn what_pulumi_made_is_adopted_and_no_task_is_another() {
    let Some(mut place) = Place::of("pulumi", "faults", &fault("none")) else { return };
    for (kind, name, _) in OBJECTS {
        place.by_hand(kind, name);
    }
    make(&place);
    export(&place);
    let running = || {
        let running = docker(&["service", "ps", "--quiet", "--filter", "desired-state=running", SERVICE]);
        let format = "{{.CurrentState}}";
        let states = docker(&["service", "ps", "--filter", "desired-state=running", "--format", format, SERVICE]);
        if states.starts_with("Running") { Ok(running) } else { Err(states) }
    };
    let task = eventually(Duration::from_secs(60), running).unwrap();
    let version = || docker(&["service", "inspect", "--format", "{{.Version.Index}} {{.UpdatedAt}}", SERVICE]);
    let before = version();

    // The content of the secret is that of the password, which is said.
    let import = ["import", "pulumi", "live.json", "--secret", "random:password/sprocket-live=drawn"];
    let import = [&import[..], &["--same", "docker:secret/sprocket-live-drawn"]].concat();
    let told = place.run(&import).exits(1);
    insta::assert_snapshot!(plain(&told.out), @"
    live.json: 6 entries, written by Pulumi v3.215.0
    To be recorded, as it is:
      docker:network/sprocket-live       `sprocket-live-1a1b2c3`
      docker:volume/sprocket-live        `sprocket-live-2a1b2c3`
      docker:config/sprocket-live        `sprocket-live-3a1b2c3`
      random:password/sprocket-live      `sprocket-live`
      docker:secret/sprocket-live-drawn  `sprocket-live-drawn-4a1b2c3`
      docker:service/sprocket-live       `sprocket-live-0a1b2c3`
    The plan that follows:
    output drawn: (none) → (secret)
    6 unchanged.
    ");
    let told = place.run(&[&import[..], &["--yes"]].concat()).exits(0);
    assert!(!told.out.contains(DRAWN), "{told}");
    // Outputs are recorded by a run, which calls nothing.
    insta::assert_snapshot!(place.run(&["plan"]).exits(0).out, @"
    output drawn: (none) → (secret)
    6 unchanged.
    ");
    place.run(&["apply", "--yes"]).exits(0);
    insta::assert_snapshot!(place.run(&["plan", "--detailed-exit-code"]).exits(0).out, @"Nothing to do: 6 resources are as declared.");
    assert_eq!(place.output("drawn"), DRAWN);
    assert_eq!((version(), running()), (before, Ok(task)), "the service is as it was, and runs the same task");
    assert_eq!(tasks()[SERVICE].len(), 1);

    // From now on it is ours: a change moves what is to be moved, and everything goes.
    place.configure(&format!("{}motto = \"ours now\"\n", fault("none")));
    insta::assert_snapshot!(place.run(&["plan"]).exits(0).out, @"
    ~ docker:service/sprocket-live `sprocket-live-0a1b2c3`
        env.MOTTO: (none) → ours now
    1 to update, 5 unchanged.
    ");
    place.run(&["apply", "--yes"]).exits(0);
    place.run(&["plan", "--detailed-exit-code"]).exits(0);
    place.run(&["destroy", "--include-kept", "--confirm", "faults", "--yes"]).exits(0);
}
