//! What there is to be. A tool may make it of anything: a request, a row of a table, a file.

use std::path::Path;

use serde::Deserialize;
use sprocket::prelude::*;

use super::text_file::{Folder, TextFile};

/// What a request chooses.
#[derive(Clone, Debug, Deserialize)]
pub struct Wanted {
    pub greeting: String,
}

/// A greeting in a file of this folder, and beside it what is known of a password.
pub fn site(folder: &Path, wanted: &Wanted) -> Stack {
    let mut stack = Stack::new();
    stack.connect(Folder::new(folder.display().to_string()));
    let password = stack.add(Password::new("robot"));
    let greeting = stack.add(TextFile::new("greeting", format!("{}\n", wanted.greeting)));
    let length = password.value.exposed().map(|text| format!("{} characters\n", text.len()));
    stack.add(TextFile::new("length", length));
    stack.output("greeting", &greeting.path);
    stack.output("password", &password.value);
    stack
}
