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
            let named = source.lines().filter_map(|line| line.trim().strip_prefix("const KIND: &'static str = \""));
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
