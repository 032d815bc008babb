//! One side of a comparison of whole commands: a program on the benches' provider, with its state in files, that plans, applies
//! or destroys once and ends, as a user's program does. `benches/against-terraform` runs it beside Terraform.
//!
//! ```text
//! side plan|apply|destroy FOLDER [--shape NAME] [--count N] [--changed] [--world FOLDER] [--latency MILLISECONDS]
//! ```
//!
//! The state and the key that lies beside it are in the folder. Without a world, an object is what is recorded of it.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use sprocket_benches::memory::{Memory, World};
use sprocket_benches::run;
use sprocket_benches::shapes::Shape;
use sprocket_core::engine::{Engine, Event, Events, Goal, Settings, StepOutcome, Stop};
use sprocket_core::state::FileStore;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    Plan,
    Apply,
    Destroy,
}

struct Asked {
    command: Command,
    folder: String,
    shape: Shape,
    count: usize,
    changed: bool,
    world: World,
}

fn main() -> ExitCode {
    let result = asked(std::env::args().skip(1)).and_then(|asked| run(side(&asked)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(mut arguments: impl Iterator<Item = String>) -> Result<Asked, Box<dyn Error>> {
    let command = match arguments.next().as_deref() {
        Some("plan") => Command::Plan,
        Some("apply") => Command::Apply,
        Some("destroy") => Command::Destroy,
        _ => return Err("plan, apply or destroy?".into()),
    };
    let folder = arguments.next().ok_or("the folder of the state is missing")?;
    let (mut shape, mut count, mut changed) = (Shape::Lanes, 1_000, false);
    let (mut world, mut latency) = (World::in_records(), Duration::ZERO);
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{option} needs a value"));
        match option.as_str() {
            "--shape" => {
                let name = value()?;
                shape = Shape::ALL.into_iter().find(|shape| shape.name() == name).ok_or("there is no such shape")?;
            }
            "--count" => count = value()?.parse()?,
            "--changed" => changed = true,
            "--world" => world = World::in_folder(Path::new(&value()?))?,
            "--latency" => latency = Duration::from_millis(value()?.parse()?),
            _ => return Err(format!("{option} is not an option").into()),
        }
    }
    world.set_latency(latency);
    Ok(Asked { command, folder, shape, count, changed, world })
}

/// What the command line does, without its asking: show the plan, do it, look whether it works.
async fn side(asked: &Asked) -> Result<(), Box<dyn Error>> {
    let store = FileStore::new(&asked.folder);
    let key = store.make_own_key().await?;
    let settings = Settings { events: Events::to(|event| tell(&event)), ..Settings::new(key) };
    let engine = Engine::new(Arc::new(store), settings).knowing::<Memory>();
    let stack = match asked.changed {
        true => asked.shape.changed(&asked.world, asked.count),
        false => asked.shape.stack(&asked.world, asked.count),
    };
    let goal = match asked.command {
        Command::Destroy => Goal::Destroyed { include_kept: false },
        Command::Plan | Command::Apply => Goal::Declared,
    };
    let plan = engine.plan(&stack, goal).await?;
    say(&plan.to_string());
    if !plan.problems.is_empty() {
        return Err("the plan has problems".into());
    }
    if asked.command == Command::Plan {
        return Ok(());
    }
    if !plan.is_empty() {
        let report = engine.apply(&stack, &plan, &Stop::default()).await?;
        say(&report.to_string());
        if !report.succeeded() {
            return Err("a step failed".into());
        }
    }
    if asked.command == Command::Apply && !engine.verify(&stack).await?.passed() {
        return Err("something does not work".into());
    }
    Ok(())
}

/// A line for what begins and one for what ends, as the command line has them.
fn tell(event: &Event) {
    match event {
        Event::StepStarted { address, action, .. } => say(&format!("… {action} {address}")),
        Event::StepEnded { address, action, outcome: StepOutcome::Done, took, .. } => {
            say(&format!("✓ {address} {action} ({took:?})"));
        }
        Event::StepEnded { address, outcome: StepOutcome::Failed(failure), .. } => {
            say(&format!("✗ {address}: {}", failure.message));
        }
        _ => {}
    }
}

/// Whoever reads it may have gone; the run goes on.
fn say(text: &str) {
    let _ = writeln!(stdout().lock(), "{text}");
}
