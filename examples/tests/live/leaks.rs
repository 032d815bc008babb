//! Secrets: nowhere in what a program prints, logs or keeps, in any encoding.

use sprocket::core::testing::leaks;

use crate::faults::fault;
use crate::place::{Place, Told, files, run};

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

/// What a task of the small stack finds in a file.
fn in_the_container(name: &str) -> String {
    use crate::engine::docker;
    let container = docker(&["ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=sprocket-live"]);
    docker(&["exec", &container, "cat", &format!("/run/secrets/{name}")])
}
