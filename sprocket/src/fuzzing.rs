//! Entry points for fuzzing: what this crate reads from files, and what the engine does. Each takes any bytes, and panics only
//! if a law is broken.

use std::collections::BTreeMap;

use serde::Deserialize;
use sprocket_core::program::{Password, Secret};
use sprocket_core::testing::fuzzing;
pub use sprocket_core::testing::fuzzing::{journal, saved_plan, state};

use crate::config::{self, File, Secrets};
use crate::pulumi::checkpoint::Checkpoint;
use crate::surroundings::Surroundings;

/// What an export of Pulumi's says.
pub fn checkpoint(bytes: &[u8]) {
    let read = (Checkpoint::read(bytes), Checkpoint::read(bytes));
    assert_eq!(read.0.err(), read.1.err());
}

/// A program's type of the sorts that a file may fill.
#[derive(Debug, Deserialize)]
struct Sorts {
    #[serde(default)]
    name: String,
    #[serde(default)]
    count: Option<u16>,
    #[serde(default)]
    tags: BTreeMap<String, Vec<i64>>,
    #[serde(default)]
    database: Option<Database>,
}

#[derive(Debug, Deserialize)]
struct Database {
    #[serde(default)]
    address: String,
    password: Option<Secret<String>>,
}

/// A `sprocket.toml`.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let file = File::of(text);
    let around = Surroundings::with_args(["plan"]);
    let Ok(table) = file.parse() else { return };
    let table = table.get_ref();
    let _ = config::choose(&around, None, &file, table);
    let Ok((environment, settings)) = config::choose(&around, Some("local"), &file, table) else { return };
    let _ = config::state_place(&environment, settings, &file, |place| Ok(place.to_owned()));
    let Ok((mut rest, _)) = config::take_providers(&environment, settings, &file) else { return };
    let Ok(folder) = config::take_secrets(&environment, &mut rest, &file) else { return };
    config::take_state(&mut rest);
    // Of what is read, nothing is looked for in a folder that the file names.
    let secrets = Secrets::of(&around).with_folder(folder.and(None));
    let read: Result<Sorts, _> = config::read(&environment, &rest, &file, &secrets);
    if let Ok(Sorts { name, count, tags, database }) = read {
        let password = database.as_ref().and_then(|database| database.password.as_ref());
        assert!(password.is_none(), "a secret comes from the file");
        drop((name, count, tags, database.map(|database| database.address)));
    }
}

/// Settings of kinds: the first byte says of which.
pub fn kinds(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        #[cfg(feature = "docker")]
        b'n' => fuzzing::spec::<sprocket_docker::Network>(bytes),
        #[cfg(feature = "docker")]
        b'v' => fuzzing::spec::<sprocket_docker::Volume>(bytes),
        #[cfg(feature = "docker")]
        b's' => fuzzing::spec::<sprocket_docker::Service>(bytes),
        #[cfg(feature = "dns")]
        b'd' => fuzzing::spec::<sprocket_dns::DnsRecord>(bytes),
        _ => fuzzing::spec::<Password>(bytes),
    }
}
