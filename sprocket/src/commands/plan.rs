//! `plan` and `drift`: look, and write nothing.

use sprocket_core::engine::{Events, Goal, Plan};
use sprocket_core::engine::{Reason, Step};

use super::saved;
use crate::cli::{LookArgs, PlanArgs};
use crate::output::{count, json as stream, plan as plans};
use crate::program::Exit;
use crate::session::{Need, Opening};
use crate::trouble::Trouble;

/// Shows what is to be done.
pub(super) async fn plan(opening: Opening<'_>, args: &PlanArgs) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let plan = session.looking(Events::default()).await?.plan(&stack, args.wanted.request()).await?;
    plans::show(&session.console, &plan);
    if !plan.problems.is_empty() {
        return Err(problems(plan.problems.len()));
    }
    if let Some(path) = &args.out {
        saved::write(&session, &plan, path).await?;
    }
    Ok(exit(&args.look, !plan.is_empty()))
}

/// The error of a plan that was shown with its problems.
pub(super) fn problems(number: usize) -> Trouble {
    Trouble::new(format!("the plan has {}, and can't be applied; nothing was changed", count(number, "problem")))
}

/// Shows what others have changed since it was applied.
pub(super) async fn drift(opening: Opening<'_>, args: &LookArgs) -> Result<Exit, Trouble> {
    let (session, stack) = opening.declared(Need::Sealed).await?;
    let plan = session.looking(Events::default()).await?.plan(&stack, Goal::Declared).await?;
    let steps: Vec<Step> = plan.steps.iter().filter_map(drifted).collect();
    if session.console.is_json() {
        session.console.object("drift", &stream::of_drift(&plan, &steps));
    } else {
        session.console.out_lines(&told(&plan, &steps), plans::look);
    }
    // What has a problem was not compared.
    if !plan.problems.is_empty() {
        return Err(Trouble::new(format!(
            "the plan has {}: more may have drifted",
            count(plan.problems.len(), "problem")
        )));
    }
    Ok(exit(args, !steps.is_empty()))
}

fn told(plan: &Plan, steps: &[Step]) -> String {
    let mut text: String = steps.iter().map(Step::to_string).collect();
    text.extend(plan.deferred.iter().map(|deferred| format!("… {deferred}\n")));
    text.extend(plan.problems.iter().map(|problem| format!("problem: {problem}\n")));
    text.push_str(&match steps.len() {
        0 if plan.deferred.is_empty() && plan.problems.is_empty() => "Nothing has drifted.".to_owned(),
        0 => "Nothing has drifted of what could be read.".to_owned(),
        number => format!("{} drifted; an apply puts back what is shown.", count(number, "resource")),
    });
    text
}

/// The part of a step that others are the reason for.
pub(super) fn drifted(step: &Step) -> Option<Step> {
    let mut step = step.clone();
    match step.reason {
        Reason::Gone => step.spec = None,
        _ if step.changes.iter().any(|change| change.drift) => {
            step.changes.retain(|change| change.drift);
            step.reason = Reason::Drifted;
        }
        Reason::Drifted => {}
        _ => return None,
    }
    Some(step)
}

fn exit(args: &LookArgs, pending: bool) -> Exit {
    if pending && args.detailed_exit_code { Exit::Pending } else { Exit::Done }
}
