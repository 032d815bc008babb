//! The commands, one file each; those that only look at the state share one.

mod apply;
mod graph;
mod import;
mod plan;
mod refresh;
mod saved;
mod state;
mod verify;

use crate::cli::Command;
use crate::doctor;
use crate::program::Exit;
use crate::session::Opening;
use crate::trouble::Trouble;

/// Runs a command.
pub(crate) async fn run(command: Command, opening: Opening<'_>) -> Result<Exit, Trouble> {
    match command {
        Command::Plan(args) => plan::plan(opening, &args).await,
        Command::Drift(args) => plan::drift(opening, &args).await,
        Command::Apply(args) => apply::apply(opening, &args).await,
        Command::Destroy(args) => apply::destroy(opening, &args).await,
        Command::Refresh(args) => refresh::refresh(opening, &args).await,
        Command::Import(args) => import::import(opening, args).await,
        Command::Verify { .. } => verify::verify(opening).await,
        Command::Outputs { json, reveal } => state::outputs(opening, json, reveal).await,
        Command::Graph => graph::graph(opening).await,
        Command::Doctor => doctor::doctor(opening).await,
        Command::State(command) => state::state(opening, command).await,
    }
}
