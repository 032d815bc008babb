//! Reports and verdicts: what was and was not done, and whether it works.

use sprocket_core::engine::{Report, VerifyReport};

use super::{count, failure};
use crate::console::{Console, Look};

/// What a run did. Failures come before the counts, so that the last line says what to do next.
pub(crate) fn show(console: &Console, report: &Report) {
    if console.is_json() {
        return console.document(report);
    }
    for (step, failed) in report.failures() {
        console.err_lines(&failure::step(step, failed), failure::look);
    }
    for problem in &report.output_problems {
        console.err_lines(&format!("error: {problem}"), failure::look);
    }
    if let Some(failed) = &report.state_failure {
        let text = format!(
            "error: the state could not be written any more, and nothing more was started\n  cause: {failed}\n  \
             hint: what was begun is in the journal; run again once the store can be written"
        );
        console.err_lines(&text, failure::look);
    }
    console.out_lines(&report.to_string(), |_| Look::Strong);
}

/// Whether everything works: what failed, what passed if that is wanted, and the counts.
pub(crate) fn verdict(console: &Console, verdict: &VerifyReport, passed_too: bool) {
    if console.is_json() {
        return console.document(verdict);
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
    for unchecked in &verdict.unchecked {
        text.push_str(&format!("- {} was not checked: {}\n", unchecked.address, unchecked.reason));
    }
    text.push_str(&match (verdict.checks.len(), failed) {
        (0, _) => "Nothing declared here can be asked whether it works.".to_owned(),
        (all, 0) if !verdict.unchecked.is_empty() => {
            let unchecked = count(verdict.unchecked.len(), "resource");
            format!("Verified in part: {} passed, and {unchecked} could not be checked.", count(all, "check"))
        }
        (all, 0) => format!("Verified: {} passed.", count(all, "check")),
        (all, failed) => format!("Not verified: {failed} of {} failed.", count(all, "check")),
    });
    console.out_lines(&text, |line| match line.chars().next() {
        Some('✓') => Look::Good,
        Some('✗') => Look::Bad,
        _ => Look::Strong,
    });
}
