//! The corpora of the fuzz targets, replayed: what was found once stays found.

use std::fs;
use std::path::Path;

use sprocket::fuzzing;

/// Replays each file of a corpus.
#[track_caller]
fn replay(target: &str, entry: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("fuzz/corpus").join(target);
    let files = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut count = 0;
    for file in files {
        let path = file.expect("a folder can be read").path();
        entry(&fs::read(&path).expect("a file can be read"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", corpus.display());
}

#[test]
fn corpus_of_state_files_is_replayed() {
    replay("state", fuzzing::state);
}

#[test]
fn corpus_of_journals_is_replayed() {
    replay("journal", fuzzing::journal);
}

#[test]
fn corpus_of_saved_plans_is_replayed() {
    replay("saved_plan", fuzzing::saved_plan);
}

#[test]
fn corpus_of_checkpoints_is_replayed() {
    replay("checkpoint", fuzzing::checkpoint);
}

#[test]
fn corpus_of_configurations_is_replayed() {
    replay("config", fuzzing::config);
}

#[test]
fn corpus_of_kinds_is_replayed() {
    replay("kinds", fuzzing::kinds);
}
