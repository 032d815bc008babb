//! The commands beside plan and apply: `doctor`, `graph`, `state`, `import`.

use std::collections::BTreeSet;

use crate::engine::docker;
use crate::faults::{fault, plain};
use crate::place::Place;

#[test]
fn doctor_tells_what_it_asked() {
    let Some(place) = Place::of("doctor", "faults", &fault("none")) else { return };
    let told = place.run(&["doctor"]).exits(0);
    let shown: String =
        told.out.lines().filter(|line| !line.contains("clock")).map(|line| format!("{line}\n")).collect();
    let shown = shown.replace(&place.folder().display().to_string(), "FOLDER");
    insta::assert_snapshot!(plain(&shown), @"
    ✓ configuration: complete
    ✓ state: none yet in FOLDER/.sprocket/faults/local
    ✓ lock: free
    ✓ folder: FOLDER can be written
    ✓ docker: engine: unix:///var/run/docker.sock speaks version 1.41 of the API
    ✓ docker: swarm: it is in a swarm
    ✓ docker: manager: it is a manager of swarm ID
    ✓ docker: nodes: 1 of 1 nodes are ready
    ✓ docker: is ID
    All is well.
    ");
    assert!(!place.state().exists(), "it keeps nothing");
}

#[test]
fn graph_is_what_graphviz_reads() {
    let Some(place) = crate::estate::place("graph") else { return };
    let dot = place.run(&["graph"]).exits(0).out;
    let plan = place.run(&["plan", "--json"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(plan.out.lines().next().unwrap()).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let planned: BTreeSet<&str> = steps.iter().map(|step| step["address"].as_str().unwrap()).collect();
    let (nodes, edges) = parsed(&dot);
    assert_eq!(nodes.iter().map(String::as_str).collect::<BTreeSet<_>>(), planned);
    assert!(edges.iter().all(|(from, to)| nodes.contains(from) && nodes.contains(to)), "each end is a node");
    assert!(edges.contains(&("docker:service/traefik".into(), "docker:network/traefik-ingress".into())), "{dot}");
    println!("         {} nodes, {} edges", nodes.len(), edges.len());
}

/// The nodes and edges of a DOT text, read by its grammar: `digraph ID { statement; … }`.
fn parsed(dot: &str) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    let mut rest = dot.trim();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => quoted(rest),
            '-' if rest.starts_with("->") => 2,
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    assert_eq!((tokens[0], tokens[2], tokens.last()), ("digraph", "{", Some(&"}")), "{dot}");
    let (mut nodes, mut edges) = (BTreeSet::new(), BTreeSet::new());
    let id = |token: &str| token.trim_matches('"').replace("\\\"", "\"");
    for statement in tokens[3..tokens.len() - 1].split(|token| *token == ";") {
        match statement {
            [] | ["rankdir", "=", _] => {}
            [from, "->", to] => drop(edges.insert((id(from), id(to)))),
            [node, "[", attributes @ .., "]"] => {
                assert!(matches!(attributes, [_, "=", _]), "{statement:?}");
                if *node != "node" {
                    assert!(nodes.insert(id(node)), "{node} stands there twice");
                }
            }
            other => panic!("not DOT: {other:?}"),
        }
    }
    (nodes, edges)
}

/// How long the quoted text at the beginning is.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return place + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    panic!("a quote has no end: {text}")
}

#[test]
fn state_is_listed_shown_and_forgotten_and_what_is_there_imported() {
    let Some(mut place) = Place::of("import", "faults", &fault("by-hand")) else { return };
    let address = "docker:network/sprocket-live-by-hand";
    let shown = |place: &Place, text: &str| plain(&text.replace(&place.state().display().to_string(), "STATE"));
    insta::assert_snapshot!(place.run(&["state", "list"]).exits(0).out, @"Nothing is recorded of faults/local yet.");

    // One that somebody made by hand.
    place.by_hand("network", "sprocket-live-by-hand");
    let create = ["network", "create", "--driver", "overlay", "sprocket-live-by-hand"];
    let id = docker(&create);
    let told = place.run(&["import", address, "sprocket-live-by-hand"]).exits(0);
    insta::assert_snapshot!(told.out, @"`docker:network/sprocket-live-by-hand` is recorded as `sprocket-live-by-hand`. Nothing was changed; `plan` shows how it differs.");
    let told = place.run(&["plan", "--detailed-exit-code"]).exits(0);
    insta::assert_snapshot!(told.out, @"Nothing to do: 1 resource is as declared.");
    insta::assert_snapshot!(shown(&place, &place.run(&["state", "list"]).exits(0).out), @"
    docker:network/sprocket-live-by-hand  `sprocket-live-by-hand`
    1 resource in STATE/faults/local, serial 2.
    ");
    let told = place.run(&["state", "show", address]).exits(0);
    let record: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(record["object"]["id"], id.as_str(), "{told}");
    // A typing error is met with the address that was meant.
    let told = place.run(&["state", "show", "docker:network/sprocket-live-by-hnd"]).exits(1);
    insta::assert_snapshot!(told.err, @"
    error: `docker:network/sprocket-live-by-hnd` is not recorded
      hint: did you mean `docker:network/sprocket-live-by-hand`?
    ");

    // The program wants it otherwise: the plan says how.
    place.configure(&format!("{}motto = \"platform\"\n", fault("by-hand")));
    insta::assert_snapshot!(place.run(&["plan", "--detailed-exit-code"]).exits(2).out, @"
    ± docker:network/sprocket-live-by-hand `sprocket-live-by-hand-2`  (a new one takes its place)
        labels.team: (none) → platform  (needs a new one)
    - docker:network/sprocket-live-by-hand  (replaced)
    1 to replace.
    ");
    place.configure(&fault("by-hand"));

    // Forgotten, it is still there, and somebody else's; imported again by its id, it is ours, and goes with the rest.
    let told = place.run(&["state", "forget", address]).exits(0);
    insta::assert_snapshot!(told.out, @"`docker:network/sprocket-live-by-hand` is no longer recorded. `sprocket-live-by-hand` is still there.");
    assert_eq!(docker(&["network", "inspect", "--format", "{{.Id}}", "sprocket-live-by-hand"]), id);
    insta::assert_snapshot!(plain(&place.run(&["plan"]).exits(1).out), @"
    problem: `docker:network/sprocket-live-by-hand`: an object named `sprocket-live-by-hand` exists already, and this stack does not own it  (examples/tests/live/program/main.rs:66)
      hint: take it over with `.adopt()` or `import docker:network/sprocket-live-by-hand ID`
    1 problem: nothing can be applied until it is solved.
    ");
    place.run(&["import", address, &id]).exits(0);
    place.run(&["plan", "--detailed-exit-code"]).exits(0);
    let told = place.run(&["destroy", "--yes"]).exits(0);
    insta::assert_snapshot!(told.out, @"
    - docker:network/sprocket-live-by-hand
    1 to delete.
    1 deleted.
    ");
    assert_eq!(docker(&["network", "ls", "--quiet", "--filter", "name=sprocket-live-by-hand"]), "");
}
