//! Reports and verdicts: what was and was not done, and whether it works.

use sprocket_core::{Report, StepOutcome, Verdict};

use super::{count, done, failure};
use crate::console::{Console, Look};

/// What a run did. Failures come before the counts, so that the last line says what to do next.
pub(crate) fn show(console: &Console, report: &Report) {
    if console.is_json() {
        return console.object("report", &super::json::of_report(report));
    }
    for (step, failed) in report.failures() {
        console.err_lines(&failure::step(step, failed), failure::look);
    }
    if let Some(failed) = &report.state_failure {
        let text = format!(
            "error: the state could not be written any more, and nothing more was started\n  cause: {failed}\n  \
             hint: what was begun is in the journal; run again once the store can be written"
        );
        console.err_lines(&text, failure::look);
    }
    console.out_lines(&summary(report), |_| Look::Strong);
}

/// `2 created, 1 failed, 3 not started. State is saved; run again to continue.`
pub(crate) fn summary(report: &Report) -> String {
    let mut parts: Vec<String> = Vec::new();
    for action in ["create", "adopt", "update", "await", "restore", "delete", "drop", "leave", "record"] {
        let number =
            report.steps.iter().filter(|step| step.action == action && step.outcome == StepOutcome::Done).count();
        if number > 0 {
            parts.push(format!("{number} {}", if action == "await" { "waited for" } else { done(action) }));
        }
    }
    let counts = [
        (report.count(|outcome| *outcome == StepOutcome::Unneeded), "unneeded"),
        (report.count(|outcome| matches!(outcome, StepOutcome::Failed(_))), "failed"),
        (report.count(|outcome| *outcome == StepOutcome::Abandoned), "cut off"),
        (report.count(|outcome| *outcome == StepOutcome::NotStarted), "not started"),
    ];
    parts.extend(counts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")));
    if !report.kept.is_empty() {
        parts.push(format!("{} kept", report.kept.len()));
    }
    let what = if parts.is_empty() { "Done".to_owned() } else { parts.join(", ") };
    let next = match () {
        () if report.state_failure.is_some() => " State is saved up to there; run again to continue.",
        () if report.interrupted && report.count(|outcome| *outcome == StepOutcome::Abandoned) > 0 => {
            " Interrupted. The next run finds out what came of it; run again to continue."
        }
        () if report.interrupted => " Interrupted. State is saved; run again to continue.",
        () if !report.succeeded() => " State is saved; run again to continue.",
        () => "",
    };
    format!("{what}.{next}")
}

/// Whether everything works: what failed, what passed if that is wanted, and the counts.
pub(crate) fn verdict(console: &Console, verdict: &Verdict, passed_too: bool) {
    if console.is_json() {
        return console.object("verdict", &super::json::of_verdict(verdict));
    }
    let failed = verdict.checks.iter().filter(|(_, check)| check.failure.is_some()).count();
    let mut text = String::new();
    for (address, check) in &verdict.checks {
        match &check.failure {
            None if !passed_too => {}
            None => text.push_str(&format!("✓ {address} {}\n", check.what)),
            Some(failure) => text.push_str(&format!("✗ {address} {}: {failure}\n", check.what)),
        }
    }
    text.push_str(&match (verdict.checks.len(), failed) {
        (0, _) => "Nothing declared here can be asked whether it works.".to_owned(),
        (all, 0) => format!("Verified: {} passed.", count(all, "check")),
        (all, failed) => format!("Not verified: {failed} of {} failed.", count(all, "check")),
    });
    console.out_lines(&text, |line| match line.chars().next() {
        Some('✓') => Look::Good,
        Some('✗') => Look::Bad,
        _ => Look::Strong,
    });
}
