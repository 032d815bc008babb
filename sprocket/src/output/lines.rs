//! Progress without a terminal: one line for each event.

use sprocket_core::engine::visible::visible;
use sprocket_core::engine::{Event, Events, Plan, StepOutcome};

use super::{done, infinitive, took};
use crate::console::{Console, Look};

/// Tells events line by line.
pub(crate) fn listener(console: Console, plan: &Plan) -> Events {
    let steps = plan.steps.len();
    let ended = std::sync::atomic::AtomicUsize::new(0);
    Events::to(move |event| {
        let ended = match &event {
            Event::StepEnded { .. } => ended.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1,
            _ => 0,
        };
        if let Some(line) = line(&event) {
            let line = if ended > 0 { format!("{line} [{ended}/{steps}]") } else { line };
            console.err_lines(&line, look);
        }
    })
}

/// An event as a line; some are not worth one. Whatever is in it, it stays one line.
pub(crate) fn line(event: &Event) -> Option<String> {
    told(event).map(|line| visible(&line).into_owned())
}

fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::StepStarted { address, action, .. } => format!("… {} {address}", infinitive(action)),
        Event::StepWaiting { address, .. } => format!("… wait until {address} works"),
        Event::StepRetried { address, cause, wait, .. } => format!("! {address}: {cause}; again in {}", took(*wait)),
        Event::StepEnded { address, action, outcome, took: time, .. } => match outcome {
            StepOutcome::Done => format!("✓ {address} {} ({})", done(action), took(*time)),
            StepOutcome::Unneeded => format!("✓ {address} needs nothing"),
            StepOutcome::Failed(failure) => {
                let cause = failure.message.lines().next().unwrap_or_default();
                format!("✗ {address} could not {} ({}): {cause}", infinitive(action), took(*time))
            }
            _ => return None,
        },
        Event::Stopping => {
            "! interrupted: nothing more starts, and what runs is waited for; again to stop at once".into()
        }
        _ => return None,
    })
}

pub(crate) fn look(line: &str) -> Look {
    match line.chars().next() {
        Some('✓') => Look::Good,
        Some('✗') => Look::Bad,
        Some('!') => Look::Change,
        _ => Look::Faint,
    }
}
