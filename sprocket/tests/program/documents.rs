//! What the documentation must not forget.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The kinds of all crates, from their source: the features of this build may leave some out.
fn kinds(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            kinds(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let named = source.lines().filter_map(|line| line.trim().strip_prefix("#[handle(kind = \""));
            into.extend(named.filter_map(|rest| rest.split('"').next()).map(ToOwned::to_owned));
        }
    }
}

#[test]
fn each_kind_says_where_its_mark_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut there = BTreeSet::new();
    for name in ["core", "dns", "docker", "s3", "vault"] {
        kinds(&root.join(format!("sprocket-{name}/src")), &mut there);
    }
    let table = fs::read_to_string(root.join("docs/marks.md")).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let told = rows.flat_map(|cell| cell.split('`')).filter(|word| word.contains(':')).map(ToOwned::to_owned);
    assert_eq!(told.collect::<BTreeSet<_>>(), there);
}

/// `LeaveOut` is **leave out**.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[test]
fn the_table_of_decisions_is_what_is_decided() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let code = fs::read_to_string(root.join("sprocket-core/src/planner/decide.rs")).unwrap();
    let (_, variants) = code.split_once("enum Decision {\n").unwrap();
    let variants = variants.lines().take_while(|line| *line != "}");
    let variants = variants.filter_map(|line| line.strip_prefix("    ")?.split([' ', '(', ',']).next());
    let variants = variants.filter(|name| name.starts_with(char::is_uppercase)).map(words);
    let text = fs::read_to_string(root.join("docs/lifecycle.md")).unwrap();
    let (_, table) = text.split_once("For each declared resource").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let outcomes = rows.filter_map(|row| row.split(" | ").last());
    let told: Vec<&str> = outcomes.flat_map(|outcome| outcome.split("**").skip(1).step_by(2)).collect();
    assert_eq!(told, variants.collect::<Vec<_>>(), "in their order, each bold where it is first");
}

/// Where the short names of places lead, as `docs/scenarios.md` says.
const PLACES: [(&str, &str); 4] = [
    ("engine/", "sprocket-core/tests/engine/"),
    ("store/", "sprocket-core/tests/store/"),
    ("chance/", "sprocket-core/tests/chance/"),
    ("program/", "sprocket/tests/program/"),
];

#[test]
fn each_test_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut named, mut missing) = (0, Vec::new());
    for document in ["docs/scenarios.md", "docs/failures.md", "docs/review.md", "docs/writing-a-kind.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for line in text.lines() {
            // `…::another_test` is in the file before it.
            let mut file = String::new();
            for word in line.split('`').skip(1).step_by(2) {
                let (path, test) = word.split_once("::").unwrap_or((word, ""));
                if path.ends_with(".rs") {
                    let place =
                        PLACES.iter().find_map(|(short, long)| Some(format!("{long}{}", path.strip_prefix(short)?)));
                    let path = place.unwrap_or_else(|| path.replace('…', "examples/tests/live"));
                    file = fs::read_to_string(root.join(path)).unwrap_or_default();
                } else if path != "…" {
                    continue;
                }
                named += 1;
                let function = if test.is_empty() { "fn ".to_owned() } else { format!("fn {test}(") };
                if !file.contains(&function) {
                    missing.push(format!("{document}: {word}"));
                }
            }
        }
    }
    assert!(named > 330, "{named} are named");
    assert_eq!(missing, [""; 0]);
}
