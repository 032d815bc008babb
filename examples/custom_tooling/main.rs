//! The engine in a program that has its own way of showing things, and no command line of Sprocket's.
//!
//! Two runs on one state: the first writes two files, the second changes one and finds the other in order. Whatever
//! happens is an event; this program prints them as it likes.
//!
//! ```text
//! cargo run --example custom_tooling
//! ```

#![allow(unreachable_pub, reason = "a kind would be a crate's, and its items public")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program, and how it prints is its point")]

#[path = "../custom_kind/text_file.rs"]
mod text_file;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use sprocket::core::state::{FileStore, KeySource, generate_identity};
use sprocket::core::{Engine, Event, Events, Goal, Report, Settings, StepOutcome, Stop};
use sprocket::prelude::*;
use text_file::{Folder, TextFile};

/// What there is to be. A tool may make it of anything: a request, a row of a table, a file.
fn site(folder: &str, greeting: &str) -> Stack {
    let mut stack = Stack::new();
    stack.connect(Folder::at(folder));
    let password = stack.add(Password::new("robot"));
    let greeting = stack.add(TextFile::new("greeting", format!("{greeting}\n")));
    stack.output("greeting", &greeting.path);
    stack.add(TextFile::new("length", password.value.exposed().map(|text| format!("{} characters\n", text.len()))));
    stack
}

/// What this tool makes of the events of a run.
fn tell(event: Event) -> Option<String> {
    match event {
        Event::StepStarted { action, address, .. } => Some(format!("  … {action} {address}")),
        Event::StepEnded { address, outcome: StepOutcome::Done, .. } => Some(format!("  ✓ {address}")),
        Event::StepEnded { address, outcome: StepOutcome::Failed(failure), .. } => {
            Some(format!("  ✗ {address}: {}", failure.message))
        }
        _ => None,
    }
}

/// Plans and applies, and says what it did.
async fn reach(engine: &Engine, stack: &Stack) -> Result<Report, Box<dyn Error>> {
    let plan = engine.plan(stack, Goal::Declared).await?;
    println!("{} steps, {} in order", plan.steps.len(), plan.unchanged);
    // Here a tool could ask, or compare with what it allows: a plan is data.
    let report = engine.apply(stack, &plan, &Stop::default()).await?;
    Ok(report)
}

async fn run(folder: &std::path::Path, events: Events) -> Result<bool, Box<dyn Error>> {
    // Who can open the stack's key. Here it lives as long as the program; a real tool gets it from its surroundings.
    let key = KeySource::identity(generate_identity(), "this run");
    let store = Arc::new(FileStore::new(folder.join("state")));
    let engine = Engine::new(store, Settings { events, ..Settings::new(key) });
    let files = folder.join("files").display().to_string();
    for greeting in ["hello", "good evening"] {
        let report = reach(&engine, &site(&files, greeting)).await?;
        if !report.succeeded() {
            return Ok(false);
        }
    }
    Ok(engine.verify(&site(&files, "good evening")).await?.passed())
}

fn main() -> ExitCode {
    let events = Events::to(|event| {
        if let Some(line) = tell(event) {
            println!("{line}");
        }
    });
    let result = tempfile::tempdir().map_err(Into::into).and_then(|folder| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run(folder.path(), events))
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[test]
fn the_second_run_does_only_what_is_left() {
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let events = Events::to(move |event| sink.lock().unwrap().extend(tell(event)));
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(run(folder.path(), events)).unwrap());
    let lines = lines.lock().unwrap();
    assert_eq!(lines[lines.len() - 2..], ["  … update folder:file/greeting", "  ✓ folder:file/greeting"]);
    let written = std::fs::read_to_string(folder.path().join("files/length")).unwrap();
    assert!(written.ends_with("\n32 characters\n"), "{written}");
}
