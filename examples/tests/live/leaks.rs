//! Secrets: nowhere in what a program prints, logs or keeps, in any encoding.

use serde_json::Value;
use sprocket::core::testing::leaks;
use sprocket_sandbox::{DNS_SECRET, S3_SECRET};

use crate::faults::fault;
use crate::place::{Place, Told, files, run};
use crate::sandbox::SandboxedEstate;

/// From outside; with characters that URLs, JSON and shells write otherwise.
const GIVEN: &str = "hunter2 \"quoted\" p%ss/w+rd=\\";

#[test]
fn no_secret_is_printed_logged_or_kept_in_clear() {
    let Some(place) = Place::of("leaks", "faults", &fault("none")) else { return };
    let loudly = |args: &[&str]| -> Told {
        let mut command = place.command(args);
        command.env("RUST_LOG", "trace").env("SPROCKET_PASSWORD", GIVEN);
        run(command).exits(0)
    };
    let mut told = vec![
        loudly(&["plan"]),
        loudly(&["plan", "--json"]),
        loudly(&["apply", "--yes", "--json"]),
        loudly(&["plan", "--json"]),
        loudly(&["drift", "--json"]),
        loudly(&["verify", "--json"]),
        loudly(&["outputs"]),
        loudly(&["state", "show", "docker:secret/sprocket-live-given"]),
        loudly(&["state", "show", "random:password/sprocket-live"]),
    ];
    // The one that was drawn is shown to who asks for it, and searched for in all the rest.
    let revealed = loudly(&["outputs", "--reveal"]);
    let drawn = revealed.out.lines().find_map(|line| line.strip_prefix("drawn = ")).unwrap().to_owned();
    assert!(drawn.len() >= 20, "{} characters", drawn.len());
    // The engine has them, so they were there to be leaked.
    for (name, secret) in [("given", GIVEN), ("drawn", drawn.as_str())] {
        assert_eq!(in_the_container(name), secret);
    }
    place.configure(&format!("{}motto = \"another\"\n", fault("none")));
    told.push(loudly(&["apply", "--yes"]));
    let kept = |place: &Place| -> Vec<(String, Vec<u8>)> {
        files(&place.state()).iter().map(|file| (file.display().to_string(), std::fs::read(file).unwrap())).collect()
    };
    let mut texts = kept(&place);
    assert!(texts.iter().any(|(file, _)| file.contains("/history/")), "the history is searched too");
    told.push(loudly(&["destroy", "--include-kept", "--confirm", "faults", "--yes", "--json"]));
    texts.extend(kept(&place));

    let secrets = [GIVEN, &drawn, "hunter2"];
    let mut bytes = 0;
    let printed = told.iter().flat_map(|told| [("out", &told.out), ("err", &told.err)]);
    let printed = printed.map(|(name, text)| (name.to_owned(), text.clone().into_bytes()));
    let log = ("the log of outputs --reveal".to_owned(), revealed.err.into_bytes());
    for (place, text) in printed.chain([log]).chain(texts) {
        bytes += text.len();
        let found = leaks(&text, &secrets);
        assert!(found.is_empty(), "{place} has {} secrets in it", found.len());
    }
    println!("         {bytes} bytes searched");
    assert!(told.iter().any(|told| told.err.contains("DEBUG")), "the log was searched");

    // The same search finds what is there.
    assert!(!leaks(&revealed.out, &secrets).is_empty());
    let planted = format!("x {} y", GIVEN.replace('\\', "\\\\").replace('"', "\\\""));
    assert!(!leaks(planted, &secrets[..1]).is_empty());
    assert!(!leaks("authorization: aHVudGVyMg==", &secrets).is_empty());
}

/// The sandbox's Vault keeps in clear what was given to it, so that it can be asked what must be nowhere else.
#[test]
fn no_share_and_no_token_is_printed_logged_or_kept_in_clear() {
    if std::env::var_os("SPROCKET_LIVE").is_none() {
        println!("skipped: the estate's leaks in the sandbox: it takes half a minute; set SPROCKET_LIVE");
        return;
    }
    let estate = SandboxedEstate::new();
    let mut told = vec![estate.loudly(&[]), estate.loudly(&["apply", "--json"])];
    let vault: Value =
        serde_json::from_slice(&std::fs::read(estate.state().join("world/vault.json")).unwrap()).unwrap();
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut secrets = strings(&vault["init"]["shares"]);
    secrets.extend(vault["tokens"].as_object().unwrap().keys().cloned());
    let versions = vault["secrets"].as_object().unwrap().values().flat_map(|mount| mount.as_object().unwrap().values());
    let fields = versions.flat_map(|secret| secret["versions"]["1"]["data"].as_object().unwrap());
    // Some names are no secrets: `admin`.
    secrets.extend(fields.map(|(_, value)| value.as_str().unwrap().to_owned()).filter(|value| value.len() >= 32));
    assert!(secrets.len() >= 5 + 1 + 4, "{} shares, tokens and passwords", secrets.len());
    secrets.extend([S3_SECRET.to_owned(), DNS_SECRET.to_owned()]);

    told.extend(
        [&["outputs"][..], &["drift", "--json"], &["state", "show", "vault:init/vault"]]
            .map(|args| estate.loudly(args)),
    );
    let revealed = estate.loudly(&["outputs", "--reveal"]);
    let world = estate.state().join("world");
    let kept = || files(&estate.state()).into_iter().filter(|file| !file.starts_with(&world));
    let mut texts: Vec<(String, Vec<u8>)> =
        kept().map(|file| (file.display().to_string(), std::fs::read(&file).unwrap())).collect();
    assert!(texts.iter().any(|(file, _)| file.contains("/custody/")), "custody is searched too");
    told.push(estate.loudly(&["destroy", "--json"]));
    texts.extend(kept().map(|file| (file.display().to_string(), std::fs::read(&file).unwrap())));
    for told in told {
        texts.extend([("out".to_owned(), told.out.into_bytes()), ("err".to_owned(), told.err.into_bytes())]);
    }
    texts.push(("the log of outputs --reveal".to_owned(), revealed.err.into_bytes()));
    for (place, text) in &texts {
        let found = leaks(text, &secrets);
        assert!(found.is_empty(), "{place} has {} secrets in it", found.len());
    }
    println!(
        "         {} secrets, {} bytes searched",
        secrets.len(),
        texts.iter().map(|(_, text)| text.len()).sum::<usize>()
    );
    // The same search finds what is shown to who asks for it.
    assert!(!leaks(&revealed.out, &secrets).is_empty());
}

/// What a task of the small stack finds in a file.
fn in_the_container(name: &str) -> String {
    use crate::engine::docker;
    let container = docker(&["ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=sprocket-live"]);
    docker(&["exec", &container, "cat", &format!("/run/secrets/{name}")])
}
