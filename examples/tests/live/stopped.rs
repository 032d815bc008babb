//! The engine is away: nothing is believed to have gone, and nothing that is recorded changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use crate::faults::{fault, shown};
use crate::place::{Place, files, run};

#[test]
fn an_engine_that_has_stopped_changes_nothing_that_is_recorded() {
    let Some(place) = Place::of("stopped", "faults", &fault("none")) else { return };
    place.run(&["apply", "--yes"]).exits(0);
    let recorded = |place: &Place| -> BTreeMap<PathBuf, Vec<u8>> {
        files(&place.state()).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
    };
    let before = recorded(&place);
    assert!(before.keys().any(|file| file.ends_with("faults/local/state.json")), "{:?}", before.keys());
    let nobody = place.folder().join("docker.sock").display().to_string();
    for args in [&["plan"][..], &["drift", "--detailed-exit-code"], &["destroy", "--yes"], &["apply", "--yes"]] {
        let began = Instant::now();
        let mut command = place.command(args);
        command.env("DOCKER_HOST", format!("unix://{nobody}"));
        let told = run(command).exits(1);
        place.tell(args[0], began.elapsed());
        assert_eq!(told.out, "", "{args:?}");
        let text = shown(&told).replace(&nobody, "SOCKET");
        insta::allow_duplicates! { insta::assert_snapshot!(text, @"
        faults/local of sprocket.toml
        error: could not reach `docker`: could not connect to the Docker engine at unix://SOCKET: No such file or directory (os error 2)
          hint: is the engine running? `docker info` asks the same; `DOCKER_HOST` says where it listens
        "); }
        let now = recorded(&place);
        let changed: Vec<_> = now.iter().filter(|(file, bytes)| before.get(*file) != Some(bytes)).collect();
        assert!(changed.is_empty() && now.len() == before.len(), "{args:?} changed {changed:?}");
    }
    // The engine is back, and nothing has happened.
    place.run(&["plan", "--detailed-exit-code"]).exits(0);
    place.run(&["destroy", "--include-kept", "--confirm", "faults", "--yes"]).exits(0);
}
