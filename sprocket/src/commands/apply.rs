//! `apply` and `destroy`: show the plan, ask, do exactly that, and tell what was done.

use sprocket_core::engine::{Events, Goal, Plan};
use sprocket_core::engine::{Pattern, StepAction};
use sprocket_core::kind::Address;
use sprocket_core::program::Stack;

use super::plan::problems;
use super::saved;
use super::verify;
use crate::cli::{ApplyArgs, DestroyArgs, RunArgs};
use crate::console::Look;
use crate::output::{Progress, count, plan as plans, report as reports};
use crate::program::Exit;
use crate::session::{Need, Opening, Session};
use crate::trouble::Trouble;

/// Makes everything be as the program says, and asks it whether it works.
pub(super) async fn apply(opening: Opening<'_>, args: &ApplyArgs) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let mut is_second = false;
    let mut request = args.wanted.request();
    let mut left_out = Vec::new();
    loop {
        let engine = session.looking(Events::default()).await?;
        let plan = match &args.plan {
            Some(path) => engine.plan_saved(&stack, &saved::read(&session, path)?, &session.title()).await?,
            None => engine.plan(&stack, request.clone()).await?,
        };
        if !is_second || !plan.is_empty() || !plan.problems.is_empty() {
            plans::show(&session.console, &plan);
        }
        if !plan.problems.is_empty() {
            return Err(problems(plan.problems.len()));
        }
        left_out.clone_from(&plan.left_out);
        if plan.is_empty() {
            // There is no run that does it.
            session.unlocked(args.run.lock_timeout, async || engine.share_key().await).await?;
            break;
        }
        if !args.run.yes && args.plan.is_none() && !session.is_sandboxed() {
            confirm(&session, &format!("Apply this to {}? [y/N] ", session.title()), is_yes)?;
        }
        let exit = run(&session, &stack, &plan, &args.run).await?;
        if exit != Exit::Done {
            return Ok(exit);
        }
        // A provider was opened by this run: now what it has can be read, and planned.
        if plan.deferred.is_empty() {
            break;
        }
        if args.plan.is_some() {
            return Err(Trouble::new("all of the saved plan is applied, and what it could not read can be read now")
                .hint("plan again: the rest is shown then"));
        }
        is_second = true;
        // What was not read has not been replaced either; everything else has.
        let unread = plan.deferred.iter().flat_map(|deferred| &deferred.resources);
        let asked = |address: &&Address| request.replace.iter().any(|pattern| pattern.matches(address));
        let left: Vec<Pattern> = unread.filter(asked).map(Pattern::from).collect();
        request.replace = left;
    }
    let exit = verify::after_apply(&session, &stack, &left_out).await?;
    if session.is_sandboxed() && !session.console.is_json() {
        session.console.out_lines(NEXT, |_| Look::Faint);
    }
    Ok(exit)
}

/// Where to look after an apply in the sandbox.
const NEXT: &str = "\
The sandbox ends with this command, and its world stays beside the state: the next command finds it.
Look at `outputs`, `state list` and `graph`; change the program and run it again; `destroy` ends the world.";

/// Deletes what is recorded.
pub(super) async fn destroy(opening: Opening<'_>, args: &DestroyArgs) -> Result<Exit, Trouble> {
    let (mut session, stack) = opening.declared(Need::Sealed).await?;
    let is_sandboxed = session.is_sandboxed();
    let goal = Goal::Destroyed { include_kept: args.include_kept || is_sandboxed };
    let plan = session.looking(Events::default()).await?.plan(&stack, args.selection.request(goal)).await?;
    plans::show(&session.console, &plan);
    if !plan.problems.is_empty() {
        return Err(problems(plan.problems.len()));
    }
    let is_whole = plan.left_out.is_empty();
    if plan.is_empty() {
        if is_whole {
            session.end_world()?;
        }
        return Ok(Exit::Done);
    }
    let name = session.stack_name.clone();
    if is_sandboxed {
        // It holds nothing that anybody would miss.
    } else if args.include_kept {
        // `--yes` is no answer to this question: what is kept can't be made again.
        match &args.confirm {
            Some(given) if *given == name => {}
            Some(given) => return Err(Trouble::new(format!("`{given}` is not the stack's name; nothing was changed"))),
            None => {
                let question = format!("This deletes data of {} for good. The stack's name: ", session.title());
                confirm_with(&session, &question, |answer| answer == name, &format!("--confirm {name}"))?;
            }
        }
    } else if !args.run.yes {
        let deletes = plan.steps.iter().filter(|step| matches!(step.action, StepAction::Delete { .. })).count();
        confirm(&session, &format!("Delete {} of {}? [y/N] ", count(deletes, "object"), session.title()), is_yes)?;
    }
    let exit = run(&session, &stack, &plan, &args.run).await?;
    if exit == Exit::Done && is_whole {
        session.end_world()?;
    }
    Ok(exit)
}

pub(super) fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}

pub(super) fn confirm(session: &Session, question: &str, is_yes: impl Fn(&str) -> bool) -> Result<(), Trouble> {
    confirm_with(session, question, is_yes, "--yes")
}

/// Asks a person; without one, says which option answers.
fn confirm_with(session: &Session, question: &str, is_yes: impl Fn(&str) -> bool, option: &str) -> Result<(), Trouble> {
    if !session.console.is_terminal() {
        return Err(Trouble::new("nothing was changed: there is no terminal to ask on")
            .hint(format!("add `{option}` to do what is shown")));
    }
    match session.console.ask(question) {
        Some(answer) if is_yes(&answer) => Ok(()),
        _ => Err(Trouble::new("not confirmed; nothing of this was done")),
    }
}

async fn run(session: &Session, stack: &Stack, plan: &Plan, args: &RunArgs) -> Result<Exit, Trouble> {
    let (progress, events) = Progress::of(&session.console, plan);
    let engine = session.writing(events, args.continue_on_error).await?;
    if session.signals {
        // It goes on until the program ends: the checks after the run are interrupted by it too.
        tokio::spawn(interrupts(session.stop.clone()));
    }
    let result = session.unlocked(args.lock_timeout, async || engine.apply(stack, plan, &session.stop).await).await;
    progress.end();
    let report = result?;
    session.remember(plan.lineage.clone(), &report);
    reports::show(&session.console, &report);
    Ok(match () {
        () if report.interrupted => Exit::Interrupted,
        () if report.succeeded() => Exit::Done,
        () => Exit::Failed,
    })
}

/// Each interrupt of the process asks the run to stop: the first lets what runs finish, the second does not.
async fn interrupts(stop: sprocket_core::engine::Stop) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            tokio::select! {
                Some(()) = interrupt.recv() => {}
                Some(()) = terminate.recv() => {}
                else => return,
            }
            stop.request();
        }
    }
    #[cfg(not(unix))]
    while tokio::signal::ctrl_c().await.is_ok() {
        stop.request();
    }
}
