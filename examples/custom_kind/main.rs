//! A kind of one's own: text files in a folder, with everything that kinds have: plans, drift, adoption, crashes.
//!
//! ```text
//! cargo run --example custom_kind                 # writes target/custom-kind/{motd,index}
//! cargo run --example custom_kind -- verify
//! cargo run --example custom_kind -- destroy
//! ```

#![allow(unreachable_pub, reason = "a kind would be a crate's, and its items public")]

#[cfg(test)]
mod tests;
mod text_file;

use sprocket::Program;
use sprocket::prelude::*;
use text_file::{Folder, TextFile};

#[derive(serde::Deserialize)]
struct Config {
    folder: String,
    greeting: String,
}

fn files(stack: &mut Stack, config: &Config) {
    stack.connect(Folder::new(config.folder.as_str()));
    let motd = stack.add(TextFile::new("motd", format!("{}\n", config.greeting)));
    // A setting can be made of what another resource reports: this file is written after the other.
    stack.add(TextFile::new("index", motd.path.map(|path| format!("greeting {path}\n"))));
    stack.output("greeting", &motd.path);
}

fn main() -> std::process::ExitCode {
    // It knows the kind even when no file is declared any more, and can still delete what there is.
    Program::new("files").knowing::<Folder>().run(files)
}
