//! The modules of this crate are layers: each uses those before it in the list of `lib.rs`, and none after it.

use std::path::{Path, PathBuf};

const LIB: &str = include_str!("../src/lib.rs");

/// The layers of the list, the lowest one first.
fn layers() -> Vec<&'static str> {
    LIB.lines().filter_map(|line| line.strip_prefix("//! | `")?.split('`').next()).collect()
}

/// The modules of this crate that a source file names, by line; its unit tests may name any.
fn modules(source: &str) -> Vec<(usize, &str)> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = source.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|(number, line)| {
            let end = |path: &str| path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
            line.split("crate::").skip(1).map(move |path| (number + 1, &path[..end(path)]))
        })
        .collect()
}

/// What a file of a layer names and must not: a higher layer, or what is in no layer, so that each import says its layer.
fn upward(layers: &[&str], file: &str, source: &str) -> Vec<String> {
    let layer = file.split('/').next().unwrap_or(file).trim_end_matches(".rs");
    let rank = |name: &str| layers.iter().position(|layer| *layer == name);
    let own = rank(layer).unwrap_or_else(|| panic!("`{layer}` is not in the list of lib.rs"));
    modules(source)
        .into_iter()
        .filter(|(_, name)| rank(name).is_none_or(|used| used > own))
        .map(|(line, name)| format!("{file}:{line}: `{layer}` uses `{name}`"))
        .collect()
}

/// All source files in a folder, with their contents.
fn sources(folder: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), std::fs::read_to_string(path)?));
        }
    }
    Ok(found)
}

#[test]
fn no_layer_uses_a_higher_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let layers = layers();
    let mut found = Vec::new();
    for (path, source) in sources(&root).unwrap() {
        let file = path.strip_prefix(&root).unwrap().to_string_lossy();
        if file != "lib.rs" {
            found.extend(upward(&layers, &file, &source));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn import_of_a_higher_layer_is_found() {
    let layers = layers();
    let import = "use crate::base::Json;\nuse crate::{\n    engine::Engine,\n};\nuse crate::engine::Engine;\n";
    let expected = ["state/store.rs:2: `state` uses ``", "state/store.rs:5: `state` uses `engine`"];
    assert_eq!(upward(&layers, "state/store.rs", import), expected);
    assert_eq!(
        upward(&layers, "value/slot.rs", "fn a() { crate::plan::b() }"),
        ["value/slot.rs:1: `value` uses `plan`"]
    );
    assert_eq!(upward(&layers, "testing/suite.rs", "use crate::engine::Engine;"), Vec::<String>::new());
}
