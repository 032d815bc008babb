//! `refresh --accept`: records what others have changed as it is.

use sprocket_core::engine::Step;
use sprocket_core::engine::{Events, Goal};

use super::apply::{confirm, is_yes};
use super::plan::{drifted, problems};
use crate::cli::RefreshArgs;
use crate::console::Look;
use crate::output::{count, plan as plans};
use crate::program::Exit;
use crate::session::{Need, Opening};
use crate::trouble::Trouble;

/// Shows what has drifted, asks, and records it.
pub(super) async fn refresh(opening: Opening<'_>, args: &RefreshArgs) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let request = args.selection.request(Goal::Declared);
    let plan = session.looking(Events::default()).await?.plan(&stack, request).await?;
    let steps: Vec<Step> = plan.steps.iter().filter_map(drifted).collect();
    let mut text: String = steps.iter().map(Step::to_string).collect();
    text.extend(plan.problems.iter().map(|problem| format!("problem: {problem}\n")));
    if steps.is_empty() && plan.problems.is_empty() {
        text.push_str("Nothing has drifted.");
    }
    session.console.out_lines(&text, plans::look);
    if !plan.problems.is_empty() {
        return Err(problems(plan.problems.len()));
    }
    if steps.is_empty() {
        return Ok(Exit::Done);
    }
    if !args.yes && !session.is_sandboxed() {
        let question =
            format!("Record this as it is, {} of {}? [y/N] ", count(steps.len(), "resource"), session.title());
        confirm(&session, &question, is_yes)?;
    }
    let accepted = session.writing(Events::default(), false).await?.accept(&stack, &plan).await?;
    let told = format!(
        "Recorded as it is: {}. `plan` shows where the program says otherwise.",
        count(accepted.len(), "resource")
    );
    session.console.out_lines(&told, |_| Look::Strong);
    Ok(Exit::Done)
}
